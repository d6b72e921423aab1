use std::time::Duration;

use rig_wire::Severity;

/// What decides when an escalation is raised, repeated or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a P2 may be without ack before it becomes P1.
    pub bump_p2_after: Duration,
    /// How long a P1 may be without ack before it becomes P0.
    pub bump_p1_after: Duration,
    /// How often people are told again of a P0 without ack; `None`: never.
    pub remind_every: Option<Duration>,
    /// How many escalations a token may create.
    pub flood: Flood,
    /// Where people are told.
    pub routes: Routes,
}

/// The bound on creations per token and severity. A P0 beyond it is added to another P0, never refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flood {
    /// So many.
    pub creations: u32,
    /// In this time.
    pub window: Duration,
}

/// The routes that are set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Whether Discord is set up at all.
    pub discord: bool,
    /// The ids of the people who get a P0 as a direct message.
    pub p0_users: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        const LEVEL: Duration = Duration::from_secs(4 * 60 * 60);
        Self {
            bump_p2_after: LEVEL,
            bump_p1_after: LEVEL,
            remind_every: Some(Duration::from_secs(30 * 60)),
            flood: Flood { creations: 10, window: Duration::from_secs(10 * 60) },
            routes: Routes::default(),
        }
    }
}

impl Policy {
    /// Returns how long an escalation may be without ack at a severity; a P0 is not raised.
    #[must_use]
    pub fn bump_after(&self, severity: Severity) -> Option<Duration> {
        match severity {
            Severity::P2 => Some(self.bump_p2_after),
            Severity::P1 => Some(self.bump_p1_after),
            Severity::P0 => None,
        }
    }
}
