//! Writing to disks, and making their contents go away.

use super::disks::{Disk, PROGRAMS, disk, erases};
use super::options::Given;
use super::{Finding, Pack, Rule, program};
use crate::rules::targets::{Change, targets};
use crate::shell::{Call, Word, absolute};
use crate::world::World;

/// Bytes written to a disk past its file system, new file systems and partition tables, and the
/// drives' own ways of erasing.
///
/// A target that is not known passes, since most are images; one that is in `/dev` by an unknown
/// name is a disk for programs that write to nothing else.
pub(super) const DEVICE: Rule = Rule {
    id: "fs.device",
    critical: true,
    pack: Pack::Core,
    what: "This writes to a disk past its file system, or makes its contents go away",
    why: "every file on it is lost at once",
    instead: "work on an image: `truncate -s 1G disk.img` and `mkfs.ext4 disk.img`; a person attaches disks",
    source: "dd(1), mkfs(8), wipefs(8), sfdisk(8), cryptsetup(8), lvm(8), zpool(8), diskutil(8)",
    programs: &PROGRAMS,
    unknown_program: false,
    redirections: true,
    judge,
    suspects: |words| {
        let writes = |w: &&str| {
            matches!(*w, "dd" | "mkfs" | "wipefs" | "shred" | "blkdiscard") || w.starts_with("mkfs.")
        };
        let device = |pair: &[&str]| {
            pair[0] == "dev" && disk(&Word::literal(format!("/dev/{}", pair[1])), None) == Some(Disk::Sure)
        };
        words.iter().any(writes) && words.windows(2).any(device)
    },
    denies: &[
        "dd if=/dev/zero of=/dev/sda",
        "mkfs.ext4 /dev/sdb1",
        "cat image > /dev/nvme0n1",
        "wipefs -a /dev/sdc",
        "parted -s /dev/sda mklabel gpt",
        "lvremove -f vg0/data",
    ],
    allows: &[
        "dd if=/dev/sda of=backup.img",
        "mkfs.ext4 disk.img",
        "ls > /dev/null",
        "wipefs /dev/sda",
        "parted /dev/sda print",
        "mkfs.ext4 /dev/loop0",
    ],
};

fn judge(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let found = |word: &Word| Finding::new(format!("it is about {}", word.display()));
    let writes = || call.writes().find(|word| disk(word, call.cwd) == Some(Disk::Sure) || pulls(word, call));
    if let Some(word) = writes() {
        return Some(found(word));
    }
    let (name, args) = program(call.words)?;
    let written = match name {
        "dd" | "gdd" | "dcfldd" | "dc3dd" => {
            let value = |word: &Word| {
                let prefix = ["of=", "hof=", "ofs="].into_iter().find(|own| word.text.starts_with(own))?;
                Some(word.tail(prefix.len()))
            };
            args.iter().filter_map(value).find(|word| disk(word, call.cwd).is_some())
        }
        "ddrescue" | "dd_rescue" => {
            let given = Given::read(args, "bcdEilmorsSTK", "");
            given.operands.get(1).filter(|word| disk(word, call.cwd).is_some()).map(|word| (*word).clone())
        }
        "qemu-img" => {
            let into = args.last().filter(|_| args.first().is_some_and(|verb| verb.text == "convert"));
            into.filter(|word| disk(word, call.cwd).is_some()).cloned()
        }
        "tee" | "sponge" | "cp" | "mv" | "truncate" => {
            let losing = name == "truncate";
            let counts = |word: &Word| disk(word, call.cwd) == Some(Disk::Sure) || pulls(word, call);
            let all = targets(call).into_iter();
            all.filter(|t| t.change == Change::Write || losing).map(|t| t.path).find(counts)
        }
        _ => {
            let target = erases(name, args, call.input, call.cwd)?;
            return Some(target.as_ref().map_or_else(Finding::default, found));
        }
    };
    written.as_ref().map(found)
}

/// Says whether a file of the kernel is one that ends the machine or takes a disk away when it is
/// written.
fn pulls(word: &Word, call: &Call<'_>) -> bool {
    let Some(path) = word.known().filter(|path| path.contains("sysrq") || path.ends_with("delete")) else {
        return false;
    };
    let Some(path) = absolute(call.cwd, path) else { return false };
    if path.starts_with("/sys/block/") && path.ends_with("/device/delete") {
        return true;
    }
    if path != "/proc/sysrq-trigger" {
        return false;
    }
    // Syncing, and showing what goes on.
    let harmless = |text: &str| text.trim().chars().all(|c| "hsmtwplqd".contains(c));
    let told = match call.name() {
        Some("echo" | "printf") => call.args().last().and_then(Word::known),
        _ => call.input.and_then(Word::known),
    };
    !told.is_some_and(harmless)
}
