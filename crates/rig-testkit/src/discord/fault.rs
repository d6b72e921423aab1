//! How Discord fails when a test asks for it.

use std::time::Duration;

use serde_json::{Value, json};

use super::error::Refusal;
use crate::http::Response;

/// What happens to a request instead of its proper answer. Unless it says otherwise, the request
/// has no effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// 429 of the route's own bucket; come back after so many seconds.
    RateLimited(f64),
    /// 429 of the bot as a whole.
    GlobalLimit(f64),
    /// 429 that is shared with others and does not count as an invalid request.
    SharedLimit(f64),
    /// 429 with a page of HTML, from the edge.
    EdgeLimit,
    /// An error with this status and code in Discord's own shape: [`Fault::MISSING_ACCESS`] and others.
    Error(u16, u64),
    /// 400 with code 50035 and this tree of errors.
    InvalidForm(Value),
    /// A status with a page of HTML, from the edge; 200 for a captive portal.
    Html(u16),
    /// Says nothing until `release()` or the end of this time, then closes the connection.
    Hang(Duration),
    /// Closes the connection at once.
    Close,
    /// Does what is asked, then closes the connection without an answer.
    AcceptThenClose,
    /// Does what is asked, then says nothing until `release()` or the end of this time.
    AcceptThenHang(Duration),
    /// Does what is asked, then answers with this status and a page of HTML.
    AcceptThenHtml(u16),
    /// Waits so long, or until `release()`, then answers as it should.
    Delay(Duration),
}

impl Fault {
    /// 401: the token is not known.
    pub const UNAUTHORIZED: Self = Self::Error(401, 0);
    /// 500 with a JSON body.
    pub const SERVER_ERROR: Self = Self::Error(500, 0);
    /// 502 from the edge.
    pub const BAD_GATEWAY: Self = Self::Html(502);
    /// 503 from the edge.
    pub const UNAVAILABLE: Self = Self::Html(503);
    /// 403, 50001.
    pub const MISSING_ACCESS: Self = Self::Error(403, 50001);
    /// 403, 50013.
    pub const MISSING_PERMISSION: Self = Self::Error(403, 50013);
    /// 403, 50007.
    pub const CANNOT_DM: Self = Self::Error(403, 50007);
    /// 404, 10003: the channel or thread was deleted.
    pub const UNKNOWN_CHANNEL: Self = Self::Error(404, 10003);
    /// 404, 10008.
    pub const UNKNOWN_MESSAGE: Self = Self::Error(404, 10008);
    /// 400, 50083: the thread is archived, and locked.
    pub const ARCHIVED_THREAD: Self = Self::Error(400, 50083);
    /// 400, 160005.
    pub const LOCKED_THREAD: Self = Self::Error(400, 160005);
    /// 400, 160004: the message has a thread.
    pub const THREAD_EXISTS: Self = Self::Error(400, 160004);
    /// 400, 160006.
    pub const TOO_MANY_THREADS: Self = Self::Error(400, 160006);
    /// 400, 40003.
    pub const DMS_TOO_FAST: Self = Self::Error(400, 40003);
    /// 400, 200000.
    pub const AUTO_MODERATION: Self = Self::Error(400, 200000);
    /// 400, 30046.
    pub const TOO_MANY_EDITS: Self = Self::Error(400, 30046);

    /// 400, 50035, with the tree that Discord sends for a field of an embed that is too long.
    #[must_use]
    pub fn invalid_form() -> Self {
        let error = json!({ "code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 4096 or fewer in length." });
        Self::InvalidForm(json!({ "embeds": { "0": { "description": { "_errors": [error] } } } }))
    }

    /// Returns the answer of a fault without an effect; none for those that are no answer.
    pub(crate) fn response(&self) -> Option<Response> {
        match self {
            Self::RateLimited(seconds) => Some(limited(*seconds, "user")),
            Self::GlobalLimit(seconds) => Some(limited(*seconds, "global")),
            Self::SharedLimit(seconds) => Some(limited(*seconds, "shared")),
            Self::EdgeLimit => Some(page(429).header("retry-after", "60")),
            Self::Error(status, code) => Some(Refusal::new(*status, *code).response()),
            Self::InvalidForm(errors) => {
                Some(Refusal { status: 400, code: 50035, errors: Some(errors.clone()) }.response())
            }
            Self::Html(status) => Some(page(*status)),
            _ => None,
        }
    }
}

/// A 429 with everything that the documentation says it has.
pub(crate) fn limited(seconds: f64, scope: &str) -> Response {
    let (global, text) = match scope {
        "shared" => (false, "The resource is being rate limited."),
        _ => (scope == "global", "You are being rate limited."),
    };
    let body = json!({ "message": text, "retry_after": seconds, "global": global });
    let response = Response::json(429, &body)
        .header("retry-after", &format!("{:.0}", seconds.ceil()))
        .header("x-ratelimit-scope", scope);
    if global { response.header("x-ratelimit-global", "true") } else { response }
}

/// A page of the edge, in front of Discord.
pub(crate) fn page(status: u16) -> Response {
    Response::new(
        status,
        "text/html",
        format!("<html><head><title>{status}</title></head><body></body></html>"),
    )
}
