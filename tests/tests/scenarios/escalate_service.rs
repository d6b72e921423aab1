//! The installed service on SQLite, and transcripts of commands against it.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rig_testkit::{Home, Output, PATH, Program};
use rig_tests::needs::program;
use serde_json::Value;

/// The token of the agents' pool.
pub(crate) const AGENTS: &str = "agents-secret-of-the-pool";

/// The tokens of two people.
const OPERATORS: &str = "human-stig=secret-of-stig-0001,human-kari=secret-of-kari-0001";

/// A running service; it ends when dropped.
pub(crate) struct Service {
    home: Home,
    env: Vec<(String, String)>,
    child: Option<Child>,
    port: u16,
}

impl Service {
    /// Starts one with an empty store and more settings.
    #[track_caller]
    pub(crate) fn start(env: &[(&str, &str)]) -> Self {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut service = Self { home: Home::new(), env, child: None, port: 0 };
        service.up();
        service
    }

    /// Starts it at the port that it had before, or at a free one.
    #[track_caller]
    pub(crate) fn up(&mut self) {
        let store = format!("sqlite:{}", self.home.join("store.db").display());
        let listen = format!("127.0.0.1:{}", self.port);
        let mut command = Command::new(program("rig-conductor"));
        command.args(["serve", "--listen", &listen, "--store", &store]);
        command.env_clear().env("PATH", PATH).env("HOME", self.home.path());
        command.env("CONDUCTOR_TOKEN", AGENTS).env("RIG_CONDUCTOR_OPERATOR_TOKENS", OPERATORS);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let log = std::fs::File::create(self.home.join("service.log")).expect("make a log");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("start rig-conductor");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a piped stdout");
        BufReader::new(stdout).read_line(&mut line).expect("read what rig-conductor says");
        self.child = Some(child);
        let port =
            line.trim().strip_prefix("listening on http://127.0.0.1:").and_then(|port| port.parse().ok());
        self.port =
            port.unwrap_or_else(|| panic!("it says {line:?}; its log: {}", self.home.read("service.log")));
    }

    /// Sets a variable for the next start.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Kills it.
    pub(crate) fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Returns what it has logged since its last start.
    pub(crate) fn log(&self) -> String {
        self.home.read("service.log")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The command as somebody runs it: `agent`, `stig`, `kari`, `nobody` without a token, `stranger` with
    /// wrong ones, `usurper` with the agents' token in the place of an operator's.
    pub(crate) fn command(&self, who: &str, args: &[&str]) -> Program {
        let command = Program::new(program("rig-escalate"))
            .home(&self.home)
            .env("AGENT_ID", "dev-e-node")
            .env("CONDUCTOR_BASE_URL", self.url())
            .args(args.iter().copied())
            .within(Duration::from_secs(60));
        match who {
            "agent" => command.env("CONDUCTOR_TOKEN", AGENTS),
            "stig" => command.env("CONDUCTOR_OPERATOR_TOKEN", "secret-of-stig-0001"),
            "kari" => command.env("CONDUCTOR_OPERATOR_TOKEN", "secret-of-kari-0001"),
            "nobody" => command,
            "stranger" => {
                command.env("CONDUCTOR_TOKEN", "made-up").env("CONDUCTOR_OPERATOR_TOKEN", "made-up-as-well")
            }
            "usurper" => command.env("CONDUCTOR_TOKEN", AGENTS).env("CONDUCTOR_OPERATOR_TOKEN", AGENTS),
            who => panic!("nobody is called {who}"),
        }
    }

    #[track_caller]
    pub(crate) fn run(&self, who: &str, args: &[&str]) -> Output {
        self.command(who, args).output()
    }

    /// Starts an agent's `watch`, which goes on.
    pub(crate) fn watch(&self) -> Child {
        let mut command = Command::new(program("rig-escalate"));
        command.arg("watch").env_clear().env("PATH", PATH).env("HOME", self.home.path());
        command.env("CONDUCTOR_BASE_URL", self.url()).env("CONDUCTOR_TOKEN", AGENTS);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().expect("start rig-escalate")
    }

    /// Creates an escalation and returns its id.
    #[track_caller]
    pub(crate) fn create(&self, severity: &str, reason: &str) -> String {
        let output = self.run("agent", &[severity, reason, "--json"]);
        let object: Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
        object["id"].as_str().expect("an id").to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.down();
    }
}

/// The names of what differs from run to run.
#[derive(Default)]
pub(crate) struct Transcript {
    ids: Vec<String>,
}

impl Transcript {
    /// Runs the commands of a script, and returns it with what they say this time. The lines `service down` and
    /// `service up` do what they say; lines that begin with `#` are remarks.
    #[track_caller]
    pub(crate) fn play(script: &str, service: &mut Service) -> String {
        let mut transcript = Self::default();
        let mut played = String::new();
        let mut lines = script.lines();
        while let Some(line) = lines.next() {
            writeln!(played, "{line}").expect("a String takes every text");
            match line.split_once("$ ") {
                _ if line == "service down" => service.down(),
                _ if line == "service up" => service.up(),
                Some((who, words)) if who.chars().all(|c| c.is_ascii_lowercase()) => {
                    let words: Vec<String> =
                        words_of(words).iter().map(|word| transcript.given(word)).collect();
                    let args: Vec<&str> = words.iter().map(String::as_str).collect();
                    let output = service.run(who, &args);
                    played.push_str(&transcript.told(&output, &service.url()));
                    // What it is expected to say ends with the exit code.
                    let _ = lines.by_ref().find(|line| is_code(line));
                }
                _ => assert!(line.is_empty() || line.starts_with('#'), "no line of a script: {line}"),
            }
        }
        played
    }

    /// Returns the id that has this number.
    #[track_caller]
    pub(crate) fn id_of(&self, number: usize) -> String {
        self.ids[number - 1].clone()
    }

    /// Returns a word of a script with the ids of this run.
    fn given(&self, word: &str) -> String {
        let mut word = word.to_owned();
        for (n, id) in self.ids.iter().enumerate() {
            word = word.replace(&format!("<{}>", n + 1), id).replace(&format!("<{}..>", n + 1), &id[..13]);
        }
        word
    }

    /// Returns what a command did, with names for what differs.
    pub(crate) fn told(&mut self, output: &Output, url: &str) -> String {
        let mut text = String::new();
        for line in output.stdout.lines() {
            text.push_str(&format!("{line}\n"));
        }
        for line in output.stderr.lines() {
            text.push_str(&format!("2> {line}\n"));
        }
        let code = output.code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
        let text = self.named(&text.replace(url, "http://SERVICE"));
        format!("{text}[{code}]\n")
    }

    fn named(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            // A name begins behind what is no part of one.
            let inside = out.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric() || c == '-');
            let name = match inside {
                true => None,
                false if out.ends_with("unackedForSeconds=") => number(rest),
                false => self
                    .id(rest)
                    .or_else(|| time(rest))
                    .or_else(|| age(rest))
                    .or_else(|| number_of_others(rest)),
            };
            let (name, length) = match name {
                Some(found) => found,
                None => {
                    let length = rest.chars().next().map_or(1, char::len_utf8);
                    (rest[..length].to_owned(), length)
                }
            };
            write!(out, "{name}").expect("a String takes every text");
            rest = &rest[length..];
        }
        out
    }

    /// Reads an id at the start, or the first 13 characters of one.
    fn id(&mut self, text: &str) -> Option<(String, usize)> {
        let is = |text: &str, sizes: &[usize]| {
            let parts: Vec<&str> = text.split('-').collect();
            parts.len() == sizes.len()
                && parts
                    .iter()
                    .zip(sizes)
                    .all(|(p, n)| p.len() == *n && p.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        if let Some(id) = text.get(..36).filter(|id| is(id, &[8, 4, 4, 4, 12])) {
            // An id that a script made up stays as it is.
            if id.starts_with("00000000") {
                return Some((id.to_owned(), 36));
            }
            let known = self.ids.iter().position(|known| known == id);
            let n = known.unwrap_or_else(|| {
                self.ids.push(id.to_owned());
                self.ids.len() - 1
            });
            return Some((format!("<{}>", n + 1), 36));
        }
        let cut = text.get(..13).filter(|id| is(id, &[8, 4]))?;
        let n = self.ids.iter().position(|known| known.starts_with(cut))?;
        Some((format!("<{}..>", n + 1), 13))
    }
}

/// Reads a time at the start, such as `2026-01-02T03:04:05.678Z`.
fn time(text: &str) -> Option<(String, usize)> {
    let end = text.find('Z').filter(|end| (19..=30).contains(end))?;
    let plain = |(at, b): (usize, u8)| match at {
        4 | 7 => b == b'-',
        10 => b == b'T',
        13 | 16 => b == b':',
        19 => b == b'.',
        _ => b.is_ascii_digit(),
    };
    text.bytes().take(end).enumerate().all(plain).then(|| ("<time>".to_owned(), end + 1))
}

/// Reads a count of seconds at the start.
fn number(text: &str) -> Option<(String, usize)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| ("<age>".to_owned(), digits))
}

/// Reads what others count or compute at the start: an id that the double of Discord gave, which counts
/// up whoever comes first, or a hash of the service.
fn number_of_others(text: &str) -> Option<(String, usize)> {
    let length = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    match length {
        19 if text.starts_with("13000") => Some(("<sent>".to_owned(), length)),
        32 => Some(("<hash>".to_owned(), length)),
        _ => None,
    }
}

/// Reads an age of seconds or minutes at the start. In a table it keeps its width.
fn age(text: &str) -> Option<(String, usize)> {
    let spaces = text.len() - text.trim_start_matches(' ').len();
    let digits = text[spaces..].bytes().take_while(u8::is_ascii_digit).count();
    let unit = text[spaces + digits..].bytes().next()?;
    let after = text[spaces + digits + 1..].chars().next();
    let is_age = (1..=2).contains(&digits)
        && matches!(unit, b's' | b'm')
        && after.is_none_or(|c| !c.is_ascii_alphanumeric());
    is_age.then(|| {
        let length = spaces + digits + 1;
        if spaces > 1 {
            (format!("{:>length$}", "~"), length)
        } else {
            (format!("{}<age>", &text[..spaces]), length)
        }
    })
}

fn is_code(line: &str) -> bool {
    let code = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    code.is_some_and(|code| code == "killed" || code.parse::<u8>().is_ok())
}

/// Splits a line into words; single quotes keep spaces, and `\n` in them is a line break.
fn words_of(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut begun) = (String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                begun = true;
            }
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words.iter().map(|word| word.replace("\\n", "\n")).collect()
}
