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
    ("Get-Command", "gcm"),
    ("Get-Help", "help man"),
    ("Get-Alias", "gal"),
    ("Get-Member", "gm"),
    ("Select-String", "sls"),
    ("Get-Process", "gps ps"),
    ("Get-CimInstance", "gcim get-wmiobject gwmi"),
    ("Remove-CimInstance", "rcim remove-wmiobject rwmi"),
    ("Invoke-CimMethod", "icim invoke-wmimethod"),
    ("New-Object", ""),
    ("Export-Csv", "epcsv export-clixml export-alias start-transcript"),
    ("Expand-Archive", ""),
    ("Start-BitsTransfer", ""),
    ("Set-Acl", ""),
    ("Robocopy", "robocopy.exe"),
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
    ("Reset-PhysicalDisk", ""),
    ("Remove-VirtualDisk", ""),
    ("Remove-StoragePool", ""),
    ("New-LocalUser", "remove-localuser set-localuser add-localgroupmember"),
    ("Invoke-Sqlcmd", "invoke-sqlitequery invoke-dbaquery invoke-sqlquery invoke-mysqlquery"),
    ("Set-Item", "si"),
    ("Set-Variable", "sv set new-variable nv"),
    ("Set-Alias", "sal new-alias nal"),
    ("Invoke-Command", "icm start-job sajb start-threadjob measure-command"),
];

/// Cmdlets whose name is also a program's where there is no PowerShell alias.
const BOTH: &str = "rm rmdir cp mv ls cat tee curl wget kill ps man sort sc start";

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
        // `Microsoft.PowerShell.Core\FileSystem::/srv`
        if let Some((provider, path)) = rest.text.split_once("::")
            && provider.to_ascii_lowercase().ends_with("filesystem")
        {
            rest = rest.tail(rest.text.len() - path.len());
        }
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
        if let Some(value) = self.file_cmdlet(name, short, arguments, piped) {
            return Ok(value);
        }
        match name {
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
                if p.value("Exclude").is_some() || p.value("Attributes").is_some() || p.has("Hidden") {
                    return Ok(vec![Word::unknown(false)]);
                }
                let paths = if paths.is_empty() { vec![literal(".")] } else { paths };
                return Ok(paths.iter().flat_map(|path| listed(path, &p)).collect());
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
            // The name of a command stands for it.
            "Get-Command" => return Ok(read("Name* CommandType* Module* All Syntax").or_at(&["Name"], 0)),
            // What they are asked about does not run.
            "Get-Help" | "Get-Alias" | "Get-Member" | "Select-String" => return Ok(unknown()),
            "Get-Process" | "Stop-Process" => {
                let p = read("Name* Id* InputObject* Force IncludeUserName ComputerName* Module PassThru");
                let mut named = p.or_at(&["Name", "Id", "InputObject"], 0);
                if name == "Get-Process" {
                    self.native(&[literal("get-process")], &[], None);
                    return Ok(if named.is_empty() { unknown() } else { named });
                }
                if named.is_empty() {
                    named = given();
                }
                for process in named.iter().filter(|process| !process.is_unknown() && !p.has("WhatIf")) {
                    let number = process.text.bytes().all(|b| b.is_ascii_digit());
                    let words: &[&str] = if number { &["kill"] } else { &["pkill", "-x"] };
                    let words: Vec<Word> = words.iter().map(|word| literal(word)).collect();
                    self.scope.emit(&[words, vec![process.clone()]].concat(), &[], None);
                }
            }
            "Get-CimInstance" => {
                let class =
                    read("ClassName* Class* Namespace* Filter* Query*").or_at(&["ClassName", "Class"], 0);
                return Ok(if is_backup(&class) { class } else { unknown() });
            }
            "Remove-CimInstance" if is_backup(&given()) && !read("InputObject*").has("WhatIf") => {
                self.deletes_backups();
            }
            "Invoke-CimMethod" => {
                let table = self.scope.table.take().unwrap_or_default();
                let by_table = table.into_iter().find(|(key, _)| key.eq_ignore_ascii_case("CommandLine"));
                let p = read("ClassName* Class* Path* MethodName* Name* Arguments* ArgumentList*");
                let line = by_table.map(|(_, line)| line).or_else(|| p.value("ArgumentList").cloned());
                let words: Vec<Word> = line.unwrap_or_default().iter().flat_map(split).collect();
                if !words.is_empty() && !p.has("WhatIf") {
                    self.native(&words, &[], None);
                }
                return Ok(unknown());
            }
            "New-Object" => {
                let p = read("TypeName* ArgumentList* ComObject* Property* Strict");
                let name = p.or_at(&["TypeName"], 0).first().map(|name| name.text.to_ascii_lowercase());
                let mut given: Vec<Word> = p.value("ArgumentList").cloned().unwrap_or_default();
                let named = usize::from(p.value("TypeName").is_none());
                given.extend(p.positional.iter().skip(named).flatten().cloned());
                return Ok(self.called(&name.unwrap_or_default(), "new", &given));
            }
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
            | "Reset-PhysicalDisk" | "Remove-VirtualDisk" | "Remove-StoragePool"
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
                let p = read(
                    "Query* SqlQuery* DataSource* ServerInstance* SqlInstance* Database* InputFile* Username* Password*",
                );
                for query in p.or_at(&["Query"], 0) {
                    self.scope.emit(&[literal("sqlcmd"), literal("-Q"), query], &[], None);
                }
                for file in p.value("InputFile").into_iter().flatten() {
                    let file = self.path(file, false);
                    self.scope.emit(&[literal("sqlcmd"), literal("-i"), file], &[], None);
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

/// Returns what is found in a directory: what a filter selects, or all. A pattern finds what fits it, and what looks
/// like the name of a file is one.
pub(super) fn listed(path: &Word, p: &Parameters) -> Vec<Word> {
    let filters: Vec<Word> =
        ["Filter", "Include"].iter().filter_map(|own| p.value(own)).flatten().cloned().collect();
    let name = path.text.rsplit(['/', '\\']).next().unwrap_or("");
    let selected: Vec<Word> = filters.iter().map(|filter| joined_path(path.clone(), filter)).collect();
    let inside = || joined_path(path.clone(), &literal("*"));
    match (selected.is_empty(), name) {
        (false, _) => selected,
        (true, name) if name.contains(['*', '?']) => vec![path.clone()],
        (true, name) if name.trim_start_matches('.').contains('.') => vec![path.clone(), inside()],
        (true, _) => vec![inside()],
    }
}

/// Says whether a class of the management interface holds backups.
pub(super) fn is_backup(class: &[Word]) -> bool {
    class.iter().any(|class| class.text.eq_ignore_ascii_case("Win32_ShadowCopy"))
}
