//! What the cmdlets do, in the words of a shell.

use super::parameters::Parameters;
use super::pure::{joined_path, split};
use super::read::{Argument, Command, Reader};
use super::text::join;
use super::{Read, Value, literal, unknown};
use crate::shell::Word;

/// The names of cmdlets that mean something here, with their aliases.
#[rustfmt::skip]
const CMDLETS: &[(&str, &str)] = &[
    ("Remove-Item", "ri rm rmdir del erase rd remove-itemproperty"),
    ("Clear-Content", "clc"),
    ("Clear-Item", "cli"),
    ("Set-Content", "sc"),
    ("Add-Content", "ac"),
    ("Out-File", ""),
    ("Tee-Object", "tee"),
    ("New-Item", "ni md mkdir"),
    ("Copy-Item", "cpi cp copy"),
    ("Move-Item", "mi mv move"),
    ("Rename-Item", "rni ren"),
    ("Set-Location", "sl cd chdir"),
    ("Push-Location", "pushd"),
    ("Pop-Location", "popd"),
    ("Get-ChildItem", "gci ls dir"),
    ("Get-Item", "gi"),
    ("Resolve-Path", "rvpa convert-path"),
    ("Get-Content", "gc type cat"),
    ("Get-Location", "gl pwd"),
    ("Join-Path", ""),
    ("Write-Output", "echo write"),
    ("Write-Host", "write-verbose write-warning write-error write-debug write-information"),
    ("ForEach-Object", "% foreach"),
    ("Where-Object", "? where"),
    ("Sort-Object", "sort"),
    ("Select-Object", "select"),
    ("Invoke-Expression", "iex"),
    ("Start-Process", "saps start"),
    ("Invoke-WebRequest", "iwr invoke-restmethod irm curl wget"),
    ("Stop-Computer", ""),
    ("Restart-Computer", ""),
    ("Stop-Service", "spsv"),
    ("Set-Service", ""),
    ("Stop-Process", "spps kill"),
    ("Clear-History", "clhy"),
    ("Format-Volume", ""),
    ("Clear-Disk", ""),
    ("Initialize-Disk", ""),
    ("Remove-Partition", ""),
    ("New-LocalUser", "remove-localuser set-localuser add-localgroupmember"),
    ("Invoke-Sqlcmd", ""),
    ("Set-Item", "si"),
    ("Set-Variable", "sv set new-variable nv"),
    ("Set-Alias", "sal new-alias nal"),
    ("Invoke-Command", "icm start-job sajb start-threadjob measure-command"),
];

/// Cmdlets whose name is also a program's where there is no PowerShell alias.
const BOTH: &str = "rm rmdir cp mv ls cat tee curl wget kill sort sc start";

impl Reader<'_, '_> {
    /// Notes what a command does, and returns what it hands on.
    pub(super) fn run(&mut self, command: Command, piped: Option<&[Word]>) -> Read<Value> {
        let Command { name, arguments, redirects } = command;
        let redirects: Vec<(Word, bool)> =
            redirects.into_iter().map(|(target, append)| (self.path(&target, false), append)).collect();
        let known = name.known().map(str::to_ascii_lowercase);
        let alias = known.as_ref().and_then(|known| self.scope.aliases.get(known).cloned());
        let name = alias.unwrap_or(name);
        let Some(known) = name.known().map(str::to_owned) else {
            let words: Vec<Word> = std::iter::once(name).chain(flat(&arguments)).collect();
            self.scope.emit(&words, &redirects, piped);
            return Ok(unknown());
        };
        // `Microsoft.PowerShell.Management\Remove-Item`
        let short = known.rsplit_once('\\').map_or(known.as_str(), |(_, short)| short).to_ascii_lowercase();
        if self.calls(&short, &arguments, piped)? {
            return Ok(unknown());
        }
        let found = CMDLETS.iter().find(|(cmdlet, aliases)| {
            cmdlet.eq_ignore_ascii_case(&short)
                || aliases.split_ascii_whitespace().any(|alias| alias == short)
        });
        let Some((cmdlet, _)) = found else {
            // What ends a statement ends nothing here: all ways are followed.
            if matches!(short.as_str(), "exit" | "return" | "break" | "continue" | "throw") {
                return Ok(Vec::new());
            }
            let words: Vec<Word> = std::iter::once(name).chain(flat(&arguments)).collect();
            self.native(&words, &redirects, piped);
            return Ok(unknown());
        };
        if BOTH.split_ascii_whitespace().any(|both| both == short) {
            let words: Vec<Word> = std::iter::once(literal(&short)).chain(flat(&arguments)).collect();
            self.native(&words, &redirects, piped);
        }
        let value = self.cmdlet(cmdlet, &short, &arguments, piped)?;
        if let Some((target, append)) = redirects.first() {
            let text = if value.is_empty() { unknown() } else { value.clone() };
            self.scope.emit(&[literal("cat")], &[(target.clone(), *append)], Some(&text));
        }
        Ok(value)
    }

    /// Notes a program that runs.
    pub(super) fn native(&mut self, words: &[Word], redirects: &[(Word, bool)], piped: Option<&[Word]>) {
        let mut words = words.to_vec();
        if let Some(first) = words.first_mut()
            && first.marks.is_empty()
        {
            let slashed = first.text.replace('\\', "/");
            let bare = !slashed.contains('/');
            let name = if bare || slashed.contains(':') { slashed.to_ascii_lowercase() } else { slashed };
            let name = [".exe", ".cmd", ".bat", ".com"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(&name);
            first.text = name.to_owned();
        }
        self.scope.emit(&words, redirects, piped);
    }

    /// Notes that files or directories are deleted.
    pub(super) fn removes(&mut self, paths: &[Word], deep: bool) {
        if paths.is_empty() {
            return;
        }
        let mut words = vec![literal("Remove-Item")];
        words.extend(deep.then(|| literal("-Recurse")));
        words.push(literal("--"));
        words.extend(paths.iter().map(|path| self.path(path, true)));
        self.scope.emit(&words, &[], None);
        words.splice(..words.len() - paths.len(), ["rm", if deep { "-rf" } else { "-f" }, "--"].map(literal));
        self.scope.emit(&words, &[], None);
    }

    /// Returns a path as a shell writes it: with slashes, and with patterns where there are some.
    pub(super) fn path(&self, word: &Word, patterns: bool) -> Word {
        let mut path = Word::default();
        let mut rest = word.clone();
        if let Some(home) = &self.scope.home
            && (rest.text == "~" || rest.text.starts_with("~/") || rest.text.starts_with("~\\"))
            && rest.unknowns().all(|(at, _)| at > 0)
        {
            path.text.push_str(home);
            rest = rest.tail(1);
        }
        let mut marks = rest.unknowns().collect::<Vec<_>>().into_iter().peekable();
        for (at, c) in rest.text.char_indices() {
            while let Some((_, empty)) = marks.next_if(|(mark, _)| *mark <= at) {
                path.push_unknown(empty, false);
            }
            match c {
                '\\' => path.text.push('/'),
                '*' | '?' if patterns => path.push_glob(c),
                c => path.text.push(c),
            }
        }
        for (_, empty) in marks {
            path.push_unknown(empty, false);
        }
        path
    }

    fn cmdlet(
        &mut self,
        name: &str,
        short: &str,
        arguments: &[Argument],
        piped: Option<&[Word]>,
    ) -> Read<Value> {
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
                let selects = p.value("Include").is_some() || p.value("Filter").is_some();
                let variable =
                    |word: &Word| word.text.get(..4).is_some_and(|own| own.eq_ignore_ascii_case("env:"));
                for word in paths.iter().filter(|word| variable(word)) {
                    let named = word.tail(4).text.trim_start_matches(['\\', '/']).to_ascii_uppercase();
                    self.scope.emit(&[literal("unset"), literal(&named)], &[], None);
                }
                paths.retain(|word| !variable(word));
                // `rmdir /s /q` is what cmd knows.
                if !p.has("WhatIf") && !selects {
                    self.removes(&paths, p.has("Recurse"));
                }
            }
            "Clear-Content" | "Set-Content" | "Add-Content" | "Out-File" | "Tee-Object" => {
                let p = read(
                    "Path* LiteralPath* FilePath* Value* Encoding* InputObject* Append Force NoNewline Filter* WhatIf",
                );
                let paths = p.or_at(&["LiteralPath", "FilePath", "Path"], 0);
                let named = p
                    .positional
                    .get(1)
                    .or_else(|| p.positional.first().filter(|_| p.value("Path").is_some()));
                let text = p.value("Value").or(named).cloned().unwrap_or_else(given);
                let text = if name == "Clear-Content" { Vec::new() } else { text };
                let append = name == "Add-Content" || p.has("Append");
                if !p.has("WhatIf") {
                    for path in &paths {
                        let target = (self.path(path, false), append);
                        self.scope.emit(&[literal("cat")], &[target], Some(&text));
                    }
                }
                return Ok(if name == "Tee-Object" { given() } else { Vec::new() });
            }
            "New-Item" => {
                let p = read("Path* Name* ItemType* Type* Value* Target* Force");
                let path = p.or_at(&["Path"], 0);
                let kind = p.or_at(&["ItemType", "Type"], 9);
                let link = kind.first().is_some_and(|kind| kind.text.to_ascii_lowercase().contains("link"));
                for path in &path {
                    let target = self.path(path, false);
                    let value = p.or_at(&["Value", "Target"], 9);
                    if link {
                        let from = value.first().map_or(Word::unknown(true), |from| self.path(from, false));
                        self.scope.emit(&[literal("ln"), literal("-sf"), from, target], &[], None);
                    } else if p.value("Value").is_some() {
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
                let program = if name == "Copy-Item" { ["cp", "-r"] } else { ["mv", "-f"] };
                let mut words: Vec<Word> = program.into_iter().chain(["--"]).map(literal).collect();
                words.extend(from.iter().chain(&to).map(|path| self.path(path, true)));
                if !p.has("WhatIf") {
                    self.scope.emit(&words, &[], None);
                }
            }
            "Set-Location" | "Push-Location" | "Pop-Location" => {
                let p = read("Path* LiteralPath* PassThru StackName*");
                let to = p.or_at(&["LiteralPath", "Path"], 0);
                let program = match name {
                    "Set-Location" => "cd",
                    "Push-Location" => "pushd",
                    _ => "popd",
                };
                let mut words = vec![literal(program)];
                words.extend(to.iter().take(1).map(|path| self.path(path, false)));
                self.scope.emit(&words, &[], None);
            }
            "Get-ChildItem" => {
                let p = read(
                    "Path* LiteralPath* Filter* Include* Exclude* Recurse Depth* Force Directory File Name Attributes* Hidden",
                );
                let paths = p.or_at(&["LiteralPath", "Path"], 0);
                if paths.iter().any(|path| path.text.to_ascii_lowercase().starts_with("env:")) {
                    self.scope.emit(&[literal("env")], &[], None);
                    return Ok(unknown());
                }
                let selects =
                    ["Filter", "Include", "Exclude", "Attributes"].iter().any(|own| p.value(own).is_some());
                if selects || p.has("File") || p.has("Hidden") {
                    return Ok(vec![Word::unknown(false)]);
                }
                let paths = if paths.is_empty() { vec![literal(".")] } else { paths };
                return Ok(paths.into_iter().map(|path| joined_path(path, &literal("*"))).collect());
            }
            "Get-Item" | "Resolve-Path" => {
                let paths =
                    read("Path* LiteralPath* Force Stream* Relative").or_at(&["LiteralPath", "Path"], 0);
                return Ok(if paths.is_empty() { given() } else { paths });
            }
            "Get-Content" => {
                let p = read("Path* LiteralPath* Raw TotalCount* Tail* Encoding* Wait ReadCount* Delimiter*");
                let mut words = vec![literal("cat"), literal("--")];
                words.extend(p.or_at(&["LiteralPath", "Path"], 0).iter().map(|path| self.path(path, true)));
                self.scope.emit(&words, &[], None);
                return Ok(unknown());
            }
            "Get-Location" => return Ok(vec![literal(".")]),
            "Join-Path" => {
                let p = read("Path* ChildPath* AdditionalChildPath* Resolve");
                let parts =
                    [p.or_at(&["Path"], 0), p.or_at(&["ChildPath"], 1), p.or_at(&["AdditionalChildPath"], 2)];
                return Ok(vec![parts.iter().flatten().fold(Word::default(), joined_path)]);
            }
            "Write-Output" => return Ok(flat(arguments)),
            "Sort-Object" | "Select-Object" => return Ok(piped.map_or_else(Vec::new, <[Word]>::to_vec)),
            "Where-Object" => return Ok(vec![Word::unknown(false)]),
            "Invoke-Expression" => {
                let p = read("Command*");
                let texts = p.or_at(&["Command"], 0);
                let mut text = Word::default();
                join(&mut text, if texts.is_empty() { piped.unwrap_or_default() } else { &texts });
                self.scope.depth += 1;
                self.scope.step()?;
                self.evaluates(&text);
                self.scope.depth -= 1;
                return Ok(unknown());
            }
            "Start-Process" => {
                let p = read(
                    "FilePath* ArgumentList* Verb* WorkingDirectory* WindowStyle* NoNewWindow Wait PassThru \
                     RedirectStandardOutput* RedirectStandardInput* Credential*",
                );
                let raised = p
                    .value("Verb")
                    .is_some_and(|verb| verb.iter().any(|v| v.text.eq_ignore_ascii_case("runas")));
                let at = usize::from(p.value("FilePath").is_none());
                let program = p.or_at(&["FilePath"], 0);
                let rest = p.or_at(&["ArgumentList"], at);
                let mut words: Vec<Word> = program.into_iter().take(1).collect();
                words.extend(rest.iter().flat_map(split));
                if raised {
                    words.insert(0, literal("sudo"));
                }
                self.native(&words, &[], None);
            }
            "Invoke-WebRequest" => {
                let p = read(
                    "Uri* OutFile* Body* InFile* Method* Headers* UseBasicParsing ContentType* Credential* Token*",
                );
                let mut words = vec![literal("curl"), literal("-s")];
                words.extend(p.or_at(&["Uri"], 0));
                if let Some(method) = p.value("Method").and_then(|value| value.first()) {
                    words.extend([literal("-X"), method.clone()]);
                }
                for (parameter, option) in [("OutFile", "-o"), ("InFile", "-T"), ("Body", "-d")] {
                    if let Some(value) = p.value(parameter).and_then(|value| value.first()) {
                        words.extend([literal(option), self.path(value, false)]);
                    }
                }
                if short != "curl" && short != "wget" {
                    self.scope.emit(&words, &[], None);
                }
                return Ok(unknown());
            }
            "Stop-Computer" | "Restart-Computer"
                if !read("ComputerName* Force Credential*").has("WhatIf") =>
            {
                self.scope.emit(&["shutdown", "now"].map(literal), &[], None);
            }
            "Stop-Service" | "Set-Service" => {
                let p = read("Name* StartupType* Status* Force DisplayName*");
                let words =
                    ["systemctl", if name == "Stop-Service" { "stop" } else { "set-property" }].map(literal);
                let words: Vec<Word> = words.into_iter().chain(p.or_at(&["Name"], 0)).collect();
                if !p.has("WhatIf") {
                    self.scope.emit(&words, &[], None);
                }
            }
            "Clear-History" => self.scope.emit(&["history", "-c"].map(literal), &[], None),
            "Format-Volume" | "Clear-Disk" | "Initialize-Disk" | "Remove-Partition"
                if !read("DriveLetter* Number* FileSystem* RemoveData Force").has("WhatIf") =>
            {
                let words: Vec<Word> = std::iter::once(literal(name)).chain(flat(arguments)).collect();
                self.scope.emit(&words, &[], None);
            }
            "New-LocalUser" => {
                let words = [literal("usermod"), literal(short)];
                self.scope.emit(&words, &[], None);
            }
            "Invoke-Sqlcmd" => {
                let p = read("Query* ServerInstance* Database* InputFile* Username* Password*");
                for query in p.or_at(&["Query"], 0) {
                    self.scope.emit(&[literal("sqlcmd"), literal("-Q"), query], &[], None);
                }
            }
            "Set-Item" | "Set-Variable" => {
                let p = read("Path* Name* Value* LiteralPath* Force Scope* Option*");
                let target = p.or_at(&["Path", "Name", "LiteralPath"], 0);
                let named =
                    p.positional.first().filter(|_| p.value("Path").is_some() || p.value("Name").is_some());
                let value =
                    p.value("Value").or(named).or_else(|| p.positional.get(1)).cloned().unwrap_or_default();
                let Some(target) = target.first().and_then(Word::known).map(str::to_ascii_lowercase) else {
                    return Ok(Vec::new());
                };
                if let Some(variable) = target.strip_prefix("env:") {
                    let variable = variable.trim_start_matches(['\\', '/']).to_ascii_uppercase();
                    let mut word = literal(&format!("{variable}="));
                    join(&mut word, &value);
                    self.scope.emit(&[literal("export"), word], &[], None);
                } else if name == "Set-Variable" {
                    self.scope.variables.insert(target, value);
                }
            }
            "Set-Alias" => {
                let p = read("Name* Value* Option* Scope* Force");
                let at = usize::from(p.value("Name").is_none());
                let (name, value) = (p.or_at(&["Name"], 0), p.or_at(&["Value"], at));
                if let (Some(name), Some(value)) = (name.first().and_then(Word::known), value.first()) {
                    self.scope.aliases.insert(name.to_ascii_lowercase(), value.clone());
                }
            }
            _ => {}
        }
        Ok(Vec::new())
    }
}

fn flat(arguments: &[Argument]) -> Vec<Word> {
    arguments.iter().flat_map(|argument| argument.value.iter().cloned()).collect()
}
