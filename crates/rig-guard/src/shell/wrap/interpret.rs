//! Interpreters: where the text of the program stands.

use super::super::program::{Language, sed_runs};
use super::super::word::Word;
use super::table::lists;
use super::{Unwrapped, debuggers, editors, operand_from, values};
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
    "python pypy ipython jython micropython graalpy sage bpython ptpython" Python "-c" "cWXQm" "--check-hash-based-pycs" "-m";
    "perl" Perl "-e -E" "eEIMm" "" "";
    "ruby jruby truffleruby irb" Ruby "-e" "erICEFKT" "--encoding --yjit-call-threshold" "";
    "node nodejs bun tsx ts-node qjs zx" Node "-e --eval -p --print -pe" "eprC" "--require --import --loader --env-file" "-m";
    "php php-cli" Php "-r -R -B -E --run --execute" "rRBEcdFfStz" "" "";
    "lua luajit texlua" Lua "-e" "el" "" "";
    "Rscript R littler r octave octave-cli matlab" R "-e --eval -batch" "e" "--file" "";
    "julia" Julia "-e -E --eval --print" "eEpLJtC" "" "";
    "tclsh wish expect" Tcl "-c" "cdf" "" "";
    "groovy groovyclient scala scala-cli kotlin kotlinc kscript jshell amm" Jvm "-e --eval -c" "ec" "--class-path -cp" "";
    "elixir iex" Elixir "-e --eval --rpc-eval" "erS" "" "-S";
    "erl" Erlang "-eval" "" "" "";
    "raku crystal" Ruby "-e --eval" "er" "" "";
    "emacs" Lisp "--eval -eval --execute -execute" "lLfdu" "" "";
    "emacsclient" Lisp "-e --eval" "sfaF" "" "";
    "guile csi chicken-csi gosh scheme petite" Lisp "-c -e -eval --eval" "cesl" "" "";
    "racket" Lisp "-e --eval" "eftlpr" "" "";
    "sbcl ecl ccl clisp abcl ros" Lisp "--eval -eval -x -e" "xei" "--load" "";
    "clojure clj bb planck lumo nbb" Lisp "-e --eval" "e" "" "-m";
    "osascript" Apple "-e" "els" "" "";
};

/// Those of which the first word that is no option is not a script.
const COMMANDS: &[(&str, Language, &str)] = &[
    ("mix", Language::Elixir, "-e --eval"),
    ("rake", Language::Ruby, "-e --execute -p --execute-print -E"),
    ("lein", Language::Lisp, "-e --eval"),
    ("mongosh", Language::Node, "--eval"),
    ("mongo", Language::Node, "--eval"),
    ("gradle", Language::Jvm, ""),
];

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
        "awk" | "gawk" | "mawk" | "nawk" | "original-awk" => return Some(awk(words, input)),
        "sed" | "gsed" | "ssed" => return Some(sed(words, input)),
        "deno" => return Some(deno(words, input)),
        "vim" | "vi" | "nvim" | "view" | "gvim" | "vimdiff" | "nvi" | "rvim" | "ex" | "mvim" | "neovide"
        | "elvis" => {
            return editors::vim(plain, words, input);
        }
        "ed" | "red" => return editors::ed(words, input),
        "kak" => return editors::kakoune(words),
        "gdb" | "lldb" | "cgdb" | "rust-gdb" | "rust-lldb" | "pdb" | "ipdb" => {
            return debuggers::commands(plain, words, input);
        }
        // `rails runner CODE`
        "rails" => {
            let runner = words.get(1).is_some_and(|sub| matches!(sub.text.as_str(), "runner" | "r"));
            let text = operand_from(words, 2, "e", "--environment").map(|at| words[at].clone());
            return text.filter(|_| runner).map(|text| program(Language::Ruby, text));
        }
        _ => {}
    }
    if let Some((_, language, options)) = COMMANDS.iter().find(|(own, ..)| *own == name) {
        let codes = values(words, words.len(), options, "e");
        let all = codes.into_iter().map(|text| program(*language, text));
        return (!options.is_empty()).then(|| Unwrapped::Many(all.collect())).filter(|all| !is_none(all));
    }
    let mut entries = INDEX.of(plain).or(INDEX.of(name)).iter().map(|n| &INTERPRETERS[n]);
    let found = entries.find(|i| lists(i.names, plain) || lists(i.names, name))?;
    let language = found.language;
    let mut codes = values(words, words.len(), found.code, found.short);
    codes.extend(super::options::single_dash(words, found.code));
    let first = operand_from(words, 1, found.short, found.long);
    if name == "ruby" && words.iter().any(|word| word.text == "-run") {
        // `ruby -run -e rm -- -rf x`: commands of the library `un`.
        let behind = words.iter().position(|word| word.text == "--").map_or(words.len(), |at| at + 1);
        let rest = &words[behind..];
        return Some(Unwrapped::Commands(
            codes.iter().map(|code| [std::slice::from_ref(code), rest].concat()).collect(),
        ));
    }
    // `perl -ne CODE`, `node -pe CODE`: a value of its own may stand before.
    if !codes.is_empty() {
        if language == Language::Apple {
            let lines: Vec<String> = codes.iter().map(Word::to_code).collect();
            return Some(program(language, super::super::program::text(&lines.join("\n"))));
        }
        let one = |text: Word| match text.text.strip_prefix('!') {
            Some(_) if name == "ipython" => Unwrapped::new_shell(text.tail(1).to_code()),
            _ => program(language, text),
        };
        return Some(Unwrapped::Many(codes.into_iter().map(one).collect()));
    }
    if let Some(module) = values(words, first.unwrap_or(words.len()), found.modules, found.short).first() {
        return Some(if language == Language::Python {
            self::module(&module.text, words)
        } else {
            Unwrapped::Itself
        });
    }
    Some(match first {
        // `bb '(shell "x")'`
        Some(at) if language == Language::Lisp && words[at].text.starts_with('(') => {
            program(language, words[at].clone())
        }
        Some(at) if words[at].text != "-" => {
            let at = if matches!((plain, words[at].text.as_str()), ("bun", "run")) { at + 1 } else { at };
            if at < words.len() {
                Unwrapped::Script { at, language: Some(language) }
            } else {
                Unwrapped::Itself
            }
        }
        _ => match input {
            Some(text) => program(language, text.clone()),
            None => Unwrapped::Itself,
        },
    })
}

fn program(language: Language, text: Word) -> Unwrapped {
    Unwrapped::Program { language, text }
}

fn is_none(all: &Unwrapped) -> bool {
    matches!(all, Unwrapped::Many(all) if all.is_empty())
}

/// Says what `python -m timeit` and `python -m pdb` run.
fn module(module: &str, words: &[Word]) -> Unwrapped {
    let python = |text: &Word| program(Language::Python, text.clone());
    let from = words.iter().position(|word| word.text.ends_with(module)).map_or(words.len(), |at| at + 1);
    let rest = &words[from.min(words.len())..];
    match module {
        "timeit" => {
            let mut all: Vec<Unwrapped> =
                values(words, words.len(), "-s --setup", "snrum").iter().map(python).collect();
            let at = operand_from(rest, 0, "snru", "--setup --number --repeat --unit").unwrap_or(rest.len());
            all.extend(rest[at..].iter().map(python));
            Unwrapped::Many(all)
        }
        "pdb" | "ipdb" => Unwrapped::Many(
            values(rest, rest.len(), "-c --command", "cm").iter().map(debuggers::python).collect(),
        ),
        _ => Unwrapped::Itself,
    }
}

fn deno(words: &[Word], input: Option<&Word>) -> Unwrapped {
    let sub = words.get(1).map_or("", |word| word.text.as_str());
    let at = operand_from(words, 2, "", "");
    match (sub, at.map(|at| &words[at]), input) {
        ("eval" | "e", Some(text), _) => program(Language::Node, text.clone()),
        ("run", Some(word), Some(input)) if word.text == "-" => program(Language::Node, input.clone()),
        ("run", Some(word), _) if word.text != "-" => {
            Unwrapped::Script { at: at.unwrap_or(2), language: Some(Language::Node) }
        }
        (_, None, Some(input)) if words.len() < 3 && sub != "test" => program(Language::Node, input.clone()),
        _ => Unwrapped::Itself,
    }
}

/// How many lines of its input a program is followed with.
const MAX_LINES: usize = 16;

/// Writes `name = "value"` in the language of awk.
fn assigned(name: &str, value: &Word) -> Word {
    let mut word = Word::literal(format!("{name} = \""));
    match value.known() {
        Some(known) => {
            word.text.push_str(&known.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
        }
        None => word.push(value),
    }
    word.text.push_str("\"\n");
    word
}

fn awk(words: &[Word], input: Option<&Word>) -> Unwrapped {
    let short = "Fvfei";
    let long = "--field-separator --assign --file --source --include";
    let at = operand_from(words, 1, short, long);
    let end = at.unwrap_or(words.len());
    let mut sources = values(words, end, "-e --source", short);
    let file = sources.is_empty() && !values(words, end, "-f --file", short).is_empty();
    if file {
        let file = words[1..end].iter().position(|w| matches!(w.text.as_str(), "-f" | "--file"));
        return match file {
            Some(file) if file + 2 < words.len() => {
                Unwrapped::Script { at: file + 2, language: Some(Language::Awk) }
            }
            _ => Unwrapped::Itself,
        };
    }
    if sources.is_empty() {
        sources.extend(at.map(|at| words[at].clone()));
    }
    // Only what starts something needs the values of variables.
    if !sources.iter().any(|source| source.text.contains("system") || source.text.contains('|')) {
        return Unwrapped::Many(sources.into_iter().map(|text| program(Language::Awk, text)).collect());
    }
    let mut head = Word::default();
    let given = values(words, end, "-v --assign", short);
    for word in given.iter().chain(at.and_then(|at| words.get(at + 1..)).unwrap_or_default()) {
        if let Some((name, _)) = word.text.split_once('=')
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            head.push(&assigned(name, &word.tail(name.len() + 1)));
        }
    }
    let lines: Vec<&str> =
        input.and_then(Word::known).map_or(Vec::new(), |text| text.lines().take(MAX_LINES).collect());
    let made = |line: Option<&str>, source: &Word| {
        let mut text = head.clone();
        if let Some(line) = line {
            text.push(&assigned("$0", &Word::literal(line)));
            for (n, field) in line.split_whitespace().enumerate() {
                text.push(&assigned(&format!("${}", n + 1), &Word::literal(field)));
            }
        }
        text.push(source);
        program(Language::Awk, text)
    };
    let lines: Vec<Option<&str>> =
        if lines.is_empty() { vec![None] } else { lines.into_iter().map(Some).collect() };
    Unwrapped::Many(lines.iter().flat_map(|line| sources.iter().map(|source| made(*line, source))).collect())
}

fn sed(words: &[Word], input: Option<&Word>) -> Unwrapped {
    let short = "efl";
    let long = "--expression --file --line-length";
    let mut scripts = values(words, words.len(), "-e --expression", short);
    let files = values(words, words.len(), "-f --file", short);
    if files.iter().any(|file| matches!(file.text.as_str(), "-" | "/dev/stdin")) {
        scripts.extend(input.cloned());
    } else if scripts.is_empty()
        && files.is_empty()
        && let Some(at) = operand_from(words, 1, short, long)
    {
        scripts.push(words[at].clone());
    }
    // Nothing of it can run something, nor write but to a file that stands in it.
    if !scripts.iter().any(|script| script.text.contains(['e', 'w', 'W'])) {
        return Unwrapped::Itself;
    }
    let mut all: Vec<Unwrapped> = Vec::new();
    if let Some(input) = input.and_then(Word::known) {
        let codes = scripts.iter().filter_map(Word::known).flat_map(|script| sed_runs(script, input));
        all.extend(codes.map(Unwrapped::new_shell));
    }
    // Each begins a line of one script.
    let mut whole = Word::default();
    for (n, script) in scripts.iter().enumerate() {
        whole.text.push_str(if n > 0 { "\n" } else { "" });
        whole.push(script);
    }
    all.push(program(Language::Sed, whole));
    // It prints as well.
    all.push(Unwrapped::Itself);
    Unwrapped::Many(all)
}
