//! A coordinator for the trial of an installation: takes every event and remembers its type.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Doing, Result};

/// The largest event that is read.
const LARGEST: usize = 1 << 20;

/// Listens on this machine until it is dropped.
#[derive(Debug)]
pub(crate) struct Coordinator {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    types: Mutex<BTreeSet<String>>,
    done: AtomicBool,
}

impl Coordinator {
    /// Starts to listen on a free port.
    pub(crate) fn start() -> Result<Self> {
        let doing = || "listen on 127.0.0.1 for the trial".to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").doing(doing)?;
        let address = listener.local_addr().doing(doing)?;
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.done.load(Ordering::Relaxed) {
                    return;
                }
                // Who breaks off has nothing to be told.
                let _ = answer(&stream, &own.types);
            }
        });
        Ok(Self { address, shared })
    }

    /// Returns its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until events of all these types are here; returns those that are not in time.
    pub(crate) fn missing<'a>(&self, types: &[&'a str], limit: Duration) -> Vec<&'a str> {
        let start = Instant::now();
        loop {
            let seen = self.shared.types.lock().unwrap_or_else(PoisonError::into_inner);
            let missing: Vec<_> = types.iter().filter(|name| !seen.contains(**name)).copied().collect();
            drop(seen);
            if missing.is_empty() || start.elapsed() > limit {
                return missing;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::Relaxed);
        // Wakes the listener up, so that it sees the end.
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(stream: &TcpStream, types: &Mutex<BTreeSet<String>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0).min(LARGEST);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let posted = first.starts_with("POST /api/events ");
    if posted && let Ok(event) = serde_json::from_slice::<serde_json::Value>(&body) {
        let kind = event["type"].as_str().unwrap_or("untyped").to_owned();
        types.lock().unwrap_or_else(PoisonError::into_inner).insert(kind);
    }
    // An escalation is told at once to a person who is made up.
    let (status, body) =
        if posted { ("200 OK", r#"{"delivered":true,"notifications":[]}"#) } else { ("404 Not Found", "{}") };
    let headers = "Content-Type: application/json\r\nConnection: close";
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posted_events_are_remembered_and_other_requests_are_not() {
        let coordinator = Coordinator::start().unwrap();
        let send = |request: &str, body: &str| {
            let mut stream = TcpStream::connect(coordinator.address).unwrap();
            let length = body.len();
            write!(stream, "{request} HTTP/1.1\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text.lines().next().unwrap().to_owned()
        };
        assert_eq!(send("POST /api/events", r#"{"type":"HEARTBEAT"}"#), "HTTP/1.1 200 OK");
        assert_eq!(send("GET /api/agents/x", r#"{"type":"OTHER"}"#), "HTTP/1.1 404 Not Found");
        assert_eq!(coordinator.missing(&["HEARTBEAT", "OTHER"], Duration::ZERO), ["OTHER"]);
    }
}
