//! What is kept of the guard's decisions: the log, and events for the coordinator.
//!
//! All of it happens after the answer, and no failure in it changes anything.

use std::path::PathBuf;

use rig_core::config::Config;
use rig_core::env::Environment;
use rig_core::git::{Repository, issue_of_branch};
use rig_core::identity::Identity;
use rig_core::paths::Paths;
use rig_core::spool::Spool;
use rig_core::text::{cut, redact};
use rig_core::{account, clock, log};
use rig_wire::{Category, Event, EventType, Severity};
use serde_json::{Value, json};

use crate::judge::Refused;
use crate::session;

/// The most that is kept of a command, in characters.
const COMMAND: usize = 500;

/// The log's name.
pub(crate) const LOG: &str = "rig-guard";

/// The call, or the change, that was decided about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    /// The tool, or the event.
    pub(crate) tool: String,
    /// What it was about to run, or which file it was about.
    pub(crate) command: String,
    /// The session's id.
    pub(crate) session: Option<String>,
    /// The session's directory.
    pub(crate) cwd: PathBuf,
}

/// Keeps what was decided about one call.
pub(crate) struct Audit<'a> {
    /// The environment, which may name the agent.
    pub(crate) env: &'a Environment,
    /// The rig's files.
    pub(crate) paths: &'a Paths,
    /// What was decided about.
    pub(crate) subject: &'a Subject,
}

impl Audit<'_> {
    /// Keeps a refusal, and counts it.
    pub(crate) fn refused(&self, refused: Refused) {
        let mut event = self.event(EventType::GuardBlocked);
        let category = refused.category;
        event.rule_id = Some(refused.rule.into_owned());
        event.reason = Some(redact(&refused.why));
        event.tool = Some(self.subject.tool.clone());
        event.command = Some(self.command());
        event.decision = Some("deny".to_owned());
        self.log(&serde_json::to_value(&event).unwrap_or_default());
        self.spool(&event);
        self.remember(|memory| memory.count(category));
    }

    /// Keeps that exceptions of a policy let a call through.
    pub(crate) fn excepted(&self, rule: &str, reason: &str) {
        self.log(&json!({
            "kind": "exception",
            "sessionId": self.subject.session,
            "tool": self.subject.tool,
            "ruleId": rule,
            "reason": redact(reason),
            "command": self.command(),
        }));
    }

    /// Keeps that a policy cannot be read, once a session for each problem.
    pub(crate) fn policy_is_broken(&self, problem: &str) {
        if !self.remember(|memory| memory.is_new(&format!("policy: {}", digest(problem)))) {
            return;
        }
        let mut event = self.event(EventType::GuardPolicyInvalid);
        event.reason = Some(redact(problem));
        self.log(&serde_json::to_value(&event).unwrap_or_default());
        self.spool(&event);
    }

    /// Asks for a person, once a session for each reason: a settings file on the disk would disarm the
    /// next session.
    pub(crate) fn settings_disarm(&self, why: &str) {
        if !self.remember(|memory| memory.is_new(&format!("settings: {}", digest(why)))) {
            return;
        }
        let mut event = self.event(EventType::EscalationCreated);
        let session = self.subject.session.as_deref().unwrap_or("unknown");
        event.escalation_id = Some(clock::new_id());
        event.severity = Some(Severity::P1);
        event.category = Some(Category::Security);
        event.reason = Some(format!(
            "A changed settings file of Claude Code would take the rig's hooks away at the next start: {}",
            cut(&redact(why), 1_000)
        ));
        event.details = Some(format!("changed: {}\nsession: {session}", self.command()));
        event.dedup_key = Some(format!("guard.settings:{session}"));
        self.spool(&event);
    }

    /// Keeps a check by hand.
    pub(crate) fn checked(&self, refused: Option<&Refused>) {
        self.log(&json!({
            "kind": "check",
            "sessionId": self.subject.session,
            "verdict": if refused.is_some() { "deny" } else { "allow" },
            "ruleId": refused.map(|r| r.rule.as_ref()),
            "command": self.command(),
        }));
    }

    /// Keeps a check of many commands by hand, as one entry, so that no check pushes others out of the log.
    pub(crate) fn checked_many(&self, count: u64, denied: u64) {
        self.log(&json!({
            "kind": "check",
            "sessionId": self.subject.session,
            "commands": count,
            "denied": denied,
            "command": self.command(),
        }));
    }

    fn command(&self) -> String {
        cut(&redact(&self.subject.command), COMMAND)
    }

    fn log(&self, entry: &Value) {
        if let Some(path) = self.paths.log(LOG) {
            let _ = log::append(&path, entry);
        }
    }

    fn spool(&self, event: &Event) {
        if let Some(dir) = self.paths.spool() {
            let _ = Spool::at(dir).append(event, None);
        }
    }

    fn remember<T>(&self, change: impl FnOnce(&mut session::Memory) -> T) -> T {
        let session = self.subject.session.as_deref().unwrap_or("");
        match &self.paths.state {
            Some(state) => session::remember(state, session, change),
            None => change(&mut session::Memory::default()),
        }
    }

    fn event(&self, kind: EventType) -> Event {
        let (config, _) = Config::load(self.paths);
        let (identity, _) = Identity::resolve(self.env, &config.agent, account::current().as_ref());
        let mut event = Event::new(kind, clock::new_id(), clock::now(), identity.id.as_str());
        if let Some(repository) = Repository::find(&self.subject.cwd) {
            event.repo = repository.slug();
            event.branch = repository.head().branch().map(str::to_owned);
            let issue = event.branch.as_deref().and_then(issue_of_branch);
            event.issue_number = issue.filter(|issue| issue.certain).map(|issue| issue.number);
        }
        event.session_id.clone_from(&self.subject.session);
        event
    }
}

/// Returns a short text that stands for a long one.
fn digest(text: &str) -> String {
    // FNV-1a: it only has to tell a few texts apart.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
