//! What the machine runs, and the record of what was done on it. A process that is not known passes.

use crate::rules::packs::line::{Line, Takes, subcommand};
use crate::rules::{Finding, Pack, Rule};
use crate::shell::{Access, Call, Word};
use crate::world::World;

/// Changing what the machine runs.
pub(in crate::rules::packs) const SERVICE: Rule = Rule {
    id: "strict.service",
    critical: false,
    pack: Pack::Strict,
    what: "This stops a service, the firewall, the table of jobs or the machine itself",
    why: "everybody on the machine depends on them",
    instead: "look with `systemctl status nginx` or `crontab -l`; a person changes what the machine runs",
    source: "systemctl(1), service(8), crontab(1), iptables(8), nft(8), ufw(8), shutdown(8), launchctl(1)",
    programs: &[
        "systemctl",
        "service",
        "rc-service",
        "sv",
        "crontab",
        "iptables",
        "ip6tables",
        "nft",
        "ufw",
        "firewall-cmd",
        "setenforce",
        "shutdown",
        "reboot",
        "halt",
        "poweroff",
        "init",
        "telinit",
        "launchctl",
        "swapoff",
        "supervisorctl",
    ],
    unknown_program: false,
    redirections: false,
    judge: service,
    suspects: |words| words.iter().any(|w| matches!(*w, "shutdown" | "reboot" | "poweroff" | "iptables")),
    denies: &["systemctl stop nginx", "crontab -r", "iptables -F", "shutdown -h now", "service docker stop"],
    allows: &[
        "systemctl status nginx",
        "crontab -l",
        "iptables -L -n",
        "shutdown -c",
        "systemctl --user restart web",
    ],
};

/// Ending every process.
pub(super) const KILL: Rule = Rule {
    id: "strict.kill.all",
    critical: true,
    pack: Pack::Strict,
    what: "This ends every process that it may, this session's among them",
    why: "editors, databases and other people's work end with what was not saved",
    instead: "name the process, as with `kill 4711` or `pkill -x node`",
    source: "kill(1), pkill(1), killall(1), killall5(8)",
    programs: &["kill", "pkill", "killall", "killall5", "skill"],
    unknown_program: false,
    redirections: false,
    judge: kill,
    suspects: |words| words.contains(&"kill") && words.contains(&"-1"),
    denies: &["kill -9 -1", "kill -TERM -- -1", "pkill -9 -u dev", "killall5", "pkill -f ."],
    allows: &["kill -9 4711", "kill -1 4711", "pkill -x node", "kill -l", "kill %1"],
};

/// Wiping the history of commands.
pub(super) const HISTORY: Rule = Rule {
    id: "strict.history",
    critical: false,
    pack: Pack::Strict,
    what: "This wipes or stops the record of what was done",
    why: "afterwards nobody can tell what happened",
    instead: "leave the history as it is; `history 20` shows the end of it",
    source: "bash(1): history, HISTFILE; journalctl(1)",
    programs: &[
        "history",
        "unset",
        "export",
        "declare",
        "typeset",
        "set",
        "rm",
        "shred",
        "truncate",
        "ln",
        "journalctl",
        "unlink",
        "wevtutil",
    ],
    unknown_program: false,
    redirections: true,
    judge: history,
    suspects: |words| words.contains(&"history") && words.contains(&"-c"),
    denies: &[
        "history -c",
        "unset HISTFILE",
        "rm ~/.bash_history",
        "> ~/.zsh_history",
        "journalctl --vacuum-time=1s",
    ],
    allows: &["history", "history -d 5", "cat ~/.bash_history", "rm history.txt", "journalctl -u nginx"],
};

fn service(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let name = call.name()?;
    let line = Line::of(call, Takes::These("H host M machine t table u s signal"));
    let found = match name {
        "systemctl" => {
            let own = line.has("user");
            line.begins("reboot|poweroff|halt|kexec|suspend|hibernate|rescue|emergency|isolate|exit")
                || !own && line.begins("stop|disable|mask|kill|restart|try-restart|set-default|daemon-reexec")
        }
        "service" | "rc-service" => line.begins("* stop|restart"),
        "sv" => line.begins("stop|down|exit|force-stop"),
        "supervisorctl" => line.begins("stop|restart|shutdown|reload|remove"),
        // A new table takes the place of the old one; what is not known of it may be the old one.
        "crontab" => {
            let whole = || call.input.is_some_and(|input| input.known().is_some());
            line.has("r")
                || !line.has("l e")
                    && line
                        .operands
                        .first()
                        .is_some_and(|file| file.text != "-" && !file.is_unknown() || whole())
        }
        "iptables" | "ip6tables" => line.has("F flush X delete-chain P policy Z"),
        "nft" => line.begins("flush|delete|destroy"),
        "ufw" => line.begins("disable|reset|delete"),
        "firewall-cmd" => line.has("panic-on panic-off complete-reload remove-service remove-port"),
        "setenforce" => line.begins("0|Permissive|permissive"),
        "shutdown" => !line.has("c k show"),
        "reboot" | "halt" | "poweroff" => !line.has("w wtmp-only"),
        "init" | "telinit" => line.begins("0|1|6|s|S"),
        "launchctl" => line.begins("bootout|unload|remove|stop|kill|disable|reboot"),
        "swapoff" => true,
        _ => false,
    };
    (found && !call.args().iter().any(|w| matches!(w.text.as_str(), "--help" | "--dry-run")))
        .then(Finding::default)
}

fn kill(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let args = call.args();
    let texts = || args.iter().map(|word| word.text.as_str());
    let found = match call.name()? {
        "kill" | "skill" => {
            // The first `-1` names the signal, unless a signal stands before it.
            let signal = args.first().is_some_and(|w| w.text.starts_with('-') && w.text != "--");
            let apart = texts().next().is_some_and(|w| matches!(w, "-s" | "-n" | "--signal"));
            texts().skip(usize::from(signal) + usize::from(apart)).any(|w| w == "-1")
        }
        "killall5" => !texts().any(|w| w == "-l"),
        "killall" => {
            let line = Line::of(call, Takes::These("s signal n ns o y older-than younger-than"));
            line.has("u user") && line.operands.len() < 2
        }
        "pkill" => {
            let line = Line::read(args, Takes::These("u U euid uid g G P t s F c signal"));
            let all = |word: &&Word| matches!(word.known(), Some("." | ".*" | "" | "^"));
            let signals = ["-9", "-KILL", "-SIGKILL", "-15", "-TERM", "-SIGTERM", "-HUP", "-1"];
            let named = line.operands.iter().any(|w| !all(w) && !signals.contains(&w.text.as_str()));
            line.operands.iter().any(all) || !named && line.values("u U euid uid").next().is_some()
        }
        _ => false,
    };
    found.then(Finding::default)
}

fn history(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let file = |word: &Word| {
        let name = word.text.rsplit('/').next().unwrap_or("");
        matches!(
            name,
            ".bash_history"
                | ".zsh_history"
                | ".history"
                | "fish_history"
                | ".python_history"
                | ".sh_history"
        )
    };
    if call.redirects.iter().any(|r| r.access == Access::Write && file(&r.target)) {
        return Some(Finding::default());
    }
    let args = call.args();
    let found = match call.name()? {
        "history" => args.first().is_some_and(|w| w.text.starts_with('-') && w.text.contains('c')),
        "unset" => args.iter().any(|w| w.text == "HISTFILE"),
        "export" | "declare" | "typeset" => {
            args.iter().any(|w| matches!(w.text.as_str(), "HISTFILE=" | "HISTFILE=/dev/null" | "HISTSIZE=0"))
        }
        "set" => args.windows(2).any(|pair| pair[0].text == "+o" && pair[1].text == "history"),
        "rm" | "shred" | "truncate" | "unlink" => args.iter().any(file),
        "ln" => args.last().is_some_and(file),
        "journalctl" => {
            args.iter().any(|w| w.text.starts_with("--vacuum-") || w.text == "--rotate" && args.len() == 1)
        }
        "wevtutil" => {
            subcommand(args, Takes::These("")).is_some_and(|(sub, _)| matches!(sub, "cl" | "clear-log"))
        }
        _ => false,
    };
    found.then(Finding::default)
}
