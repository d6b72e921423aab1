//! What was found out, before it is put into words.

use rig_core::identity::{Identity, Kind};
use rig_core::text;
use serde::Serialize;

use crate::escalation::Escalations;
use crate::github::model::BranchReport;
use crate::guard::Hooks;
use crate::issue::Named;
use crate::quote::Quote;
use crate::worktree::Status;

/// What was found out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts {
    /// The guard and the rig's entries.
    pub(crate) hooks: Hooks,
    /// Under which name work is done here.
    pub(crate) identity: Who,
    /// The session's directory.
    pub(crate) directory: Quote,
    /// The working copy; `None` outside of one.
    pub(crate) work_tree: Option<WorkTree>,
    /// `owner/name` of the repository, as the remotes have it.
    pub(crate) repository: Option<String>,
    /// `https://host` of the server.
    pub(crate) server: Option<String>,
    /// The issues that are named; more than one when the sources differ.
    pub(crate) issues: Vec<Named>,
    /// What Conductor-E knows of this agent.
    pub(crate) agent: Option<Agent>,
    /// What people were asked for here; `None` where the coordinator keeps no escalations or did not tell.
    pub(crate) escalations: Option<Escalations>,
    /// What GitHub says about the branch.
    pub(crate) github: Option<BranchReport>,
    /// Sources that gave nothing: each a name and the rest of a sentence.
    pub(crate) missing: Vec<Missing>,
    /// What else should be known, each a sentence without a full stop.
    pub(crate) remarks: Vec<String>,
}

impl Facts {
    /// Says whether a branch is checked out that is made for a piece of work.
    #[must_use]
    pub(crate) fn on_side_branch(&self) -> bool {
        let branch = self.work_tree.as_ref().and_then(|tree| tree.branch.as_ref());
        branch.is_some_and(|branch| !crate::target::is_default(&branch.word()))
    }
}

/// Under which name work is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Who {
    /// The id in events.
    pub(crate) id: String,
    /// Whether it is a person.
    pub(crate) human: bool,
    /// The name in commits.
    pub(crate) name: Quote,
    /// The address in commits.
    pub(crate) email: Quote,
}

impl From<&Identity> for Who {
    fn from(identity: &Identity) -> Self {
        Self {
            id: identity.id.as_str().to_owned(),
            human: identity.kind == Kind::Human,
            name: Quote::new(&identity.name, crate::quote::NAME),
            email: Quote::new(&identity.email, crate::quote::NAME),
        }
    }
}

/// A working copy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkTree {
    /// Its top directory.
    pub(crate) top: Quote,
    /// The branch that is worked on, through a rebase as well.
    pub(crate) branch: Option<Quote>,
    /// The commit, where no branch is checked out.
    pub(crate) detached: Option<Quote>,
    /// What git is in the middle of.
    pub(crate) operation: Option<&'static str>,
    /// The local changes; `None` where git did not say.
    pub(crate) status: Option<Status>,
}

/// An agent as Conductor-E shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Agent {
    /// Its id there, which may name an instance.
    pub(crate) id: Quote,
    /// Such as `working` or `idle`.
    pub(crate) status: Option<Quote>,
    /// Whether it was heard of lately.
    pub(crate) online: Option<bool>,
    /// The issue, where it has one.
    pub(crate) issue: Option<u64>,
    /// The issue's repository.
    pub(crate) repository: Option<Quote>,
}

/// Returns a sentence of the rig's own making on one line. What others had to say in it is quoted
/// already, and short enough that the quotation is not cut; what is left may not look like a tag.
#[must_use]
pub(crate) fn remark(text: &str) -> String {
    text::cut(&text::clean(text).replace('<', "‹").replace('>', "›"), 320)
}

/// A source that gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Missing {
    /// Its name, such as `GitHub`.
    pub(crate) source: &'static str,
    /// What it did or did not do, as the rest of a sentence.
    pub(crate) why: String,
}

impl Missing {
    /// The name of GitHub.
    pub(crate) const GITHUB: &'static str = "GitHub";
    /// The name of the coordinator.
    pub(crate) const CONDUCTOR: &'static str = "Conductor-E";
    /// The name of git.
    pub(crate) const GIT: &'static str = "git";

    /// Names a source and what it did.
    #[must_use]
    pub(crate) fn new(source: &'static str, why: &str) -> Self {
        Self { source, why: remark(why) }
    }
}
