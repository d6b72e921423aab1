//! Who makes the thread of a pull request.

use std::time::Duration;

use rig_conductor::store::{Thread, ThreadClaim};

use crate::harness::*;

on_each_store!(one_maker_at_a_time_makes_a_thread, of_many_makers_one_gets_the_right);

const KEY: &str = "o/r#15";

async fn one_maker_at_a_time_makes_a_thread(place: &Place) {
    let store = place.open().await;
    let thread = async |owner: &str| store.thread(KEY, owner, LEASE).await.unwrap();
    assert_eq!(thread("one").await, ThreadClaim::Mine(Thread::default()));
    let ThreadClaim::Busy(wait) = thread("two").await else { panic!("two makers") };
    assert!(wait > Duration::ZERO && wait <= LEASE, "{wait:?}");
    let begun = Thread {
        channel_id: Some("10".to_owned()),
        starter_id: Some("11".to_owned()),
        thread_id: None,
        uncertain_since: Some(store.now().await.unwrap()),
    };
    assert!(store.save_thread(KEY, "one", &begun).await.unwrap());
    assert!(!store.save_thread(KEY, "two", &Thread::default()).await.unwrap());
    // It has the right already, and knows how far it came.
    assert_eq!(thread("one").await, ThreadClaim::Mine(begun.clone()));
    // It died: another one goes on.
    store.advance(LEASE).await.unwrap();
    assert_eq!(thread("two").await, ThreadClaim::Mine(begun.clone()));
    assert!(!store.save_thread(KEY, "one", &begun).await.unwrap());
    let made = Thread { thread_id: Some("12".to_owned()), uncertain_since: None, ..begun };
    assert!(store.save_thread(KEY, "two", &made).await.unwrap());
    assert!(!store.save_thread(KEY, "two", &Thread::default()).await.unwrap(), "the right has ended");
    let other = place.open().await;
    assert_eq!(other.thread(KEY, "three", LEASE).await.unwrap(), ThreadClaim::Ready(made.clone()));
    // It is forgotten only as the one that is known.
    store.forget_thread(KEY, "99").await.unwrap();
    assert_eq!(thread("one").await, ThreadClaim::Ready(made));
    store.forget_thread(KEY, "12").await.unwrap();
    assert_eq!(thread("one").await, ThreadClaim::Mine(Thread::default()));
}

async fn of_many_makers_one_gets_the_right(place: &Place) {
    let stores = [place.open().await, place.open().await];
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let store = std::sync::Arc::clone(&stores[n % 2]);
            tokio::spawn(async move { store.thread(KEY, &format!("maker {n}"), LEASE).await.unwrap() })
        })
        .collect();
    let mut makers = 0;
    for task in tasks {
        makers += usize::from(matches!(task.await.unwrap(), ThreadClaim::Mine(_)));
    }
    assert_eq!(makers, 1);
}
