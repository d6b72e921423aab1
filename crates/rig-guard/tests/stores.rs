//! Databases and clusters as the rules see them with files on the disk and with a policy.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/around.rs"]
mod around;
mod common;

use std::path::Path;

use around::Around;
use common::Session;
use rig_core::paths::Paths;
use rig_guard::policy::Policy;

/// A session with files on the disk.
fn disk<const N: usize>(files: [(&'static str, &'static str, bool); N]) -> Around {
    Around { files: files.into(), ..Around::default() }
}

/// A session under a policy of the machine.
fn under(policy: &str) -> Around {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("guard.json"), policy).unwrap();
    let mut paths = Paths::below(Some("/home/dev".into()));
    paths.system_config = dir.path().join("config.json");
    let policy = Policy::load(&paths, Some(Path::new("/nonexistent")));
    assert_eq!(policy.broken().count(), 0);
    Around { session: Session::with(policy), ..Around::default() }
}

#[test]
fn sql_in_files_is_read_however_the_client_gets_it() {
    let disk = disk([
        ("down.sql", "-- x\nDROP TABLE users;\n", false),
        ("up.sql", "CREATE TABLE users (id int);\n", false),
        ("all.sql", "\\i up.sql\n\\i down.sql\n", false),
        ("shell.sql", "\\! rm -rf /\n", false),
        ("clear.lua", "redis.call('FLUSHALL')", false),
        ("clear.js", "db.dropDatabase()", false),
        ("load.js", "load('clear.js')", false),
    ]);
    for command in [
        "psql -f down.sql",
        "psql --file=down.sql shop",
        "psql < down.sql",
        "cat down.sql | psql",
        "sudo -u postgres psql -q < down.sql",
        "psql -f all.sql",
        "psql -c '\\i down.sql'",
        "mysql shop < down.sql",
        "mysql -e 'source down.sql'",
        "sqlite3 app.db < down.sql",
        "sqlite3 app.db '.read down.sql'",
        "sqlcmd -i up.sql,down.sql",
        "docker exec -i db psql -U app < down.sql",
        "docker compose exec -T db mysql shop < down.sql",
        "kubectl exec -i pg-0 -- psql < down.sql",
        "cd /workspace/app && psql -f ./down.sql",
        "for f in up down; do psql -f $f.sql; done",
    ] {
        disk.check(command, Some("sql.drop"));
    }
    disk.check("psql -f shell.sql", Some("fs.rm.root"));
    disk.check("psql < shell.sql", Some("fs.rm.root"));
    disk.check("redis-cli --eval clear.lua", Some("db.redis.flush"));
    disk.check("mongosh shop clear.js", Some("db.mongo.drop"));
    disk.check("mongosh shop load.js", Some("db.mongo.drop"));
    disk.check("mongosh shop < clear.js", Some("db.mongo.drop"));
    for command in [
        "psql -f up.sql",
        "psql -f gone.sql",
        "cat down.sql",
        "cat down.sql | head",
        "docker exec db psql -f down.sql",
        "grep DROP down.sql | psql-lint",
        "cp down.sql migrations/",
        "psql -c 'SELECT 1' < down.sql",
    ] {
        disk.check(command, None);
    }
}

#[test]
fn a_dump_and_a_reviewed_file_may_make_a_table_anew() {
    let dump = "-- MySQL dump 10.13\nDROP TABLE IF EXISTS `users`;\nCREATE TABLE `users` (id int);\n";
    let schema = "DROP TABLE IF EXISTS users;\nCREATE TABLE users (id int);\n";
    let disk = disk([
        ("dump.sql", dump, false),
        ("schema.sql", schema, true),
        ("mine.sql", schema, false),
        ("down.sql", "DROP TABLE users;\n", true),
    ]);
    disk.check("mysql shop < dump.sql", None);
    disk.check("mysql shop < schema.sql", None);
    disk.check("mysql shop < mine.sql", Some("sql.drop"));
    disk.check("mysql shop < down.sql", Some("sql.drop"));
}

#[test]
fn what_a_program_in_a_file_does_to_a_database_is_its_own_affair() {
    let disk = disk([
        ("migrate.py", "cur.execute('DROP TABLE users')\n", false),
        ("clean.py", "import shutil; shutil.rmtree('/')\n", false),
    ]);
    disk.check("python3 migrate.py", None);
    disk.check("python3 clean.py", Some("fs.rm.root"));
}

#[test]
fn manifests_are_read_with_what_they_build_on() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";
    let web = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n";
    let disk = disk([
        ("k8s/all/web.yaml", web, true),
        ("k8s/all/shop.yaml", namespace, true),
        ("k8s/web/web.yaml", web, true),
        ("k8s/base/kustomization.yaml", "resources:\n- ../all/shop.yaml\n", true),
        ("k8s/prod/kustomization.yaml", "bases:\n  - ../base\n", true),
        ("k8s/dev/kustomization.yaml", "resources: []\nimages:\n- name: web\n", true),
        ("namespace.yaml", web, true),
    ]);
    for command in [
        "kubectl delete -f k8s/all/shop.yaml",
        "kubectl delete -f k8s/all",
        "kubectl delete -f k8s/all/",
        "cat k8s/all/shop.yaml | kubectl delete -f -",
        "kubectl delete -f - < k8s/all/shop.yaml",
        "kubectl delete -k k8s/base",
        "kubectl delete -k k8s/prod/",
    ] {
        disk.check(command, Some("k8s.delete.namespace"));
    }
    for command in [
        "kubectl delete -f k8s/web",
        "kubectl delete -f k8s/all/web.yaml",
        "kubectl delete -k k8s/dev",
        "kubectl apply -f k8s/all",
        "kubectl delete -f k8s/all --dry-run=client",
        // What is in it counts more than its name.
        "kubectl delete -f namespace.yaml",
    ] {
        disk.check(command, None);
    }
}

#[test]
fn in_a_protected_namespace_only_pods_are_deleted() {
    let web = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: prod-eu\n";
    let mut disk = under(r#"{"protect":{"namespaces":["prod-*"]}}"#);
    disk.files.push(("web.yaml", web, true));
    for command in [
        "kubectl delete deployment web -n prod-eu",
        "kubectl --namespace=prod-eu delete svc web",
        "kubectl delete pods -l app=web -n prod-eu",
        "kubectl delete -f web.yaml",
        "kubectl delete -f other.yaml -n prod-eu",
        "kubectl delete --raw /apis/apps/v1/namespaces/prod-eu/deployments/web",
        "helm uninstall web -n prod-eu",
        "HELM_NAMESPACE=prod-eu helm uninstall web",
    ] {
        disk.check(command, Some("k8s.delete.all"));
    }
    for command in [
        "kubectl delete deployment web -n dev",
        "kubectl delete pod web-0 -n prod-eu",
        "kubectl delete pod/web-0 -n prod-eu",
        "kubectl get pods -n prod-eu",
        "kubectl delete deployment web -n prod-eu --dry-run=server",
        "helm uninstall web -n prod-eu --dry-run",
        "helm uninstall web -n dev",
        "helm upgrade web ./chart -n prod-eu",
    ] {
        disk.check(command, None);
    }
}

#[test]
fn of_a_protected_database_nothing_is_dropped() {
    let disk = under(r#"{"protect":{"databases":["billing"]}}"#);
    for command in [
        "psql billing -c 'DROP VIEW daily'",
        "psql -d billing -c 'ALTER TABLE t DROP COLUMN a'",
        "psql postgres://app@db/billing -c 'UPDATE users SET admin = true'",
        "PGDATABASE=billing psql -c 'DROP INDEX i'",
        "psql <<'E'\n\\c billing\nDROP FUNCTION f();\nE",
        "mysql -e 'USE billing; DROP VIEW v'",
    ] {
        disk.check(command, Some("sql.drop"));
    }
    for command in [
        "psql shop -c 'DROP VIEW daily'",
        "psql billing -c 'SELECT 1'",
        "psql billing -c 'UPDATE users SET admin = true WHERE id = 1'",
        "psql billing -c 'BEGIN; DROP VIEW daily; ROLLBACK'",
    ] {
        disk.check(command, None);
    }
}
