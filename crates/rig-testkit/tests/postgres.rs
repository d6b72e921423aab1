//! The private PostgreSQL server.

use std::process::{Child, Command, Stdio};

use rig_testkit::{Postgres, eventually};

/// Names the directory to which a test program writes where its server is, before it hangs.
const VICTIM: &str = "RIG_TESTKIT_VICTIM";

/// A program that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn each_test_has_a_database_of_its_own() {
    let Some(postgres) = Postgres::shared() else { return };
    let (one, two) = (postgres.database(), postgres.database());
    one.sql("create table t (x int); insert into t values (1), (2)");
    assert_eq!(one.sql("select x, x * x from t order by x"), "1|1\n2|4");
    assert_eq!(two.sql("select count(*) from pg_tables where tablename = 't'"), "0");
    assert_eq!(one.sql("show fsync"), "off");
    assert_eq!(one.url(), format!("postgres://postgres@127.0.0.1:{}/{}", postgres.port(), one.name()));
    let count = format!("select count(*) from pg_database where datname = '{}'", two.name());
    assert_eq!(one.sql(&count), "1");
    drop(two);
    assert_eq!(one.sql(&count), "0");
}

#[test]
fn a_restart_breaks_connections_and_keeps_what_was_committed() {
    let Some(postgres) = Postgres::private().durable().setting("lock_timeout", "7s").start() else { return };
    let database = postgres.database();
    database.sql("create table t (x int)");
    database.sql("insert into t values (7)");
    let mut session = Command::new(postgres.programs().join("psql"));
    let open = session.arg(database.url()).args(["-c", "select pg_sleep(600)"]);
    let mut open = open.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let sleeping = "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)'";
    eventually("the session", || (database.sql(sleeping) == "1").then_some(()));
    postgres.restart();
    assert!(!open.wait().unwrap().success());
    assert_eq!(database.sql("select x from t"), "7");
    assert_eq!(database.sql("show lock_timeout"), "7s");
    assert_eq!(database.sql("show fsync"), "on");
}

#[test]
fn a_server_is_gone_when_its_owner_is_dropped() {
    let Some(postgres) = Postgres::private().start() else { return };
    let (port, dir) = (postgres.port(), postgres.socket_dir().to_owned());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(postgres);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!dir.exists());
}

#[test]
fn a_server_is_gone_when_its_test_program_is_killed() {
    if Postgres::shared().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("place");
    let this = std::env::current_exe().unwrap();
    let mut victim = Command::new(this);
    let victim = victim.args(["--exact", "victim", "--nocapture"]).env(VICTIM, &file);
    let mut victim = Killed(victim.stdout(Stdio::null()).spawn().unwrap());
    let place = eventually("the victim's server", || {
        std::fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'))
    });
    let (port, dir) = place.trim_end().split_once(' ').unwrap();
    let address = format!("127.0.0.1:{port}");
    assert!(std::net::TcpStream::connect(&address).is_ok());
    victim.0.kill().unwrap();
    victim.0.wait().unwrap();
    eventually("the end of the server", || (!std::path::Path::new(dir).exists()).then_some(()));
    assert!(std::net::TcpStream::connect(&address).is_err());
}

/// Not a test of anything: the program that is killed by the test above, which starts it.
#[test]
fn victim() {
    let Some(file) = rig_testkit::needs::variable(VICTIM) else { return };
    let postgres = Postgres::shared().unwrap();
    let place = format!("{} {}\n", postgres.port(), postgres.socket_dir().display());
    std::fs::write(file, place).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(600));
}
