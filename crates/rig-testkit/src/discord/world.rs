//! The server, its channels, its people and what was written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::error::Refusal;
use super::{ADMIN, PULLS, TASKS};
use super::{ALICE, BOB, BOT, CAROL, FORUM, GUILD, Id, ONCALL};

/// What a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text channel.
    Text,
    /// A forum, which holds posts alone.
    Forum,
    /// A thread of a text channel, or a post of a forum.
    Thread,
    /// The direct messages with one user.
    Dm,
}

/// Whether a user can be reached directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dms {
    /// Messages arrive.
    Open,
    /// The channel can be opened; messages are refused with 50007.
    Refused,
    /// Messages are refused with 50278: there is no server in common.
    NoServer,
}

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) parent: Option<Id>,
    pub(crate) recipient: Option<Id>,
    pub(crate) archived: bool,
    pub(crate) locked: bool,
    pub(crate) auto_archive: u64,
    /// For a forum: the tags of which a post needs one.
    pub(crate) tags: Vec<Id>,
    pub(crate) applied: Value,
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) dms: Dms,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: Id,
    pub(crate) channel: Id,
    pub(crate) author: Id,
    /// What was sent, edits included.
    pub(crate) body: Value,
    pub(crate) nonce: Option<String>,
    pub(crate) edited: bool,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) channels: BTreeMap<Id, Channel>,
    pub(crate) users: BTreeMap<Id, User>,
    pub(crate) roles: BTreeMap<Id, String>,
    pub(crate) messages: BTreeMap<Id, Message>,
    /// The nonces of the last minutes.
    pub(crate) nonces: BTreeMap<String, Id>,
    next: Id,
}

impl Default for World {
    fn default() -> Self {
        let mut world = Self {
            channels: BTreeMap::new(),
            users: BTreeMap::new(),
            roles: [(ONCALL, "oncall".to_owned())].into(),
            messages: BTreeMap::new(),
            nonces: BTreeMap::new(),
            // Beyond 2^53, where a float is no longer exact.
            next: 1_300_000_000_000_000_001,
        };
        for (id, name, dms) in
            [(ALICE, "alice", Dms::Open), (BOB, "bob", Dms::Open), (CAROL, "carol", Dms::Refused)]
        {
            world.users.insert(id, User { name: name.to_owned(), dms });
        }
        for (id, kind, name) in [
            (ADMIN, Kind::Text, "admin"),
            (TASKS, Kind::Text, "tasks"),
            (PULLS, Kind::Text, "pulls"),
            (FORUM, Kind::Forum, "forum"),
        ] {
            world.add(id, kind, name);
        }
        world
    }
}

impl World {
    /// Returns an id greater than those before.
    pub(crate) fn snowflake(&mut self) -> Id {
        self.next += 4_194_305;
        self.next
    }

    pub(crate) fn add(&mut self, id: Id, kind: Kind, name: &str) -> &mut Channel {
        let channel = Channel {
            id,
            kind,
            name: name.to_owned(),
            parent: None,
            recipient: None,
            archived: false,
            locked: false,
            auto_archive: 4320,
            tags: Vec::new(),
            applied: json!([]),
        };
        self.channels.entry(id).insert_entry(channel).into_mut()
    }

    pub(crate) fn channel(&self, id: Id) -> Result<&Channel, Refusal> {
        self.channels.get(&id).ok_or(Refusal::new(404, 10003))
    }

    pub(crate) fn message(&self, channel: Id, id: Id) -> Result<&Message, Refusal> {
        self.channel(channel)?;
        let message = self.messages.get(&id).filter(|message| message.channel == channel);
        message.ok_or(Refusal::new(404, 10008))
    }

    /// Returns the channel with this user, and whether it is new.
    pub(crate) fn open_dm(&mut self, user: Id) -> Result<(Id, bool), Refusal> {
        let name = self.users.get(&user).ok_or(Refusal::new(400, 50033))?.name.clone();
        if let Some(known) = self.channels.values().find(|channel| channel.recipient == Some(user)) {
            return Ok((known.id, false));
        }
        let id = self.snowflake();
        self.add(id, Kind::Dm, &name).recipient = Some(user);
        Ok((id, true))
    }

    /// Writes a message, or finds the one that has its nonce; the second value tells which.
    pub(crate) fn create_message(&mut self, channel: Id, body: &Value) -> Result<(Id, bool), Refusal> {
        let place = self.channel(channel)?;
        match place.kind {
            Kind::Forum => return Err(Refusal::new(400, 50008)),
            Kind::Thread if place.archived && place.locked => return Err(Refusal::new(400, 50083)),
            Kind::Thread if place.locked => return Err(Refusal::new(400, 160005)),
            _ => {}
        }
        match place.recipient.and_then(|user| self.users.get(&user)).map(|user| user.dms) {
            Some(Dms::Refused) => return Err(Refusal::new(403, 50007)),
            Some(Dms::NoServer) => return Err(Refusal::new(403, 50278)),
            _ => {}
        }
        let nonce = match &body["nonce"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let known = nonce.as_ref().filter(|_| body["enforce_nonce"] == true).and_then(|n| self.nonces.get(n));
        if let Some(id) = known.filter(|id| self.messages.contains_key(*id)) {
            return Ok((*id, false));
        }
        let id = self.snowflake();
        self.write(id, channel, BOT, body);
        if let Some(nonce) = nonce {
            self.nonces.insert(nonce, id);
        }
        Ok((id, true))
    }

    /// Writes a message; a thread that was archived is not so any more.
    pub(crate) fn write(&mut self, id: Id, channel: Id, author: Id, body: &Value) {
        if let Some(place) = self.channels.get_mut(&channel) {
            place.archived = false;
        }
        let nonce = body["nonce"].as_str().map(str::to_owned);
        let body = body.clone();
        self.messages.insert(id, Message { id, channel, author, body, nonce, edited: false });
    }

    /// Replaces those parts of a message that are given.
    pub(crate) fn edit(&mut self, channel: Id, id: Id, change: &Value) -> Result<(), Refusal> {
        self.message(channel, id)?;
        let place = self.channel(channel)?;
        if place.archived {
            return Err(Refusal::new(400, 50083));
        }
        let Some(message) = self.messages.get_mut(&id) else { return Err(Refusal::new(404, 10008)) };
        if message.author != BOT {
            return Err(Refusal::new(403, 50005));
        }
        for part in ["content", "embeds", "components", "flags", "allowed_mentions"] {
            if let Some(value) = change.get(part) {
                message.body[part] = value.clone();
            }
        }
        message.edited = true;
        Ok(())
    }

    /// Brings a thread back from the archive.
    pub(crate) fn unarchive(&mut self, id: Id, change: &Value) -> Result<(), Refusal> {
        let place = self.channels.get_mut(&id).ok_or(Refusal::new(404, 10003))?;
        match place.kind {
            Kind::Thread if change["archived"] != false => Err(Refusal::new(400, 50035)),
            // Whoever locked it alone may do that.
            Kind::Thread if place.locked => Err(Refusal::new(403, 50013)),
            Kind::Thread => {
                place.archived = false;
                Ok(())
            }
            _ => Err(Refusal::new(403, 50013)),
        }
    }

    /// Starts a thread at a message, whose id it gets.
    pub(crate) fn thread_from(&mut self, channel: Id, message: Id, body: &Value) -> Result<Id, Refusal> {
        if self.channel(channel)?.kind != Kind::Text {
            return Err(Refusal::new(400, 50024));
        }
        self.message(channel, message)?;
        if self.channels.contains_key(&message) {
            return Err(Refusal::new(400, 160004));
        }
        self.start_thread(message, channel, body);
        Ok(message)
    }

    /// Starts a thread in a text channel, or a post in a forum, whose first message has its id.
    pub(crate) fn create_thread(&mut self, channel: Id, body: &Value) -> Result<Id, Refusal> {
        let place = self.channel(channel)?;
        let (kind, tags) = (place.kind, place.tags.clone());
        if !matches!(kind, Kind::Text | Kind::Forum) {
            return Err(Refusal::new(400, 50024));
        }
        let applied: Vec<Id> = (body["applied_tags"].as_array().into_iter().flatten())
            .filter_map(|tag| tag.as_str()?.parse().ok())
            .collect();
        if !tags.is_empty() && applied.is_empty() {
            return Err(Refusal::new(400, 40067));
        }
        if applied.iter().any(|tag| !tags.contains(tag)) {
            return Err(Refusal::new(404, 10087));
        }
        let id = self.snowflake();
        self.start_thread(id, channel, body);
        if kind == Kind::Forum {
            self.write(id, id, BOT, &body["message"]);
        }
        Ok(id)
    }

    fn start_thread(&mut self, id: Id, parent: Id, body: &Value) {
        let thread = self.add(id, Kind::Thread, body["name"].as_str().unwrap_or(""));
        thread.parent = Some(parent);
        thread.auto_archive = body["auto_archive_duration"].as_u64().unwrap_or(4320);
        thread.applied =
            body.get("applied_tags").filter(|tags| !tags.is_null()).cloned().unwrap_or(json!([]));
    }

    /// Returns the threads below a channel or, without one, in the whole server.
    pub(crate) fn threads(&self, parent: Option<Id>, archived: bool) -> Vec<&Channel> {
        let wanted = |channel: &&Channel| {
            channel.kind == Kind::Thread
                && channel.archived == archived
                && parent.is_none_or(|parent| channel.parent == Some(parent))
        };
        self.channels.values().rev().filter(wanted).collect()
    }

    /// Returns a channel's name as a person sees it.
    pub(crate) fn place(&self, id: Id) -> String {
        match self.channels.get(&id) {
            Some(Channel { kind: Kind::Dm, name, .. }) => format!("@{name}"),
            Some(Channel { kind: Kind::Thread, name, parent: Some(parent), .. }) => {
                format!("{} > {name}", self.place(*parent))
            }
            Some(channel) => format!("#{}", channel.name),
            None if id == GUILD => "the server".to_owned(),
            None => match self.users.get(&id) {
                Some(user) => format!("@{}", user.name),
                None => id.to_string(),
            },
        }
    }
}
