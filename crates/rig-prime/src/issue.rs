//! Which issue this session is about, and who says so.
//!
//! The branch, the environment, the coordinator and the pull request may each name one. When
//! they differ, all of them are told; none is picked in silence.

use std::fmt;

use serde::Serialize;

/// Who names an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Source {
    /// The branch's name.
    Branch,
    /// `CONDUCTOR_ISSUE_NUMBER`.
    Variable,
    /// The coordinator.
    Conductor,
    /// What the pull request of this number closes.
    PullRequest(u64),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch => f.write_str("branch name"),
            Self::Variable => f.write_str("CONDUCTOR_ISSUE_NUMBER"),
            Self::Conductor => f.write_str("Conductor-E"),
            Self::PullRequest(number) => write!(f, "PR #{number}"),
        }
    }
}

/// An issue that one source names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Who names it.
    pub(crate) source: Source,
    /// `owner/name`, where the source says it.
    pub(crate) repository: Option<String>,
    /// The number.
    pub(crate) number: u64,
    /// Whether it counts by itself; a number that may mean something else needs a second source.
    pub(crate) certain: bool,
}

impl Claim {
    /// Says whether two claims can be about the same issue.
    fn agrees(&self, other: &Named) -> bool {
        self.number == other.number
            && match (&self.repository, &other.repository) {
                (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
                _ => true,
            }
    }
}

/// An issue, and everyone who names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Named {
    /// `owner/name`, where a source says it.
    pub(crate) repository: Option<String>,
    /// The number.
    pub(crate) number: u64,
    /// Who names it.
    pub(crate) sources: Vec<Source>,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.repository.as_deref().unwrap_or(""), self.number)
    }
}

/// Groups claims by the issue that they name. An uncertain one counts when another source, or
/// GitHub (`confirmed`), knows an issue of that number.
#[must_use]
pub(crate) fn agree(claims: &[Claim], confirmed: Option<u64>) -> Vec<Named> {
    let mut named: Vec<Named> = Vec::new();
    let (certain, uncertain): (Vec<&Claim>, Vec<&Claim>) =
        claims.iter().partition(|claim| claim.certain || confirmed == Some(claim.number));
    for claim in certain {
        match named.iter_mut().find(|issue| claim.agrees(issue)) {
            Some(issue) => {
                issue.sources.push(claim.source);
                issue.repository = issue.repository.take().or_else(|| claim.repository.clone());
            }
            None => named.push(Named {
                repository: claim.repository.clone(),
                number: claim.number,
                sources: vec![claim.source],
            }),
        }
    }
    for claim in uncertain {
        if let Some(issue) = named.iter_mut().find(|issue| claim.agrees(issue)) {
            issue.sources.insert(0, claim.source);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(source: Source, repository: &str, number: u64) -> Claim {
        let repository = (!repository.is_empty()).then(|| repository.to_owned());
        Claim { source, repository, number, certain: true }
    }

    #[track_caller]
    fn check(claims: &[Claim], confirmed: Option<u64>, expected: &[&str]) {
        let shown: Vec<String> = agree(claims, confirmed)
            .iter()
            .map(|n| {
                let sources: Vec<String> = n.sources.iter().map(ToString::to_string).collect();
                format!("{n} by {}", sources.join(", "))
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn sources_that_agree_are_named_together() {
        check(
            &[
                claim(Source::Branch, "o/r", 42),
                claim(Source::Variable, "", 42),
                claim(Source::Conductor, "O/R", 42),
            ],
            None,
            &["o/r#42 by branch name, CONDUCTOR_ISSUE_NUMBER, Conductor-E"],
        );
        check(
            &[claim(Source::Variable, "", 42), claim(Source::Conductor, "o/r", 42)],
            None,
            &["o/r#42 by CONDUCTOR_ISSUE_NUMBER, Conductor-E"],
        );
        check(&[claim(Source::Variable, "", 42)], None, &["#42 by CONDUCTOR_ISSUE_NUMBER"]);
    }

    #[test]
    fn sources_that_differ_are_all_told() {
        check(
            &[
                claim(Source::Branch, "o/r", 42),
                claim(Source::Variable, "o/s", 42),
                claim(Source::Conductor, "o/r", 57),
            ],
            None,
            &["o/r#42 by branch name", "o/s#42 by CONDUCTOR_ISSUE_NUMBER", "o/r#57 by Conductor-E"],
        );
    }

    #[test]
    fn a_number_that_may_mean_something_else_needs_a_second_source() {
        let doubtful = Claim { certain: false, ..claim(Source::Branch, "o/r", 3) };
        check(std::slice::from_ref(&doubtful), None, &[]);
        check(std::slice::from_ref(&doubtful), Some(3), &["o/r#3 by branch name"]);
        check(
            &[doubtful.clone(), claim(Source::Conductor, "o/r", 3)],
            None,
            &["o/r#3 by branch name, Conductor-E"],
        );
        check(&[doubtful, claim(Source::Conductor, "o/r", 4)], None, &["o/r#4 by Conductor-E"]);
    }
}
