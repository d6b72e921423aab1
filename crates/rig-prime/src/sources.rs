//! The sources that have to be waited for, each in a thread of its own.

use std::os::unix::process::CommandExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rig_core::conductor::{Budget, Conductor, ConductorError, Embedded, Endpoint};
use rig_core::config::ConductorSection;
use rig_core::env::{Environment, ProjectEnv};
use rig_core::git::Repository;
use rig_wire::AgentId;

use crate::command::CommandError;
use crate::deadline::Deadline;
use crate::escalation::Escalations;
use crate::facts::{Agent, Missing};
use crate::github::model::BranchReport;
use crate::github::{self, Asker};
use crate::quote::{NAME, Quote};
use crate::target::{self, Target};
use crate::tools::Tools;
use crate::worktree::{self, Status};

/// What the sources need to know.
#[derive(Debug)]
pub(crate) struct Question {
    /// The process environment.
    pub(crate) env: Environment,
    /// What of it the project set.
    pub(crate) project: ProjectEnv,
    /// Where the settings say that the coordinator is.
    pub(crate) conductor: ConductorSection,
    /// Who asks.
    pub(crate) agent: AgentId,
    /// The working copy.
    pub(crate) repository: Option<Repository>,
    /// `owner/name` of the repository, as its configuration spells it.
    pub(crate) spelled: Option<String>,
    /// The branch that is worked on.
    pub(crate) branch: Option<String>,
    /// The number of the issue, as far as it is known.
    pub(crate) issue: Option<u64>,
    /// The programs, and when a source gives up.
    pub(crate) tools: Tools,
}

/// What the sources answered. `None` stands for one that has not answered, or was not asked.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Git, about local changes.
    pub(crate) status: Option<Status>,
    /// Conductor-E, about this agent.
    pub(crate) agent: Option<Agent>,
    /// Conductor-E, about what people were asked for.
    pub(crate) escalations: Option<Escalations>,
    /// Git, about the remotes.
    pub(crate) target: Option<Target>,
    /// GitHub.
    pub(crate) report: Option<BranchReport>,
    /// Those that gave nothing.
    pub(crate) missing: Vec<Missing>,
    /// What else should be known.
    pub(crate) remarks: Vec<String>,
}

/// What a source sends.
enum Message {
    Status(Status),
    Agent(Agent),
    Escalations(Escalations),
    Target(Target),
    Report(BranchReport),
    Missing(Missing),
    Remark(String),
    Done(&'static str),
}

/// Asks one source and sends what it says.
type Source = fn(&Question, &Sender<Message>);

/// The sources, which are at work.
pub(crate) struct Sources {
    receiver: Receiver<Message>,
    asked: Vec<&'static str>,
}

impl Sources {
    /// Starts to ask all of them.
    #[must_use]
    pub(crate) fn start(question: Question) -> Self {
        let (sender, receiver) = channel();
        let question = Arc::new(question);
        let sources: [(&'static str, Source); 3] = [
            (Missing::GIT, git_status),
            (Missing::CONDUCTOR, conductor),
            (Missing::GITHUB, remotes_and_github),
        ];
        let asked = sources.map(|(name, source)| {
            let (question, sender) = (Arc::clone(&question), sender.clone());
            std::thread::spawn(move || {
                source(&question, &sender);
                send(&sender, Message::Done(name));
            });
            name
        });
        Self { receiver, asked: asked.into() }
    }

    /// Waits until all have answered, or until the deadline; those that have not are missing then.
    #[must_use]
    pub(crate) fn wait(mut self, deadline: Deadline) -> Answers {
        let mut answers = Answers::default();
        while !self.asked.is_empty() {
            // What has arrived counts, also when the time is over.
            let message = match deadline.left() {
                Some(left) => self.receiver.recv_timeout(left).ok(),
                None => self.receiver.try_recv().ok(),
            };
            match message {
                Some(Message::Status(status)) => answers.status = Some(status),
                Some(Message::Agent(agent)) => answers.agent = Some(agent),
                Some(Message::Escalations(found)) => answers.escalations = Some(found),
                Some(Message::Target(target)) => answers.target = Some(target),
                Some(Message::Report(report)) => answers.report = Some(report),
                Some(Message::Missing(missing)) => answers.missing.push(missing),
                Some(Message::Remark(remark)) => answers.remarks.push(remark),
                Some(Message::Done(source)) => self.asked.retain(|asked| *asked != source),
                None => break,
            }
        }
        // The order of arrival says nothing.
        answers.remarks.sort();
        // A source that has said why it gives nothing may be late to say that it is done.
        let silent = |source: &&&'static str| !answers.missing.iter().any(|told| told.source == **source);
        let late: Vec<&'static str> = self.asked.iter().filter(silent).copied().collect();
        answers.missing.extend(late.into_iter().map(|source| Missing::new(source, "did not answer in time")));
        answers.missing.sort_by_key(|missing| missing.source);
        answers
    }
}

/// Sends a message; after the deadline nobody listens.
fn send(sender: &Sender<Message>, message: Message) {
    let _ = sender.send(message);
}

fn git_status(question: &Question, sender: &Sender<Message>) {
    let Some(repository) = &question.repository else { return };
    let message = match worktree::status(&question.tools, repository) {
        Ok(status) => Message::Status(status),
        Err(CommandError::Late(_)) => Message::Missing(Missing::new(Missing::GIT, "did not answer in time")),
        Err(error) => {
            let why = format!("did not tell the local changes: {}", rig_core::error::chain(&error));
            Message::Missing(Missing::new(Missing::GIT, &why))
        }
    };
    send(sender, message);
}

fn conductor(question: &Question, sender: &Sender<Message>) {
    if let Err(missing) = ask_conductor(question, sender) {
        send(sender, Message::Missing(Missing::new(Missing::CONDUCTOR, &missing)));
    }
}

fn ask_conductor(question: &Question, sender: &Sender<Message>) -> Result<(), String> {
    let endpoint = Endpoint::resolve(&question.env, &question.project, &question.conductor)
        .map_err(|error| format!("was not asked: {error}"))?;
    let Some(endpoint) = endpoint else { return Err(bring_up(question)) };
    if endpoint.from_project {
        let place = Quote::new(&endpoint.base, NAME).word();
        let remark = format!("The settings of this project say that Conductor-E is at {place}");
        send(sender, Message::Remark(remark));
    }
    if let Some(withheld) = &endpoint.withheld {
        send(sender, Message::Remark(withheld.clone()));
    }
    let conductor = Conductor::new(endpoint, Budget::HOOK);
    let deadline = question.tools.deadline;
    let agent = conductor.agent(&question.agent, deadline.instant()).map_err(|error| match error {
        ConductorError::Call(why) if deadline.left().is_none() || why.contains("timeout") => {
            "did not answer in time".to_owned()
        }
        ConductorError::Call(why) => format!("cannot be reached: {why}"),
        error => format!("gave no answer: {error}"),
    })?;
    let known = agent.map(|agent| {
        let agent = Agent {
            id: Quote::new(&agent.id, NAME),
            status: agent.status.map(|status| Quote::new(&status, 60)),
            online: agent.is_online,
            issue: agent.current_issue,
            repository: agent.current_repo.map(|repository| Quote::new(&repository, NAME)),
        };
        send(sender, Message::Agent(agent));
    });
    let found = Escalations::ask(&conductor, &question.agent, question.spelled.as_deref(), deadline);
    if let Some(found) = found? {
        send(sender, Message::Escalations(found));
    }
    known.ok_or_else(|| format!("does not know {}", question.agent.as_str()))
}

/// Starts the embedded service where it is the coordinator and rests, for the hooks that follow;
/// says what there is to say of a coordinator that is not there.
fn bring_up(question: &Question) -> String {
    let Some(embedded) = Embedded::at_rest(&question.env, &question.conductor) else {
        return "is not configured".to_owned();
    };
    match embedded.up().map(|mut up| up.process_group(0).spawn()) {
        // Nobody waits for it: it outlives this process.
        Some(Ok(_)) => "did not run on this machine, and is being started".to_owned(),
        Some(Err(error)) => format!("does not run on this machine, and cannot be started: {error}"),
        None => "does not run on this machine: rig-conductor is not installed beside rig-prime".to_owned(),
    }
}

fn remotes_and_github(question: &Question, sender: &Sender<Message>) {
    if let Err(missing) = ask_github(question, sender) {
        send(sender, Message::Missing(Missing::new(Missing::GITHUB, &missing)));
    }
}

fn ask_github(question: &Question, sender: &Sender<Message>) -> Result<(), String> {
    let Question { env, project, repository, branch, issue, tools, .. } = question;
    let repository = repository.as_ref().ok_or("was not asked: this is not a git repository")?;
    let branch = branch.as_ref().ok_or("was not asked: no branch is checked out")?;
    let target = target::find(tools, repository, branch)
        .map_err(|error| format!("was not asked: {}", rig_core::error::chain(&error)))?
        .ok_or("was not asked: no remote is on a server")?;
    send(sender, Message::Target(target.clone()));
    let asker = Asker { env, project, tools };
    let (answer, remarks) = github::ask(asker, &target, *issue);
    for remark in remarks {
        send(sender, Message::Remark(remark));
    }
    send(sender, Message::Report(answer.map_err(|error| error.to_string())?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_source_is_told_to_be_missing_once() {
        let (sender, receiver) = channel();
        send(&sender, Message::Missing(Missing::new(Missing::CONDUCTOR, "cannot be reached")));
        let sources = Sources { receiver, asked: vec![Missing::CONDUCTOR, Missing::GITHUB] };
        let deadline = Deadline::after(Instant::now(), Duration::from_millis(1));
        let answers = sources.wait(deadline);
        let missing: Vec<(&str, &str)> =
            answers.missing.iter().map(|missing| (missing.source, missing.why.as_str())).collect();
        let expected =
            [(Missing::CONDUCTOR, "cannot be reached"), (Missing::GITHUB, "did not answer in time")];
        assert_eq!(missing, expected);
        drop(sender);
    }
}
