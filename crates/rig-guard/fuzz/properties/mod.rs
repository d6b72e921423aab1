//! What holds for every input whatever it is. The fuzz targets try it, and a test replays their corpora.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::path::Path;

use common::{CWD, Session};
use rig_core::env::Environment;
use rig_core::hook::{self, Invocation};
use rig_core::paths::Paths;
use rig_guard::judge;
use rig_guard::policy::Policy;

/// What has to hold for an input, by its name.
type Property = (&'static str, fn(&[u8]));

/// The targets.
#[allow(dead_code, reason = "a fuzz target needs one of them")]
pub(crate) const ALL: [Property; 4] = [("stdin", stdin), ("shell", shell), ("sql", sql), ("policy", policy)];

fn refused(command: &str, session: &Session) -> Option<String> {
    judge::command(command, Some(CWD), session).map(|refused| refused.rule.into_owned())
}

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).replace('\0', "")
}

/// An event on stdin: it is answered with 0 and nothing, or with 2 and two to six lines.
pub(crate) fn stdin(data: &[u8]) {
    let home = Path::new("/nonexistent/home");
    let answered = hook::with_payload(&mut data.to_vec(), |payload| {
        let env = Environment::fixed([("CLAUDE_PROJECT_DIR", "/nonexistent/project")]);
        let paths = Paths::below(Some(home.to_owned()));
        rig_guard::run(&Invocation { payload, env, paths })
    });
    // A failure is a refusal, too: `hook::main` sees to that.
    let Ok(outcome) = answered else { return };
    assert!(outcome.stdout.is_empty(), "stdout: {}", outcome.stdout);
    match outcome.code {
        0 => assert!(outcome.stderr.is_empty(), "stderr: {}", outcome.stderr),
        2 => {
            let lines = outcome.stderr.lines().count();
            assert!((2..=6).contains(&lines) && outcome.stderr.ends_with('\n'), "{}", outcome.stderr);
            let control = |c: char| c.is_control() && c != '\n';
            assert!(!outcome.stderr.contains(control), "{:?}", outcome.stderr);
        }
        code => panic!("exit code {code}"),
    }
}

/// Shell code: it is judged the same twice, what stands before it is judged as well, and as data it
/// passes.
pub(crate) fn shell(data: &[u8]) {
    let (code, session) = (text(data), Session::default());
    let verdict = refused(&code, &session);
    assert_eq!(verdict, refused(&code, &session), "another verdict the second time");
    let behind = format!("git push --force\n{code}");
    assert!(refused(&behind, &session).is_some(), "let through: {behind}");
    let printed = format!("printf %s {}", quoted(&code));
    assert_eq!(refused(&printed, &session), None, "{printed}");
}

/// SQL, for the client that the first byte chooses: what stands before it is judged as well, and as a
/// string it passes.
pub(crate) fn sql(data: &[u8]) {
    const CLIENTS: [&str; 8] = [
        "psql -c",
        "mysql -e",
        "sqlite3 app.db",
        "sqlcmd -Q",
        "clickhouse-client --query",
        "duckdb app.db -c",
        "cockroach sql -e",
        "mariadb -e",
    ];
    let Some((client, sql)) = data.split_first() else { return };
    let client = CLIENTS[usize::from(*client) % CLIENTS.len()];
    let (sql, session) = (text(sql), Session::default());
    let verdict = refused(&format!("{client} {}", quoted(&sql)), &session);
    assert_eq!(verdict, refused(&format!("{client} {}", quoted(&sql)), &session));
    let behind = format!("{client} {}", quoted(&format!("DROP TABLE users;\n{sql}")));
    assert!(refused(&behind, &session).is_some(), "let through: {behind}");
    let inside = sql.replace(['\\', '\''], "");
    let string = format!("{client} {}", quoted(&format!("SELECT '{inside}'")));
    assert_eq!(refused(&string, &session), None, "{string}");
}

/// A policy: that of a project takes nothing back, and one with a mistake permits nothing.
pub(crate) fn policy(data: &[u8]) {
    const DENIED: [&str; 6] = [
        "git push --force origin main",
        "rm -rf /",
        "psql -c 'DROP TABLE users'",
        "chmod 777 run.sh",
        "kubectl delete namespace production",
        "rig-hooks-sync --remove",
    ];
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    for place in ["home/.config/rig", "project/.rig"] {
        let place = dir.path().join(place);
        std::fs::create_dir_all(&place).expect("a directory can be made");
        std::fs::write(place.join("guard.json"), data).expect("a file can be written");
    }
    let mut paths = Paths::below(None);
    paths.system_config = dir.path().join("etc/config.json");
    let project = Policy::load(&paths, Some(&dir.path().join("project")));
    let session = Session::with(project);
    for command in DENIED {
        assert!(refused(command, &session).is_some(), "a project's policy permits {command}");
    }
    paths.user_config = Some(dir.path().join("home/.config/rig/config.json"));
    let user = Policy::load(&paths, None);
    let broken = user.broken().next().is_some();
    let session = Session::with(user);
    for command in DENIED {
        let rule = refused(command, &session);
        assert!(rule.is_some() || !broken, "a broken policy permits {command}");
        assert!(rule.is_some() || !command.starts_with("rig-"), "a policy permits {command}");
    }
}
