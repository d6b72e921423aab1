//! The service under measurement and the processes beside it: started, asked, ended.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::process;

/// How long something may take to come up or go down.
const PATIENCE: Duration = Duration::from_secs(30);

/// The token of agents.
pub(super) const AGENT: &str = "agents-of-the-bench-0123456789abcdef0123456789";

/// A child process that ends with this value.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
}

impl Running {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn();
        Ok(Self { child: child.doing(|| format!("start {}", process::shown(command)))? })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) process: Running,
    pub(super) address: SocketAddr,
}

/// How a service is started.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) program: PathBuf,
    /// The value of `RIG_CONDUCTOR_STORE`.
    pub(super) store: String,
    pub(super) log: PathBuf,
    /// More of its environment.
    pub(super) env: Vec<(&'static str, String)>,
}

impl Plan {
    /// Returns a call of the program with nothing in its environment but this plan's settings.
    pub(super) fn command(&self, cx: &Context, program: &Path) -> Command {
        let mut command = cx.command(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
        command.env("RIG_CONDUCTOR_STORE", &self.store).env("CONDUCTOR_TOKEN", AGENT);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the service on a free port and waits until it answers.
    pub(super) fn start(&self, cx: &Context) -> Result<Service> {
        let address = free_address()?;
        let log = fs::File::create(&self.log).doing(|| format!("make {}", self.log.display()))?;
        let mut command = self.command(cx, &self.program);
        command.arg("serve").env("RIG_CONDUCTOR_LISTEN", address.to_string());
        command.stdout(Stdio::null()).stderr(log);
        let mut service = Service { process: Running::start(&mut command)?, address };
        let up = wait_for("the service", || {
            service.process.has_ended() || service.get("/health").is_ok_and(|(status, _)| status == 200)
        });
        if up.is_err() || service.process.has_ended() {
            let said = fs::read_to_string(&self.log).unwrap_or_default();
            return Err(Error::new(format!("rig-conductor does not come up:\n{said}")));
        }
        Ok(service)
    }
}

impl Service {
    /// Asks for a path; returns status and body.
    pub(super) fn get(&self, path: &str) -> Result<(u16, Value)> {
        exchange(self.address, "GET", path, AGENT, "")
    }

    /// Sends an event with a token.
    pub(super) fn post(&self, token: &str, event: &Value) -> Result<(u16, Value)> {
        exchange(self.address, "POST", "/api/events", token, &event.to_string())
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// Returns an address on loopback at which nobody listens.
pub(super) fn free_address() -> Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).doing(|| "find a port".into())
}

/// Waits until something is so.
pub(super) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() > PATIENCE {
            return Err(Error::new(format!("waited in vain for {what}")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn exchange(at: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> Result<(u16, Value)> {
    let text = speak(at, method, path, token, body).doing(|| format!("{method} {path}"))?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| Error::new(format!("{method} {path}: no answer: {head}")))?;
    Ok((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

fn speak(at: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// Returns the seconds of processor time that a process has used, with children that have ended.
pub(super) fn cpu_seconds(pid: u32) -> f64 {
    stat(pid).map_or(0.0, |stat| stat.own + stat.ended_children)
}

/// Returns the seconds of processor time that a process and its running children have used.
pub(super) fn cpu_seconds_of_family(pid: u32) -> f64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children = pids.filter_map(stat).filter(|stat| stat.parent == pid);
    cpu_seconds(pid) + children.map(|stat| stat.own + stat.ended_children).sum::<f64>()
}

/// Returns the seconds of processor time of children that this process has waited for.
pub(super) fn cpu_seconds_of_ended_children() -> f64 {
    stat(std::process::id()).map_or(0.0, |stat| stat.ended_children)
}

struct Stat {
    parent: u32,
    own: f64,
    ended_children: f64,
}

/// Reads `/proc/PID/stat`. Its clock counts a hundred ticks a second on every Linux of today.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything, brackets too.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let seconds = |index: usize| fields.get(index)?.parse::<f64>().ok().map(|ticks| ticks / 100.0);
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: seconds(11)? + seconds(12)?,
        ended_children: seconds(13)? + seconds(14)?,
    })
}

/// Returns the resident memory of a process in KiB.
pub(super) fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_of_an_ended_child_is_counted_once() {
        let before = cpu_seconds_of_ended_children();
        let burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let status = Command::new("sh").args(["-c", burn]).status().unwrap();
        assert!(status.success() && cpu_seconds_of_ended_children() > before);
        assert!(resident(std::process::id()) > 0);
    }
}
