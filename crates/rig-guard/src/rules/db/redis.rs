//! Emptying Redis and what speaks like it.

use super::super::args::{Grammar, PLAIN, has, marked, operands, read, value};
use super::super::{Finding, Pack, Rule, files};
use crate::shell::Call;
use crate::world::World;

/// Emptying a Redis.
pub(super) const FLUSH: Rule = Rule {
    id: "db.redis.flush",
    critical: true,
    pack: Pack::Core,
    what: "FLUSHALL and FLUSHDB delete every key",
    why: "sessions, queues and whatever else is kept there go at once, for every client",
    instead: "delete the keys that are meant, such as `redis-cli DEL user:7`, or look first with `redis-cli --scan --pattern 'user:*'`",
    source: "the command reference of Redis: FLUSHALL, FLUSHDB, EVAL",
    programs: &[
        "redis-cli",
        "valkey-cli",
        "keydb-cli",
        "iredis",
        "redis-cli.exe",
        "nc",
        "ncat",
        "netcat",
        "telnet",
        "socat",
    ],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| words.iter().any(|word| flushes(word)),
    denies: &[
        "redis-cli FLUSHALL",
        "redis-cli -h cache -n 2 flushdb async",
        "echo flushall | redis-cli",
        "redis-cli EVAL \"redis.call('FLUSHALL')\" 0",
        "printf 'FLUSHALL\\r\\n' | nc localhost 6379",
    ],
    allows: &[
        "redis-cli DEL user:7",
        "redis-cli SET note FLUSHALL",
        "redis-cli --scan --pattern 'user:*'",
        "redis-cli COMMAND DOCS FLUSHALL",
        "echo FLUSHALL",
    ],
};

const GRAMMAR: Grammar = Grammar {
    short: "hpsaurindDXt",
    long: "user pass sni cacert cacertdir cert key tls-ciphers tls-ciphersuites pipe-timeout memkeys-samples eval \
        pattern quoted-pattern count rdb functions-rdb lru-test intrinsic-latency",
    first: true,
    ..PLAIN
};

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let lines = || {
        let texts = files::input(call, world);
        texts.iter().any(|text| text.text.lines().any(line_flushes)).then(Finding::default)
    };
    if matches!(call.name()?, "nc" | "ncat" | "netcat" | "telnet" | "socat") {
        return lines();
    }
    let args = read(call.args(), &GRAMMAR);
    if has(&args, "help version") {
        return None;
    }
    if let Some(script) = value(&args, "eval") {
        let found = files::file(call, world, script).iter().any(|text| script_flushes(&text.text));
        return found.then(|| Finding::new(format!("the script {} does it", script.text)));
    }
    let mut command = operands(&args);
    // `--cluster call HOST:PORT COMMAND`
    if has(&args, "cluster") && command.first().is_some_and(|word| word.text == "call") {
        command.drain(..command.len().min(2));
    }
    let Some((name, rest)) = command.split_first() else { return lines() };
    let evaluates = || {
        let name = name.text.to_ascii_lowercase();
        matches!(name.as_str(), "eval" | "function" | "script")
            && rest.iter().any(|w| script_flushes(&marked(w)))
    };
    // A whole command in one word is split as well.
    let first = name.text.split_whitespace().next().unwrap_or("");
    (flushes(first) || evaluates()).then(Finding::default)
}

fn flushes(word: &str) -> bool {
    ["flushall", "flushdb"].iter().any(|own| own.eq_ignore_ascii_case(word))
}

/// Reads a line of commands, or of the protocol.
fn line_flushes(line: &str) -> bool {
    let mut words = line.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    match words.next() {
        Some(first) if flushes(first) => true,
        Some(first) if first.eq_ignore_ascii_case("eval") => script_flushes(line),
        // The number of times that something is done.
        Some(first) if first.bytes().all(|b| b.is_ascii_digit()) => words.next().is_some_and(flushes),
        _ => false,
    }
}

fn script_flushes(script: &str) -> bool {
    let lower = script.to_ascii_lowercase();
    lower.contains("call") && (lower.contains("flushall") || lower.contains("flushdb"))
}
