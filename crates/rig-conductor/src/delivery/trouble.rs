//! What a call came to when it did not come to what was asked for, and what follows from it.

use std::time::Duration;

use rig_wire::Severity;
use serde_json::Value;

use super::http::Answer;
use super::limits::jitter;

/// Why a call did not do what was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// It was not made: its turn comes after this time.
    Wait(Duration),
    /// Discord did nothing and asks to come back after this time.
    Later(Duration, String),
    /// Nobody knows whether it was done, if `uncertain`; it was not sent otherwise.
    NoAnswer { text: String, uncertain: bool },
    /// The bot's token is not taken.
    Unauthorized,
    /// Discord refuses it, and would again.
    Refused(Refusal),
}

/// A refusal of Discord's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub status: u16,
    /// 0 where it has none.
    pub code: u64,
    pub text: String,
}

/// After this time a channel is opened again to a user, when too many were.
const DM_REST: Duration = Duration::from_secs(600);

impl Trouble {
    /// Reads an answer; `Ok` is what was asked for. `wait` is for how long the answer asks to wait.
    pub(super) fn of(answer: Answer, wait: Option<Duration>) -> Result<Value, Self> {
        let status = answer.head.status;
        let code = answer.body.as_ref().and_then(|body| body["code"].as_u64()).unwrap_or(0);
        if code == DMS_TOO_FAST {
            return Err(Self::Later(wait.unwrap_or_default().max(DM_REST), refused(status, code)));
        }
        if let Some(wait) = wait {
            return Err(Self::Later(wait, format!("asked to wait ({status})")));
        }
        match (status, answer.body) {
            (204, _) => Ok(Value::Null),
            (200..=299, Some(body)) => Ok(body),
            // Something in front of Discord answers for it.
            (200..=399, _) => Err(Self::unknown(format!("answered {status} with what is no JSON"))),
            (401, _) => Err(Self::Unauthorized),
            (500..=599, _) => Err(Self::unknown(format!("answered {status}"))),
            (_, body) => Err(match code {
                SLOWMODE | WRITE_LIMIT | WRITE_LIMIT_SERVER | BUSY | OLD_EDITS => {
                    let said = body.as_ref().and_then(|b| b["retry_after"].as_f64()).unwrap_or(0.0);
                    let said = Duration::try_from_secs_f64(said).unwrap_or(DM_REST);
                    Self::Later(said.max(Duration::from_secs(10)), refused(status, code))
                }
                _ => Self::Refused(Refusal { status, code, text: refused(status, code) }),
            }),
        }
    }

    fn unknown(text: String) -> Self {
        Self::NoAnswer { text, uncertain: true }
    }

    /// Returns the code of a refusal; 0 for anything else.
    #[must_use]
    pub(super) fn code(&self) -> u64 {
        if let Self::Refused(refusal) = self { refusal.code } else { 0 }
    }

    /// Says whether what was named by an id is not there.
    #[must_use]
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == 404)
    }

    /// Says whether the message itself is what Discord does not take.
    #[must_use]
    pub(super) fn is_about_content(&self) -> bool {
        matches!(self.code(), EMPTY | INVALID_FORM | INVALID_JSON | AUTO_MODERATION | AUTO_MODERATION_TITLE)
    }
}

pub(super) const UNKNOWN_MESSAGE: u64 = 10008;
const SLOWMODE: u64 = 20016;
const WRITE_LIMIT: u64 = 20028;
const WRITE_LIMIT_SERVER: u64 = 20029;
const OLD_EDITS: u64 = 30046;
const DMS_TOO_FAST: u64 = 40003;
const BUSY: u64 = 40062;
pub(super) const TAG_REQUIRED: u64 = 40067;
const EMPTY: u64 = 50006;
pub(super) const INVALID_FORM: u64 = 50035;
pub(super) const ARCHIVED: u64 = 50083;
const INVALID_JSON: u64 = 50109;
pub(super) const THREAD_EXISTS: u64 = 160_004;
pub(super) const LOCKED: u64 = 160_005;
pub(super) const TOO_MANY_THREADS: u64 = 160_006;
const AUTO_MODERATION: u64 = 200_000;
const AUTO_MODERATION_TITLE: u64 = 200_001;

/// Returns a refusal in words of our own: Discord's may quote what was sent.
fn refused(status: u16, code: u64) -> String {
    let meaning = match code {
        10003 => "the channel is gone",
        UNKNOWN_MESSAGE => "the message is gone",
        10013 => "no such user",
        10015 => "no such webhook",
        SLOWMODE | WRITE_LIMIT | WRITE_LIMIT_SERVER | BUSY => "too much is written there",
        OLD_EDITS => "too many edits of old messages",
        DMS_TOO_FAST => "direct messages are opened too fast",
        TAG_REQUIRED => "the forum requires a tag",
        50001 => "the bot does not see the channel: it needs View Channel",
        50005 => "the message is somebody else's",
        EMPTY => "the message is empty",
        50007 => "the user takes no direct messages from the bot",
        50013 => {
            "the bot may not do this: it needs Send Messages, Send Messages in Threads, Embed Links, \
             Create Public Threads and Read Message History"
        }
        INVALID_FORM | INVALID_JSON => "the message has not the right form",
        ARCHIVED => "the thread is archived",
        50278 => "the user shares no server with the bot",
        THREAD_EXISTS => "the message has a thread",
        LOCKED => "the thread is locked",
        TOO_MANY_THREADS => "too many threads are active",
        AUTO_MODERATION | AUTO_MODERATION_TITLE => "auto-moderation took it away",
        0 => return format!("refused with {status}"),
        _ => return format!("refused with {status} ({code})"),
    };
    format!("refused with {status} ({code}): {meaning}")
}

/// Returns where and how a form is wrong, as paths and codes alone: the texts may quote what was sent.
#[must_use]
pub(super) fn form_errors(body: &Value) -> String {
    fn collect(value: &Value, path: &str, out: &mut Vec<String>) {
        let Value::Object(members) = value else { return };
        for (name, inner) in members {
            if name == "_errors" {
                let codes = inner.as_array().into_iter().flatten().filter_map(|error| error["code"].as_str());
                out.extend(codes.map(|code| format!("{path}: {}", rig_text::cut(code, 100))));
            } else {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(inner, &path, out);
            }
        }
    }
    let mut out = Vec::new();
    collect(&body["errors"], "", &mut out);
    rig_text::cut(&rig_text::clean(&out.join(", ")), 1000)
}

/// After so many attempts that nobody has told about, a message is taken for what ends those who send it. Each
/// lasts a lease, so that is most of an hour; other causes of a process's death have passed by then.
pub(super) const LOST: u32 = 50;

/// Returns after how many attempts, those not counted of which nobody has told, a message is given up on its route.
#[must_use]
pub(super) fn tries(severity: Severity) -> u32 {
    match severity {
        Severity::P0 => 8,
        Severity::P1 => 6,
        Severity::P2 => 4,
    }
}

/// Returns how long to wait after an attempt, counted from 1: a second, doubled each time, at most a
/// minute, and a random part of that more.
#[must_use]
pub(super) fn backoff(attempt: u32) -> Duration {
    let wait = Duration::from_secs(1 << attempt.saturating_sub(1).min(6)).min(Duration::from_secs(60));
    wait + jitter(wait / 5)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::http::Head;
    use super::*;

    fn read(status: u16, body: Option<Value>) -> Result<Value, Trouble> {
        Trouble::of(Answer { head: Head { status, ..Head::default() }, body }, None)
    }

    #[test]
    fn every_answer_has_its_meaning() {
        let code = |code: u64| Some(json!({ "code": code, "message": "text of Discord's" }));
        for (status, body, expected) in [
            (200, Some(json!({"id": "1"})), "done"),
            (204, None, "done"),
            (200, None, "no answer"),
            (302, None, "no answer"),
            (500, code(0), "no answer"),
            (502, None, "no answer"),
            (503, None, "no answer"),
            (504, None, "no answer"),
            (401, code(0), "unauthorized"),
            (400, code(20016), "later 10"),
            (400, code(20028), "later 10"),
            (400, code(40062), "later 10"),
            (400, code(30046), "later 10"),
            (400, code(40003), "later 600"),
            (429, code(40003), "later 600"),
            (400, code(50035), "content 50035"),
            (400, code(50006), "content 50006"),
            (400, code(50109), "content 50109"),
            (400, code(200_000), "content 200000"),
            (404, code(10003), "missing 10003"),
            (404, code(10008), "missing 10008"),
            (404, None, "missing 0"),
            (403, code(50001), "refused 50001"),
            (403, code(50007), "refused 50007"),
            (403, code(50013), "refused 50013"),
            (403, code(50278), "refused 50278"),
            (400, code(50083), "refused 50083"),
            (400, code(160_004), "refused 160004"),
            (400, code(160_005), "refused 160005"),
            (400, code(160_006), "refused 160006"),
            (413, None, "refused 0"),
        ] {
            let said = match read(status, body.clone()) {
                Ok(_) => "done".to_owned(),
                Err(Trouble::Later(after, _)) => format!("later {}", after.as_secs()),
                Err(Trouble::NoAnswer { uncertain: true, .. }) => "no answer".to_owned(),
                Err(Trouble::Unauthorized) => "unauthorized".to_owned(),
                Err(other) if other.is_about_content() => format!("content {}", other.code()),
                Err(other) if other.is_missing() => format!("missing {}", other.code()),
                Err(Trouble::Refused(refusal)) => format!("refused {}", refusal.code),
                Err(other) => format!("{other:?}"),
            };
            assert_eq!(said, expected, "{status} {body:?}");
        }
    }

    #[test]
    fn errors_of_a_form_are_told_without_what_was_sent() {
        let body = json!({ "code": 50035, "errors": {
            "embeds": { "0": { "description": { "_errors": [{ "code": "TOO_LONG", "message": "secret text" }] } } },
            "_errors": [{ "code": "WHOLE", "message": "secret" }],
        } });
        assert_eq!(form_errors(&body), ": WHOLE, embeds.0.description: TOO_LONG");
        assert_eq!(form_errors(&Value::Null), "");
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        for (attempt, least) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (1000, 60)] {
            let (wait, least) = (backoff(attempt), Duration::from_secs(least));
            assert!(wait >= least && wait <= least * 6 / 5, "{attempt}: {wait:?}");
        }
    }
}
