use std::path::{Path, PathBuf};

use rig_testkit::Postgres;
use rig_testkit::needs::variable;

use crate::script;
use crate::world::{Place, World};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/scripts").join(format!("{name}.txt"))
}

/// Runs a script and compares what came of it with what is written. With `RIG_TEST_UPDATE=1` it is written
/// anew from what happens on SQLite, to be read and committed.
#[track_caller]
fn check(name: &str, place: Place<'_>) {
    let update = matches!(place, Place::File(_)) && variable("RIG_TEST_UPDATE").is_some();
    let expected = std::fs::read_to_string(path(name)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let seen = runtime.block_on(async {
        let (settings, script) = match expected.strip_prefix("with ") {
            Some(rest) => rest.split_once('\n').unwrap(),
            None => ("", expected.as_str()),
        };
        let mut world = World::new(place, |changed| {
            let own = changed.discord.clone().unwrap();
            settings.split_whitespace().for_each(|one| script::set(changed, &own, one));
        })
        .await;
        let seen = script::run(&mut world, script).await;
        world.discord.check();
        if settings.is_empty() { seen } else { format!("with {settings}\n{seen}") }
    });
    if update {
        std::fs::write(path(name), &seen).unwrap();
        return;
    }
    for (number, (line, expected)) in seen.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, expected, "{}:{} of\n{seen}", path(name).display(), number + 1);
    }
    assert_eq!(seen.lines().count(), expected.lines().count(), "{}", path(name).display());
}

macro_rules! scenarios {
    ($($test:ident,)+) => {
        const NAMES: &[&str] = &[$(stringify!($test)),+];

        mod on_sqlite {
            use super::*;
            $(#[test]
            fn $test() {
                check(stringify!($test), Place::file());
            })+
        }

        mod on_postgres {
            use super::*;
            $(#[test]
            fn $test() {
                let Some(server) = Postgres::shared() else { return };
                check(stringify!($test), Place::Server(server.database()));
            })+
        }
    };
}

scenarios! {
    a_p2_nobody_takes_becomes_p1_and_p0,
    an_ack_stops_the_clock,
    a_close_ends_it,
    a_p0_is_told_again_until_somebody_takes_it,
    a_downtime_costs_one_level_a_sweep,
    each_level_has_a_clock_of_its_own,
    levels_last_as_long_as_they_are_set_to,
    a_repeat_is_a_note,
    a_more_urgent_repeat_reopens,
    a_raise_by_hand_starts_the_clock_anew,
    a_note_changes_nothing_that_people_see,
    a_person_who_takes_no_messages,
    discord_is_down_for_an_hour,
    discord_is_set_up_later,
    discord_loses_an_answer,
    a_limit_is_waited_for,
    two_replicas_sweep_and_send_at_once,
    a_restart_in_between,
    a_flood_of_p1_is_refused,
    p0s_beyond_the_bound_are_one,
    a_thread_of_a_pull_request,
    threads_in_a_forum,
    a_thread_that_is_gone,
    a_thread_that_is_locked,
    a_thread_that_is_archived,
    the_admin_channel_is_closed_to_the_bot,
    nobody_is_set_up_for_a_p0,
    an_ack_while_the_message_waits,
    the_same_again_after_a_close,
    hostile_words,
    a_role_is_called,
    buttons_for_those_who_may_press_them,
    many_at_once,
}

#[test]
fn every_script_is_run() {
    let files = std::fs::read_dir(path("x").parent().unwrap()).unwrap();
    let mut found: Vec<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    found.sort();
    let mut known: Vec<String> = NAMES.iter().map(ToString::to_string).collect();
    known.sort();
    assert_eq!(found, known);
}

/// The helper has to be able to fail: a message too many is a difference.
#[test]
#[should_panic(expected = "nothing_is_expected.txt")]
fn a_message_that_is_not_written_down_is_found() {
    let place = Place::file();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("nothing_is_expected.txt");
    std::fs::write(&file, "at 0h\ncreate one P1 \"x\"\n    = added: P1 open, raised at 4h\n").unwrap();
    check(file.with_extension("").to_str().unwrap(), place);
}
