//! Deleting what search engines, key-value stores and time series databases hold.

use super::super::args::{Arg, Grammar, PLAIN, has, listed, marked, operands, read};
use super::super::{Finding, Pack, Rule, files, http};
use super::client;
use super::search;
use super::session::Session;
use super::statement::{Find, Kind};
use crate::shell::{Call, Word};
use crate::world::World;

/// Deleting an index, a bucket, or every key.
pub(super) const DELETE: Rule = Rule {
    id: "db.store.delete",
    critical: false,
    pack: Pack::Core,
    what: "This deletes an index, a bucket, a collection or every key of a store",
    why: "everything in it goes at once, and without a snapshot it does not come back",
    instead: "delete the documents or keys that are meant, such as `etcdctl del /app/old`",
    source: "the references of Elasticsearch, OpenSearch, CouchDB, Qdrant, ClickHouse, InfluxDB, etcd, Consul, Neo4j and \
             Couchbase",
    programs: &[
        "curl",
        "wget",
        "http",
        "https",
        "xh",
        "xhs",
        "etcdctl",
        "consul",
        "influx",
        "cypher-shell",
        "couchbase-cli",
        "zkCli.sh",
        "zookeeper-shell",
        "zookeeper-shell.sh",
    ],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| words.contains(&"etcdctl") && words.contains(&"del") && words.contains(&"--prefix"),
    denies: &[
        "curl -X DELETE localhost:9200/orders",
        "curl -XDELETE \"$ES/_all\"",
        "etcdctl del '' --prefix",
        "influx bucket delete --name metrics",
        "curl 'http://localhost:8123/?query=DROP+TABLE+logs'",
        "cypher-shell 'MATCH (n) DETACH DELETE n'",
    ],
    allows: &[
        "curl -X DELETE localhost:9200/orders/_doc/1",
        "curl localhost:9200/orders/_search",
        "curl -X DELETE https://api.example.com/orders/1",
        "etcdctl del /app/old",
        "influx bucket list",
    ],
};

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let name = call.name()?;
    if http::PROGRAMS.contains(&name) {
        let request = http::request(call)?;
        return search::deletes(&request, |sql| dropped(sql, "clickhouse-client")).map(Finding::new);
    }
    let grammar = match name {
        "etcdctl" => ETCD,
        "consul" => CONSUL,
        "influx" => INFLUX,
        "cypher-shell" => CYPHER,
        _ => PLAIN,
    };
    let args = read(call.args(), &grammar);
    let operands = operands(&args);
    if has(&args, "help h version") {
        return None;
    }
    let words: Vec<&str> = operands.iter().map(|word| word.text.as_str()).collect();
    let found = match name {
        "etcdctl" => etcd(&args, &operands),
        "consul" => {
            matches!(words[..], ["kv", "delete", ..]) && has(&args, "recurse") && whole(operands.get(2))
        }
        "influx" => influx(&args, &words, call, world),
        "cypher-shell" => {
            let given: Vec<String> = operands.iter().map(|word| marked(word)).collect();
            let input = || files::input(call, world).into_iter().map(|text| text.text).collect();
            let texts: Vec<String> = if given.is_empty() { input() } else { given };
            texts.iter().any(|text| cypher(text))
        }
        "couchbase-cli" => {
            matches!(words.first(), Some(&("bucket-delete" | "bucket-flush" | "collection-manage")))
                && (words[0] != "collection-manage" || has(&args, "drop-scope drop-collection"))
        }
        // ZooKeeper: `deleteall /`
        _ => words
            .iter()
            .zip(words.iter().skip(1))
            .any(|(verb, path)| matches!(*verb, "deleteall" | "rmr") && *path == "/"),
    };
    found.then(Finding::default)
}

const ETCD: Grammar = Grammar {
    long: "endpoints cert key cacert user password command-timeout dial-timeout keepalive-time keepalive-timeout \
        discovery-srv write-out range-end",
    short: "w",
    ..PLAIN
};
const CONSUL: Grammar =
    Grammar { long: "http-addr token datacenter namespace partition cas modify-index", dash: true, ..PLAIN };
const INFLUX: Grammar = Grammar {
    short: "niotcbp",
    long: "name id org org-id token host active-config configs-path bucket bucket-id start stop predicate execute database \
        host port username password format precision",
    dash: true,
    ..PLAIN
};
const CYPHER: Grammar = Grammar {
    short: "aupdfPe",
    long: "address uri username password database file param encryption format",
    ..PLAIN
};

/// Says whether a key stands for everything.
fn whole(key: Option<&&Word>) -> bool {
    // What is not known is a key of its own.
    key.is_none_or(|key| {
        key.marks.is_empty() && matches!(key.text.as_str(), "" | "/" | "\0" | "/registry" | "/registry/")
    })
}

fn etcd(args: &[Arg<'_>], operands: &[&Word]) -> bool {
    let verb = operands.first().is_some_and(|word| word.text == "del");
    // `del FIRST LAST`
    let every = has(args, "prefix from-key") || operands.get(2).is_some_and(|last| last.text == "\0");
    verb && every && whole(operands.get(1))
}

fn influx(args: &[Arg<'_>], words: &[&str], call: &Call<'_>, world: &dyn World) -> bool {
    match words {
        ["bucket" | "org", "delete", ..] => true,
        ["delete", ..] => !has(args, "predicate p"),
        _ => {
            // Version 1 speaks a language like SQL.
            let value = |arg: &Arg<'_>| match arg {
                Arg::Option("execute", Some(text)) => Some(marked(text)),
                _ => None,
            };
            let mut texts: Vec<String> = args.iter().filter_map(value).collect();
            if texts.is_empty() && words.is_empty() {
                texts.extend(files::input(call, world).into_iter().map(|text| text.text));
            }
            texts.iter().any(|text| dropped(text, "cqlsh").is_some())
        }
    }
}

/// Returns what a text in SQL drops or empties.
fn dropped(sql: &str, client: &str) -> Option<String> {
    let mut session = Session::new(client::find(client)?, &[], &|_| Vec::new());
    session.text(sql);
    session.end();
    let counts = |find: &&Find| {
        matches!(find.kind, Kind::Drop | Kind::Truncate | Kind::Delete)
            || listed("MEASUREMENT SERIES", find.words.trim_start_matches("DROP "))
    };
    session.found.iter().find(counts).map(|find| find.words.clone())
}

/// Says whether a statement of Cypher deletes nodes of which nothing is said.
fn cypher(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    upper.split(';').any(|statement| {
        let all = statement.contains("MATCH") && statement.contains("DELETE");
        all && !statement.contains("WHERE") && !statement.contains([':', '{', '\0', '"', '\''])
            || statement.trim_start().starts_with("DROP DATABASE")
    })
}
