//! Operators, members and calls whose results are known.

use super::cmdlets::is_backup;
use super::read::{Reader, concatenated};
use super::{Read, Value, literal, program, unknown};
use crate::shell::Word;

/// Returns what an operator makes of two values.
pub(super) fn operator(name: &str, value: &[Word], operand: &[Word]) -> Value {
    match name {
        "join" => {
            let between = operand.first().cloned().unwrap_or_default();
            let joined = value.iter().enumerate().fold(Word::default(), |word, (n, part)| {
                concatenated(if n > 0 { concatenated(word, &between) } else { word }, part)
            });
            vec![joined]
        }
        "f" => format(value.first(), operand).map_or_else(unknown, |word| vec![word]),
        "replace" | "creplace" | "ireplace" => match (value, operand) {
            ([text], [from, to]) => replaced(text, from, to),
            ([text], [from]) => replaced(text, from, &Word::default()),
            _ => unknown(),
        },
        "split" | "csplit" | "isplit" => match (value, operand) {
            ([text], [at]) => match (text.known(), at.known()) {
                (Some(text), Some(at)) if !at.is_empty() => text.split(at).map(literal).collect(),
                _ => unknown(),
            },
            _ => unknown(),
        },
        "as" | "is" => value.to_vec(),
        _ => unknown(),
    }
}

/// Replaces a text that is no pattern.
fn replaced(text: &Word, from: &Word, to: &Word) -> Value {
    match (text.known(), from.known(), to.known()) {
        (Some(text), Some(from), Some(to))
            if !from.is_empty() && !from.contains(['\\', '[', '(', '.', '*', '^']) =>
        {
            vec![literal(&text.replace(from, to))]
        }
        _ => unknown(),
    }
}

/// Returns `'{0}-{1}' -f 'a', 'b'`.
fn format(pattern: Option<&Word>, values: &[Word]) -> Option<Word> {
    let pattern = pattern?.known()?;
    let mut word = Word::default();
    let mut rest = pattern;
    while let Some(at) = rest.find('{') {
        let end = at + rest[at..].find('}')?;
        word.text.push_str(&rest[..at]);
        let index: usize = rest[at + 1..end].parse().ok()?;
        word.push(values.get(index)?);
        rest = &rest[end + 1..];
    }
    word.text.push_str(rest);
    Some(word)
}

impl Reader<'_, '_> {
    /// Returns what `[type]::Member(...)` gives back, and notes what it does.
    pub(super) fn called(&mut self, name: &str, member: &str, arguments: &[Word]) -> Value {
        let short = name.rsplit('.').next().unwrap_or(name);
        let member = member.strip_suffix("async").unwrap_or(member);
        let first = arguments.first().cloned().unwrap_or(Word::unknown(true));
        match (short, member) {
            ("directory", "delete") => {
                let deep = arguments.get(1).is_some_and(|word| word.text != "False");
                self.removes(std::slice::from_ref(&first), deep);
            }
            ("file", "delete") => self.removes(std::slice::from_ref(&first), false),
            ("filesystem", "deletedirectory") => self.removes(std::slice::from_ref(&first), true),
            ("filesystem", "deletefile") => self.removes(std::slice::from_ref(&first), false),
            ("file", "writealltext" | "writealllines" | "writeallbytes") => {
                let text: Vec<Word> = arguments.iter().skip(1).cloned().collect();
                self.writes(&[first], &text, false);
            }
            ("file", "appendalltext" | "appendalllines") => {
                let target = (self.path(&first, false), true);
                self.scope.emit(&[literal("cat")], &[target], Some(&unknown()));
            }
            // What is written comes later.
            ("file", "create" | "createtext" | "appendtext" | "openwrite" | "encrypt")
            | ("streamwriter", "new") => {
                self.writes(&[first], &unknown(), false);
            }
            ("file", "open") | ("filestream", "new") => {
                let reads = arguments.iter().skip(1).any(|word| word.text.eq_ignore_ascii_case("read"));
                self.writes(&[first], &unknown(), reads);
            }
            ("fileinfo" | "directoryinfo", "new") => return vec![first],
            ("processstartinfo", "new") => {
                let words: Vec<Word> = arguments.iter().flat_map(split).collect();
                self.native(&words, &[], None);
            }
            (
                "file" | "directory" | "filesystem",
                "copy" | "move" | "replace" | "copyfile" | "movefile" | "movedirectory" | "copydirectory"
                | "renamefile" | "renamedirectory",
            ) => {
                let to = arguments.get(1).cloned().unwrap_or(Word::unknown(true));
                let program = if member.starts_with("copy") { "cp" } else { "mv" };
                let words =
                    [literal(program), literal("--"), self.path(&first, false), self.path(&to, false)];
                self.scope.emit(&words, &[], None);
            }
            ("process", "start") => {
                let words: Vec<Word> = arguments.iter().flat_map(split).collect();
                self.native(&words, &[], None);
            }
            ("scriptblock", "create") => self.evaluates(&first),
            ("convert", "frombase64string") => {
                return decoded(&first).map_or_else(unknown, |word| vec![word]);
            }
            ("environment", "getfolderpath") => return self.value_of("home"),
            ("environment", "setenvironmentvariable") => {
                let mut word = first;
                word.text.push('=');
                let value = arguments.get(1).cloned().unwrap_or_default();
                self.scope.emit(&[literal("export"), concatenated(word, &value)], &[], None);
            }
            ("path", "combine" | "join") => {
                let joined = arguments.iter().fold(Word::default(), joined_path);
                return vec![joined];
            }
            ("string", "concat" | "join") => {
                let from = usize::from(member == "join");
                let between = arguments.first().filter(|_| from > 0).cloned().unwrap_or_default();
                return operator("join", arguments.get(from..).unwrap_or_default(), &[between]);
            }
            _ => {}
        }
        unknown()
    }

    /// Returns a member of a value, or what a call of one gives back.
    pub(super) fn member(&mut self, value: Value, name: &str, call: bool, arguments: &[Word]) -> Read<Value> {
        Ok(match name {
            "fullname" | "path" | "providerpath" | "pspath" | "tostring" | "trim" | "value"
            | "getnewclosure" | "source" | "definition" | "id" => value,
            "name" | "basename" if !call => value,
            // `[Text.Encoding]::UTF8.GetString(...)` of bytes that are held as their text.
            "getstring" if call => arguments.to_vec(),
            "delete" if call && is_backup(&value) => {
                self.deletes_backups();
                Vec::new()
            }
            "moveto" | "copyto" if call => {
                let program = if name == "moveto" { "mv" } else { "cp" };
                let mut words = vec![literal(program), literal("--")];
                words.extend(value.iter().chain(arguments.first()).map(|path| self.path(path, false)));
                self.scope.emit(&words, &[], None);
                Vec::new()
            }
            // Those of a shell, or of a process, that an object stands for.
            "run" | "exec" | "shellexecute" | "create" if call => {
                let words: Vec<Word> = arguments.iter().take(2).flat_map(split).collect();
                if !words.is_empty() {
                    self.native(&words, &[], None);
                }
                unknown()
            }
            "split" if call => match (value.as_slice(), arguments) {
                ([text], [at]) => operator("split", std::slice::from_ref(text), std::slice::from_ref(at)),
                ([text], []) => split(text),
                _ => unknown(),
            },
            "delete" if call => {
                self.removes(&value, arguments.first().is_some_and(|word| word.text != "False"));
                Vec::new()
            }
            "replace" if call => match (value.as_slice(), arguments) {
                ([text], [from, to]) => match (text.known(), from.known(), to.known()) {
                    (Some(text), Some(from), Some(to)) if !from.is_empty() => {
                        vec![literal(&text.replace(from, to))]
                    }
                    _ => unknown(),
                },
                _ => unknown(),
            },
            "tolower" | "toupper" | "tolowerinvariant" => match value.as_slice() {
                [text] if text.marks.is_empty() && name == "toupper" => {
                    vec![literal(&text.text.to_uppercase())]
                }
                [text] if text.marks.is_empty() => vec![literal(&text.text.to_lowercase())],
                _ => unknown(),
            },
            // `$ExecutionContext.InvokeCommand.InvokeScript('...')`, `[PowerShell]::Create().AddScript('...')`
            "invokescript" | "addscript" | "invokeexpression" if call => {
                for text in arguments {
                    self.evaluates(text);
                }
                unknown()
            }
            _ => unknown(),
        })
    }

    /// Notes that the backups of a disk are deleted.
    pub(super) fn deletes_backups(&mut self) {
        self.scope.emit(&["vssadmin", "delete", "shadows"].map(literal), &[], None);
    }

    /// Reads a text as code.
    pub(super) fn evaluates(&mut self, text: &Word) {
        if text.is_unknown() {
            self.scope.emit(&[literal("eval"), text.clone()], &[], None);
            return;
        }
        let depth = self.scope.depth;
        // What cannot be read is told as it stands: it may be what a rule knows the words of.
        if program(&text.to_code(), self.scope).is_err() {
            self.scope.depth = depth;
            self.scope.emit(&[literal("eval"), text.clone()], &[], None);
        }
    }
}

/// Puts a path and a name together.
pub(super) fn joined_path(mut path: Word, name: &Word) -> Word {
    let empty = path.text.is_empty() && path.marks.is_empty();
    if !empty && !path.text.ends_with(['/', '\\']) && !name.text.starts_with(['/', '\\']) {
        path.text.push('/');
    }
    path.push(name);
    path
}

/// Splits a text at its spaces, as `-ArgumentList 'push --force'` is.
pub(super) fn split(word: &Word) -> Vec<Word> {
    match word.known() {
        Some(text) if text.contains(' ') => {
            text.split_ascii_whitespace().map(|part| literal(part.trim_matches('"'))).collect()
        }
        _ => vec![word.clone()],
    }
}

/// Returns the text that Base64 stands for, in UTF-8 or UTF-16.
fn decoded(text: &Word) -> Option<Word> {
    let bytes = super::base64(text.known()?)?;
    let wide = bytes.iter().skip(1).step_by(2).all(|byte| *byte == 0) && bytes.len() > 1;
    let text = if wide { super::encoded(text.known()?)? } else { String::from_utf8(bytes).ok()? };
    Some(literal(&text.replace('\0', "")))
}
