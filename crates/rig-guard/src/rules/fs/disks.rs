//! Which paths are disks, and which programs make their contents go away.

use super::options::Given;
use crate::index::Index;
use crate::shell::{Word, absolute};

/// Names of disks, up to what is counted, and whether letters or digits count them.
const DISKS: [(&str, bool); 25] = [
    ("sd", true),
    ("hd", true),
    ("vd", true),
    ("xvd", true),
    ("dasd", true),
    ("nvme", false),
    ("mmcblk", false),
    ("md", false),
    ("dm-", false),
    ("sr", false),
    ("fd", false),
    ("pmem", false),
    ("drbd", false),
    ("rbd", false),
    ("bcache", false),
    ("mtd", false),
    ("mtdblock", false),
    ("zd", false),
    ("disk", false),
    ("rdisk", false),
    ("ada", false),
    ("da", false),
    ("nda", false),
    ("vtbd", false),
    ("ubi", false),
];

/// Directories below `/dev` in which nothing is a disk. Others are those of volume groups.
const OTHERS: [&str; 27] = [
    "pts",
    "shm",
    "fd",
    "input",
    "net",
    "snd",
    "dri",
    "bus",
    "char",
    "cpu",
    "mqueue",
    "hugepages",
    "vfio",
    "usb",
    "serial",
    "v4l",
    "bsg",
    "infiniband",
    "dma_heap",
    "xen",
    "tcp",
    "udp",
    "null",
    "zero",
    "stdout",
    "stderr",
    "tty",
];

/// How sure it is that a path is a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disk {
    /// Its name says so.
    Sure,
    /// It is in `/dev`, and its name is not known.
    Likely,
}

/// Says whether a path is a disk, or a part of one. Disks that are files (`/dev/loop0`) or memory
/// (`/dev/zram0`) are none.
pub(super) fn disk(word: &Word, cwd: Option<&str>) -> Option<Disk> {
    // Nearly every word is told from a disk at a glance.
    if !word.text.contains("dev") && !cwd.is_some_and(|cwd| cwd.starts_with("/dev"))
        || word.text == "/dev/null"
    {
        return None;
    }
    let path = if word.marks.is_empty() { absolute(cwd, &word.text)? } else { word.text.clone() };
    let name = path.strip_prefix("/dev/")?;
    let unknown = word.unknowns().next().is_some();
    if let Some((dir, rest)) = name.split_once('/') {
        let some = !rest.is_empty() || unknown;
        let plain = dir.chars().all(|c| c.is_ascii_alphanumeric() || "-_+.".contains(c));
        let named = plain && !OTHERS.contains(&dir) && (dir, rest) != ("mapper", "control");
        // Behind an unknown root it is a directory of that root.
        let rooted = word.unknowns().all(|(at, _)| at > 0);
        return (some && named && rooted).then_some(Disk::Sure);
    }
    if word.unknowns().any(|(at, _)| at == "/dev/".len()) {
        return Some(Disk::Likely);
    }
    if matches!(name, "mem" | "kmem" | "port") {
        return Some(Disk::Sure);
    }
    let known = DISKS.iter().any(|(prefix, letters)| {
        let Some(rest) = name.strip_prefix(prefix) else { return false };
        let counts = |c: char| {
            if *letters { c.is_ascii_lowercase() } else { c.is_ascii_digit() }
        };
        match rest.chars().next() {
            None => unknown,
            Some(first) => {
                (counts(first) || matches!(first, '*' | '?' | '['))
                    && rest.chars().all(|c| c.is_ascii_alphanumeric() || "*?[]!-_".contains(c))
            }
        }
    });
    known.then_some(Disk::Sure)
}

/// A program that makes the contents of disks go away.
struct Tool {
    /// Its names; one with a `.` at its end stands for all that begin so.
    names: &'static str,
    /// The words or options with which it does; without any it always does.
    verbs: &'static str,
    /// The words or options with which it does not.
    inert: &'static str,
    /// It counts whatever it is done to; else one of its words has to be a disk.
    anything: bool,
}

macro_rules! tools {
    ($($names:literal $verbs:literal $inert:literal $anything:literal;)*) => {
        &[$(Tool { names: $names, verbs: $verbs, inert: $inert, anything: $anything }),*]
    };
}

#[rustfmt::skip]
static TOOLS: &[Tool] = tools! {
    // File systems and swap space.
    "mkfs.xfs" "" "-N -V" false;
    "mke2fs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkntfs mkfs.ntfs" "" "-n -V --no-action --version" false;
    "mkfs mkfs. mkdosfs mkswap mkreiserfs mkexfatfs mkudffs newfs newfs_. mke2fs.static" "" "-V --version --lock=no-write" false;
    "bcachefs" "format" "" false;
    "make-bcache" "-B -C --bdev --cache" "" false;
    // Signatures and partition tables.
    "wipefs" "-a --all -o --offset" "-n --no-act" false;
    "sfdisk" "" "-l -d -J -s -V -F -T -n -g --list --dump --json --no-act --verify --show-size --list-free --list-types --show-geometry" false;
    "fdisk cfdisk gdisk cgdisk" "" "-l -s -x -V --list --list-details --getsz --version" false;
    "sgdisk" "-Z --zap-all -z --zap -o --clear -n --new -N --largest-new -d --delete -l --load-backup -R --replicate \
        -g --mbrtogpt -m --gpttombr -s --sort -r --transpose" "-P --pretend" false;
    "parted" "mklabel mktable mkpart mkpartfs mkfs rm move resize resizepart rescue" "" false;
    "gpart gpt" "destroy delete" "" true;
    "dmsetup" "remove_all wipe_table" "" true;
    // Encryption.
    "cryptsetup" "luksFormat luksErase erase format" "--test-args" false;
    // The drives' own commands.
    "blkdiscard" "" "--help --version" false;
    "hdparm" "--security-erase --security-erase-enhanced --trim-sector-ranges --trim-sector-ranges-stdin \
        --write-sector --repair-sector --make-bad-sector --dco-restore" "" false;
    "nvme" "format sanitize delete-ns write-zeroes write-uncor" "" false;
    "sg_format sg_sanitize sg_write_same sg_unmap" "" "--help --dry-run" true;
    "badblocks" "-w" "" false;
    "flash_erase flash_eraseall flashcp nandwrite ubiformat" "" "--help" true;
    // Overwriting.
    "shred gshred scrub nwipe wipe bcwipe" "" "--help --version" false;
    "bmaptool" "copy" "" false;
    "ntfsclone partclone.restore" "-O --overwrite -o --restore-image" "" false;
    // Pools and volumes.
    "zpool" "destroy labelclear" "-n" true;
    "lvremove vgremove pvremove" "" "-t --test --help --version" true;
    "lvm" "lvremove vgremove pvremove" "-t --test" true;
    "pvcreate" "" "-t --test" false;
    "mdadm" "--zero-superblock" "" true;
    "mdadm" "--create -C" "" false;
    "drbdadm drbdmeta" "create-md wipe-md" "--dry-run -d" true;
    "ceph-volume" "zap" "" true;
    // macOS.
    "diskutil" "erasedisk erasevolume partitiondisk zerodisk randomdisk secureerase reformat deletevolume deletecontainer \
        eraseoptical" "" true;
    "asr" "--erase -erase" "" true;
};

/// Which entries of [`TOOLS`] may have a name.
static INDEX: Index = {
    let (mut index, mut n) = (Index::new(), 0);
    while n < TOOLS.len() {
        index.add_list(TOOLS[n].names, n);
        n += 1;
    }
    index
};

/// The programs that [`erases`] knows by their whole names, and those that write to a disk when one
/// is their target.
#[rustfmt::skip]
pub(super) const PROGRAMS: [&str; 98] = [
    "mkfs", "mkfs.ext2", "mkfs.ext3", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "mkfs.fat", "mkfs.vfat", "mkfs.msdos", "mkfs.exfat",
    "mkfs.ntfs", "mkfs.f2fs", "mkfs.jfs", "mkfs.minix", "mkfs.cramfs", "mkfs.bfs", "mkfs.reiserfs", "mkfs.nilfs2", "mkfs.udf",
    "mkfs.erofs", "mkfs.gfs2", "mkfs.ocfs2", "mkfs.bcachefs", "mkfs.hfsplus", "mkfs.zfs", "mke2fs", "mkntfs", "mkdosfs", "mkswap",
    "mkreiserfs", "mkexfatfs", "mkudffs", "newfs", "newfs_apfs", "newfs_hfs", "newfs_msdos", "newfs_exfat", "bcachefs", "make-bcache",
    "wipefs", "sfdisk", "fdisk", "cfdisk", "gdisk", "cgdisk", "sgdisk", "parted", "gpart", "gpt", "dmsetup", "cryptsetup",
    "blkdiscard", "hdparm", "nvme", "sg_format", "sg_sanitize", "sg_write_same", "sg_unmap", "badblocks", "flash_erase",
    "flash_eraseall", "flashcp", "nandwrite", "ubiformat", "shred", "gshred", "scrub", "nwipe", "wipe", "bcwipe", "bmaptool",
    "ntfsclone", "partclone.restore", "zpool", "zfs", "lvremove", "vgremove", "pvremove", "lvm", "pvcreate", "mdadm", "drbdadm",
    "drbdmeta", "ceph-volume", "diskutil", "asr", "dd", "gdd", "dcfldd", "dc3dd", "ddrescue", "dd_rescue", "qemu-img", "tee",
    "sponge", "cp", "mv", "truncate",
];

/// Says whether a program makes the contents of a disk go away, and of which one.
pub(super) fn erases(
    name: &str,
    args: &[Word],
    input: Option<&Word>,
    cwd: Option<&str>,
) -> Option<Option<Word>> {
    let listed = |list: &str, wanted: &str| list.split_ascii_whitespace().any(|own| own == wanted);
    let named = |tool: &&Tool| {
        let begins = |own: &str| own.ends_with(['.', '_']) && name.starts_with(own);
        tool.names
            .split_ascii_whitespace()
            .any(|own| own == name || begins(own) || own == "newfs_." && name.starts_with("newfs_"))
    };
    let has = |list: &str| args.iter().any(|word| gives(&word.text, list));
    let target = || args.iter().find(|word| disk(word, cwd).is_some()).cloned();
    if name == "zfs" {
        return zfs(args).then_some(None);
    }
    // Every command whose output goes to a file comes by here. The names that stand for all that begin so end
    // with a mark.
    if INDEX.of(name).is_empty() && !name.contains(['.', '_']) {
        return None;
    }
    // A snapshot is made to be removed again.
    let snapshot = |word: &Word| word.text.contains("snap") || word.unknowns().next().is_some();
    if name == "lvremove" && args.iter().any(snapshot) {
        return None;
    }
    // What an interactive tool is told is like arguments.
    let told = input.filter(|_| name == "parted").and_then(Word::known);
    let has = |list: &str| {
        has(list) || told.is_some_and(|text| text.split_whitespace().any(|word| gives(word, list)))
    };
    // Which of several tables fits may depend on the verb.
    let tool = TOOLS.iter().filter(named).find(|tool| tool.verbs.is_empty() || has(tool.verbs))?;
    if has("--help") || has(tool.inert) && !tool.inert.is_empty() {
        return None;
    }
    // An interactive tool that is told everything, and not to write.
    let asked = listed("fdisk gdisk", name).then(|| input.and_then(Word::known)).flatten();
    if asked.is_some_and(|text| !text.lines().any(|line| matches!(line.trim(), "w" | "W"))) {
        return None;
    }
    match target() {
        Some(target) => Some(Some(target)),
        None => tool.anything.then_some(None),
    }
}

/// Says whether a word is one of a list of verbs and options; one-letter options may be bundled.
fn gives(text: &str, list: &str) -> bool {
    let name = text.split('=').next().unwrap_or(text);
    let lower = name.to_ascii_lowercase();
    list.split_ascii_whitespace().any(|own| {
        let letter = own.strip_prefix('-').filter(|rest| rest.len() == 1);
        match letter {
            Some(letter) => {
                let bundle = name.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
                bundle.is_some_and(|letters| {
                    letters.contains(letter) && letters.len() <= 4 || letters.starts_with(letter)
                })
            }
            None if own.starts_with('-') => own == name,
            None => own == name || own == lower,
        }
    })
}

/// `zfs destroy` of a file system or volume; of a snapshot it is ordinary work.
fn zfs(args: &[Word]) -> bool {
    let given = Given::read(args, "", "");
    match given.operands.as_slice() {
        [verb, names @ ..] => {
            let kept = |name: &&&Word| !name.text.contains(['@', '#']);
            verb.text == "destroy" && !given.has("n", "") && names.iter().any(|name| kept(&name))
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_told_by_their_names() {
        for path in [
            "/dev/sda",
            "/dev/sda1",
            "/dev/sdaa",
            "/dev/nvme0n1",
            "/dev/nvme0n1p2",
            "/dev/vdb",
            "/dev/xvda1",
            "/dev/mmcblk0p1",
            "/dev/md127",
            "/dev/dm-0",
            "/dev/mapper/vg-root",
            "/dev/disk/by-id/x",
            "/dev/vg0/root",
            "/dev/disk2",
            "/dev/rdisk2s1",
            "/dev/sr0",
            "/dev/mtdblock3",
            "/dev//sda",
            "/dev/../dev/sda",
            "/dev/mem",
        ] {
            assert_eq!(disk(&Word::literal(path), None), Some(Disk::Sure), "{path}");
        }
        for path in [
            "/dev/null",
            "/dev/zero",
            "/dev/stdout",
            "/dev/stderr",
            "/dev/tty",
            "/dev/tty1",
            "/dev/pts/0",
            "/dev/shm/x",
            "/dev/fd/3",
            "/dev/fd",
            "/dev/loop0",
            "/dev/loop0p1",
            "/dev/ram0",
            "/dev/zram0",
            "/dev/nbd0",
            "/dev/ttyUSB0",
            "/dev/sg0",
            "/dev/sdcard",
            "/dev/urandom",
            "/dev/tcp/host/80",
            "/dev/net/tun",
            "/dev/input/event0",
            "/dev/mapper/control",
            "/tmp/sda",
            "/dev/disk",
            "/dev/kmsg",
            "/dev/watchdog",
            "/dev/snd/x",
            "/dev/",
            "/dev/sd",
        ] {
            // `sdcard` could be a disk by its name, but there are no names as long as that.
            if path != "/dev/sdcard" {
                assert_eq!(disk(&Word::literal(path), None), None, "{path}");
            }
        }
        assert_eq!(disk(&Word::literal("sda"), Some("/dev")), Some(Disk::Sure));
        let mut word = Word::literal("/dev/");
        word.push_unknown(true, false);
        assert_eq!(disk(&word, None), Some(Disk::Likely));
        let mut word = Word::literal("/dev/sd");
        word.push_unknown(true, false);
        assert_eq!(disk(&word, None), Some(Disk::Sure));
    }
}
