//! Options whose value is run: code, or the name of a program with its arguments.

use super::super::word::Word;
use super::table::lists;
use super::{Unwrapped, join, operand, values};
use crate::index::Index;

/// A program with options whose value is run. A value may have to begin with some text.
struct Runs {
    names: &'static str,
    options: &'static str,
    short: &'static str,
    prefix: &'static str,
}

macro_rules! runs {
    ($($names:literal $options:literal $short:literal $prefix:literal;)*) => {
        &[$(Runs { names: $names, options: $options, short: $short, prefix: $prefix }),*]
    };
}

#[rustfmt::skip]
static RUNS: &[Runs] = runs! {
    "tar gtar bsdtar" "--checkpoint-action" "fCTbXIH" "exec=";
    "tar gtar bsdtar" "--to-command -I --use-compress-program --use-compress-prog --info-script --new-volume-script --rsh-command -F" "fCTbXIHF" "";
    "rsync" "-e --rsh --rsync-path" "ef" "";
    "ssh scp sftp autossh" "-o" "oipPFJlLRDcSbBEeIImOQWw" "proxycommand=";
    "ssh scp sftp autossh" "-o" "oipPFJlLRDcSbBEeIImOQWw" "localcommand=";
    "ssh scp sftp autossh" "-o" "oipPFJlLRDcSbBEeIImOQWw" "knownhostscommand=";
    "scp sftp" "-S -D" "oipPFJlcSD" "";
    "man" "-P --pager -H --html" "PMSmLprCRe" "";
    "sort gsort" "--compress-program" "okStT" "";
    "split gsplit" "--filter" "abClnt" "";
    "zip" "-TT --unzip-command" "bnPtxi" "";
    "tcpdump" "-z" "irwcCGWsyzE" "";
    "nc ncat netcat" "-e --exec -c --sh-exec" "epswciGIPqVXx" "";
    "less more most" "+" "" "!";
    "systemd-run" "--property -p" "upEHMS" "ExecStartPre=";
    "systemd-run" "--property -p" "upEHMS" "ExecStopPost=";
    "dpkg" "--pre-invoke --post-invoke" "" "";
    "ssh scp sftp autossh" "-o" "oipPFJlLRDcSbBEeIImOQWw" "proxycommand ";
    "ssh scp sftp autossh" "-o" "oipPFJlLRDcSbBEeIImOQWw" "localcommand ";
    "ssh scp sftp autossh" "-o" "oipPFJlLRDcSbBEeIImOQWw" "knownhostscommand ";
    "bat batcat delta ag ack mysql mariadb" "--pager" "" "";
    "rg" "--pre --hostname-bin" "" "";
    "wget" "--use-askpass" "" "";
    "aria2c" "--on-download-complete --on-download-start --on-download-error --on-download-stop --on-download-pause \
        --on-bt-download-complete" "" "";
    "openvpn" "--up --down --route-up --route-pre-down --ipchange --tls-verify --client-connect --client-disconnect \
        --learn-address --auth-user-pass-verify" "" "";
    "dialog" "--prgbox" "" "";
    "nano rnano" "-s --speller" "srTYoQC" "";
    "chokidar" "-c --command" "c" "";
    "air" "--build.cmd --build.bin" "c" "";
    "svn" "--editor-cmd --diff-cmd --diff3-cmd --merge-cmd" "" "";
    "mussh et newgrp" "-c --command" "c" "";
    "cssh csshx" "-a --action" "a" "";
    "salt-ssh" "-r --raw" "r" "";
    "az" "--scripts" "" "";
    "aws" "--command" "" "";
    "cmd cmd.exe" "/c /C /k /K" "" "";
    "pwsh powershell powershell.exe" "-Command -c -command" "" "";
    "fzf" "--preview --bind" "" "";
    "borg restic" "--rsh --password-command" "" "";
};

/// Which entries of [`RUNS`] may have a name.
static INDEX: Index = {
    let (mut index, mut n) = (Index::new(), 0);
    while n < RUNS.len() {
        index.add_list(RUNS[n].names, n);
        n += 1;
    }
    index
};

/// Returns the code in the options of a command; `None` where there is none.
pub(super) fn code_options(name: &str, words: &[Word]) -> Option<Unwrapped> {
    let mut codes = Vec::new();
    for runs in INDEX.of(name).iter().map(|n| &RUNS[n]).filter(|runs| lists(runs.names, name)) {
        for value in values(words, words.len(), runs.options, runs.short)
            .iter()
            .chain(&single_dash(words, runs.options))
        {
            let text = value.text.trim_start();
            let start = value.text.len() - text.len();
            let matches =
                text.get(..runs.prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(runs.prefix));
            if matches {
                codes.push(value.tail(start + runs.prefix.len()).to_code());
            }
        }
    }
    // `less +'!cmd'`, `socat EXEC:cmd`.
    for word in words.iter().skip(1) {
        let prefixes: &[&str] = match name {
            "less" | "more" => &["+!", "+:!"],
            "socat" => &["EXEC:", "SYSTEM:", "exec:", "system:", "SHELL:"],
            _ => break,
        };
        let found = prefixes.iter().find(|prefix| word.text.starts_with(**prefix));
        codes.extend(found.map(|prefix| {
            let code = word.tail(prefix.len()).to_code();
            // Options of an address stand behind a comma.
            if name == "socat" { code.split(',').next().unwrap_or("").to_owned() } else { code }
        }));
    }
    codes.extend(keyed(name, words));
    if codes.is_empty() {
        return None;
    }
    let mut all: Vec<Unwrapped> = codes.into_iter().map(Unwrapped::new_shell).collect();
    // It does its own work as well.
    if matches!(name, "ssh" | "autossh" | "systemd-run")
        && let Some(at) = operand(words, "BbcDEeFIiJLlmMOoPpQRSWw", "")
        && at + 1 < words.len()
    {
        all.push(Unwrapped::Code {
            code: join(&words[at + 1..]),
            arguments: Some(Vec::new()),
            elsewhere: true,
        });
    }
    Some(Unwrapped::Many(all))
}

/// Returns the code in settings that are given as `key=value`.
fn keyed(name: &str, words: &[Word]) -> Vec<String> {
    let options = match name {
        "hg" => "--config",
        "apt" | "apt-get" | "aptitude" => "-o --option",
        _ => return Vec::new(),
    };
    let code = |value: &Word| {
        let (key, code) = value.text.split_once('=')?;
        let value = value.tail(value.text.len() - code.len());
        let lower = key.to_ascii_lowercase();
        if lower.starts_with("alias.") {
            return code.starts_with('!').then(|| value.tail(1).to_code());
        }
        (lower.starts_with("hooks.") || lower.contains("invoke") || lower.ends_with("editor"))
            .then(|| value.to_code())
    };
    values(words, words.len(), options, "otc").iter().filter_map(code).collect()
}

/// Options behind which the rest of the line is a command; one word alone is code.
static BEHIND: &[(&str, &str, bool)] = &[
    (
        "xterm urxvt rxvt konsole alacritty foot terminator lxterminal mate-terminal st ghostty x-terminal-emulator \
         gnome-terminal xfce4-terminal kitty ttyrec",
        "-e -x --command --execute --",
        false,
    ),
    ("just", "-c --command", false),
    ("nodemon", "-x --exec", false),
    ("nix", "-c --command", false),
    ("salt salt-call", "cmd.run cmd.shell cmd.run_all cmd.run_stdout", true),
];

/// Which entries of [`BEHIND`] may have a name.
static IN_FRONT: Index<64> = {
    let (mut index, mut n) = (Index::new(), 0);
    while n < BEHIND.len() {
        index.add_list(BEHIND[n].0, n);
        n += 1;
    }
    index
};

/// Reads a command that an option begins.
pub(super) fn behind(name: &str, words: &[Word]) -> Option<Unwrapped> {
    let mut entries = IN_FRONT.of(name).iter().map(|n| &BEHIND[n]);
    let (_, options, elsewhere) = entries.find(|(names, ..)| lists(names, name))?;
    let at = words.iter().skip(1).position(|word| lists(options, &word.text))? + 2;
    match words.get(at..)? {
        [] => None,
        [code] => {
            Some(Unwrapped::Code { code: code.to_code(), arguments: Some(Vec::new()), elsewhere: *elsewhere })
        }
        _ => Some(Unwrapped::Rest { at, variables: Vec::new(), directory: None, elsewhere: *elsewhere }),
    }
}

/// Programs that take commands from their standard input or an option, and what begins one for a shell.
static ESCAPES: &[(&str, &str, &[&str])] = &[
    ("ftp sftp lftp ncftp tnftp smbclient telnet gnuplot", "-c -e --command", &["!"]),
    ("mail mailx s-nail", "", &["~!", "~|"]),
    ("sqlplus sql", "", &["host ", "HOST ", "!", "$"]),
];

/// Which entries of [`ESCAPES`] may have a name.
static ESCAPING: Index<64> = {
    let (mut index, mut n) = (Index::new(), 0);
    while n < ESCAPES.len() {
        index.add_list(ESCAPES[n].0, n);
        n += 1;
    }
    index
};

/// Reads the commands for a shell among those of a program.
pub(super) fn escapes(name: &str, words: &[Word], input: Option<&Word>) -> Option<Unwrapped> {
    let mut entries = ESCAPING.of(name).iter().map(|n| &ESCAPES[n]);
    let (_, options, marks) = entries.find(|(names, ..)| lists(names, name))?;
    let given = values(words, words.len(), options, "ce");
    let lines = given
        .iter()
        .flat_map(|text| text.split(';'))
        .chain(input.into_iter().flat_map(|text| text.split('\n')));
    let code = |line: Word| {
        let start = line.text.len() - line.text.trim_start().len();
        let mark = marks.iter().find(|mark| line.text[start..].starts_with(**mark))?;
        Some(Unwrapped::new_shell(line.tail(start + mark.len()).to_code()))
    };
    let all: Vec<Unwrapped> = lines.filter_map(code).collect();
    (!all.is_empty()).then_some(Unwrapped::Many(all))
}

/// Commands of tmux that take another one of its commands.
const TMUX: &str = "if-shell if bind bind-key set-hook confirm-before confirm command-prompt";

/// Reads the commands of tmux that are given as words of others.
pub(super) fn tmux(words: &[Word]) -> Option<Unwrapped> {
    let at = operand(words, "LSfc", "").filter(|at| lists(TMUX, &words[*at].text))?;
    let from = super::operand_from(words, at + 1, "bFtTN", "").unwrap_or(words.len());
    let rest = &words[from..];
    let inner =
        rest.iter().filter(|word| word.text.contains(' ')).map(|word| format!("tmux {}", word.to_code()));
    let mut all: Vec<Unwrapped> = inner.map(Unwrapped::new_shell).collect();
    if let [_, command @ ..] = rest
        && !command.is_empty()
    {
        let command: Vec<String> = command.iter().map(Word::to_quoted).collect();
        all.push(Unwrapped::new_shell(format!("tmux {}", command.join(" "))));
    }
    if lists("if-shell if", &words[at].text) {
        all.extend(rest.iter().map(|word| Unwrapped::new_shell(word.to_code())));
    }
    Some(Unwrapped::Many(all))
}

/// Options of `bwrap` with two values, and with one.
const TWO: &str = "--bind --dev-bind --ro-bind --bind-try --dev-bind-try --ro-bind-try --setenv --symlink --file --bind-data \
    --ro-bind-data --chmod --overlay";
const ONE: &str = "--dir --tmpfs --proc --dev --chdir --unsetenv --hostname --uid --gid --lock-file --sync-fd --info-fd \
    --block-fd --seccomp --exec-label --file-label --cap-add --cap-drop --perms --size --args --remount-ro --mqueue --userns \
    --pidns --json-status-fd --argv0";

/// Reads the command of `bwrap`.
pub(super) fn bubblewrap(words: &[Word]) -> Option<Unwrapped> {
    let mut at = 1;
    while let Some(word) = words.get(at).filter(|word| word.text.starts_with('-')) {
        at += match word.text.as_str() {
            "--" => 1,
            text if lists(TWO, text) => 3,
            text if lists(ONE, text) => 2,
            _ => 1,
        };
        if word.text == "--" {
            break;
        }
    }
    (at < words.len()).then(|| Unwrapped::words(at))
}

/// Returns the values of options with one dash and several letters, such as `-ex` and `-Command`.
pub(super) fn single_dash(words: &[Word], options: &str) -> Vec<Word> {
    let long = |w: &Word| {
        (w.text.len() > 2 && !w.text.starts_with("--") || w.text.starts_with('/')) && lists(options, &w.text)
    };
    let mut found: Vec<Word> =
        words.windows(2).filter(|pair| long(&pair[0])).map(|pair| pair[1].clone()).collect();
    // `-TT=command`
    found.extend(words.iter().filter_map(|word| {
        let (name, value) =
            word.text.split_once('=').filter(|(name, _)| !name.starts_with("--") && name.len() > 2)?;
        lists(options, name).then(|| word.tail(word.text.len() - value.len()))
    }));
    found
}

/// Returns the text of `env -S` as a shell reads it: an escape may stand for what is between words, and other
/// characters have no meaning there.
fn spaced(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut spaced = String::with_capacity(text.len());
    let mut chars = text.chars();
    let (mut single, mut double) = (false, false);
    while let Some(c) = chars.next() {
        match c {
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '\\' if !single => {
                match chars.next() {
                    Some('c') if !double => break,
                    Some('_') => spaced.push(' '),
                    Some('t') => spaced.push('\t'),
                    Some('n' | 'v' | 'f' | 'r') => spaced.push(' '),
                    Some('#') => spaced.push_str(if double { "#" } else { "\\#" }),
                    other => spaced.extend(['\\'].into_iter().chain(other)),
                }
                continue;
            }
            _ => {}
        }
        spaced.push(c);
    }
    spaced
}

/// Reads `env -S 'command line'`, in any of its spellings.
pub(super) fn split_string(words: &[Word]) -> Option<Unwrapped> {
    let mut skip = false;
    for (at, word) in words.iter().enumerate().skip(1) {
        let text = word.text.as_str();
        if std::mem::take(&mut skip) {
            continue;
        }
        if !text.starts_with('-') {
            return None;
        }
        let value = if let Some(value) = text.strip_prefix("--split-string") {
            Some(value.strip_prefix('=').unwrap_or(value))
        } else if text.starts_with("--") {
            None
        } else {
            skip = text.ends_with(['u', 'C', 'a']);
            text.find('S').map(|n| &text[n + 1..])
        };
        if let Some(value) = value {
            let attached = word.tail(text.len() - value.len());
            let apart = value.is_empty() && attached.marks.is_empty();
            let mut line = vec![spaced(&if apart { words.get(at + 1)?.clone() } else { attached }.to_code())];
            let rest = words.iter().skip(at + 1 + usize::from(apart));
            line.extend(rest.map(Word::to_quoted));
            return Some(Unwrapped::new_shell(format!("env {}", line.join(" "))));
        }
    }
    None
}

/// Reads what `screen` types for somebody.
pub(super) fn typed(words: &[Word]) -> Option<Unwrapped> {
    let at = words.iter().position(|w| w.text == "stuff")?;
    let text = words.get(at + 1)?;
    // A line end may be written as an escape.
    let code = text.to_code().replace("\\n", "\n").replace("^M", "\n").replace("\\015", "\n");
    Some(Unwrapped::new_shell(code))
}
