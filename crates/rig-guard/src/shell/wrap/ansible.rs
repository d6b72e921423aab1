//! Single tasks of `ansible`: the module that it runs elsewhere, as the commands that do the same.

use super::super::word::Word;
use super::{Unwrapped, lists, values};

/// One-letter options that take a value.
const SHORT: &str = "aimuetlcMTPBf";
/// What may stand beside a command among the arguments of the modules that run one.
const BESIDE: &str =
    "chdir creates removes executable stdin stdin_add_newline strip_empty_ends warn expand_argument_vars";
/// Modules that write a file with a mode.
const WRITES: &str =
    "file copy template get_url unarchive assemble lineinfile blockinfile replace ini_file synchronize";

/// Reads `ansible HOSTS -m MODULE -a ARGUMENTS`.
pub(super) fn ansible(words: &[Word]) -> Unwrapped {
    if words
        .iter()
        .any(|word| matches!(word.text.as_str(), "-C" | "--check" | "--list-hosts" | "--syntax-check"))
    {
        return Unwrapped::Itself;
    }
    let value = |names: &str| values(words, words.len(), names, SHORT).pop();
    let module = value("-m --module-name").map_or_else(|| "command".to_owned(), |word| word.text);
    let module = module.rsplit('.').next().unwrap_or(&module);
    let Some(written) = value("-a --args").map(|word| word.to_code()) else { return Unwrapped::Itself };
    let code = match module {
        "command" | "shell" | "raw" | "win_shell" | "win_command" => command(&written),
        module => task(module, &Arguments::read(&written)),
    };
    code.map_or(Unwrapped::Itself, |code| Unwrapped::Code {
        code,
        arguments: Some(Vec::new()),
        elsewhere: true,
    })
}

/// Returns the command among the arguments of a module that runs one.
fn command(written: &str) -> Option<String> {
    let given = Arguments::read(written);
    let code = given.get(&["cmd"]).map(str::to_owned).unwrap_or_else(|| {
        let beside = |word: &str| word.split_once('=').is_some_and(|(key, _)| lists(BESIDE, key));
        let mut rest = written.trim_start();
        while let Some((_, behind)) = rest.split_once(char::is_whitespace).filter(|(word, _)| beside(word)) {
            rest = behind.trim_start();
        }
        rest.to_owned()
    });
    Some(match given.get(&["chdir"]) {
        Some(directory) => format!("cd {}\n{code}", quoted(directory)),
        None => code,
    })
}

/// Returns what a module does as code.
fn task(module: &str, given: &Arguments) -> Option<String> {
    let absent = given.get(&["state"]) == Some("absent");
    let path = given.get(&["path", "dest", "name"]).map(quoted);
    match module {
        "file" if absent => Some(format!("rm -rf -- {}", path?)),
        module if lists(WRITES, module) => {
            let deep = given.get(&["recurse"]).is_some_and(|value| matches!(value, "yes" | "true" | "True"));
            let deep = if deep { "-R " } else { "" };
            Some(format!("chmod {deep}{} {}", quoted(given.get(&["mode"])?), path?))
        }
        "k8s" if absent => {
            let (kind, name) = (given.get(&["kind"])?, given.get(&["name"]).unwrap_or("name"));
            Some(format!("kubectl delete {} {}", quoted(&kind.to_ascii_lowercase()), quoted(name)))
        }
        "postgresql_db" | "mysql_db" if absent => Some(format!("dropdb {}", path?)),
        _ => None,
    }
}

/// The arguments of a module: `key=value` with quotes around a value, or an object.
struct Arguments(Vec<(String, String)>);

impl Arguments {
    fn read(written: &str) -> Self {
        if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(written) {
            let text = |value: serde_json::Value| match value {
                serde_json::Value::String(text) => text,
                value => value.to_string(),
            };
            return Self(object.into_iter().map(|(key, value)| (key, text(value))).collect());
        }
        let mut found = Vec::new();
        let mut rest = written.trim_start();
        while !rest.is_empty() {
            let mut quote = None;
            let ends = |c: char| {
                match quote {
                    Some(own) if own == c => quote = None,
                    None if matches!(c, '"' | '\'') => quote = Some(c),
                    _ => {}
                }
                quote.is_none() && c.is_whitespace()
            };
            let (word, behind) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
            if let Some((key, value)) = word.split_once('=') {
                let bare =
                    |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
                let value = bare('"').or_else(|| bare('\'')).unwrap_or(value);
                found.push((key.to_owned(), value.to_owned()));
            }
            rest = behind.trim_start();
        }
        Self(found)
    }

    /// Returns the value of the first of some keys that is there.
    fn get(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.0.iter().find(|(own, _)| own == key)).map(|(_, value)| value.as_str())
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
