//! The beginning of a thread: the message that it hangs on, and its name.

use serde_json::{Value, json};

use super::super::text::{cut, escaped};
use super::SILENT;
use super::fields::{is_repo, one_line};

/// Returns the message that a thread hangs on, without its nonce; it makes no sound.
#[must_use]
pub fn starter(key: &str) -> Value {
    let mut embed = json!({
        "title": escaped(&one_line(&subject(key)), 250, "…"),
        "description": "Escalations about this are in the thread.",
        "footer": { "text": starter_marker(key) },
    });
    if let Some(url) = page(key) {
        embed["url"] = url.into();
    }
    json!({ "embeds": [embed], "allowed_mentions": { "parse": [] }, "flags": SILENT })
}

/// Returns the words by which the beginning of a thread is found again.
#[must_use]
pub fn starter_marker(key: &str) -> String {
    cut(&format!("thread {}", one_line(key)), 2000, "…")
}

/// Returns the name of a thread.
#[must_use]
pub fn thread_name(key: &str, branch: Option<&str>) -> String {
    let branch = branch.map(one_line).filter(|branch| !branch.is_empty());
    let name = match branch {
        Some(branch) => format!("{} - {branch}", subject(key)),
        None => subject(key),
    };
    cut(one_line(&name).trim(), 100, "…")
}

/// Returns what a thread is about: `owner/repo#15`, or `owner/repo issue 42`.
fn subject(key: &str) -> String {
    key.replacen("#issue-", " issue ", 1)
}

/// Returns the page of the pull request or issue of a thread.
fn page(key: &str) -> Option<String> {
    let (repo, number) = key.rsplit_once('#')?;
    let (kind, number) = match number.strip_prefix("issue-") {
        Some(number) => ("issues", number),
        None => ("pull", number),
    };
    let number: u64 = number.parse().ok().filter(|_| is_repo(repo))?;
    Some(format!("https://github.com/{repo}/{kind}/{number}"))
}
