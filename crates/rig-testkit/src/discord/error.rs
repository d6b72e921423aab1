//! Discord's answers to what it does not do.

use serde_json::{Value, json};

use crate::http::Response;

/// An error of Discord's: the status, the code, and for 50035 a tree of what is wrong where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: u64,
    pub(crate) errors: Option<Value>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: u64) -> Self {
        Self { status, code, errors: None }
    }

    /// 50035, with these texts beside the whole form.
    pub(crate) fn invalid(texts: &[String]) -> Self {
        let errors: Vec<Value> =
            texts.iter().map(|text| json!({ "code": "BASE_TYPE_INVALID", "message": text })).collect();
        Self { status: 400, code: 50035, errors: Some(json!({ "_errors": errors })) }
    }

    pub(crate) fn response(&self) -> Response {
        let mut body = json!({ "message": message(self.status, self.code), "code": self.code });
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        Response::json(self.status, &body)
    }
}

/// Returns Discord's words for a code.
pub(crate) fn message(status: u16, code: u64) -> &'static str {
    match (code, status) {
        (10003, _) => "Unknown Channel",
        (10004, _) => "Unknown Guild",
        (10008, _) => "Unknown Message",
        (10013, _) => "Unknown User",
        (10015, _) => "Unknown Webhook",
        (10062, _) => "Unknown interaction",
        (10087, _) => "Unknown Tag",
        (20016, _) => "This action cannot be performed due to slowmode rate limit",
        (20028, _) => "The channel you are writing has hit the write rate limit",
        (30046, _) => "Maximum number of edits to messages older than 1 hour reached. Try again later",
        (40003, _) => "You are opening direct messages too fast",
        (40060, _) => "Interaction has already been acknowledged",
        (40062, _) => "Service resource is being rate limited",
        (40067, _) => "A tag is required to create a forum post in this channel",
        (50001, _) => "Missing Access",
        (50005, _) => "Cannot edit a message authored by another user",
        (50006, _) => "Cannot send an empty message",
        (50007, _) => "Cannot send messages to this user",
        (50008, _) => "Cannot send messages in a non-text channel",
        (50013, _) => "You lack permissions to perform that action",
        (50024, _) => "Cannot execute action on this channel type",
        (50027, _) => "Invalid webhook token",
        (50033, _) => "Invalid Recipient(s)",
        (50035, _) => "Invalid Form Body",
        (50083, _) => "Tried to perform an operation on an archived thread",
        (50278, _) => "Cannot send messages to this user due to having no mutual guilds",
        (160004, _) => "A thread has already been created for this message",
        (160005, _) => "Thread is locked",
        (160006, _) => "Maximum number of active threads reached",
        (200000, _) => "Message was blocked by automatic moderation",
        (_, 401) => "401: Unauthorized",
        (_, 404) => "404: Not Found",
        (_, 500) => "500: Internal Server Error",
        _ => "Error",
    }
}
