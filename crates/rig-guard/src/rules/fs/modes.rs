//! Which modes programs set, as far as their command lines say so.

use super::mode::{Base, FILE, NEW, NOTHING, Sticky, world_writable};
use super::options::{Given, bundle, split_long};
use crate::shell::Word;

/// The programs whose command lines [`everybody_writes`] reads.
pub(super) const PROGRAMS: [&str; 16] = [
    "chmod",
    "gchmod",
    "install",
    "ginstall",
    "mkdir",
    "gmkdir",
    "mkfifo",
    "gmkfifo",
    "mknod",
    "gmknod",
    "setfacl",
    "rsync",
    "tar",
    "gtar",
    "umask",
    "dpkg-statoverride",
];

/// Devices that everybody has to be able to write to.
const OPEN: [&str; 8] =
    ["dev/null", "dev/zero", "dev/full", "dev/random", "dev/urandom", "dev/tty", "dev/ptmx", "dev/fuse"];

/// A command line of `chmod`.
pub(super) struct Chmod<'a> {
    pub(super) mode: &'a Word,
    pub(super) paths: Vec<&'a Word>,
    pub(super) recursive: bool,
}

impl<'a> Chmod<'a> {
    /// Reads the arguments; `None` where no mode is set, or it is that of another file.
    pub(super) fn read(args: &'a [Word]) -> Option<Self> {
        let (mut mode, mut recursive, mut ended): (Option<&Word>, _, _) = (None, false, false);
        let mut paths = Vec::new();
        for word in args {
            let text = word.text.as_str();
            if text == "--" && !ended {
                ended = true;
            } else if let Some((name, _)) = split_long(text).filter(|_| !ended) {
                if name.len() > 2 && "reference".starts_with(name) || name == "help" || name == "version" {
                    return None;
                }
                recursive |= name.len() > 2 && "recursive".starts_with(name);
            } else if let Some(letters) =
                // `-x` is a mode.
                bundle(text).filter(|l| !ended && l.chars().all(|c| "RcfvhHLPd".contains(c)))
            {
                recursive |= letters.contains('R');
            } else if mode.is_none() {
                mode = Some(word);
            } else {
                paths.push(word);
            }
        }
        Some(Self { mode: mode?, paths, recursive })
    }
}

/// Says whether a command lets everybody write to something. A mode that is not known does not
/// count.
pub(super) fn everybody_writes(name: &str, args: &[Word]) -> bool {
    match name {
        "chmod" | "gchmod" => chmod(args),
        "install" | "ginstall" => {
            let given = Given::read(args, "mgotS", "mode group owner target-directory suffix strip-program");
            given.value("m", "mode").is_some_and(|mode| counts(mode, NOTHING, false))
        }
        "mkdir" | "gmkdir" | "mkfifo" | "gmkfifo" => {
            let given = Given::read(args, "m", "mode");
            given.value("m", "mode").is_some_and(|mode| counts(mode, NEW, false))
        }
        "mknod" | "gmknod" => {
            let given = Given::read(args, "m", "mode");
            let pipe = given.operands.get(1).is_some_and(|kind| kind.text == "p");
            pipe && given.value("m", "mode").is_some_and(|mode| counts(mode, NEW, false))
        }
        "setfacl" => {
            let given = Given::read(args, "mMxXs", "modify modify-file remove remove-file set set-file");
            let lists = given.values("m", "modify").chain(given.values("s", "set"));
            lists.filter_map(Word::known).any(|list| list.split(',').any(entry_of_everybody))
        }
        "rsync" => {
            let given = Given::read(args, "efTBM", "chmod rsh exclude include filter");
            let modes = given.values("", "chmod").filter_map(Word::known);
            // As the manual has it, this lets the umask at the other end decide.
            modes.filter(|modes| *modes != "ugo=rwX").any(rsync_modes)
        }
        "tar" | "gtar" => {
            let given = Given::read(args, "fbCIKLNTVXFgH", "mode file directory exclude");
            given.value("", "mode").is_some_and(|mode| counts(mode, FILE, true))
        }
        "umask" => {
            let given = args.iter().find(|word| !matches!(word.text.as_str(), "-S" | "-p" | "-pS" | "-Sp"));
            given.and_then(Word::known).is_some_and(umask)
        }
        "dpkg-statoverride" => match Given::read(args, "", "admindir root").operands.as_slice() {
            [_, _, mode, _] => counts(mode, FILE, false),
            _ => false,
        },
        _ => false,
    }
}

/// Says whether a mode counts. A sticky directory is what a temporary directory has to be, as long
/// as it is no whole tree.
fn counts(mode: &Word, base: Base, tree: bool) -> bool {
    match mode.known().and_then(|mode| world_writable(mode, base)) {
        Some(Sticky(sticky)) => tree || !sticky,
        None => false,
    }
}

/// Says whether files get the mode of one that everybody can write to, as the system has some.
fn borrowed(args: &[Word]) -> bool {
    let mut from: Option<&str> = None;
    let mut paths = Vec::new();
    let mut args = args.iter();
    while let Some(word) = args.next() {
        match split_long(&word.text) {
            Some((name, value)) if name.len() > 2 && "reference".starts_with(name) => {
                from = if value.is_some() {
                    word.text.split_once('=').map(|(_, path)| path)
                } else {
                    args.next().and_then(Word::known)
                };
            }
            _ if word.text.starts_with('-') => {}
            _ => paths.push(&*word.text),
        }
    }
    let Some(from) = from.map(|path| path.trim_end_matches('/')) else { return false };
    // A directory may become one like `/tmp`.
    let sticky = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock"].contains(&from);
    let alike = |path: &&str| path.ends_with('/') || path.contains("tmp") || !path.contains('.');
    let open = |path: &str| OPEN.iter().any(|device| path.strip_prefix('/') == Some(device));
    sticky && !paths.iter().all(alike) || open(from) && !paths.iter().all(|path| open(path))
}

fn chmod(args: &[Word]) -> bool {
    if borrowed(args) {
        return true;
    }
    let Some(Chmod { mode, paths, recursive }) = Chmod::read(args) else { return false };
    // Access lists of macOS: `chmod +a "everyone allow write" file`.
    if mode.text.starts_with(['+', '=']) && mode.text[1..].starts_with('a') {
        let entry = paths.first().and_then(|word| word.known()).unwrap_or("").to_ascii_lowercase();
        let grants = ["write", "append", "delete", "add_file", "chown"];
        return entry.starts_with("everyone allow") && grants.iter().any(|right| entry.contains(right));
    }
    let open = |path: &&Word| OPEN.iter().any(|device| path.text.trim_start_matches('/').ends_with(device));
    counts(mode, FILE, recursive) && (paths.is_empty() || !paths.iter().all(open))
}

/// `o::rwx`, `other:rw`, `d:o::7`
fn entry_of_everybody(entry: &str) -> bool {
    let mut parts = entry.trim().split(':');
    let mut kind = parts.next().unwrap_or("");
    if matches!(kind, "d" | "default") {
        kind = parts.next().unwrap_or("");
    }
    let rights = parts.next_back().unwrap_or("");
    let digit = |c: char| c.to_digit(8).is_some_and(|bits| bits & 2 != 0);
    matches!(kind, "o" | "other") && rights.contains(|c: char| c == 'w' || digit(c))
}

/// `D777,F666`, `Do+w`, `a+rwX`
fn rsync_modes(modes: &str) -> bool {
    let mut symbolic = String::new();
    for mode in modes.split(',') {
        let mode = mode.strip_prefix(['D', 'F']).unwrap_or(mode);
        if mode.starts_with(|c: char| c.is_ascii_digit()) {
            if matches!(world_writable(mode, FILE), Some(Sticky(false))) {
                return true;
            }
            continue;
        }
        if !symbolic.is_empty() {
            symbolic.push(',');
        }
        symbolic.push_str(mode);
    }
    world_writable(&symbolic, FILE).is_some()
}

/// Digits are what is held back, letters what is let through.
fn umask(mask: &str) -> bool {
    if mask.bytes().all(|b| (b'0'..=b'7').contains(&b)) && !mask.is_empty() {
        return u32::from_str_radix(mask, 8).is_ok_and(|bits| bits & 0o002 == 0);
    }
    world_writable(mask, NOTHING).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_of_modes_are_read() {
        for (entry, expected) in [
            ("o::rwx", true),
            ("other:rw", true),
            ("d:o::-w-", true),
            ("default:other::7", true),
            ("o::r-x", false),
            ("o::5", false),
            ("u::rwx", false),
            ("u:bob:rwx", false),
            ("g::rwx", false),
            ("m::rwx", false),
        ] {
            assert_eq!(entry_of_everybody(entry), expected, "{entry}");
        }
        for (mask, expected) in [
            ("000", true),
            ("0", true),
            ("020", true),
            ("022", false),
            ("0077", false),
            ("u=rwx,g=rx,o=rwx", true),
            ("u=rwx,go=", false),
            ("", false),
        ] {
            assert_eq!(umask(mask), expected, "{mask}");
        }
        for (modes, expected) in [
            ("D777,F666", true),
            ("D755,F644", false),
            ("a+rwX", true),
            ("Du=rwx,Dgo=rx,Fu=rw,Fgo=r", false),
            ("Do+w", true),
            ("o-w", false),
        ] {
            assert_eq!(rsync_modes(modes), expected, "{modes}");
        }
    }
}
