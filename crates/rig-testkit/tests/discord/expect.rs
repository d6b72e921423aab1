//! Expectations pass when all is as expected, and only then.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rig_testkit::FakeDiscord;
use rig_testkit::discord::{ADMIN, HOUR, Notice, PULLS};

use crate::client::{embed, message, post};

/// Returns what an expectation panics with.
fn failure(expect: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(expect)).expect_err("a failure");
    panic.downcast_ref::<String>().expect("a text").clone()
}

#[test]
fn what_comes_in_time_is_expected_in_any_order() {
    let discord = FakeDiscord::start();
    discord.set_time(4 * HOUR);
    let _ = post(&discord, ADMIN, &embed("P1 - acme/app#42"));
    let _ = post(&discord, PULLS, &message("raised"));
    let expected = ["#pulls: raised", "#admin: P1 - acme/app#42 [Ack] [Close] <Open>"];
    discord.expect(4 * HOUR..=4 * HOUR + 60, &expected);
    discord.quiet();
    let _ = post(&discord, ADMIN, &embed("P1 - acme/app#43"));
    let text = "#admin: P1 - acme/app#43 [Ack] [Close] <Open>\nCI is red\nAgent: dev-e-1\nesc 0190a7c2";
    discord.expect_as(.., Notice::text, &[text]);
}

#[test]
fn an_expectation_waits_for_what_is_on_its_way() {
    let discord = FakeDiscord::start();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            let _ = post(&discord, ADMIN, &message("late"));
        });
        discord.expect(.., &["#admin: late"]);
    });
}

#[test]
fn an_unexpected_message_and_one_out_of_time_are_shown_in_a_difference() {
    let discord = FakeDiscord::start();
    discord.set_time(4 * HOUR + 7);
    for text in ["one", "two", "three"] {
        let _ = post(&discord, ADMIN, &message(text));
    }
    let found = failure(|| discord.expect(..HOUR, &["#admin: one"]));
    let expected = "expected within ..1h00m00s:\n\
        +   4h00m07s #admin: one (out of time)\n\
        +   4h00m07s #admin: two (out of time)\n\
        +   4h00m07s #admin: three (out of time)\n\
        -           #admin: one\n";
    assert!(found.starts_with(expected), "{found}");
    for text in ["four", "five"] {
        let _ = post(&discord, ADMIN, &message(text));
    }
    let found = failure(|| discord.expect(4 * HOUR.., &["#admin: five", "#admin: six"]));
    let expected = "expected within 4h00m00s..:\n\
        +   4h00m07s #admin: four\n    4h00m07s #admin: five\n-           #admin: six\n";
    assert!(found.starts_with(expected), "{found}");
    let _ = post(&discord, ADMIN, &message("four"));
    let found = failure(|| discord.quiet());
    assert!(found.contains("+   4h00m07s #admin: four DUPLICATE\n"), "{found}");
}

#[test]
#[should_panic(expected = "after the last expectation came")]
fn what_comes_after_the_last_expectation_fails_the_test() {
    let discord = FakeDiscord::start();
    discord.quiet();
    let _ = post(&discord, ADMIN, &message("one more"));
}
