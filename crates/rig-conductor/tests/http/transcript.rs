//! Transcripts: requests and their whole answers, as text.
//!
//! ```text
//! # A comment.
//! | X-Header: of the next request
//! pool POST /api/events {"type":"HEARTBEAT","agentId":"dev-e-node","status":"idle"}
//! 200 {"streamId":"dev-e-node","type":"HEARTBEAT","timestamp":"<0m>"}
//!
//! advance 4h
//! ```
//!
//! A caller, a method, a path, a body; then the status, the headers that matter, the body. UUIDs are shown
//! as `<1>`, `<2>` in the order of their appearance, and may be written so in later requests; times as what
//! has passed since the start, rounded down to five minutes. `<x*2001>` is 2001 times `x`, and `next` the path of
//! the page behind the last one.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;

use crate::service::{Answer, CALLERS, Service};

/// The headers of an answer that are shown.
const SHOWN: [&str; 5] = ["allow", "link", "retry-after", "www-authenticate", "x-forwarded"];

/// The members that say how many seconds something lasted.
const LASTING: [&str; 3] = ["\"median\":", "\"p95\":", "\"unackedForSeconds\":"];

/// Runs every step of a transcript and returns it as it came out.
pub(crate) async fn run(service: &Service, text: &str) -> String {
    let mut player = Player {
        service,
        start: service.app.store.now().await.unwrap(),
        ids: Vec::new(),
        next: String::new(),
    };
    let mut out = String::new();
    let mut headers = Vec::new();
    for line in text.lines() {
        let first = line.split(' ').next().unwrap_or_default();
        if let Some(header) = line.strip_prefix("| ") {
            let (name, value) = header.split_once(": ").expect("a header");
            headers.push((name.to_owned(), player.filled(value)));
        } else if let Some(time) = line.strip_prefix("advance ") {
            service.app.store.advance(duration(time)).await.unwrap();
        } else if CALLERS.iter().any(|(name, _)| *name == first) {
            let answer = player.ask(line, &std::mem::take(&mut headers)).await;
            out.push_str(line);
            out.push('\n');
            out.push_str(&player.shown(&answer));
            continue;
        } else if !line.is_empty() && !line.starts_with('#') {
            // What was answered when it was written; it is compared with what comes out.
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

struct Player<'a> {
    service: &'a Service,
    start: Timestamp,
    ids: Vec<String>,
    /// Where the next page is.
    next: String,
}

impl Player<'_> {
    async fn ask(&mut self, line: &str, headers: &[(String, String)]) -> Answer {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (caller, method, target) = (word(), word(), self.filled(word()));
        let target = if target == "next" { std::mem::take(&mut self.next) } else { target };
        let body = words.next().map(|body| self.filled(body));
        let answer = self.service.send(caller, method, &target, headers, body.as_deref()).await;
        let link = answer.headers.get("link").map(|link| link.to_str().unwrap());
        if let Some((target, _)) = link.and_then(|link| link.strip_prefix('<')?.split_once('>')) {
            target.clone_into(&mut self.next);
        }
        answer
    }

    /// Returns a text with ids and repetitions written out.
    fn filled(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            out.push_str(before);
            let Some((inner, behind)) = after.split_once('>') else {
                out.push('<');
                rest = after;
                continue;
            };
            let id = inner.parse::<usize>().ok().and_then(|n| self.ids.get(n.wrapping_sub(1)));
            match (id, inner.rsplit_once('*')) {
                (Some(id), _) => out.push_str(id),
                (None, Some((text, times))) => out.push_str(&text.repeat(times.parse().unwrap())),
                (None, None) => write!(out, "<{inner}>").unwrap(),
            }
            rest = behind;
        }
        out + rest
    }

    fn shown(&mut self, answer: &Answer) -> String {
        let mut out = format!("{} {}\n", answer.status, self.plain(&answer.body));
        for name in SHOWN {
            if let Some(value) = answer.headers.get(name) {
                let value = self.plain(value.to_str().unwrap());
                let value = match (name, value.split_once("&cursor=")) {
                    ("retry-after", _) => seconds(&value),
                    (_, Some((before, _))) => format!("{before}&cursor=..."),
                    _ => value,
                };
                writeln!(out, "{name}: {value}").unwrap();
            }
        }
        out
    }

    /// Replaces ids and times.
    fn plain(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(id) = rest.get(..36).filter(|id| is_uuid(id)) {
                let known = self.ids.iter().position(|known| known == id).unwrap_or_else(|| {
                    self.ids.push(id.to_owned());
                    self.ids.len() - 1
                });
                write!(out, "<{}>", known + 1).unwrap();
                rest = &rest[36..];
            } else if let Some(at) = rest.get(..24).and_then(|at| at.parse::<Timestamp>().ok()) {
                write!(out, "<{}>", since(self.start, at)).unwrap();
                rest = &rest[24..];
            } else if let Some(name) = LASTING.iter().find(|name| rest.starts_with(*name)) {
                let number = rest[name.len()..].split([',', '}']).next().unwrap_or_default();
                rest = &rest[name.len() + number.len()..];
                // As times, they depend on how fast the test is.
                let shown = number.parse().map_or(number.to_owned(), |n: u64| (n / 300 * 300).to_string());
                write!(out, "{name}{shown}").unwrap();
            } else {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        match out.split_once("try again in ") {
            Some((before, after)) => {
                let (number, after) = after.split_once(' ').unwrap();
                format!("{before}try again in {} {after}", seconds(number))
            }
            None => out,
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    })
}

/// Returns what has passed, rounded down to five minutes.
fn since(start: Timestamp, at: Timestamp) -> String {
    // A store's time has microseconds, what is shown milliseconds.
    let passed = (at.as_millisecond() - start.as_millisecond() + 1).div_euclid(300_000) * 5;
    match passed {
        minutes if minutes != 0 && minutes % 60 == 0 => format!("{}h", minutes / 60),
        minutes => format!("{minutes}m"),
    }
}

/// Hides a number of seconds that depends on how fast the test is.
fn seconds(text: &str) -> String {
    match text.parse::<u64>() {
        Ok(n) if n > 60 => "<seconds>".to_owned(),
        _ => text.to_owned(),
    }
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        unit => panic!("{unit} is no unit of time"),
    };
    Duration::from_secs(number.parse::<u64>().unwrap() * unit)
}
