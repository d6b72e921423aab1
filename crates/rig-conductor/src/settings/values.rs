//! What the texts of settings stand for. An error says what a value is not; whoever asked names the
//! value and where it came from, unless it is a secret.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use rig_wire::{AgentId, Severity};
use tracing_subscriber::filter::{LevelFilter, Targets};
use ureq::http::Uri;

use super::{Casing, Role, Secret, StoreSettings, Token};
use crate::domain::Flood;

/// Reads a duration such as `4h`, `90s`, `1h30m` or `7d`; negative ones and those above a year are none.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let span = Span::from_str(text).map_err(|_| "is no duration such as 4h, 90s or 1h30m".to_owned())?;
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let exact = exact.map_err(|_| "is no duration in days, hours, minutes and seconds".to_owned())?;
    let length = Duration::try_from(exact).map_err(|_| "is negative".to_owned())?;
    if length > LONGEST { Err("is more than a year".to_owned()) } else { Ok(length) }
}

/// Reads a duration that is more than zero.
pub(super) fn positive(text: &str) -> Result<Duration, String> {
    let length = duration(text)?;
    if length.is_zero() { Err("is not more than zero".to_owned()) } else { Ok(length) }
}

/// Reads a duration; zero stands for never.
pub(super) fn or_never(text: &str) -> Result<Option<Duration>, String> {
    duration(text).map(|length| (!length.is_zero()).then_some(length))
}

/// Reads how often to sweep.
pub(super) fn sweep_every(text: &str) -> Result<Duration, String> {
    let length = duration(text)?;
    match length.as_secs_f64() {
        seconds if seconds < 1.0 => Err("is less than 1s".to_owned()),
        seconds if seconds > 3600.0 => Err("is more than 1h".to_owned()),
        _ => Ok(length),
    }
}

/// Reads how long a level lasts: for all, or `P2=4h,P1=30m`. What is not named keeps `default`.
pub(super) fn bump_after(text: &str, default: Duration) -> Result<(Duration, Duration), String> {
    if !text.contains('=') {
        return positive(text).map(|all| (all, all));
    }
    let (mut p2, mut p1) = (default, default);
    for part in entries(text) {
        let (name, value) = part.split_once('=').ok_or_else(|| format!("has {part:?} without a severity"))?;
        let length = positive(value).map_err(|error| format!("has {value:?}, which {error}"))?;
        match Severity::from_word(name) {
            Some(Severity::P2) => p2 = length,
            Some(Severity::P1) => p1 = length,
            Some(Severity::P0) => return Err("names P0, which is not raised".to_owned()),
            None => return Err(format!("names {name:?}, which is none of P2, P1")),
        }
    }
    Ok((p2, p1))
}

/// Reads `10/10m`.
pub(super) fn flood(text: &str) -> Result<Flood, String> {
    let (creations, window) =
        text.split_once('/').ok_or("is no number and time such as 10/10m".to_owned())?;
    let creations = creations.trim().parse().ok().filter(|n| *n > 0);
    let creations = creations.ok_or("has no number above zero before the slash".to_owned())?;
    let window = positive(window).map_err(|error| format!("has a time behind the slash that {error}"))?;
    Ok(Flood { creations, window })
}

/// Reads the store. The text may hold a password and is not repeated.
pub(super) fn store(text: &str, schema: &str) -> Result<StoreSettings, String> {
    if let Some(path) = text.strip_prefix("sqlite:") {
        // `sqlite:///var/lib/x` and `sqlite:/var/lib/x` name the same file.
        let path = path.strip_prefix("//").unwrap_or(path);
        return match path {
            "" => Err("no file is named behind `sqlite:`".to_owned()),
            path => Ok(StoreSettings::Sqlite(PathBuf::from(path))),
        };
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        let parsed = tokio_postgres::Config::from_str(text);
        // What the parser says may repeat a part of the text.
        let parsed = parsed.map_err(|_| "it is no URL of a PostgreSQL database".to_owned())?;
        if parsed.get_hosts().is_empty() {
            return Err("it names no host".to_owned());
        }
        return Ok(StoreSettings::Postgres { url: Secret(text.to_owned()), schema: schema.to_owned() });
    }
    Err("it is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/DATABASE".to_owned())
}

/// Reads the name of a schema: what needs no quotes.
pub(super) fn schema(text: &str) -> Result<String, String> {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if first && rest && text.len() <= 63 && !text.starts_with("pg_") {
        return Ok(text.to_owned());
    }
    Err("is no schema's name: lower-case letters, digits and underscores, 63 at most".to_owned())
}

pub(super) fn casing(text: &str) -> Result<Casing, String> {
    match text {
        "pascal" => Ok(Casing::Pascal),
        "camel" => Ok(Casing::Camel),
        _ => Err("is neither pascal nor camel".to_owned()),
    }
}

/// Reads names of hosts, each with or without a port.
pub(super) fn hosts(text: &str) -> Result<Vec<String>, String> {
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    let check = |name: &str| match plain(name) {
        true => Ok(name.to_ascii_lowercase()),
        false => Err(format!("has {name:?}, which is no host's name")),
    };
    entries(text).map(check).collect()
}

/// Reads an http or https URL without a query and without a trailing slash.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let url = http_url(text)?;
    if url.query().is_some() || text.contains('#') {
        return Err("holds a query or a fragment".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads the base URL of Discord's API, whether it names a version or not.
pub(super) fn discord_url(text: &str) -> Result<String, String> {
    let mut base = base_url(text)?;
    let url = http_url(&base)?;
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if url.scheme_str() == Some("http") && !loopback {
        return Err("is plain http beyond loopback".to_owned());
    }
    if let Some((before, version)) = base.rsplit_once("/v")
        && !version.is_empty()
        && version.bytes().all(|b| b.is_ascii_digit())
    {
        base = before.to_owned();
    } else if matches!(url.path(), "" | "/") {
        // Discord's own host has its API below this.
        base.push_str("/api");
    }
    Ok(base)
}

/// Reads a URL that may be a secret itself.
pub(super) fn secret_url(text: &str) -> Result<Secret, String> {
    http_url(text.trim()).map_err(|error| format!("it {error}"))?;
    Ok(Secret(text.trim().to_owned()))
}

fn http_url(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|_| "is no URL".to_owned())?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err("does not start with http:// or https://".to_owned());
    }
    let authority = url.authority().ok_or("names no host")?;
    if authority.host().is_empty() {
        return Err("names no host".to_owned());
    }
    if authority.as_str().contains('@') {
        return Err("holds a user name or password".to_owned());
    }
    Ok(url)
}

/// Reads one of Discord's ids.
pub(super) fn snowflake(text: &str) -> Result<String, String> {
    let text = text.trim();
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if digits && text.parse::<u64>().is_ok() {
        return Ok(text.to_owned());
    }
    Err("is no id of Discord's, which is a number".to_owned())
}

/// Reads several of Discord's ids.
pub(super) fn snowflakes(text: &str) -> Result<Vec<String>, String> {
    let one = |text: &str| snowflake(text).map_err(|error| format!("has {text:?}, which {error}"));
    entries(text).map(one).collect()
}

/// Reads an Ed25519 public key.
pub(super) fn public_key(text: &str) -> Result<[u8; 32], String> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or("is not a key of 64 hexadecimal digits".to_owned())
}

/// Reads Discord's token.
pub(super) fn bot_token(text: &str) -> Result<Secret, String> {
    let text = text.trim();
    let text = text.strip_prefix("Bot ").unwrap_or(text).trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(Secret(text.to_owned()));
    }
    Err("it is no token: it holds blanks or other characters that a header does not".to_owned())
}

/// Reads the token that all agents share.
pub(super) fn pool(text: &str) -> Result<Token, String> {
    let secret = secret(text.trim()).map_err(|error| format!("the secret {error}"))?;
    Ok(Token { name: "pool".to_owned(), secret, role: Role::Agent { bound_to: None } })
}

/// Reads the tokens of single agents.
pub(super) fn agents(text: &str) -> Result<Vec<Token>, String> {
    let token = |(name, secret): (&str, Secret)| {
        if name == "pool" || name.starts_with("pool-") {
            let name = plain_name(name)?;
            return Ok(Token { name, secret, role: Role::Agent { bound_to: None } });
        }
        let id = AgentId::parse(name).map_err(|_| format!("`{name}` is no agent's id"))?;
        let id = id.as_str().to_owned();
        Ok(Token { name: id.clone(), secret, role: Role::Agent { bound_to: Some(id) } })
    };
    pairs(text)?.into_iter().map(token).collect()
}

/// Reads the tokens of people.
pub(super) fn operators(text: &str) -> Result<Vec<Token>, String> {
    let token =
        |(name, secret): (&str, Secret)| Ok(Token { name: plain_name(name)?, secret, role: Role::Operator });
    pairs(text)?.into_iter().map(token).collect()
}

fn pairs(text: &str) -> Result<Vec<(&str, Secret)>, String> {
    entries(text)
        .enumerate()
        .map(|(index, entry)| {
            let place = index + 1;
            let (name, value) =
                entry.split_once('=').ok_or_else(|| format!("entry {place} is not NAME=SECRET"))?;
            let secret = secret(value.trim()).map_err(|error| format!("the secret of `{name}` {error}"))?;
            Ok((name.trim(), secret))
        })
        .collect()
}

fn secret(text: &str) -> Result<Secret, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if !text.bytes().all(plain) {
        return Err("may hold letters, digits and -._~+/= alone".to_owned());
    }
    if text.is_empty() { Err("is empty".to_owned()) } else { Ok(Secret(text.to_owned())) }
}

fn plain_name(name: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._@".contains(&b);
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(name.to_owned());
    }
    Err(format!("`{name}` is no name: 1 to 64 letters, digits and -._@"))
}

/// Reads a level, and levels of modules. A word that is no level would be taken for a module.
pub(super) fn levels(text: &str) -> Result<Targets, String> {
    let level = |text: &str| {
        let level = LevelFilter::from_str(text).ok().filter(|_| text.parse::<u8>().is_err());
        level.ok_or_else(|| format!("has {text:?}, which is no level"))
    };
    entries(text).try_fold(Targets::new(), |targets, entry| match entry.split_once('=') {
        Some((module, of)) => Ok(targets.with_target(module, level(of)?)),
        None => Ok(targets.with_default(level(entry)?)),
    })
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}
