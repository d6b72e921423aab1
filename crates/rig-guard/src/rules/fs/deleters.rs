//! What programs take away, as far as their command lines say so.

use super::options::Given;
use super::{globbed, program, within};
use crate::shell::{Find, Word};

/// The programs whose command lines [`losses`] reads.
pub(super) const PROGRAMS: [&str; 53] = [
    "rm",
    "grm",
    "srm",
    "wipe",
    "rip",
    "rmtrash",
    "rimraf",
    "del",
    "del-cli",
    "deltree",
    "trash",
    "trash-put",
    "trash-cli",
    "trashy",
    "gio",
    "gvfs-trash",
    "gvfs-rm",
    "kioclient",
    "kioclient5",
    "unlink",
    "gunlink",
    "shred",
    "gshred",
    "truncate",
    "mv",
    "gmv",
    "tar",
    "gtar",
    "bsdtar",
    "zip",
    "7z",
    "7za",
    "7zz",
    "rar",
    "rsync",
    "rclone",
    "find",
    "gfind",
    "bfs",
    "fd",
    "fdfind",
    "btrfs",
    "cmake",
    "tmpreaper",
    "tmpwatch",
    "systemd-tmpfiles",
    "shx",
    "toybox",
    "coreutils",
    "uutils",
    "yarn",
    "pnpm",
    "bun",
];

/// A path that a command takes away.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) path: Word,
    pub(super) how: How,
}

/// How a path is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// With everything in it.
    Tree,
    /// As a file.
    Files,
    /// It is somewhere else afterwards.
    Moved,
    /// It is in a temporary folder afterwards.
    Away,
    /// It has what is elsewhere and nothing else afterwards.
    Replaced {
        /// Git's own data is left alone.
        keeps_git: bool,
    },
}

/// Directories of which what is in them goes away by itself.
const TEMPORARY: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Says whether what stands behind the name of a directory is a path in it.
fn is_rest(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Returns what a command takes away. In one that is `filled` in with names, what is not known are
/// more names, and no options.
pub(super) fn losses(words: &[Word], filled: bool) -> Vec<Loss> {
    let Some((name, args)) = program(words) else {
        return rm(words.get(1..).unwrap_or_default(), filled, true);
    };
    let every = |operands: &[&Word], how: How| operands.iter().map(|word| loss(word, how)).collect();
    match name {
        "rm" | "grm" | "srm" | "wipe" => rm(args, filled, false),
        "rip" | "rmtrash" | "trash" | "trash-put" | "trash-cli" | "trashy" | "gvfs-trash" | "gvfs-rm" => {
            let given = Given::read(args, "", "trash-dir graveyard");
            let shows = given.has("lsu", "list") || given.has("e", "empty") || given.asks();
            if shows { Vec::new() } else { every(&given.operands, How::Tree) }
        }
        "gio" | "kioclient" | "kioclient5" => {
            let given = Given::read(args, "", "");
            match given.operands.split_first() {
                Some((verb, rest)) if matches!(verb.text.as_str(), "trash" | "remove") => {
                    every(rest, How::Tree)
                }
                _ => Vec::new(),
            }
        }
        // These read patterns themselves.
        "rimraf" | "del" | "del-cli" | "deltree" => {
            let given = Given::read(args, "", "backoff max-retries retry-delay");
            if given.asks() || given.has("", "dry-run") || name.starts_with("del-") && given.has("d", "") {
                return Vec::new();
            }
            given.operands.iter().map(|word| Loss { path: globbed(word), how: How::Tree }).collect()
        }
        "unlink" | "gunlink" => every(&Given::read(args, "", "").operands, How::Files),
        "shred" | "gshred" => {
            every(&Given::read(args, "ns", "iterations size random-source").operands, How::Files)
        }
        "truncate" => every(&Given::read(args, "sr", "size reference").operands, How::Files),
        "mv" | "gmv" => mv(args),
        "tar" | "gtar" | "bsdtar" => tar(args),
        "zip" => {
            let given = Given::read(args, "bnPtTUxiO", "password temp-path suffixes");
            let moves = given.has("m", "move");
            if moves { every(given.operands.get(1..).unwrap_or_default(), How::Tree) } else { Vec::new() }
        }
        "7z" | "7za" | "7zz" | "rar" => {
            let moves = args.iter().any(|w| w.text == "-sdel")
                || name == "rar" && args.first().is_some_and(|w| w.text == "m");
            let given = Given::read(args, "", "");
            if moves { every(given.operands.get(2..).unwrap_or_default(), How::Tree) } else { Vec::new() }
        }
        "rsync" => rsync(args),
        "rclone" => rclone(args),
        "find" | "gfind" | "bfs" => find(words),
        "fd" | "fdfind" => fd(args),
        "btrfs" => match args {
            [group, verb, rest @ ..]
                if "subvolume".starts_with(&group.text) && "delete".starts_with(&verb.text) =>
            {
                every(&Given::read(rest, "i", "subvolid").operands, How::Tree)
            }
            _ => Vec::new(),
        },
        "cmake" => match args {
            [mode, tool, rest @ ..] if mode.text == "-E" => match tool.text.as_str() {
                "rm" => rm(rest, filled, false),
                "remove_directory" => every(&Given::read(rest, "", "").operands, How::Tree),
                "rename" => mv(rest),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        },
        "tmpreaper" | "tmpwatch" => {
            let given = Given::read(args, "TUxX", "protect runtime exclude");
            let shows = given.has("t", "test") || given.asks();
            if shows { Vec::new() } else { every(given.operands.get(1..).unwrap_or_default(), How::Tree) }
        }
        // Without a file it is about everything that one of the system's files has made: `/home`.
        "systemd-tmpfiles" => {
            let given = Given::read(args, "E", "root image prefix exclude-prefix");
            let all = given.has("", "purge") && given.operands.is_empty() && !given.has("", "dry-run");
            if all { vec![loss(&Word::literal("/home"), How::Tree)] } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

fn loss(path: &Word, how: How) -> Loss {
    Loss { path: path.clone(), how }
}

fn rm(args: &[Word], filled: bool, guessed: bool) -> Vec<Loss> {
    let given = Given::read(args, "", "");
    // `$FLAGS` may be options; a program that is not known is taken for rm only where the options
    // leave little doubt.
    let recursive = given.has("rR", "recursive") || given.opaque && !filled;
    if given.asks() || guessed && !(recursive && given.has("f", "force")) {
        return Vec::new();
    }
    let how = if recursive { How::Tree } else { How::Files };
    given.operands.into_iter().map(|word| loss(word, how)).collect()
}

fn mv(args: &[Word]) -> Vec<Loss> {
    let given = Given::read(args, "tS", "target-directory suffix");
    let (sources, into) = match given.value("t", "target-directory") {
        Some(into) => (given.operands.as_slice(), Some(into.text.as_str())),
        None => match given.operands.split_last() {
            Some((last, sources)) => (sources, Some(last.text.as_str())),
            None => return Vec::new(),
        },
    };
    let how = match into {
        Some("/dev/null") => How::Tree,
        Some(into) if TEMPORARY.iter().any(|dir| into.strip_prefix(dir).is_some_and(is_rest)) => How::Away,
        _ => How::Moved,
    };
    sources.iter().map(|word| loss(word, how)).collect()
}

fn tar(args: &[Word]) -> Vec<Loss> {
    let given = Given::read(
        args,
        "fbCIKLNTVXFgH",
        "file directory exclude exclude-from files-from use-compress-program",
    );
    if !given.has("", "remove-files") {
        return Vec::new();
    }
    let directory = given.value("C", "directory");
    given.operands.iter().map(|word| Loss { path: within(directory, word), how: How::Tree }).collect()
}

fn rsync(args: &[Word]) -> Vec<Loss> {
    const VALUES: &str = "address backup-dir block-size bwlimit checksum-choice checksum-seed chmod chown compare-dest \
        compress-choice compress-level copy-as copy-dest debug exclude exclude-from files-from filter groupmap iconv \
        include include-from info link-dest log-file log-file-format max-alloc max-delete max-size min-size \
        modify-window only-write-batch out-format partial-dir password-file port protocol read-batch remote-option \
        rsh rsync-path skip-compress sockopts stop-after stop-at suffix temp-dir timeout usermap write-batch";
    let given = Given::read(args, "efTBM@", VALUES);
    if given.has("n", "dry-run") || given.has("", "list-only") || given.asks() {
        return Vec::new();
    }
    let Some((into, sources)) = given.operands.split_last() else { return Vec::new() };
    let mut losses = Vec::new();
    if given.has("", "remove-source-files") || given.has("", "remove-sent-files") {
        losses.extend(sources.iter().map(|word| loss(word, How::Moved)));
    }
    let deletes = given.has("", "delete-during")
        || given.has("", "delete-before")
        || given.has("", "delete-after")
        || given.has("", "delete-excluded")
        || given.has("", "delete-delay");
    // Only what a directory is copied over as a whole loses what that directory has not.
    let whole = |word: &&&Word| word.text.ends_with('/') || word.text == "." || word.text.ends_with("/.");
    if deletes && !given.has("b", "backup") && sources.iter().any(|word| whole(&word)) {
        let names_git = |word: &Word| word.text.contains(".git");
        let keeps_git = given.values("f", "exclude").chain(given.values("", "filter")).any(names_git)
            || given.has("C", "cvs-exclude");
        let how = How::Replaced { keeps_git };
        match into.text.split_once(':').filter(|(host, _)| !host.contains('/')) {
            Some((_, path)) if path.starts_with(':') || path.starts_with("//") => {}
            Some((_, "" | "~" | "~/" | "." | "./")) => losses.push(loss(&Word::literal("/home/…"), how)),
            Some((host, _)) => losses.push(Loss { path: into.tail(host.len() + 1), how }),
            None => losses.push(loss(into, how)),
        }
    }
    losses
}

fn rclone(args: &[Word]) -> Vec<Loss> {
    let given = Given::read(args, "", "config exclude include filter transfers checkers max-age min-age");
    let local = |word: &&&Word| !word.text.contains(':');
    let [verb, paths @ ..] = given.operands.as_slice() else { return Vec::new() };
    if given.has("n", "dry-run") {
        return Vec::new();
    }
    match (verb.text.as_str(), paths) {
        ("purge" | "delete", paths) => paths.iter().filter(local).map(|word| loss(word, How::Tree)).collect(),
        ("move" | "moveto", [from, ..]) if !from.text.contains(':') => vec![loss(from, How::Moved)],
        ("sync", [_, into]) if !into.text.contains(':') => {
            vec![loss(into, How::Replaced { keeps_git: false })]
        }
        _ => Vec::new(),
    }
}

fn find(words: &[Word]) -> Vec<Loss> {
    let find = Find::parse(words);
    if !find.deletes {
        return Vec::new();
    }
    let picked = find.picked.iter().map(|word| loss(word, How::Files));
    if find.selective {
        return picked.collect();
    }
    let how = if find.shallow { How::Files } else { How::Tree };
    find.all().iter().map(|word| loss(word, how)).collect()
}

/// `fd -X rm`: without a pattern, or with one that fits everything, it is about all files.
fn fd(args: &[Word]) -> Vec<Loss> {
    let runs = |w: &Word| matches!(w.text.as_str(), "-x" | "-X" | "--exec" | "--exec-batch");
    let Some(at) = args.iter().position(runs) else { return Vec::new() };
    let deletes = args
        .get(at + 1)
        .and_then(Word::program)
        .is_some_and(|name| matches!(name, "rm" | "grm" | "rimraf" | "trash" | "unlink" | "shred"));
    let given = Given::read(
        &args[..at],
        "detEScoj",
        "max-depth min-depth exact-depth type extension exclude size changed-within \
        changed-before owner base-directory search-path color threads and format ignore-file",
    );
    let picks = given.has("eSoE", "extension")
        || given.has("", "size")
        || given.has("", "owner")
        || given.has("", "changed-within")
        || given.has("", "changed-before");
    if !deletes || picks {
        return Vec::new();
    }
    let (pattern, roots) =
        given.operands.split_first().map_or(("", &[][..]), |(p, rest)| (p.text.as_str(), rest));
    if !matches!(pattern, "" | "." | ".*" | "*" | "^" | "$") {
        return Vec::new();
    }
    match roots {
        [] => vec![loss(&Word::literal("."), How::Tree)],
        roots => roots.iter().map(|word| loss(word, How::Tree)).collect(),
    }
}
