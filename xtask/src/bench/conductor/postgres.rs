//! A PostgreSQL server with a private directory, on loopback, that writes what is committed to disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::server::{Running, cpu_seconds_of_family, free_address, wait_for};
use crate::context::{self, Context};
use crate::error::{Doing, Error, Result};
use crate::process;

/// The user as whom root starts the server, which refuses to be root's.
const USER: &str = "postgres";

/// A running server; it ends with this value, and its directory goes.
#[derive(Debug)]
pub(super) struct Postgres {
    programs: PathBuf,
    dir: PathBuf,
    port: u16,
    server: Option<Running>,
}

impl Postgres {
    /// Starts one. Its settings are the defaults of the packages, but for the places and the port:
    /// `fsync`, `full_page_writes` and `synchronous_commit` are on.
    pub(super) fn start(cx: &Context) -> Result<Self> {
        let programs = programs(cx)?;
        // Not below TMPDIR: the name of a Unix socket has at most 107 bytes, and the server's user
        // has to reach the directory.
        let dir = PathBuf::from(format!("/tmp/rig-bench-pg-{}", std::process::id()));
        fs::create_dir(&dir).doing(|| format!("make {}", dir.display()))?;
        let mut postgres = Self { programs, dir, port: free_address()?.port(), server: None };
        if context::is_root() {
            process::read(cx.command("chown").arg(USER).arg(&postgres.dir))?;
        }
        let data = postgres.dir.join("data");
        let mut initdb = postgres.command(cx, "initdb");
        initdb.args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-D"]).arg(&data);
        process::read(&mut initdb)?;
        let log = postgres.dir.join("log");
        let file = fs::File::create(&log).doing(|| format!("make {}", log.display()))?;
        let mut server = postgres.command(cx, "postgres");
        server.arg("-D").arg(&data).arg("-k").arg(&postgres.dir).args(["-p", &postgres.port.to_string()]);
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "timezone=UTC"]);
        postgres.server = Some(Running::start(server.stdout(Stdio::null()).stderr(file))?);
        let up = wait_for("PostgreSQL", || postgres.sql(cx, "postgres", "select 1").is_ok());
        up.map_err(|error| Error::new(format!("{error}\n{}", fs::read_to_string(&log).unwrap_or_default())))?;
        Ok(postgres)
    }

    /// Makes an empty database and returns its URL.
    pub(super) fn database(&self, cx: &Context, name: &str) -> Result<String> {
        self.sql(cx, "postgres", &format!("create database {name}"))?;
        Ok(format!("postgres://{USER}@127.0.0.1:{}/{name}", self.port))
    }

    /// Runs statements and returns the rows, columns parted by `|`.
    pub(super) fn sql(&self, cx: &Context, database: &str, sql: &str) -> Result<String> {
        let mut psql = self.client(cx, "psql");
        process::read(psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]))
    }

    /// Returns a call of a client program that reaches the server over TCP, as the service does.
    pub(super) fn client(&self, cx: &Context, program: &str) -> Command {
        let mut command = cx.command(self.programs.join(program));
        command.args(["-U", USER, "-h", "127.0.0.1", "-p", &self.port.to_string()]).current_dir("/");
        command
    }

    /// Returns the seconds of processor time that the server and its backends have used.
    pub(super) fn cpu_seconds(&self) -> f64 {
        self.server.as_ref().map_or(0.0, |server| cpu_seconds_of_family(server.pid()))
    }

    /// Names the server and what decides how long a commit takes.
    pub(super) fn shown(&self, cx: &Context) -> Result<String> {
        let mut parts = vec![format!("PostgreSQL {}", self.sql(cx, "postgres", "show server_version")?)];
        for name in ["fsync", "synchronous_commit", "shared_buffers"] {
            parts.push(format!("{name}={}", self.sql(cx, "postgres", &format!("show {name}"))?));
        }
        Ok(parts.join(", "))
    }

    /// Returns a call of a server program that does not run as root.
    fn command(&self, cx: &Context, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if context::is_root() {
            let mut command = cx.command("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
            command
        } else {
            cx.command(program)
        };
        command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // SIGINT is its fast shutdown; one that is killed leaves its backends to find out.
            let _ = Command::new("kill").args(["-INT", &server.pid().to_string()]).status();
            let _ = wait_for("the end of PostgreSQL", || server.has_ended());
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Finds the directory of the server's programs, the newest of Debian's first.
fn programs(cx: &Context) -> Result<PathBuf> {
    let entries = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = entries.map(|entry| entry.path()).max_by_key(|path| version(path));
    let found = newest.map(|path| path.join("bin")).filter(|bin| bin.join("pgbench").is_file());
    found.or_else(|| cx.find("pgbench")?.parent().map(Path::to_owned)).ok_or_else(|| {
        Error::new("there is no PostgreSQL").hint("install it (Debian's package is `postgresql`)")
    })
}
