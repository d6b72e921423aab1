//! The few files without which nobody can log in or start the machine.

use super::pattern::Pattern;
use super::{Finding, Pack, Rule, deleters, program};
use crate::rules::targets::{Change, targets};
use crate::shell::{Access, Call, Word};
use crate::world::World;

/// Files that are changed a line at a time, and never replaced as a whole.
const TABLES: [&str; 9] = [
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/gshadow",
    "/etc/sudoers",
    "/etc/fstab",
    "/etc/crypttab",
    "/etc/master.passwd",
    "/etc/pam.conf",
];

/// Files that are there and stay there.
const FIXED: [&str; 9] = [
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/aarch64-linux-gnu/libc.so.6",
    "/usr/lib/libc.so.6",
];

/// Replacing, emptying, moving or deleting the tables of accounts and file systems.
///
/// Adding a line (`>>`, `tee -a`) and editing (`sed -i`, `visudo`) pass, and so does putting a copy
/// of the same name back. A path that is not known passes.
pub(super) const SYSTEM_FILE: Rule = Rule {
    id: "fs.system_file",
    critical: false,
    pack: Pack::Core,
    what: "This replaces or deletes a file without which nobody can log in or start this machine",
    why: "what stood in it before is gone, and the next login or start fails",
    instead: "change the lines that are meant: `useradd`, `visudo`, `sed -i`, or add one with `>>`",
    source: "passwd(5), fstab(5), sudoers(5), hier(7)",
    programs: &[
        "rm", "grm", "unlink", "shred", "truncate", "mv", "gmv", "tee", "sponge", "cp", "gcp", "install",
        "dd", "ln", "curl", "wget",
    ],
    unknown_program: false,
    redirections: true,
    judge,
    suspects: |_| false,
    denies: &[
        "echo 'root::0:0::/:/bin/sh' > /etc/passwd",
        ": > /etc/fstab",
        "sudo rm /etc/shadow",
        "cp /dev/null /etc/sudoers",
        "echo x | sudo tee /etc/fstab",
        "mv notes /dev/null",
    ],
    allows: &[
        "echo 'UUID=1 /data ext4 defaults 0 2' >> /etc/fstab",
        "sudo tee -a /etc/fstab < line",
        "cp /etc/fstab.bak /etc/fstab",
        "cat /etc/passwd > users",
        "echo 'nameserver 1.1.1.1' > /etc/resolv.conf",
        "cp x /dev/null",
    ],
};

fn judge(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let hits = |word: &Word, fixed: bool| {
        let files = TABLES.iter().chain(FIXED.iter().filter(|_| fixed));
        // Nearly every file is told from these at a glance.
        let named = ["etc/", "dev/", "lib"].iter().any(|part| word.text.contains(part));
        if !named && !call.cwd.is_some_and(|cwd| matches!(cwd, "/etc" | "/dev")) {
            return None;
        }
        let pattern = Pattern::of(word, call.cwd)?;
        files.copied().find(|path| pattern.matches(path)).map(|path| Finding::new(format!("it is {path}")))
    };
    let (name, args) = program(call.words).unwrap_or(("", &[]));
    let appends = name == "tee" && args.iter().any(|w| matches!(w.text.as_str(), "-a" | "--append" | "-ai"));
    let restores = |path: &Word| {
        let file = path.text.rsplit('/').next().unwrap_or("");
        let copies = matches!(name, "cp" | "gcp" | "mv" | "gmv" | "install" | "cat");
        copies
            && args.iter().any(|word| {
                let own = word.text.rsplit('/').next().unwrap_or("");
                word != path && own.starts_with(file) && !word.text.starts_with('-')
            })
    };
    let replaced = call.redirects.iter().filter(|r| r.access == Access::Write).map(|r| &r.target);
    if let Some(found) = replaced.filter(|word| !restores(word)).find_map(|word| hits(word, false)) {
        return Some(found);
    }
    // The first of them are the redirections.
    let changed = || targets(call).into_iter().skip(call.writes().count());
    match name {
        "rm" | "grm" | "unlink" | "shred" | "truncate" => {
            deleters::losses(call.words, true).iter().find_map(|loss| hits(&loss.path, name != "truncate"))
        }
        "mv" | "gmv" | "ln" => {
            let all: Vec<_> = changed().collect();
            let made = all.iter().filter(|t| t.change == Change::Write);
            let gone = all.iter().filter(|t| t.change == Change::Lose && name != "ln");
            let found = made.filter(|t| !restores(&t.path)).find_map(|t| hits(&t.path, true));
            found.or_else(|| gone.into_iter().find_map(|t| hits(&t.path, true)))
        }
        "tee" | "sponge" | "cp" | "gcp" | "install" | "dd" | "curl" | "wget" if !appends => {
            let mut made = changed().filter(|t| t.change == Change::Write && !restores(&t.path));
            made.find_map(|t| hits(&t.path, false))
        }
        _ => None,
    }
}
