use std::fmt;
use std::ops::RangeInclusive;

use axum::extract;
use axum::http::Uri;

use super::{ApiError, fields};

/// The parameters of a request, decoded, in their order. One that is empty counts as absent; of one
/// that is there twice the last counts.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(uri: &Uri) -> Self {
        // Every text is pairs of names and values; what is no UTF-8 is replaced.
        Self(extract::Query::try_from_uri(uri).map_or_else(|_| Vec::new(), |pairs| pairs.0))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns every value of a parameter, however its name is written.
    pub(super) fn in_any_casing<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let same = move |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.0.iter().filter(same).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value));
    }

    /// Reads words that are parted by commas.
    pub(super) fn words<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Result<T, ApiError>,
    ) -> Result<Option<Vec<T>>, ApiError> {
        self.get(name).map(|text| text.split(',').map(|word| read(word.trim())).collect()).transpose()
    }

    /// Reads a whole number within bounds.
    pub(super) fn number(&self, name: &str, bounds: RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = fields::digits(text).filter(|number| bounds.contains(number));
        let (low, high) = (bounds.start(), bounds.end());
        let error = || ApiError::invalid(name, format_args!("has to be a whole number from {low} to {high}"));
        number.map(Some).ok_or_else(error)
    }
}

/// Writes it as the query of a URL.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let part = if index == 0 { "" } else { "&" };
            write!(f, "{part}{}={}", Encoded(name), Encoded(value))?;
        }
        Ok(())
    }
}

/// A text with everything percent-encoded but letters, digits and `-._~,/`.
pub(super) struct Encoded<'a>(pub(super) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'-' | b'.' | b'_' | b'~' | b',' | b'/' => write!(f, "{}", char::from(byte))?,
                _ if byte.is_ascii_alphanumeric() => write!(f, "{}", char::from(byte))?,
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}
