//! The answers, in the shapes of Discord's description.

use serde_json::{Map, Value, json};

use super::mentions::{Ping, pings};
use super::world::{Channel, Kind, Message, World};
use super::{BOT, GUILD, Id};

/// When everything happened: nobody should rely on the clock of another machine.
const TIME: &str = "2026-01-02T03:04:05.678000+00:00";

impl World {
    /// Returns the bot as `GET /users/@me` shows it.
    pub(crate) fn show_me(&self) -> Value {
        let mut me = self.show_user(BOT);
        me["mfa_enabled"] = true.into();
        me["locale"] = "en-US".into();
        me
    }

    pub(crate) fn show_user(&self, id: Id) -> Value {
        let name = self.users.get(&id).map_or("rig-conductor", |user| &user.name);
        json!({
            "id": id.to_string(), "username": name, "avatar": null, "discriminator": "0", "public_flags": 0,
            "flags": 0, "bot": id == BOT, "global_name": null, "primary_guild": null,
        })
    }

    pub(crate) fn show_channel(&self, channel: &Channel) -> Value {
        let last = self.messages.values().rev().find(|message| message.channel == channel.id);
        let last = last.map(|message| message.id.to_string());
        let mut shown = json!({ "id": channel.id.to_string(), "flags": 0, "last_message_id": last });
        if channel.kind == Kind::Dm {
            shown["type"] = 1.into();
            shown["recipients"] = channel.recipient.map(|user| self.show_user(user)).into_iter().collect();
            return shown;
        }
        shown["guild_id"] = GUILD.to_string().into();
        shown["name"] = channel.name.clone().into();
        shown["parent_id"] = channel.parent.map(|id| id.to_string()).into();
        if channel.kind != Kind::Thread {
            shown["type"] = if channel.kind == Kind::Forum { 15 } else { 0 }.into();
            shown["position"] = 0.into();
            if channel.kind == Kind::Forum {
                let tag = |id: &Id| {
                    json!({
                        "id": id.to_string(), "name": format!("tag {id}"), "moderated": false,
                        "emoji_id": null, "emoji_name": null,
                    })
                };
                shown["available_tags"] = channel.tags.iter().map(tag).collect();
            }
            return shown;
        }
        let count = self.messages.values().filter(|message| message.channel == channel.id).count();
        shown["type"] = 11.into();
        shown["owner_id"] = BOT.to_string().into();
        shown["thread_metadata"] = json!({
            "archived": channel.archived, "archive_timestamp": TIME, "locked": channel.locked,
            "auto_archive_duration": channel.auto_archive, "create_timestamp": TIME,
        });
        shown["message_count"] = count.into();
        shown["member_count"] = 1.into();
        shown["total_message_sent"] = count.into();
        shown["applied_tags"] = channel.applied.clone();
        shown
    }

    pub(crate) fn show_threads(&self, threads: &[&Channel]) -> Value {
        let threads: Vec<Value> = threads.iter().map(|thread| self.show_channel(thread)).collect();
        json!({ "threads": threads, "members": [], "has_more": false })
    }

    pub(crate) fn show_message(&self, message: &Message) -> Value {
        let body = &message.body;
        let content = body["content"].as_str().unwrap_or("");
        let called = pings(content, body.get("allowed_mentions"));
        let users = called.iter().filter_map(|ping| match ping {
            Ping::User(id) => Some(self.show_user(*id)),
            _ => None,
        });
        let roles = called.iter().filter_map(|ping| match ping {
            Ping::Role(id) => Some(id.to_string()),
            _ => None,
        });
        let everyone = called.iter().any(|ping| matches!(ping, Ping::Everyone | Ping::Here));
        let mut shown = json!({
            "id": message.id.to_string(), "channel_id": message.channel.to_string(), "type": 0, "content": content,
            "author": self.show_user(message.author), "mentions": users.collect::<Vec<_>>(),
            "mention_roles": roles.collect::<Vec<_>>(), "mention_everyone": everyone, "attachments": [],
            "embeds": embeds(&body["embeds"]), "components": components(&body["components"]),
            "timestamp": TIME, "edited_timestamp": message.edited.then_some(TIME), "pinned": false, "tts": false,
            "flags": body["flags"].as_u64().unwrap_or(0) & (1 << 12),
        });
        if let Some(nonce) = &message.nonce {
            shown["nonce"] = nonce.clone().into();
        }
        if let Some(thread) = self.channels.get(&message.id).filter(|thread| thread.id != message.channel) {
            shown["thread"] = self.show_channel(thread);
        }
        shown
    }
}

/// Returns embeds with what Discord adds to them.
fn embeds(sent: &Value) -> Value {
    let mut embeds = without_nulls(sent);
    for embed in embeds.as_array_mut().into_iter().flatten() {
        embed["type"] = "rich".into();
        for field in embed.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten() {
            field["inline"] = (field["inline"] == true).into();
        }
    }
    if embeds.is_null() { json!([]) } else { embeds }
}

/// Returns components, numbered.
fn components(sent: &Value) -> Value {
    let mut components = without_nulls(sent);
    let mut next = 0;
    for row in components.as_array_mut().into_iter().flatten() {
        let mut number = |component: &mut Value| {
            next += 1;
            component["id"] = next.into();
        };
        number(row);
        row.get_mut("components").and_then(Value::as_array_mut).into_iter().flatten().for_each(number);
    }
    if components.is_null() { json!([]) } else { components }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Array(entries) => entries.iter().map(without_nulls).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, member)| !member.is_null());
            let kept = kept.map(|(name, member)| (name.clone(), without_nulls(member)));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}
