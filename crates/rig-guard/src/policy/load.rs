//! Finds, reads and joins the policy files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rig_core::files;
use rig_core::paths::Paths;

use super::file::{self, Contents};
use super::{Exception, Extra, Layer, Level, Policy, Protected, Tool};
use crate::shell::absolute;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 << 10;

/// The name of a policy beside the configuration.
pub(crate) const NAME: &str = "guard.json";

/// The name of a policy in a project.
const OF_PROJECT: &str = ".rig/guard.json";

impl Policy {
    /// Reads the policies of a session in a project: each file that is there once, and nothing else.
    #[must_use]
    pub fn load(paths: &Paths, project: Option<&Path>) -> Self {
        let files = [
            (Level::Managed, Some(paths.system_config.with_file_name(NAME))),
            (Level::User, paths.user_config.as_deref().map(|config| config.with_file_name(NAME))),
            (Level::Project, project.map(|dir| dir.join(OF_PROJECT))),
        ];
        let home = paths.home.as_deref().and_then(Path::to_str);
        let project = project.and_then(Path::to_str);
        let mut policy = Self::default();
        for (level, path) in files {
            let Some(path) = path else { continue };
            let contents = read(level, &path);
            policy.add(level, path, contents, |text| match text.strip_prefix("~/") {
                Some(rest) => absolute(home, rest),
                None => absolute(project, text),
            });
        }
        policy
    }

    /// Adds a file; those of greater levels come first.
    fn add(
        &mut self,
        level: Level,
        path: PathBuf,
        contents: Option<Contents>,
        resolve: impl Fn(&str) -> Option<String>,
    ) {
        let found = contents.is_some();
        let Contents { packs, protect, rules, tools, mut exceptions, user_exceptions, mut problems } =
            contents.unwrap_or_default();
        // A project's policy turns on what nobody else has decided about, and also what somebody has.
        for (pack, on) in packs {
            let at = if level == Level::Project { 0 } else { self.packs.len() };
            self.packs.insert(at, (pack, on, level));
        }
        let protected = |pattern: String| Protected { pattern, level: Some(level) };
        self.branches.extend(protect.branches.into_iter().map(protected));
        self.namespaces.extend(protect.namespaces.into_iter().map(protected));
        self.databases.extend(protect.databases.into_iter().map(protected));
        for (index, text) in protect.paths.into_iter().enumerate() {
            match resolve(&text).filter(|path| path != "/") {
                Some(path) => self.paths.push(protected(path)),
                None => problems
                    .push(format!("protect.paths[{index}] is no path below a directory that is known")),
            }
        }
        if !problems.is_empty() {
            exceptions.clear();
        }
        self.rules.extend(rules.into_iter().map(|(number, rule)| Extra::new(level, number, rule)));
        self.tools.extend(tools.into_iter().map(|(name, arguments)| Tool { name, arguments, level }));
        self.exceptions.extend(exceptions.into_iter().map(|text| Exception::new(level, text, &resolve)));
        self.locked |= user_exceptions == Some(false);
        self.layers.push(Layer { level, path, found, problems });
    }
}

/// Reads a file; none where there is none. One that is there and cannot be read has a problem.
fn read(level: Level, path: &Path) -> Option<Contents> {
    match files::read(path, LARGEST) {
        Ok(text) => Some(file::parse(&text, level)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
        Err(error) => Some(Contents {
            problems: vec![format!("it cannot be read: {error}")],
            // Nobody knows whether the machine allows the user's exceptions.
            user_exceptions: (level == Level::Managed).then_some(false),
            ..Contents::default()
        }),
    }
}
