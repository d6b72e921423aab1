//! Commands of Vim and its kind, and of `ed`.

use super::{Action, Language};
use crate::shell::word::Word;

/// How deep commands may stand in one another.
const MAX_DEPTH: usize = 8;
/// Words before a command that change how it is done.
const MODIFIERS: &[&str] = &[
    "silent",
    "sil",
    "si",
    "verbose",
    "verb",
    "noautocmd",
    "noa",
    "keepalt",
    "keepjumps",
    "keepmarks",
    "keeppatterns",
    "lockmarks",
    "vertical",
    "vert",
    "botright",
    "bo",
    "topleft",
    "to",
    "belowright",
    "aboveleft",
    "tab",
    "hide",
    "confirm",
    "conf",
    "unsilent",
    "uns",
    "sandbox",
    "noswapfile",
    "leftabove",
    "rightbelow",
];
/// Commands that do another one in each of several places.
const EACH: &[&str] = &[
    "argdo",
    "argd",
    "bufdo",
    "bufd",
    "windo",
    "wind",
    "tabdo",
    "tabd",
    "cdo",
    "cfdo",
    "cfd",
    "ldo",
    "lfdo",
    "lfd",
    "folddoopen",
];
/// Commands that take an expression.
const EXPRESSIONS: &[&str] = &[
    "call", "cal", "let", "const", "echo", "ec", "echom", "echomsg", "echon", "echoerr", "if", "elseif",
    "while", "return", "eval", "put", "pu", "cexpr", "cex", "cgetexpr", "lexpr", "lex", "for", "caddexpr",
    "throw",
];

/// Returns what commands run, delete and write; one stands on each line.
pub(super) fn program(text: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut typed = false;
    for line in text.lines() {
        // What `a`, `i` and `c` insert goes to a line with a dot.
        if typed {
            typed = line != ".";
            continue;
        }
        let name = range(line.trim_start_matches([':', ' ', '\t']));
        typed = matches!(name.trim_end(), "a" | "i" | "c" | "append" | "insert" | "change");
        command(line, &mut actions, 0);
    }
    actions
}

/// Passes the lines that a command is about.
fn range(mut text: &str) -> &str {
    loop {
        let rest = text.trim_start_matches(|c: char| {
            c.is_ascii_digit() || matches!(c, '%' | '$' | '.' | ',' | ';' | '+' | '-' | ' ' | '*')
        });
        text = match rest.chars().next() {
            Some('\'') if rest.len() > 1 => match rest.char_indices().nth(2) {
                Some((at, _)) => &rest[at..],
                None => "",
            },
            Some(c @ ('/' | '?')) => match rest[1..].find(c) {
                Some(end) => &rest[end + 2..],
                None => return rest,
            },
            _ => return rest,
        };
    }
}

fn code(text: &str) -> Action {
    Action::Code(super::tokens::text(text))
}

fn command(text: &str, actions: &mut Vec<Action>, depth: usize) {
    let mut rest = range(text.trim_start_matches([':', ' ', '\t']));
    let (mut name, mut behind);
    loop {
        let len = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        (name, behind) = rest.split_at(len);
        if !MODIFIERS.contains(&name) {
            break;
        }
        rest = range(behind.trim_start_matches('!').trim_start_matches([':', ' ']));
    }
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(shell) = rest.strip_prefix('!') {
        return actions.push(code(shell));
    }
    // The names of scripting languages may end in a digit.
    let digit = behind.starts_with('3') && name.starts_with("py");
    let behind = if digit { &behind[1..] } else { behind };
    let argument = behind.strip_prefix('!').unwrap_or(behind).trim_start();
    let program = |language| Action::Program(language, super::tokens::text(argument));
    match name {
        "r" | "re" | "rea" | "read" | "w" | "wr" | "wri" | "writ" | "write" if argument.starts_with('!') => {
            // `w!` writes anyway, and `w !cmd` to a command.
            actions.push(code(&argument[1..]));
        }
        "r" | "read" | "w" | "write" if name.starts_with('r') && behind.starts_with('!') => {
            actions.push(code(argument))
        }
        "w" | "wr" | "write" | "sav" | "saveas" | "W" if !argument.is_empty() => {
            let file = argument.trim_start_matches(">>").split('|').next().unwrap_or("").trim();
            actions.push(Action::Command(["tee", "--", file].map(Word::literal).into()));
        }
        "ter" | "term" | "terminal" => {
            let shell = argument.split(' ').skip_while(|word| word.starts_with("++"));
            actions.push(code(&shell.collect::<Vec<_>>().join(" ")));
        }
        "exe" | "exec" | "execute" => command(&evaluated(argument), actions, depth + 1),
        "lua" | "lu" => actions.push(program(Language::Lua)),
        "py" | "python" | "pyx" | "pythonx" => actions.push(program(Language::Python)),
        "rub" | "ruby" => actions.push(program(Language::Ruby)),
        "perl" | "pe" | "per" => actions.push(program(Language::Perl)),
        "tcl" => actions.push(program(Language::Tcl)),
        "norm" | "normal" | "norma" => {
            if let Some(at) = argument.find(':') {
                command(argument[at + 1..].split(['\r', '\x1b']).next().unwrap_or(""), actions, depth + 1);
            }
        }
        "g" | "global" | "v" | "vglobal" => {
            let mut parts = argument.chars();
            if let Some(separator) = parts.next()
                && let Some(end) = parts.as_str().find(separator)
            {
                command(&parts.as_str()[end + separator.len_utf8()..], actions, depth + 1);
            }
        }
        "au" | "autocmd" | "aut" | "auto" => {
            let mut words = argument.splitn(3, char::is_whitespace).skip(2);
            let inner = words.next().unwrap_or("").trim_start();
            command(inner.trim_start_matches("++once ").trim_start_matches("++nested "), actions, depth + 1);
        }
        name if EACH.contains(&name) => command(argument, actions, depth + 1),
        "set" | "se" | "setl" | "setlocal" | "setg" => {
            let program =
                ["makeprg=", "mp=", "grepprg=", "gp=", "equalprg=", "formatprg=", "keywordprg=", "kp="];
            let found = program.iter().find_map(|option| argument.strip_prefix(option));
            actions.extend(found.map(|value| code(&value.replace("\\ ", " "))));
            if let Some(next) = argument[bar(argument)..].strip_prefix('|') {
                command(next, actions, depth + 1);
            }
        }
        name => {
            let end = bar(behind);
            if EXPRESSIONS.contains(&name) {
                actions.push(Action::Program(Language::Vim, super::tokens::text(&behind[..end])));
            }
            if let Some(next) = behind[end..].strip_prefix('|') {
                command(next, actions, depth + 1);
            }
        }
    }
}

/// Returns where the command ends that stands before a bar.
fn bar(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (c, quote) {
            ('|', None) if !text[..at].ends_with('\\') => return at,
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// Returns what `:execute` makes a command of: texts with spaces between them, or none where a dot stands.
fn evaluated(text: &str) -> String {
    let (mut out, mut rest, mut joins) = (String::new(), text.trim_start(), true);
    while let Some(c) = rest.chars().next() {
        let used = match c {
            '"' | '\'' => {
                let end = rest[1..].find(c).map_or(rest.len() - 1, |end| end);
                if !joins {
                    out.push(' ');
                }
                out.push_str(&rest[1..1 + end]);
                joins = false;
                (end + 2).min(rest.len())
            }
            '.' => {
                joins = true;
                1
            }
            '|' => break,
            c => c.len_utf8(),
        };
        rest = rest[used..].trim_start();
    }
    out
}
