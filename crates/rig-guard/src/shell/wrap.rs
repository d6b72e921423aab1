//! Commands that run other commands.
//!
//! What a wrapper's own options look like stands in one table. Shells, `eval` and others that take
//! code are told apart from those that take a name and arguments.

use super::find::Find;
use super::word::Word;

/// What a command runs.
#[derive(Debug, PartialEq)]
pub(super) enum Unwrapped {
    /// Nothing but itself.
    Itself,
    /// The command that begins at a word, with variables of its own.
    Rest(usize, Vec<(String, Word)>),
    /// Other commands, made of its words.
    Commands(Vec<Vec<Word>>),
    /// Code.
    Code {
        code: String,
        /// A new shell runs it, with these for `$1` and so on; else the same shell does.
        arguments: Option<Vec<Word>>,
    },
    /// The code on its standard input.
    Input,
}

/// A command of which the rest of the line is another command.
struct Wrapper {
    names: &'static [&'static str],
    /// One-letter options that take a value.
    short: &'static str,
    /// Long options that take a value as the next word.
    long: &'static [&'static str],
    /// How many words stand before the command.
    operands: usize,
}

const fn wrapper(names: &'static [&'static str], short: &'static str) -> Wrapper {
    Wrapper { names, short, long: &[], operands: 0 }
}

const WRAPPERS: [Wrapper; 21] = [
    Wrapper {
        long: &[
            "--user",
            "--group",
            "--host",
            "--prompt",
            "--chdir",
            "--chroot",
            "--close-from",
            "--role",
            "--type",
            "--other-user",
            "--command-timeout",
            "--login-class",
            "--auth-type",
        ],
        ..wrapper(&["sudo"], "ACDghpRrTtUu")
    },
    wrapper(&["doas"], "uC"),
    Wrapper { long: &["--unset", "--chdir", "--argv0"], ..wrapper(&["env"], "uCa") },
    Wrapper { long: &["--adjustment"], ..wrapper(&["nice"], "n") },
    Wrapper { long: &["--class", "--classdata"], ..wrapper(&["ionice"], "cn") },
    Wrapper { long: &["--kill-after", "--signal"], operands: 1, ..wrapper(&["timeout", "gtimeout"], "ks") },
    wrapper(&["nohup", "setsid", "builtin", "busybox", "toybox", "unbuffer", "eatmydata", "fakeroot"], ""),
    Wrapper { long: &["--format", "--output"], ..wrapper(&["time"], "fo") },
    wrapper(&["command"], ""),
    wrapper(&["exec"], "a"),
    Wrapper { long: &["--input", "--output", "--error"], ..wrapper(&["stdbuf"], "ioe") },
    Wrapper { operands: 1, ..wrapper(&["chrt"], "TPD") },
    Wrapper { operands: 1, ..wrapper(&["taskset"], "") },
    Wrapper { operands: 1, long: &["--userspec", "--groups"], ..wrapper(&["chroot"], "") },
    Wrapper {
        operands: 1,
        long: &["--timeout", "--wait", "--conflict-exit-code"],
        ..wrapper(&["flock"], "wE")
    },
    Wrapper { long: &["--user", "--group", "--supp-group"], ..wrapper(&["runuser"], "ugG") },
    wrapper(&["strace", "ltrace"], "aeoOpPsSuX"),
    wrapper(&["unshare", "nsenter"], "tSG"),
    wrapper(&["systemd-run", "systemd-inhibit"], "pEu"),
    wrapper(&["caffeinate"], "tw"),
    Wrapper { long: &["--user"], ..wrapper(&["pkexec", "gosu", "su-exec"], "u") },
];

const SHELLS: [&str; 9] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "rbash", "fish"];

/// The one-letter options of `ssh` that take a value.
const SSH_VALUES: &str = "BbcDEeFIiJLlmOoPpQRSWw";

/// Says what a command of this name runs; `input` is what stands on its standard input.
pub(super) fn unwrap(name: &str, words: &[Word], input: Option<&Word>) -> Unwrapped {
    match name {
        "eval" => same_shell(join(&words[1..])),
        "trap" => words.iter().skip(1).find(|w| !w.text.starts_with('-')).map_or(Unwrapped::Itself, |code| {
            if code.text.is_empty() { Unwrapped::Itself } else { same_shell(code.to_code()) }
        }),
        "su" | "runuser" if code_option(words).is_some() => {
            code_option(words).map_or(Unwrapped::Itself, |code| new_shell(code.to_code(), &[]))
        }
        "watch" => match operand(words, "n", &["--interval"]) {
            Some(at) => new_shell(join(&words[at..]), &[]),
            None => Unwrapped::Itself,
        },
        "flock" if code_option(words).is_some() => {
            code_option(words).map_or(Unwrapped::Itself, |code| new_shell(code.to_code(), &[]))
        }
        "ssh" => match operand(words, SSH_VALUES, &[]) {
            // The words behind the host are put together for the shell over there.
            Some(host) if host + 1 < words.len() => new_shell(join(&words[host + 1..]), &[]),
            _ => Unwrapped::Itself,
        },
        "docker" | "podman" | "nerdctl" => container(words),
        "kubectl" | "oc" if words.iter().any(|w| w.text == "exec") => {
            let at = words.iter().position(|w| w.text == "--").map(|at| at + 1);
            at.filter(|at| *at < words.len()).map_or(Unwrapped::Itself, |at| Unwrapped::Rest(at, Vec::new()))
        }
        "xargs" => xargs(words, input),
        "find" => find(words),
        "gosu" | "su-exec" if words.len() > 2 => Unwrapped::Rest(2, Vec::new()),
        name if SHELLS.contains(&name) => shell(words),
        _ => match WRAPPERS.iter().find(|w| w.names.contains(&name)) {
            Some(wrapper) => wrapped(wrapper, name, words),
            None => Unwrapped::Itself,
        },
    }
}

fn same_shell(code: String) -> Unwrapped {
    Unwrapped::Code { code, arguments: None }
}

fn new_shell(code: String, arguments: &[Word]) -> Unwrapped {
    Unwrapped::Code { code, arguments: Some(arguments.to_vec()) }
}

fn join(words: &[Word]) -> String {
    words.iter().map(Word::to_code).collect::<Vec<_>>().join(" ")
}

fn wrapped(wrapper: &Wrapper, name: &str, words: &[Word]) -> Unwrapped {
    let asks_only = |w: &Word| matches!(w.text.as_str(), "-v" | "-V" | "-vp" | "-pv");
    if name == "command" && words.get(1).is_some_and(asks_only) {
        return Unwrapped::Itself;
    }
    if name == "env"
        && let Some(split) = split_string(words)
    {
        return split;
    }
    let Some(mut at) = operand(words, wrapper.short, wrapper.long) else { return Unwrapped::Itself };
    at += wrapper.operands;
    let mut variables = Vec::new();
    while let Some(word) = words.get(at)
        && let Some(variable) = assignment(word)
    {
        variables.push(variable);
        at += 1;
    }
    if at < words.len() { Unwrapped::Rest(at, variables) } else { Unwrapped::Itself }
}

/// Reads `docker exec CONTAINER COMMAND` and `docker compose exec SERVICE COMMAND`.
fn container(words: &[Word]) -> Unwrapped {
    let long = [
        "--env",
        "--env-file",
        "--user",
        "--workdir",
        "--detach-keys",
        "--index",
        "--file",
        "--project-name",
    ];
    let command = |from: usize| {
        let at = operand(&words[from..], "Hclfp", &long).map(|at| from + at)?;
        Some((at, words[at].text.as_str()))
    };
    let mut found = command(0);
    if let Some((at, "compose")) = found {
        found = command(at);
    }
    let Some((at, "exec")) = found else { return Unwrapped::Itself };
    match operand(&words[at..], "euw", &long) {
        Some(target) if at + target + 1 < words.len() => Unwrapped::Rest(at + target + 1, Vec::new()),
        _ => Unwrapped::Itself,
    }
}

/// Returns where the first word stands that is no option.
fn operand(words: &[Word], short: &str, long: &[&str]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        if text == "--" {
            at += 1;
            break;
        }
        if word.is_unknown() && word.may_split() {
            // `$OPTS` in the place of options.
            at += 1;
            continue;
        }
        if text.len() < 2 || !text.starts_with('-') {
            break;
        }
        at += 1;
        let takes_next = match text.strip_prefix("--") {
            Some(_) => long.contains(&text),
            None => text[1..].find(|c| short.contains(c)).is_some_and(|n| n + 2 == text.len()),
        };
        at += usize::from(takes_next);
    }
    (at < words.len()).then_some(at)
}

/// Splits `NAME=value`, as `env` and `sudo` take it before the command.
pub(super) fn assignment(word: &Word) -> Option<(String, Word)> {
    let (name, value) = word.text.split_once('=')?;
    let valid = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    let whole = word.unknowns().all(|(at, _)| at > name.len());
    (valid && whole).then(|| (name.to_owned(), word.tail(word.text.len() - value.len())))
}

/// Reads `env -S 'command line'`, in any of its spellings.
fn split_string(words: &[Word]) -> Option<Unwrapped> {
    for (at, word) in words.iter().enumerate().skip(1) {
        let text = word.text.as_str();
        if !text.starts_with('-') {
            return None;
        }
        let value = if let Some(value) = text.strip_prefix("--split-string") {
            Some(value.strip_prefix('=').unwrap_or(value))
        } else if text.starts_with("--") {
            None
        } else {
            text.find('S').map(|n| &text[n + 1..])
        };
        if let Some(value) = value {
            let attached = word.tail(text.len() - value.len());
            let from = if value.is_empty() && attached.marks.is_empty() { at + 1 } else { at };
            let mut line = if from == at { vec![attached] } else { Vec::new() };
            line.extend(words.iter().skip(at + 1).cloned());
            return Some(new_shell(format!("env {}", join(&line)), &[]));
        }
    }
    None
}

/// Returns the value of `-c` or `--command`.
fn code_option(words: &[Word]) -> Option<&Word> {
    let at = words.iter().position(|w| matches!(w.text.as_str(), "-c" | "--command" | "-lc"))?;
    words.get(at + 1)
}

/// Reads the command line of a shell.
fn shell(words: &[Word]) -> Unwrapped {
    let (mut at, mut code, mut input) = (1, false, false);
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        let bundle = text.len() > 1 && text.starts_with(['-', '+']);
        match text {
            "-" | "--" => {
                at += 1;
                break;
            }
            "--rcfile" | "--init-file" => at += 1,
            text if text.starts_with("--") => {}
            _ if word.is_unknown() && word.may_split() => {}
            text if bundle => {
                code |= text.starts_with('-') && text.contains('c');
                input |= text.starts_with('-') && text.contains('s');
                at += text.matches(['o', 'O']).count();
            }
            _ => break,
        }
        at += 1;
    }
    match words.get(at) {
        Some(word) if code => new_shell(word.to_code(), words.get(at + 2..).unwrap_or_default()),
        Some(_) if !input => Unwrapped::Rest(at, Vec::new()),
        _ => Unwrapped::Input,
    }
}

/// Puts the words of the standard input behind those of the command, or in place of `-I`'s mark.
fn xargs(words: &[Word], input: Option<&Word>) -> Unwrapped {
    let long = ["--arg-file", "--delimiter", "--max-args", "--max-lines", "--max-procs", "--max-chars"];
    let Some(at) = operand(words, "aEILnPsd", &long) else { return Unwrapped::Itself };
    let mark = words[1..at].iter().enumerate().find_map(|(n, word)| {
        let text = word.text.as_str();
        if text == "-I" { words.get(n + 2).map(|w| w.text.clone()) } else { replaced(text) }
    });
    let text = input.map_or("", |word| word.text.as_str());
    let mut items: Vec<Word> = text.split_whitespace().map(Word::literal).collect();
    if input.and_then(Word::known).is_none() {
        let mut unknown = Word::default();
        unknown.push_unknown(false, true);
        items.push(unknown);
    }
    let command = &words[at..];
    Unwrapped::Commands(match mark {
        Some(mark) => {
            items.iter().map(|item| command.iter().map(|w| fill(w, &mark, item)).collect()).collect()
        }
        None => vec![[command, &items].concat()],
    })
}

/// Returns the mark of `-I{}`, `-i`, `--replace` and the like.
fn replaced(option: &str) -> Option<String> {
    let value = option
        .strip_prefix("-I")
        .or_else(|| option.strip_prefix("-i"))
        .or_else(|| option.strip_prefix("--replace").map(|rest| rest.strip_prefix('=').unwrap_or(rest)))?;
    Some(if value.is_empty() { "{}" } else { value }.to_owned())
}

/// Replaces a mark in a word.
fn fill(word: &Word, mark: &str, item: &Word) -> Word {
    if word.known().is_none() || !word.text.contains(mark) {
        return word.clone();
    }
    let mut filled = Word::default();
    for (n, part) in word.text.split(mark).enumerate() {
        if n > 0 {
            filled.push(item);
        }
        filled.push(&Word::literal(part));
    }
    filled
}

/// Returns the commands that `find` runs, with the places where it starts for `{}`; what it picks
/// there by a test is not known.
fn find(words: &[Word]) -> Unwrapped {
    let find = Find::parse(words);
    if find.runs.is_empty() {
        return Unwrapped::Itself;
    }
    let items: Vec<Word> = match (find.selective, find.roots.is_empty()) {
        (true, _) => vec![Word::unknown(false)],
        (false, true) => vec![Word::literal(".")],
        (false, false) => find.roots.iter().map(|w| (*w).clone()).collect(),
    };
    let mut commands = Vec::new();
    for run in find.runs {
        commands.extend(
            items
                .iter()
                .map(|item| words[run.clone()].iter().map(|w| fill(w, "{}", item)).collect::<Vec<_>>()),
        );
    }
    Unwrapped::Commands(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let words: Vec<Word> = line.split(' ').map(Word::literal).collect();
        let name = words[0].text.clone();
        let show = |words: &[Word]| words.iter().map(Word::display).collect::<Vec<_>>().join(" ");
        let found = match unwrap(&name, &words, Some(&Word::literal("x y"))) {
            Unwrapped::Itself => "itself".into(),
            Unwrapped::Input => "input".into(),
            Unwrapped::Rest(at, variables) => format!("{} {}", variables.len(), show(&words[at..])),
            Unwrapped::Commands(all) => all.iter().map(|w| show(w)).collect::<Vec<_>>().join("; "),
            Unwrapped::Code { code, arguments } => format!("code {code} {:?}", arguments.map(|a| show(&a))),
        };
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn the_command_behind_the_options_is_found() {
        check("sudo -u root -E A=1 rm -rf x", "1 rm -rf x");
        check("sudo --user root -- rm x", "0 rm x");
        check("sudo -nu root rm", "0 rm");
        check("sudo -uroot rm", "0 rm");
        check("sudo -v", "itself");
        check("env -i -u HOME A=1 B=2 git push", "2 git push");
        check("nice -n 10 git push", "0 git push");
        check("nice -10 git push", "0 git push");
        check("timeout -k 5 10s git push", "0 git push");
        check("command -v rm", "itself");
        check("command rm x", "0 rm x");
        check("exec -a name rm x", "0 rm x");
        check("stdbuf -oL rm x", "0 rm x");
        check("stdbuf -o L rm x", "0 rm x");
        check("flock -w 3 /tmp/l rm x", "0 rm x");
    }

    #[test]
    fn what_runs_elsewhere_is_found() {
        check("ssh -p 22 user@host rm -rf x", "code rm -rf x Some(\"\")");
        check("ssh host", "itself");
        check("docker exec -it -u root db psql -c x", "0 psql -c x");
        check("docker -H tcp://x exec db ls", "0 ls");
        check("docker compose -f c.yml exec -T db psql", "0 psql");
        check("docker run --rm alpine ls", "itself");
        check("docker exec db", "itself");
        check("kubectl exec -n a pod -c x -- rm -rf y", "0 rm -rf y");
    }

    #[test]
    fn code_is_told_from_scripts_and_input() {
        check("bash -c ls a b", "code ls Some(\"b\")");
        check("bash -euo pipefail -c ls", "code ls Some(\"\")");
        check("sh -x file a", "0 file a");
        check("bash --norc", "input");
        check("bash -s a", "input");
        check("eval rm -rf x", "code rm -rf x None");
        check("su - root -c ls", "code ls Some(\"\")");
        check("env -S rm x", "code env rm x Some(\"\")");
        check("env -iSrm x", "code env rm x Some(\"\")");
        check("trap - EXIT", "code EXIT None");
        check("watch -n 1 ls x", "code ls x Some(\"\")");
    }

    #[test]
    fn xargs_and_find_make_commands() {
        check("xargs -n 1 rm -rf", "rm -rf x y");
        check("xargs -I {} rm {}/a", "rm x/a; rm y/a");
        check("find . -exec rm -rf {} ;", "rm -rf .");
        check("find a b -name c -exec rm {} + -exec ls ;", "rm …; ls");
        check("find . -name x", "itself");
    }
}
