//! Load: heartbeats by wrk, single inserts by pgbench.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::postgres::Postgres;
use super::server::{AGENT, Service, cpu_seconds, cpu_seconds_of_ended_children};
use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::process;

/// The events that wrk sends.
const SCRIPT: &str = include_str!("heartbeat.lua");

/// Connections of wrk: one an agent.
const CONNECTIONS: u32 = 200;

/// What one run of a load generator came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// How much was done.
    pub(super) requests: u64,
    /// How much a second.
    pub(super) rate: f64,
    /// Milliseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Processor seconds for a second of the run: the service's, the database's, the generator's.
    pub(super) service: f64,
    pub(super) database: f64,
    pub(super) generator: f64,
}

/// Lets 200 agents beat for so many seconds. Fails when one post was not answered with 200.
pub(super) fn heartbeats(
    cx: &Context,
    dir: &Path,
    service: &Service,
    postgres: Option<&Postgres>,
    seconds: u32,
    run: u32,
) -> Result<Run> {
    let script = dir.join("heartbeat.lua");
    fs::write(&script, SCRIPT).doing(|| format!("write {}", script.display()))?;
    let mut wrk = cx.command("wrk");
    wrk.args(["--threads", "1", "--connections", &CONNECTIONS.to_string()]);
    wrk.args(["--duration", &format!("{seconds}s"), "--timeout", "10s", "--script"]).arg(script);
    wrk.arg(format!("http://{}/api/events", service.address));
    wrk.args(["--", &service.address.to_string(), AGENT, &format!("{run:08x}")]);
    let database = || postgres.map_or(0.0, Postgres::cpu_seconds);
    let before = (cpu_seconds(service.pid()), database(), cpu_seconds_of_ended_children());
    let said = process::read(&mut wrk)?;
    let after = (cpu_seconds(service.pid()), database(), cpu_seconds_of_ended_children());
    let figures = said.lines().find_map(|line| line.strip_prefix("figures: "));
    let figures: Value = figures.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let number = |name: &str| figures[name].as_f64().unwrap_or(f64::NAN);
    let errors = ["connect", "read", "write", "status", "timeout"].map(number);
    let (requests, wall) = (number("requests"), number("seconds"));
    if errors != [0.0; 5] || requests.is_nan() || requests < 1.0 {
        return Err(Error::new(format!("wrk met errors: {figures}\n{said}")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count that wrk printed")]
    let requests = requests as u64;
    Ok(Run {
        requests,
        rate: number("requests") / wall,
        p50: number("p50"),
        p99: number("p99"),
        service: (after.0 - before.0) / wall,
        database: (after.1 - before.1) / wall,
        generator: (after.2 - before.2) / wall,
    })
}

/// One insert a transaction, of a row as large as a heartbeat's, into a table with a key and the index
/// that a log of events needs.
const TABLE: &str = "\
create table beats (
    seq_id bigserial primary key,
    id uuid not null,
    stream_id varchar not null,
    version bigint not null,
    data jsonb not null,
    type varchar(500) not null,
    timestamp timestamptz not null
);
create unique index on beats (id)";

const INSERT: &str = "\
\\set agent random(0, 199)
insert into beats (id, stream_id, version, data, type, timestamp) values (gen_random_uuid(), 'dev-e-' || :agent, 1,
 '{\"AgentId\": \"dev-e-100\", \"SessionId\": \"e7891014-f053-40e9-b560-155318b0abf7\", \"Status\": \"working\", \"CurrentIssue\": 42, \"CurrentRepo\": \"acme/app\"}',
 'heartbeat', clock_timestamp());
";

/// Runs `pgbench -c 32 -M prepared` with that insert for so many seconds.
pub(super) fn single_inserts(cx: &Context, dir: &Path, postgres: &Postgres, seconds: u32) -> Result<Run> {
    let url = "single";
    if postgres.sql(cx, "postgres", "select 1 from pg_database where datname = 'single'")?.is_empty() {
        postgres.database(cx, url)?;
        postgres.sql(cx, url, TABLE)?;
    }
    let script = dir.join("insert.sql");
    fs::write(&script, INSERT).doing(|| format!("write {}", script.display()))?;
    let mut pgbench = postgres.client(cx, "pgbench");
    pgbench.args(["-n", "-c", "32", "-j", "2", "-M", "prepared", "-T", &seconds.to_string(), "-f"]);
    pgbench.arg(script).arg(url);
    let before = (postgres.cpu_seconds(), cpu_seconds_of_ended_children());
    let said = process::read(&mut pgbench)?;
    let after = (postgres.cpu_seconds(), cpu_seconds_of_ended_children());
    let number = |prefix: &str| {
        let rest = said.lines().find_map(|line| line.strip_prefix(prefix));
        rest.and_then(|rest| rest.split([' ', '/']).next()?.parse::<f64>().ok()).unwrap_or(f64::NAN)
    };
    let (done, rate) = (number("number of transactions actually processed: "), number("tps = "));
    if rate.is_nan() || number("number of failed transactions: ") > 0.0 {
        return Err(Error::new(format!("pgbench failed:\n{said}")));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count that pgbench printed"
    )]
    let requests = done as u64;
    let wall = f64::from(seconds);
    Ok(Run {
        requests,
        rate,
        p50: number("latency average = "),
        p99: f64::NAN,
        service: 0.0,
        database: (after.0 - before.0) / wall,
        generator: (after.1 - before.1) / wall,
    })
}
