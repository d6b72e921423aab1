//! Scripts and git's own files as they stand on the disk, bounded.

use std::borrow::Cow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rig_core::files;
use rig_core::git::Repository;

use super::Script;

/// The most that is read of a script, of a repository's index, and of a configuration, in bytes.
const MAX_SCRIPT: u64 = 256 << 10;
const MAX_INDEX: u64 = 64 << 20;
const MAX_CONFIG: u64 = 256 << 10;
/// How many names of a directory are read.
const MAX_ENTRIES: usize = 200;
/// The most that is read of the list of mounted file systems, in bytes.
const MAX_MOUNTS: u64 = 128 << 10;
/// Kinds of file systems that keep nothing, or nothing of a person's.
const VOLATILE: &str = "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl \
    fuse.gvfsd-fuse fuse.lxcfs fuse.portal fuse.snapfuse hugetlbfs mqueue nsfs overlay proc pstore ramfs \
    rpc_pipefs securityfs selinuxfs squashfs sysfs tmpfs tracefs";
/// How many configuration files may include one another.
const MAX_INCLUDED: usize = 10;
/// Directories of what was fetched from elsewhere, as it is.
const FETCHED: [&str; 8] =
    ["node_modules", ".venv", "venv", "site-packages", ".cargo", ".rustup", ".nvm", "vendor"];

/// Reads a script, and says whether it is one that somebody has taken over.
pub(super) fn script(path: &Path) -> Option<Script> {
    let bytes = files::read_start(path, MAX_SCRIPT).ok()?;
    let start = &bytes[..bytes.len().min(1 << 10)];
    if start.contains(&0) {
        return None;
    }
    let text =
        String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
    let fetched = path.components().any(|part| FETCHED.iter().any(|dir| part.as_os_str() == *dir));
    Some(Script { text, trusted: fetched || is_unmodified(path).unwrap_or(false) })
}

/// Returns the names in a directory, in their order.
pub(super) fn entries(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let names = entries.take(MAX_ENTRIES).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Returns where file systems are mounted that keep what is written to them, but for the root.
pub(super) fn mounts() -> Vec<String> {
    let text = files::read_start(Path::new("/proc/self/mountinfo"), MAX_MOUNTS).unwrap_or_default();
    mounted(&String::from_utf8_lossy(&text))
}

/// Reads the form of `/proc/self/mountinfo`.
fn mounted(text: &str) -> Vec<String> {
    let mounts = text.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let kind = kind.split(' ').next()?;
        let place = place.split(' ').nth(4).filter(|place| *place != "/")?;
        let keeps = !VOLATILE.split_ascii_whitespace().any(|own| own == kind);
        keeps.then(|| place.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
    });
    mounts.collect()
}

/// Says whether git has a file in its index as it stands on the disk, by size and time.
fn is_unmodified(path: &Path) -> Option<bool> {
    let path = std::fs::canonicalize(path).ok()?;
    let repository = Repository::find(path.parent()?)?;
    let top = std::fs::canonicalize(&repository.top).ok()?;
    let name = path.strip_prefix(top).ok()?.to_str()?;
    let index = files::read(&repository.git_dir.join("index"), MAX_INDEX).ok()?;
    let meta = std::fs::metadata(&path).ok()?;
    let low = |value: i64| u32::try_from(value & 0xffff_ffff).ok();
    let size = u32::try_from(meta.size() & 0xffff_ffff).ok()?;
    Some(entry(&index, name.as_bytes())? == (low(meta.mtime())?, low(meta.mtime_nsec())?, size))
}

/// Finds a file in an index: the seconds and nanoseconds of its time, and its size.
fn entry(index: &[u8], wanted: &[u8]) -> Option<(u32, u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let version = number(4).filter(|_| index.starts_with(b"DIRC"))?;
    let mut at = 12;
    let mut name: Vec<u8> = Vec::new();
    for _ in 0..number(8)? {
        let flags = u16::from_be_bytes(index.get(at + 60..at + 62)?.try_into().ok()?);
        let mut from = at + 62 + if version >= 3 && flags & 0x4000 != 0 { 2 } else { 0 };
        if version >= 4 {
            // The name begins like the one before, but for so many bytes at its end.
            let mut dropped = 0_usize;
            loop {
                let byte = *index.get(from)?;
                from += 1;
                dropped = (dropped << 7) | usize::from(byte & 0x7f);
                if byte & 0x80 == 0 {
                    break;
                }
                dropped += 1;
            }
            name.truncate(name.len().checked_sub(dropped)?);
        } else {
            name.clear();
        }
        let len = index.get(from..)?.iter().position(|b| *b == 0)?;
        name.extend_from_slice(&index[from..from + len]);
        if name == wanted {
            return Some((number(at + 8)?, number(at + 12)?, number(at + 36)?));
        }
        at = if version >= 4 { from + len + 1 } else { at + ((from + len - at) / 8 + 1) * 8 };
    }
    None
}

/// Returns the values of a setting of git, in the order in which git reads them.
pub(super) fn git_config(dir: Option<&Path>, home: Option<&Path>, key: &str) -> Vec<String> {
    let section = key.rsplit_once('.').map_or(key, |(section, _)| section);
    let mut settings = git_settings(dir, home, &[section]);
    settings.retain(|(own, _)| own == key);
    settings.into_iter().map(|(_, value)| value).collect()
}

/// Returns the settings of git in some sections, in the order in which git reads them.
pub(super) fn git_settings(
    dir: Option<&Path>,
    home: Option<&Path>,
    sections: &[&str],
) -> Vec<(String, String)> {
    let mut paths = vec![PathBuf::from("/etc/gitconfig")];
    if let Some(home) = home {
        paths.extend([home.join(".config/git/config"), home.join(".gitconfig")]);
    }
    if let Some(repository) = dir.and_then(Repository::find) {
        paths.push(repository.common_dir.join("config"));
        paths.push(repository.git_dir.join("config.worktree"));
    }
    let mut found = Vec::new();
    let mut read = 0;
    for path in paths {
        settings_in(&path, home, sections, &mut found, &mut read);
    }
    found
}

fn settings_in(
    path: &Path,
    home: Option<&Path>,
    sections: &[&str],
    found: &mut Vec<(String, String)>,
    read: &mut usize,
) {
    let Ok(text) = files::read_text(path, MAX_CONFIG) else { return };
    *read += 1;
    for (key, value) in settings(&text, sections) {
        let includes = key == "include.path" || key.starts_with("includeif.") && key.ends_with(".path");
        if includes && *read < MAX_INCLUDED {
            let included = match (value.strip_prefix("~/"), home) {
                (Some(rest), Some(home)) => home.join(rest),
                _ => path.parent().unwrap_or(path).join(&value),
            };
            settings_in(&included, home, sections, found, read);
        }
        found.push((key, value));
    }
}

/// Splits the text of a configuration into keys, in small letters, and values: those of some sections,
/// and what includes other files.
fn settings(text: &str, sections: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut counts = false;
    let goes_on = |line: &str| line.ends_with('\\') && !line.ends_with("\\\\");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.split(']').next().unwrap_or("");
            section = match name.split_once('"') {
                Some((first, sub)) => format!("{}.{}", first.trim(), sub.trim_end_matches('"')),
                None => name.to_owned(),
            }
            .to_ascii_lowercase();
            let within = |wanted: &str| {
                section.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            counts = sections.iter().any(|wanted| within(wanted)) || section.starts_with("include");
            continue;
        }
        let mut joined = Cow::Borrowed(line);
        while goes_on(&joined) {
            let Some(next) = lines.next() else { break };
            let text = joined.to_mut();
            text.pop();
            text.push_str(next);
        }
        if !counts || joined.starts_with(['#', ';']) {
            continue;
        }
        let (key, value) = joined.split_once('=').unwrap_or((&joined, "true"));
        found.push((format!("{section}.{}", key.trim().to_ascii_lowercase()), unquoted(value.trim())));
    }
    found
}

/// Returns a value without its quotes, its escapes and the comment behind it.
fn unquoted(written: &str) -> String {
    let mut value = String::new();
    let mut quoted = false;
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '#' | ';' if !quoted => break,
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some(c) => value.push(c),
                None => {}
            },
            c => value.push(c),
        }
    }
    value.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn only_file_systems_that_keep_something_are_mounted() {
        let text = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            23 22 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n\
            30 22 8:17 / /data/my\\040disk rw - xfs /dev/sdb1 rw\n\
            31 22 0:50 / /srv/share rw,relatime - nfs4 host:/x rw\n\
            32 22 0:51 / /run/user/1000 rw - tmpfs tmpfs rw\nodd";
        assert_eq!(mounted(text), ["/data/my disk", "/srv/share"]);
    }

    #[test]
    fn settings_are_read_as_git_reads_them() {
        let text = "[alias]\n\tp = push --force # x\n  Q = \"!rm -rf \\\"$1\\\"\"\n[remote \"o\"]\n\tmirror\n[core]\npager = a \\\n b\n";
        let expected = [
            ("alias.p", "push --force"),
            ("alias.q", "!rm -rf \"$1\""),
            ("remote.o.mirror", "true"),
            ("core.pager", "a  b"),
        ];
        let found = settings(text, &["alias", "remote", "core"]);
        let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_script_is_trusted_as_long_as_it_is_what_git_has() {
        for version in ["2", "4"] {
            let dir = tempfile::tempdir().unwrap();
            let git = |args: &[&str]| {
                let mut command = Command::new("git");
                command.args(args).current_dir(dir.path()).env_clear().env("PATH", "/usr/bin:/bin");
                assert!(command.env("HOME", dir.path()).output().unwrap().status.success(), "{args:?}");
            };
            std::fs::create_dir(dir.path().join("a")).unwrap();
            for name in ["a/build.sh", "a/build.sh2", "clean.sh"] {
                std::fs::write(dir.path().join(name), "ls\n").unwrap();
            }
            git(&["init", "--quiet"]);
            git(&["add", "."]);
            git(&["update-index", "--index-version", version]);
            let trusted = |name: &str| script(&dir.path().join(name)).map(|script| script.trusted);
            std::fs::write(dir.path().join("new.sh"), "ls\n").unwrap();
            std::fs::write(dir.path().join("binary"), "a\0b").unwrap();
            assert_eq!(
                ["a/build.sh", "a/build.sh2", "clean.sh", "new.sh", "binary", "gone"].map(trusted),
                [Some(true), Some(true), Some(true), Some(false), None, None],
                "{version}"
            );
            std::fs::write(dir.path().join("clean.sh"), "rm -rf /\n").unwrap();
            assert_eq!(trusted("clean.sh"), Some(false));
        }
    }
}
