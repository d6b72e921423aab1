//! What git runs: aliases, options and settings that name a program.

use super::super::Shell;
use super::super::word::Word;
use super::table::{lists, sorted};
use super::{Unwrapped, values};

/// Options before the subcommand that take the next word as their value.
const VALUES: &str = "-C -c --git-dir --work-tree --namespace --super-prefix --config-env --attr-source";

/// Git's own subcommands, of which no alias can be made, in order.
static OWN: [&str; 133] = sorted(
    "add am annotate apply archive bisect blame branch bundle cat-file check-attr check-ignore check-mailmap check-ref-format \
    checkout checkout-index cherry cherry-pick citool clean clone column commit commit-graph commit-tree config count-objects \
    credential credential-cache credential-store daemon describe diff diff-files diff-index diff-tree difftool fast-export \
    fast-import fetch fetch-pack filter-branch fmt-merge-msg for-each-ref for-each-repo format-patch fsck gc get-tar-commit-id \
    grep gui hash-object help hook index-pack init instaweb interpret-trailers lfs log ls-files ls-remote ls-tree mailinfo mailsplit \
    maintenance merge merge-base merge-file merge-index merge-one-file merge-tree mergetool mktag mktree mv name-rev notes \
    pack-objects pack-redundant pack-refs patch-id prune prune-packed pull push range-diff read-tree rebase receive-pack reflog \
    remote repack replace request-pull rerere reset restore rev-list rev-parse revert rm send-email send-pack shortlog show \
    show-branch show-index show-ref sparse-checkout stash status stripspace submodule subtree switch symbolic-ref tag unpack-file \
    unpack-objects update-index update-ref update-server-info upload-archive upload-pack var verify-commit verify-pack verify-tag \
    version whatchanged worktree write-tree",
);

/// Subcommands that take the address of a remote.
const REMOTES: &str = "clone fetch pull push ls-remote remote submodule fetch-pack send-pack archive";

/// How many aliases may lead to one another.
const MAX_ALIASES: usize = 4;

impl Shell<'_> {
    /// Says what a `git` command runs.
    pub(super) fn git(&mut self, words: &[Word]) -> Unwrapped {
        let mut codes = Vec::new();
        let mut settings: Vec<(String, Word)> = self.settings_of_environment();
        let mut directory = None;
        let mut at = 1;
        while let Some(word) = words.get(at).filter(|w| w.text.starts_with('-')) {
            let value = words.get(at + 1);
            if word.text == "-c" {
                settings.extend(value.and_then(setting));
            } else if word.text == "-C" {
                directory = value.cloned();
            } else if word.text.starts_with("--config-env") {
                settings.extend(self.setting_of_variable(word, value));
            }
            at += if lists(VALUES, &word.text) { 2 } else { 1 };
        }
        for (key, value) in &settings {
            codes.extend(program(key, value));
        }
        let Some(sub) = words.get(at).and_then(Word::known) else { return found(codes) };
        let args = &words[at + 1..];
        if OWN.binary_search(&sub).is_err() {
            let key = format!("alias.{}", sub.to_ascii_lowercase());
            let own = settings.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
            let deep = self.context.chain.iter().filter(|step| &***step == "git").count() >= MAX_ALIASES;
            let alias = own.or_else(|| {
                let cwd = match &directory {
                    Some(directory) => self.path(directory),
                    None => self.directory(),
                };
                let value = self.world.git_config(cwd.as_deref(), &key).pop();
                value.map(Word::literal)
            });
            if let Some(alias) = alias.filter(|_| !deep) {
                return aliased(&alias, &words[..at], args, codes);
            }
            return found(codes);
        }
        let option = |names: &str, short: &str| values(&words[at..], words.len() - at, names, short);
        let whole: Vec<Word> = match sub {
            "config" => {
                codes.extend(configured(args).into_iter().flat_map(|(key, value)| later(&key, &value)));
                return if codes.is_empty() { Unwrapped::Itself } else { Unwrapped::Later(codes) };
            }
            "rebase" => option("-x --exec", "xsXC"),
            "difftool" => option("-x --extcmd", "xtU"),
            "grep" => {
                let attached = args.iter().filter(|w| w.text.starts_with("-O") && w.text.len() > 2);
                let attached: Vec<Word> = attached.map(|w| w.tail(2)).collect();
                [option("--open-files-in-pager", ""), attached].concat()
            }
            "clone" => {
                let given = option("-c --config", "cobuj");
                codes.extend(
                    given.iter().filter_map(setting).filter_map(|(key, value)| program(&key, &value)),
                );
                option("-u --upload-pack", "cobuj")
            }
            "fetch" | "pull" | "ls-remote" | "fetch-pack" => option("--upload-pack --exec", "cobujX"),
            "push" | "send-pack" => option("--receive-pack --exec", "o"),
            "archive" => option("--exec", ""),
            "send-email" => option("--smtp-server --sendmail-cmd --to-cmd --cc-cmd --header-cmd", ""),
            "filter-branch" => option(
                "--setup --subdirectory-filter --env-filter --tree-filter --index-filter --parent-filter --msg-filter \
                 --commit-filter --tag-name-filter",
                "df",
            ),
            _ => Vec::new(),
        };
        codes.extend(whole.iter().map(Word::to_code));
        if lists(REMOTES, sub) {
            codes.extend(args.iter().filter_map(transport));
        }
        let behind = |name: &str| args.iter().position(|w| w.text == name).map(|n| at + 2 + n);
        let rest = match sub {
            "bisect" => behind("run").map(Unwrapped::words),
            "submodule" => behind("foreach").map(|from| {
                let from = from
                    + words[from.min(words.len())..].iter().take_while(|w| w.text.starts_with("--")).count();
                match &words[from.min(words.len())..] {
                    [code] => Unwrapped::new_shell(code.to_code()),
                    words => Unwrapped::Commands(vec![words.to_vec()]),
                }
            }),
            "for-each-repo" => {
                let from = args.iter().position(|w| !w.text.starts_with("--"));
                from.map(|from| Unwrapped::Commands(vec![[&[Word::literal("git")], &args[from..]].concat()]))
            }
            _ => None,
        };
        let rest = rest.filter(|rest| !matches!(rest, Unwrapped::Rest { at, .. } if *at >= words.len()));
        let mut all: Vec<Unwrapped> = codes.into_iter().map(Unwrapped::new_shell).collect();
        all.extend(rest);
        if all.is_empty() { Unwrapped::Itself } else { Unwrapped::Many(all) }
    }
}

/// Returns what code in options comes to.
fn found(codes: Vec<String>) -> Unwrapped {
    if codes.is_empty() {
        return Unwrapped::Itself;
    }
    Unwrapped::Many(codes.into_iter().map(Unwrapped::new_shell).collect())
}

/// Returns what a remote runs whose address is `ext::command`.
fn transport(word: &Word) -> Option<String> {
    let command = word.text.strip_prefix("ext::")?;
    let code = word.tail(word.text.len() - command.len()).to_code();
    // A space that belongs to a word has a `%` before it; `%s` and its kind stand for what is asked for.
    Some(code.replace("% ", "\\ ").replace("%S", "").replace("%s", "").replace("%%", "%"))
}

/// Splits `key=value`.
fn setting(word: &Word) -> Option<(String, Word)> {
    let (key, value) = word.text.split_once('=')?;
    Some((key.to_ascii_lowercase(), word.tail(word.text.len() - value.len())))
}

/// Returns the key and the value that `git config` sets.
fn configured(args: &[Word]) -> Option<(String, Word)> {
    let short = "ft";
    let at = super::operand_from(args, 0, short, "--file --blob --type --default --comment --value --url")?;
    let mut operands = args[at..].iter().filter(|w| !w.text.starts_with("--"));
    let mut key = operands.next()?;
    if matches!(key.text.as_str(), "set" | "add") {
        key = operands.next()?;
    }
    let value = operands.next()?;
    Some((key.known()?.to_ascii_lowercase(), value.clone()))
}

/// Returns the code that a setting makes git run.
fn program(key: &str, value: &Word) -> Option<String> {
    let (section, name) = (key.split('.').next()?, key.rsplit('.').next()?);
    let code = || Some(value.to_code());
    let marked = || if value.text.starts_with('!') { Some(value.tail(1).to_code()) } else { None };
    match (section, name) {
        ("credential", "helper") | ("submodule", "update") => marked(),
        (
            "core",
            "pager" | "editor" | "sshcommand" | "askpass" | "gitproxy" | "fsmonitor" | "alternaterefscommand",
        )
        | ("sequence", "editor")
        | ("diff", "external" | "command" | "textconv")
        | ("pager" | "hook", _)
        | ("gpg", "program")
        | ("browser" | "man" | "difftool" | "mergetool", "path")
        | ("interactive", "difffilter")
        | ("difftool" | "mergetool" | "browser" | "man", "cmd")
        | ("filter", "clean" | "smudge" | "process")
        | ("merge", "driver")
        | ("trailer", "command" | "cmd")
        | ("uploadpack", "packobjectshook")
        | ("remote", "uploadpack" | "receivepack")
        | ("tar", "command")
        | ("sendemail", "smtpserver" | "sendmailcmd" | "tocmd" | "cccmd") => code(),
        _ => None,
    }
}

/// Returns the code that a stored setting makes git run later.
fn later(key: &str, value: &Word) -> Option<String> {
    if !key.starts_with("alias.") {
        return program(key, value);
    }
    Some(if value.text.starts_with('!') {
        value.tail(1).to_code()
    } else {
        format!("git {}", value.to_code())
    })
}

/// Returns what an alias runs.
fn aliased(alias: &Word, before: &[Word], args: &[Word], codes: Vec<String>) -> Unwrapped {
    let mut code = if alias.text.starts_with('!') {
        alias.tail(1).to_code()
    } else {
        let before: Vec<String> = before.iter().map(Word::to_quoted).collect();
        format!("{} {}", before.join(" "), alias.to_code())
    };
    for word in args {
        code.push(' ');
        code.push_str(&word.to_quoted());
    }
    let mut all: Vec<Unwrapped> = codes.into_iter().map(Unwrapped::new_shell).collect();
    all.push(Unwrapped::new_shell(code));
    Unwrapped::Many(all)
}

impl Shell<'_> {
    /// Reads `GIT_CONFIG_COUNT` and the variables that belong to it.
    fn settings_of_environment(&mut self) -> Vec<(String, Word)> {
        let mut settings = Vec::new();
        if self.state.get("GIT_CONFIG_PARAMETERS").is_some()
            && let Some(parameters) = self.known("GIT_CONFIG_PARAMETERS")
        {
            // `'key'='value'`, or `'key=value'` as older versions write it.
            let pairs = parameters.split("' '").filter_map(|pair| pair.split_once('='));
            let plain = |text: &str| text.trim_matches(['\'', ' ']).to_owned();
            settings.extend(
                pairs.map(|(key, value)| (plain(key).to_ascii_lowercase(), Word::literal(plain(value)))),
            );
        }
        if self.state.get("GIT_CONFIG_COUNT").is_none() {
            return settings;
        }
        let count = self.known("GIT_CONFIG_COUNT").and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
        let pair = |n: usize| {
            let key = self.known(&format!("GIT_CONFIG_KEY_{n}"))?;
            let value = self.known(&format!("GIT_CONFIG_VALUE_{n}"))?;
            Some((key.to_ascii_lowercase(), Word::literal(value)))
        };
        settings.extend((0..count.min(100)).filter_map(pair));
        settings
    }

    /// Reads `--config-env=key=VARIABLE`.
    fn setting_of_variable(&mut self, word: &Word, next: Option<&Word>) -> Option<(String, Word)> {
        let value =
            word.text.strip_prefix("--config-env=").or_else(|| next.map(|next| next.text.as_str()))?;
        let (key, variable) = value.rsplit_once('=')?;
        Some((key.to_ascii_lowercase(), Word::literal(self.known(variable)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subcommands_are_in_the_order_in_which_they_are_searched() {
        assert!(OWN.is_sorted());
    }
}
