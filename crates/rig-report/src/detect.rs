//! What a tool call brought into being.
//!
//! Facts, not words: a branch counts as created when its reflog begins during the call, and a pull
//! request when the command that opens one printed its page. A command that only mentions either
//! reports nothing.

use std::fs;
use std::path::Path;

use rig_core::clock::unix_seconds;
use rig_core::git::Repository;
use rig_core::hook::Payload;
use serde::Deserialize;

use crate::session::Session;

/// Something that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A local branch.
    Branch(String),
    /// A pull request.
    PullRequest(PullRequest),
}

/// A pull request by its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PullRequest {
    pub(crate) repo: String,
    pub(crate) number: u64,
    pub(crate) url: String,
}

/// How much longer than the call's own duration a branch may be old, in seconds.
const SLACK: u64 = 3;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    command: Option<String>,
}

/// Returns what this call created and was not told yet.
pub(crate) fn seen(payload: &Payload<'_>, cwd: &Path, session: &mut Session) -> Vec<Seen> {
    let tool = payload.tool_name.as_deref().unwrap_or("");
    if !matches!(payload.event(), "PostToolUse" | "PostToolUseFailure") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let input: Option<Input> = payload.tool_input.and_then(|input| serde_json::from_str(input.get()).ok());
    let command = input.and_then(|i| i.command).unwrap_or_default();
    if matches!(tool, "Bash" | "Monitor" | "PowerShell")
        && let Some(repository) = Repository::find(cwd)
    {
        let earliest = unix_seconds().saturating_sub(call_seconds(payload) + SLACK);
        let current = repository.head().branch().map(str::to_owned);
        for branch in current.into_iter().chain(named_branches(&command)) {
            if born_since(&repository, &branch, earliest) && session.is_new(&format!("branch {branch}")) {
                found.push(Seen::Branch(branch));
            }
        }
    }
    let opens = tool == "Bash" && opens_pull_request(&command)
        || tool.starts_with("mcp__") && tool.ends_with("create_pull_request");
    if opens
        && payload.event() == "PostToolUse"
        && let Some(pull) = payload.tool_response.and_then(|r| pull_request(r.get()))
        && session.is_new(&format!("pull {}", pull.url))
    {
        found.push(Seen::PullRequest(pull));
    }
    found
}

/// Returns how long the call took, in whole seconds; ten minutes where the client does not say,
/// since that is its own limit.
fn call_seconds(payload: &Payload<'_>) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    payload.duration_ms.map_or(600, |ms| (ms / 1000.0).clamp(0.0, 86_400.0).ceil() as u64)
}

/// Says whether a branch's reflog begins at or after a time with its creation. One that was only
/// fetched and checked out under the same name is not new.
fn born_since(repository: &Repository, branch: &str, earliest: u64) -> bool {
    let log = repository.common_dir.join("logs/refs/heads").join(branch);
    let Ok(log) = fs::read_to_string(log) else { return false };
    let Some((entry, message)) = log.lines().next().and_then(|line| line.split_once('\t')) else {
        return false;
    };
    let from_nothing = entry.split(' ').next().is_some_and(|old| old.bytes().all(|b| b == b'0'));
    let at: Option<u64> = entry.rsplit(' ').nth(1).and_then(|seconds| seconds.parse().ok());
    let Some(source) = message.strip_prefix("branch: Created from ") else { return false };
    from_nothing && at.is_some_and(|at| at >= earliest) && !source.ends_with(&format!("/{branch}"))
}

/// Returns the words behind an option or command of git that makes branches. They are only
/// candidates: what is no branch born in this call is dropped.
fn named_branches(command: &str) -> Vec<String> {
    let words = words(command);
    let makes =
        |word: &str| matches!(word, "-b" | "-B" | "-c" | "-C" | "--create" | "--force-create" | "branch");
    let named = words.windows(2).filter(|pair| makes(pair[0])).map(|pair| pair[1]);
    // Longer names and parents of a directory are no branches.
    named.filter(|n| n.len() < 256 && !n.starts_with('-') && !n.contains("..")).map(str::to_owned).collect()
}

/// Says whether a command opens a pull request with GitHub's command line.
fn opens_pull_request(command: &str) -> bool {
    let words = words(command);
    words.iter().enumerate().any(|(at, word)| {
        let gh = word.rsplit('/').next() == Some("gh");
        let rest = &words[at + 1..];
        gh && rest.windows(2).take(6).any(|pair| pair[0] == "pr" && matches!(pair[1], "create" | "new"))
    })
}

fn words(command: &str) -> Vec<&str> {
    command
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')'))
        .map(|word| word.trim_matches(['"', '\'']))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Finds the first page of a pull request in a text: `https://host/owner/name/pull/15`.
fn pull_request(text: &str) -> Option<PullRequest> {
    let starts = text.match_indices("http").map(|(at, _)| &text[at..]);
    starts.filter_map(page).next()
}

fn page(text: &str) -> Option<PullRequest> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '-' | '_')))
        .unwrap_or(text.len());
    let url = &text[..end];
    let path = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let parts: Vec<&str> = path.split('/').collect();
    let [host, owner, name, "pull", number, ..] = parts[..] else { return None };
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = number[..digits].parse().ok().filter(|n| *n > 0)?;
    let scheme = &url[..url.len() - path.len()];
    (![host, owner, name].contains(&"")).then(|| PullRequest {
        repo: format!("{owner}/{name}"),
        number,
        url: format!("{scheme}{host}/{owner}/{name}/pull/{number}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_pull_request_is_found_in_what_was_printed() {
        for (text, expected) in [
            (
                r#"{"stdout":"Creating pull request\n\nhttps://github.com/o/r/pull/15\n"}"#,
                Some("o/r 15 https://github.com/o/r/pull/15"),
            ),
            (
                r#"[{"type":"text","text":"{\"html_url\":\"https://ghe.example.com/o/r.x/pull/7\"}"}]"#,
                Some("o/r.x 7 https://ghe.example.com/o/r.x/pull/7"),
            ),
            ("https://github.com/o/r/pull/15/files.", Some("o/r 15 https://github.com/o/r/pull/15")),
            ("visit https://github.com/o/r/pull/new/feat", None),
            ("http https://github.com/o/r/pull/0", None),
            ("https://github.com//r/pull/3", None),
            ("nothing", None),
        ] {
            let found = pull_request(text).map(|p| format!("{} {} {}", p.repo, p.number, p.url));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_the_command_that_opens_one_counts() {
        for (command, expected) in [
            ("gh pr create --fill", true),
            ("git push -u origin x && gh pr create -t a -b b", true),
            ("(gh -R o/r pr create)", true),
            ("/usr/bin/gh pr new", true),
            ("gh pr view 15", false),
            ("gh pr list; echo create", false),
            ("echo pr create", false),
        ] {
            assert_eq!(opens_pull_request(command), expected, "{command}");
        }
    }

    #[test]
    fn candidates_are_the_words_behind_what_makes_a_branch() {
        for (command, expected) in [
            ("git checkout -b feat/42-x", vec!["feat/42-x"]),
            ("cd x&&git switch -c 'a' && git branch b", vec!["a", "b"]),
            ("git worktree add -b w ../w main", vec!["w"]),
            ("git branch -d old", vec![]),
            ("git checkout -b ../../x", vec![]),
            ("git status", vec![]),
        ] {
            assert_eq!(named_branches(command), expected, "{command}");
        }
    }
}
