//! Whose name the settings give to commits and events.

use std::collections::BTreeMap;

use rig_core::account::{self, Account};
use rig_core::config::Config;
use rig_core::env::Environment;
use rig_core::identity::Identity;
use rig_core::paths::Paths;
use rig_core::settings::Scope;
use rig_wire::AgentId;

use crate::error::SyncError;

/// What the options say about the identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The scope's usual one.
    Usual,
    /// This one.
    Id(String),
    /// None.
    Nobody,
}

/// Returns the variables that give commits and events their name; none where the settings
/// should not say.
///
/// The usual one of user and local settings is `agent.id` of the configuration, else the
/// person who is logged in. Root is nobody in particular, and where the environment already
/// names an agent, settings would overrule it.
///
/// # Errors
/// When the id is none, the configuration cannot be read, or the settings are committed.
pub fn variables(
    wish: &Wish,
    scope: Scope,
    env: &Environment,
) -> Result<BTreeMap<String, String>, SyncError> {
    let none = Ok(BTreeMap::new());
    let (id, config) = match (wish, scope) {
        (Wish::Id(_), Scope::Project) => {
            return Err(SyncError::Usage(
                "project settings are committed, so they carry no identity; use --scope local".into(),
            ));
        }
        (Wish::Nobody, _) | (Wish::Usual, Scope::Project | Scope::Managed) => return none,
        (Wish::Id(id), _) => (Some(id.clone()), configuration(env)?),
        (Wish::Usual, Scope::User | Scope::Local) => {
            let config = configuration(env)?;
            (
                config
                    .agent
                    .id
                    .clone()
                    .or_else(|| person(env, account::current().as_ref(), account::is_root())),
                config,
            )
        }
    };
    let Some(id) = id else { return none };
    let id = AgentId::parse(&id).map_err(|error| SyncError::Usage(error.to_string()))?;
    let only = Environment::fixed([("CONDUCTOR_AGENT_ID", id.as_str())]);
    let (identity, _) = Identity::resolve(&only, &config.agent, None);
    Ok(identity.variables().into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

fn configuration(env: &Environment) -> Result<Config, SyncError> {
    let (config, errors) = Config::load(&Paths::of_user(env));
    match errors.into_iter().next() {
        Some(error) => Err(error.into()),
        None => Ok(config),
    }
}

/// Returns the id of the person who is logged in, unless the environment names somebody else.
fn person(env: &Environment, account: Option<&Account>, root: bool) -> Option<String> {
    if root || env.get("AGENT_ID").is_some() {
        return None;
    }
    let login = account
        .map(|account| account.login.clone())
        .or_else(|| env.get("USER"))
        .or_else(|| env.get("LOGNAME"))?;
    let human = AgentId::human(&login)?.as_str().to_owned();
    match env.get("CONDUCTOR_AGENT_ID") {
        Some(other) if other != human => None,
        _ => Some(human),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_identity_is_the_person_unless_somebody_else_is_named() {
        let stig = Account { login: "Stig".into(), home: "/home/stig".into() };
        let check = |env: &[(&str, &str)], account, root, expected: Option<&str>| {
            let env = Environment::fixed(env.iter().copied());
            assert_eq!(person(&env, account, root).as_deref(), expected, "{env:?}");
        };
        check(&[], Some(&stig), false, Some("human-stig"));
        check(&[], Some(&stig), true, None);
        check(&[("AGENT_ID", "dev-e-node")], Some(&stig), false, None);
        check(&[("CONDUCTOR_AGENT_ID", "dev-e-node")], Some(&stig), false, None);
        check(&[("CONDUCTOR_AGENT_ID", "human-stig")], Some(&stig), false, Some("human-stig"));
        check(&[("USER", "kari")], None, false, Some("human-kari"));
        check(&[], None, false, None);
    }

    #[test]
    fn an_id_brings_the_variables_of_git() {
        let home = tempfile::tempdir().unwrap();
        let env = Environment::fixed([("HOME", home.path().to_str().unwrap())]);
        let wish = Wish::Id("dev-e-node".into());
        let expected = [
            ("CONDUCTOR_AGENT_ID", "dev-e-node"),
            ("GIT_AUTHOR_EMAIL", "agent@dashecorp.com"),
            ("GIT_AUTHOR_NAME", "dev-e-node"),
            ("GIT_COMMITTER_EMAIL", "agent@dashecorp.com"),
            ("GIT_COMMITTER_NAME", "dev-e-node"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        for scope in [Scope::User, Scope::Local, Scope::Managed] {
            assert_eq!(variables(&wish, scope, &env).unwrap(), BTreeMap::from(expected.clone()), "{scope}");
        }
        assert!(variables(&wish, Scope::Project, &env).is_err());
        assert_eq!(variables(&Wish::Usual, Scope::Managed, &env).unwrap(), BTreeMap::new());
        assert_eq!(variables(&Wish::Nobody, Scope::User, &env).unwrap(), BTreeMap::new());
        assert!(variables(&Wish::Id("no id".into()), Scope::User, &env).is_err());
    }
}
