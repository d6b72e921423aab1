//! What is counted, in the form that Prometheus reads.

/// The counters of a service.
#[derive(Debug, Default)]
pub struct Metrics {}
