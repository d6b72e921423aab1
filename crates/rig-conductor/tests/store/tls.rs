//! TLS to a server, with certificates made for the test.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use rig_conductor::settings::{Secret, StoreSettings};
use rig_conductor::store::{self, StoreOptions};
use rig_testkit::{Postgres, needs};

/// Makes a key, and a certificate that it signs itself, for a name.
fn certificate(dir: &Path, name: &str) -> bool {
    let (key, cert) = (dir.join(format!("{name}.key")), dir.join(format!("{name}.pem")));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=rig-test", "-addext", &format!("subjectAltName=IP:{name}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .args([&key, Path::new("-out"), &cert])
        .output();
    if made.is_err() {
        needs::skip("openssl is not installed");
        return false;
    }
    assert!(made.unwrap().status.success());
    // The server's user reads them, and refuses a key that others can read.
    let owner = std::fs::metadata(dir).unwrap();
    for file in [&key, &cert] {
        chown(file, Some(owner.uid()), Some(owner.gid())).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_proves_who_it_is_where_the_url_asks_for_it() {
    let Some(server) = Postgres::private().start() else { return };
    let dir = server.socket_dir().to_owned();
    if !certificate(&dir, "127.0.0.1") || !certificate(&dir, "10.9.8.7") {
        return;
    }
    let database = server.database();
    let pem = |name: &str| format!("{}/{name}.pem", dir.display());
    let place = |query: String| StoreSettings::Postgres {
        url: Secret(format!("{}?{query}", database.url())),
        schema: "rig".to_owned(),
    };
    let used = "select count(*) from pg_stat_ssl s join pg_stat_activity a using (pid) \
                where a.application_name = 'rig-conductor' and s.ssl";
    // Without TLS on the server: whoever asks for it gets none.
    for (query, good) in [("sslmode=disable", true), ("sslmode=prefer", true), ("sslmode=require", false)] {
        let opened = store::open(&place(query.to_owned()), StoreOptions::default()).await;
        assert_eq!(opened.is_ok(), good, "{query}");
    }
    for (name, value) in [
        ("ssl_cert_file", pem("127.0.0.1")),
        ("ssl_key_file", format!("{}/127.0.0.1.key", dir.display())),
        ("ssl", "on".to_owned()),
    ] {
        database.sql(&format!("alter system set {name} = '{value}'"));
    }
    server.restart();
    let own = pem("127.0.0.1");
    for (query, encrypted) in [
        ("sslmode=disable".to_owned(), Some("0")),
        ("sslmode=prefer".to_owned(), Some("1")),
        ("sslmode=require".to_owned(), Some("1")),
        (format!("sslmode=verify-full&sslrootcert={own}"), Some("1")),
        (format!("sslmode=require&sslrootcert={own}"), Some("1")),
        // Nobody known has signed it; another certificate is trusted; there is no such file.
        ("sslmode=verify-full".to_owned(), None),
        (format!("sslmode=verify-full&sslrootcert={}", pem("10.9.8.7")), None),
        ("sslmode=verify-full&sslrootcert=/no/such.pem".to_owned(), None),
    ] {
        match (store::open(&place(query.clone()), StoreOptions::default()).await, encrypted) {
            (Ok(store), Some(expected)) => {
                assert_eq!(database.sql(used).min("1".to_owned()), expected, "{query}");
                store.close().await.unwrap();
            }
            (Err(error), None) => {
                let text = error.to_string();
                assert!(text.contains("TLS") || text.contains("sslrootcert"), "{query}: {text}");
            }
            (Ok(_), None) => panic!("{query}: it opened"),
            (Err(error), Some(_)) => panic!("{query}: {error}"),
        }
        while database.sql(used) != "0" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    // The certificate is genuine, and another host's.
    for (name, value) in
        [("ssl_cert_file", pem("10.9.8.7")), ("ssl_key_file", format!("{}/10.9.8.7.key", dir.display()))]
    {
        database.sql(&format!("alter system set {name} = '{value}'"));
    }
    server.restart();
    let other = place(format!("sslmode=verify-full&sslrootcert={}", pem("10.9.8.7")));
    let Err(error) = store::open(&other, StoreOptions::default()).await else { panic!("it opened") };
    assert!(error.to_string().contains("certificate"), "{error}");
}
