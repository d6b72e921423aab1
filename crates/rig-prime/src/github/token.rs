//! The tokens that may be tried for a host, in order. Their values are never shown.

use std::fmt;
use std::time::Duration;

use rig_core::env::Environment;

use crate::command;
use crate::tools::Tools;

/// The longest wait for `gh`, which may ask a key store.
const GH_WAIT: Duration = Duration::from_secs(1);

/// Every variable that may hold a token.
const VARIABLES: [&str; 5] = [
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITHUB_PERSONAL_ACCESS_TOKEN",
];

/// A token and where it came from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// The variable or program that gave it.
    pub(crate) source: &'static str,
    secret: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.source)
    }
}

impl Token {
    /// Takes a text as a token if it could be one, so that it fits into a header.
    fn new(source: &'static str, text: &str) -> Option<Self> {
        let secret = text.trim();
        let plain = !secret.is_empty() && secret.bytes().all(|b| b.is_ascii_graphic());
        plain.then(|| Self { source, secret: secret.to_owned() })
    }

    /// Returns the value of the `Authorization` header.
    #[must_use]
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.secret)
    }
}

/// Returns the tokens that these variables hold, each value once.
#[must_use]
pub(crate) fn from_environment(env: &Environment, names: &[&'static str]) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    for name in names {
        let token = env.get(name).and_then(|value| Token::new(name, &value));
        found.extend(token.filter(|token| found.iter().all(|t| t.secret != token.secret)));
    }
    found
}

/// Asks GitHub's own command line for the token that it stored for a host; `None` where there is
/// no such program, no such token, or no answer in time.
#[must_use]
pub(crate) fn from_gh(tools: &Tools, host: &str) -> Option<Token> {
    let mut gh = tools.command("gh");
    gh.args(["auth", "token", "--hostname", host]);
    // Tokens of the environment would come back, whichever host they are meant for.
    for variable in VARIABLES {
        gh.env_remove(variable);
    }
    gh.env("GH_PROMPT_DISABLED", "1").env("GH_NO_UPDATE_NOTIFIER", "1");
    let answer =
        command::run(&mut gh, tools.deadline.within(GH_WAIT)).ok().filter(|answer| answer.success)?;
    Token::new("gh auth token", str::from_utf8(&answer.stdout).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_tried_once_and_only_if_it_could_be_one() {
        let env = Environment::fixed([("A", " a\n"), ("B", "a"), ("C", "c\nX-Evil: 1"), ("D", "d")]);
        let found = from_environment(&env, &["D", "A", "B", "C", "E"]);
        let found: Vec<_> = found.iter().map(|t| (t.source, t.header())).collect();
        assert_eq!(found, [("D", "Bearer d".to_owned()), ("A", "Bearer a".to_owned())]);
    }

    #[test]
    fn a_token_does_not_show_itself() {
        assert_eq!(format!("{:?}", Token::new("GH_TOKEN", "secret").unwrap()), "Token(GH_TOKEN)");
    }
}
