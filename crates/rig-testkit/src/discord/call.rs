//! Which call a request is.

use super::Id;
use crate::http::Request;

/// A call of Discord's interface that the double plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// `GET /users/@me`.
    CurrentUser,
    /// `POST /users/@me/channels`; the target is the recipient.
    OpenDm,
    /// `GET /channels/{channel}`.
    GetChannel,
    /// `GET /channels/{channel}/messages`.
    ListMessages,
    /// `GET /channels/{channel}/messages/{message}`.
    GetMessage,
    /// `POST /channels/{channel}/messages`.
    CreateMessage,
    /// `PATCH /channels/{channel}/messages/{message}`.
    EditMessage,
    /// `DELETE /channels/{channel}/messages/{message}`.
    DeleteMessage,
    /// `PATCH /channels/{channel}`: a thread comes back from the archive.
    EditChannel,
    /// `POST /channels/{channel}/messages/{message}/threads`.
    ThreadFromMessage,
    /// `POST /channels/{channel}/threads`: a thread without a message, or a forum's post.
    CreateThread,
    /// `GET /guilds/{guild}/threads/active`.
    ActiveThreads,
    /// `GET /channels/{channel}/threads/archived/public`.
    ArchivedThreads,
    /// `PATCH /webhooks/{application}/{token}/messages/@original`.
    EditOriginal,
    /// `POST /webhooks/{application}/{token}`: says something more to the one who clicked.
    FollowUp,
}

/// The path of every call, as the description writes it.
const CALLS: &[(Call, &str, &str)] = &[
    (Call::CurrentUser, "GET", "/users/@me"),
    (Call::OpenDm, "POST", "/users/@me/channels"),
    (Call::GetChannel, "GET", "/channels/{channel_id}"),
    (Call::ListMessages, "GET", "/channels/{channel_id}/messages"),
    (Call::GetMessage, "GET", "/channels/{channel_id}/messages/{message_id}"),
    (Call::CreateMessage, "POST", "/channels/{channel_id}/messages"),
    (Call::EditMessage, "PATCH", "/channels/{channel_id}/messages/{message_id}"),
    (Call::DeleteMessage, "DELETE", "/channels/{channel_id}/messages/{message_id}"),
    (Call::EditChannel, "PATCH", "/channels/{channel_id}"),
    (Call::ThreadFromMessage, "POST", "/channels/{channel_id}/messages/{message_id}/threads"),
    (Call::CreateThread, "POST", "/channels/{channel_id}/threads"),
    (Call::ActiveThreads, "GET", "/guilds/{guild_id}/threads/active"),
    (Call::ArchivedThreads, "GET", "/channels/{channel_id}/threads/archived/public"),
    (Call::EditOriginal, "PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/@original"),
    (Call::FollowUp, "POST", "/webhooks/{webhook_id}/{webhook_token}"),
];

/// Which requests a fault or a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    call: Option<Call>,
    target: Option<Id>,
}

impl Route {
    /// Every request.
    pub const ANY: Self = Self { call: None, target: None };

    pub(crate) fn holds(&self, asked: &Asked) -> bool {
        self.call.is_none_or(|call| call == asked.call) && self.target.is_none_or(|t| t == asked.target)
    }
}

impl Call {
    /// Returns the requests of this call to one channel; of [`Call::OpenDm`], for one recipient.
    #[must_use]
    pub fn at(self, target: Id) -> Route {
        Route { call: Some(self), target: Some(target) }
    }
}

impl From<Call> for Route {
    fn from(call: Call) -> Self {
        Self { call: Some(call), target: None }
    }
}

/// A request, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) call: Call,
    pub(crate) method: &'static str,
    pub(crate) template: &'static str,
    /// The parameters of the path.
    pub(crate) path: Vec<(&'static str, String)>,
    pub(crate) query: Vec<(String, String)>,
    /// The channel, guild, application or recipient; 0 where there is none.
    pub(crate) target: Id,
}

impl Asked {
    /// Takes a request apart, whose path begins behind the version.
    pub(crate) fn read(request: &Request, path: &str) -> Option<Self> {
        let fit = |(call, method, template): &(Call, &'static str, &'static str)| {
            let parameters = fit(template, path).filter(|_| request.method == *method)?;
            Some((*call, *method, *template, parameters))
        };
        let (call, method, template, path) = CALLS.iter().find_map(fit)?;
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let query = query.map(|(name, value)| (name.to_owned(), value.replace("%3A", ":"))).collect();
        let mut asked = Self { call, method, template, path, query, target: 0 };
        asked.target = match call {
            Call::OpenDm => request.json()["recipient_id"].as_str().and_then(|id| id.parse().ok()),
            _ => asked.path.first().and_then(|(_, value)| value.parse().ok()),
        }
        .unwrap_or(0);
        Some(asked)
    }

    /// Returns a parameter of the path.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// Returns the message of the path; 0 where there is none.
    pub(crate) fn message(&self) -> Id {
        self.path("message_id").parse().unwrap_or(0)
    }

    /// Returns a parameter of the query as a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.query.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok())
    }
}

/// Lays a path over a template; the result are the values of the parameters.
fn fit(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut parameters = Vec::new();
    let (mut expected, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(name), Some(value)) if name.starts_with('{') && !value.is_empty() => {
                parameters.push((name.trim_matches(['{', '}']), value.to_owned()));
            }
            (Some(name), Some(value)) if name == value => {}
            _ => return None,
        }
    }
}
