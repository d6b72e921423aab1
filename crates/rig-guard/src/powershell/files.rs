//! The cmdlets that write, move and delete files, in the words of a shell.

use super::cmdlets::listed;
use super::parameters::Parameters;
use super::pure::joined_path;
use super::read::{Argument, Reader};
use super::{Value, literal, unknown};
use crate::shell::Word;

impl Reader<'_, '_> {
    /// Notes what a cmdlet does to files, and returns what it hands on; `None` for other cmdlets.
    pub(super) fn file_cmdlet(
        &mut self,
        name: &str,
        short: &str,
        arguments: &[Argument],
        piped: Option<&[Word]>,
    ) -> Option<Value> {
        let given = || piped.unwrap_or_default().to_vec();
        let read = |known: &'static str| Parameters::read(arguments, known);
        match name {
            "Remove-Item" => {
                let p = read("Path* LiteralPath* Recurse Force Filter* Include* Exclude* Stream* WhatIf");
                let mut paths = p.or_at(&["LiteralPath", "Path"], 0);
                // `rm a b` of a shell.
                paths.extend(
                    p.positional.iter().skip(usize::from(p.value("Path").is_none())).flatten().cloned(),
                );
                if paths.is_empty() {
                    paths = given();
                }
                if p.value("Include").is_some() || p.value("Filter").is_some() {
                    paths = paths.iter().flat_map(|path| listed(path, &p)).collect();
                }
                let variable =
                    |word: &Word| word.text.get(..4).is_some_and(|own| own.eq_ignore_ascii_case("env:"));
                for word in paths.iter().filter(|word| variable(word)) {
                    let named = word.tail(4).text.trim_start_matches(['\\', '/']).to_ascii_uppercase();
                    self.scope.emit(&[literal("unset"), literal(&named)], &[], None);
                }
                paths.retain(|word| !variable(word));
                // `rmdir /s /q` is what cmd knows.
                if !p.has("WhatIf") {
                    self.removes(&paths, p.has("Recurse"));
                }
            }
            "Clear-Content" | "Clear-Item" | "Set-Content" | "Add-Content" | "Out-File" | "Tee-Object" => {
                let p = read(
                    "Path* LiteralPath* FilePath* Value* Encoding* InputObject* Append Force NoNewline Filter* WhatIf",
                );
                let paths = p.or_at(&["LiteralPath", "FilePath", "Path"], 0);
                let named = p
                    .positional
                    .get(1)
                    .or_else(|| p.positional.first().filter(|_| p.value("Path").is_some()));
                let text = p.value("Value").or(named).cloned().unwrap_or_else(given);
                let text = if name.starts_with("Clear") { Vec::new() } else { text };
                let append = name == "Add-Content" || p.has("Append");
                if !p.has("WhatIf") {
                    for path in &paths {
                        let target = (self.path(path, false), append);
                        self.scope.emit(&[literal("cat")], &[target], Some(&text));
                    }
                }
                return Some(if name == "Tee-Object" { given() } else { Vec::new() });
            }
            "New-Item" => {
                let p = read("Path* Name* ItemType* Type* Value* Target* Force");
                let mut paths = p.or_at(&["Path"], 0);
                if let Some(name) = p.value("Name").and_then(|name| name.first()) {
                    let inside = if paths.is_empty() { vec![Word::default()] } else { paths };
                    paths = inside.into_iter().map(|path| joined_path(path, name)).collect();
                }
                let kind = p.or_at(&["ItemType", "Type"], 9);
                let kind = kind.first().map(|kind| kind.text.to_ascii_lowercase()).unwrap_or_default();
                let directory = kind == "directory" || matches!(short, "md" | "mkdir");
                for path in paths.iter().filter(|_| !p.has("WhatIf")) {
                    let target = self.path(path, false);
                    let value = p.or_at(&["Value", "Target"], 9);
                    if kind.contains("link") || kind == "junction" {
                        let from = value.first().map_or(Word::unknown(true), |from| self.path(from, false));
                        self.scope.emit(&[literal("ln"), literal("-sf"), from, target], &[], None);
                    } else if !directory && (p.value("Value").is_some() || p.has("Force")) {
                        // With `-Force` a file that is there is emptied.
                        self.scope.emit(&[literal("cat")], &[(target, false)], Some(&value));
                    }
                }
            }
            "Copy-Item" | "Move-Item" | "Rename-Item" => {
                let p = read(
                    "Path* LiteralPath* Destination* NewName* Recurse Force Container Filter* Include* Exclude* WhatIf",
                );
                let mut from = p.or_at(&["LiteralPath", "Path"], 0);
                if from.is_empty() {
                    from = given();
                }
                let at = usize::from(p.value("Path").is_none() && p.value("LiteralPath").is_none());
                let to = p.or_at(&["Destination", "NewName"], at);
                let to =
                    if name == "Rename-Item" { to.iter().map(|to| beside(&from, to)).collect() } else { to };
                let program = if name == "Copy-Item" { ["cp", "-r"] } else { ["mv", "-f"] };
                let mut words: Vec<Word> = program.into_iter().chain(["--"]).map(literal).collect();
                words.extend(from.iter().chain(&to).map(|path| self.path(path, true)));
                if !p.has("WhatIf") {
                    self.scope.emit(&words, &[], None);
                }
            }
            "Export-Csv" => {
                let p = read(
                    "Path* LiteralPath* OutputDirectory* InputObject* Append Force NoTypeInformation Encoding* Depth*",
                );
                self.writes(&p.or_at(&["LiteralPath", "Path"], 0), &unknown(), p.has("WhatIf"));
            }
            "Expand-Archive" => {
                let p = read("Path* LiteralPath* DestinationPath* Force PassThru");
                let at = usize::from(p.value("Path").is_none() && p.value("LiteralPath").is_none());
                let from = p.or_at(&["LiteralPath", "Path"], 0);
                let mut words = vec![literal("unzip"), literal("-o")];
                words.extend(from.iter().map(|path| self.path(path, false)));
                for into in p.or_at(&["DestinationPath"], at) {
                    words.extend([literal("-d"), self.path(&into, false)]);
                }
                if !p.has("WhatIf") {
                    self.scope.emit(&words, &[], None);
                }
            }
            "Start-BitsTransfer" => {
                let p = read(
                    "Source* Destination* TransferType* Credential* Priority* DisplayName* Description*",
                );
                self.writes(&p.or_at(&["Destination"], 1), &unknown(), p.has("WhatIf"));
            }
            "Set-Acl" => {
                let p = read("Path* LiteralPath* AclObject* InputObject*");
                for path in p.or_at(&["LiteralPath", "Path"], 0).iter().filter(|_| !p.has("WhatIf")) {
                    let words =
                        [literal("chown"), literal("--"), Word::unknown(false), self.path(path, false)];
                    self.scope.emit(&words, &[], None);
                }
            }
            // A mirror loses what its source does not have.
            "Robocopy" => {
                let has = |own: &str| {
                    arguments.iter().flat_map(|a| &a.value).any(|word| word.text.eq_ignore_ascii_case(own))
                };
                let into = arguments.get(1).and_then(|into| into.value.first());
                if let Some(into) = into.filter(|_| (has("/mir") || has("/purge")) && !has("/l")) {
                    self.removes(&[joined_path(into.clone(), &literal("*"))], true);
                }
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Notes that files get new contents.
    pub(super) fn writes(&mut self, paths: &[Word], text: &[Word], dry: bool) {
        for path in paths.iter().filter(|_| !dry) {
            let target = (self.path(path, false), false);
            self.scope.emit(&[literal("cat")], &[target], Some(text));
        }
    }
}

/// Returns the path of a new name in the directory of what is renamed.
fn beside(from: &[Word], name: &Word) -> Word {
    let inside = |from: &Word| {
        let end = from.text.rfind(['/', '\\']).filter(|end| from.unknowns().all(|(at, _)| at > *end))?;
        Some(joined_path(literal(&from.text[..=end]), name))
    };
    let plain = !name.text.contains(['/', '\\']);
    from.first().filter(|_| plain).and_then(inside).unwrap_or_else(|| name.clone())
}
