//! Built by root, run by an ordinary user of the image.

use rig_testkit::FakeConductor;
use rig_tests::image::in_image;

#[test]
fn in_an_image_the_guard_is_on_and_commits_and_events_carry_the_agents_id() {
    in_image(|image| {
        let conductor = FakeConductor::start();
        let image = image.env("AGENT_ID", "dev-e-node").env("CONDUCTOR_BASE_URL", &conductor.url());
        image.repo.write("README", "not committed\n");
        let mut session = image.start();
        let told = session.bash("git reset --hard");
        assert!(told.is_error && told.text.contains("git reset --hard"), "{told:?}");
        let told = session
            .bash("id -u; git commit -qam 'by the session'; git log -1 --format='%an <%ae>, %cn <%ce>'");
        let expected = "1000\ndev-e-node <agent@dashecorp.com>, dev-e-node <agent@dashecorp.com>";
        assert_eq!((told.text.as_str(), told.is_error), (expected, false));
        session.end();
        let is = |e: &serde_json::Value, kind: &str| e["type"] == kind;
        let events = conductor.wait_for_events(|events| {
            events.iter().any(|e| is(e, "GUARD_BLOCKED"))
                && events.iter().any(|e| is(e, "HEARTBEAT") && e["status"] == "idle")
        });
        assert!(events.iter().all(|e| e["agentId"] == "dev-e-node"), "{events:?}");
    });
}

#[test]
fn the_user_of_an_image_can_change_neither_the_programs_nor_the_managed_settings() {
    in_image(|image| {
        let managed = "/etc/claude-code/managed-settings.d";
        let there = format!("test -x /usr/local/bin/rig-guard && ls {managed}/*.json");
        assert_eq!(image.shell(&there), (0, String::new()));
        for line in [
            "echo > /usr/local/bin/rig-guard",
            "rm /usr/local/bin/rig-guard",
            "mv /usr/local/bin /usr/local/other",
            &format!("for f in {managed}/*; do echo '{{}}' > $f; done"),
            &format!("rm {managed}/*"),
            "touch /etc/claude-code/managed-settings.json",
        ] {
            let (code, stderr) = image.shell(line);
            assert!(code != 0 && stderr.contains("Permission denied"), "{line}: {code}, {stderr}");
        }
    });
}
