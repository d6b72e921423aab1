//! The coordinator as the subcommands ask it.
//!
//! What is read takes the agents' token, else the operator's. Ack, close and raise take the operator's
//! and never the agents'.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rig_core::conductor::{Budget, Conductor, ConductorError, Endpoint, Reply, Token};
use rig_core::env::Environment;
use rig_core::error::chain;
use rig_core::files;
use rig_core::paths::Paths;
use rig_core::sender::Sender;
use serde_json::Value;

use crate::deliver::bring_up;
use crate::output::{Exit, Trouble, say};

/// How long an answer may take.
const WAIT: Duration = Duration::from_secs(10);

/// The most entries on one page of a list.
pub(crate) const PAGE: u64 = 200;

/// The largest token file, in bytes.
const TOKEN_FILE: u64 = 4 << 10;

const OPERATORS: &str = "ack, close and raise take an operator's token: --token-file, CONDUCTOR_OPERATOR_TOKEN, or conductor.operatorToken in ~/.config/rig/config.json beside conductor.baseUrl";

/// The coordinator, for one token.
pub(crate) struct Service {
    conductor: Conductor,
    operator: bool,
}

impl Service {
    /// Finds the coordinator, starting the embedded one where it rests, for what agents may do, too.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn reader(env: &Environment, paths: &Paths, cwd: &Path) -> Result<(Self, Sender), Trouble> {
        let (sender, mut endpoint) = find(env, paths, cwd)?;
        if endpoint.token.is_none()
            && let Ok(Token::Found { secret, from }) =
                endpoint.operator_token(env, &sender.project, &sender.config.conductor)
        {
            (endpoint.token, endpoint.token_from) = (Some(secret), Some(from));
        }
        Ok((Self::of(endpoint, false), sender))
    }

    /// Finds the coordinator for what operators alone may do.
    ///
    /// # Errors
    /// When there is none, or no operator's token for it.
    pub(crate) fn operator(
        env: &Environment,
        paths: &Paths,
        cwd: &Path,
        token_file: Option<&Path>,
    ) -> Result<Self, Trouble> {
        let (sender, mut endpoint) = find(env, paths, cwd)?;
        warn(&sender);
        let base = &endpoint.base;
        let refused = |why: String| Err(Trouble::new(Exit::Refused, why).hint(OPERATORS));
        let (secret, from) = match token_file {
            Some(file) => {
                if endpoint.from_project {
                    let why = "this repository's settings chose that coordinator";
                    return refused(format!("the operator's token was not sent to {base}: {why}"));
                }
                (read_token(file)?, file.display().to_string())
            }
            None => match endpoint.operator_token(env, &sender.project, &sender.config.conductor) {
                Ok(Token::Found { secret, from }) => (secret, from),
                Ok(Token::Withheld(why)) => return refused(why),
                Ok(Token::Missing) => return refused(format!("there is no operator's token for {base}")),
                Err(error) => return refused(chain(&error)),
            },
        };
        (endpoint.token, endpoint.token_from) = (Some(secret), Some(from));
        Ok(Self::of(endpoint, true))
    }

    fn of(endpoint: Endpoint, operator: bool) -> Self {
        Self { conductor: Conductor::new(endpoint, Budget::ESCALATION), operator }
    }

    /// Asks for one thing.
    ///
    /// # Errors
    /// When there is no answer, or none that says yes.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Trouble> {
        self.page(path).map(|(body, _)| body)
    }

    /// Asks for a list, as many pages of it as `most` entries take; says whether there are more.
    ///
    /// # Errors
    /// When a page is not answered, or is no list.
    pub(crate) fn list(&self, query: &str, most: u64) -> Result<(Vec<Value>, bool), Trouble> {
        const PATH: &str = "/api/escalations";
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let (mut all, mut query) = (Vec::new(), query.to_owned());
        let mut seen = HashSet::new();
        loop {
            let (page, next) = self.page(&format!("{PATH}?{query}"))?;
            let Value::Array(page) = page else { return Err(self.unreadable()) };
            all.extend(page);
            let more = all.len() > most;
            all.truncate(most);
            match next {
                // A page that leads back to itself has no end.
                Some(next) if all.len() < most && seen.insert(next.clone()) => query = next,
                next => return Ok((all, more || next.is_some())),
            }
        }
    }

    fn page(&self, path: &str) -> Result<(Value, Option<String>), Trouble> {
        let reply = self.conductor.ask(path, Instant::now() + WAIT);
        let reply = reply.map_err(|error| self.unreachable(&error, ""))?;
        let next = reply.next.clone();
        Ok((self.accepted(reply)?, next))
    }

    /// Posts what changes something.
    ///
    /// # Errors
    /// When there is no answer, or none that says yes.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        let reply = self.conductor.tell(path, body, Instant::now() + WAIT);
        let unknown = "; whether it was done is not known";
        let reply = reply.map_err(|error| self.unreachable(&error, unknown))?;
        self.accepted(reply)
    }

    /// Says that an answer makes no sense.
    pub(crate) fn unreadable(&self) -> Trouble {
        Trouble::new(Exit::Lost, format!("{} gave an answer that cannot be read", self.base()))
    }

    fn base(&self) -> &str {
        &self.conductor.endpoint().base
    }

    fn unreachable(&self, error: &ConductorError, unknown: &str) -> Trouble {
        // A connection that was never made changed nothing.
        let text = error.to_string();
        let unknown = if text.contains("refused") { "" } else { unknown };
        Trouble::new(Exit::Lost, format!("{} could not be reached: {text}{unknown}", self.base()))
    }

    /// Takes the body of an answer that says yes.
    fn accepted(&self, reply: Reply) -> Result<Value, Trouble> {
        let (base, said) = (self.base(), reply.error());
        let words = said.as_ref().map_or_else(String::new, |said| format!(": {said}"));
        let refused = |text: String| Trouble::new(Exit::Refused, text);
        Err(match reply.status {
            200..=299 => return reply.body.ok_or_else(|| self.unreadable()),
            status @ (401 | 403) => {
                let trouble = refused(format!("{base} refused with {status}{words}"));
                let hint = token_hint(self.conductor.endpoint());
                trouble.hint(if self.operator { format!("{hint}; {OPERATORS}") } else { hint })
            }
            404 if said.is_none() => refused(format!("{base} keeps no escalations (404)")),
            status @ (400 | 404 | 405 | 409 | 410 | 413 | 415 | 422) => {
                refused(said.unwrap_or_else(|| format!("{base} refused with {status}")))
            }
            429 => {
                let seconds = reply.retry_after.unwrap_or(60);
                Trouble::new(Exit::Lost, format!("{base} asks to be left alone for {seconds} s"))
            }
            status => Trouble::new(Exit::Lost, format!("{base} answered {status}{words}")),
        })
    }
}

/// Says which token was sent, and what to do where that is the wrong one.
pub(crate) fn token_hint(endpoint: &Endpoint) -> String {
    match (&endpoint.token_from, &endpoint.withheld) {
        (Some(from), _) => format!("the token from {from} was sent"),
        (None, Some(withheld)) => withheld.clone(),
        (None, None) => {
            "no token was sent; set CONDUCTOR_TOKEN, or conductor.token in ~/.config/rig/config.json beside conductor.baseUrl"
                .to_owned()
        }
    }
}

/// Tells what is wrong with the settings.
pub(crate) fn warn(sender: &Sender) {
    for warning in &sender.warnings {
        say(warning);
    }
}

fn find(env: &Environment, paths: &Paths, cwd: &Path) -> Result<(Sender, Endpoint), Trouble> {
    let mut sender = Sender::new(env, paths, cwd);
    let started = bring_up(&mut sender, env);
    match &sender.endpoint {
        Some(endpoint) => {
            let endpoint = endpoint.clone();
            Ok((sender, endpoint))
        }
        None => {
            let why = started.err().or_else(|| sender.warnings.last().cloned());
            Err(match why {
                Some(why) => Trouble::new(Exit::NoRoute, why),
                None => Trouble::new(Exit::NoRoute, "no coordinator is set up")
                    .hint("set CONDUCTOR_BASE_URL, or conductor.baseUrl in ~/.config/rig/config.json"),
            })
        }
    }
}

fn read_token(file: &Path) -> Result<String, Trouble> {
    let wrong = |why: &str| {
        Trouble::new(
            Exit::Usage,
            format!("failed to read the operator's token from {}: {why}", file.display()),
        )
    };
    let text = files::read(file, TOKEN_FILE).map_err(|error| wrong(&error.to_string()))?;
    let text = String::from_utf8(text).map_err(|_| wrong("it is not text"))?;
    let token = text.trim();
    let plain = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    if plain { Ok(token.to_owned()) } else { Err(wrong("it holds no token")) }
}

/// Returns a value as it stands in a query.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
