//! A session that the tests judge commands in.

use rig_guard::policy::Policy;
use rig_guard::protected::Protected;
use rig_guard::world::World;

/// The directory of the session, a working copy in the workspace.
pub(crate) const CWD: &str = "/workspace/app";

/// A session of `dev` in [`CWD`], with the rig installed in `~/.local`.
pub(crate) struct Session(Protected, Policy);

impl Default for Session {
    fn default() -> Self {
        let paths = |paths: &[&str]| paths.iter().map(|p| (*p).to_owned()).collect();
        let protected = Protected {
            trees: paths(&[
                "/home/dev/.config/rig",
                "/etc/rig",
                "/home/dev/.local/state/rig",
                "/etc/claude-code",
                "/home/dev/.local/share/rig-tools",
            ]),
            bins: paths(&["/home/dev/.local/bin"]),
            recorded: paths(&["/home/dev/.claude/settings.json"]),
            claude: paths(&["/home/dev/.claude", "/workspace/app/.claude", "/workspace/.claude", "/.claude"]),
            switched: true,
        };
        Self(protected, Policy::default())
    }
}

#[allow(dead_code, reason = "not every test has a policy")]
impl Session {
    /// Returns the session under a policy.
    pub(crate) fn with(policy: Policy) -> Self {
        Self(Self::default().0, policy)
    }

    /// Returns the policy.
    pub(crate) fn policy_of(&self) -> &Policy {
        &self.1
    }
}

impl World for Session {
    fn home(&self) -> Option<&str> {
        Some("/home/dev")
    }

    fn git_top(&self, dir: &str) -> Option<String> {
        dir.starts_with(CWD).then(|| CWD.to_owned())
    }

    fn roots(&self) -> Vec<String> {
        vec![CWD.to_owned(), "/workspace".to_owned()]
    }

    fn real(&self, path: &str) -> String {
        // One symbolic link.
        path.replace("/workspace/app/link/", "/home/dev/.claude/")
    }

    fn outline(&self) -> &Protected {
        &self.0
    }

    fn protected(&self) -> &Protected {
        &self.0
    }

    fn losses(&self, change: Option<(&str, Option<&[u8]>)>) -> Result<Vec<String>, String> {
        let Some((path, document)) = change else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(document.unwrap_or_default());
        let whole = !self.0.recorded.iter().any(|own| own == path) || text.contains("rig-guard");
        let off = text.replace(' ', "").contains("\"disableAllHooks\":true");
        Ok(if whole && !off { Vec::new() } else { vec![format!("the hooks in {path}")] })
    }

    fn read(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn policy(&self) -> &Policy {
        &self.1
    }
}
