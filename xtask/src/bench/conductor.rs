//! Measures what the service bears: heartbeats beside single inserts of pgbench, the time from a P0
//! to the call of Discord, the cost of a sweep, memory.
//!
//! Everything runs on this machine and shares its processors, so each row says who used how much.

mod alarm;
mod load;
mod postgres;
mod server;
mod sweep;

use std::path::PathBuf;

use super::table::{aligned, grouped};
use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::flags::Bench;
use crate::sandbox::Sandbox;
use crate::{process, say};
use alarm::{Discord, quantile};
use load::Run;
use postgres::Postgres;
use server::{Plan, resident};
use sweep::{DUE, Full};

/// What the project wants to reach.
const SQLITE_RATE: f64 = 20_000.0;
const SHARE_OF_PGBENCH: f64 = 0.6;
const ALARM_MILLIS: f64 = 1000.0;

/// The bench's places and programs.
struct Bed {
    cx: Context,
    dir: PathBuf,
    service: PathBuf,
    discord: PathBuf,
    postgres: Postgres,
    quick: bool,
    markdown: bool,
}

/// Measures and prints.
pub(super) fn run(cx: &Context, options: &Bench) -> Result<()> {
    for program in ["wrk", "valgrind", "sqlite3"] {
        if cx.find(program).is_none() {
            return Err(Error::new(format!("there is no {program}")).hint(format!("install {program}")));
        }
    }
    let sandbox = Sandbox::new()?;
    let cx = cx.clone().at_home(&sandbox.directory("home")?);
    let bed = Bed {
        service: alarm::build(&cx, "rig-conductor", "rig-conductor", "release")?,
        discord: alarm::build(&cx, "rig-testkit", "fake-discord", "dev")?,
        postgres: Postgres::start(&cx)?,
        dir: sandbox.path().to_owned(),
        quick: options.quick,
        markdown: options.markdown,
        cx,
    };
    let wrk = process::read(bed.cx.command("sh").args(["-c", "wrk -v | head -n 1; true"]))?;
    let processors = process::read(&mut bed.cx.command("nproc"))?;
    say(&format!("{}, {processors} processors", super::machine(&bed.cx)?));
    say(&format!("{}, {}", wrk.split(" [").next().unwrap_or("wrk"), bed.postgres.shown(&bed.cx)?));
    heartbeats(&bed)?;
    alarms(&bed)?;
    sweeps(&bed)
}

impl Bed {
    /// Returns how the service is started on a fresh SQLite file.
    fn sqlite(&self, name: &str) -> Plan {
        let store = format!("sqlite:{}", self.dir.join(format!("{name}.db")).display());
        self.plan(name, store)
    }

    /// Returns how the service is started on a fresh database of the server.
    fn postgres(&self, name: &str) -> Result<Plan> {
        Ok(self.plan(name, self.postgres.database(&self.cx, name)?))
    }

    fn plan(&self, name: &str, store: String) -> Plan {
        let log = self.dir.join(format!("{name}.log"));
        Plan { program: self.service.clone(), store, log, env: Vec::new() }
    }

    /// Returns how many heartbeats a store holds.
    fn stored(&self, plan: &Plan) -> Result<u64> {
        let count = "select count(*) from mt_events where type = 'heartbeat'";
        let text = match plan.store.strip_prefix("sqlite:") {
            Some(file) => process::read(self.cx.command("sqlite3").args([file, count]))?,
            None => {
                let database = plan.store.rsplit('/').next().unwrap_or_default();
                let count = count.replace("mt_events", "rig_escalation.mt_events");
                self.postgres.sql(&self.cx, database, &count)?
            }
        };
        text.parse().doing(|| format!("count what is stored: `{text}`"))
    }

    fn print(&self, title: &str, rows: &[Vec<String>]) {
        say(&format!("\n{title}\n"));
        say(&aligned(rows, self.markdown));
    }
}

/// Rate, delay, who used the processors, memory; pgbench before and after, for the machine may change.
fn heartbeats(bed: &Bed) -> Result<()> {
    let seconds = if bed.quick { 3 } else { 15 };
    let pgbench = || load::single_inserts(&bed.cx, &bed.dir, &bed.postgres, seconds);
    let mut rows = vec![
        [
            "",
            "a second",
            "p50, ms",
            "p99, ms",
            "CPU: service",
            "database",
            "generator",
            "µs each: service",
            "database",
            "RSS idle",
            "after",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let first = pgbench()?;
    let mut rates = Vec::new();
    for (name, plan) in [("SQLite", bed.sqlite("beats")), ("PostgreSQL", bed.postgres("beats")?)] {
        let database = (name == "PostgreSQL").then_some(&bed.postgres);
        let service = plan.start(&bed.cx)?;
        let idle = resident(service.pid());
        // The first run is for the caches and the pool of connections.
        let warm = load::heartbeats(&bed.cx, &bed.dir, &service, database, 2, 1)?;
        let run = load::heartbeats(&bed.cx, &bed.dir, &service, database, seconds, 2)?;
        let (status, agents) = service.get("/api/agents")?;
        if status != 200 || agents.as_array().map(Vec::len) != Some(200) {
            return Err(Error::new(format!("{name}: 200 agents beat, but: {status} {agents}")));
        }
        let (stored, answered) = (bed.stored(&plan)?, warm.requests + run.requests);
        if stored < answered {
            return Err(Error::new(format!("{name}: {answered} posts were answered, {stored} are stored")));
        }
        rows.push(row(&format!("heartbeats, {name}"), &run, Some((idle, resident(service.pid())))));
        rates.push(run.rate);
    }
    let last = pgbench()?;
    rows.push(row("pgbench, before", &first, None));
    rows.push(row("pgbench, after", &last, None));
    let single = (first.rate + last.rate) / 2.0;
    bed.print(
        &format!("Heartbeats of 200 agents over 200 connections, wrk, {seconds} s; CPU in processors"),
        &rows,
    );
    say(&format!("\nSQLite: {:.0} a second; goal {SQLITE_RATE:.0}", rates[0]));
    let share = rates[1] / single;
    say(&format!(
        "PostgreSQL: {:.0} % of pgbench's single inserts (-c 32 -M prepared, {:.0} a second); goal {:.0} %",
        share * 100.0,
        single,
        SHARE_OF_PGBENCH * 100.0
    ));
    Ok(())
}

fn row(name: &str, run: &Run, memory: Option<(u64, u64)>) -> Vec<String> {
    let or_dash = |value: f64| if value.is_nan() { "-".to_owned() } else { format!("{value:.2}") };
    let mib = |kib: u64| format!("{} MiB", kib.div_ceil(1024));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for people")]
    let rate = grouped(run.rate.round() as u64);
    let (idle, after) = memory.map_or(("-".into(), "-".into()), |(idle, after)| (mib(idle), mib(after)));
    vec![
        name.to_owned(),
        rate,
        or_dash(run.p50),
        or_dash(run.p99),
        format!("{:.2}", run.service),
        format!("{:.2}", run.database),
        format!("{:.2}", run.generator),
        or_dash(run.service / run.rate * 1e6),
        or_dash(run.database / run.rate * 1e6),
        idle,
        after,
    ]
}

/// From sending a P0 to the first call of Discord, on an idle service and on one under load.
fn alarms(bed: &Bed) -> Result<()> {
    let samples = if bed.quick { 16 } else { 100 };
    let mut rows = vec![["", "p50, ms", "p95, ms", "max, ms"].map(str::to_owned).to_vec()];
    let mut worst: f64 = 0.0;
    for name in ["SQLite", "PostgreSQL"] {
        for (state, busy) in [("idle", false), ("under load", true)] {
            let discord = Discord::start(&bed.cx, &bed.discord)?;
            // A store for each run: creations of an earlier one would count against the flood guard.
            let database = if busy { "alarms_busy" } else { "alarms" };
            let plan = if name == "SQLite" { bed.sqlite(database) } else { bed.postgres(database)? };
            let plan = Plan { env: discord.settings(samples), ..plan };
            let service = plan.start(&bed.cx)?;
            let delays = if busy {
                alarm::delays_under_load(&bed.cx, &bed.dir, &service, &discord, samples)?
            } else {
                alarm::delays(&service, &discord, samples)?
            };
            let quantiles = [0.5, 0.95, 1.0].map(|share| quantile(&delays, share));
            worst = worst.max(quantiles[1]);
            let mut row = vec![format!("{name}, {state}")];
            row.extend(quantiles.map(|value| format!("{value:.1}")));
            rows.push(row);
        }
    }
    bed.print(&format!("From sending a P0 to the first call of Discord, {samples} in turn"), &rows);
    say(&format!("\nworst p95: {worst:.0} ms; goal {ALARM_MILLIS:.0}"));
    Ok(())
}

/// Instructions and time of a sweep, by how many escalations there are and how many of them are due.
fn sweeps(bed: &Bed) -> Result<()> {
    let head = ["", "escalations", "due", "instructions", "wall, ms"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let counts: &[u64] = if bed.quick { &[10, 10_000] } else { &[10, 10_000, 1_000_000] };
    for name in ["SQLite", "PostgreSQL"] {
        for count in counts {
            let discord = Discord::start(&bed.cx, &bed.discord)?;
            let database = format!("sweep_{count}");
            let is_sqlite = name == "SQLite";
            let plan = if is_sqlite { bed.sqlite(&database) } else { bed.postgres(&database)? };
            let full = Full {
                cx: &bed.cx,
                plan: Plan { env: sweep::settings(&discord), ..plan },
                dir: &bed.dir,
                postgres: (!is_sqlite).then_some((&bed.postgres, database)),
            };
            full.fill(*count)?;
            for due in [0, DUE] {
                let cost = full.cost(due)?;
                rows.push(vec![
                    name.to_owned(),
                    grouped(*count),
                    due.to_string(),
                    grouped(cost.instructions),
                    format!("{:.1}", cost.wall.as_secs_f64() * 1000.0),
                ]);
            }
        }
    }
    bed.print("One `rig-conductor sweep`, from its start to its end; wall: best of 3", &rows);
    Ok(())
}
