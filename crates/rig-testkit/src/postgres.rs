//! A private PostgreSQL server: in a temporary directory, on a free port of 127.0.0.1 and on a Unix
//! socket, trusting everybody, gone with the test program however that ends.
//!
//! One server is shared by the tests of a test program, and each test makes its own database. A
//! test that stops or changes the server starts one of its own.
//!
//! ```no_run
//! use rig_testkit::Postgres;
//!
//! // None where PostgreSQL is not installed, which was then said on stderr.
//! let Some(postgres) = Postgres::shared() else { return };
//! let database = postgres.database();
//! assert_eq!(database.sql("select 1 + 1"), "2");
//! let url = database.url(); // postgres://postgres@127.0.0.1:43521/rig_1
//!
//! let Some(own) = Postgres::private().setting("lock_timeout", "1s").start() else { return };
//! let database = own.database();
//! own.restart(); // as after a crash: every connection breaks, what was committed is kept
//! ```
//!
//! The programs are looked for in `RIG_TEST_POSTGRES` (a directory), in Debian's
//! `/usr/lib/postgresql/*/bin`, the newest first, and in the search path. Without `fsync` a crash of the
//! machine loses data, a crash of the server does not.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::needs::{skip, variable};

/// The user as whom root starts the server, which refuses to be root's.
const USER: &str = "postgres";

/// What every server is started with. `fsync` is off unless a test asks for a durable one.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("max_connections", "300"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("logging_collector", "off"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
];

/// Reads until its stdin ends, which it does when the test program ends in whatever way, and then
/// stops the server and removes its directory.
const KEEPER: &str = r#"trap '' INT TERM HUP
read -r nothing
"$0/pg_ctl" -D "$1/data" -m immediate stop >/dev/null 2>&1
rm -rf "$1""#;

/// How a private server is to be started.
#[derive(Clone, Debug)]
#[must_use]
pub struct Setup {
    settings: Vec<(String, String)>,
}

impl Setup {
    /// Writes to disk what is committed, as in production.
    pub fn durable(self) -> Self {
        self.setting("fsync", "on").setting("full_page_writes", "on")
    }

    /// Starts the server with a setting of its configuration.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it, and stops it when the result is dropped. None where PostgreSQL is not installed,
    /// which is then said on stderr.
    ///
    /// # Panics
    /// When the server does not start, or `RIG_TEST_REQUIRE=1` and PostgreSQL is not installed.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Option<Postgres> {
        Some(Postgres::launch(programs()?, &self.settings))
    }
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    dir: PathBuf,
    port: u16,
    databases: AtomicU32,
    keeper: Child,
}

impl Postgres {
    /// Returns the server that the tests of this program share, which the first one starts. None
    /// where PostgreSQL is not installed, which is then said on stderr.
    ///
    /// # Panics
    /// As [`Setup::start`] does.
    #[must_use]
    #[track_caller]
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        let programs = programs()?;
        Some(SHARED.get_or_init(|| Self::launch(programs, &[])))
    }

    /// Prepares a server that one test has for itself.
    pub fn private() -> Setup {
        Setup { settings: Vec::new() }
    }

    /// Makes a fresh database, which goes when the result is dropped.
    ///
    /// # Panics
    /// When the server does not make it.
    #[must_use]
    #[track_caller]
    pub fn database(&self) -> Database<'_> {
        let name = format!("rig_{}", self.databases.fetch_add(1, Ordering::Relaxed) + 1);
        self.sql("postgres", &format!("create database {name}"));
        Database { postgres: self, name }
    }

    /// Returns the port on 127.0.0.1, which a restart does not change.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the directory of the Unix socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the directory of the programs: `psql`, `pgbench`, `pg_dump` and the others.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// Returns what the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Stops it at once, as a crash of its machine would: connections break, nothing is written.
    ///
    /// # Panics
    /// When it does not stop.
    #[track_caller]
    pub fn stop(&self) {
        self.control(&["-m", "immediate", "stop"]);
    }

    /// Starts it again after [`Postgres::stop`], on the same port.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start(&self) {
        self.control(&["start"]);
    }

    /// Stops it at once and starts it again.
    ///
    /// # Panics
    /// When it does not come back.
    #[track_caller]
    pub fn restart(&self) {
        self.stop();
        self.start();
    }

    #[track_caller]
    fn launch(programs: PathBuf, settings: &[(String, String)]) -> Self {
        // Not below TMPDIR: the name of a Unix socket has at most 107 bytes, and the server's user
        // has to reach the directory.
        let dir = tempfile::Builder::new().prefix("rig-pg-").tempdir_in("/tmp").expect("make a directory");
        let dir = dir.keep();
        give_to_server(&dir);
        let keeper = command("/bin/sh", &["-c", KEEPER])
            .args([&programs, &dir])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start a shell");
        let mut postgres = Self { programs, dir, port: 0, databases: AtomicU32::new(0), keeper };
        let data = postgres.dir.join("data");
        let mut initdb = command(postgres.programs.join("initdb"), &["-U", USER, "-A", "trust"]);
        initdb.args(["-E", "UTF8", "--locale=C", "--no-sync", "-D"]).arg(&data);
        run(&mut initdb).unwrap_or_else(|e| panic!("{e}"));
        let text = std::fs::read_to_string(data.join("postgresql.conf")).expect("read postgresql.conf");
        // Between the choice of a free port and its use, another program can take it.
        for _ in 0..5 {
            let listener = TcpListener::bind("127.0.0.1:0").expect("listen on 127.0.0.1");
            postgres.port = listener.local_addr().expect("the port of a listener").port();
            drop(listener);
            let text = text.clone() + &postgres.configuration(settings);
            std::fs::write(data.join("postgresql.conf"), text).expect("write postgresql.conf");
            if postgres.try_control(&["start"]).is_ok() {
                return postgres;
            }
        }
        panic!("PostgreSQL does not start:\n{}", postgres.log());
    }

    fn configuration(&self, settings: &[(String, String)]) -> String {
        let own = [
            ("port".to_owned(), self.port.to_string()),
            ("unix_socket_directories".to_owned(), self.dir.display().to_string()),
        ];
        let fixed = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        // The last line of a name counts.
        let all = fixed.chain(own).chain(settings.iter().cloned());
        all.map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''"))).collect()
    }

    #[track_caller]
    fn control(&self, args: &[&str]) {
        self.try_control(args).unwrap_or_else(|e| panic!("{e}\n{}", self.log()));
    }

    fn try_control(&self, args: &[&str]) -> Result<String, String> {
        let mut control = command(self.programs.join("pg_ctl"), &["-w", "-s", "-D"]);
        run(control.arg(self.dir.join("data")).arg("-l").arg(self.dir.join("log")).args(args))
    }

    #[track_caller]
    fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.env_clear().env("PATH", crate::PATH).current_dir("/");
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", USER, "-p"]);
        psql.arg(self.port.to_string()).arg("-h").arg(&self.dir).args(["-d", database, "-c", sql]);
        run(&mut psql).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// A database of one test.
#[derive(Debug)]
pub struct Database<'a> {
    postgres: &'a Postgres,
    name: String,
}

impl Database<'_> {
    /// Returns its URL, on 127.0.0.1; there is no password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{}", self.postgres.port, self.name)
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements with `psql`, in one transaction, and returns the rows: a line each, columns
    /// parted by `|`, without the final line end.
    ///
    /// # Panics
    /// When a statement fails.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> String {
        self.postgres.sql(&self.name, sql)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // Where the server is stopped, the database goes with it.
        let drop = format!("drop database if exists {} with (force)", self.name);
        let mut psql = Command::new(self.postgres.programs.join("psql"));
        psql.env_clear().args(["-X", "-q", "-U", USER, "-p"]).arg(self.postgres.port.to_string());
        psql.arg("-h").arg(&self.postgres.dir).args(["-d", "postgres", "-c", &drop]).current_dir("/");
        let _ = run(&mut psql);
    }
}

/// Finds the directory of the server's programs, or says that there is none.
#[track_caller]
fn programs() -> Option<PathBuf> {
    let given = variable("RIG_TEST_POSTGRES").map(PathBuf::from);
    let mut debian: Vec<PathBuf> = (std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten())
        .map(|entry| entry.path().join("bin"))
        .collect();
    let version = |bin: &PathBuf| {
        let name = bin.parent().and_then(Path::file_name).unwrap_or_default();
        name.to_str().and_then(|name| name.parse::<u32>().ok())
    };
    debian.sort_by_key(|bin| std::cmp::Reverse(version(bin)));
    let path = variable("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut places = given.into_iter().chain(debian).chain(path.into_iter().flatten());
    let found = places.find(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file());
    if found.is_none() {
        skip("PostgreSQL is not installed (Debian's package is `postgresql`)");
    } else if is_root() && server_user().is_none() {
        skip("there is no user `postgres` as whom root could start the server");
        return None;
    }
    found
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Returns user and group of [`USER`].
fn server_user() -> Option<(u32, u32)> {
    let id = |option| {
        let output = Command::new("id").args([option, USER]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    Some((id("-u")?, id("-g")?))
}

fn give_to_server(dir: &Path) {
    if is_root() {
        let (user, group) = server_user().expect("the user of the server");
        std::os::unix::fs::chown(dir, Some(user), Some(group)).expect("give the directory away");
    }
}

/// Returns a command that does not run as root.
fn command(program: impl AsRef<Path>, args: &[&str]) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program.as_ref());
        command
    } else {
        Command::new(program.as_ref())
    };
    command.args(args).current_dir("/").env_clear().envs([("PATH", crate::PATH), ("LC_ALL", "C.UTF-8")]);
    command
}

/// Runs a command to its end and returns what it printed.
fn run(command: &mut Command) -> Result<String, String> {
    // A file, not a pipe: what `pg_ctl start` leaves behind would hold a pipe open.
    let mut errors = tempfile::tempfile().map_err(|e| format!("make a temporary file: {e}"))?;
    let stderr = errors.try_clone().map_err(|e| format!("duplicate a file: {e}"))?;
    let mut texts = tempfile::tempfile().map_err(|e| format!("make a temporary file: {e}"))?;
    let stdout = texts.try_clone().map_err(|e| format!("duplicate a file: {e}"))?;
    let status = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).status();
    let status = status.map_err(|e| format!("start {}: {e}", command.get_program().display()))?;
    let (stdout, stderr) = (whole(&mut texts), whole(&mut errors));
    if status.success() {
        return Ok(stdout.trim_end_matches('\n').to_owned());
    }
    Err(format!("{} ended with {status}: {stdout}{stderr}", command.get_program().display()))
}

fn whole(file: &mut std::fs::File) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let mut text = String::new();
    let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut text));
    text
}
