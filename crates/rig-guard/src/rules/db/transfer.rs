//! Restores that drop what is there, and what deletes topics and queues.

use super::super::args::{Grammar, PLAIN, has, listed, operands, read};
use super::super::{Finding, Pack, Rule};
use crate::shell::Call;
use crate::world::World;

/// Restores that drop what is there.
pub(super) const RESTORE: Rule = Rule {
    id: "db.restore.clean",
    critical: false,
    pack: Pack::Databases,
    what: "This restore drops what the database holds before it puts the old state there",
    why: "whatever came after the backup is lost",
    instead: "restore into a new database, as with `createdb app_restored` and `pg_restore -d app_restored app.dump`",
    source: "pg_restore(1); the references of mongorestore and mysqlimport",
    programs: &["pg_restore", "mongorestore", "mysqlimport", "mariadb-import"],
    unknown_program: false,
    redirections: false,
    judge: restore,
    suspects: |_| false,
    denies: &[
        "pg_restore --clean -d app app.dump",
        "mongorestore --drop dump/",
        "mysqlimport --delete app users.txt",
    ],
    allows: &[
        "pg_restore -d app_restored app.dump",
        "pg_restore --clean -f out.sql app.dump",
        "pg_restore -l app.dump",
        "mongorestore dump/",
    ],
};

/// Deleting topics and queues.
pub(super) const QUEUE: Rule = Rule {
    id: "db.queue.delete",
    critical: false,
    pack: Pack::Databases,
    what: "This deletes a topic or a queue, or the messages in it",
    why: "messages that nobody has read yet are lost",
    instead: "look first, as with `kafka-topics.sh --describe` or `rabbitmqctl list_queues`",
    source: "the command references of Kafka, RabbitMQ, NATS, Pulsar and Redpanda",
    programs: &[
        "kafka-topics",
        "kafka-topics.sh",
        "kafka-delete-records",
        "kafka-delete-records.sh",
        "kafka-streams-application-reset",
        "kafka-streams-application-reset.sh",
        "rpk",
        "rabbitmqctl",
        "rabbitmqadmin",
        "nats",
        "pulsar-admin",
    ],
    unknown_program: false,
    redirections: false,
    judge: queue,
    suspects: |_| false,
    denies: &[
        "kafka-topics.sh --bootstrap-server k:9092 --delete --topic orders",
        "rabbitmqctl purge_queue orders",
        "nats stream purge ORDERS --force",
        "rpk topic delete orders",
    ],
    allows: &[
        "kafka-topics.sh --bootstrap-server k:9092 --list",
        "rabbitmqctl list_queues",
        "nats stream info ORDERS",
        "rpk topic consume orders",
    ],
};

fn restore(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    const PG: Grammar = Grammar {
        short: "dfFhIjLnNpPStTU",
        long: "dbname file format host index jobs use-list schema exclude-schema port function superuser trigger table \
            username role section",
        abbreviates: true,
        ..PLAIN
    };
    let name = call.name()?;
    let args = read(call.args(), if name == "pg_restore" { &PG } else { &PLAIN });
    let found = match name {
        // Without a database it only prints.
        "pg_restore" => has(&args, "c clean cle clea") && has(&args, "d dbname") && !has(&args, "l list"),
        "mongorestore" => has(&args, "drop") && !has(&args, "dryRun"),
        _ => has(&args, "delete D"),
    };
    (found && !has(&args, "help")).then(Finding::default)
}

fn queue(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    const KAFKA: Grammar =
        Grammar { long: "bootstrap-server zookeeper topic command-config offset-json-file", ..PLAIN };
    const OTHER: Grammar = Grammar {
        short: "npHPuVs",
        long: "node vhost host port username password context server brokers admin-url timeout",
        ..PLAIN
    };
    let name = call.name()?;
    let kafka = name.starts_with("kafka");
    let args = read(call.args(), if kafka { &KAFKA } else { &OTHER });
    if has(&args, "help version dry-run") {
        return None;
    }
    let words: Vec<&str> = operands(&args).iter().map(|word| word.text.as_str()).collect();
    let found = match name {
        name if name.starts_with("kafka-topics") => has(&args, "delete"),
        name if kafka => name.contains("delete-records") || has(&args, "delete-topics execute"),
        "rpk" => matches!(words[..], ["topic", "delete" | "trim-prefix", ..]),
        "rabbitmqctl" => {
            let verbs = "reset force_reset delete_queue purge_queue delete_vhost delete_exchange";
            words.first().is_some_and(|verb| listed(verbs, verb))
        }
        "rabbitmqadmin" => {
            matches!(words[..], ["delete", "queue" | "vhost" | "exchange", ..] | ["purge", ..])
        }
        "nats" => matches!(
            words[..],
            ["stream" | "str" | "s" | "kv" | "object", "rm" | "del" | "purge" | "delete", ..]
        ),
        _ => matches!(
            words[..],
            ["topics" | "namespaces" | "tenants", "delete" | "clear-backlog" | "skip-all", ..]
        ),
    };
    found.then(Finding::default)
}
