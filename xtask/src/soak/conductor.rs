//! The long tests of the service.

/// The arguments of `cargo test` that name them.
pub(super) const ARGUMENTS: &[&str] = &[
    "--package",
    "rig-conductor",
    "--test",
    "scenarios",
    "--test",
    "store",
    "--test",
    "processes",
    "--no-fail-fast",
];

/// What a test prints before the figures that docs/measurements.md keeps.
pub(super) const MARK: &str = "measured: ";
