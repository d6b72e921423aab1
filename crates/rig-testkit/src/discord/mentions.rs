//! Whom a message notifies beyond those who watch its channel.

use serde_json::Value;

use super::Id;

/// Somebody whom a message calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ping {
    /// Everybody in the server.
    Everyone,
    /// Everybody who is online.
    Here,
    /// One user.
    User(Id),
    /// Everybody with this role.
    Role(Id),
}

/// Returns whom a content calls, given the `allowed_mentions` beside it.
///
/// Embeds and components call nobody. Without the member everything in the content counts, as it
/// does for a bot. Quoting and escaping are not looked at: Discord calls nobody out of a code
/// block, but a text that relies on it is one backtick away from calling everybody.
#[must_use]
pub fn pings(content: &str, allowed: Option<&Value>) -> Vec<Ping> {
    let allowed = allowed.filter(|value| !value.is_null());
    let list = |name: &str| allowed.and_then(|a| a[name].as_array()).map_or(&[][..], Vec::as_slice);
    let parsed = |kind: &str| allowed.is_none() || list("parse").iter().any(|entry| entry == kind);
    let listed = |name: &str, id: Id| list(name).iter().any(|entry| *entry == id.to_string().as_str());
    let mut found = Vec::new();
    if parsed("everyone") {
        found.extend(content.contains("@everyone").then_some(Ping::Everyone));
        found.extend(content.contains("@here").then_some(Ping::Here));
    }
    for piece in content.split("<@").skip(1) {
        let Some((inner, _)) = piece.split_once('>') else { continue };
        let (kind, digits) = match inner.strip_prefix('&') {
            Some(digits) => ("roles", digits),
            None => ("users", inner.strip_prefix('!').unwrap_or(inner)),
        };
        let Ok(id) = digits.parse::<Id>() else { continue };
        if parsed(kind) || listed(kind, id) {
            found.push(if kind == "roles" { Ping::Role(id) } else { Ping::User(id) });
        }
    }
    found.sort();
    found.dedup();
    found
}
