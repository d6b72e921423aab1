//! Changing who somebody is: names on commits, accounts, keys, logins and grants. A name, a value or a file that
//! is not known counts as any other; a subcommand that is not known passes.

mod rights;

use super::line::{Line, Takes, lists};
use super::{Call, Finding, Pack, Rule, World};
use crate::shell::Word;

/// The rules of this module, in the order in which they are asked.
pub(in crate::rules) static RULES: &[&Rule] =
    &[&AUTHOR, &AGENT, &ACCOUNT, &rights::KEY, &rights::LOGIN, &rights::GRANT];

/// Committing under another name.
const AUTHOR: Rule = Rule {
    id: "identity.author",
    critical: false,
    pack: Pack::Identity,
    what: "This changes under whose name commits are made",
    why: "the history then says that somebody else has done the work",
    instead: "commit under the name that is set, which `git config user.email` shows",
    source: "git-config(1), git-commit(1), git(1): GIT_AUTHOR_NAME",
    programs: &["git", "export", "declare", "typeset", "readonly", "env"],
    unknown_program: false,
    redirections: true,
    judge: author,
    suspects: |words| {
        words
            .iter()
            .any(|w| matches!(*w, "user.email" | "user.name" | "GIT_AUTHOR_EMAIL" | "GIT_AUTHOR_NAME"))
    },
    denies: &[
        "git config --global user.email someone@example.org",
        "git commit --amend --author 'A <a@example.org>'",
        "GIT_AUTHOR_NAME=stig git commit -m x",
        "git -c user.name=stig commit -m x",
    ],
    allows: &[
        "git config user.email",
        "git config --get user.name",
        "git log --author=stig",
        "git commit -m 'user.email=x'",
    ],
};

/// Reporting under the name of another agent.
const AGENT: Rule = Rule {
    id: "identity.agent",
    critical: false,
    pack: Pack::Identity,
    what: "This gives the session the name of another agent",
    why: "its work, its cost and its escalations are then another's",
    instead: "leave it as it is; `rig-prime --help` tells where the name comes from",
    source: "docs/guard.md",
    programs: &[
        "export",
        "declare",
        "typeset",
        "readonly",
        "local",
        "unset",
        "env",
        "git",
        "claude",
        "rig-escalate",
        "rig-report",
        "rig-prime",
        "rig-hooks-sync",
        "setx",
        "launchctl",
    ],
    unknown_program: false,
    redirections: false,
    judge: agent,
    suspects: |words| words.iter().any(|w| matches!(*w, "AGENT_ID" | "CONDUCTOR_AGENT_ID")),
    denies: &[
        "export AGENT_ID=dev-e-dotnet",
        "AGENT_ID=human-stig claude -p hello",
        "unset CONDUCTOR_AGENT_ID",
    ],
    allows: &["echo $AGENT_ID", "export AGENT_IDS=a,b", "env | grep AGENT_ID"],
};

/// Changing the accounts of the machine.
const ACCOUNT: Rule = Rule {
    id: "identity.account",
    critical: false,
    pack: Pack::Identity,
    what: "This changes the accounts of the machine, or what they may",
    why: "who gets in then, and as whom, is no longer what people have set up",
    instead: "look with `id dev` or `getent passwd dev`; a person changes accounts",
    source: "useradd(8), usermod(8), userdel(8), passwd(1), chpasswd(8), visudo(8), dscl(1)",
    programs: &[
        "useradd",
        "adduser",
        "usermod",
        "userdel",
        "deluser",
        "groupadd",
        "addgroup",
        "groupmod",
        "groupdel",
        "delgroup",
        "gpasswd",
        "passwd",
        "chpasswd",
        "chgpasswd",
        "chsh",
        "chfn",
        "chage",
        "visudo",
        "vipw",
        "vigr",
        "newusers",
        "dscl",
        "sysadminctl",
        "net",
        "tee",
        "sponge",
        "cp",
        "mv",
        "install",
        "sed",
        "loginctl",
    ],
    unknown_program: false,
    redirections: true,
    judge: account,
    suspects: |words| words.iter().any(|w| lists("useradd usermod userdel chpasswd visudo", w)),
    denies: &[
        "useradd -m deploy",
        "usermod -aG docker dev",
        "echo 'dev:secret' | chpasswd",
        "echo 'dev ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers",
        "passwd root",
    ],
    allows: &["passwd -S dev", "id dev", "getent passwd dev", "useradd --help", "cat /etc/passwd"],
};

const NAMES: &str = "GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL";

/// Says whether a setting of git says who somebody is.
fn is_author(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    [
        "user.name",
        "user.email",
        "user.signingkey",
        "author.name",
        "author.email",
        "committer.name",
        "committer.email",
    ]
    .contains(&key.as_str())
}

/// Returns the variable that a word assigns.
fn assigned(word: &Word) -> Option<&str> {
    word.text.split_once('=').map(|(name, _)| name)
}

fn author(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let args = call.args();
    if call.writes().any(|file| writes_author(call, file)) {
        return Some(Finding::new("it is written into git's settings"));
    }
    let name = call.name()?;
    if name != "git" {
        let exported = |word: &Word| lists(NAMES, &word.text) && call.variable(&word.text).is_some();
        let found = args.iter().filter_map(assigned).any(|name| lists(NAMES, name))
            || AUTHOR.programs.contains(&name) && args.iter().any(exported);
        return found.then(Finding::default);
    }
    let mut commands = args.iter().enumerate();
    let mut from = args.len();
    while let Some((at, word)) = commands.next() {
        let text = word.text.as_str();
        let setting = match text {
            "-c" | "--config-env" => commands.next().map(|(_, value)| value.text.as_str()),
            "-C" | "--git-dir" | "--work-tree" | "--namespace" => {
                commands.next();
                None
            }
            text => text.strip_prefix("-c").or_else(|| text.strip_prefix("--config-env=")),
        };
        if setting.is_some_and(|s| is_author(s.split('=').next().unwrap_or(s))) {
            return Some(Finding::default());
        }
        if !text.starts_with('-') {
            from = at;
            break;
        }
    }
    let (sub, rest) = args.get(from..)?.split_first()?;
    match sub.text.as_str() {
        "config" => {
            let line = Line::read(rest, Takes::These("f file blob type default comment value"));
            let looks = line.has("get get-all get-regexp list l show-origin h help")
                || line.begins("get|list") && !line.operand(1).is_none_or(str::is_empty);
            let unset = line.has("unset unset-all") || line.begins("unset");
            let section =
                line.has("remove-section rename-section") || line.begins("remove-section|rename-section");
            if section && line.operands.iter().any(|w| lists("user author committer", &w.text)) {
                return Some(Finding::default());
            }
            let at = usize::from(line.begins("set|unset"));
            let key = line.operand(at)?;
            let sets = unset || line.operands.len() > at + 1;
            (is_author(key) && sets && !looks).then(Finding::default)
        }
        "commit" | "am" | "rebase" | "cherry-pick" | "commit-tree" | "tag" | "merge" | "stash" => {
            // git takes an abbreviation that is the only one.
            let long = |word: &&Word| {
                let name = word.text.split('=').next().unwrap_or("");
                name.len() > 3 && "--author".starts_with(name)
            };
            if sub.text == "commit" && rest.iter().take_while(|w| w.text != "--").any(|w| long(&w)) {
                return Some(Finding::default());
            }
            if let Some(set) = NAMES.split(' ').find(|name| call.variable(name).is_some()) {
                return Some(Finding::new(format!("`{set}` is set for it")));
            }
            // Settings by the environment.
            let text = |name: &str| call.variable(name).map_or(String::new(), |word| word.text);
            let keyed = call.variable("GIT_CONFIG_COUNT").is_some()
                && (0..8).any(|n| is_author(&text(&format!("GIT_CONFIG_KEY_{n}"))));
            let listed = ["user.name", "user.email", "author.", "committer."];
            let given = text("GIT_CONFIG_PARAMETERS").to_ascii_lowercase();
            (keyed || listed.iter().any(|key| given.contains(key))).then(Finding::default)
        }
        _ => None,
    }
}

/// Says whether a redirection writes a name into one of git's files of settings.
fn writes_author(call: &Call<'_>, file: &Word) -> bool {
    let path = file.text.as_str();
    let own = ["/.gitconfig", "/git/config", ".git/config", "/etc/gitconfig"];
    if !own.iter().any(|end| path.ends_with(end)) && path != ".gitconfig" {
        return false;
    }
    let sections = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["[user]", "[author]", "[committer]"].iter().any(|section| text.contains(section))
    };
    call.args().iter().chain(call.input).any(|word| sections(&word.text))
}

fn agent(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    const OWN: &str = "AGENT_ID CONDUCTOR_AGENT_ID";
    let name = call.name()?;
    let named = match name {
        "unset" => call.args().iter().any(|w| lists(OWN, &w.text)),
        "setx" => call.args().first().is_some_and(|w| lists(OWN, &w.text)),
        "launchctl" => {
            call.args().windows(2).any(|pair| pair[0].text == "setenv" && lists(OWN, &pair[1].text))
        }
        "git" => false,
        "env" => {
            let line = Line::of(call, Takes::These("u unset C chdir S split-string"));
            line.values("u unset").any(|w| lists(OWN, &w.text))
                || call.args().iter().filter_map(assigned).any(|name| lists(OWN, name))
        }
        _ => call.args().iter().filter_map(assigned).any(|name| lists(OWN, name)),
    };
    let exports = matches!(name, "export" | "declare" | "typeset" | "readonly")
        && call.args().iter().any(|w| lists(OWN, &w.text) && call.variable(&w.text).is_some());
    let set = || OWN.split(' ').any(|own| call.variable(own).is_some());
    let uses = !matches!(name, "export" | "declare" | "typeset" | "readonly" | "local" | "unset");
    (named || exports || uses && set()).then(Finding::default)
}

fn account(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    const FILES: [&str; 6] =
        ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers", "/etc/doas.conf"];
    if call.context.mounts.is_some() {
        // A container of its own that goes away.
        return None;
    }
    let file = |word: &Word| {
        FILES.contains(&word.text.as_str())
            || word.text.starts_with("/etc/sudoers.d/") && word.text.len() > 15
    };
    if call.writes().any(file) {
        return Some(Finding::default());
    }
    let line = Line::of(call, Takes::These("R root P prefix f g G s d u k K c e"));
    if line.has("help version") {
        return None;
    }
    let found = match call.name()? {
        "passwd" => !line.has("S status"),
        "chage" => !line.has("l list"),
        "visudo" => !line.has("c check"),
        "gpasswd" => true,
        "dscl" => {
            line.begins("* -create|-append|-delete|-passwd|create|append|delete|passwd")
                || call
                    .args()
                    .iter()
                    .any(|w| matches!(w.text.as_str(), "-create" | "-append" | "-delete" | "-passwd"))
        }
        "sysadminctl" => {
            line.operands.is_empty()
                && call.args().iter().any(|w| {
                    w.text.starts_with("-addUser")
                        || w.text.starts_with("-deleteUser")
                        || w.text.starts_with("-resetPassword")
                })
        }
        "net" => line.begins("user|localgroup") && call.args().len() > 2,
        "tee" | "sponge" => line.operands.iter().any(|w| file(w)),
        "cp" | "mv" | "install" => line.operands.len() > 1 && line.operands.last().is_some_and(|w| file(w)),
        "sed" => line.has("i in-place") && line.operands.iter().any(|w| file(w)),
        "loginctl" => line.begins("terminate-user|kill-user"),
        name => ACCOUNT.programs.contains(&name),
    };
    found.then(Finding::default)
}
