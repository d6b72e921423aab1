//! People who click, and what Discord does with the service's answer.

use serde_json::{Value, json};

use super::notice::{Button, What, buttons};
use super::spec::Spec;
use super::{FakeDiscord, Id, Kind, rules};
use crate::interaction::{Answer, Interaction};

impl FakeDiscord {
    /// Clicks on a button of a message, by its label, and does what the service answers.
    ///
    /// # Panics
    /// When the message has no such button, or it is dead; and as [`Interaction::send`] does.
    #[track_caller]
    #[must_use]
    pub fn click(&self, service: &str, message: Id, label: &str, by: Id) -> Answer {
        let shown = self.message(message).expect("a message");
        let rows = shown["components"].as_array().cloned().unwrap_or_default();
        let live = |button: &&Button| button.label == label && !button.disabled;
        let buttons = buttons(&rows);
        let button = buttons.iter().find(live).unwrap_or_else(|| panic!("no {label} in {buttons:?}"));
        let id = button.custom_id.as_deref().expect("a button that is no link");
        self.interact(service, message, Interaction::click(id).by(by))
    }

    /// Sends an interaction with a message of this server, in direct messages where the message is
    /// there, and does what the service answers: an edit changes the message, an answer is noted
    /// as [`What::Reply`]. With its token the message can be edited from then on.
    ///
    /// # Panics
    /// When there is no such message, and as [`Interaction::send`] does.
    #[track_caller]
    #[must_use]
    pub fn interact(&self, service: &str, message: Id, interaction: Interaction) -> Answer {
        let shown = self.message(message).expect("a message");
        let mut state = self.0.lock();
        let token = format!("interaction-{}", state.own.world.snowflake());
        state.own.interactions.insert(token.clone(), message);
        let channel = state.own.world.messages.get(&message).map_or(0, |message| message.channel);
        let kind = state.own.world.channels.get(&channel).map(|channel| channel.kind);
        drop(state);
        let interaction = interaction.on(&shown).token(&token);
        let interaction = if kind == Some(Kind::Dm) { interaction.direct() } else { interaction };
        let answer = interaction.send(service);
        let own = &mut self.0.lock().own;
        match (answer.status, answer.kind()) {
            (200, 4) => own.note(What::Reply, channel, message, answer.data()),
            (200, 7) => {
                let changed = own.change(channel, message, answer.data());
                changed
                    .unwrap_or_else(|e| panic!("edit of the message of {}: {e:?}", interaction.custom_id()));
            }
            _ => {}
        }
        answer
    }
}

/// Returns what Discord has against an answer to an interaction, and what the rig has.
pub(crate) fn answer_errors(answer: &Value) -> Vec<String> {
    let (schema, edit) = match answer["type"].as_u64() {
        Some(1) => ("PongInteractionCallbackRequest", None),
        Some(4) => ("CreateMessageInteractionCallbackRequest", Some(false)),
        Some(6) => ("UpdateMessageInteractionCallbackRequest", None),
        Some(7) => ("UpdateMessageInteractionCallbackRequest", Some(true)),
        Some(9) => ("ModalInteractionCallbackRequest", None),
        _ => return vec!["it has no type that the rig uses".to_owned()],
    };
    let mut errors = Vec::new();
    if let Some(spec) = Spec::load() {
        let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
        errors.extend(spec.errors(&schema, answer, true));
    }
    if let Some(edit) = edit {
        errors.extend(rules::answer(&answer["data"], edit));
    }
    errors
}
