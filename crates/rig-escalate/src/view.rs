//! Escalations as they are shown.
//!
//! What the service sends is read leniently, since a newer one may know more words, and every text is
//! cleaned before a terminal sees it.

use rig_core::clock::seconds_since;
use rig_core::text::{clean, clean_lines, cut};
use rig_wire::Severity;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most characters that are shown of a name, an address or an error.
const SHORT: usize = 200;

/// An escalation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) severity: String,
    pub(crate) initial_severity: Option<String>,
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) details: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) agent_id: String,
    pub(crate) repo: Option<String>,
    pub(crate) issue_number: Option<u64>,
    pub(crate) pr_number: Option<u64>,
    pub(crate) branch: Option<String>,
    pub(crate) created_at: String,
    pub(crate) acked_at: Option<String>,
    pub(crate) acked_by: Option<String>,
    pub(crate) closed_at: Option<String>,
    pub(crate) closed_by: Option<String>,
    pub(crate) resolution: Option<String>,
    pub(crate) bump_count: u64,
    pub(crate) last_bumped_at: Option<String>,
    pub(crate) next_bump_at: Option<String>,
    pub(crate) note_count: u64,
    pub(crate) delivered: bool,
    pub(crate) notifications: Vec<Notification>,
}

/// A notification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Notification {
    pub(crate) route: String,
    pub(crate) severity: Option<String>,
    pub(crate) target: String,
    pub(crate) state: String,
    pub(crate) url: Option<String>,
    pub(crate) attempts: u64,
    pub(crate) last_error: Option<String>,
    pub(crate) at: Option<String>,
}

impl Shown {
    /// Reads an object and cleans its texts; `None` where it is none, or a member has another type.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let mut members = value.as_object()?.clone();
        // Null and absent are the same.
        members.retain(|_, value| !value.is_null());
        for notification in
            members.get_mut("notifications").and_then(Value::as_array_mut).into_iter().flatten()
        {
            if let Some(members) = notification.as_object_mut() {
                members.retain(|_, value| !value.is_null());
            }
        }
        let mut shown: Self = serde_json::from_value(Value::Object(members)).ok()?;
        let lines = [Some(&mut shown.reason), shown.details.as_mut(), shown.resolution.as_mut()];
        for text in lines.into_iter().flatten() {
            *text = clean_lines(text);
        }
        let words = [
            &mut shown.id,
            &mut shown.severity,
            &mut shown.state,
            &mut shown.agent_id,
            &mut shown.created_at,
        ];
        let more = [
            &mut shown.initial_severity,
            &mut shown.category,
            &mut shown.repo,
            &mut shown.branch,
            &mut shown.acked_at,
            &mut shown.acked_by,
            &mut shown.closed_at,
            &mut shown.closed_by,
            &mut shown.last_bumped_at,
            &mut shown.next_bump_at,
        ];
        for text in words.into_iter().chain(more.into_iter().filter_map(Option::as_mut)) {
            *text = short(text);
        }
        for notification in &mut shown.notifications {
            let Notification { route, target, state, url, last_error, severity, at, .. } = notification;
            let more = [url, last_error, severity, at].into_iter().filter_map(Option::as_mut);
            for text in [route, target, state].into_iter().chain(more) {
                *text = short(text);
            }
        }
        // In the order of the levels; at one level it is chance which route answered first.
        shown
            .notifications
            .sort_by(|a, b| (&b.severity, &a.route, &a.target).cmp(&(&a.severity, &b.route, &b.target)));
        Some(shown)
    }

    /// Returns what it is about, such as `o/r#42`.
    pub(crate) fn place(&self) -> String {
        let number = match (self.issue_number, self.pr_number) {
            (Some(issue), _) => format!("#{issue}"),
            (None, Some(pr)) => format!(" PR #{pr}"),
            (None, None) => String::new(),
        };
        let place = format!("{}{number}", self.repo.as_deref().unwrap_or(""));
        if place.is_empty() { "-".to_owned() } else { place.trim_start().to_owned() }
    }

    /// Returns the reason on one line.
    pub(crate) fn line(&self) -> String {
        clean(&self.reason)
    }
}

impl Notification {
    /// Returns where it went and what became of it.
    pub(crate) fn line(&self) -> String {
        let mut text = format!("{} {}: {}", self.route, self.target, self.state);
        if let Some(url) = &self.url {
            text.push_str(&format!(", {url}"));
        }
        if let Some(error) = self.last_error.as_ref().filter(|_| self.state != "sent") {
            text.push_str(&format!(" ({error})"));
        }
        text
    }
}

/// Cleans a short text and cuts it.
pub(crate) fn short(text: &str) -> String {
    cut(&clean(&cut(text, SHORT * 8)), SHORT)
}

/// Says when an escalation is raised, or a P0 told again.
pub(crate) fn next_bump(shown: &Shown) -> Option<String> {
    let at = shown.next_bump_at.as_deref()?;
    let to = match Severity::from_word(&shown.severity).and_then(Severity::raised) {
        Some(severity) => format!("raised to {severity}"),
        None => "told again".to_owned(),
    };
    Some(format!("{to} at {at}{} unless a person takes it", distance(at)))
}

/// Returns how far off a time is, in brackets; nothing where it cannot be read.
pub(crate) fn distance(at: &str) -> String {
    match seconds_since(at) {
        None => String::new(),
        Some(ago @ 0..) => format!(" ({} ago)", duration(ago.unsigned_abs())),
        Some(ahead) => format!(" (in {})", duration(ahead.unsigned_abs())),
    }
}

/// Returns a duration in its largest unit, such as `3h`, rounded.
pub(crate) fn duration(seconds: u64) -> String {
    let minutes = seconds.saturating_add(30) / 60;
    let hours = minutes.saturating_add(30) / 60;
    match (seconds, minutes, hours) {
        (0..60, ..) => format!("{seconds}s"),
        (_, 0..60, _) => format!("{minutes}m"),
        (_, _, 0..48) => format!("{hours}h"),
        _ => format!("{}d", hours.saturating_add(12) / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_in_their_largest_unit() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (89, "1m"),
            (90, "2m"),
            (3569, "59m"),
            (3570, "1h"),
            (4 * 3600 - 1, "4h"),
            (47 * 3600, "47h"),
            (71 * 3600, "3d"),
            (u64::MAX, "213503982334601d"),
        ] {
            assert_eq!(duration(seconds), expected, "{seconds}");
        }
    }
}
