//! What Discord says about a click.

use serde_json::Value;
use uuid::Uuid;

use crate::settings::Discord;

/// Who clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) name: Option<String>,
    /// In direct messages there are none.
    pub(super) roles: Vec<String>,
}

impl Person {
    pub(super) fn of(interaction: &Value) -> Option<Self> {
        let user = interaction["member"]["user"].as_object().or(interaction["user"].as_object())?;
        let roles = interaction["member"]["roles"].as_array().into_iter().flatten();
        Some(Self {
            id: user.get("id")?.as_str().filter(|id| is_snowflake(id))?.to_owned(),
            name: user.get("username").and_then(Value::as_str).map(rig_text::clean).filter(|n| !n.is_empty()),
            roles: roles.filter_map(|role| role.as_str().map(str::to_owned)).collect(),
        })
    }

    /// Says whether they may press buttons. Where nobody is named, nobody may.
    pub(super) fn may_press(&self, discord: &Discord) -> bool {
        discord.button_users.contains(&self.id)
            || self.roles.iter().any(|role| discord.button_roles.contains(role))
    }

    /// Returns the name under which what they do is recorded.
    pub(super) fn by(&self) -> String {
        format!("discord:{}", rig_text::cut(self.name.as_deref().unwrap_or(&self.id), 64))
    }
}

/// What a button is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Button {
    Ack(Uuid),
    Close(Uuid),
}

impl Button {
    pub(super) fn read(custom_id: &str) -> Option<Self> {
        let (what, id) = custom_id.strip_prefix("esc1:")?.split_once(':')?;
        let id = Uuid::try_parse(id).ok()?;
        match what {
            "ack" => Some(Self::Ack(id)),
            "close" => Some(Self::Close(id)),
            _ => None,
        }
    }
}

/// Returns what was typed into a field of a form, whichever way the form was laid out.
pub(super) fn typed<'a>(interaction: &'a Value, field: &str) -> Option<&'a str> {
    let rows = interaction["data"]["components"].as_array()?;
    let fields = rows.iter().flat_map(|row| match row["components"].as_array() {
        Some(fields) => fields.iter().collect(),
        None => vec![&row["component"]],
    });
    fields.into_iter().find(|one| one["custom_id"] == field)?["value"].as_str()
}

fn is_snowflake(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_ids_of_our_own_buttons_are_read() {
        let id = Uuid::from_u128(1);
        assert_eq!(Button::read(&format!("esc1:ack:{id}")), Some(Button::Ack(id)));
        assert_eq!(Button::read(&format!("esc1:close:{id}")), Some(Button::Close(id)));
        for text in
            ["", "esc1:ack:", "esc1:ack:1", "esc2:ack:x", "esc1:raise:00000000-0000-0000-0000-000000000001"]
        {
            assert_eq!(Button::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_person_is_read_from_a_server_and_from_direct_messages() {
        let member =
            json!({ "member": { "user": { "id": "1", "username": "a\u{202e}lice" }, "roles": ["7"] } });
        let person = Person { id: "1".into(), name: Some("alice".into()), roles: vec!["7".into()] };
        assert_eq!(Person::of(&member), Some(person));
        let person = Person::of(&json!({ "user": { "id": "2" } })).unwrap();
        assert_eq!(person.by(), "discord:2");
        assert_eq!(Person::of(&json!({ "user": { "id": "x" } })), None);
        assert_eq!(Person::of(&json!({})), None);
    }
}
