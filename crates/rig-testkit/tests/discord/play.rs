//! What Discord does when nothing is wrong.

use rig_testkit::FakeDiscord;
use rig_testkit::discord::{ADMIN, ALICE, BOB, CAROL, Dms, FORUM, GUILD, Kind, PULLS, What};
use serde_json::{Value, json};

use crate::client::{brief, call, embed, get, message, post};

#[test]
fn a_message_is_posted_edited_and_listed_newest_first() {
    let discord = FakeDiscord::start();
    let (status, first) = post(&discord, ADMIN, &embed("P1 - acme/app#42"));
    assert_eq!(status, 200);
    let (_, second) = post(&discord, ADMIN, &message("two"));
    assert!(second > first && first > 1 << 53);
    let change = json!({ "content": "acked", "components": [], "allowed_mentions": { "parse": [] } });
    let (status, edited) = call(&discord, "PATCH", &format!("/channels/{ADMIN}/messages/{first}"), &change);
    assert_eq!((status, edited["content"].as_str()), (200, Some("acked")));
    assert_eq!(edited["embeds"][0]["title"], "P1 - acme/app#42");
    let ids = |query: &str| {
        let (_, list) = get(&discord, &format!("/channels/{ADMIN}/messages{query}"));
        list.as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (first, second) = (first.to_string(), second.to_string());
    assert_eq!(ids(""), [second.as_str(), first.as_str()]);
    assert_eq!(ids("?limit=1"), [second.as_str()]);
    assert_eq!(ids(&format!("?before={second}")), [first.as_str()]);
    let lines: Vec<String> = discord.notices().iter().map(|notice| notice.line()).collect();
    assert_eq!(
        lines,
        [
            "#admin: P1 - acme/app#42 [Ack] [Close] <Open>",
            "#admin: two",
            "edit #admin: acked P1 - acme/app#42"
        ]
    );
}

#[test]
fn a_nonce_gives_the_same_message_until_it_is_forgotten() {
    let discord = FakeDiscord::start();
    let mut body = message("once");
    body["nonce"] = "abc".into();
    body["enforce_nonce"] = true.into();
    let first = post(&discord, ADMIN, &body);
    assert_eq!(post(&discord, ADMIN, &body), first);
    assert_eq!(discord.messages().len(), 1);
    discord.forget_nonces();
    assert_ne!(post(&discord, ADMIN, &body), first);
    let duplicates: Vec<bool> = discord.messages().iter().map(|notice| notice.duplicate).collect();
    assert_eq!(duplicates, [false, true]);
    // Without a nonce, the same text in the same channel is the same message.
    for (channel, text) in [(ADMIN, "x"), (PULLS, "x"), (ADMIN, "y"), (ADMIN, "x")] {
        assert_eq!(post(&discord, channel, &message(text)).0, 200);
    }
    let duplicates: Vec<bool> = discord.messages().iter().map(|notice| notice.duplicate).collect();
    assert_eq!(duplicates, [false, true, false, false, false, true]);
}

#[test]
fn a_message_has_one_thread_with_its_own_id() {
    let discord = FakeDiscord::start();
    let (_, starter) = post(&discord, PULLS, &message("acme/app#15 Add login form"));
    let path = format!("/channels/{PULLS}/messages/{starter}/threads");
    let name = json!({ "name": "acme/app#15 - Add login form", "auto_archive_duration": 4320 });
    assert_eq!(brief(&call(&discord, "POST", &path, &name)), (201, starter));
    assert_eq!(brief(&call(&discord, "POST", &path, &name)), (400, 160004));
    assert_eq!(post(&discord, starter, &message("hello")).0, 200);
    assert_eq!(discord.in_channel("#pulls > acme/app#15 - Add login form").len(), 1);
    let listed = |path: String| {
        let (_, list) = get(&discord, &path);
        list["threads"].as_array().unwrap().iter().map(|t| t["id"].clone()).collect::<Vec<Value>>()
    };
    let active = || listed(format!("/guilds/{GUILD}/threads/active"));
    let archived = || listed(format!("/channels/{PULLS}/threads/archived/public"));
    let thread = [Value::from(starter.to_string())];
    assert_eq!((active().as_slice(), archived().as_slice()), (&thread[..], &[][..]));
    discord.archive(starter);
    assert_eq!((active().as_slice(), archived().as_slice()), (&[][..], &thread[..]));
    // A message brings it back, unless it is locked.
    assert_eq!(post(&discord, starter, &message("again")).0, 200);
    assert_eq!(active(), thread);
    discord.lock(starter);
    assert_eq!(post(&discord, starter, &message("locked")), (400, 160005));
    discord.archive(starter);
    assert_eq!(post(&discord, starter, &message("both")), (400, 50083));
    discord.delete(starter);
    assert_eq!(post(&discord, starter, &message("gone")), (404, 10003));
    assert_eq!(get(&discord, &format!("/channels/{starter}")).0, 404);
    assert_eq!(brief(&call(&discord, "POST", &path, &name)), (201, starter));
}

#[test]
fn a_forum_takes_posts_alone_and_a_text_channel_threads_without_a_message() {
    let discord = FakeDiscord::start();
    let path = format!("/channels/{FORUM}/threads");
    let mut body = json!({ "name": "acme/app#15", "message": embed("P2 - acme/app#42") });
    let (status, id) = brief(&call(&discord, "POST", &path, &body));
    assert_eq!(status, 201);
    let starter = get(&discord, &format!("/channels/{id}/messages/{id}"));
    assert_eq!((starter.0, &starter.1["embeds"][0]["title"]), (200, &json!("P2 - acme/app#42")));
    assert_eq!(post(&discord, FORUM, &message("no")), (400, 50008));
    discord.require_tags(FORUM, &[77]);
    assert_eq!(brief(&call(&discord, "POST", &path, &body)), (400, 40067));
    body["applied_tags"] = json!(["77"]);
    assert_eq!(call(&discord, "POST", &path, &body).0, 201);
    let body = json!({ "name": "acme/app#16", "type": 11 });
    let (status, thread) = call(&discord, "POST", &format!("/channels/{PULLS}/threads"), &body);
    assert_eq!((status, &thread["type"]), (201, &json!(11)));
    let kinds: Vec<_> = discord.notices().iter().map(|n| (n.what, n.kind, n.place.clone())).collect();
    let (thread, post) = ((What::Thread, Kind::Thread), (What::Posted, Kind::Thread));
    let fifteen = "#forum > acme/app#15".to_owned();
    assert_eq!(
        kinds,
        [
            (thread.0, thread.1, fifteen.clone()),
            (post.0, post.1, fifteen.clone()),
            (thread.0, thread.1, fifteen.clone()),
            (post.0, post.1, fifteen),
            (thread.0, thread.1, "#pulls > acme/app#16".to_owned()),
        ]
    );
}

#[test]
fn direct_messages_go_to_those_who_take_them() {
    let discord = FakeDiscord::start();
    let open = |user: u64| {
        brief(&call(&discord, "POST", "/users/@me/channels", &json!({ "recipient_id": user.to_string() })))
    };
    let (status, alice) = open(ALICE);
    assert_eq!(status, 200);
    assert_eq!(open(ALICE), (200, alice));
    assert_eq!(post(&discord, alice, &message("wake up")).0, 200);
    assert_eq!(discord.in_channel("@alice").len(), 1);
    let (_, carol) = open(CAROL);
    assert_eq!(post(&discord, carol, &message("wake up")), (403, 50007));
    discord.set_dms(BOB, Dms::NoServer);
    let (_, bob) = open(BOB);
    assert_eq!(post(&discord, bob, &message("wake up")), (403, 50278));
    assert_eq!(open(1), (400, 50033));
    assert_eq!(discord.notices().iter().filter(|notice| notice.what == What::Dm).count(), 3);
}

#[test]
fn what_is_not_there_and_what_belongs_to_others_is_refused() {
    let discord = FakeDiscord::start();
    let theirs = discord.say(ADMIN, ALICE, "hello");
    let edit = |channel: u64, message_id: u64| {
        let path = format!("/channels/{channel}/messages/{message_id}");
        brief(&call(&discord, "PATCH", &path, &message("mine")))
    };
    assert_eq!(edit(ADMIN, theirs), (403, 50005));
    assert_eq!(edit(ADMIN, 5), (404, 10008));
    assert_eq!(edit(5, theirs), (404, 10003));
    assert_eq!(edit(PULLS, theirs), (404, 10008));
    assert_eq!(brief(&get(&discord, "/guilds/5/threads/active")), (404, 10004));
    assert_eq!(get(&discord, "/users/@me").1["username"], "rig-conductor");
    discord.set_token("another");
    assert_eq!(get(&discord, "/users/@me"), (401, json!({ "code": 0, "message": "401: Unauthorized" })));
    assert_eq!(discord.counts().invalid, 2);
    assert_eq!(
        discord.calls(),
        [
            "EditMessage #admin: 403 50005",
            "EditMessage #admin: 404 10008",
            "EditMessage 5: 404 10003",
            "EditMessage #pulls: 404 10008",
            "ActiveThreads 5: 404 10004",
            "CurrentUser: 200",
            "CurrentUser: 401",
        ]
    );
}

#[test]
fn a_message_is_taken_back_and_a_thread_brought_back() {
    let discord = FakeDiscord::start();
    let (_, message) = post(&discord, ADMIN, &embed("once too often"));
    let path = format!("/channels/{ADMIN}/messages/{message}");
    assert_eq!(call(&discord, "DELETE", &path, &Value::Null).0, 204);
    assert_eq!(brief(&call(&discord, "DELETE", &path, &Value::Null)), (404, 10008));
    assert_eq!(discord.notices().last().unwrap().what, What::Deleted);

    let (_, starter) = post(&discord, PULLS, &embed("acme/app#15"));
    let start = json!({ "name": "acme/app#15", "auto_archive_duration": 4320 });
    assert_eq!(
        call(&discord, "POST", &format!("/channels/{PULLS}/messages/{starter}/threads"), &start).0,
        201
    );
    discord.archive(starter);
    let (_, shown) = get(&discord, &format!("/channels/{starter}"));
    assert_eq!(shown["thread_metadata"]["archived"], true);
    let back = json!({ "archived": false });
    let (status, shown) = call(&discord, "PATCH", &format!("/channels/{starter}"), &back);
    assert_eq!((status, &shown["thread_metadata"]["archived"]), (200, &json!(false)));
    discord.lock(starter);
    assert_eq!(brief(&call(&discord, "PATCH", &format!("/channels/{starter}"), &back)), (403, 50013));
}
