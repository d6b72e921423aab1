//! Brings together what files, git, the coordinator and GitHub say.

use std::path::Path;
use std::time::{Duration, Instant};

use rig_core::config::Config;
use rig_core::env::{Environment, ProjectEnv};
use rig_core::git::{Head, Repository};
use rig_core::identity::Identity;
use rig_core::paths::Paths;

use crate::deadline::Deadline;
use crate::facts::{self, Facts, WorkTree};
use crate::guard;
use crate::issue::{self, Claim, Source};
use crate::quote::{NAME, Quote};
use crate::sources::{Answers, Question, Sources};
use crate::target::Target;
use crate::tools::Tools;
use crate::worktree;

/// The longest wait for all sources together.
const WAIT: Duration = Duration::from_millis(1900);

/// The longest wait for one source. It is shorter than [`WAIT`], so that a source has the time to
/// end what it started and to say that it was late.
const SOURCE_WAIT: Duration = Duration::from_millis(1800);

/// Finds out what a session in a directory is about, within two seconds from `start`. The identity
/// comes along for those who have to set it.
#[must_use]
pub(crate) fn gather(
    env: &Environment,
    paths: &Paths,
    directory: &Path,
    start: Instant,
) -> (Facts, Identity) {
    let (config, errors) = Config::load(paths);
    let mut remarks: Vec<String> = errors.iter().map(|error| rig_core::error::chain(error)).collect();
    let (identity, warnings) = Identity::resolve(env, &config.agent, rig_core::account::current().as_ref());
    remarks.extend(warnings);
    let repository = Repository::find(directory);
    let project = ProjectEnv::read(env, directory, paths.home.as_deref());
    let tools = Tools::new(env, &project, Deadline::after(start, SOURCE_WAIT));
    let head = repository.as_ref().map(|repository| head(&tools, repository));
    let branch = head.as_ref().and_then(Head::branch).map(str::to_owned);
    let mut claims = early_claims(env, branch.as_deref());
    let spelled = repository.as_ref().and_then(Repository::slug);
    let sources = Sources::start(Question {
        env: env.clone(),
        project,
        conductor: config.conductor,
        agent: identity.id.clone(),
        repository: repository.clone(),
        spelled: spelled.clone(),
        branch,
        issue: claims.iter().find(|claim| claim.certain).or(claims.first()).map(|claim| claim.number),
        tools,
    });
    // Files are read while the others think.
    let hooks = guard::look(env, paths, directory);
    remarks.extend(guard::policies(env, paths, directory, Deadline::after(start, SOURCE_WAIT)));
    let answers = sources.wait(Deadline::after(start, WAIT));

    let name = answers.target.as_ref().map(Target::repository).or(spelled);
    // A number without a repository is one of this repository.
    for claim in claims.iter_mut().filter(|claim| claim.repository.is_none()) {
        claim.repository.clone_from(&name);
    }
    claims.extend(late_claims(&answers, name.as_deref(), claims.is_empty()));
    let confirmed =
        answers.report.as_ref().and_then(|report| report.issue.as_ref()).map(|issue| issue.number);
    remarks.extend(answers.remarks);
    let facts = Facts {
        hooks,
        identity: (&identity).into(),
        directory: Quote::new(&directory.to_string_lossy(), NAME),
        work_tree: repository.as_ref().zip(head.as_ref()).map(|(repository, head)| WorkTree {
            top: Quote::new(&repository.top.to_string_lossy(), NAME),
            branch: head.branch().map(|branch| Quote::new(branch, NAME)),
            detached: match head {
                Head::Detached(commit) => Some(Quote::new(commit.get(..10).unwrap_or(commit), NAME)),
                _ => None,
            },
            operation: worktree::operation(&repository.git_dir),
            status: answers.status,
        }),
        server: answers.target.as_ref().map(|target| format!("https://{}", target.host)),
        repository: name,
        issues: issue::agree(&claims, confirmed),
        agent: answers.agent,
        escalations: answers.escalations,
        github: answers.report,
        missing: answers.missing,
        remarks: remarks.iter().map(|text| facts::remark(text)).collect(),
    };
    (facts, identity)
}

/// Reads `HEAD`, with git's help where the refs are kept in a form that only git reads.
fn head(tools: &Tools, repository: &Repository) -> Head {
    let ask = || {
        let answer = tools.git(repository, &["symbolic-ref", "--short", "-q", "HEAD"]).ok()?;
        let name = String::from_utf8(answer.output("git").ok()?).ok()?;
        Some(Head::Branch(name.trim_end().to_owned()))
    };
    match repository.head() {
        Head::Unreadable => ask().unwrap_or(Head::Unreadable),
        head => head,
    }
}

/// Returns what branch and environment say about the issue.
fn early_claims(env: &Environment, branch: Option<&str>) -> Vec<Claim> {
    let of_branch = branch.and_then(rig_core::git::issue_of_branch).map(|found| Claim {
        source: Source::Branch,
        repository: None,
        number: found.number,
        certain: found.certain,
    });
    let of_variable =
        env.get("CONDUCTOR_ISSUE_NUMBER").and_then(|n| n.trim().parse().ok()).filter(|n| *n > 0);
    let of_variable = of_variable.map(|number| Claim {
        source: Source::Variable,
        repository: env.get("CONDUCTOR_REPO").and_then(|name| repository_name(&name)),
        number,
        certain: true,
    });
    of_branch.into_iter().chain(of_variable).collect()
}

/// Returns what the coordinator and, where nobody else names an issue, the pull request say.
fn late_claims(answers: &Answers, repository: Option<&str>, alone: bool) -> Vec<Claim> {
    let agent = answers.agent.as_ref().and_then(|agent| {
        Some(Claim {
            source: Source::Conductor,
            repository: agent.repository.as_ref().and_then(|name| repository_name(&name.word())),
            number: agent.issue?,
            certain: true,
        })
    });
    let open = answers.report.as_ref().map_or(&[][..], |report| &report.open);
    let closed_by = match open {
        [pull] if alone && agent.is_none() => pull.closes.first().map(|issue| Claim {
            source: Source::PullRequest(pull.number),
            repository: repository_name(&issue.repository.word()).or_else(|| repository.map(str::to_owned)),
            number: issue.number,
            certain: true,
        }),
        _ => None,
    };
    agent.into_iter().chain(closed_by).collect()
}

/// Returns a text if it has the form `owner/name`.
fn repository_name(text: &str) -> Option<String> {
    rig_core::git::slug(&format!("https://host/{}", text.trim())).map(|slug| slug.repo)
}
