//! What a sweep costs with many escalations in the table, of which few or none are due.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::alarm::Discord;
use super::postgres::Postgres;
use super::server::{AGENT, Plan, Service, wait_for};
use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::process;

/// The token of an operator.
const OPERATOR: &str = "an-operator-of-the-bench-0123456789";

/// How many are due where some are.
pub(super) const DUE: u64 = 2;

/// Copies what one escalation left in every table, under ids of their own. What stands in brackets is the
/// database's own way to say it.
const COPY: &str = "\
insert into mt_streams (id, version, timestamp, created)
 select 'escalation-' || {id}, s.version, s.timestamp, s.created from {series}, mt_streams s
 where s.id = 'escalation-{from}';
insert into mt_events ({seq_column}id, stream_id, version, data, type, timestamp)
 select {seq}{event}{uuid}, 'escalation-' || {id}, e.version, replace(e.data{text}, '{from}', {id}){json}, e.type, e.timestamp
 from {series}, mt_events e where e.stream_id = 'escalation-{from}';
insert into escalations (id, severity, initial_severity, state, agent_id, repo, issue_number, token, dedup_key, created_at,
 level_since, reminded_at, first_acked_at, delivered, version, doc)
 select {id}{uuid}, severity, initial_severity, state, agent_id, repo, issue_number, token, {id}, created_at, level_since,
 reminded_at, first_acked_at, delivered, version, {set_key}replace(doc{text}, '{from}', {id}){json}, {key}, {value})
 from {series}, escalations where id = '{from}';
";

/// Makes some of the open ones old enough to be raised.
const MAKE_DUE: [&str; 2] = [
    "update escalations set level_since = level_since - 18000000000,
     doc = json_set(doc, '$.levelSince', strftime('%Y-%m-%dT%H:%M:%fZ', (level_since - 18000000000) / 1e6, 'unixepoch'))
     where id in (select id from escalations where state = 'open' and severity = 'P2' order by created_at, id limit {count})",
    "update rig_escalation.escalations set level_since = level_since - interval '5 hours',
     doc = jsonb_set(doc, '{levelSince}', to_jsonb(to_char((level_since - interval '5 hours') at time zone 'utc',
     'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')))
     where id in (select id from rig_escalation.escalations where state = 'open' and severity = 'P2'
     order by created_at, id limit {count})",
];

/// A store full of escalations.
pub(super) struct Full<'a> {
    pub(super) cx: &'a Context,
    pub(super) plan: Plan,
    pub(super) dir: &'a Path,
    /// The database and its name; none for SQLite.
    pub(super) postgres: Option<(&'a Postgres, String)>,
}

/// What one sweep cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) instructions: u64,
    pub(super) wall: Duration,
}

impl Full<'_> {
    /// Returns the settings beside those of Discord.
    pub(super) fn settings() -> (&'static str, String) {
        ("RIG_CONDUCTOR_OPERATOR_TOKENS", format!("maria={OPERATOR}"))
    }

    /// Fills the store: of a hundred one is open, one is acked and the others are closed, all delivered.
    pub(super) fn fill(&self, count: u64) -> Result<()> {
        let service = self.plan.start(self.cx)?;
        let active = (count / 100).max(4 * DUE + 1).min(count / 2 + 4);
        let mut text = String::new();
        for (kind, count) in [(1, active), (2, active), (3, count.saturating_sub(2 * active))] {
            let id = sample(&service, kind)?;
            if count > 0 {
                text.push_str(&self.copies(&id, kind, count));
            }
        }
        drop(service);
        self.run("begin;\n", &text, "commit;\n")?;
        // PostgreSQL counts by itself sooner or later; SQLite only when it is told to, which nobody does.
        if self.postgres.is_some() {
            self.run("", "analyze", ";\n")?;
        }
        Ok(())
    }

    fn copies(&self, from: &str, kind: u32, count: u64) -> String {
        let is_postgres = self.postgres.is_some();
        let series = if is_postgres {
            format!("generate_series(1, {count}) as n(i)")
        } else {
            format!(
                "(with recursive n(i) as (select 1 union all select i + 1 from n where i < {count}) select i from n) as n"
            )
        };
        let id = |middle: &str| {
            if is_postgres {
                format!(
                    "('{kind:08x}-' || lpad(to_hex({middle}), 4, '0') || '-7000-8000-' || lpad(to_hex(n.i), 12, '0'))"
                )
            } else {
                format!("printf('{kind:08x}-%04x-7000-8000-%012x', {middle}, n.i)")
            }
        };
        let choose = |postgres: &'static str| if is_postgres { postgres } else { "" };
        let mut sql = COPY.to_owned();
        for (mark, value) in [
            ("{series}", series.as_str()),
            ("{id}", &id("0")),
            ("{event}", &id(if is_postgres { "e.version::int" } else { "e.version" })),
            ("{from}", from),
            ("{set_key}", if is_postgres { "jsonb_set(" } else { "json_set(" }),
            ("{key}", if is_postgres { "'{dedupKey}'" } else { "'$.dedupKey'" }),
            ("{value}", &if is_postgres { format!("to_jsonb({}::text)", id("0")) } else { id("0") }),
            ("{uuid}", choose("::uuid")),
            ("{text}", choose("::text")),
            ("{json}", choose("::jsonb")),
            ("{seq_column}", choose("seq_id, ")),
            ("{seq}", choose("nextval('mt_events_sequence'), ")),
        ] {
            sql = sql.replace(mark, value);
        }
        sql
    }

    /// Makes so many due.
    pub(super) fn make_due(&self, count: u64) -> Result<()> {
        let sql = MAKE_DUE[usize::from(self.postgres.is_some())].replace("{count}", &count.to_string());
        self.run("", &sql, ";\n")
    }

    /// Sweeps under valgrind, and once more for the time, with so many due each time.
    pub(super) fn cost(&self, due: u64) -> Result<Cost> {
        let profile = self.dir.join("callgrind");
        let mut instructions = 0;
        let mut wall = Duration::MAX;
        for counted in [true, false, false, false] {
            self.make_due(due)?;
            let mut command = if counted {
                let mut command = self.plan.command(self.cx, Path::new("/usr/bin/env"));
                command.args(["valgrind", "--tool=callgrind"]);
                command.arg(format!("--callgrind-out-file={}", profile.display())).arg(&self.plan.program);
                command
            } else {
                self.plan.command(self.cx, &self.plan.program)
            };
            let start = Instant::now();
            let output = command.args(["sweep", "--json"]).stdin(Stdio::null()).output();
            let output = output.doing(|| format!("start {}", process::shown(&command)))?;
            let took = start.elapsed();
            let said = String::from_utf8_lossy(&output.stderr);
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            if !output.status.success() || answer["bumped"] != due {
                return Err(Error::new(format!("a sweep with {due} due did: {answer}\n{said}")));
            }
            if counted {
                let count = said.lines().find_map(|line| line.split_once("Collected : "));
                let count = count.and_then(|(_, count)| count.trim().parse().ok());
                instructions =
                    count.ok_or_else(|| Error::new(format!("valgrind counted nothing: {said}")))?;
            } else {
                wall = wall.min(took);
            }
        }
        Ok(Cost { instructions, wall })
    }

    /// Runs SQL on the store.
    fn run(&self, before: &str, sql: &str, after: &str) -> Result<()> {
        let file = self.dir.join("sweep.sql");
        let head = if self.postgres.is_some() { "set search_path = rig_escalation;\n" } else { "" };
        std::fs::write(&file, format!("{head}{before}{sql}{after}"))
            .doing(|| format!("write {}", file.display()))?;
        let input = std::fs::File::open(&file).doing(|| format!("open {}", file.display()))?;
        let mut command = match &self.postgres {
            Some((postgres, database)) => {
                let mut psql = postgres.client(self.cx, "psql");
                psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database]);
                psql
            }
            None => {
                let mut sqlite = self.cx.command("sqlite3");
                sqlite.arg("-bail").arg(self.plan.store.trim_start_matches("sqlite:"));
                sqlite
            }
        };
        let output = command.stdin(input).output().doing(|| format!("start {}", process::shown(&command)))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::new(format!("{} failed: {said}", process::shown(&command))));
        }
        Ok(())
    }
}

/// Creates an escalation that is then copied: an open P2, an acked or a closed P1. Returns its id once
/// people were told.
fn sample(service: &Service, kind: u32) -> Result<String> {
    let severity = if kind == 1 { "P2" } else { "P1" };
    let event = json!({
        "type": "ESCALATION_CREATED", "severity": severity, "agentId": "dev-e-node", "repo": "acme/app",
        "issueNumber": kind, "category": "ci", "reason": format!("number {kind} of the bench"),
    });
    let (status, answer) = service.post(AGENT, &event)?;
    let Some(id) = answer["escalationId"].as_str().filter(|_| status == 200) else {
        return Err(Error::new(format!("an escalation was not taken: {status} {answer}")));
    };
    let path = format!("/api/escalations/{id}");
    wait_for("a delivery", || service.get(&path).is_ok_and(|(_, now)| now["delivered"] == true))?;
    let change = match kind {
        2 => Some(json!({ "type": "ESCALATION_ACKED", "escalationId": id })),
        3 => Some(json!({ "type": "ESCALATION_CLOSED", "escalationId": id, "resolution": "done" })),
        _ => None,
    };
    if let Some(change) = change {
        let (status, answer) = service.post(OPERATOR, &change)?;
        if status != 200 {
            return Err(Error::new(format!("{change}: {status} {answer}")));
        }
    }
    // Its messages are edited meanwhile, and none of that is to be left to the sweep.
    std::thread::sleep(Duration::from_secs(2));
    Ok(id.to_owned())
}

/// Returns the settings of a store that is swept.
pub(super) fn settings(discord: &Discord) -> Vec<(&'static str, String)> {
    let mut settings = discord.settings(1);
    settings.push(Full::settings());
    settings
}
