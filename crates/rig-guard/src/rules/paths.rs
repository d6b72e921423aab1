//! Which paths may not be deleted with everything in them.

use std::cell::OnceCell;

use super::pattern::{Pattern, Piece, catches_all, matches, text};
use crate::shell::{Call, Kind, Word};
use crate::world::World;

/// Directories without which nothing works any more. What lies below them is ordinary work.
const SYSTEM: [&str; 28] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
    "/private",
    "/System",
    "/Library",
    "/Users",
];

/// Directories that hold what people have put there, or much of one thing.
const LOCAL: [&str; 29] = [
    "/boot/efi",
    "/boot/grub",
    "/etc/pam.d",
    "/etc/ssh",
    "/etc/ssl",
    "/etc/systemd",
    "/lib/modules",
    "/media",
    "/mnt",
    "/nix",
    "/nix/store",
    "/opt",
    "/root",
    "/snap",
    "/srv",
    "/sys/firmware/efi/efivars",
    "/usr/lib/modules",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/local/share",
    "/var/lib/dpkg",
    "/var/lib/etcd",
    "/var/lib/mysql",
    "/var/lib/postgresql",
    "/var/lib/rpm",
    "/Applications",
    "/Volumes",
];

/// System directories that have a directory for each of many programs: what is not known in there is
/// nearly always the name of one.
const SHARED: [&str; 3] = ["/var/lib/", "/usr/share/", "/run/"];

/// Where the directories of other people are.
const HOMES: [&str; 6] = ["/home", "/Users", "/var/home", "/export/home", "/mnt/c/Users", "/c/Users"];

/// What in a home directory is a person's own, and nowhere else.
const PERSONAL: [&str; 9] =
    ["Desktop", "Documents", "Pictures", "Music", "Movies", "Videos", "Library", ".ssh", ".gnupg"];

/// Where other file systems are attached, and how many names below that.
const MOUNTED: [(&str, usize); 6] =
    [("/mnt", 1), ("/media", 1), ("/media", 2), ("/Volumes", 1), ("/run/media", 1), ("/run/media", 2)];

/// What lies below these goes away by itself. They may be deleted, too.
const TEMPORARY: [&str; 5] = ["/tmp", "/var/tmp", "/private/tmp", "/private/var/tmp", "/dev/shm"];

/// What of git's own data cannot be made again. The rest are copies, caches, and what is left over.
const GIT_DATA: [&str; 8] = ["HEAD", "annex", "config", "logs", "modules", "objects", "packed-refs", "refs"];

/// What a directory is in which everything else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    System,
    Local,
    Home,
    AboveHome,
    Workspace,
    AboveWorkspace,
    Git,
    Someones,
    Personal,
    Mount,
    AboveMount,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Root => "the root directory",
            Self::System | Self::Local => "a directory of the system",
            Self::Home => "the home directory",
            Self::AboveHome => "a parent of the home directory",
            Self::Workspace => "the workspace",
            Self::AboveWorkspace => "a parent of the workspace",
            Self::Git => "git's own data of the workspace",
            Self::Someones => "a home directory",
            Self::Personal => "a folder of a person's own documents or keys",
            Self::Mount => "the mount point of a file system",
            Self::AboveMount => "a directory in which a file system is mounted",
        }
    }
}

/// A path that may not be deleted with everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Danger {
    /// What it is.
    pub(super) place: Place,
    /// It is about what is in there, not about the directory itself.
    pub(super) contents: bool,
    /// It is the place only where an unknown part of it is empty.
    maybe: bool,
    shown: String,
}

impl Danger {
    /// Says whether it is the place only where an unknown part of it is empty.
    pub(super) fn maybe(&self) -> bool {
        self.maybe
    }

    /// Says what the path is.
    pub(super) fn detail(&self) -> String {
        let Self { place, contents, maybe, shown } = self;
        let verb = if *maybe { "may be" } else { "is" };
        let all = if *contents { "everything in " } else { "" };
        let tail = if *maybe { ", where the unknown part of it is empty" } else { "" };
        format!("{shown} {verb} {all}{}{tail}", place.name())
    }
}

/// Says whether a path is in a temporary folder, or is one.
pub(super) fn is_temporary(pattern: &Pattern) -> bool {
    TEMPORARY.iter().any(|dir| pattern.is_below(dir) || pattern.matches(dir))
}

/// The directories that may not be deleted, as a command sees them.
pub(super) struct Places<'a> {
    world: &'a dyn World,
    home: Option<&'a str>,
    cwd: Option<&'a str>,
    /// The command runs where nothing can be looked up.
    elsewhere: bool,
    roots: OnceCell<Vec<String>>,
}

impl<'a> Places<'a> {
    /// Prepares to look at the paths of a command; nothing is looked up yet.
    pub(super) fn of(call: &Call<'a>, world: &'a dyn World) -> Self {
        let (cwd, elsewhere) = (call.cwd, call.context.elsewhere);
        Self { world, home: world.home(), cwd, elsewhere, roots: OnceCell::new() }
    }

    fn roots(&self) -> &[String] {
        self.roots.get_or_init(|| self.world.roots())
    }

    /// Says what a path is that may not be deleted with everything in it; `None` where it may.
    ///
    /// A part of the path that is not known counts as a name of its own. Where one may also be
    /// nothing, the path without it counts too: `"$DIR"/*` may be `/*`. Symbolic links are followed,
    /// but for one at the end, which is deleted itself. Where other file systems are mounted is only
    /// looked up with `mounts`.
    pub(super) fn find(&self, word: &Word, mounts: bool) -> Option<Danger> {
        if word.known() == Some("") {
            return None;
        }
        let danger = |(place, contents), maybe| Danger { place, contents, maybe, shown: word.display() };
        // In a directory that is not known, only what may be absolute can be told.
        let pattern = Pattern::of(word, self.cwd);
        if let Some(found) = pattern.as_ref().and_then(|pattern| self.danger(pattern)) {
            return Some(danger(found, false));
        }
        if let Some(pattern) = pattern.filter(|_| !self.elsewhere) {
            let linked = pattern.resolved(word.text.ends_with('/'), |path| self.world.real(path));
            let found = linked.as_ref().and_then(|linked| self.danger(linked));
            let mounted = || if mounts { self.mounted(linked.as_ref().unwrap_or(&pattern)) } else { None };
            if let Some(found) = found.or_else(mounted) {
                return Some(danger(found, false));
            }
        }
        let at = word.unknowns().next()?.0;
        if word.text.is_empty() || word.unknowns().any(|(other, empty)| other != at || !empty) {
            return None;
        }
        let without = Word {
            text: word.text.clone(),
            marks: word.marks.iter().copied().filter(|m| m.kind == Kind::Glob).collect(),
        };
        let pattern = Pattern::of(&without, self.cwd)?;
        // `$DIR/x` is about a directory of its own, unless it may be the root directory, or nothing known has
        // set `DIR`. `./$X` may be the working directory, which rm does not delete. In `/opt/$X` there is
        // one of many.
        let root = pattern.is_root() || pattern.contents().is_some_and(|dir| dir.is_root());
        let shared = || SHARED.iter().any(|dir| word.text.starts_with(dir));
        let unset = at == 0 && word.text.starts_with('/') && word.only_lacks_unset();
        let counts = if at == 0 { root || unset } else { word.text.starts_with('/') && !shared() };
        let (place, contents) = self.danger(&pattern).filter(|_| counts)?;
        let many = !unset && matches!(place, Place::Local | Place::Mount | Place::Personal);
        (!many).then(|| danger((place, contents), true))
    }

    /// Says what a pattern is, and whether it means what is in there.
    fn danger(&self, pattern: &Pattern) -> Option<(Place, bool)> {
        let contents = pattern.contents().and_then(|dir| self.directory(&dir));
        contents.map(|place| (place, true)).or_else(|| Some((self.directory(pattern)?, false)))
    }

    fn directory(&self, pattern: &Pattern) -> Option<Place> {
        if pattern.is_root() {
            return Some(Place::Root);
        }
        if SYSTEM.iter().any(|path| pattern.matches(path)) {
            return Some(Place::System);
        }
        if let Some(home) = self.home {
            if pattern.matches(home) {
                return Some(Place::Home);
            }
            if pattern.is_above(home) {
                return Some(Place::AboveHome);
            }
        }
        for root in self.roots() {
            if pattern.matches(root) {
                return Some(Place::Workspace);
            }
            if pattern.is_above(root) {
                return Some(Place::AboveWorkspace);
            }
            if is_git_data(pattern, root) {
                return Some(Place::Git);
            }
        }
        if LOCAL.iter().any(|path| pattern.matches(path)) {
            return Some(Place::Local);
        }
        let below = |dir: &str, depth: usize| {
            pattern.below(dir).filter(|p| p.len() == depth && !catches_all(&p[depth - 1]))
        };
        if HOMES.iter().any(|dir| below(dir, 1).is_some()) {
            return Some(Place::Someones);
        }
        let own = self.home.and_then(|home| below(home, 1));
        if own.is_some_and(|parts| PERSONAL.iter().any(|name| matches(&parts[0], name))) {
            return Some(Place::Personal);
        }
        let inside = self.roots().iter().any(|root| pattern.is_below(root));
        let mounted = !inside && MOUNTED.iter().any(|(dir, depth)| below(dir, *depth).is_some());
        mounted.then_some(Place::Mount)
    }

    /// Says whether a file system is mounted there, which costs a look at the list of them. In the
    /// workspace, in temporary folders, and in what tools keep in the home directory for
    /// themselves, one is nothing special.
    fn mounted(&self, pattern: &Pattern) -> Option<(Place, bool)> {
        let ordinary = |pattern: &Pattern| {
            let tools = || {
                let below = self.home.and_then(|home| pattern.below(home));
                below.is_some_and(|parts| parts[0].first() == Some(&Piece::Char('.')))
            };
            self.roots().iter().any(|root| pattern.is_below(root)) || is_temporary(pattern) || tools()
        };
        if ordinary(pattern) {
            return None;
        }
        let mounts = self.world.mounts();
        let place = |pattern: &Pattern| {
            if mounts.iter().any(|mount| pattern.matches(mount)) {
                return Some(Place::Mount);
            }
            mounts.iter().any(|mount| pattern.is_above(mount)).then_some(Place::AboveMount)
        };
        let contents = pattern.contents().and_then(|dir| place(&dir));
        contents.map(|place| (place, true)).or_else(|| Some((place(pattern)?, false)))
    }
}

/// Says whether a pattern is the `.git` of a directory, or something in it that cannot be made again.
fn is_git_data(pattern: &Pattern, root: &str) -> bool {
    let Some(below) = pattern.below(root) else { return false };
    let Some((git, rest)) = below.split_first() else { return false };
    if !matches(git, ".git") || catches_all(git) {
        return false;
    }
    let names: Vec<String> = rest.iter().map(|part| text(part)).collect();
    if names.last().is_some_and(|name| name.ends_with(".lock") || name.starts_with("tmp_")) {
        return false;
    }
    match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => true,
        ["refs", "remotes" | "original", ..] | ["objects", "info", ..] | ["modules", _, ..] => false,
        _ => GIT_DATA.iter().any(|name| matches(&rest[0], name)),
    }
}

#[cfg(test)]
mod tests {
    use crate::judge;
    use crate::policy::Policy;
    use crate::protected::Protected;
    use crate::world::World;

    /// A machine with a symbolic link `~/work/app/out` to `/srv/shared`, one `~/work/app/top` to the
    /// home directory, and disks at `/data/photos` and `~/work/app/cache`.
    #[derive(Default)]
    struct Machine(Protected, Policy, Vec<String>);

    const CWD: &str = "/home/ann/work/app";

    impl World for Machine {
        fn home(&self) -> Option<&str> {
            Some("/home/ann")
        }
        fn git_top(&self, _: &str) -> Option<String> {
            Some(CWD.to_owned())
        }
        fn roots(&self) -> Vec<String> {
            vec![CWD.to_owned()]
        }
        fn real(&self, path: &str) -> String {
            path.replacen(&format!("{CWD}/out"), "/srv/shared", 1).replacen(
                &format!("{CWD}/top"),
                "/home/ann",
                1,
            )
        }
        fn outline(&self) -> &Protected {
            &self.0
        }
        fn protected(&self) -> &Protected {
            &self.0
        }
        fn losses(&self, _: Option<(&str, Option<&[u8]>)>) -> Result<Vec<String>, String> {
            Ok(Vec::new())
        }
        fn read(&self, _: &str) -> Option<Vec<u8>> {
            None
        }
        fn policy(&self) -> &Policy {
            &self.1
        }
        fn mounts(&self) -> &[String] {
            &self.2
        }
    }

    #[test]
    fn links_and_mount_points_are_looked_up() {
        let mounts = ["/data/photos", "/home/ann/work/app/cache", "/home/ann/.cache/x", "/tmp/m"];
        let machine = Machine(Protected::default(), Policy::default(), mounts.map(str::to_owned).into());
        for (command, denied) in [
            ("rm -rf top/*", true),
            ("rm -rf top/", true),
            ("rm -rf top", false),
            ("rm -rf top/notes", false),
            ("rm -rf top/Documents", true),
            ("find top/ -delete", true),
            ("rm -rf out/*", false),
            ("chmod -R 000 top/", true),
            ("rm -rf /data/photos", true),
            ("rm -rf /data/photos/*", true),
            ("rm -rf /data", true),
            ("cd /data && rm -rf *", true),
            ("rm -rf /data/photos/2019", false),
            ("rm -rf /data/other", false),
            ("rm -f /data/photos/*", false),
            ("rm -rf cache", false),
            ("rm -rf ~/.cache", false),
            ("rm -rf /tmp/m", false),
            ("ssh host rm -rf /data/photos", false),
            ("ssh host rm -rf '~/work/app/top/*'", false),
        ] {
            let refused = judge::command(command, Some(CWD), &machine);
            assert_eq!(refused.is_some(), denied, "{command}: {refused:?}");
        }
    }
}
