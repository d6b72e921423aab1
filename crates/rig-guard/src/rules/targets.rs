//! Which files a command changes, as far as its command line says so.

mod archive;
pub(super) mod document;
mod git;
mod line;
mod others;
mod patch;

use std::cell::LazyCell;

use super::fs::locks_out;
use crate::shell::{Call, Word};
use crate::world::World;
use line::Line;

/// A file that a command changes.
#[derive(Debug)]
pub(super) struct Target {
    /// Its path.
    pub(super) path: Word,
    /// What happens to it.
    pub(super) change: Change,
    /// It happens to everything below it as well.
    pub(super) below: bool,
    /// The directory whose contents it gets, whatever those are.
    pub(super) from: Option<Word>,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It gets new contents.
    Write,
    /// It goes away, is emptied, or gets other permissions.
    Lose,
}

/// The programs whose command lines [`targets`] reads.
pub(super) const PROGRAMS: [&str; 118] = [
    "tee",
    "sponge",
    "ed",
    "ex",
    "vi",
    "vim",
    "nvim",
    "nano",
    "micro",
    "emacs",
    "touch",
    "mkdir",
    "mkfifo",
    "mknod",
    "strip",
    "patchelf",
    "upx",
    "sqlite3",
    "tar",
    "gtar",
    "bsdtar",
    "unzip",
    "zip",
    "7z",
    "7za",
    "cpio",
    "mount",
    "umount",
    "rename",
    "prename",
    "mmv",
    "patch",
    "truncate",
    "shred",
    "srm",
    "wipe",
    "unlink",
    "trash",
    "trash-put",
    "gio",
    "rm",
    "rmdir",
    "mv",
    "gmv",
    "cp",
    "gcp",
    "install",
    "ginstall",
    "ln",
    "gln",
    "rsync",
    "scp",
    "link",
    "gzip",
    "pigz",
    "gunzip",
    "bzip2",
    "bunzip2",
    "xz",
    "unxz",
    "lzma",
    "compress",
    "zstd",
    "chmod",
    "chown",
    "chgrp",
    "chattr",
    "setfacl",
    "setfattr",
    "dd",
    "sed",
    "gsed",
    "perl",
    "ruby",
    "find",
    "sort",
    "uniq",
    "xxd",
    "curl",
    "wget",
    "aria2c",
    "gpg",
    "openssl",
    "iconv",
    "pandoc",
    "ld",
    "cc",
    "gcc",
    "g++",
    "c++",
    "clang",
    "clang++",
    "rustc",
    "go",
    "tcc",
    "cargo",
    "git",
    "git-restore",
    "git-checkout",
    "git-apply",
    "git-rm",
    "git-mv",
    "git-stash",
    "awk",
    "gawk",
    "jq",
    "yq",
    "tomlq",
    "xq",
    "jo",
    "ssh-keygen",
    "logrotate",
    "crudini",
    "augtool",
    "json",
    "jaq",
    "dasel",
    "objcopy",
];

/// Returns the files that a command changes, those with it that other files tell.
pub(super) fn changed(call: &Call<'_>, world: &dyn World) -> Vec<Target> {
    let mut targets = targets(call);
    match call.name().unwrap_or("") {
        "find" => targets.extend(others::found(call, world)),
        "patch" => targets.extend(patch::by_patch(call, &Line::read(call.args()), world)),
        name if name.starts_with("git") => targets.extend(git::changed(call, world)),
        _ => {}
    }
    targets
}

/// Returns the files that a command changes.
pub(super) fn targets(call: &Call<'_>) -> Vec<Target> {
    let mut targets: Vec<Target> = call.writes().map(write).collect();
    // Most commands with a redirection are about no file besides.
    let line = LazyCell::new(|| Line::read(call.args()));
    let operands = || line.operands.iter().copied();
    match call.name().unwrap_or("") {
        "tee" | "sponge" | "ed" | "ex" | "vi" | "vim" | "nvim" | "nano" | "micro" | "emacs" | "touch"
        | "mkfifo" | "mknod" | "strip" | "upx" | "patchelf" | "setfattr" => {
            targets.extend(operands().map(write))
        }
        // Where a directory is, nobody can write a file. One that is there stays as it is.
        "mkdir" => targets.extend(operands().filter(|p| file_name(p).contains('.')).map(write)),
        "truncate" | "shred" | "srm" | "wipe" | "unlink" | "rmdir" | "rename" | "prename" | "mmv"
        | "umount" => {
            targets.extend(operands().map(|p| lose(p, false)));
        }
        "trash" | "trash-put" => targets.extend(operands().map(|p| lose(p, true))),
        "gio"
            if operands()
                .next()
                .is_some_and(|verb| matches!(verb.text.as_str(), "trash" | "remove" | "move")) =>
        {
            targets.extend(operands().skip(1).map(|p| lose(p, true)));
        }
        "gzip" | "pigz" | "gunzip" | "bzip2" | "bunzip2" | "xz" | "unxz" | "lzma" | "compress" | "zstd" => {
            let keeps = line.has("ckltO", "keep")
                || ["--stdout", "--to-stdout", "--list", "--test"].iter().any(|o| line.given(o));
            if !keeps && (call.name() != Some("zstd") || line.given("--rm")) {
                targets.extend(operands().map(|p| lose(p, line.has("r", "recursive"))));
            }
        }
        "rm" => {
            let recursive = line.has("rR", "recursive");
            targets.extend(operands().map(|p| lose(p, recursive)));
        }
        "mv" | "gmv" => {
            let (sources, into) = line.copied(true);
            targets.extend(sources.iter().map(|p| lose(p, true)));
            if line.given("--exchange") {
                targets.extend(line.operands.last().map(|p| lose(p, true)));
            }
            targets.extend(into);
        }
        "cp" | "gcp" | "install" | "ginstall" | "scp" => {
            let (sources, into) = line.copied(false);
            // A link is another name under which the file can be changed.
            if matches!(call.name(), Some("cp" | "gcp")) && line.has("ls", "link") {
                targets.extend(sources.iter().map(|p| lose(p, false)));
            }
            targets.extend(into);
        }
        "rsync" if line.has("n", "dry-run") => {}
        "rsync" => {
            let (sources, into) = line.copied(false);
            if line.given("--remove-source-files") {
                targets.extend(sources.iter().map(|p| lose(p, true)));
            }
            targets.extend(into);
        }
        // A link to a file is another name under which it can be changed.
        "ln" | "gln" | "link" => {
            let (sources, into) = line.copied(false);
            targets.extend(sources.iter().map(|p| lose(p, false)));
            targets.extend(into);
        }
        // What is mounted over is out of sight; other options of what is mounted hide nothing.
        "mount" if call.args().iter().any(|w| w.text.split(',').any(|o| o.ends_with("remount"))) => {}
        "mount" => targets.extend(operands().last().filter(|p| p.text != "/").map(|p| lose(p, true))),
        "tar" | "gtar" | "bsdtar" => targets.extend(archive::tar(call.args(), &line)),
        "unzip" | "7z" | "7za" | "cpio" => targets.extend(archive::unpacked(call.args())),
        "zip" => {
            targets.extend(operands().take(1).map(write));
            if line.has("m", "move") {
                targets.extend(operands().skip(1).map(|p| lose(p, true)));
            }
        }
        "chmod" | "chown" | "chgrp" | "chattr" | "setfacl" => {
            // Who takes a directory away from its owner takes everything in it.
            let all = line.has("R", "recursive") || locks_out(call.words);
            targets.extend(operands().map(|p| lose(p, all)));
        }
        "dd" => targets.extend(
            call.args().iter().filter(|w| w.text.starts_with("of=")).map(|w| write(&w.tail("of=".len()))),
        ),
        "sed" | "gsed" | "perl" | "ruby" if line.has("i", "in-place") => {
            targets.extend(operands().map(write));
        }
        "yq" | "tomlq" | "xq" | "gawk" | "awk" | "jq"
            if line.has("i", "inplace") || line.given("--in-place") =>
        {
            targets.extend(operands().map(write));
        }
        "jaq" if line.has("i", "in-place") => targets.extend(operands().map(write)),
        "json" if line.given("-I") => targets.extend(line.value_of("-f").map(|p| write(&p))),
        "dasel" if operands().next().is_some_and(|verb| matches!(verb.text.as_str(), "put" | "delete")) => {
            targets.extend(["-f", "--file"].iter().filter_map(|o| line.value_of(o)).map(|p| write(&p)));
        }
        "objcopy" => targets.extend(operands().last().map(write)),
        "uniq" | "xxd" => targets.extend(operands().nth(1).map(write)),
        "ssh-keygen" => targets.extend(line.value_of("-f").map(|p| write(&p))),
        "crudini" if line.given("--set") || line.given("--del") => {
            targets.extend(operands().take(1).map(write))
        }
        "sqlite3" if !line.given("-readonly") && !operands().skip(1).all(others::only_reads) => {
            targets.extend(operands().take(1).map(write));
        }
        "patch" => targets.extend(operands().take(1).map(write)),
        name @ ("sort" | "curl" | "wget" | "aria2c" | "gpg" | "openssl" | "iconv" | "pandoc" | "ld"
        | "cc" | "gcc" | "g++" | "c++" | "clang" | "clang++" | "rustc" | "go" | "tcc") => {
            targets.extend(others::outputs(name, call.args()))
        }
        "cargo" => targets.extend(others::installed_by_cargo(&line)),
        _ => {}
    }
    targets
}

fn write(path: &Word) -> Target {
    Target { path: path.clone(), change: Change::Write, below: false, from: None }
}

fn lose(path: &Word, below: bool) -> Target {
    Target { path: path.clone(), change: Change::Lose, below, from: None }
}

fn file_name(word: &Word) -> &str {
    word.text.trim_end_matches('/').rsplit('/').next().unwrap_or("")
}

/// Returns a path in a directory, or the path itself where it is absolute.
fn joined(dir: &Word, path: &Word) -> Word {
    if path.text.starts_with('/') {
        return path.clone();
    }
    let mut inside = dir.clone();
    inside.push(&Word::literal("/"));
    inside.push(path);
    inside
}
