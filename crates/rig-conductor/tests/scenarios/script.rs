//! Scripts: what is done when, and everything that comes of it.
//!
//! ```text
//! # A comment.
//! at 0h
//! create one P2 "which layout?" repo=acme/app pr=15
//!     = added: P2 open, P1 at 4h
//!     #tasks > acme/app#15: P2: guidance is needed. P2 - acme/app\#15
//! at 3h55
//! sweep
//! ```
//!
//! After every step the outbox is emptied, and whatever anybody saw is written below the step, indented: what
//! the service answered (`=`), and every message, edit and thread in Discord. A message that is missing, that is one too
//! many, or that comes at another time is a difference. At the end stand the events of every escalation.

use std::collections::BTreeMap;

use rig_conductor::settings::Settings;
use rig_testkit::discord::{
    ADMIN, ALICE, BOB, CAROL, Call, Dms, FORUM, Fault, Notice, ONCALL, PULLS, TASKS, What,
};
use serde_json::{Value, json};

use crate::log;
use crate::world::{self, World};

/// Runs a script and returns it with everything that came of it.
pub(crate) async fn run(world: &mut World<'_>, text: &str) -> String {
    let mut player = Player { world, ids: BTreeMap::new(), seen: 0, held: false };
    let mut out = String::new();
    for line in text.lines() {
        if line.starts_with("    ") || line.starts_with("== ") {
            // What came of it when it was written; it is compared with what comes of it now.
            continue;
        }
        out.push_str(line);
        out.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        for line in player.step(line).await {
            out.push_str(&format!("    {line}\n"));
        }
    }
    for (name, id) in &player.ids {
        out.push_str(&format!("== {name}\n"));
        let stream = format!("escalation-{id}");
        let events = player.world.store().stream(&stream, 0, 10_000).await.unwrap();
        for line in log::lines(player.world, &events) {
            out.push_str(&format!("    {line}\n"));
        }
    }
    let replay = player.world.store().replay(true).await.unwrap();
    assert_eq!(replay.differences, Vec::<String>::new());
    out
}

struct Player<'a, 'w> {
    world: &'a mut World<'w>,
    ids: BTreeMap<String, String>,
    /// How many notices were shown.
    seen: usize,
    /// Whether the outbox is left alone.
    held: bool,
}

impl Player<'_, '_> {
    async fn step(&mut self, line: &str) -> Vec<String> {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut out = match words.as_slice() {
            ["at", time] => {
                self.world.move_to(seconds(time)).await;
                Vec::new()
            }
            ["create", name, severity, reason, members @ ..] => {
                vec![self.create(name, severity, reason, members).await]
            }
            ["ack" | "close" | "raise" | "note", ..] => vec![self.change(&words).await],
            ["show", name] => self.show(name).await,
            ["list"] => self.list().await,
            ["sweep"] => self.sweep(1).await,
            ["sweep", replicas] => self.sweep(replicas.parse().unwrap()).await,
            ["deliver"] => {
                self.world.deliver().await;
                Vec::new()
            }
            ["hold"] => {
                self.held = true;
                Vec::new()
            }
            ["go"] => {
                self.held = false;
                Vec::new()
            }
            ["replicas", count] => {
                while self.world.replicas.len() < count.parse().unwrap() {
                    self.world.grow().await;
                }
                Vec::new()
            }
            ["restart", changes @ ..] => {
                let discord = world::discord(&self.world.discord);
                let changes = changes.iter().map(ToString::to_string).collect::<Vec<_>>();
                self.world
                    .restart(|settings| changes.iter().for_each(|one| set(settings, &discord, one)))
                    .await;
                Vec::new()
            }
            ["discord", action @ ..] => {
                self.discord(action);
                Vec::new()
            }
            _ => panic!("no step: {line}"),
        };
        if !self.held {
            self.world.deliver().await;
        }
        out.extend(self.notices());
        out
    }

    async fn create(&mut self, name: &str, severity: &str, reason: &str, members: &[&str]) -> String {
        let mut event = json!({
            "type": "ESCALATION_CREATED", "severity": severity, "reason": reason, "agentId": "dev-e-node",
        });
        let mut replica = 0;
        for member in members {
            let (key, value) = member.split_once('=').unwrap();
            let number = || Value::from(value.parse::<u64>().unwrap());
            match key {
                "pr" => event["prNumber"] = number(),
                "issue" => event["issueNumber"] = number(),
                "agent" => event["agentId"] = value.into(),
                "id" => event["escalationId"] = value.into(),
                "key" => event["dedupKey"] = value.into(),
                "replica" => replica = value.parse::<usize>().unwrap() - 1,
                other => event[other] = value.into(),
            }
        }
        let (status, answer) = self.world.ask(replica, "pool", "POST", "/api/events", Some(&event)).await;
        if status != 200 {
            return format!("= {status}");
        }
        let id = answer["escalationId"].as_str().unwrap().to_owned();
        let known = self.ids.iter().find(|(_, known)| **known == id).map(|(name, _)| name.clone());
        let what = match known {
            Some(known) if answer["deduplicated"] == true => format!("added to {known}"),
            Some(known) => format!("{known} as it was"),
            None => {
                self.ids.insert(name.to_owned(), id);
                "added".to_owned()
            }
        };
        format!("= {what}: {}", self.state(&answer))
    }

    async fn change(&mut self, words: &[&str]) -> String {
        let (action, name) = (words[0], words[1]);
        let mut body = json!({});
        let mut caller = "stig";
        for word in &words[2..] {
            match (*word, action) {
                ("kari" | "pool", _) => caller = word,
                ("P0" | "P1" | "P2", _) => body["severity"] = (*word).into(),
                (text, "close") => body["resolution"] = text.into(),
                (text, _) => body["note"] = text.into(),
            }
        }
        let path = match action {
            "note" => format!("/api/escalations/{}/notes", self.id(name)),
            action => format!("/api/escalations/{}/{action}", self.id(name)),
        };
        match self.world.ask(0, caller, "POST", &path, Some(&body)).await {
            (200, answer) => format!("= {}", self.state(&answer)),
            (status, answer) => format!("= {status} {}", answer["error"].as_str().unwrap()),
        }
    }

    fn id(&self, name: &str) -> &str {
        self.ids.get(name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// Returns severity and state of an escalation, and when it is raised.
    fn state(&self, answer: &Value) -> String {
        let text = |name: &str| answer[name].as_str().unwrap_or_default();
        let mut state = format!("{} {}", text("severity"), text("state"));
        if let Ok(at) = text("nextBumpAt").parse() {
            state.push_str(&format!(", raised at {}", self.world.shown(at)));
        }
        state
    }

    async fn show(&self, name: &str) -> Vec<String> {
        let path = format!("/api/escalations/{}", self.id(name));
        let (_, now) = self.world.ask(0, "pool", "GET", &path, None).await;
        let delivered = if now["delivered"] == true { "delivered" } else { "not delivered" };
        let mut lines =
            vec![format!("= {}, {delivered}, raised {} times", self.state(&now), now["bumpCount"])];
        for one in now["notifications"].as_array().unwrap() {
            let text = |name: &str| one[name].as_str().unwrap_or_default();
            let target = log::named(text("target"));
            let error = one["lastError"].as_str().map(|error| format!(" ({})", log::named(error)));
            let tries = &one["attempts"];
            let line = format!(
                "= {} {target} {}: {}, {tries} tries",
                text("severity"),
                text("route"),
                text("state")
            );
            lines.push(line + &error.unwrap_or_default());
        }
        lines[1..].sort();
        lines
    }

    async fn list(&self) -> Vec<String> {
        let (_, all) = self.world.ask(0, "pool", "GET", "/api/escalations", None).await;
        let name = |id: &Value| {
            let known = self.ids.iter().find(|(_, known)| id == known.as_str());
            known.map_or("?", |(name, _)| name.as_str())
        };
        all.as_array()
            .unwrap()
            .iter()
            .map(|one| format!("= {}: {}", name(&one["id"]), self.state(one)))
            .collect()
    }

    async fn sweep(&self, replicas: usize) -> Vec<String> {
        let all = self.world.sweep(replicas).await;
        let sum = |count: fn(&rig_conductor::sweep::Swept) -> u64| all.iter().map(count).sum::<u64>();
        assert_eq!(sum(|swept| swept.failed), 0, "{all:?}");
        let counts = [
            (sum(|swept| swept.bumped), "raised"),
            (sum(|swept| swept.reminded), "reminded"),
            (sum(|swept| swept.announced), "announced"),
        ];
        let some = counts.iter().filter(|(count, _)| *count > 0);
        let text: Vec<String> = some.map(|(count, what)| format!("{count} {what}")).collect();
        vec![format!("= {}", if text.is_empty() { "nothing was due".to_owned() } else { text.join(", ") })]
    }

    /// Returns what came since the last step, place by place; what is sent at the same time is in no order.
    fn notices(&mut self) -> Vec<String> {
        let all = self.world.discord.notices();
        let fresh = all[self.seen..].iter().filter(|one| one.what != What::Dm);
        let mut fresh: Vec<(String, String)> =
            fresh.map(|notice| (notice.place.clone(), self.shown(notice))).collect();
        self.seen = all.len();
        fresh.sort();
        fresh.into_iter().map(|(_, line)| line).collect()
    }

    fn shown(&self, notice: &Notice) -> String {
        let mut line = notice.line();
        for (name, id) in &self.ids {
            line = line.replace(id, name);
        }
        log::named(&line)
    }

    fn discord(&self, action: &[&str]) {
        let discord = &self.world.discord;
        match action {
            ["down"] => discord.fail(rig_testkit::discord::Route::ANY, Fault::UNAVAILABLE, usize::MAX),
            ["up"] => discord.heal(),
            ["refuses", who] => discord.set_dms(channel(who), Dms::Refused),
            ["takes", who] => discord.set_dms(channel(who), Dms::Open),
            ["loses", "answers", count] => {
                discord.fail(Call::CreateMessage, Fault::AcceptThenClose, count.parse().unwrap());
            }
            ["deletes", "threads"] => {
                let threads = discord.notices().into_iter().filter(|notice| notice.what == What::Thread);
                threads.for_each(|thread| discord.delete(thread.channel));
            }
            ["locks", "threads"] => {
                let threads = discord.notices().into_iter().filter(|notice| notice.what == What::Thread);
                threads.for_each(|thread| discord.lock(thread.channel));
            }
            ["archives", "threads"] => {
                let threads = discord.notices().into_iter().filter(|notice| notice.what == What::Thread);
                threads.for_each(|thread| discord.archive(thread.channel));
            }
            ["closes", name] => {
                discord.fail(Call::CreateMessage.at(channel(name)), Fault::MISSING_ACCESS, usize::MAX)
            }
            ["limits", name, seconds] => {
                let fault = Fault::RateLimited(seconds.parse().unwrap());
                discord.fail(Call::CreateMessage.at(channel(name)), fault, 1);
            }
            _ => panic!("no way for Discord to behave: {action:?}"),
        }
    }
}

fn channel(name: &str) -> u64 {
    match name {
        "#admin" => ADMIN,
        "#tasks" => TASKS,
        "#pulls" => PULLS,
        "#forum" => FORUM,
        "@alice" => ALICE,
        "@bob" => BOB,
        "@carol" => CAROL,
        "@&oncall" => ONCALL,
        name => panic!("nobody is called {name}"),
    }
}

/// Changes a setting, such as `bump=2h`, `remind=off` or `discord=off`.
pub(crate) fn set(settings: &mut Settings, own: &rig_conductor::settings::Discord, change: &str) {
    use std::time::Duration;
    let (name, value) = change.split_once('=').unwrap();
    let duration = || Duration::from_secs(seconds(value));
    let ids = || value.split(',').filter(|id| !id.is_empty()).map(|id| channel(id).to_string()).collect();
    match name {
        "bump-P2" => settings.policy.bump_p2_after = duration(),
        "bump-P1" => settings.policy.bump_p1_after = duration(),
        "remind" if value == "off" => settings.policy.remind_every = None,
        "remind" => settings.policy.remind_every = Some(duration()),
        "flood" => settings.policy.flood.creations = value.parse().unwrap(),
        "discord" if value == "off" => settings.discord = None,
        "discord" => settings.discord = Some(own.clone()),
        "link" => settings.public_url = Some(value.to_owned()),
        name => {
            let discord = settings.discord.as_mut().expect("Discord is set up");
            match name {
                "people" => discord.p0_users = ids(),
                "roles" => discord.p0_roles = ids(),
                "tasks" => discord.tasks_channel = channel(value).to_string(),
                "buttons" => {
                    discord.public_key = Some([7; 32]);
                    discord.button_users = ids();
                }
                name => panic!("no setting is called {name}"),
            }
        }
    }
}

/// Reads a time such as `4h`, `8h30` or `90m`.
fn seconds(text: &str) -> u64 {
    let number = |text: &str| if text.is_empty() { 0 } else { text.parse::<u64>().unwrap() };
    match (text.split_once('h'), text.strip_suffix('m')) {
        (Some((hours, minutes)), _) => number(hours) * 3600 + number(minutes) * 60,
        (None, Some(minutes)) => number(minutes) * 60,
        (None, None) => panic!("{text} is no time"),
    }
}

/// Takes a line apart; what stands in quotes is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.replace("\\n", "\n")),
        }
    }
    words
}
