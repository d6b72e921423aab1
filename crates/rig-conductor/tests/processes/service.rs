//! Real processes of the service, which can be killed, frozen and told to die at a point.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rig_testkit::FakeDiscord;
use rig_testkit::discord::{ADMIN, ALICE, TASKS, TOKEN};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::place::Place;

/// The token of agents; of each severity as many as a test likes.
pub(crate) const AGENT: &str = "pool-token-of-the-test-0123456789";
/// The token of the operator maria.
pub(crate) const OPERATOR: &str = "operator-token-of-the-test-0123";

/// How a process of the service is started.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The address of the store, and more of the environment.
    pub(crate) env: Vec<(String, String)>,
    /// Where its log goes.
    pub(crate) dir: PathBuf,
    /// When it is killed, counted from its start.
    pub(crate) dies_after: Option<Duration>,
}

impl Plan {
    /// Plans a service on a store, with a Discord, that looks for what is due every second.
    pub(crate) fn new(store: &Place, discord: &FakeDiscord, dir: &Path) -> Self {
        let mut env = store.env();
        for (name, value) in [
            ("CONDUCTOR_TOKEN", AGENT.to_owned()),
            ("RIG_CONDUCTOR_OPERATOR_TOKENS", format!("maria={OPERATOR}")),
            ("RIG_CONDUCTOR_SWEEP_EVERY", "1s".to_owned()),
            ("RIG_CONDUCTOR_FLOOD", "100000/10m".to_owned()),
            ("DISCORD_API_URL", discord.url()),
            ("DISCORD_BOT_TOKEN", TOKEN.to_owned()),
            ("RIG_DISCORD_ADMIN_CHANNEL", ADMIN.to_string()),
            ("RIG_DISCORD_TASKS_CHANNEL", TASKS.to_string()),
            ("RIG_DISCORD_P0_USERS", ALICE.to_string()),
        ] {
            env.push((name.to_owned(), value));
        }
        Self { env, dir: dir.to_owned(), dies_after: None }
    }

    /// Adds a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts a process, which may end at once where it was told to.
    #[track_caller]
    pub(crate) fn start(&self) -> Process {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = self.dir.join(format!("{port}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rig-conductor"));
        command.arg("serve").env_clear().env("HOME", &self.dir).current_dir(&self.dir);
        command.env("RIG_CONDUCTOR_LISTEN", format!("127.0.0.1:{port}"));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let child = Arc::new(Mutex::new(command.spawn().expect("start rig-conductor")));
        if let Some(after) = self.dies_after {
            let child = Arc::clone(&child);
            std::thread::spawn(move || {
                std::thread::sleep(after);
                // Of a child that has ended nothing is killed.
                let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
            });
        }
        Process { child, base: format!("http://127.0.0.1:{port}"), log, frozen: AtomicBool::new(false) }
    }

    /// Starts a process and waits until it listens, or has died.
    #[track_caller]
    pub(crate) fn up(&self) -> Process {
        let process = self.start();
        process.wait_until_up();
        process
    }
}

/// A process of the service, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Arc<Mutex<Child>>,
    base: String,
    log: PathBuf,
    frozen: AtomicBool,
}

impl Process {
    /// Says whether it has not ended.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.child().try_wait(), Ok(None))
    }

    /// Ends it as a power failure does.
    pub(crate) fn kill(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stands it still until [`Process::thaw`].
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        self.frozen.store(true, Ordering::Relaxed);
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.frozen.store(false, Ordering::Relaxed);
        self.signal(Signal::CONT);
    }

    /// Says whether it stands still.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child().id()).ok().and_then(Pid::from_raw).expect("the id of a child");
        kill_process(pid, signal).expect("send a signal to a child");
    }

    /// Returns what it has logged.
    pub(crate) fn log(&self) -> String {
        let mut text = String::new();
        let _ = File::open(&self.log).and_then(|mut file| file.read_to_string(&mut text));
        text
    }

    #[track_caller]
    fn wait_until_up(&self) {
        let start = Instant::now();
        while self.is_alive() && self.ask("GET", "/health", "", None).is_none() {
            assert!(start.elapsed() < rig_testkit::PATIENCE, "it does not come up:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks and returns status and body; `None` where no answer came.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .build();
        let agent = ureq::Agent::new_with_config(agent);
        let url = format!("{}{path}", self.base);
        let token = format!("Bearer {token}");
        let answer = match (method, body) {
            ("GET", _) => agent.get(url).header("authorization", token).call(),
            (_, body) => {
                let text = body.unwrap_or(&json!({})).to_string();
                let request = agent.post(url).header("authorization", token);
                request.header("content-type", "application/json").send(text)
            }
        };
        let mut answer = answer.ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let from = log.char_indices().rev().nth(6000).map_or(0, |(at, _)| at);
            let told = format!("{} said last:\n{}\n", self.base, &log[from..]);
            let _ = std::io::stderr().write_all(told.as_bytes());
        }
    }
}
