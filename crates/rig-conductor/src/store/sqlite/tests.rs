use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use rig_wire::{Category, Route};

use super::*;
use crate::domain::{EventKind, Routes, Via};
use crate::store::{Creation, Filter, Synchronous};

async fn open(dir: &tempfile::TempDir, options: StoreOptions) -> SqliteStore {
    SqliteStore::open(&dir.path().join("rig.db"), options).await.unwrap()
}

fn creation(reason: &str) -> Command {
    Command::Create(Creation {
        id: Uuid::now_v7(),
        severity: rig_wire::Severity::P2,
        reason: reason.to_owned(),
        details: None,
        category: Category::Other,
        agent_id: "dev".to_owned(),
        repo: None,
        issue_number: None,
        pr_number: None,
        branch: None,
        session_id: None,
        dedup_key: None,
        token: reason.to_owned(),
    })
}

fn beat(n: usize) -> WorkEvent {
    let data = [("text".to_owned(), "x".repeat(n).into())].into_iter().collect();
    WorkEvent { id: None, kind: EventKind::of_wire("HEARTBEAT").unwrap(), stream: "dev".to_owned(), data }
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, StoreOptions::default()).await;
    let kept = store.execute(creation("kept"), &Policy::default()).await.unwrap().escalation;
    let pages = |pages: i64| {
        move |tx: &mut tx::SqliteTx<'_>| {
            Ok(tx
                .connection()
                .pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))?)
        }
    };
    let now = store.writer.write(pages(1)).await.unwrap();
    let full = loop {
        if let Err(error) = store.record(beat(2000)).await {
            break error;
        }
    };
    let path = dir.path().join("rig.db");
    let expected = format!("the store cannot be reached: {}: the disk is full", path.display());
    assert_eq!(full.to_string(), expected);
    let error = store.execute(creation(&"long ".repeat(2000)), &Policy::default()).await.unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(store.escalation(kept.id).await.unwrap().unwrap().escalation, kept);
    store.writer.write(pages(now + 1000)).await.unwrap();
    store.execute(creation("after"), &Policy::default()).await.unwrap();
    store.record(beat(2000)).await.unwrap();
    assert_eq!(store.replay(true).await.unwrap().differences, Vec::<String>::new());
}

#[tokio::test]
async fn of_commands_that_share_a_commit_a_rejected_one_undoes_itself_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&dir, StoreOptions::default()).await);
    // Holds the thread until everything below is in the queue.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let holder = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store.writer.write(move |_| wait.recv().map_err(|e| StoreError::Broken(e.to_string()))).await
        })
    };
    tokio::task::yield_now().await;
    let tasks: Vec<_> = (0..9)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                match n % 3 {
                    0 => store.execute(creation(&n.to_string()), &Policy::default()).await.map(|_| ()),
                    1 => {
                        store
                            .writer
                            .write(|tx| {
                                // Writes, and is then refused.
                                tx.run("insert into marks (name) values ('x')", [])?;
                                Err(StoreError::Conflict)
                            })
                            .await
                    }
                    _ => store.record(beat(1)).await.map(|_| ()),
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    holder.await.unwrap().unwrap();
    for (n, task) in tasks.into_iter().enumerate() {
        let result = task.await.unwrap();
        assert_eq!(matches!(result, Err(StoreError::Conflict)), n % 3 == 1, "{n}: {result:?}");
    }
    let all = store.escalations(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
    let marks: i64 = (store.readers)
        .read(|connection| Ok(connection.query_row("select count(*) from marks", [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!((all.len(), marks), (3, 0));
}

#[tokio::test]
async fn a_command_that_panics_does_not_end_the_service() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, StoreOptions::default()).await;
    let error = store.writer.write(|_| -> Result<(), _> { panic!("a bug") }).await.unwrap_err();
    assert!(matches!(error, StoreError::Broken(_)), "{error}");
    let id = store.execute(creation("after"), &Policy::default()).await.unwrap().escalation.id;
    let ack = Command::Ack { id, by: "stig".to_owned(), via: Via::Api, note: None };
    assert!(store.execute(ack, &Policy::default()).await.unwrap().changed);
}

#[tokio::test]
async fn a_commit_is_on_the_disk_unless_the_settings_say_otherwise() {
    for (synchronous, expected) in [(Synchronous::Full, 2), (Synchronous::Normal, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions { sqlite_synchronous: synchronous, ..StoreOptions::default() };
        let store = open(&dir, options).await;
        let pragmas = store.writer.write(|tx| {
            let ask = |name: &str| tx.connection().pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            Ok((ask("synchronous")?, ask("foreign_keys")?))
        });
        assert_eq!(pragmas.await.unwrap(), (expected, 1));
        let mode: String = (store.readers)
            .read(|connection| Ok(connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?))
            .await
            .unwrap();
        assert_eq!(mode, "wal");
    }
}

#[tokio::test]
async fn another_process_gets_its_turn_while_this_one_is_busy() {
    let dir = tempfile::tempdir().unwrap();
    let busy = Arc::new(open(&dir, StoreOptions::default()).await);
    let other = open(&dir, StoreOptions::default()).await;
    let end = std::time::Instant::now() + Duration::from_secs(2);
    let writers: Vec<_> = (0..32)
        .map(|_| {
            let busy = Arc::clone(&busy);
            tokio::spawn(async move {
                while std::time::Instant::now() < end {
                    busy.record(beat(100)).await.unwrap();
                }
            })
        })
        .collect();
    let mut turns = 0;
    while std::time::Instant::now() < end {
        other.execute(creation(&turns.to_string()), &Policy::default()).await.unwrap();
        turns += 1;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(turns >= 3, "{turns}");
    assert_eq!(other.replay(true).await.unwrap().differences, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_else_may_read_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conductor.db");
    let store = SqliteStore::open(&path, StoreOptions::default()).await.unwrap();
    store.execute(creation(&Uuid::now_v7().to_string()), &Policy::default()).await.unwrap();
    let mode = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().permissions().mode() & 0o777)
    };
    let mut modes: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(mode).collect();
    modes.sort();
    let names = ["conductor.db", "conductor.db-shm", "conductor.db-wal"];
    assert_eq!(modes, names.map(|name| (name.to_owned(), 0o600)));
}

#[tokio::test]
async fn nothing_is_taken_for_a_file_that_was_removed_or_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conductor.db");
    let store = SqliteStore::open(&path, StoreOptions::default()).await.unwrap();
    store.execute(creation(&Uuid::now_v7().to_string()), &Policy::default()).await.unwrap();
    let aside = dir.path().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    for replaced in [false, true] {
        if replaced {
            std::fs::write(&path, "").unwrap();
        }
        let error = store
            .execute(creation(&Uuid::now_v7().to_string()), &Policy::default())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("the file was removed or replaced while it was in use"), "{error}");
    }
    std::fs::rename(&aside, &path).unwrap();
    store.execute(creation(&Uuid::now_v7().to_string()), &Policy::default()).await.unwrap();
}

#[tokio::test]
async fn what_is_closed_when_its_route_is_given_up_goes_to_no_other_route() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("c.db"), StoreOptions::default()).await.unwrap();
    let policy = Policy { routes: Routes { discord: true, p0_users: Vec::new() }, ..Policy::default() };
    let id = store.execute(creation("routed"), &policy).await.unwrap().escalation.id;
    let lease = Duration::from_secs(60);
    let under_way = store.claim("one", 9, lease).await.unwrap().remove(0);
    let close = Command::Close { id, resolution: "done".into(), by: "stig".into(), via: Via::Cli };
    store.execute(close, &policy).await.unwrap();
    let fallback = Some((Route::DiscordChannel, "tasks".to_owned()));
    let outcome = Outcome::Failed { error: "refused".to_owned(), fallback };
    store.settle(&under_way.claim, outcome, &policy).await.unwrap().unwrap();
    assert_eq!(store.claim("one", 9, lease).await.unwrap(), []);
    let events = store.stream(&crate::domain::stream_of(id), 0, 9).await.unwrap();
    assert_eq!(events.last().unwrap().data.get("fallbackRoute"), None);
}
