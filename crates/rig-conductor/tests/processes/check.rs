//! What came of a history: nothing lost, nothing said twice but where an answer was lost.

use std::collections::BTreeMap;
use std::fmt::Write;

use rig_conductor::domain::{Event, stream_of};
use rig_testkit::FakeDiscord;
use rig_testkit::discord::{Notice, What};

use crate::place::Window;
use crate::tour::IDS;

/// The words by which a message says that it may be one too many.
const MARK: &str = " (may be a repeat)";

/// What was counted in a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Messages that people saw, each counted once.
    pub(crate) messages: usize,
    /// Messages that said the same again.
    pub(crate) repeated: usize,
}

/// Checks a history that has come to its end.
///
/// # Panics
/// When the log or what people saw is not what the history has to leave, when a message came twice though
/// nobody died and no answer was lost, or when read models are not what the log makes.
#[track_caller]
pub(crate) fn check(window: &Window, discord: &FakeDiscord, deaths: usize) -> Found {
    assert_eq!(log(window), crate::tour::LOG);
    let found = repeats(discord, deaths);
    assert_eq!(seen(discord), crate::tour::SEEN);
    let report = window.ask(|store| async move { store.replay(true).await });
    assert_eq!(report.differences, [] as [String; 0]);
    discord.check();
    found
}

/// Tells what happened to each escalation, in its order, and then which messages were confirmed, which
/// has no order. How often it took is left out.
#[track_caller]
pub(crate) fn log(window: &Window) -> String {
    let mut text = String::new();
    for (id, name) in IDS.into_iter().zip(["a", "b", "c"]) {
        let events = window.ask(move |store| async move { store.stream(&stream_of(id), 0, 1000).await });
        let mut confirmed = Vec::new();
        for event in events {
            let serde_json::Value::Object(data) = event.data else { panic!("{:?}", event.data) };
            let line = match Event::read(&event.alias, data).expect("an event of ours") {
                Event::EscalationCreated { severity, .. } => format!("created {severity}"),
                Event::EscalationAcked { by, .. } => format!("acked by {by}"),
                Event::EscalationClosed { resolution, by, .. } => format!("closed by {by}: {resolution}"),
                Event::EscalationBumped { from_severity, to_severity, reason, bump_count, .. } => {
                    format!("raised from {from_severity} to {to_severity}, {reason:?}, {bump_count}")
                }
                Event::EscalationReminded { reminder_count, .. } => format!("reminded, {reminder_count}"),
                Event::EscalationNoteAdded { .. } => "noted".to_owned(),
                Event::EscalationNotified { round, route, target, severity, .. } => {
                    confirmed.push(format!("{name}   {round}: {severity} {route} {target}\n"));
                    continue;
                }
                Event::EscalationNotifyFailed { .. } => continue,
            };
            let _ = writeln!(text, "{name} {line}");
        }
        confirmed.sort();
        text.extend(confirmed);
    }
    text
}

/// Tells what stands where, in the end: threads, and every message with its last words. Of a message that
/// came twice the one that the service knows, which it keeps up to date.
pub(crate) fn seen(discord: &FakeDiscord) -> String {
    let mut lines = Vec::new();
    for group in groups(discord).into_values() {
        let now = group.iter().filter_map(|notice| Some((notice, discord.message(notice.message)?)));
        let shown = now.map(|(notice, now)| {
            let content = now["content"].as_str().unwrap_or("").replace(MARK, "");
            let title = now["embeds"][0]["title"].as_str().unwrap_or("");
            format!("{}: {title}: {content}\n", notice.place)
        });
        // An orphan says what was so when it was sent.
        lines.extend(
            shown.max_by_key(|line| ["acked", "closed", "now P"].iter().any(|word| line.contains(word))),
        );
    }
    let threads = discord.notices().into_iter().filter(|notice| notice.what == What::Thread);
    lines.extend(threads.map(|notice| format!("thread {}\n", notice.place)));
    lines.sort();
    lines.concat()
}

/// Counts messages, and those that came again.
#[track_caller]
fn repeats(discord: &FakeDiscord, deaths: usize) -> Found {
    let mut found = Found::default();
    for (what, group) in groups(discord) {
        found.messages += 1;
        let (first, again) = group.split_first().expect("a group has a member");
        let Some(second) = again.first() else { continue };
        found.repeated += 1;
        assert_eq!(again.len(), 1, "{what}: more than one repeat");
        assert!(first.lost || deaths > 0, "{what}: a repeat, but no answer was lost");
        let gone = discord.message(first.message).is_none() || discord.message(second.message).is_none();
        assert!(
            second.content.contains(MARK) || gone,
            "{what}: a repeat that does not say so: {}",
            second.line()
        );
    }
    found
}

/// Puts together the posted messages that say the same: those with the same mark of their announcement in
/// the same channel, and beginnings of threads with the same words.
fn groups(discord: &FakeDiscord) -> BTreeMap<String, Vec<Notice>> {
    let mut groups: BTreeMap<String, Vec<Notice>> = BTreeMap::new();
    for notice in discord.messages() {
        let mark = notice.footer().map_or_else(|| notice.content.replace(MARK, ""), str::to_owned);
        groups.entry(format!("{} {mark}", notice.place)).or_default().push(notice);
    }
    groups
}
