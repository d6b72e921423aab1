use std::os::unix::fs::PermissionsExt;

use super::*;

/// A state directory as the running service keeps it; `lock` stands for the service.
struct Scene {
    dir: tempfile::TempDir,
    lock: Option<File>,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .expect("a directory");
        let lock = File::create(dir.path().join("lock")).expect("a lock");
        lock.lock().expect("nobody else");
        let scene = Self { dir, lock: Some(lock) };
        scene.port(std::process::id(), 4711, "http://127.0.0.1:4711");
        scene.write("agent.token", "agents-own\n");
        scene.write("operator.token", "persons-own\n");
        scene
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).expect("a file");
        self.mode(name, 0o600);
    }

    fn port(&self, pid: u32, port: u16, url: &str) {
        self.write("port", &format!(r#"{{"pid":{pid},"port":{port},"url":"{url}","version":"9"}}"#));
    }

    fn mode(&self, name: &str, mode: u32) {
        let path = self.dir.path().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    }

    /// The URL, or why there is none.
    fn url(&self) -> Result<Option<String>, String> {
        let named = |e: EmbeddedError| e.to_string().replace(&*self.dir.path().to_string_lossy(), "DIR");
        Embedded::at(self.dir.path()).url().map_err(named)
    }
}

#[test]
fn a_running_service_is_found_with_its_tokens() {
    let scene = Scene::new();
    let embedded = Embedded::at(scene.dir.path());
    assert_eq!(scene.url(), Ok(Some("http://127.0.0.1:4711".to_owned())));
    assert_eq!(embedded.agent_token().unwrap(), "agents-own");
    assert_eq!(embedded.operator_token().unwrap(), "persons-own");
}

#[test]
fn a_port_that_the_service_has_left_is_nobodys() {
    // A pid beyond the kernel's largest, then a service that ended and left its file behind.
    let scene = Scene::new();
    scene.port(0x7fff_ffff, 4711, "http://127.0.0.1:4711");
    assert_eq!(scene.url(), Ok(None));
    let mut scene = Scene::new();
    scene.lock = None;
    assert_eq!(scene.url(), Ok(None));
    let scene = Scene::new();
    fs::remove_file(scene.dir.path().join("lock")).unwrap();
    assert_eq!(scene.url(), Ok(None));
    let scene = Scene::new();
    fs::remove_file(scene.dir.path().join("port")).unwrap();
    assert_eq!(scene.url(), Ok(None));
    assert_eq!(Embedded::at("/nonexistent/conductor").url().unwrap(), None);
}

#[test]
fn what_others_can_have_written_is_refused_and_said() {
    let file = Scene::new();
    file.mode("port", 0o644);
    let expected = "DIR/port is not used: others may read or write it (mode 644)";
    assert_eq!(file.url(), Err(expected.to_owned()));
    let dir = Scene::new();
    dir.mode("", 0o770);
    assert_eq!(dir.url(), Err("DIR is not used: others may write to it (mode 770)".to_owned()));
    let token = Scene::new();
    token.mode("agent.token", 0o640);
    let error = Embedded::at(token.dir.path()).agent_token().unwrap_err().to_string();
    assert!(error.ends_with("agent.token is not used: others may read or write it (mode 640)"), "{error}");
}

#[test]
fn files_of_another_user_are_refused() {
    let scene = Scene::new();
    let port = scene.dir.path().join("port");
    if std::os::unix::fs::chown(&port, Some(65534), None).is_err() {
        // Only root can give a file away; everybody else has root's files at hand.
        let error = files::read_private(Path::new("/etc/passwd"), 1 << 20).unwrap_err().to_string();
        assert_eq!(error, "it belongs to another user");
        return;
    }
    assert_eq!(scene.url(), Err("DIR/port is not used: it belongs to another user".to_owned()));
    let scene = Scene::new();
    std::os::unix::fs::chown(scene.dir.path(), Some(65534), None).unwrap();
    assert_eq!(scene.url(), Err("DIR is not used: it belongs to another user".to_owned()));
}

#[test]
fn what_is_no_port_file_is_refused_and_said() {
    let scene = Scene::new();
    for (text, why) in [
        ("", "it is not a port file"),
        ("{}", "it is not a port file"),
        (r#"{"pid":1,"port":99999,"url":"x"}"#, "it is not a port file"),
    ] {
        scene.write("port", text);
        assert_eq!(scene.url(), Err(format!("DIR/port is not used: {why}")), "{text}");
    }
    for url in
        ["http://127.0.0.1:1", "http://evil:4711", "http://127.0.0.1:4711@evil", "https://127.0.0.1:4711"]
    {
        scene.port(std::process::id(), 4711, url);
        let why = "DIR/port is not used: its URL is not that of its port on 127.0.0.1";
        assert_eq!(scene.url(), Err(why.to_owned()), "{url}");
    }
    let scene = Scene::new();
    fs::remove_file(scene.dir.path().join("port")).unwrap();
    fs::create_dir(scene.dir.path().join("port")).unwrap();
    assert_eq!(scene.url(), Err("DIR/port is not used: not a regular file".to_owned()));
}

#[test]
fn a_token_file_without_a_token_is_refused() {
    let scene = Scene::new();
    let embedded = Embedded::at(scene.dir.path());
    for text in ["", "\n", "two words", "a\nb"] {
        scene.write("operator.token", text);
        let error = embedded.operator_token().unwrap_err().to_string();
        assert!(error.ends_with("operator.token is not used: it holds no token"), "{text:?}: {error}");
    }
}

#[test]
fn only_a_homes_own_service_is_started() {
    let scene = Scene::new();
    assert!(Embedded::at(scene.dir.path()).up().is_none());
    assert!(Embedded::at("/nonexistent/.local/state/rig/conductor").up().is_none());
}

#[test]
fn a_service_that_rests_is_one_that_was_set_up_and_would_be_asked() {
    let mut scene = Scene::new();
    let rests = |scene: &Scene, env: &[(&str, &str)], base_url: Option<&str>| {
        let settings = ConductorSection {
            base_url: base_url.map(Into::into),
            embedded: Some(scene.dir.path().into()),
            ..ConductorSection::default()
        };
        Embedded::at_rest(&Environment::fixed(env.iter().copied()), &settings).is_some()
    };
    assert!(!rests(&scene, &[], None), "it runs");
    scene.lock = None;
    assert!(rests(&scene, &[], None));
    assert!(!rests(&scene, &[("CONDUCTOR_URL", "http://c")], None));
    assert!(!rests(&scene, &[], Some("http://c")));
    scene.mode("port", 0o666);
    assert!(!rests(&scene, &[], None), "its files are not its own");
    let nowhere = ConductorSection { embedded: Some("/nonexistent".into()), ..ConductorSection::default() };
    assert!(Embedded::at_rest(&Environment::fixed([("", ""); 0]), &nowhere).is_none());
}
