//! Which repository on which server, and which branch there, a working copy stands for.

use std::time::Duration;

use rig_core::git::{Repository, Slug, slug};

use crate::command::{self, CommandError};
use crate::tools::Tools;

/// The longest wait for `ssh`, which only prints its configuration.
const SSH_WAIT: Duration = Duration::from_millis(500);

/// A branch of a repository on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The server's host name, lower-cased.
    pub(crate) host: String,
    /// The owner of the repository that pull requests go to.
    pub(crate) owner: String,
    /// The name of that repository.
    pub(crate) name: String,
    /// The branch on the server.
    pub(crate) head: Head,
}

impl Target {
    /// Returns `owner/name`.
    #[must_use]
    pub(crate) fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// The branch on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// A branch by its name.
    Branch {
        /// The owner of the repository that it is pushed to, a fork perhaps.
        owner: String,
        /// Its name there.
        name: String,
    },
    /// The branch of a pull request that was checked out by its number.
    PullRequest(u64),
}

/// A remote as `git remote -v` shows it, after the rewriting rules of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remote {
    name: String,
    fetch: String,
    push: String,
}

/// The part of git's configuration that says where a branch is pushed to.
#[derive(Debug, Default)]
struct Settings(Vec<(String, String)>);

/// Finds the target of a branch; `None` where no remote is on a server.
///
/// # Errors
/// When git does not answer.
pub(crate) fn find(
    tools: &Tools,
    repository: &Repository,
    branch: &str,
) -> Result<Option<Target>, CommandError> {
    const KEYS: &str = r"^(branch\..*\.(merge|remote|pushremote)|remote\.pushdefault|remote\..*\.gh-resolved|push\.default)$";
    let remotes = tools.git(repository, &["remote", "-v"])?.output("git")?;
    // That git finds no such key is a failure for it.
    let settings = tools.git(repository, &["config", "-z", "--get-regexp", KEYS])?.stdout;
    let remotes = Remote::all(&String::from_utf8_lossy(&remotes));
    let settings = Settings::parse(&String::from_utf8_lossy(&settings));
    let exists = |remote: &str, name: &str| has_remote_branch(repository, remote, name);
    let Some((mut target, url)) = choose(&remotes, &settings, branch, exists) else { return Ok(None) };
    if is_ssh(url) {
        target.host = ssh_host(tools, &target.host);
    }
    Ok(Some(target).filter(|target| is_host(&target.host)))
}

/// Chooses base and head among the remotes, the way GitHub's own command line does. The URL of the
/// base comes along.
fn choose<'a>(
    remotes: &'a [Remote],
    settings: &Settings,
    branch: &str,
    exists: impl Fn(&str, &str) -> bool,
) -> Option<(Target, &'a str)> {
    let (mut base, url) = base(remotes, settings)?;
    let of_branch = |key: &str| settings.get(&format!("branch.{branch}.{key}"));
    // A branch that follows a local one says nothing about the server.
    let upstream = of_branch("remote").filter(|remote| *remote != ".");
    let merge = of_branch("merge").filter(|_| upstream.is_some());
    let pull = merge.and_then(|m| m.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok());
    let push_to = of_branch("pushremote")
        .or_else(|| settings.get("remote.pushdefault"))
        .or(upstream)
        .or_else(|| remotes.iter().map(|r| r.name.as_str()).find(|name| *name == "origin"))
        .or_else(|| (remotes.len() == 1).then(|| remotes[0].name.as_str()));
    let head = match (pull, push_to) {
        (Some(number), _) => Head::PullRequest(number),
        (None, push_to) => {
            let remote = remotes.iter().find(|r| Some(r.name.as_str()) == push_to);
            // The value may be a URL rather than a name.
            let pushed = push_to.and_then(|name| slug(remote.map_or(name, |r| &r.push)));
            let owner = pushed.and_then(|s| Some(s.repo.split_once('/')?.0.to_owned()));
            let merge = merge.and_then(|m| m.strip_prefix("refs/heads/"));
            let by_upstream =
                settings.get("push.default").is_some_and(|v| matches!(v, "upstream" | "tracking"));
            let name = merge
                .filter(|name| {
                    // A branch made from `origin/main` follows it, and is pushed under its own name.
                    by_upstream
                        || upstream == push_to
                            && !push_to.is_some_and(|r| exists(r, branch) || is_default(name))
                })
                .unwrap_or(branch);
            Head::Branch { owner: owner.unwrap_or_else(|| owner_of(&base)), name: name.to_owned() }
        }
    };
    let (owner, name) = base.repo.split_once('/')?;
    let (owner, name) = (owner.to_owned(), name.to_owned());
    if base.host.starts_with("ssh.") || base.host.starts_with("altssh.") {
        base.host = base.host.split_once('.')?.1.to_owned();
    }
    Some((Target { host: base.host, owner, name, head }, url))
}

/// Returns the repository that pull requests go to, and the URL of its remote.
fn base<'a>(remotes: &'a [Remote], settings: &Settings) -> Option<(Slug, &'a str)> {
    let parsed = |remote: &'a Remote| Some((slug(&remote.fetch)?, remote.fetch.as_str()));
    let resolved = remotes.iter().find_map(|remote| {
        let value = settings.get(&format!("remote.{}.gh-resolved", remote.name))?;
        let (found, url) = parsed(remote)?;
        match value {
            "base" => Some((found, url)),
            other => Some((slug(&format!("https://{}/{other}", found.host))?, url)),
        }
    });
    resolved.or_else(|| {
        let named =
            ["upstream", "github", "origin"].iter().filter_map(|n| remotes.iter().find(|r| r.name == *n));
        named.chain(remotes).find_map(parsed)
    })
}

fn owner_of(slug: &Slug) -> String {
    slug.repo.split_once('/').map_or_else(String::new, |(owner, _)| owner.to_owned())
}

/// Says whether a branch has one of the names that default branches have.
#[must_use]
pub(crate) fn is_default(branch: &str) -> bool {
    matches!(branch, "main" | "master" | "develop" | "trunk")
}

fn has_remote_branch(repository: &Repository, remote: &str, name: &str) -> bool {
    let full = format!("refs/remotes/{remote}/{name}");
    repository.common_dir.join(&full).is_file()
        || std::fs::read_to_string(repository.common_dir.join("packed-refs")).is_ok_and(|packed| {
            packed.lines().any(|line| line.split_once(' ').is_some_and(|(_, r)| r == full))
        })
}

fn is_ssh(url: &str) -> bool {
    url.split_once("://").is_none_or(|(scheme, _)| scheme.ends_with("ssh"))
}

/// Says whether a text can be the name of a host, with a port perhaps: it goes into addresses and
/// command lines.
fn is_host(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b))
}

/// Resolves an alias of ssh's configuration, such as `github.com-work`.
fn ssh_host(tools: &Tools, host: &str) -> String {
    if host == "github.com" || !is_host(host) {
        return host.to_owned();
    }
    let mut ssh = tools.command("ssh");
    let answer = command::run(ssh.args(["-G", "--", host]), tools.deadline.within(SSH_WAIT));
    let text = answer.ok().filter(|a| a.success).map(|a| String::from_utf8_lossy(&a.stdout).into_owned());
    let resolved = text.as_deref().and_then(|t| t.lines().find_map(|line| line.strip_prefix("hostname ")));
    let resolved = resolved.unwrap_or(host).trim().to_ascii_lowercase();
    match resolved.split_once('.') {
        Some(("ssh" | "altssh", main)) => main.to_owned(),
        _ => resolved,
    }
}

impl Remote {
    /// Reads lines of the form `name<TAB>url (fetch)`.
    fn all(text: &str) -> Vec<Self> {
        let mut remotes: Vec<Self> = Vec::new();
        for line in text.lines() {
            let Some((name, rest)) = line.split_once('\t') else { continue };
            let (url, kind) = match (rest.split_once(" (fetch)"), rest.split_once(" (push)")) {
                (Some((url, _)), _) => (url, "fetch"),
                (_, Some((url, _))) => (url, "push"),
                _ => continue,
            };
            let at = remotes.iter().position(|r| r.name == name).unwrap_or_else(|| {
                remotes.push(Self { name: name.into(), fetch: url.into(), push: url.into() });
                remotes.len() - 1
            });
            if kind == "push" {
                remotes[at].push = url.into();
            }
        }
        remotes
    }
}

impl Settings {
    /// Reads `key<LF>value<NUL>`; the last value of a key wins.
    fn parse(text: &str) -> Self {
        Self(
            text.split_terminator('\0')
                .filter_map(|e| e.split_once('\n'))
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str =
        "origin\tgit@github.com:acme/app.git (fetch)\norigin\tgit@github.com:acme/app.git (push)\n";
    const FORK: &str = "origin\thttps://github.com/Me/app (fetch)\norigin\thttps://github.com/Me/app (push)\n\
                        upstream\thttps://github.com/acme/app (fetch) [blob:none]\nupstream\tno-push (push)\n";

    /// The target as `host owner/name head`.
    fn target(remotes: &str, settings: &[(&str, &str)], remote_branches: &[&str]) -> Option<String> {
        let settings: String = settings.iter().map(|(k, v)| format!("{k}\n{v}\0")).collect();
        let exists =
            |remote: &str, name: &str| remote_branches.contains(&format!("{remote}/{name}").as_str());
        let remotes = Remote::all(remotes);
        let (found, _) = choose(&remotes, &Settings::parse(&settings), "b", exists)?;
        let head = match &found.head {
            Head::Branch { owner, name } => format!("{owner}:{name}"),
            Head::PullRequest(number) => format!("#{number}"),
        };
        Some(format!("{} {} {head}", found.host, found.repository()))
    }

    const REMOTE: (&str, &str) = ("branch.b.remote", "origin");

    #[test]
    fn base_and_head_are_chosen_among_the_remotes() {
        let merge = |name| ("branch.b.merge", name);
        for (remotes, settings, expected) in [
            (ORIGIN, &[][..], "github.com acme/app acme:b"),
            (FORK, &[], "github.com acme/app Me:b"),
            (FORK, &[("remote.origin.gh-resolved", "base")], "github.com Me/app Me:b"),
            (FORK, &[("remote.origin.gh-resolved", "acme/other")], "github.com acme/other Me:b"),
            (FORK, &[("branch.b.pushremote", "upstream")], "github.com acme/app acme:b"),
            (FORK, &[("branch.b.pushremote", "git@github.com:third/app")], "github.com acme/app third:b"),
            (
                FORK,
                &[("remote.pushdefault", "origin"), ("branch.b.remote", "upstream")],
                "github.com acme/app Me:b",
            ),
            (ORIGIN, &[REMOTE, merge("refs/heads/renamed")], "github.com acme/app acme:renamed"),
            (ORIGIN, &[REMOTE, merge("refs/heads/main")], "github.com acme/app acme:b"),
            (
                ORIGIN,
                &[REMOTE, merge("refs/heads/main"), ("push.default", "upstream")],
                "github.com acme/app acme:main",
            ),
            (ORIGIN, &[REMOTE, merge("refs/pull/7/head")], "github.com acme/app #7"),
            (ORIGIN, &[("branch.b.remote", "."), merge("refs/heads/x")], "github.com acme/app acme:b"),
            ("o\tssh://git@ssh.github.com:443/a/r (fetch)\n", &[], "github.com a/r a:b"),
            ("gitlab\t/srv/x (fetch)\nhub\thttps://ghe.io/a/r.git (fetch)\n", &[], "ghe.io a/r a:b"),
        ] {
            assert_eq!(target(remotes, settings, &[]).as_deref(), Some(expected), "{remotes} {settings:?}");
        }
        assert_eq!(target("origin\t/srv/git/app (fetch)\n", &[], &[]), None);
        assert_eq!(target("", &[], &[]), None);
    }

    #[test]
    fn a_branch_that_was_pushed_under_its_own_name_has_that_name() {
        let settings = [REMOTE, ("branch.b.merge", "refs/heads/release")];
        assert_eq!(target(ORIGIN, &settings, &["origin/b"]).as_deref(), Some("github.com acme/app acme:b"));
        assert_eq!(target(ORIGIN, &settings, &[]).as_deref(), Some("github.com acme/app acme:release"));
    }
}
