//! An existing Conductor-E behind this service: everything that is no escalation's goes there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::{ApiError, body, members};

/// The most requests that are under way at once.
const AT_ONCE: usize = 32;
/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(2);
const WHOLE: Duration = Duration::from_secs(10);
/// The most bytes of a forwarded body, either way.
pub(super) const LIMIT: usize = 4 * 1024 * 1024;

/// The headers that are handed on, beside the body's own. No token of this service is among them.
const HANDED_ON: [HeaderName; 3] =
    [header::ACCEPT, header::CONTENT_TYPE, HeaderName::from_static("x-request-id")];
/// The headers of an answer that are handed back.
const HANDED_BACK: [HeaderName; 3] = [header::CONTENT_TYPE, header::RETRY_AFTER, header::LINK];

pub(super) struct Upstream {
    base: String,
    agent: ureq::Agent,
    turns: Arc<Semaphore>,
}

/// What the upstream answered.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Upstream {
    pub(super) fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .allow_non_standard_methods(true)
            .user_agent(concat!("rig-conductor/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            base: base.trim_end_matches('/').to_owned(),
            agent: config.into(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Hands a request on as it is.
    ///
    /// # Errors
    /// When the upstream cannot be reached, or its answer is too large.
    pub(super) async fn forward(&self, request: Request) -> Result<Answer, ApiError> {
        let (parts, content) = request.into_parts();
        let content = body::bytes(Request::new(content), LIMIT).await?;
        self.send(parts.method, &parts.uri, &parts.headers, content).await
    }

    /// Hands an event on, [as it was judged here](as_judged).
    ///
    /// # Errors
    /// As [`Upstream::forward`].
    pub(super) async fn event(
        &self,
        head: &Parts,
        content: Bytes,
        operator: Option<&str>,
    ) -> Result<Answer, ApiError> {
        self.send(Method::POST, &head.uri, &head.headers, as_judged(content, operator)).await
    }

    async fn send(
        &self,
        method: Method,
        uri: &Uri,
        headers: &HeaderMap,
        content: Bytes,
    ) -> Result<Answer, ApiError> {
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(ApiError::UpstreamDown("too much waits for it".to_owned()));
        };
        let target = format!("{}{}", self.base, uri.path_and_query().map_or("/", |target| target.as_str()));
        let mut request = ureq::http::Request::builder().method(method).uri(target);
        for name in HANDED_ON {
            if let Some(value) = headers.get(&name) {
                request = request.header(name, value);
            }
        }
        let agent = self.agent.clone();
        let exchange = tokio::task::spawn_blocking(move || {
            // Held until the exchange is over, even when nobody waits for it any more.
            let _turn = turn;
            exchange(&agent, request, &content)
        });
        exchange.await.unwrap_or(Err(ApiError::BadGateway("could not be asked")))
    }
}

fn exchange(
    agent: &ureq::Agent,
    request: ureq::http::request::Builder,
    content: &[u8],
) -> Result<Answer, ApiError> {
    let bad = |_| ApiError::BadGateway("cannot be asked that");
    let answer = match content {
        [] => agent.run(request.body(()).map_err(bad)?),
        content => agent.run(request.body(content).map_err(bad)?),
    };
    let mut answer = answer.map_err(|error| ApiError::UpstreamDown(error.to_string()))?;
    let known = |name: HeaderName| answer.headers().get(&name).map(|value| (name, value.clone()));
    let headers: HashMap<HeaderName, HeaderValue> = HANDED_BACK.into_iter().filter_map(known).collect();
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(LIMIT as u64).read_to_vec();
    let body = body.map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => ApiError::BadGateway("answered with more than 4 MiB"),
        error => ApiError::UpstreamDown(error.to_string()),
    })?;
    Ok(Answer { status, headers: headers.into_iter().collect(), body })
}

impl Answer {
    /// Says whether the upstream does not know the type of an event.
    pub(super) fn is_unknown_type(&self) -> bool {
        let text = String::from_utf8_lossy(&self.body).to_ascii_lowercase();
        self.status == StatusCode::BAD_REQUEST && text.contains("unknown event type")
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, self.headers, Body::from(self.body)).into_response()
    }
}

/// Returns an object with each member once: of several casings the one that was judged here. `operator` is who
/// speaks, whatever the object says.
pub(super) fn as_judged(content: Bytes, operator: Option<&str>) -> Bytes {
    let Ok(Pairs(all)) = serde_json::from_slice::<Pairs<'_>>(&content) else { return content };
    let mut judged: HashMap<String, (bool, usize)> = HashMap::new();
    for (index, (name, _)) in all.iter().enumerate() {
        let camel = members::known(name).is_some_and(|(_, exact)| exact);
        let best = judged.entry(name.to_ascii_lowercase()).or_default();
        *best = (*best).max((camel, index));
    }
    if operator.is_some() {
        judged.remove("operator");
    }
    if judged.len() == all.len() && operator.is_none() {
        return content;
    }
    let kept = all.iter().enumerate().filter(|(index, (name, _))| {
        judged.get(&name.to_ascii_lowercase()).is_some_and(|(_, winner)| winner == index)
    });
    let written = |name: &str, value: &str| format!("{}:{value}", serde_json::Value::from(name));
    let mut parts: Vec<String> = kept.map(|(_, (name, value))| written(name, value.get())).collect();
    parts.extend(operator.map(|name| written("operator", &serde_json::Value::from(name).to_string())));
    Bytes::from(format!("{{{}}}", parts.join(",")))
}

/// The members of an object in their order, values as they are written.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> serde::de::Visitor<'de> for Reader {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut input: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(pair) = input.next_entry()? {
                    all.push(pair);
                }
                Ok(all)
            }
        }
        input.deserialize_map(Reader).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_casings_the_one_that_is_judged_here_is_handed_on() {
        for (given, expected) in [
            (r#"{"type":"HEARTBEAT", "agentId":"a"}"#, r#"{"type":"HEARTBEAT", "agentId":"a"}"#),
            (r#"{"agentId":"a","AgentId":"b","x":1.50}"#, r#"{"agentId":"a","x":1.50}"#),
            (r#"{"AGENTID":"a","AgentId":"b"}"#, r#"{"AgentId":"b"}"#),
            (r#"{"agentId":"a","agentId":"b"}"#, r#"{"agentId":"b"}"#),
            (r#"{"x":{"a":1,"A":2},"X":[]}"#, r#"{"X":[]}"#),
        ] {
            assert_eq!(as_judged(Bytes::from(given), None), expected, "{given}");
        }
    }

    #[test]
    fn who_overrides_is_whose_token_it_is() {
        for given in [
            r#"{"type":"OPERATOR_OVERRIDE","operator":"kari","Operator":"ann"}"#,
            r#"{"type":"OPERATOR_OVERRIDE"}"#,
        ] {
            let expected = r#"{"type":"OPERATOR_OVERRIDE","operator":"stig"}"#;
            assert_eq!(as_judged(Bytes::from(given), Some("stig")), expected, "{given}");
        }
    }
}
