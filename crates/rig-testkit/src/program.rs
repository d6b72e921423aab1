//! Runs a program as the client runs a hook, and compares all that it does.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::{Home, PATH, PATIENCE, Payload};

/// A program to run: with nothing in its environment but `PATH`, `HOME` and `LANG`, an empty
/// stdin, and all of its output expected to be empty unless a test says otherwise.
#[derive(Clone, Debug)]
#[must_use]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    cwd: Option<PathBuf>,
    stdin: Stdin,
    stdout: Stream,
    stderr: Stream,
    file_limit: Option<u64>,
    capabilities: bool,
    patience: Duration,
    expected: Output,
}

/// What a program did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

#[derive(Clone, Debug)]
enum Stdin {
    Text(Vec<u8>),
    LeftOpen(Vec<u8>),
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Captured,
    Closed,
    NoReader,
    Full,
}

impl Program {
    /// Names the program by its path: in a crate's own tests `env!("CARGO_BIN_EXE_...")`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
            env: [("PATH", PATH), ("HOME", "/nonexistent"), ("LANG", "C.UTF-8")]
                .map(|(k, v)| (k.into(), v.into()))
                .into(),
            cwd: None,
            stdin: Stdin::Text(Vec::new()),
            stdout: Stream::Captured,
            stderr: Stream::Captured,
            file_limit: None,
            capabilities: true,
            patience: PATIENCE,
            expected: Output::default(),
        }
    }

    /// Sets `HOME`, and the working directory where none is set.
    pub fn home(mut self, home: &Home) -> Self {
        self.cwd.get_or_insert_with(|| home.path().to_owned());
        self.env("HOME", home.path())
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Takes a variable out, `HOME` for one.
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.remove(OsStr::new(name));
        self
    }

    /// Sets the working directory.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Writes a text to stdin and closes it.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Stdin::Text(text.into());
        self
    }

    /// Writes an event to stdin and closes it.
    pub fn payload(self, payload: Payload) -> Self {
        self.stdin(payload)
    }

    /// Asks about a Bash command, as `PreToolUse` does.
    pub fn bash(self, command: &str) -> Self {
        let cwd = self.cwd.clone().unwrap_or_else(|| "/".into());
        self.payload(Payload::bash(command).cwd(cwd))
    }

    /// Writes a text to stdin and keeps it open until the program ends.
    pub fn stdin_left_open(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Stdin::LeftOpen(text.into());
        self
    }

    /// Starts it without a stdin.
    pub fn stdin_closed(mut self) -> Self {
        self.stdin = Stdin::Closed;
        self
    }

    /// Starts it without a stdout.
    pub fn stdout_closed(mut self) -> Self {
        self.stdout = Stream::Closed;
        self
    }

    /// Starts it without a stderr.
    pub fn stderr_closed(mut self) -> Self {
        self.stderr = Stream::Closed;
        self
    }

    /// Starts it with a stdout and a stderr that nobody reads: every write fails.
    pub fn without_readers(mut self) -> Self {
        (self.stdout, self.stderr) = (Stream::NoReader, Stream::NoReader);
        self
    }

    /// Starts it with `/dev/full` as stdout and stderr.
    pub fn onto_full_device(mut self) -> Self {
        (self.stdout, self.stderr) = (Stream::Full, Stream::Full);
        self
    }

    /// Lets no file that it writes grow beyond so many 512-byte blocks; such a write fails.
    pub fn file_blocks(mut self, blocks: u64) -> Self {
        self.file_limit = Some(blocks);
        self
    }

    /// Takes the privileges of root away, so that file modes count for it too.
    pub fn without_capabilities(mut self) -> Self {
        self.capabilities = false;
        self
    }

    /// Waits so long for its end; the default is [`PATIENCE`].
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Expects exactly this on stdout.
    pub fn stdout(mut self, text: impl Into<String>) -> Self {
        self.expected.stdout = text.into();
        self
    }

    /// Expects exactly this on stderr.
    pub fn stderr(mut self, text: impl Into<String>) -> Self {
        self.expected.stderr = text.into();
        self
    }

    /// Runs it and compares exit code, stdout and stderr with what is expected.
    ///
    /// # Panics
    /// When they differ, and as [`Program::output`] does.
    #[track_caller]
    pub fn exits(mut self, code: i32) {
        self.expected.code = Some(code);
        let expected = self.expected.clone();
        let what = format!("{} {:?}", self.path.display(), self.args);
        assert_eq!(self.output(), expected, "{what}");
    }

    /// Runs it and returns what it did.
    ///
    /// # Panics
    /// When it cannot be started, or has not ended and let go of its output in time.
    #[track_caller]
    pub fn output(self) -> Output {
        let patience = self.patience;
        let name = self.path.display().to_string();
        let mut command = self.command();
        command.stdin(match self.stdin {
            Stdin::Text(_) | Stdin::LeftOpen(_) => Stdio::piped(),
            Stdin::Closed => Stdio::null(),
        });
        command.stdout(stdio(self.stdout)).stderr(stdio(self.stderr));
        let mut child = command.spawn().unwrap_or_else(|e| panic!("start {name}: {e}"));
        // The ends that this process holds go with the command.
        drop(command);
        let (out, err) = (read(child.stdout.take()), read(child.stderr.take()));
        let deadline = Instant::now() + patience;
        let open = feed(&mut child, self.stdin);
        let status = wait(&mut child, deadline);
        drop(open);
        let Some(status) = status else {
            let _ = child.kill();
            let _ = child.wait();
            panic!(
                "{name} did not end within {patience:?}; stderr: {}",
                text(&err, deadline).unwrap_or_default()
            );
        };
        let (Some(stdout), Some(stderr)) = (text(&out, deadline), text(&err, deadline)) else {
            panic!("{name} ended with {status}, but something it left behind holds its output open");
        };
        Output { code: status.code(), stdout, stderr }
    }

    /// Returns the command, behind a shell where only a shell can set it up: closing a stream
    /// and limiting file sizes between fork and exec needs unsafe code here.
    fn command(&self) -> Command {
        let mut words: Vec<OsString> = Vec::new();
        let mut set_up = String::new();
        if let Some(blocks) = self.file_limit {
            // With the signal ignored, the write fails with an error as on a full disk.
            set_up.push_str(&format!("trap '' XFSZ; ulimit -f {blocks}; "));
        }
        let closed = [
            (matches!(self.stdin, Stdin::Closed), " <&-"),
            (self.stdout == Stream::Closed, " >&-"),
            (self.stderr == Stream::Closed, " 2>&-"),
        ];
        let closing: String = closed.iter().filter(|(yes, _)| *yes).map(|(_, text)| *text).collect();
        if !set_up.is_empty() || !closing.is_empty() {
            words.extend(["/bin/sh", "-c"].map(Into::into));
            words.extend([format!("{set_up}exec \"$0\" \"$@\"{closing}").into()]);
        }
        if !self.capabilities {
            words.extend(["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"].map(Into::into));
        }
        words.push(self.path.clone().into());
        words.extend(self.args.iter().cloned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().envs(&self.env);
        command.current_dir(self.cwd.as_deref().unwrap_or(Path::new("/")));
        command
    }
}

fn stdio(stream: Stream) -> Stdio {
    match stream {
        Stream::Captured => Stdio::piped(),
        Stream::Closed => Stdio::null(),
        Stream::NoReader => std::io::pipe().expect("make a pipe").1.into(),
        Stream::Full => File::options().write(true).open("/dev/full").expect("open /dev/full").into(),
    }
}

/// Writes the program's stdin from a thread, since the program need not read it, and returns
/// what has to be dropped to close it.
fn feed(child: &mut Child, stdin: Stdin) -> Option<Receiver<std::process::ChildStdin>> {
    let (text, keep) = match stdin {
        Stdin::Text(text) => (text, false),
        Stdin::LeftOpen(text) => (text, true),
        Stdin::Closed => return None,
    };
    let mut pipe = child.stdin.take()?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        // A hook may end without reading its event.
        let _ = pipe.write_all(&text);
        if keep {
            let _ = sender.send(pipe);
        }
    });
    keep.then_some(receiver)
}

/// Reads a stream to its end from a thread.
fn read(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

fn text(stream: &Receiver<Vec<u8>>, deadline: Instant) -> Option<String> {
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(100));
    stream.recv_timeout(left).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().expect("wait for a child") {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
