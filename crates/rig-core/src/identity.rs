//! Which agent or human this is.

use rig_wire::AgentId;

use crate::account::Account;
use crate::config::AgentSection;
use crate::env::Environment;

/// The domain of made-up e-mail addresses where the settings name none.
pub const EMAIL_DOMAIN: &str = "dashecorp.com";

/// The name under which work is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id in events.
    pub id: AgentId,
    /// Whether a person or an agent works here.
    pub kind: Kind,
    /// The name in commits.
    pub name: String,
    /// The e-mail address in commits.
    pub email: String,
}

/// Whether a person or an agent works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A coding agent.
    Agent,
    /// A person; the id starts with `human-`.
    Human,
}

impl Identity {
    /// Finds the identity: `CONDUCTOR_AGENT_ID`, `AGENT_ID`, `agent.id` of the settings, then
    /// `human-<login>`. A value that is no id is passed over and described in the second part
    /// of the answer.
    #[must_use]
    pub fn resolve(
        env: &Environment,
        settings: &AgentSection,
        account: Option<&Account>,
    ) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let given = [
            ("CONDUCTOR_AGENT_ID", env.get("CONDUCTOR_AGENT_ID")),
            ("AGENT_ID", env.get("AGENT_ID")),
            ("the setting `agent.id`", settings.id.clone()),
        ];
        let configured = settings.id.as_deref().and_then(|id| AgentId::parse(id).ok());
        let id = given
            .into_iter()
            .filter_map(|(source, text)| Some((source, text?)))
            .find_map(|(source, text)| match AgentId::parse(&text) {
                Ok(id) => Some(id),
                Err(error) => {
                    warnings.push(format!("{source} is not used: {error}"));
                    None
                }
            })
            .or_else(|| AgentId::human(&account.map(|a| a.login.clone()).or_else(|| login(env))?))
            .unwrap_or_else(|| AgentId::human("unknown").expect("`unknown` is not empty"));
        // A name and an address in the settings are those of the id in the settings.
        let own = configured.as_ref().is_none_or(|c| c.bare() == id.bare());
        let name = settings.name.clone().filter(|_| own).unwrap_or_else(|| id.bare().to_owned());
        let domain = settings.email_domain.as_deref().unwrap_or(EMAIL_DOMAIN);
        let email = settings.email.clone().filter(|_| own).unwrap_or_else(|| match id.login() {
            Some(login) => format!("{login}@{domain}"),
            None => format!("agent@{domain}"),
        });
        let kind = if id.login().is_some() { Kind::Human } else { Kind::Agent };
        (Self { name: in_commit(&name), email: in_commit(&email), id, kind }, warnings)
    }

    /// Returns the variables that give commits and events this identity.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, &str); 5] {
        [
            ("CONDUCTOR_AGENT_ID", self.id.as_str()),
            ("GIT_AUTHOR_NAME", &self.name),
            ("GIT_AUTHOR_EMAIL", &self.email),
            ("GIT_COMMITTER_NAME", &self.name),
            ("GIT_COMMITTER_EMAIL", &self.email),
        ]
    }
}

/// Returns the login name as the session set it, for accounts that `/etc/passwd` does not list.
fn login(env: &Environment) -> Option<String> {
    env.get("USER").or_else(|| env.get("LOGNAME"))
}

/// Drops what git does not accept in a name or an address.
fn in_commit(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        env: &[(&str, &str)],
        settings: AgentSection,
        expected: (&str, Kind, &str, &str),
        warned: usize,
    ) {
        let account = Account { login: "stig".into(), home: "/home/stig".into() };
        let env = Environment::fixed(env.iter().copied());
        let (identity, warnings) = Identity::resolve(&env, &settings, Some(&account));
        let Identity { id, kind, name, email } = &identity;
        assert_eq!((id.as_str(), *kind, name.as_str(), email.as_str()), expected);
        assert_eq!(warnings.len(), warned, "{warnings:?}");
    }

    fn id(id: &str) -> AgentSection {
        AgentSection { id: Some(id.into()), ..AgentSection::default() }
    }

    const BOTH: [(&str, &str); 2] = [("CONDUCTOR_AGENT_ID", "human-kari"), ("AGENT_ID", "dev-e-node")];
    const INSTANCE: [(&str, &str); 1] = [("AGENT_ID", "dev-e-node/5hfw5")];
    const AGENT_MAIL: &str = "agent@dashecorp.com";

    #[test]
    fn the_first_source_that_names_an_id_wins() {
        use Kind::{Agent, Human};
        check(&BOTH, id("x"), ("human-kari", Human, "human-kari", "kari@dashecorp.com"), 0);
        check(&BOTH[1..], id("x"), ("dev-e-node", Agent, "dev-e-node", AGENT_MAIL), 0);
        check(
            &[("AGENT_ID", "")],
            id("dev-e-dotnet"),
            ("dev-e-dotnet", Agent, "dev-e-dotnet", AGENT_MAIL),
            0,
        );
        check(&[], AgentSection::default(), ("human-stig", Human, "human-stig", "stig@dashecorp.com"), 0);
        check(&INSTANCE, AgentSection::default(), ("dev-e-node/5hfw5", Agent, "dev-e-node", AGENT_MAIL), 0);
    }

    #[test]
    fn a_value_that_is_no_id_is_passed_over_with_a_warning() {
        check(&[("CONDUCTOR_AGENT_ID", "a b")], id("dev-e"), ("dev-e", Kind::Agent, "dev-e", AGENT_MAIL), 1);
    }

    #[test]
    fn name_and_address_of_the_settings_go_with_the_id_of_the_settings() {
        let full = AgentSection {
            id: Some("human-stig".into()),
            name: Some("Stig <x>".into()),
            email: Some("s@example.com".into()),
            email_domain: Some("example.org".into()),
        };
        check(&[], full.clone(), ("human-stig", Kind::Human, "Stig x", "s@example.com"), 0);
        check(&[("AGENT_ID", "dev-e")], full, ("dev-e", Kind::Agent, "dev-e", "agent@example.org"), 0);
    }

    #[test]
    fn an_account_without_a_name_is_still_somebody() {
        let nothing = Environment::fixed([("", ""); 0]);
        let (identity, _) = Identity::resolve(&nothing, &AgentSection::default(), None);
        assert_eq!(identity.id.as_str(), "human-unknown");
    }
}
