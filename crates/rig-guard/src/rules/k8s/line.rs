//! The command line of `kubectl`.

use std::borrow::Cow;

use super::super::args::{Arg, Grammar, PLAIN, read};
use super::kinds::{is_pod, loss};
use crate::shell::Word;

/// The options of `kubectl delete`, of the verbs beside it, and those that every verb has. None may be abbreviated.
const GRAMMAR: Grammar = Grammar {
    short: "nslfkov",
    long: "namespace context cluster user kubeconfig server token as as-group as-uid as-user-extra request-timeout \
        cache-dir certificate-authority client-key client-certificate tls-server-name profile profile-output username \
        password log-flush-frequency vmodule v kuberc selector field-selector filename kustomize output grace-period \
        timeout raw field-manager template prune-allowlist prune-whitelist applyset loglevel config",
    ..PLAIN
};

/// What stands on a command line.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    /// The verb and what follows it.
    pub(super) operands: Vec<&'a Word>,
    /// Nothing happens: it is a dry run, or shows a help text.
    pub(super) idle: bool,
    pub(super) all: bool,
    pub(super) force: bool,
    pub(super) prune: bool,
    /// Which objects are meant is restricted by labels, or by fields.
    pub(super) labels: bool,
    pub(super) fields: bool,
    pub(super) files: Vec<Word>,
    pub(super) directories: Vec<Word>,
    pub(super) raw: Option<Word>,
    pub(super) namespace: Option<Word>,
}

impl<'a> Line<'a> {
    /// Reads the words behind the program's name.
    pub(super) fn read(words: &'a [Word]) -> Self {
        let mut line = Self::default();
        let (mut dry, mut help) = (false, false);
        for arg in read(words, &GRAMMAR) {
            let (name, value) = match arg {
                // What is not known in the place of options may be none.
                Arg::Operand(word) if word.may_be_empty() && line.operands.is_empty() => continue,
                Arg::Operand(word) => {
                    line.operands.push(word);
                    continue;
                }
                Arg::Option(name, value) => (name, value),
            };
            let on = || {
                value.as_ref().is_none_or(|v| matches!(v.text.as_str(), "true" | "1" | "t" | "T" | "True"))
            };
            match name {
                "help" => help = on(),
                "h" => help = true,
                // Without a value it is `client`, and the last one counts.
                "dry-run" => {
                    dry = on()
                        || value
                            .is_some_and(|v| matches!(v.text.as_str(), "client" | "server" | "unchanged"));
                }
                "all" => line.all = on(),
                "force" => line.force = on(),
                "prune" => line.prune = on(),
                _ => {
                    let Some(value) = value.map(bare) else { continue };
                    match name {
                        "l" | "selector" => line.labels = !(value.text.is_empty() && value.marks.is_empty()),
                        "field-selector" => line.fields = true,
                        "f" | "filename" => line.files.extend(value.split(',')),
                        "k" | "kustomize" => line.directories.push(value),
                        "raw" => line.raw = Some(value),
                        "n" | "namespace" => line.namespace = Some(value),
                        _ => {}
                    }
                }
            }
        }
        line.idle = dry || help;
        line
    }
}

/// Returns what `kubectl get TYPE -o name` prints: `TYPE/NAME`, with names that nobody knows where none are given.
/// `None` for anything else.
pub(crate) fn names(words: &[Word]) -> Option<Word> {
    let by_name = |arg: &Arg<'_>| matches!(arg, Arg::Option("o" | "output", Some(v)) if v.text.trim_start_matches('=') == "name");
    if !read(words, &GRAMMAR).iter().any(by_name) {
        return None;
    }
    let line = Line::read(words);
    let [verb, kinds, names @ ..] = &line.operands[..] else { return None };
    if verb.text != "get" {
        return None;
    }
    let mut printed = Word::default();
    let unknown = Word::unknown(false);
    let unknown = [&unknown];
    for kind in kinds.text.split(',') {
        for name in if names.is_empty() { &unknown[..] } else { names } {
            printed.push(&Word::literal(format!("{kind}/")));
            printed.push(name);
            printed.text.push('\n');
        }
    }
    Some(printed)
}

/// Returns the manifests that `kubectl get -o yaml` and `kubectl create --dry-run -o yaml` print, as far as the kinds in
/// them matter; `None` for anything else.
pub(crate) fn manifests(words: &[Word]) -> Option<Word> {
    let structured = |arg: &Arg<'_>| matches!(arg, Arg::Option("o" | "output", Some(v)) if matches!(v.text.trim_start_matches('='), "yaml" | "json"));
    if !read(words, &GRAMMAR).iter().any(structured) {
        return None;
    }
    let line = Line::read(words);
    let (verb, operands) = line.operands.split_first()?;
    let first = operands.first()?;
    let kinds: Vec<&str> = match verb.text.as_str() {
        "get" if first.text.contains('/') => {
            operands.iter().filter_map(|word| word.text.split_once('/')).map(|(kind, _)| kind).collect()
        }
        "get" => first.text.split(',').collect(),
        "create" => vec![&first.text],
        _ => return None,
    };
    let namespace = line.namespace.as_ref().and_then(Word::known);
    let mut printed = Word::default();
    for kind in kinds {
        let own = kind.split('.').next().unwrap_or(kind);
        // A pod is made anew by its owner.
        let namespace = namespace.filter(|_| !is_pod(own));
        if loss(kind).is_none() && namespace.is_none() {
            continue;
        }
        printed.text.push_str(&format!(
            "---\nkind: {own}\nmetadata:\n  namespace: {}\n",
            namespace.unwrap_or_default()
        ));
    }
    (!printed.text.is_empty()).then_some(printed)
}

/// Returns a value without the `=` that may stand between it and a letter.
fn bare(value: Cow<'_, Word>) -> Word {
    if value.text.starts_with('=') && value.unknowns().all(|(at, _)| at > 0) {
        value.tail(1)
    } else {
        value.into_owned()
    }
}
