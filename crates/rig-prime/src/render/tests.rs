//! Whatever the sources return, the text keeps its promises.

use serde_json::{Map, Value, json};

use super::*;
use crate::escalation::Escalations;
use crate::facts::{Agent, Missing};
use crate::github::graphql;
use crate::guard::Hooks;
use crate::issue::Source;
use crate::quote::Quote;
use crate::target::{Head, Target};
use crate::worktree::Status;

/// A source of numbers that is the same in every run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn text(&mut self) -> String {
        let pieces = [
            "»",
            "«",
            "\n",
            "`",
            "</system-reminder>",
            "\u{202e}",
            "\u{1b}[31m",
            "\u{e9}",
            " ",
            "a",
            "word",
            "Guard: on",
            "\u{0}",
            "\u{1f600}",
            "/",
            "#",
        ];
        let size = self.pick(&[0, 1, 3, 3, 20, 20, 60, 60, 60, 200]);
        (0..size).map(|_| self.pick(&pieces)).collect()
    }

    /// Returns an answer of GitHub in which anything may be missing or of another kind.
    fn value(&mut self, name: &str, depth: usize) -> Value {
        const MEMBERS: &[(&str, &[&str])] = &[
            ("data", &["repository"]),
            ("repository", &["issue", "pullRequests", "nameWithOwner"]),
            ("pullRequests", &["totalCount", "nodes"]),
            (
                "nodes",
                &[
                    "number",
                    "title",
                    "state",
                    "isDraft",
                    "baseRefName",
                    "isCrossRepository",
                    "headRepositoryOwner",
                    "reviewDecision",
                    "mergeable",
                    "latestReviews",
                    "reviewThreads",
                    "closingIssuesReferences",
                    "statusCheckRollup",
                    "isResolved",
                    "isOutdated",
                    "path",
                    "line",
                    "comments",
                    "author",
                    "body",
                    "__typename",
                    "name",
                    "status",
                    "conclusion",
                    "context",
                    "repository",
                ],
            ),
            ("reviewThreads", &["totalCount", "nodes"]),
            ("latestReviews", &["nodes"]),
            ("comments", &["totalCount", "nodes"]),
            ("closingIssuesReferences", &["nodes"]),
            ("statusCheckRollup", &["contexts"]),
            ("contexts", &["totalCount", "nodes"]),
            ("author", &["login"]),
            ("headRepositoryOwner", &["login"]),
            ("issue", &["number", "title", "state"]),
        ];
        if self.below(40) == 0 {
            return self.pick(&[
                Value::Null,
                json!(true),
                json!(-1),
                json!(1.5),
                json!([]),
                json!({}),
                json!("x"),
            ]);
        }
        let members = MEMBERS.iter().find(|(known, _)| *known == name).filter(|_| depth > 0);
        let object = |noise: &mut Self| -> Value {
            let names = members.map_or(&[][..], |(_, names)| names);
            // What belongs to a pull request alone is left out further down.
            let own = ["latestReviews", "reviewThreads", "closingIssuesReferences", "statusCheckRollup"];
            let names = names
                .iter()
                .filter(|name| depth > 4 || !own.contains(name) && (depth > 2 || **name != "comments"));
            names.map(|n| ((*n).to_owned(), noise.value(n, depth - 1))).collect::<Map<_, _>>().into()
        };
        match name {
            "nodes" => {
                let size = match depth {
                    0..3 => self.below(2),
                    3..5 => self.pick(&[0, 2, 16, 16]),
                    _ => self.pick(&[0, 1, 2, 9, 9]),
                };
                (0..size).map(|_| object(self)).collect()
            }
            _ if members.is_some() => object(self),
            "number" | "line" | "totalCount" => self.pick(&[0, 1, 15, 42, 100, u64::MAX]).into(),
            "isResolved" | "isOutdated" | "isDraft" | "isCrossRepository" => self.pick(&[true, false]).into(),
            "state" => self.pick(&["OPEN", "MERGED", "CLOSED", "COMMENTED", "FAILURE", "?"]).into(),
            "login" => self.pick(&["acme", "ACME", "acme", "someone"]).into(),
            "status" => self.pick(&["COMPLETED", "QUEUED"]).into(),
            "mergeable" => self.pick(&["CONFLICTING", "MERGEABLE", "UNKNOWN"]).into(),
            _ => self.text().into(),
        }
    }

    /// What the coordinator might say of escalations.
    fn escalations(&mut self) -> Option<Escalations> {
        let list: Vec<Value> = (0..self.pick(&[0, 1, 7, 40]))
            .map(|_| {
                json!({
                    "id": self.text(), "severity": self.pick(&["P0", "?"]), "reason": self.text(),
                    "state": self.pick(&["open", "acked", "new"]), "agentId": self.pick(&["dev-e-node/x", "b"]),
                    "repo": self.text(), "issueNumber": self.pick(&[0, 1, 42]), "ackedBy": self.text(),
                })
            })
            .collect();
        let agent = rig_wire::AgentId::parse("dev-e-node").expect("an id");
        self.pick(&[None, Some(Escalations::read(&list, &agent, true))])
    }

    fn facts(&mut self) -> Facts {
        let target = Target {
            host: "github.com".into(),
            owner: "acme".into(),
            name: "app".into(),
            head: Head::Branch { owner: "acme".into(), name: "b".into() },
        };
        let report = graphql::report(&self.value("answer", 0), &target).ok();
        let answer = json!({ "data": self.value("data", 9), "errors": [{ "message": self.text() }] });
        let github = graphql::report(&answer, &target).ok().or(report);
        let named = |noise: &mut Self, source| Named {
            repository: noise.pick(&[None, Some("acme/app".to_owned())]),
            number: noise.pick(&[1, 42]),
            sources: vec![source],
        };
        let all = [
            named(self, Source::Branch),
            named(self, Source::Variable),
            named(self, Source::PullRequest(7)),
            named(self, Source::Conductor),
        ];
        let mut quote = |max| Quote::new(&self.text(), max);
        let guard = Guard::Off { reasons: vec![quote(160), quote(160)] };
        let drift = vec![quote(160), quote(160)];
        let tree = WorkTree {
            top: quote(100),
            branch: Some(quote(100)),
            detached: Some(quote(100)),
            operation: Some("rebase"),
            status: Some(Status { upstream: Some(quote(100)), staged: u64::MAX / 4, ..Status::default() }),
        };
        let agent = Agent {
            id: quote(100),
            status: Some(quote(60)),
            online: Some(true),
            issue: Some(1),
            repository: Some(quote(100)),
        };
        let escalations = self.escalations();
        let mut quote = |max| Quote::new(&self.text(), max);
        let identity = Who { id: "dev-e-node".into(), human: false, name: quote(100), email: quote(100) };
        let directory = quote(100);
        let remarks: Vec<String> = (0..self.below(8)).map(|_| crate::facts::remark(&self.text())).collect();
        let missing = (0..self.below(5)).map(|_| Missing::new(Missing::GITHUB, &self.text())).collect();
        Facts {
            hooks: Hooks { guard, drift },
            identity,
            directory,
            work_tree: self.pick(&[None, Some(tree)]),
            repository: self.pick(&[None, Some("acme/app".to_owned())]),
            server: self.pick(&[None, Some("https://github.com".to_owned())]),
            issues: all[..self.below(5)].to_vec(),
            agent: self.pick(&[None, Some(agent)]),
            escalations,
            github,
            missing,
            remarks,
        }
    }
}

#[test]
fn whatever_the_sources_return_the_text_fits_and_has_its_first_and_last_line() {
    let mut noise = Noise(0x5eed);
    let (mut full, mut reported) = (0, 0);
    for round in 0..80 {
        let facts = noise.facts();
        reported += usize::from(facts.github.as_ref().is_some_and(|report| !report.open.is_empty()));
        for occasion in [Occasion::Start, Occasion::Compaction] {
            let text = text(&facts, occasion);
            let size = text.chars().count();
            assert!(size <= LIMIT, "{size} characters in round {round}");
            full += usize::from(size > LIMIT - 1000);
            let lines: Vec<&str> = text.lines().collect();
            let (first, last) = (lines[0], lines[lines.len() - 1]);
            assert!(first.starts_with("You are dev-e-node") && first.ends_with('.'), "{first}");
            assert_eq!(last, closing(&facts));
            let seen: String = text.chars().take(SEEN).collect();
            assert!(seen.contains(last) && seen.contains("\nGuard: OFF"), "{seen}");
            assert!(!text.contains("</system-reminder>"));
            assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text}");
        }
    }
    // The noise is not so wild that there is nothing to print, nor so tame that all of it fits.
    assert!(full > 3 && reported > 30, "{full} full texts, {reported} reports");
}

#[test]
fn lines_that_do_not_fit_go_from_the_end_and_are_counted() {
    let lines: Vec<String> = (0..400).map(|n| format!("{n} {}", "x".repeat(50))).collect();
    let text = fit("first".into(), lines, "last");
    let shown: Vec<&str> = text.lines().collect();
    assert!(text.chars().count() <= LIMIT && text.chars().count() > LIMIT - 120);
    assert_eq!((shown[0], shown[1], shown[2].split(' ').next()), ("first", "last", Some("0")));
    let left_out = 400 - (shown.len() - 4);
    assert_eq!(shown[shown.len() - 2..], [format!("({left_out} more lines are left out.)").as_str(), "last"]);
}
