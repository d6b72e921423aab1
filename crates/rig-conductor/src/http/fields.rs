//! Members of a request as values, each checked; an error begins with the member's name.

use std::str::FromStr;

use rig_text::{REDACTED, clean, cut};
use rig_wire::{AgentId, Severity};
use serde_json::Value;
use uuid::Uuid;

use super::ApiError;
use super::members::Members;

/// The most characters of a reason, a note or a resolution.
pub(super) const REASON: usize = 2000;
/// The most characters of details.
pub(super) const DETAILS: usize = 8000;
/// The most characters of a name: a branch, a session, a key.
const NAME: usize = 255;

/// The greatest number of an issue or a pull request.
const GREATEST: u64 = i32::MAX as u64;

impl Members {
    /// Returns a text, trimmed; `None` where it is absent or blank.
    ///
    /// # Errors
    /// When it is no text, or longer than so many characters.
    pub(super) fn text(&self, name: &str, most: usize) -> Result<Option<String>, ApiError> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim(),
            Some(_) => return Err(ApiError::invalid(name, "has to be text")),
        };
        if text.chars().nth(most).is_none() {
            return Ok((!text.is_empty()).then(|| text.to_owned()));
        }
        if text.contains(REDACTED) {
            // The marks in the place of secrets may have made it longer than it was.
            return Ok(Some(cut(text, most)));
        }
        Err(ApiError::invalid(name, format_args!("at most {most} characters")))
    }

    /// Returns a text that has to be there.
    ///
    /// # Errors
    /// When it is absent, blank, no text, or too long.
    pub(super) fn required_text(&self, name: &str, most: usize) -> Result<String, ApiError> {
        self.text(name, most)?.ok_or_else(|| ApiError::invalid(name, "is missing"))
    }

    /// Returns a text of one line, such as the name of a branch.
    ///
    /// # Errors
    /// As [`Members::text`].
    pub(super) fn name(&self, name: &str) -> Result<Option<String>, ApiError> {
        let text = self.text(name, NAME)?.map(|text| clean(&text));
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// Returns the number of an issue or a pull request; 0 and an empty text are none.
    ///
    /// # Errors
    /// When it is no whole number, or out of bounds.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => digits(text),
            Some(_) => None,
        };
        match number {
            Some(0) => Ok(None),
            Some(number) if number <= GREATEST => Ok(Some(number)),
            _ => Err(ApiError::invalid(name, format_args!("has to be a whole number from 1 to {GREATEST}"))),
        }
    }

    /// Returns an id.
    ///
    /// # Errors
    /// When it is no UUID.
    pub(super) fn uuid(&self, name: &str) -> Result<Option<Uuid>, ApiError> {
        let Some(text) = self.text(name, NAME)? else { return Ok(None) };
        full_uuid(&text).map(Some).ok_or_else(|| ApiError::invalid(name, "has to be a UUID"))
    }

    /// Returns an id that has to be there.
    ///
    /// # Errors
    /// When it is absent or no UUID.
    pub(super) fn required_uuid(&self, name: &str) -> Result<Uuid, ApiError> {
        self.uuid(name)?.ok_or_else(|| ApiError::invalid(name, "is missing"))
    }

    /// Returns a severity.
    ///
    /// # Errors
    /// When it is none of P0, P1, P2.
    pub(super) fn severity(&self, name: &str) -> Result<Option<Severity>, ApiError> {
        self.text(name, NAME)?.map(|text| severity(name, &text)).transpose()
    }

    /// Returns a value of which each has its word.
    ///
    /// # Errors
    /// When the text is none of the words.
    pub(super) fn word<T: FromStr<Err = rig_wire::UnknownWord>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name, NAME)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| ApiError::invalid(name, error))
    }

    /// Returns a repository.
    ///
    /// # Errors
    /// When it is not `owner/name`.
    pub(super) fn repo(&self, name: &str) -> Result<Option<String>, ApiError> {
        self.text(name, NAME)?.map(|text| repo(name, &text)).transpose()
    }

    /// Returns an agent.
    ///
    /// # Errors
    /// When the text has not the form of an agent's id.
    pub(super) fn agent(&self, name: &str) -> Result<Option<AgentId>, ApiError> {
        self.text(name, NAME)?.map(|text| agent(name, &text)).transpose()
    }
}

/// Reads a UUID as it is written in full, with its hyphens; the one of zeros is none.
pub(super) fn full_uuid(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok().filter(|id| text.len() == 36 && !id.is_nil())
}

/// Reads a severity as it is sent, and in no other spelling.
pub(super) fn severity(name: &str, text: &str) -> Result<Severity, ApiError> {
    let known = Severity::ALL.into_iter().find(|severity| severity.as_str() == text);
    known.ok_or_else(|| ApiError::invalid(name, "has to be P0, P1 or P2"))
}

/// Reads `owner/name`.
pub(super) fn repo(name: &str, text: &str) -> Result<String, ApiError> {
    let part = |part: &str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        (1..=100).contains(&part.len()) && !matches!(part, "." | "..") && part.bytes().all(known)
    };
    let good = text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name));
    good.then(|| text.to_owned()).ok_or_else(|| ApiError::invalid(name, "has to be owner/name"))
}

/// Reads the id of an agent.
pub(super) fn agent(name: &str, text: &str) -> Result<AgentId, ApiError> {
    AgentId::parse(text).map_err(|error| ApiError::invalid(name, error))
}

/// Reads a whole number of digits alone.
pub(super) fn digits(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}
