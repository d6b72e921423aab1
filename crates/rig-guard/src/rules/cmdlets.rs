//! PowerShell's own commands, and those of Windows, where no rule about a program of Unix says the same.

use super::{Finding, Pack, Rule};
use crate::shell::{Call, Word, absolute};
use crate::world::World;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&REMOVE, &ERASE, &EVERYONE];

/// Recursive deletion of drives and of directories of Windows.
const REMOVE: Rule = Rule {
    id: "fs.rm.windows",
    critical: true,
    pack: Pack::Core,
    what: "This deletes a drive, or a directory of Windows that everything else is in",
    why: "what is deleted here cannot be brought back",
    instead: "name what is to go, below the workspace; `pwsh -c 'Remove-Item -Recurse build -WhatIf'` shows what would go",
    source: "about_Providers, Remove-Item, rd",
    programs: &["Remove-Item"],
    unknown_program: false,
    redirections: false,
    judge: remove,
    suspects: |words| {
        let recursive = |w: &&str| {
            w.eq_ignore_ascii_case("-recurse")
                || w.eq_ignore_ascii_case("-rec")
                || w.eq_ignore_ascii_case("/s")
        };
        let deletes = |w: &&str| {
            ["remove-item", "rd", "ri", "rmdir", "del"].iter().any(|own| w.eq_ignore_ascii_case(own))
        };
        words.iter().any(deletes) && words.iter().any(recursive)
    },
    denies: &[
        "pwsh -c 'Remove-Item -Recurse -Force C:\\'",
        "powershell.exe -Command \"ri C:\\Users -r -fo\"",
        "cmd.exe /c 'rd /s /q C:\\Windows'",
    ],
    allows: &[
        "pwsh -c 'Remove-Item -Recurse -Force C:\\src\\app\\bin'",
        "pwsh -c 'Remove-Item -Recurse C:\\ -WhatIf'",
        "cmd.exe /c 'rd /s /q build'",
    ],
};

/// Formatting and clearing disks, and deleting backups.
const ERASE: Rule = Rule {
    id: "fs.device.windows",
    critical: true,
    pack: Pack::Core,
    what: "This erases a disk, a volume or the backups of one",
    why: "nothing on it can be brought back",
    instead: "look with `pwsh -c Get-Volume`; a person prepares disks",
    source: "Format-Volume, Clear-Disk, format, diskpart, vssadmin, wbadmin",
    programs: &[
        "Format-Volume",
        "Clear-Disk",
        "Initialize-Disk",
        "Remove-Partition",
        "Reset-PhysicalDisk",
        "Remove-VirtualDisk",
        "Remove-StoragePool",
        "format",
        "format.com",
        "diskpart",
        "vssadmin",
        "wbadmin",
        "wmic",
        "bcdedit",
    ],
    unknown_program: false,
    redirections: false,
    judge: erase,
    suspects: |words| {
        let named = |own: &str| words.iter().any(|w| w.eq_ignore_ascii_case(own));
        named("format-volume") || named("clear-disk") || named("vssadmin") && named("delete")
    },
    denies: &[
        "pwsh -c 'Format-Volume -DriveLetter D'",
        "pwsh -c 'Clear-Disk -Number 1 -RemoveData -Confirm:$false'",
        "cmd.exe /c 'format D: /q /y'",
        "cmd.exe /c 'vssadmin delete shadows /all /quiet'",
    ],
    allows: &[
        "pwsh -c Get-Volume",
        "pwsh -c 'Clear-Disk -Number 1 -WhatIf'",
        "cmd.exe /c 'vssadmin list shadows'",
        "cargo fmt",
    ],
};

/// Giving everyone the right to write.
const EVERYONE: Rule = Rule {
    id: "fs.acl.everyone",
    critical: false,
    pack: Pack::Core,
    what: "This lets every user of the machine write",
    why: "anyone, and any process that is broken into, can replace what is run or read here",
    instead: "grant it to the one who needs it, as with `icacls build /grant dev:M`, or let everyone read: `icacls docs /grant Everyone:R`",
    source: "icacls, cacls, CWE-732",
    programs: &["icacls", "icacls.exe", "cacls", "cacls.exe"],
    unknown_program: false,
    redirections: false,
    judge: everyone,
    suspects: |words| {
        words.iter().any(|w| w.eq_ignore_ascii_case("icacls"))
            && words.iter().any(|w| w.to_ascii_lowercase().starts_with("everyone:"))
    },
    denies: &[
        "icacls C:\\app /grant Everyone:F",
        "icacls app /grant 'Everyone:(OI)(CI)F' /T",
        "icacls . /grant '*S-1-1-0:(M)'",
    ],
    allows: &[
        "icacls build /grant dev:F",
        "icacls docs /grant Everyone:R",
        "icacls C:\\app",
        "icacls app /remove Everyone",
    ],
};

fn remove(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let deep = call.args().iter().any(|word| word.text == "-Recurse");
    let paths = call.args().iter().filter(|word| !word.text.starts_with('-'));
    let mut found = paths.filter_map(|word| Some((word, place(word, call.cwd, deep)?)));
    found.next().map(|(word, what)| Finding::new(format!("{} is {what}", word.display())))
}

/// Says what a path of Windows means; `None` for what may be deleted. What is not known in it
/// counts as a name of its own.
fn place(word: &Word, cwd: Option<&str>, deep: bool) -> Option<&'static str> {
    const SYSTEM: [&str; 7] = [
        "windows",
        "windows/system32",
        "program files",
        "program files (x86)",
        "programdata",
        "users",
        "system volume information",
    ];
    let text = word.text.replace('\\', "/").to_ascii_lowercase();
    let text = text.strip_prefix("//?/").unwrap_or(&text);
    let text = text.rsplit_once("filesystem::").map_or(text, |(_, path)| path);
    let inside = if text.contains(':') || text.starts_with('/') { None } else { cwd.and_then(on_drive) };
    let text =
        inside.map_or_else(|| text.to_owned(), |dir| format!("{dir}/{}", text.trim_start_matches("./")));
    let (drive, rest) = text.split_once(':')?;
    if word.unknowns().any(|(at, empty)| at < drive.len() + 2 && !empty) {
        return None;
    }
    let everything = rest.ends_with("/*") || rest.ends_with("/*.*");
    let rest = absolute(None, &format!("/{rest}"))?;
    let rest = rest.trim_end_matches("/*.*").trim_end_matches("/*").trim_matches('/');
    // A part that is not known may be nothing where it is the last: `C:\$dir`.
    let known = word.unknowns().all(|(_, empty)| empty);
    if !deep && !everything || !known {
        return None;
    }
    match drive {
        "hklm" | "hkcu" | "hkey_local_machine" | "hkey_current_user" => {
            (!rest.contains('/')).then_some("most of the registry")
        }
        drive if drive.len() == 1 && drive.bytes().all(|b| b.is_ascii_alphabetic()) => match rest {
            "" => Some("a whole drive"),
            rest if SYSTEM.contains(&rest) => Some("a directory of the system"),
            rest => {
                let home =
                    rest.strip_prefix("users/").is_some_and(|name| !name.is_empty() && !name.contains('/'));
                home.then_some("a home directory")
            }
        },
        _ => None,
    }
}

/// Returns the part of a directory from the drive on: `cd C:\\` has led there.
fn on_drive(cwd: &str) -> Option<String> {
    let at = cwd.match_indices(':').find_map(|(at, _)| {
        let letter = at.checked_sub(1).filter(|letter| cwd.as_bytes()[*letter].is_ascii_alphabetic())?;
        let begins = letter > 0 && cwd.as_bytes()[letter - 1] == b'/';
        let ends = cwd.len() == at + 1 || cwd.as_bytes()[at + 1] == b'/';
        (begins && ends).then_some(letter)
    })?;
    Some(cwd[at..].to_ascii_lowercase())
}

fn erase(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let has = |option: &str| call.args().iter().any(|word| word.text.eq_ignore_ascii_case(option));
    let found = match call.name()? {
        // The `format` of other tools takes no drive.
        "format" | "format.com" => call.args().iter().any(|word| {
            let text = word.text.as_bytes();
            text.len() == 2 && text[0].is_ascii_alphabetic() && text[1] == b':'
        }),
        "diskpart" => call.input.is_some_and(|input| {
            let text = input.text.to_ascii_lowercase();
            text.lines().any(|line| line.trim().starts_with("clean") || line.trim().starts_with("format"))
        }),
        "vssadmin" => has("delete"),
        "wbadmin" => has("delete"),
        "wmic" => has("shadowcopy") && has("delete"),
        "bcdedit" => has("/delete"),
        _ => true,
    };
    found.then(Finding::default)
}

fn everyone(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let grants = call.args().iter().any(|word| {
        let option = word.text.to_ascii_lowercase();
        option.starts_with("/grant") || matches!(option.as_str(), "/g" | "/p")
    });
    let writes = |word: &Word| {
        let text = word.text.to_ascii_lowercase();
        let text = text.strip_prefix("/grant:r").unwrap_or(&text).trim_start_matches(':');
        let rights =
            ["everyone:", "*s-1-1-0:", "s-1-1-0:", "users:", "builtin\\users:", "authenticated users:"]
                .iter()
                .find_map(|who| text.strip_prefix(who));
        rights.is_some_and(|rights| {
            let mut parts = rights.split(['(', ')', ',']).filter(|part| !part.is_empty());
            parts.any(|right| {
                matches!(
                    right,
                    "f" | "m" | "w" | "c" | "wd" | "ad" | "gw" | "ga" | "wdac" | "wo" | "d" | "dc"
                )
            })
        })
    };
    (grants && call.args().iter().any(writes)).then(Finding::default)
}
