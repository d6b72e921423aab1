//! Escalations on one machine: the embedded service, what a session is told, and what the guard says.

use std::process::{Command, Stdio};

use rig_testkit::{Home, PATH, Payload, Program, eventually};
use rig_tests::needs::program;
use serde_json::Value;

use crate::escalate_service::{Service, Transcript};

/// A home with its own service, which ends with the test.
struct Machine {
    home: Home,
    transcript: Transcript,
}

impl Machine {
    fn new() -> Self {
        Self { home: Home::new(), transcript: Transcript::default() }
    }

    fn program(&self, name: &str, args: &[&str]) -> Program {
        Program::new(program(name))
            .home(&self.home)
            .env("AGENT_ID", "dev-e-node")
            .args(args.iter().copied())
            .within(std::time::Duration::from_secs(60))
    }

    /// What `rig-escalate` said, with names for what differs.
    #[track_caller]
    fn escalate(&mut self, args: &[&str]) -> String {
        let output = self.program("rig-escalate", args).output();
        let url = self.port()["url"].as_str().unwrap_or("no url").to_owned();
        self.transcript.told(&output, &url)
    }

    /// The port file; null where there is none.
    fn port(&self) -> Value {
        let text = std::fs::read_to_string(self.home.join(".local/state/rig/conductor/port"));
        text.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null)
    }

    #[track_caller]
    fn conductor(&self, word: &str) -> Option<i32> {
        self.program("rig-conductor", &[word]).output().code
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Nothing outlives a test, whichever way it ends.
        let mut down = Command::new(program("rig-conductor"));
        down.args(["down", "--kill"]).env_clear().env("PATH", PATH).env("HOME", self.home.path());
        let _ = down.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

const CREATED: &str = "\
P1 escalation <1> accepted by http://SERVICE
  shown by `rig-escalate list`, and to sessions when they start
  raised to P0 at <time> (in 4h) unless a person takes it
2> rig-escalate: NOT CONFIRMED: this coordinator has no route to a person
2> rig-escalate: if it is urgent, tell a person yourself
[6]
";

const LISTED: &str = "\
ID             SEV  STATE  AGE  NEXT  AGENT       ABOUT  REASON
<1..>  P1   open     ~    4h  dev-e-node  -      CI is red
[0]
";

#[test]
fn the_service_of_this_machine_is_used_and_comes_back_by_itself() {
    let mut machine = Machine::new();
    let unset = machine.escalate(&["list"]);
    assert!(
        unset.starts_with("2> rig-escalate: no coordinator is set up\n") && unset.ends_with("[4]\n"),
        "{unset}"
    );
    assert_eq!(machine.conductor("up"), Some(0));
    assert_eq!(machine.escalate(&["P1", "CI is red"]), CREATED);
    assert_eq!(machine.escalate(&["list"]), LISTED);
    let first = machine.port();
    assert_eq!(machine.conductor("down"), Some(0));
    assert_eq!(machine.port(), Value::Null);
    assert_eq!(machine.escalate(&["list"]), LISTED);
    assert_ne!(machine.port()["pid"], first["pid"]);
    // One that was killed leaves its port file behind.
    let pid = machine.port()["pid"].to_string();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("start kill").success());
    eventually("the end", || (machine.conductor("status") == Some(3)).then_some(()));
    assert_eq!(machine.port()["pid"].to_string(), pid);
    let taken = machine.escalate(&["ack", &machine.transcript.id_of(1)]);
    let login = taken.split("taken by ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
    assert_eq!(taken, format!("P1 escalation <1>: taken by {login}, <age> ago\n[0]\n"));
    assert!(login.starts_with("human-"), "{taken}");
}

#[test]
fn a_session_brings_the_service_of_this_machine_up_and_is_told_what_is_open() {
    let mut machine = Machine::new();
    assert_eq!(machine.conductor("up"), Some(0));
    assert_eq!(machine.escalate(&["P1", "CI is «red»"]), CREATED);
    let told = |machine: &Machine| {
        let event = Payload::session_start("startup").cwd(machine.home.path());
        let output = machine.program("rig-prime", &["hook"]).payload(event).output();
        assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""));
        output.stdout
    };
    let id = machine.transcript.id_of(1);
    let line = format!("\n- P1 {}, yours, taken by nobody yet: «CI is 'red'»\n", &id[..13]);
    let text = told(&machine);
    assert!(text.contains(&line), "{text}");
    assert_eq!(machine.conductor("down"), Some(0));
    let text = told(&machine);
    assert!(text.contains("\nConductor-E did not run on this machine, and is being started.\n"), "{text}");
    eventually("the service", || machine.port()["pid"].is_number().then_some(()));
    let text = told(&machine);
    assert!(text.contains(&line), "{text}");
}

#[test]
fn a_person_who_watches_sees_what_happens() {
    use std::io::{BufRead, BufReader};
    let service = Service::start(&[]);
    let before = service.create("P0", "before");
    let mut child = service.watch();
    let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
    let mut line = || {
        let line = lines.next().expect("a line").expect("text");
        line.split_once(' ').map(|(_, what)| what.to_owned()).expect("a time")
    };
    assert_eq!(line(), format!("present P0 {}, dev-e-node -: before", &before[..13]));
    let id = service.create("P2", "watched");
    let cut = &id[..13];
    assert_eq!(line(), format!("new P2 {cut}, dev-e-node -: watched"));
    service.run("stig", &["raise", &id]);
    assert_eq!(line(), format!("raised from P2 to P1 {cut}, dev-e-node -: watched"));
    service.run("stig", &["ack", &id]);
    assert_eq!(line(), format!("taken by human-stig P1 {cut} (acked), dev-e-node -: watched"));
    service.run("stig", &["close", &id, "--resolution", "seen"]);
    assert_eq!(line(), format!("closed by human-stig: seen P1 {cut} (closed), dev-e-node -: watched"));
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn the_guard_lets_every_text_of_an_escalation_through() {
    let home = Home::new();
    let judged =
        |command: &str| Program::new(program("rig-guard")).home(&home).args(["check", command]).output().code;
    for command in [
        "rig-escalate P1 'git push --force origin main was refused'",
        "rig-escalate P1 git push --force was refused",
        "rig-escalate P0 \"rm -rf / was tried; DROP TABLE users; kubectl delete namespace production\"",
        "rig-escalate P0 --reason-file /tmp/r.txt --category security",
        "rig-escalate P1 - <<'EOF'\ngit push --force\nrm -rf ~\nDROP DATABASE prod\nEOF\n",
        "cat <<EOF | rig-escalate P1 -\ngit push --force origin main\nEOF\n",
        "rig-escalate P1 - < reason.txt",
        "rig-escalate P1 - <<< 'git reset --hard'",
        "echo 'git push --force' | rig-escalate P1 -",
        "printf '%s\\n' 'rm -rf /' | rig-escalate P0 - --details 'git reset --hard'",
        "rig-escalate note 01a20302 'chmod 777 is needed'",
        "rig-escalate close 01a20302 --resolution 'ran git reset --hard by hand'",
        "cd /tmp && ~/.local/bin/rig-escalate raise 01a20302 P0 --note 'rm -rf /workspace'",
    ] {
        assert_eq!(judged(command), Some(0), "{command}");
    }
    assert_eq!(judged("rig-escalate P1 'x' && git push --force origin main"), Some(2));
}
