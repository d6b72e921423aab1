//! Debuggers: their commands may start a shell, or run program text.

use super::super::program::Language;
use super::super::word::Word;
use super::options::single_dash;
use super::{Unwrapped, values};

/// Options whose value is a command.
const OPTIONS: &str = "-ex -iex -eval-command --eval-command -init-eval-command --init-eval-command -o --one-line -O \
    --one-line-before-file -k --one-line-on-crash -c --command";

/// Says what the commands of a debugger run, on its command line and on its standard input.
pub(super) fn commands(name: &str, words: &[Word], input: Option<&Word>) -> Option<Unwrapped> {
    let debugged = words.iter().position(|word| matches!(word.text.as_str(), "--args" | "--"));
    let own = &words[..debugged.unwrap_or(words.len())];
    let mut texts = values(own, own.len(), OPTIONS, "xpcdsoOk");
    texts.extend(single_dash(own, OPTIONS));
    let lines = input.into_iter().flat_map(|input| input.split('\n'));
    let python = matches!(name, "pdb" | "ipdb");
    let read = |text: Word| if python { Some(self::python(&text)) } else { command(&text) };
    let mut all: Vec<Unwrapped> = texts.into_iter().chain(lines).filter_map(read).collect();
    if let Some(at) = debugged.filter(|at| at + 1 < words.len()) {
        all.push(Unwrapped::words(at + 1));
    }
    (!all.is_empty()).then_some(Unwrapped::Many(all))
}

/// Returns what a command of pdb runs.
pub(super) fn python(text: &Word) -> Unwrapped {
    let from = text.text.len() - text.text.trim_start_matches(['!', ' ']).len();
    Unwrapped::Program { language: Language::Python, text: text.tail(from) }
}

fn command(text: &Word) -> Option<Unwrapped> {
    let start = text.text.len() - text.text.trim_start().len();
    let text = text.tail(start);
    if text.text.starts_with('!') {
        return Some(Unwrapped::new_shell(text.tail(1).to_code()));
    }
    let name = text.text.split(char::is_whitespace).next().unwrap_or("");
    let rest = text.tail((name.len() + 1).min(text.text.len()));
    Some(match name {
        "shell" | "sh" => Unwrapped::new_shell(rest.to_code()),
        "platform" | "plat" if rest.text.starts_with("shell ") => {
            Unwrapped::new_shell(rest.tail("shell ".len()).to_code())
        }
        "make" => Unwrapped::new_shell(format!("make {}", rest.to_code())),
        "pipe" | "|" => {
            let from = rest.text.find('|')? + 1;
            Unwrapped::new_shell(rest.tail(from).to_code())
        }
        "python" | "py" | "script" | "python-interactive" | "pi" => {
            Unwrapped::Program { language: Language::Python, text: rest }
        }
        "guile" | "gu" => Unwrapped::Program { language: Language::Lisp, text: rest },
        // `call (int)system("code")`
        "call" | "print" | "p" | "output" | "expr" | "expression" | "e" | "set" | "compile" | "printf" => {
            Unwrapped::Program { language: Language::Node, text: rest }
        }
        _ => return None,
    })
}
