//! What messages look like. Everything here is a function from values to JSON.
//!
//! The text outside of the embed is made of fixed words and of mentions from the settings alone, and
//! `allowed_mentions` names exactly those. Whatever an agent wrote stands in the embed, escaped.

mod fields;
mod starter;
#[cfg(test)]
mod tests;

use rig_wire::{EscalationState, Route, Severity};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use self::starter::{starter, starter_marker, thread_name};

use self::fields::{Fields, SHORT, VALUE, ago, is_repo, one_line};
use super::text::{escaped, units};
use crate::domain::{Escalation, Policy, shown};
use crate::settings::Discord;

/// The most units of a description.
const DESCRIPTION: usize = 4096;
/// The most units of all text in an embed.
const EMBED: usize = 6000;
/// The most units of the text outside of embeds.
const CONTENT: usize = 2000;
/// A message without a sound.
pub const SILENT: u64 = 1 << 12;

/// An announcement, or the message that it became.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The escalation as it is now.
    pub escalation: &'a Escalation,
    /// When it is raised, and whom it calls.
    pub policy: &'a Policy,
    /// Who is mentioned and who may press buttons.
    pub discord: &'a Discord,
    /// Where people reach the service.
    pub public_url: Option<&'a str>,
    /// Which announcement it is.
    pub round: u32,
    /// The severity that it was sent for.
    pub severity: Severity,
    /// The way that it takes.
    pub route: Route,
    /// Whom it goes to: for a direct message, the user.
    pub target: &'a str,
    /// Whether it may have arrived before.
    pub repeated: bool,
    /// The thread in which it has no place, as a link.
    pub instead_of: Option<&'a str>,
}

impl Message<'_> {
    /// Returns the body of the message without its nonce.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = self.with_mentions();
        body["embeds"] = json!([self.embed()]);
        body["components"] = self.components();
        if self.repeated && self.severity == Severity::P2 {
            body["flags"] = SILENT.into();
        }
        body
    }

    /// Returns a body that says the least and has nothing of an agent's in it, for what Discord refused.
    #[must_use]
    pub fn plain(&self) -> Value {
        let mut body = self.with_mentions();
        let lead = body["content"].as_str().unwrap_or_default();
        let id = self.escalation.id;
        let text = format!("{lead}\nThe text: `rig-escalate show {id}`\n{}", self.marker());
        body["content"] = text.into();
        body["embeds"] = json!([]);
        body["components"] = json!([]);
        body
    }

    /// Returns the words by which this very announcement is found again in its channel.
    #[must_use]
    pub fn marker(&self) -> String {
        marker(self.escalation.id, self.round, self.route)
    }

    fn with_mentions(&self) -> Value {
        let (mentions, allowed) = self.mentions();
        let repeat = if self.repeated { " (may be a repeat)" } else { "" };
        let content = format!("{mentions}{}{repeat}", self.words());
        json!({ "content": content, "allowed_mentions": allowed })
    }

    /// Returns the mentions, and the member that lets them be some. A message that asks nothing of
    /// anybody any more calls nobody.
    fn mentions(&self) -> (String, Value) {
        let none = (String::new(), json!({ "parse": [] }));
        if self.severity != Severity::P0 || !self.is_live() || self.escalation.state != EscalationState::Open
        {
            return none;
        }
        if self.route == Route::DiscordDm {
            let user = self.target;
            return (format!("<@{user}> "), json!({ "parse": [], "users": [user] }));
        }
        let (mut text, mut users, mut roles) = (String::new(), Vec::new(), Vec::new());
        // Room is left for the words behind; more than a hundred ids are not allowed.
        let mut add = |mention: String, list: &mut Vec<Value>, id: &str| {
            if list.len() < 100
                && units(&text) + units(&mention) <= CONTENT - 300
                && !list.contains(&id.into())
            {
                text.push_str(&mention);
                list.push(id.into());
            }
        };
        for role in &self.discord.p0_roles {
            add(format!("<@&{role}> "), &mut roles, role);
        }
        for user in &self.discord.p0_users {
            add(format!("<@{user}> "), &mut users, user);
        }
        if text.is_empty() {
            return none;
        }
        (text, json!({ "parse": [], "users": users, "roles": roles }))
    }

    /// Returns the fixed words that are seen where embeds are not.
    fn words(&self) -> String {
        let now = self.escalation;
        let severity = self.severity;
        match now.state {
            EscalationState::Closed => format!("{severity}: closed."),
            EscalationState::Acked if self.round >= now.level_round => format!("{severity}: acked."),
            _ if self.round < now.level_round => format!("{severity}: now {}.", now.severity),
            _ if self.reminder() > 0 => {
                format!("{severity}: still nobody took it; {} reminder.", ordinal(self.reminder()))
            }
            _ => match severity {
                Severity::P0 => "P0: a person is needed now.".to_owned(),
                Severity::P1 => "P1: a person is needed.".to_owned(),
                Severity::P2 => "P2: guidance is needed.".to_owned(),
            },
        }
    }

    /// Returns which reminder of its level it is; 0 for the first message.
    fn reminder(&self) -> u32 {
        self.round.saturating_sub(self.escalation.level_round)
    }

    /// Says whether it is one that is to be answered: it announced the present level, or is the last reminder.
    fn is_live(&self) -> bool {
        self.round >= self.escalation.level_round
            && (self.round == self.escalation.level_round || self.round >= self.escalation.round)
    }

    fn embed(&self) -> Value {
        let now = self.escalation;
        let number = now.pr_number.or(now.issue_number).map_or_else(String::new, |n| format!("#{n}"));
        let subject =
            now.repo.as_ref().map_or_else(|| now.agent_id.clone(), |repo| format!("{repo}{number}"));
        let title = format!("{} - {}", self.severity, escaped(&one_line(&subject), 240, "…"));
        let fields = self.fields();
        let footer = self.marker();
        let used: usize = fields.iter().map(|(name, value, _)| units(name) + units(value)).sum();
        let left = EMBED - units(&title) - units(&footer) - used;
        let end = format!("… (full text: rig-escalate show {})", now.id);
        let mut description = escaped(&now.reason, left.min(DESCRIPTION), &end);
        if description.is_empty() {
            description.push_str("(no text)");
        }
        let fields: Vec<Value> = fields
            .into_iter()
            .map(|(name, value, inline)| json!({ "name": name, "value": value, "inline": inline }))
            .collect();
        let mut embed = json!({
            "title": title,
            "description": description,
            "color": self.colour(),
            "fields": fields,
            "footer": { "text": footer },
            "timestamp": shown(now.created_at),
        });
        let page = now.pr_number.map(|n| ("pull", n)).or(now.issue_number.map(|n| ("issues", n)));
        if let (Some(repo), Some((kind, number))) = (now.repo.as_deref().filter(|r| is_repo(r)), page) {
            embed["url"] = format!("https://github.com/{repo}/{kind}/{number}").into();
        }
        embed
    }

    fn colour(&self) -> u32 {
        match (self.escalation.state, self.escalation.severity) {
            (EscalationState::Closed, _) => 0x95_A5_A6,
            (EscalationState::Acked, _) => 0x2E_CC_71,
            (EscalationState::Open, Severity::P0) => 0xE7_4C_3C,
            (EscalationState::Open, Severity::P1) => 0xE6_7E_22,
            (EscalationState::Open, Severity::P2) => 0xF1_C4_0F,
        }
    }

    /// Returns the fields: name, value, whether it stands beside others.
    fn fields(&self) -> Vec<(&'static str, String, bool)> {
        let now = self.escalation;
        let mut fields = Fields::default();
        fields.text("Agent", Some(&now.agent_id));
        fields.fixed("Category", now.category.as_str().replace('_', " "));
        fields.number("Issue", now.issue_number);
        fields.number("Pull request", now.pr_number);
        fields.text("Branch", now.branch.as_deref());
        fields.fixed("Created", ago(now.created_at));
        if now.initial_severity != now.severity {
            fields.fixed("Severity", format!("{}, at first {}", now.severity, now.initial_severity));
        }
        match now.state {
            EscalationState::Open => {
                if let (Some(at), Some(to)) = (now.next_bump_at(self.policy), now.severity.raised()) {
                    fields.fixed("Next bump", format!("{to} {}", ago(at)));
                }
            }
            EscalationState::Acked => fields.by("Acked by", now.acked_by.as_deref(), now.acked_at),
            EscalationState::Closed => {
                fields.by("Closed by", now.closed_by.as_deref(), now.closed_at);
                fields.long("Resolution", now.resolution.as_deref(), VALUE);
            }
        }
        if now.note_count > 0 {
            fields.fixed("Notes", now.note_count.to_string());
        }
        if now.state != EscalationState::Closed {
            fields.long("Details", now.details.as_deref(), VALUE);
        }
        if let Some(url) = self.earlier() {
            fields.wide("Before", url);
        }
        if let Some(thread) = self.instead_of {
            fields.wide("Thread", format!("{thread} takes no messages"));
        }
        if now.state == EscalationState::Open && self.is_live() {
            fields.wide("Take it", format!("`rig-escalate ack {}`", now.id));
        }
        fields.0
    }

    /// Returns the address of the last message before this announcement that is known.
    fn earlier(&self) -> Option<String> {
        let before = self.escalation.deliveries.iter().filter(|d| d.round < self.round && d.url.is_some());
        // Everybody sees a channel; a direct message only the one whom it went to.
        let visible = before.filter(|d| {
            d.route != Route::DiscordDm || self.route == Route::DiscordDm && d.target == self.target
        });
        visible.max_by_key(|d| d.round)?.url.clone().filter(|url| units(url) <= SHORT)
    }

    /// Returns the rows of buttons. Only those who may press them get some.
    fn components(&self) -> Value {
        let now = self.escalation;
        let id = now.id;
        if has_buttons(self.discord, self.route, self.target) {
            if now.state == EscalationState::Closed || !self.is_live() {
                return json!([]);
            }
            let acked = now.state == EscalationState::Acked;
            return json!([{ "type": 1, "components": [
                { "type": 2, "style": 1, "label": "Ack", "custom_id": format!("esc1:ack:{id}"), "disabled": acked },
                { "type": 2, "style": 2, "label": "Close", "custom_id": format!("esc1:close:{id}") },
            ] }]);
        }
        let url = self.public_url.map(|base| format!("{}/api/escalations/{id}", base.trim_end_matches('/')));
        match url.filter(|url| units(url) <= 512) {
            Some(url) => json!([{ "type": 1, "components": [
                { "type": 2, "style": 5, "label": "Open", "url": url },
            ] }]),
            None => json!([]),
        }
    }
}

/// Says whether a message on a route has buttons: clicks can be verified, and somebody who sees the
/// message may click. In direct messages Discord names no roles.
#[must_use]
pub fn has_buttons(discord: &Discord, route: Route, target: &str) -> bool {
    let users = &discord.button_users;
    discord.public_key.is_some()
        && match route {
            Route::DiscordDm => users.iter().any(|user| user == target),
            Route::DiscordChannel | Route::DiscordThread => {
                !users.is_empty() || !discord.button_roles.is_empty()
            }
        }
}

/// Returns the words by which an announcement is found again.
#[must_use]
pub fn marker(id: Uuid, round: u32, route: Route) -> String {
    let place = route.as_str().trim_start_matches("discord_");
    format!("esc {id} · {round}/{place}")
}

fn ordinal(n: u32) -> String {
    let end = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

/// Adds the nonce by which Discord knows a second try of the same message.
#[must_use]
pub fn with_nonce(mut body: Value, nonce: &str) -> Value {
    if let Some(members) = body.as_object_mut() {
        let more: Map<String, Value> =
            [("nonce".to_owned(), nonce.into()), ("enforce_nonce".to_owned(), true.into())]
                .into_iter()
                .collect();
        members.extend(more);
    }
    body
}
