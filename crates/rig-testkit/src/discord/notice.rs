//! What people saw, as data.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::Id;
use super::world::Kind;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A message was written.
    Posted,
    /// A message was changed.
    Edited,
    /// A thread, or a forum's post, was started.
    Thread,
    /// A channel for direct messages was opened. Nobody sees that.
    Dm,
    /// A message was taken back.
    Deleted,
    /// Somebody who clicked was answered; nobody else sees it.
    Reply,
}

/// A notification, or another thing that happened to a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The seconds of the test's clock when it happened, see `FakeDiscord::set_time`.
    pub at: u64,
    /// When it really happened; for benches.
    pub received: SystemTime,
    /// What happened.
    pub what: What,
    /// What the channel is.
    pub kind: Kind,
    /// The channel as a person sees it: `#admin`, `@alice`, `#pulls > acme/app#15 - Add login form`.
    pub place: String,
    /// The channel.
    pub channel: Id,
    /// The message; of a thread, its own id.
    pub message: Id,
    /// The text outside of embeds; of a thread, its name.
    pub content: String,
    /// The embeds as they were sent.
    pub embeds: Vec<Value>,
    /// The action rows as they were sent.
    pub components: Vec<Value>,
    /// Who is really called by it, by name: `@alice`, `@&oncall`, `@everyone`. An edit calls nobody
    /// anew; of an edit, these are those whom it shows as called.
    pub pings: Vec<String>,
    /// The nonce.
    pub nonce: Option<String>,
    /// The flags; 1 << 12 is a message without a sound.
    pub flags: u64,
    /// Whether the same message was posted before: with the same nonce, or, where one of the two
    /// has none, with the same visible text in the same channel.
    pub duplicate: bool,
    /// Whether the sender was left without an answer, or with one that denies it.
    pub lost: bool,
}

impl Notice {
    /// Returns the notification in a line, for comparisons: the place, the content, the titles of
    /// embeds, buttons as `[Label]` (a dead one `(Label)`, a link `<Label>`), who is called, `silent`,
    /// `DUPLICATE`.
    ///
    /// ```text
    /// #admin: <@1175001122334455673> P0 - acme/app#42 [Ack] [Close] pings @alice
    /// edit #admin: P1 - acme/app#42 (Ack) (Close)
    /// thread #pulls > acme/app#15 - Add login form
    /// ```
    #[must_use]
    pub fn line(&self) -> String {
        let mut words = vec![match self.what {
            What::Posted => format!("{}:", self.place),
            What::Edited => format!("edit {}:", self.place),
            What::Thread => format!("thread {}", self.place),
            What::Dm => format!("dm {}", self.place),
            What::Deleted => format!("delete {}:", self.place),
            What::Reply => format!("reply {}:", self.place),
        }];
        if self.what != What::Thread && !self.content.is_empty() {
            words.push(self.content.clone());
        }
        words.extend(self.embeds.iter().filter_map(|embed| embed["title"].as_str()).map(str::to_owned));
        words.extend(self.buttons().into_iter().map(|button| button.to_string()));
        if !self.pings.is_empty() {
            words.push(format!("pings {}", self.pings.join(" ")));
        }
        words.extend((self.flags & (1 << 12) != 0).then(|| "silent".to_owned()));
        words.extend(self.duplicate.then(|| "DUPLICATE".to_owned()));
        words.join(" ")
    }

    /// Returns everything that a person sees, a part a line: [`Notice::line`], then descriptions,
    /// fields and footers.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![self.line()];
        for embed in &self.embeds {
            lines.extend(embed["description"].as_str().map(str::to_owned));
            for field in embed["fields"].as_array().into_iter().flatten() {
                let text = |name: &str| field[name].as_str().unwrap_or("").to_owned();
                lines.push(format!("{}: {}", text("name"), text("value")));
            }
            lines.extend(embed["footer"]["text"].as_str().map(str::to_owned));
        }
        lines.join("\n")
    }

    /// Returns the footer of its first embed.
    #[must_use]
    pub fn footer(&self) -> Option<&str> {
        self.embeds.first()?["footer"]["text"].as_str()
    }

    /// Returns its buttons.
    #[must_use]
    pub fn buttons(&self) -> Vec<Button> {
        buttons(&self.components)
    }

    /// Returns it as JSON, as the program `fake-discord` prints it.
    #[must_use]
    pub fn json(&self) -> Value {
        let received = self.received.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        json!({
            "at": self.at, "received": u64::try_from(received).unwrap_or(u64::MAX), "what": format!("{:?}", self.what).to_lowercase(),
            "kind": format!("{:?}", self.kind).to_lowercase(), "place": self.place,
            "channel": self.channel.to_string(), "message": self.message.to_string(), "content": self.content,
            "embeds": self.embeds, "components": self.components, "pings": self.pings, "nonce": self.nonce,
            "flags": self.flags, "duplicate": self.duplicate, "lost": self.lost, "line": self.line(),
        })
    }

    /// Tells whether `other` says the same again.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        match (&self.nonce, &other.nonce) {
            (Some(one), Some(two)) => one == two,
            _ => self.channel == other.channel && self.unmarked() == other.unmarked(),
        }
    }

    fn unmarked(&self) -> String {
        Self { duplicate: false, ..self.clone() }.text()
    }
}

/// A button of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// Its text.
    pub label: String,
    /// What a click sends; none for a link.
    pub custom_id: Option<String>,
    /// What a click opens.
    pub url: Option<String>,
    /// Whether it cannot be clicked.
    pub disabled: bool,
}

impl std::fmt::Display for Button {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.disabled, &self.url) {
            (true, _) => write!(f, "({})", self.label),
            (false, Some(_)) => write!(f, "<{}>", self.label),
            (false, None) => write!(f, "[{}]", self.label),
        }
    }
}

/// Returns the buttons of action rows.
pub(crate) fn buttons(rows: &[Value]) -> Vec<Button> {
    let all = rows.iter().flat_map(|row| row["components"].as_array().into_iter().flatten());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    all.filter(|component| component["type"] == 2)
        .map(|button| Button {
            label: text(&button["label"]).unwrap_or_default(),
            custom_id: text(&button["custom_id"]),
            url: text(&button["url"]),
            disabled: button["disabled"] == true,
        })
        .collect()
}
