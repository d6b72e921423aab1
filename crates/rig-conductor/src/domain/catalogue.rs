//! The types of events that a coordinator takes.

/// A documented type of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventKind(&'static str);

/// Every documented type but those of escalations, as it is sent.
const KINDS: &[&str] = &[
    "ISSUE_APPROVED",
    "ISSUE_ASSIGNED",
    "ISSUE_UNASSIGNED",
    "WORK_STARTED",
    "BRANCH_CREATED",
    "PR_CREATED",
    "PR_CLOSED",
    "CI_PASSED",
    "CI_FAILED",
    "REVIEW_ASSIGNED",
    "REVIEW_PASSED",
    "REVIEW_DISPUTED",
    "HUMAN_GATE_TRIGGERED",
    "HUMAN_GATE_REMINDER",
    "MERGE_GATE_WAITING",
    "MERGED",
    "DEPLOYED_STAGING",
    "DEPLOYED_PRODUCTION",
    "SMOKE_PASSED",
    "SMOKE_FAILED",
    "E2E_PASSED",
    "E2E_FAILED",
    "VERIFIED",
    "ISSUE_DONE",
    "HEARTBEAT",
    "AGENT_STUCK",
    "ESCALATED",
    "MILESTONE_COMPLETE",
    "TOKEN_USAGE",
    "MEMORY_WRITE",
    "MEMORY_READ",
    "MEMORY_HIT_USED",
    "GUARD_BLOCKED",
    "GUARD_MISSED",
    "GUARD_POLICY_INVALID",
    "OPERATOR_OVERRIDE",
    "INCIDENT_DETECTED",
    "INCIDENT_RESOLVED",
    "CLI_PROGRESS",
    "CLI_COMPLETED",
    "ENVELOPE_TIMED_OUT",
];

impl EventKind {
    /// Finds a type by the way it is sent. Some are documented in small letters, so casing does not
    /// count.
    #[must_use]
    pub fn of_wire(text: &str) -> Option<Self> {
        KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(text)).map(|kind| Self(kind))
    }

    /// Returns the type as it is sent, such as `ISSUE_APPROVED`.
    #[must_use]
    pub fn wire(self) -> &'static str {
        self.0
    }

    /// Returns the alias under which it is stored, such as `issue_approved`.
    #[must_use]
    pub fn alias(self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Says whether it is the beat of an agent.
    #[must_use]
    pub fn is_heartbeat(self) -> bool {
        self.0 == "HEARTBEAT"
    }
}

/// Returns the record name of a stored alias: `issue_approved` is shown as `IssueApproved`.
#[must_use]
pub fn record_name(alias: &str) -> String {
    alias
        .split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_name_on_the_wire_one_in_the_store_and_one_when_read_back() {
        for (given, expected) in [
            ("ISSUE_APPROVED", Some(("ISSUE_APPROVED", "issue_approved", "IssueApproved"))),
            ("cli_progress", Some(("CLI_PROGRESS", "cli_progress", "CliProgress"))),
            ("E2E_PASSED", Some(("E2E_PASSED", "e2e_passed", "E2ePassed"))),
            ("INVALID", None),
            ("", None),
        ] {
            let kind = EventKind::of_wire(given);
            let names = kind.map(|k| (k.wire(), k.alias(), record_name(&k.alias())));
            let expected = expected.map(|(w, a, r)| (w, a.to_owned(), r.to_owned()));
            assert_eq!(names, expected, "{given}");
        }
    }
}
