//! A working copy with a fake GitHub and a fake coordinator around it.

use rig_testkit::{FakeConductor, FakeGithub, Home, Output, Payload, Program, Repo};
use serde_json::json;

/// The branch of the fake GitHub's pull request.
pub(crate) const BRANCH: &str = "feature/issue-42-login";

/// A working copy of `acme/app`, and everyone who is asked about it.
pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) repo: Repo,
    pub(crate) github: FakeGithub,
    pub(crate) conductor: FakeConductor,
}

impl Scene {
    /// Makes one in which `dev-e-node` works on the issue of the branch.
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let repo = home.repo("app");
        let _ = repo.with_origin();
        repo.git(["remote", "set-url", "origin", "git@github.com:acme/app.git"]);
        repo.git(["checkout", "--quiet", "-b", BRANCH]);
        let conductor = FakeConductor::behaving(|b| {
            b.agents = vec![
                json!({"id": "acme/app#42", "status": "in_progress"}),
                json!({
                    "id": "dev-e-node", "status": "working", "isOnline": true,
                    "currentIssue": 42, "currentRepo": "acme/app",
                }),
            ];
        });
        Self { home, repo, github: FakeGithub::start(), conductor }
    }

    /// Returns the hook, in the working copy, at a session's start.
    pub(crate) fn hook(&self, source: &str) -> Program {
        self.program().payload(Payload::session_start(source).cwd(self.repo.path()))
    }

    /// Returns the program with the variables of a pod.
    pub(crate) fn program(&self) -> Program {
        Program::new(env!("CARGO_BIN_EXE_rig-prime"))
            .home(&self.home)
            .cwd(self.repo.path())
            .env("AGENT_ID", "dev-e-node")
            .env("CONDUCTOR_BASE_URL", self.conductor.url())
            .env("GITHUB_API_URL", self.github.url())
            .env("GH_TOKEN", "t0ken")
    }

    /// Runs the hook and returns what it prints, with the random paths and addresses by name. It does so again
    /// where a source did not answer in time: that may be due to a machine that does much else.
    #[track_caller]
    pub(crate) fn prints(&self, program: Program) -> String {
        for _ in 0..3 {
            let printed = self.prints_at_once(program.clone());
            if !printed.contains("did not answer in time") {
                return printed;
            }
        }
        self.prints_at_once(program)
    }

    /// Runs the hook once and returns what it prints, in the same way.
    #[track_caller]
    pub(crate) fn prints_at_once(&self, program: Program) -> String {
        let Output { code, stdout, stderr } = program.output();
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        assert_eq!(self.conductor.claims(), 0, "work was claimed");
        assert!(stdout.chars().count() <= 9500, "{} characters", stdout.chars().count());
        self.named(&stdout)
    }

    /// Replaces random paths and addresses by their names.
    pub(crate) fn named(&self, text: &str) -> String {
        let commit = self.repo.git(["rev-parse", "main"]);
        text.replace(&*self.home.path().to_string_lossy(), "/HOME")
            .replace(&commit[..10], "COMMIT")
            .replace(&self.github.url(), "http://GITHUB")
            .replace(&self.conductor.url(), "http://CONDUCTOR")
    }
}

/// Puts a program of this name in front of the search path, and returns that path.
pub(crate) fn path_with(scene: &Scene, name: &str, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let file = scene.home.write(format!("fake/{name}"), script);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("make a program");
    format!("{}:{}", scene.home.join("fake").display(), rig_testkit::PATH)
}

/// Returns the first line behind the branch, and the lines about GitHub, of a session's start.
pub(crate) fn about_github(scene: &Scene, program: Program) -> Vec<String> {
    about(&scene.prints(program))
}

/// Returns the same of what was printed.
pub(crate) fn about(printed: &str) -> Vec<String> {
    let first = printed.lines().next().unwrap_or_default().split("login; ").nth(1).unwrap_or_default();
    let about = |line: &&str| {
        (line.contains("GitHub ") || line.contains(" is not used")) && !line.starts_with("Texts")
    };
    std::iter::once(first).chain(printed.lines().skip(1).filter(about)).map(str::to_owned).collect()
}

/// The rest of the first line where GitHub did not answer.
pub(crate) const UNKNOWN: &str = "its pull requests could not be looked up.";

/// The rest of the first line where it did.
pub(crate) const OPEN: &str = "PR #15 is open with 2 unresolved review threads and 1 outdated.";

/// The same from the REST interface.
pub(crate) const BY_REST: &str = "PR #15 is open with 3 review comments and 1 outdated.";

/// What is said about the REST interface.
pub(crate) const REST: &str =
    "GitHub was asked without GraphQL, so review decisions and resolved threads are not known.";
