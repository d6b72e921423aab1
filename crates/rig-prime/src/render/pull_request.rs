//! The words about pull requests.

use super::{Occasion, push};
use crate::facts::Facts;
use crate::github::model::{BranchReport, Decision, PullRequest, State, Thread};

/// How much is shown of what there may be many of.
struct Share {
    pull_requests: usize,
    checks: usize,
    threads: usize,
    outdated: usize,
    comment: usize,
}

impl Share {
    fn of(occasion: Occasion) -> Self {
        match occasion {
            Occasion::Start => Self { pull_requests: 10, checks: 8, threads: 12, outdated: 4, comment: 200 },
            Occasion::Compaction => {
                Self { pull_requests: 3, checks: 3, threads: 3, outdated: 1, comment: 80 }
            }
        }
    }
}

/// Returns the part of the first line.
pub(super) fn in_short(report: &BranchReport) -> String {
    match (&report.open[..], &report.closed) {
        ([pull], _) => {
            let draft = if pull.draft { " as a draft" } else { "" };
            let waiting = match waiting(pull, report.resolution_unknown) {
                text if text.is_empty() => String::new(),
                text => format!(" with {text}"),
            };
            format!("PR #{} is open{draft}{waiting}", pull.number)
        }
        ([], Some(pull)) if pull.state == State::Merged => {
            format!("PR #{} is already merged", pull.number)
        }
        ([], Some(pull)) => format!("PR #{} was closed without a merge", pull.number),
        ([], None) => "no pull request is open".to_owned(),
        (several, _) => {
            let numbers: Vec<String> =
                several.iter().take(10).map(|pull| format!("#{}", pull.number)).collect();
            format!("{} pull requests are open: {}", several.len(), numbers.join(", "))
        }
    }
}

/// Returns one line for each pull request.
pub(super) fn summaries(report: &BranchReport, facts: &Facts, occasion: Occasion) -> Vec<String> {
    let share = Share::of(occasion);
    let mut lines: Vec<String> =
        report.open.iter().take(share.pull_requests).map(|pull| summary(pull, report, facts)).collect();
    let hidden = report.open.len().saturating_sub(share.pull_requests);
    if hidden > 0 || report.more_open {
        lines.push("GitHub has more open pull requests of this branch name.".to_owned());
    }
    if let (true, Some(pull)) = (report.open.is_empty(), &report.closed) {
        let how = if pull.state == State::Merged { "already merged" } else { "closed without a merge" };
        lines.push(format!("PR #{} {} is {how}.{}", pull.number, pull.title, link(pull, facts)));
    }
    if report.resolution_unknown && !report.open.is_empty() {
        let why = "GitHub was asked without GraphQL, so review decisions and resolved threads are not known.";
        lines.push(why.to_owned());
    }
    lines.extend(report.left_out.iter().map(|what| format!("GitHub left something out: {what}")));
    lines
}

fn summary(pull: &PullRequest, report: &BranchReport, facts: &Facts) -> String {
    let draft = if pull.draft { " (draft)" } else { "" };
    let mut parts = Vec::new();
    match &pull.decision {
        Some(Decision::Approved) => parts.push("approved".to_owned()),
        Some(Decision::ChangesRequested) => parts.push("changes requested".to_owned()),
        Some(Decision::ReviewRequired) => parts.push("review required".to_owned()),
        Some(Decision::Other(word)) => parts.push(format!("review decision {}", word.word())),
        None if report.resolution_unknown => {}
        None => parts.push("no review decision".to_owned()),
    }
    if pull.conflicts == Some(true) {
        parts.push(format!("CONFLICTS with {}", pull.base.word()));
    }
    parts.push(checks(pull));
    match waiting(pull, report.resolution_unknown) {
        text if !text.is_empty() => parts.push(text),
        _ if report.resolution_unknown => parts.push("no review comments".to_owned()),
        _ => parts.push("no unresolved review threads".to_owned()),
    }
    if !pull.reviews.is_empty() {
        let reviews: Vec<String> = pull.reviews.iter().take(5).map(review).collect();
        parts.push(format!("reviews: {}{}", reviews.join(", "), more(pull.reviews.len(), 5)));
    }
    if !pull.closes.is_empty() {
        let issues: Vec<String> = pull
            .closes
            .iter()
            .take(5)
            .map(|issue| format!("{}#{}", issue.repository.word(), issue.number))
            .collect();
        parts.push(format!("closes {}", issues.join(", ")));
    }
    format!("PR #{}{draft} {}: {}.{}", pull.number, pull.title, parts.join("; "), link(pull, facts))
}

fn review(review: &crate::github::model::Review) -> String {
    let author = review.author.word();
    match review.state.word().as_str() {
        "APPROVED" => format!("{author} approved"),
        "CHANGES_REQUESTED" => format!("{author} requested changes"),
        // A comment is no decision, however it may read.
        "COMMENTED" => format!("{author} commented, which decides nothing"),
        "DISMISSED" => format!("{author} was dismissed"),
        other => format!("{author} {other}"),
    }
}

fn checks(pull: &PullRequest) -> String {
    let Some(checks) = &pull.checks else { return "no checks".to_owned() };
    let counts =
        [(checks.failing.len() as u64, "failing"), (checks.running, "running"), (checks.fine, "fine")];
    let counts: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let more = if checks.more { ", and more that were not looked at" } else { "" };
    format!("checks: {}{more}", counts.join(", "))
}

/// Says how many comments wait for an answer; empty where none does.
fn waiting(pull: &PullRequest, resolution_unknown: bool) -> String {
    let (current, outdated) = (pull.current().count(), pull.outdated().count());
    let plus = if pull.more_threads { "+" } else { "" };
    let (one, many) = if resolution_unknown {
        ("review comment", "review comments")
    } else {
        ("unresolved review thread", "unresolved review threads")
    };
    let noun = if current == 1 && plus.is_empty() { one } else { many };
    match (current, outdated) {
        (0, 0) if plus.is_empty() => String::new(),
        (_, 0) => format!("{current}{plus} {noun}"),
        (0, _) if plus.is_empty() => {
            format!("{outdated} outdated {}", if outdated == 1 { one } else { many })
        }
        _ => format!("{current}{plus} {noun} and {outdated} outdated"),
    }
}

/// Returns the address, made from the number, since GitHub's own would be a text from outside.
fn link(pull: &PullRequest, facts: &Facts) -> String {
    match (&facts.server, &facts.repository) {
        (Some(server), Some(repository)) => format!(" {server}/{repository}/pull/{}", pull.number),
        _ => String::new(),
    }
}

/// Returns what waits: failing checks and comments.
pub(super) fn details(report: &BranchReport, occasion: Occasion) -> Vec<String> {
    let share = Share::of(occasion);
    let mut lines = Vec::new();
    for pull in report.open.iter().take(share.pull_requests) {
        if let Some(checks) = pull.checks.as_ref().filter(|checks| !checks.failing.is_empty()) {
            let names: Vec<String> = checks
                .failing
                .iter()
                .take(share.checks)
                .map(|check| format!("{} ({})", check.name.word(), check.conclusion.word()))
                .collect();
            let more = more(checks.failing.len(), share.checks);
            lines.push(format!("Failing checks of PR #{}: {}{more}.", pull.number, names.join(", ")));
        }
        let (current, outdated) = if report.resolution_unknown {
            ("Review comments, resolved or not,", "Review comments on older code")
        } else {
            ("Unresolved review threads", "Unresolved threads on older code")
        };
        lines.extend(threads(pull, current, pull.current().collect(), share.threads, share.comment));
        lines.extend(threads(pull, outdated, pull.outdated().collect(), share.outdated, share.comment));
    }
    lines
}

fn threads(
    pull: &PullRequest,
    title: &str,
    threads: Vec<&Thread>,
    share: usize,
    comment: usize,
) -> Vec<String> {
    if threads.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("{title} of PR #{}:", pull.number)];
    for thread in threads.iter().take(share) {
        let mut line = format!("- {}", thread.path.word());
        if let Some(number) = thread.line {
            push(&mut line, format_args!(":{number}"));
        }
        push(&mut line, format_args!(", {}: {}", thread.author.word(), thread.comment.cut(comment)));
        match thread.replies {
            0 => {}
            1 => line.push_str(" (1 reply)"),
            n => push(&mut line, format_args!(" ({n} replies)")),
        }
        lines.push(line);
    }
    let hidden = threads.len().saturating_sub(share);
    if hidden > 0 {
        lines.push(format!("- and {hidden} more"));
    }
    lines
}

fn more(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        n => format!(" and {n} more"),
    }
}
