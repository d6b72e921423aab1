//! What a tool call brought into being.
//!
//! Facts, not words: a branch counts as created when its reflog begins during the call, and a pull
//! request when the command that opens one printed its page on a line of its own. A command that
//! only mentions either reports nothing.

use std::path::Path;

use rig_core::clock::unix_seconds;
use rig_core::files;
use rig_core::git::{Repository, branch_name};
use rig_core::hook::Payload;
use serde::Deserialize;
use serde_json::value::RawValue;

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

/// The most that is read of a reflog, for its first entry, in bytes.
const ENTRY: u64 = 4 << 10;

/// The most branches that one command is taken to create.
const BRANCHES: usize = 32;

/// The longest page, in characters.
const PAGE: usize = 300;

/// How much longer than the call's own duration a branch may be old, in seconds.
const SLACK: u64 = 3;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    command: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Output {
    stdout: Option<String>,
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
        let place = repository.common_dir.display();
        for branch in current.into_iter().chain(named_branches(&command)) {
            let is_new = |session: &mut Session| session.is_new(&format!("branch {branch} {place}"));
            if born_since(&repository, &branch, earliest) && is_new(session) {
                found.push(Seen::Branch(branch));
            }
        }
    }
    let response = payload.tool_response.map_or("", RawValue::get);
    let pull = if payload.event() != "PostToolUse" {
        None
    } else if tool == "Bash" && opens_pull_request(&command) {
        printed(response)
    } else if tool.starts_with("mcp__") && tool.ends_with("create_pull_request") {
        pull_request(response)
    } else {
        None
    };
    if let Some(pull) = pull
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
    let Ok(log) = files::read_start(&log, ENTRY) else { return false };
    let log = String::from_utf8_lossy(&log);
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
    named.filter_map(branch_name).take(BRANCHES).map(str::to_owned).collect()
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

/// Finds the page of a pull request that a command printed, which stands on a line of its own: a
/// command that only mentions another one may print any page in the midst of its text.
fn printed(response: &str) -> Option<PullRequest> {
    let output: Output = serde_json::from_str(response).ok()?;
    output.stdout?.lines().find_map(|line| page(line.trim()).filter(|pull| pull.url == line.trim()))
}

/// Finds the first page of a pull request in a text: `https://host/owner/name/pull/15`.
fn pull_request(text: &str) -> Option<PullRequest> {
    let starts = text.match_indices("http").map(|(at, _)| &text[at..]);
    starts.filter_map(page).next()
}

fn page(text: &str) -> Option<PullRequest> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let scheme = &text[..text.len() - rest.len()];
    let end = rest
        .bytes()
        .take(PAGE)
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'.' | b'-' | b'_')))
        .unwrap_or(rest.len().min(PAGE));
    let parts: Vec<&str> = rest.get(..end)?.split('/').collect();
    let [host, owner, name, "pull", number, ..] = parts[..] else { return None };
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = number[..digits].parse().ok().filter(|n| *n > 0)?;
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
            ("http".repeat(500_000).as_str(), None),
            ("http://x/".repeat(100_000).as_str(), None),
        ] {
            let found = pull_request(text).map(|p| format!("{} {} {}", p.repo, p.number, p.url));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_page_in_the_midst_of_what_was_printed_is_not_the_one_that_was_opened() {
        let url = "https://github.com/o/r/pull/15";
        for (stdout, expected) in [
            (format!("Creating pull request\n\n  {url}\n"), Some(15)),
            (format!("docs/x.md: gh pr create prints {url}\n"), None),
            (format!("{url} is an example\n{url}/files\n"), None),
        ] {
            let response = serde_json::json!({"stdout": stdout, "stderr": url}).to_string();
            assert_eq!(printed(&response).map(|p| p.number), expected);
        }
        assert_eq!((printed("\"text\""), printed("")), (None, None));
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
            ("git checkout -b /dev/zero", vec![]),
            ("git status", vec![]),
        ] {
            assert_eq!(named_branches(command), expected, "{command}");
        }
    }
}
