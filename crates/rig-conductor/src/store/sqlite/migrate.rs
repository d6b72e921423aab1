//! Opening a file and bringing its tables to the present form.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::store::{StoreError, Synchronous};

/// What brings the tables from one version to the next, in order.
const STEPS: &[&str] = &[include_str!("schema/0001.sql"), include_str!("schema/0002.sql")];

/// Says whose file it is, in its header: `rigc`.
const APPLICATION_ID: i32 = 0x7269_6763;

/// How long another process may hold the database. It is asked for again every millisecond, since a busy
/// service leaves it free for moments only.
const PATIENCE: Duration = Duration::from_secs(15);

/// Opens the connection that writes, and makes or updates the tables.
pub(super) fn writer(path: &Path, synchronous: Synchronous) -> Result<Connection, StoreError> {
    make(path);
    let mut connection = connect(path)?;
    check_owner(&connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", synchronous.as_str())?;
    // What is written at once stays small, and so does what a crash leaves to be read again.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Makes the file where there is none, for this user alone; SQLite gives the files beside it the same mode. Why it
/// cannot be made is told when it is opened.
fn make(path: &Path) {
    let _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
}

/// Opens a connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| match reason(path) {
        Some(why) => StoreError::Broken(format!("the file cannot be opened: {why}")),
        None => error.into(),
    })?;
    connection.busy_handler(Some(|tries| {
        std::thread::sleep(Duration::from_millis(1));
        u128::try_from(tries).is_ok_and(|tries| tries < PATIENCE.as_millis())
    }))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What it puts aside for a while: there may be no other directory that can be written to.
    connection.pragma_update(None, "temp_store", "memory")?;
    // In kibibytes.
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Asks the operating system why a file cannot be opened, which SQLite does not tell.
fn reason(path: &Path) -> Option<std::io::Error> {
    std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).err()
}

/// Refuses a database that is somebody else's.
fn check_owner(connection: &Connection) -> Result<(), StoreError> {
    let owner: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if owner == APPLICATION_ID {
        return Ok(());
    }
    let tables: i64 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    if owner != 0 || tables != 0 {
        return Err(StoreError::Broken("the file is a database of another program".to_owned()));
    }
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    for (step, version) in STEPS.iter().zip(1..) {
        if schema_version(connection)? >= version {
            continue;
        }
        // Of several processes that start at once, one does it while the others wait here.
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if schema_version(&transaction)? < version {
            transaction.execute_batch(
                "create table if not exists schema_version (version integer not null primary key, \
                 applied_at text not null) strict",
            )?;
            transaction.execute_batch(step)?;
            transaction.execute(
                "insert into schema_version (version, applied_at) values (?1, datetime('now'))",
                [version],
            )?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        transaction.commit()?;
    }
    let version = schema_version(connection)?;
    if usize::try_from(version).is_ok_and(|version| version > STEPS.len()) {
        let known = STEPS.len();
        return Err(StoreError::Broken(format!(
            "its tables have form {version}, this program knows form {known}: a newer rig-conductor wrote it"
        )));
    }
    #[cfg(feature = "test-hooks")]
    connection.execute_batch(
        "create table if not exists test_clock (id integer not null primary key, offset_us integer not null) \
         strict",
    )?;
    Ok(())
}

fn schema_version(connection: &Connection) -> Result<i64, StoreError> {
    let table = "select 1 from sqlite_schema where type = 'table' and name = 'schema_version'";
    if connection.query_row(table, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    let version = "select coalesce(max(version), 0) from schema_version";
    Ok(connection.query_row(version, [], |row| row.get(0))?)
}
