//! What the double does with a request.

use std::sync::MutexGuard;

use serde_json::{Value, json};

use super::call::{Asked, Call, Route};
use super::error::Refusal;
use super::fault::Fault;
use super::limit::Limits;
use super::mentions::{Ping, pings};
use super::notice::{Notice, What};
use super::rules;
use super::spec::{Said, Spec};
use super::world::{Kind, World};
use super::{GUILD, Id, TOKEN};
use crate::double::{Stage, State};
use crate::http::{Reply, Request, Response};

/// The state of the double.
#[derive(Debug)]
pub(crate) struct Discord {
    pub(crate) world: World,
    pub(crate) token: String,
    /// The seconds of the test's clock.
    pub(crate) now: u64,
    pub(crate) faults: Vec<Scripted>,
    pub(crate) limits: Limits,
    pub(crate) notices: Vec<Notice>,
    /// How many notices an expectation has looked at; none before the first one.
    pub(crate) compared: Option<usize>,
    pub(crate) violations: Vec<String>,
    /// Every call with its end, in the order of the ends.
    pub(crate) calls: Vec<String>,
    /// The tokens of interactions, and the messages whose buttons were clicked.
    pub(crate) interactions: std::collections::BTreeMap<String, Id>,
}

/// A fault that waits for its requests.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) route: Route,
    pub(crate) fault: Fault,
    pub(crate) left: usize,
}

impl Default for Discord {
    fn default() -> Self {
        Self {
            world: World::default(),
            token: TOKEN.to_owned(),
            now: 0,
            faults: Vec::new(),
            limits: Limits::default(),
            notices: Vec::new(),
            compared: None,
            violations: Vec::new(),
            calls: Vec::new(),
            interactions: std::collections::BTreeMap::new(),
        }
    }
}

/// Answers a request.
pub(crate) fn answer<'a>(
    stage: &'a Stage<Discord>,
    mut state: MutexGuard<'a, State<Discord>>,
    request: &Request,
) -> Reply {
    let asked = match state.own.judge(request) {
        Ok(asked) => asked,
        Err(reply) => return reply,
    };
    if let Some(response) = state.own.limits.take(&asked) {
        return state.own.send(&asked, response);
    }
    let fault = state.own.fault(&asked);
    match &fault {
        Some(Fault::Hang(time)) => {
            state.own.called(&asked, "hung");
            stage.hang(state, *time);
            return Reply::Close;
        }
        Some(Fault::Close) => {
            state.own.called(&asked, "closed");
            return Reply::Close;
        }
        Some(Fault::Delay(time)) => {
            stage.hang(state, *time);
            state = stage.lock();
        }
        Some(other) => {
            if let Some(response) = other.response() {
                return state.own.send(&asked, response);
            }
        }
        None => {}
    }
    let from = state.own.notices.len();
    let response = match state.own.play(&asked, request) {
        Ok((204, _)) => Response::empty(204),
        Ok((status, body)) => Response::json(status, &body),
        Err(refusal) => refusal.response(),
    };
    let lost =
        matches!(fault, Some(Fault::AcceptThenClose | Fault::AcceptThenHang(_) | Fault::AcceptThenHtml(_)));
    state.own.notices[from..].iter_mut().for_each(|notice| notice.lost = lost);
    match fault {
        Some(Fault::AcceptThenClose) => {
            state.own.called(&asked, "accepted, then closed");
            Reply::Close
        }
        Some(Fault::AcceptThenHang(time)) => {
            state.own.called(&asked, "accepted, then hung");
            stage.hang(state, time);
            Reply::Close
        }
        Some(Fault::AcceptThenHtml(status)) => state.own.send(&asked, super::fault::page(status)),
        _ => state.own.send(&asked, response),
    }
}

impl Discord {
    /// Takes a request apart and holds it against the rules.
    fn judge(&mut self, request: &Request) -> Result<Asked, Reply> {
        let line = format!("{} {}", request.method, request.target);
        let path = request.path().strip_prefix("/api/v10");
        let Some(asked) = path.and_then(|path| Asked::read(request, path)) else {
            self.violations.push(format!("{line}: the double plays no such call below /api/v10"));
            return Err(Reply::Send(Refusal::new(404, 0).response()));
        };
        let mut errors = rules::headers(&asked, request);
        let body = (!request.body.is_empty()).then(|| request.json());
        if let Some(spec) = Spec::load() {
            let path: Vec<_> = asked.path.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let query: Vec<_> = asked.query.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            errors.extend(spec.request_errors(&Said {
                template: asked.template,
                method: asked.method,
                path: &path,
                query: &query,
                body: body.as_ref(),
            }));
        }
        let kind = self.world.channels.get(&asked.target).map(|channel| channel.kind);
        if let Some(body) = &body {
            errors.extend(rules::body(&asked, kind, body));
        }
        if String::from_utf8_lossy(&request.body).contains(&self.token) {
            errors.push("the token is in the body".to_owned());
        }
        if !errors.is_empty() {
            let text = format!("{line}: {}", errors.join("; "));
            self.violations.push(format!("{text}\n  {}", String::from_utf8_lossy(&request.body)));
            return Err(Reply::Send(Refusal::invalid(&errors).response()));
        }
        let authorization = request.header("authorization").and_then(|value| value.strip_prefix("Bot "));
        if authorization.is_some_and(|token| token != self.token) {
            return Err(self.send(&asked, Refusal::new(401, 0).response()));
        }
        Ok(asked)
    }

    /// Returns the fault for a request, which is then used up by one.
    fn fault(&mut self, asked: &Asked) -> Option<Fault> {
        let mut waiting = self.faults.iter_mut();
        let scripted = waiting.find(|scripted| scripted.left > 0 && scripted.route.holds(asked))?;
        scripted.left -= 1;
        Some(scripted.fault.clone())
    }

    fn called(&mut self, asked: &Asked, end: &str) {
        let place =
            if asked.target == 0 { String::new() } else { format!(" {}", self.world.place(asked.target)) };
        self.calls.push(format!("{:?}{place}: {end}", asked.call));
    }

    fn send(&mut self, asked: &Asked, response: Response) -> Reply {
        let body = serde_json::from_slice::<Value>(&response.body).ok();
        // The double follows the description, too. About errors that is wrong: the documentation has
        // texts for codes below `errors`, and no code in a 429.
        if let (Some(spec), Some(body), 200..300) = (Spec::load(), &body, response.status) {
            let errors = spec.response_errors(asked.template, asked.method, response.status, body);
            let errors = errors.iter().map(|error| format!("the double's own answer{error}: {body}"));
            self.violations.extend(errors);
        }
        let code = body.and_then(|body| body["code"].as_u64()).filter(|code| *code != 0);
        let code = code.map_or(String::new(), |code| format!(" {code}"));
        self.called(asked, &format!("{}{code}", response.status));
        Reply::Send(self.limits.stamp(asked, response))
    }

    fn play(&mut self, asked: &Asked, request: &Request) -> Result<(u16, Value), Refusal> {
        let body = request.json();
        let channel = asked.target;
        Ok(match asked.call {
            Call::CurrentUser => (200, self.world.show_me()),
            Call::OpenDm => {
                let (id, new) = self.world.open_dm(asked.target)?;
                if new {
                    self.note(What::Dm, id, id, &Value::Null);
                }
                (200, self.world.show_channel(self.world.channel(id)?))
            }
            Call::GetChannel => (200, self.world.show_channel(self.world.channel(channel)?)),
            Call::ListMessages => {
                self.world.channel(channel)?;
                let (before, after) = (asked.number("before"), asked.number("after"));
                let limit = usize::try_from(asked.number("limit").unwrap_or(50)).unwrap_or(50);
                let messages = self.world.messages.values().rev().filter(|message| {
                    message.channel == channel
                        && before.is_none_or(|id| message.id < id)
                        && after.is_none_or(|id| message.id > id)
                });
                (200, messages.take(limit).map(|message| self.world.show_message(message)).collect())
            }
            Call::GetMessage => (200, self.world.show_message(self.world.message(channel, asked.message())?)),
            Call::CreateMessage => {
                let (id, new) = self.world.create_message(channel, &body)?;
                if new {
                    self.note(What::Posted, channel, id, &body);
                }
                (200, self.show(id)?)
            }
            Call::EditMessage => {
                self.change(channel, asked.message(), &body)?;
                (200, self.show(asked.message())?)
            }
            Call::EditOriginal => {
                let known = self.interactions.get(asked.path("webhook_token")).copied();
                let id = known.ok_or(Refusal::new(404, 10015))?;
                let channel = self.world.messages.get(&id).ok_or(Refusal::new(404, 10008))?.channel;
                self.change(channel, id, &body)?;
                (200, self.show(id)?)
            }
            Call::DeleteMessage => {
                let body = self.world.message(channel, asked.message())?.body.clone();
                self.note(What::Deleted, channel, asked.message(), &body);
                self.world.messages.remove(&asked.message());
                (204, Value::Null)
            }
            Call::EditChannel => {
                self.world.unarchive(channel, &body)?;
                (200, self.world.show_channel(self.world.channel(channel)?))
            }
            Call::FollowUp => {
                let known = self.interactions.get(asked.path("webhook_token")).copied();
                let id = known.ok_or(Refusal::new(404, 10015))?;
                let channel = self.world.messages.get(&id).ok_or(Refusal::new(404, 10008))?.channel;
                self.note(What::Reply, channel, id, &body);
                (204, Value::Null)
            }
            Call::ThreadFromMessage => {
                let id = self.world.thread_from(channel, asked.message(), &body)?;
                self.note(What::Thread, id, id, &json!({ "content": body["name"] }));
                (201, self.world.show_channel(self.world.channel(id)?))
            }
            Call::CreateThread => {
                let id = self.world.create_thread(channel, &body)?;
                self.note(What::Thread, id, id, &json!({ "content": body["name"] }));
                if self.world.messages.contains_key(&id) {
                    self.note(What::Posted, id, id, &body["message"]);
                }
                (201, self.world.show_channel(self.world.channel(id)?))
            }
            Call::ActiveThreads if channel != GUILD => return Err(Refusal::new(404, 10004)),
            Call::ActiveThreads => (200, self.world.show_threads(&self.world.threads(None, false))),
            Call::ArchivedThreads => {
                self.world.channel(channel)?;
                (200, self.world.show_threads(&self.world.threads(Some(channel), true)))
            }
        })
    }

    fn show(&self, message: Id) -> Result<Value, Refusal> {
        let message = self.world.messages.get(&message).ok_or(Refusal::new(404, 10008))?;
        Ok(self.world.show_message(message))
    }

    /// Edits a message and notes what it looks like then.
    pub(crate) fn change(&mut self, channel: Id, id: Id, change: &Value) -> Result<(), Refusal> {
        self.world.edit(channel, id, change)?;
        let body = self.world.message(channel, id)?.body.clone();
        self.note(What::Edited, channel, id, &body);
        Ok(())
    }

    /// Notes what happened to a channel.
    pub(crate) fn note(&mut self, what: What, channel: Id, message: Id, body: &Value) {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let content = body["content"].as_str().unwrap_or("").to_owned();
        let called =
            if what == What::Thread { Vec::new() } else { pings(&content, body.get("allowed_mentions")) };
        let mut notice = Notice {
            at: self.now,
            received: std::time::SystemTime::now(),
            what,
            kind: self.world.channels.get(&channel).map_or(Kind::Text, |channel| channel.kind),
            place: self.world.place(channel),
            channel,
            message,
            pings: called.into_iter().map(|ping| self.name(ping)).collect(),
            content,
            embeds: list(&body["embeds"]),
            components: list(&body["components"]),
            nonce: body["nonce"].as_str().map(str::to_owned),
            flags: body["flags"].as_u64().unwrap_or(0),
            duplicate: false,
            lost: false,
        };
        let mut posted = self.notices.iter().filter(|earlier| earlier.what == What::Posted);
        notice.duplicate = what == What::Posted && posted.any(|earlier| notice.repeats(earlier));
        self.notices.push(notice);
    }

    fn name(&self, ping: Ping) -> String {
        match ping {
            Ping::Everyone => "@everyone".to_owned(),
            Ping::Here => "@here".to_owned(),
            Ping::User(id) => {
                self.world.users.get(&id).map_or(format!("<@{id}>"), |user| format!("@{}", user.name))
            }
            Ping::Role(id) => {
                self.world.roles.get(&id).map_or(format!("<@&{id}>"), |name| format!("@&{name}"))
            }
        }
    }
}
