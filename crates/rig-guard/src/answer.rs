//! What a refusal says, and where it is kept.

use std::path::PathBuf;

use rig_core::config::Config;
use rig_core::env::Environment;
use rig_core::git::{Repository, issue_of_branch};
use rig_core::identity::Identity;
use rig_core::paths::Paths;
use rig_core::spool::Spool;
use rig_core::text::{clean, cut, redact};
use rig_core::{account, clock, log};
use rig_wire::{Event, EventType};

use crate::judge::Refused;

/// The most that is shown of the part that was refused, in characters.
const PART: usize = 300;
/// The most that is kept of a command, in characters.
const COMMAND: usize = 500;

/// Returns what the model reads: at most five lines.
#[must_use]
pub(crate) fn text(refused: &Refused) -> String {
    let mut text = format!("rig-guard: blocked by {}\n{}\n", refused.rule, clean(&refused.why));
    if !refused.part.is_empty() {
        text.push_str(&format!("part: {}\n", cut(&clean(&redact(&refused.part)), PART)));
    }
    text.push_str(&format!("instead: {}\n", refused.instead));
    text.push_str(
        "If it is really wanted, a person can run it in their own terminal; another spelling will not do.\n",
    );
    text
}

/// What is kept of a refusal.
pub(crate) struct Blocked {
    /// The tool, or the event.
    pub(crate) tool: String,
    /// What it was about to run, or which file it was about.
    pub(crate) command: String,
    /// The session's id.
    pub(crate) session: Option<String>,
    /// The session's directory.
    pub(crate) cwd: PathBuf,
    /// Why it was refused.
    pub(crate) refused: Refused,
}

impl Blocked {
    /// Appends the refusal to the log and to the spool. Neither failure changes anything.
    pub(crate) fn keep(self, env: &Environment, paths: &Paths) {
        let event = self.event(env, paths);
        if let (Some(path), Ok(entry)) = (paths.log("rig-guard"), serde_json::to_value(&event)) {
            let _ = log::append(&path, &entry);
        }
        if let Some(dir) = paths.spool() {
            let _ = Spool::at(dir).append(&event, None);
        }
    }

    fn event(self, env: &Environment, paths: &Paths) -> Event {
        let (config, _) = Config::load(paths);
        let (identity, _) = Identity::resolve(env, &config.agent, account::current().as_ref());
        let mut event =
            Event::new(EventType::GuardBlocked, clock::new_id(), clock::now(), identity.id.as_str());
        if let Some(repository) = Repository::find(&self.cwd) {
            event.repo = repository.slug();
            event.branch = repository.head().branch().map(str::to_owned);
            let issue = event.branch.as_deref().and_then(issue_of_branch);
            event.issue_number = issue.filter(|issue| issue.certain).map(|issue| issue.number);
        }
        event.session_id = self.session;
        event.tool = Some(self.tool);
        event.rule_id = Some(self.refused.rule.into_owned());
        event.reason = Some(redact(&self.refused.why));
        event.command = Some(cut(&redact(&self.command), COMMAND));
        event.decision = Some("deny".to_owned());
        event
    }
}
