use std::fmt;

/// The name of an agent or a human, such as `dev-e-node`, `dev-e-node/5hfw5` or `human-stig`.
///
/// 1 to 64 letters, digits, `.`, `_` and `-`, the first a letter or digit; then
/// optionally `/` and an instance of 1 to 16 letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AgentId(String);

/// The text is no agent id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAgentId {
    /// The text as it was given.
    pub given: String,
}

impl fmt::Display for InvalidAgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an agent id (1 to 64 letters, digits, `.`, `_`, `-`, then optionally `/` and an instance)",
            self.given
        )
    }
}

impl std::error::Error for InvalidAgentId {}

impl AgentId {
    /// Reads an id; one that starts with `human-` is lower-cased and mended first,
    /// since login names may hold anything.
    ///
    /// # Errors
    /// When the text does not have the form of an id.
    pub fn parse(text: &str) -> Result<Self, InvalidAgentId> {
        let text = text.trim();
        if let Some(login) = text.get(..6).filter(|p| p.eq_ignore_ascii_case("human-")).map(|_| &text[6..]) {
            return Self::human(login).ok_or_else(|| InvalidAgentId { given: text.to_owned() });
        }
        if is_id(text) { Ok(Self(text.to_owned())) } else { Err(InvalidAgentId { given: text.to_owned() }) }
    }

    /// Returns `human-<login>`, lower-cased, with `-` for every character that an id cannot hold;
    /// `None` for an empty login.
    #[must_use]
    pub fn human(login: &str) -> Option<Self> {
        let mended: String = login
            .trim()
            .chars()
            .take(58)
            .map(|c| c.to_ascii_lowercase())
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
            .collect();
        (!mended.is_empty()).then(|| Self(format!("human-{mended}")))
    }

    /// Returns the whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the id without an instance suffix.
    #[must_use]
    pub fn bare(&self) -> &str {
        self.0.split('/').next().unwrap_or(&self.0)
    }

    /// Returns the login when the id names a human.
    #[must_use]
    pub fn login(&self) -> Option<&str> {
        self.bare().strip_prefix("human-")
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_id(text: &str) -> bool {
    let (name, instance) = match text.split_once('/') {
        Some((name, instance)) => (name, Some(instance)),
        None => (text, None),
    };
    let name_ok = (1..=64).contains(&name.len())
        && name.as_bytes()[0].is_ascii_alphanumeric()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let instance_ok = instance.is_none_or(|i| {
        (1..=16).contains(&i.len()) && i.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    name_ok && instance_ok
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_mended_or_refused() {
        let long = "a".repeat(65);
        for (text, expected) in [
            ("dev-e-node", Some("dev-e-node")),
            (" dev-e-node\n", Some("dev-e-node")),
            ("dev-e-node/5hfw5", Some("dev-e-node/5hfw5")),
            ("human-Stig Dahl", Some("human-stig-dahl")),
            ("HUMAN-stig", Some("human-stig")),
            ("human-sti\u{e9}", Some("human-sti-")),
            ("human-", None),
            ("", None),
            ("-x", None),
            ("a/b/c", None),
            ("a/", None),
            ("x <evil@example.com>", None),
            ("a\nb", None),
            (long.as_str(), None),
        ] {
            assert_eq!(AgentId::parse(text).ok().as_ref().map(AgentId::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn the_instance_is_no_part_of_the_bare_id() {
        let id = AgentId::parse("dev-e-node/5hfw5").unwrap();
        assert_eq!((id.bare(), id.login()), ("dev-e-node", None));
        assert_eq!(AgentId::parse("human-stig").unwrap().login(), Some("stig"));
    }
}
