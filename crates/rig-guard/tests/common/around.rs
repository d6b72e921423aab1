//! A session with what is around a command: the environment, files, git's settings, the time.

use rig_guard::judge::{self, Refused};
use rig_guard::policy::Policy;
use rig_guard::protected::Protected;
use rig_guard::shell::absolute;
use rig_guard::world::{Script, World};

use crate::common::{CWD, Session};

/// A [`Session`], and what it finds.
#[derive(Default)]
pub(crate) struct Around {
    pub(crate) session: Session,
    pub(crate) variables: Vec<(&'static str, &'static str)>,
    /// Files, below [`CWD`] where they are not absolute: the path, the text, and whether it is trusted.
    pub(crate) files: Vec<(&'static str, &'static str, bool)>,
    pub(crate) settings: Vec<(&'static str, &'static str)>,
    pub(crate) exhausted: bool,
}

impl Around {
    pub(crate) fn judge(&self, command: &str) -> Option<Refused> {
        judge::command(command, Some(CWD), self)
    }

    /// Compares the rule that refuses a command with the one that is expected to.
    #[track_caller]
    pub(crate) fn check(&self, command: &str, expected: Option<&str>) {
        let refused = self.judge(command);
        assert_eq!(refused.as_ref().map(|r| r.rule.as_ref()), expected, "{command:.200}: {refused:?}");
    }

    fn paths(&self) -> impl Iterator<Item = String> {
        self.files.iter().filter_map(|(path, ..)| absolute(Some(CWD), path))
    }
}

impl World for Around {
    fn home(&self) -> Option<&str> {
        self.session.home()
    }

    fn git_top(&self, dir: &str) -> Option<String> {
        self.session.git_top(dir)
    }

    fn roots(&self) -> Vec<String> {
        self.session.roots()
    }

    fn real(&self, path: &str) -> String {
        self.session.real(path)
    }

    fn outline(&self) -> &Protected {
        self.session.outline()
    }

    fn protected(&self) -> &Protected {
        self.session.protected()
    }

    fn losses(&self, change: Option<(&str, Option<&[u8]>)>) -> Result<Vec<String>, String> {
        self.session.losses(change)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.session.read(path)
    }

    fn policy(&self) -> &Policy {
        self.session.policy()
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
    }

    fn script(&self, path: &str) -> Option<Script> {
        let (_, text, trusted) = self.files.get(self.paths().position(|own| own == path)?)?;
        Some(Script { text: (*text).to_owned(), trusted: *trusted })
    }

    fn entries(&self, dir: &str) -> Vec<String> {
        let dir = format!("{}/", dir.trim_end_matches('/'));
        let below = self.paths().filter_map(|path| path.strip_prefix(&dir).map(str::to_owned));
        below.filter(|name| !name.contains('/')).collect()
    }

    fn git_config(&self, _: Option<&str>, key: &str) -> Vec<String> {
        self.settings.iter().filter(|(own, _)| *own == key).map(|(_, value)| (*value).to_owned()).collect()
    }

    fn exhausted(&self) -> bool {
        self.exhausted
    }
}
