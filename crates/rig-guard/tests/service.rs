//! The rig's own service is not ended, by whichever number it is known.

use rig_testkit::{Home, Program};

#[test]
fn the_process_and_the_port_of_the_running_service_are_known() {
    let home = Home::new();
    let port = r#"{"pid":4242,"port":8123,"url":"http://127.0.0.1:8123"}"#;
    home.write(".local/state/rig/conductor/port", port);
    for (command, code) in [
        ("kill 4242", 2),
        ("kill -9 4242", 2),
        ("kill -s TERM 17 4242", 2),
        ("kill -KILL -- -4242", 2),
        ("P=4242; sudo kill $P", 2),
        ("echo 4242 | xargs kill", 2),
        ("fuser -k 8123/tcp", 2),
        ("fuser -n tcp -k 8123", 2),
        ("npx kill-port 8123", 2),
        ("kill 4243", 0),
        ("kill -0 4242", 0),
        ("kill -42 17", 0),
        ("fuser 8123/tcp", 0),
        ("fuser -k 8124/tcp", 0),
        ("npx kill-port 3000", 0),
        ("ps -p 4242", 0),
    ] {
        let output = Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(&home).bash(command).output();
        assert_eq!(output.code, Some(code), "{command}: {}", output.stderr);
        let rule = output.stderr.lines().next() == Some("rig-guard: blocked by self.off");
        assert_eq!(rule, code == 2, "{command}: {}", output.stderr);
    }
    // Without it a number is only a number.
    std::fs::remove_file(home.join(".local/state/rig/conductor/port")).unwrap();
    Program::new(env!("CARGO_BIN_EXE_rig-guard")).home(&home).bash("kill 4242").exits(0);
}
