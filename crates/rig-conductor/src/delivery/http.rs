//! One call of Discord's interface, blocking, and what came of it.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Request as HttpRequest};

use crate::settings::Discord;

/// How long one call may take from its start to its end.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The most of an answer that is read: fifty messages of the greatest size are less.
const ANSWER_LIMIT: u64 = 4 * 1024 * 1024;

/// A call that can be made.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub method: &'static str,
    pub path: String,
    /// The path with its ids left out: calls that share a limit.
    pub template: &'static str,
    /// The channel, guild or recipient; limits are counted for each of them.
    pub resource: String,
    pub body: Option<Value>,
}

impl Call {
    fn new(method: &'static str, template: &'static str, resource: &str, path: String) -> Self {
        Self { method, path, template, resource: resource.to_owned(), body: None }
    }

    fn with(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Reads what a channel is.
    pub(super) fn channel(id: &str) -> Self {
        Self::new("GET", "channel", id, format!("/channels/{id}"))
    }

    /// Brings a thread back from the archive.
    pub(super) fn unarchive(thread: &str) -> Self {
        let body = serde_json::json!({ "archived": false });
        Self::new("PATCH", "channel", thread, format!("/channels/{thread}")).with(body)
    }

    /// Posts a message.
    pub(super) fn post(channel: &str, body: Value) -> Self {
        Self::new("POST", "messages", channel, format!("/channels/{channel}/messages")).with(body)
    }

    /// Edits a message.
    pub(super) fn edit(channel: &str, message: &str, body: Value) -> Self {
        Self::new("PATCH", "message", channel, format!("/channels/{channel}/messages/{message}")).with(body)
    }

    /// Deletes a message.
    pub(super) fn delete(channel: &str, message: &str) -> Self {
        Self::new("DELETE", "message", channel, format!("/channels/{channel}/messages/{message}"))
    }

    /// Reads the last messages of a channel.
    pub(super) fn recent(channel: &str) -> Self {
        Self::new("GET", "messages", channel, format!("/channels/{channel}/messages?limit=50"))
    }

    /// Reads one message.
    pub(super) fn message(channel: &str, message: &str) -> Self {
        Self::new("GET", "message", channel, format!("/channels/{channel}/messages/{message}"))
    }

    /// Starts a thread at a message.
    pub(super) fn thread(channel: &str, message: &str, body: Value) -> Self {
        let path = format!("/channels/{channel}/messages/{message}/threads");
        Self::new("POST", "message threads", channel, path).with(body)
    }

    /// Starts a post in a forum.
    pub(super) fn forum_post(forum: &str, body: Value) -> Self {
        Self::new("POST", "threads", forum, format!("/channels/{forum}/threads")).with(body)
    }

    /// Reads the threads of a server that are not archived.
    pub(super) fn active_threads(guild: &str) -> Self {
        Self::new("GET", "active threads", guild, format!("/guilds/{guild}/threads/active"))
    }

    /// Opens the channel of direct messages with a user, or finds it.
    pub(super) fn open_dm(user: &str) -> Self {
        let body = serde_json::json!({ "recipient_id": user });
        Self::new("POST", "dms", "", "/users/@me/channels".to_owned()).with(body)
    }

    /// Says something to the one who clicked, and to nobody else.
    pub(super) fn follow_up(application: &str, token: &str, body: Value) -> Self {
        Self::new("POST", "webhook", application, format!("/webhooks/{application}/{token}")).with(body)
    }
}

/// What an answer says beside its body.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Head {
    pub status: u16,
    pub bucket: Option<String>,
    pub remaining: Option<u64>,
    /// When the bucket is full again, by Discord's clock in seconds: the same for all answers of a round.
    pub reset: Option<f64>,
    /// Seconds until then.
    pub reset_after: Option<f64>,
    /// Seconds after which a 429 may be tried again.
    pub retry_after: Option<f64>,
    pub global: bool,
    /// `user`, `global`, `shared`, or `unknown`.
    pub scope: &'static str,
}

/// An answer of Discord's, or of something in front of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub head: Head,
    /// `None` where it is not JSON.
    pub body: Option<Value>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The request was not sent.
    NotSent(String),
    /// The request may have been carried out.
    Lost(String),
}

/// Calls Discord.
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
    authorization: String,
}

impl Client {
    /// Prepares calls; nothing is sent yet.
    pub(super) fn new(discord: &Discord, public_url: Option<&str>) -> Self {
        let page = public_url.filter(|url| url.contains("://")).unwrap_or("https://rig-conductor.invalid");
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(CALL_TIMEOUT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A proxy in the environment would see the token.
            .proxy(None)
            .max_idle_connections_per_host(16)
            .user_agent(format!("DiscordBot ({page}, {})", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
            base: versioned(&discord.api_url),
            authorization: format!("Bot {}", discord.token.0),
        }
    }

    /// Makes a call.
    pub(super) fn send(&self, call: &Call) -> Result<Answer, NoAnswer> {
        let mut request =
            HttpRequest::builder().method(call.method).uri(format!("{}{}", self.base, call.path));
        // The token of the path is enough there, and goes no further than it has to.
        if call.template != "webhook" {
            request = request.header("authorization", &self.authorization);
        }
        let answer = match &call.body {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body.to_string());
                self.agent.run(request.map_err(|_| NoAnswer::NotSent("the request has no form".to_owned()))?)
            }
            None => {
                let request = request.body(());
                self.agent.run(request.map_err(|_| NoAnswer::NotSent("the request has no form".to_owned()))?)
            }
        };
        let mut answer = answer.map_err(|error| no_answer(&error))?;
        let mut head = Head { status: answer.status().as_u16(), ..head(answer.headers()) };
        let body = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec();
        let body = body.map_err(|error| NoAnswer::Lost(error.to_string()))?;
        let body: Option<Value> = serde_json::from_slice(&body).ok();
        if let Some(body) = body.as_ref().filter(|_| head.status == 429) {
            let said = body["retry_after"].as_f64().unwrap_or(0.0);
            head.retry_after = Some(head.retry_after.unwrap_or(0.0).max(said));
            head.global |= body["global"] == true;
        }
        Ok(Answer { head, body })
    }
}

/// Returns the base URL with the version in it, whether it was given with or without.
fn versioned(base: &str) -> String {
    let base = base.trim_end_matches('/');
    let last = base.rsplit('/').next().unwrap_or_default();
    let is_version =
        last.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
    if is_version { base.to_owned() } else { format!("{base}/v10") }
}

fn head(headers: &HeaderMap) -> Head {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = |name: &str| text(name)?.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    Head {
        status: 0,
        bucket: text("x-ratelimit-bucket").map(str::to_owned),
        remaining: text("x-ratelimit-remaining").and_then(|n| n.parse().ok()),
        reset: seconds("x-ratelimit-reset"),
        reset_after: seconds("x-ratelimit-reset-after"),
        retry_after: seconds("retry-after"),
        global: text("x-ratelimit-global") == Some("true"),
        scope: match text("x-ratelimit-scope") {
            Some("user") => "user",
            Some("global") => "global",
            Some("shared") => "shared",
            _ => "unknown",
        },
    }
}

fn no_answer(error: &ureq::Error) -> NoAnswer {
    use std::io::ErrorKind;
    use ureq::Timeout;
    let unsent = match error {
        ureq::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_) => true,
        _ => false,
    };
    // A URL may hold the token of an interaction.
    let text = match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "the address has no form".to_owned(),
        other => other.to_string(),
    };
    if unsent { NoAnswer::NotSent(text) } else { NoAnswer::Lost(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_in_the_address_once() {
        for (given, expected) in [
            ("https://discord.com/api", "https://discord.com/api/v10"),
            ("https://discord.com/api/", "https://discord.com/api/v10"),
            ("http://127.0.0.1:1/api/v10", "http://127.0.0.1:1/api/v10"),
            ("http://127.0.0.1:1/vault", "http://127.0.0.1:1/vault/v10"),
        ] {
            assert_eq!(versioned(given), expected);
        }
    }
}
