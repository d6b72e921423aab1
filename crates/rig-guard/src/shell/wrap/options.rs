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
    "tar gtar bsdtar" "--to-command -I --use-compress-program --info-script --new-volume-script --rsh-command -F" "fCTbXIHF" "";
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
    "gdb lldb cgdb rust-gdb" "-ex -eval-command --eval-command" "xpcds" "shell ";
    "gdb lldb cgdb rust-gdb" "-ex -eval-command --eval-command" "xpcds" "!";
    "vim vi nvim view gvim vimdiff ex rvim" "-c --cmd" "cTuUwWiPrSt" ":!";
    "vim vi nvim view gvim vimdiff ex rvim" "-c --cmd" "cTuUwWiPrSt" "!";
    "vim vi nvim view gvim vimdiff ex rvim" "-c --cmd" "cTuUwWiPrSt" "silent !";
    "vim vi nvim view gvim vimdiff ex rvim" "-c --cmd" "cTuUwWiPrSt" "r !";
    "less more most" "+" "" "!";
    "systemd-run" "--property -p" "upEHMS" "ExecStartPre=";
    "systemd-run" "--property -p" "upEHMS" "ExecStopPost=";
    "dpkg apt apt-get" "-o --pre-invoke --post-invoke" "otc" "";
    "cmd cmd.exe" "/c /C /k /K" "" "";
    "pwsh powershell powershell.exe" "-Command -c -command" "" "";
    "osascript" "-e" "el" "";
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
    // `vim +'!cmd'`, `less +'!cmd'`, `socat EXEC:cmd`, `osascript`.
    for word in words.iter().skip(1) {
        let prefixes: &[&str] = match name {
            "vim" | "vi" | "nvim" | "view" | "gvim" | "ex" | "less" | "more" => {
                &["+!", "+:!", "+silent !", "+r !", "+:r !"]
            }
            "socat" => &["EXEC:", "SYSTEM:", "exec:", "system:", "SHELL:"],
            _ => break,
        };
        let found = prefixes.iter().find(|prefix| word.text.starts_with(**prefix));
        codes.extend(found.map(|prefix| word.tail(prefix.len()).to_code()));
    }
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

/// Returns the values of options with one dash and several letters, such as `-ex` and `-Command`.
fn single_dash(words: &[Word], options: &str) -> Vec<Word> {
    let long = |w: &Word| {
        (w.text.len() > 2 && !w.text.starts_with("--") || w.text.starts_with('/')) && lists(options, &w.text)
    };
    words.windows(2).filter(|pair| long(&pair[0])).map(|pair| pair[1].clone()).collect()
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
            let mut line = vec![if apart { words.get(at + 1)?.clone() } else { attached }.to_code()];
            let rest = words.iter().skip(at + 1 + usize::from(apart));
            line.extend(rest.map(Word::to_quoted));
            return Some(Unwrapped::new_shell(format!("env {}", line.join(" "))));
        }
    }
    None
}

/// Reads what `expect` and `screen` type for somebody.
pub(super) fn typed(name: &str, words: &[Word]) -> Option<Unwrapped> {
    if name == "screen" {
        let at = words.iter().position(|w| w.text == "stuff")?;
        let text = words.get(at + 1)?;
        // A line end may be written as an escape.
        let code = text.to_code().replace("\\n", "\n").replace("^M", "\n").replace("\\015", "\n");
        return Some(Unwrapped::new_shell(code));
    }
    let code = values(words, words.len(), "-c", "cdf").pop()?;
    let lines = code.text.split(['\n', ';']).filter_map(|line| {
        let line = line.trim();
        line.strip_prefix("spawn ")
            .or_else(|| line.strip_prefix("exec "))
            .or_else(|| line.strip_prefix("send "))
    });
    let codes: Vec<Unwrapped> = lines
        .map(|line| line.trim_matches(['"', '{', '}']).replace("\\r", "\n").replace("\\n", "\n"))
        .map(Unwrapped::new_shell)
        .collect();
    if codes.is_empty() { None } else { Some(Unwrapped::Many(codes)) }
}
