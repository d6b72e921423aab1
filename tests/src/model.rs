//! A model's service on loopback that plays a script and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rig_testkit::http::{Reply, Request, Response, Server};
use serde_json::{Value, json};

/// The model's name, in requests and answers.
pub const NAME: &str = "claude-sonnet-4-5-20250929";

/// What the client asks for when a conversation is to be summed up.
const COMPACTION: &str = "detailed summary of the conversation";

/// Where the client's own count of tokens begins, at the end of the last result of a request.
const TOKEN_COUNT: &str = "\n\n<system-reminder>\n<total_tokens>";

/// One answer of the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// Says something and ends its turn.
    Say(String),
    /// Calls tools, all in one message.
    Call(Vec<(String, Value)>),
    /// Fails with this status, as an overloaded service does.
    Fail(u16),
}

impl Turn {
    /// Says something and ends its turn.
    #[must_use]
    pub fn say(text: &str) -> Self {
        Self::Say(text.to_owned())
    }

    /// Calls one tool.
    #[must_use]
    pub fn call(tool: &str, input: Value) -> Self {
        Self::Call(vec![(tool.to_owned(), input)])
    }
}

/// What the model was told about a call that it made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// The text, without the client's count of tokens.
    pub text: String,
    /// Whether it was marked as an error; a refused call is.
    pub is_error: bool,
}

/// The running service; it stops when dropped.
#[derive(Debug)]
pub struct Model {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Turn>,
    /// Scripts of conversations whose first message holds a text.
    marked: Vec<(String, VecDeque<Turn>)>,
    calls: usize,
    requests: Vec<Value>,
}

impl Model {
    /// Starts one without a script; where the script has ended it says "done".
    #[must_use]
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let handler = Arc::clone(&state);
        let server = Server::start(move |request| Reply::Send(answer(&handler, request)));
        Self { server, state }
    }

    /// Returns the base URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Adds turns to the end of the script.
    pub fn plays(&self, turns: impl IntoIterator<Item = Turn>) {
        lock(&self.state).script.extend(turns);
    }

    /// Plays turns in the conversation whose first message holds `mark`, such as that of a subagent
    /// whose prompt it is.
    pub fn plays_in(&self, mark: &str, turns: impl IntoIterator<Item = Turn>) {
        lock(&self.state).marked.push((mark.to_owned(), turns.into_iter().collect()));
    }

    /// Returns the requests of the conversation itself, without those for titles and summaries.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        lock(&self.state).requests.clone()
    }

    /// Returns the texts that the user's side of a request holds, tool results aside.
    #[must_use]
    pub fn told(request: &Value) -> Vec<String> {
        let texts = |message: &Value| match &message["content"] {
            Value::String(text) => vec![text.clone()],
            content => list(content).iter().filter_map(|b| b["text"].as_str().map(str::to_owned)).collect(),
        };
        list(&request["messages"]).iter().filter(|m| m["role"] == "user").flat_map(texts).collect()
    }

    /// Returns the results of every call so far, in the order of the calls.
    ///
    /// # Panics
    /// When a call got no result.
    #[must_use]
    pub fn results(&self) -> Vec<ToolResult> {
        let state = lock(&self.state);
        (1..=state.calls).map(|n| state.result(&call_id(n)).expect("a result for every call")).collect()
    }
}

impl State {
    fn result(&self, id: &str) -> Option<ToolResult> {
        let blocks =
            self.requests.iter().rev().flat_map(|r| list(&r["messages"])).flat_map(|m| list(&m["content"]));
        let is_result = |b: &&Value| b["type"] == "tool_result" && b["tool_use_id"] == id;
        let block = blocks.into_iter().find(is_result)?;
        let text = text(&block["content"]);
        let text = text.split(TOKEN_COUNT).next().unwrap_or("").to_owned();
        Some(ToolResult { text, is_error: block["is_error"] == true })
    }

    fn next(&mut self, request: Value) -> Turn {
        let last = list(&request["messages"]).last().map(|m| text(&m["content"])).unwrap_or_default();
        if last.contains(COMPACTION) {
            return Turn::say("<analysis>short</analysis><summary>a summary of what was said</summary>");
        }
        if list(&request["tools"]).is_empty() {
            return Turn::say("ok");
        }
        let first = list(&request["messages"]).first().map(|m| text(&m["content"])).unwrap_or_default();
        self.requests.push(request);
        let marked = self.marked.iter_mut().find(|(mark, _)| first.contains(mark.as_str()));
        let script = marked.map_or(&mut self.script, |(_, script)| script);
        script.pop_front().unwrap_or_else(|| Turn::say("done"))
    }

    fn blocks(&mut self, turn: Turn) -> (Vec<Value>, &'static str) {
        let calls = match turn {
            Turn::Call(calls) => calls,
            Turn::Say(text) => return (vec![json!({ "type": "text", "text": text })], "end_turn"),
            Turn::Fail(_) => return (Vec::new(), "end_turn"),
        };
        let block = |(tool, input)| {
            self.calls += 1;
            json!({ "type": "tool_use", "id": call_id(self.calls), "name": tool, "input": input })
        };
        (calls.into_iter().map(block).collect(), "tool_use")
    }
}

fn call_id(number: usize) -> String {
    format!("toolu_rig{number:04}")
}

fn answer(state: &Mutex<State>, request: &Request) -> Response {
    match (request.method.as_str(), request.path()) {
        ("GET", "/v1/models") => {
            let model = json!({
                "type": "model", "id": NAME, "display_name": NAME, "created_at": "2025-01-01T00:00:00Z",
            });
            let page = json!({ "data": [model], "has_more": false, "first_id": NAME, "last_id": NAME });
            Response::json(200, &page)
        }
        ("POST", "/v1/messages/count_tokens") => {
            Response::json(200, &json!({ "input_tokens": tokens(request) }))
        }
        ("POST", "/v1/messages") => converse(&mut lock(state), request),
        _ => Response::json(200, &json!({})),
    }
}

fn converse(state: &mut State, request: &Request) -> Response {
    let body = request.json();
    let streamed = body["stream"] == true;
    let turn = state.next(body);
    if let Turn::Fail(status) = turn {
        let error = json!({ "type": "overloaded_error", "message": "the script says so" });
        return Response::json(status, &json!({ "type": "error", "error": error }));
    }
    let (blocks, stop) = state.blocks(turn);
    let usage = json!({
        "input_tokens": tokens(request), "output_tokens": 8,
        "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
    });
    let message = json!({
        "id": format!("msg_rig{:05}", state.requests.len()), "type": "message", "role": "assistant",
        "model": NAME, "content": blocks, "stop_reason": stop, "stop_sequence": null, "usage": usage,
    });
    if streamed {
        Response::new(200, "text/event-stream", events(message))
    } else {
        Response::json(200, &message)
    }
}

/// Writes a message as the stream of events in which a service sends it.
fn events(mut message: Value) -> String {
    let blocks = std::mem::take(&mut message["content"]);
    let (stop, usage) = (message["stop_reason"].take(), message["usage"].clone());
    message["content"] = json!([]);
    let mut events = vec![json!({ "type": "message_start", "message": message })];
    for (index, block) in list(&blocks).iter().enumerate() {
        let (mut start, delta) = match block["text"].as_str() {
            Some(text) => (block.clone(), json!({ "type": "text_delta", "text": text })),
            None => {
                let input = block["input"].to_string();
                (block.clone(), json!({ "type": "input_json_delta", "partial_json": input }))
            }
        };
        let part = if start["text"].is_string() { ("text", json!("")) } else { ("input", json!({})) };
        start[part.0] = part.1;
        events.push(json!({ "type": "content_block_start", "index": index, "content_block": start }));
        events.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    let delta = json!({ "stop_reason": stop, "stop_sequence": null });
    events.push(json!({ "type": "message_delta", "delta": delta, "usage": usage }));
    events.push(json!({ "type": "message_stop" }));
    let line = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or(""));
    events.iter().map(line).collect()
}

/// Joins the texts of a content value.
fn text(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    // A search for tools is answered by their names.
    let of = |block: &Value| block["text"].as_str().or(block["tool_name"].as_str()).map(str::to_owned);
    list(content).iter().filter_map(of).collect::<Vec<_>>().join("\n")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn tokens(request: &Request) -> usize {
    request.body.len() / 4 + 1
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
