//! Interpreters: where the text of the program stands.

use super::super::program::Language;
use super::super::word::Word;
use super::table::lists;
use super::{Unwrapped, operand_from, values};
use crate::index::Index;

/// An interpreter; lists are words with spaces between them.
struct Interpreter {
    names: &'static str,
    language: Language,
    /// Options whose value is a program.
    code: &'static str,
    /// One-letter options that take a value.
    short: &'static str,
    /// Long options that take the next word as their value.
    long: &'static str,
    /// Options that name something else to run than a file.
    modules: &'static str,
}

macro_rules! interpreters {
    ($($names:literal $language:ident $code:literal $short:literal $long:literal $modules:literal;)*) => {
        &[$(Interpreter {
            names: $names, language: Language::$language, code: $code, short: $short, long: $long, modules: $modules,
        }),*]
    };
}

#[rustfmt::skip]
static INTERPRETERS: &[Interpreter] = interpreters! {
    "python pypy ipython jython micropython graalpy" Python "-c" "cWXQm" "--check-hash-based-pycs" "-m";
    "perl" Perl "-e -E" "eEIMm" "" "";
    "ruby jruby truffleruby irb" Ruby "-e" "erICEFKT" "--encoding --yjit-call-threshold" "";
    "node nodejs bun tsx ts-node qjs" Node "-e --eval -p --print -pe" "eprC" "--require --import --loader --env-file" "-m";
    "php php-cli" Php "-r -R -B -E --run" "rRBEcdFfStz" "" "";
    "lua luajit texlua" Lua "-e" "el" "" "";
    "Rscript R littler r" R "-e" "e" "--file" "";
    "julia" Node "-e -E --eval --print" "eEpLJtC" "" "";
    "tclsh wish" Tcl "-c" "c" "" "";
    "groovy scala raku elixir crystal guile racket" Node "-e --eval" "er" "" "";
    "emacs emacsclient" Lisp "--eval -eval -e" "el" "" "";
};

/// Which entries of [`INTERPRETERS`] may have a name.
static INDEX: Index = {
    let (mut index, mut n) = (Index::new(), 0);
    while n < INTERPRETERS.len() {
        index.add_list(INTERPRETERS[n].names, n);
        n += 1;
    }
    index
};

/// Says which program an interpreter runs; `None` for other commands.
pub(super) fn interpreter(name: &str, words: &[Word], input: Option<&Word>) -> Option<Unwrapped> {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    match plain {
        "awk" | "gawk" | "mawk" | "nawk" | "original-awk" => return Some(awk(words)),
        "sed" | "gsed" | "ssed" => return Some(sed(words)),
        "deno" => {
            let eval = words.get(1).is_some_and(|w| matches!(w.text.as_str(), "eval" | "e"));
            let text = operand_from(words, 2, "", "").map(|at| words[at].clone()).filter(|_| eval);
            return Some(
                text.map_or(Unwrapped::Itself, |text| Unwrapped::Program { language: Language::Node, text }),
            );
        }
        // `rails runner CODE`
        "rails" => {
            return match words.get(1..) {
                Some([sub, text]) if matches!(sub.text.as_str(), "runner" | "r") => {
                    Some(Unwrapped::Program { language: Language::Ruby, text: text.clone() })
                }
                _ => None,
            };
        }
        _ => {}
    }
    let mut entries = INDEX.of(plain).or(INDEX.of(name)).iter().map(|n| &INTERPRETERS[n]);
    let found = entries.find(|i| lists(i.names, plain) || lists(i.names, name))?;
    let language = found.language;
    let codes = values(words, words.len(), found.code, found.short);
    let first = operand_from(words, 1, found.short, found.long);
    // `perl -ne CODE`, `node -pe CODE`: a value of its own may stand before.
    if !codes.is_empty() {
        let program = |text: Word| Unwrapped::Program { language, text };
        return Some(Unwrapped::Many(codes.into_iter().map(program).collect()));
    }
    if !values(words, first.unwrap_or(words.len()), found.modules, found.short).is_empty() {
        return Some(Unwrapped::Itself);
    }
    Some(match first {
        Some(at) if words[at].text != "-" => {
            let at = if matches!((plain, words[at].text.as_str()), ("bun", "run")) { at + 1 } else { at };
            if at < words.len() {
                Unwrapped::Script { at, language: Some(language) }
            } else {
                Unwrapped::Itself
            }
        }
        _ => match input {
            Some(text) => Unwrapped::Program { language, text: text.clone() },
            None => Unwrapped::Itself,
        },
    })
}

fn awk(words: &[Word]) -> Unwrapped {
    let short = "Fvfei";
    let long = "--field-separator --assign --file --source --include";
    let program = |text: Word| Unwrapped::Program { language: Language::Awk, text };
    let sources = values(words, words.len(), "-e --source", short);
    if !sources.is_empty() {
        return Unwrapped::Many(sources.into_iter().map(program).collect());
    }
    let at = operand_from(words, 1, short, long);
    let end = at.unwrap_or(words.len());
    if let Some(file) = words[1..end].iter().position(|w| matches!(w.text.as_str(), "-f" | "--file")) {
        return if file + 2 < words.len() {
            Unwrapped::Script { at: file + 2, language: Some(Language::Awk) }
        } else {
            Unwrapped::Itself
        };
    }
    at.map_or(Unwrapped::Itself, |at| program(words[at].clone()))
}

fn sed(words: &[Word]) -> Unwrapped {
    let short = "efl";
    let long = "--expression --file --line-length";
    let scripts = values(words, words.len(), "-e --expression", short);
    let program = |text: Word| Unwrapped::Program { language: Language::Sed, text };
    let mut all: Vec<Unwrapped> = scripts.into_iter().map(program).collect();
    if all.is_empty()
        && !words.iter().any(|w| w.text == "-f")
        && let Some(at) = operand_from(words, 1, short, long)
    {
        all.push(program(words[at].clone()));
    }
    // It prints as well.
    let runs = |u: &Unwrapped| matches!(u, Unwrapped::Program { text, .. } if text.text.contains('e'));
    if all.iter().any(runs) {
        all.push(Unwrapped::Itself)
    } else {
        return Unwrapped::Itself;
    }
    Unwrapped::Many(all)
}
