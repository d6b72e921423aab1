//! What Discord sends when somebody clicks: signed requests to the service's interactions endpoint.
//!
//! ```no_run
//! use rig_testkit::discord::{ALICE, FakeDiscord, ONCALL};
//! use rig_testkit::interaction::{Interaction, public_key};
//!
//! // The service is told public_key() and listens at `service`.
//! # let (discord, service, message) = (FakeDiscord::start(), "http://127.0.0.1:1", 1);
//! let answer = discord.click(service, message, "Ack", ALICE); // and does what the answer says
//! assert_eq!((answer.status, answer.kind()), (200, 7));
//!
//! let ping = Interaction::ping().send(service);
//! let forged = Interaction::click("esc1:ack:1").by(ALICE).roles(&[ONCALL]).forged().send(service);
//! assert_eq!((ping.kind(), forged.status), (1, 401));
//! ```
//!
//! A successful answer is held against Discord's description; one that Discord would not take
//! fails the test.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::discord::{ADMIN, ALICE, APPLICATION, GUILD, Id, answer_errors};
use crate::http::exchange;

/// Where the service takes interactions.
pub const PATH: &str = "/api/discord/interactions";

/// The seed of the application's key, and of a key that is not the application's.
const SEED: [u8; 32] = *b"a fixed seed for tests, not safe";
const OTHER: [u8; 32] = *b"the seed of somebody else's key!";

/// Returns the public key of the test's application in hexadecimal digits.
#[must_use]
pub fn public_key() -> String {
    hex(pair(&SEED).public_key().as_ref())
}

/// An interaction, and what is wrong with its request.
#[derive(Clone, Debug)]
#[must_use]
pub struct Interaction {
    body: Value,
    user: Id,
    roles: Vec<Id>,
    direct: bool,
    /// The seconds since 1970 in its timestamp; none for the present.
    at: Option<u64>,
    seed: [u8; 32],
    wrong: Option<Wrong>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Unsigned,
    Tampered,
    Garbled,
}

/// What the service answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; null where it is not JSON.
    pub body: Value,
}

impl Answer {
    /// Returns the type of the answer: 1 pong, 4 a message, 6 later, 7 an edit, 9 a form; 0 for none.
    #[must_use]
    pub fn kind(&self) -> u64 {
        self.body["type"].as_u64().unwrap_or(0)
    }

    /// Returns what the answer shows.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }
}

impl Interaction {
    /// The question whether the endpoint is there.
    pub fn ping() -> Self {
        Self::new(1, Value::Null)
    }

    /// A click on a button, by alice in the server unless more is said.
    pub fn click(custom_id: &str) -> Self {
        Self::new(3, json!({ "custom_id": custom_id, "component_type": 2, "id": 2 }))
    }

    /// The answer to a form: the data of the service's answer of type 9, and what was typed into
    /// each of its fields, by `custom_id`.
    pub fn submit(form: &Value, typed: &[(&str, &str)]) -> Self {
        let field = |field: &Value| {
            let text = typed.iter().find(|(id, _)| field["custom_id"] == *id).map_or("", |(_, text)| text);
            json!({ "type": field["type"], "id": 2, "custom_id": field["custom_id"], "value": text })
        };
        let rows = form["components"].as_array().into_iter().flatten().map(|row| {
            let mut sent = json!({ "type": row["type"], "id": 1 });
            if let Some(fields) = row["components"].as_array() {
                sent["components"] = fields.iter().map(field).collect();
            } else {
                sent["component"] = field(&row["component"]);
            }
            sent
        });
        let rows: Vec<Value> = rows.collect();
        Self::new(5, json!({ "custom_id": form["custom_id"], "components": rows }))
    }

    fn new(kind: u64, data: Value) -> Self {
        let mut body = json!({
            "id": "1300000000000000777", "application_id": APPLICATION.to_string(), "type": kind, "version": 1,
            "token": format!("interaction-token-{kind}"), "locale": "en-US", "entitlements": [],
            "authorizing_integration_owners": {}, "app_permissions": "0", "attachment_size_limit": 524_288,
        });
        if !data.is_null() {
            body["data"] = data;
            body["channel_id"] = ADMIN.to_string().into();
        }
        Self { body, user: ALICE, roles: Vec::new(), direct: false, at: None, seed: SEED, wrong: None }
    }

    /// Lets this user do it.
    pub fn by(mut self, user: Id) -> Self {
        self.user = user;
        self
    }

    /// Gives the user roles in the server.
    pub fn roles(mut self, roles: &[Id]) -> Self {
        self.roles = roles.to_vec();
        self
    }

    /// Lets it happen in direct messages, where there are no roles.
    pub fn direct(mut self) -> Self {
        self.direct = true;
        self
    }

    /// Names the message with the button, as Discord shows it, and its channel.
    pub fn on(self, message: &Value) -> Self {
        let channel = message["channel_id"].clone();
        self.set("message", message.clone()).set("channel_id", channel)
    }

    /// Sets the token by which its message can be edited later.
    pub fn token(self, token: &str) -> Self {
        self.set("token", token.into())
    }

    /// Sets a member of the body.
    pub fn set(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }

    /// Signs it with a timestamp of these seconds since 1970, as a replayed request would have it.
    pub fn at(mut self, seconds: u64) -> Self {
        self.at = Some(seconds);
        self
    }

    /// Signs it with a timestamp so many seconds ago.
    pub fn old(self, seconds: u64) -> Self {
        let now = now();
        self.at(now - seconds)
    }

    /// Signs it with another key.
    pub fn forged(mut self) -> Self {
        self.seed = OTHER;
        self
    }

    /// Leaves the headers of the signature out.
    pub fn unsigned(mut self) -> Self {
        self.wrong = Some(Wrong::Unsigned);
        self
    }

    /// Changes the body after it was signed.
    pub fn tampered(mut self) -> Self {
        self.wrong = Some(Wrong::Tampered);
        self
    }

    /// Sends a signature that is none.
    pub fn garbled(mut self) -> Self {
        self.wrong = Some(Wrong::Garbled);
        self
    }

    /// Returns the headers and the body of the request.
    #[must_use]
    pub fn request(&self) -> (Vec<(&'static str, String)>, String) {
        let mut body = self.body.clone();
        let user = json!({ "id": self.user.to_string(), "username": "somebody", "discriminator": "0" });
        if self.body["type"] != 1 && self.direct {
            body["user"] = user;
            body["context"] = 1.into();
        } else if self.body["type"] != 1 {
            let roles: Vec<String> = self.roles.iter().map(Id::to_string).collect();
            body["member"] = json!({ "user": user, "roles": roles, "permissions": "0", "flags": 0 });
            body["guild_id"] = GUILD.to_string().into();
            body["context"] = 0.into();
        }
        let mut text = body.to_string();
        let time = self.at.unwrap_or_else(now).to_string();
        let mut signature = hex(pair(&self.seed).sign(format!("{time}{text}").as_bytes()).as_ref());
        match self.wrong {
            Some(Wrong::Tampered) => text.push(' '),
            Some(Wrong::Garbled) => signature = format!("zz{}", &signature[2..]),
            _ => {}
        }
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "Discord-Interactions/1.0 (+https://discord.com)".to_owned()),
        ];
        if self.wrong != Some(Wrong::Unsigned) {
            headers.push(("x-signature-ed25519", signature));
            headers.push(("x-signature-timestamp", time));
        }
        (headers, text)
    }

    /// Sends it to the service at a base URL.
    ///
    /// # Panics
    /// When the service does not answer, or answers 200 with something that Discord would not take.
    #[track_caller]
    #[must_use]
    pub fn send(&self, service: &str) -> Answer {
        let (headers, body) = self.request();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let response = exchange(service, "POST", PATH, &headers, &body).expect("an answer to an interaction");
        let answer = Answer {
            status: response.status,
            body: serde_json::from_slice(&response.body).unwrap_or(Value::Null),
        };
        if answer.status == 200 {
            let kind = response.get("content-type").and_then(|kind| kind.split(';').next());
            assert_eq!(kind, Some("application/json"), "the type of the answer {}", answer.body);
            let errors = answer_errors(&answer.body);
            assert!(errors.is_empty(), "Discord does not take {}: {}", answer.body, errors.join("; "));
        }
        answer
    }

    pub(crate) fn custom_id(&self) -> &str {
        self.body["data"]["custom_id"].as_str().unwrap_or("")
    }
}

fn pair(seed: &[u8; 32]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed has 32 bytes")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
