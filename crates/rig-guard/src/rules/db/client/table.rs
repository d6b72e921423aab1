//! Every client, with the options that it takes.

use super::super::super::args::{Grammar, PLAIN};
use super::super::pieces::Commands;
use super::super::token::Dialect;
use super::{Client, Operands};

const STANDARD: Dialect = Dialect {
    hash: false,
    executable: false,
    backslash: false,
    double: false,
    nested: false,
    dollar: false,
    brackets: false,
    transactional: false,
};
const POSTGRES: Dialect = Dialect { nested: true, dollar: true, transactional: true, ..STANDARD };
const MYSQL: Dialect = Dialect { hash: true, executable: true, backslash: true, double: true, ..STANDARD };
const SQLITE: Dialect = Dialect { brackets: true, transactional: true, ..STANDARD };
const SERVER: Dialect = Dialect { brackets: true, nested: true, transactional: true, ..STANDARD };
const CLICKHOUSE: Dialect = Dialect { backslash: true, nested: true, ..STANDARD };

const NONE: Client = Client {
    names: "",
    dialect: STANDARD,
    commands: Commands::None,
    grammar: Grammar { abbreviates: true, ..PLAIN },
    sub: "",
    code: "",
    files: "",
    database: "",
    operands: Operands::Names,
};

const PSQL: Client = Client {
    dialect: POSTGRES,
    commands: Commands::Psql,
    grammar: Grammar {
        short: "cdfFhLopPRTUv",
        long: "command dbname file field-separator host log-file output port pset record-separator table-attr \
            username variable set",
        abbreviates: true,
        ..PLAIN
    },
    code: "c command",
    files: "f file",
    database: "d dbname",
    ..NONE
};

const SQLITE_SHELL: Client = Client {
    dialect: SQLITE,
    commands: Commands::Sqlite,
    grammar: Grammar {
        long: "cmd init separator newline nullvalue vfs mmap maxsize heap c s f storage_version",
        dash: true,
        ..PLAIN
    },
    code: "cmd",
    files: "init",
    operands: Operands::Sql,
    ..NONE
};

const EXECUTE: Grammar = Grammar {
    short: "hpPuUdDSefqkiI",
    long: "execute file query host port user username password database server socket url command commands catalog schema \
        keyspace output-format",
    abbreviates: true,
    ..PLAIN
};

#[rustfmt::skip]
pub(super) static CLIENTS: &[Client] = &[
    Client { names: "psql ysqlsh gsql", ..PSQL },
    Client { names: "pgcli",
        grammar: Grammar { short: "hpUudDc", long: "host port user username dbname dsn command prompt pgclirc log-file",
            ..PLAIN }, ..PSQL },
    Client { names: "usql", ..PSQL },
    Client { names: "vsql",
        grammar: Grammar { short: "cdfFhopPRTUvw", ..PSQL.grammar }, ..PSQL },
    Client { names: "mysql mariadb mysqlsh", dialect: MYSQL, commands: Commands::Mysql,
        grammar: Grammar { short: "ehuPDSfO", attached: "p#",
            long: "execute host port user socket database default-character-set delimiter prompt init-command protocol \
                ssl-ca ssl-cert ssl-key defaults-file defaults-extra-file defaults-group-suffix login-path \
                max-allowed-packet plugin-dir file", abbreviates: true, ..PLAIN },
        code: "e execute init-command", files: "file", database: "D database", ..NONE },
    Client { names: "mycli", dialect: MYSQL, commands: Commands::Mysql,
        grammar: Grammar { short: "ehuPDSd", attached: "p", long: "execute host port user socket database dsn myclirc",
            ..PLAIN },
        code: "e execute", database: "D database", ..NONE },
    Client { names: "sqlite3 sqlite sqlcipher", ..SQLITE_SHELL },
    Client { names: "litecli",
        grammar: Grammar { short: "eD", long: "execute database liteclirc", ..PLAIN },
        code: "e execute", ..SQLITE_SHELL },
    Client { names: "duckdb", dialect: Dialect { dollar: true, brackets: false, ..SQLITE },
        code: "cmd c s", files: "init f", ..SQLITE_SHELL },
    Client { names: "sqlcmd mssql-cli osql", dialect: SERVER, commands: Commands::Sqlcmd,
        grammar: Grammar { short: "SUPdQqiohHswltmrcKaADLy",
            long: "query initial-query input-file server database-name user-name password", abbreviates: true, ..PLAIN },
        code: "Q q query initial-query", files: "i input-file", database: "d database-name", ..NONE },
    Client { names: "clickhouse-client clickhouse", dialect: CLICKHOUSE,
        grammar: Grammar { short: "qhudDCf", long: "query queries-file host port user password database config-file format",
            ..PLAIN },
        code: "q query", files: "queries-file", database: "d database", operands: Operands::Sql, ..NONE },
    Client { names: "cockroach", dialect: Dialect { nested: false, ..POSTGRES }, commands: Commands::Psql,
        grammar: Grammar { short: "efdup", long: "execute file url host port user database certs-dir set format",
            ..PLAIN },
        code: "e execute", files: "f file", database: "d database", ..NONE },
    Client { names: "cqlsh ycqlsh", grammar: EXECUTE, code: "e execute", files: "f file", ..NONE },
    Client { names: "trino presto trino-cli presto-cli", grammar: Grammar { short: "f", ..EXECUTE }, code: "execute",
        files: "f file", ..NONE },
    Client { names: "hive beeline spark-sql", grammar: Grammar { short: "efunpdi", long: "", ..EXECUTE },
        code: "e", files: "f", ..NONE },
    Client { names: "impala-shell", grammar: Grammar { short: "qfidku", long: "query query_file impalad database", ..EXECUTE },
        code: "q query", files: "f query_file", ..NONE },
    Client { names: "snowsql snow", dialect: Dialect { dollar: true, ..STANDARD },
        grammar: Grammar { short: "qfacdswrou", long: "query filename accountname dbname", ..EXECUTE },
        code: "q query", files: "f filename", ..NONE },
    Client { names: "bq", sub: "query", dialect: Dialect { hash: true, backslash: true, double: true, transactional: true, ..STANDARD },
        grammar: Grammar { dash: true, ..PLAIN }, operands: Operands::Sql, ..NONE },
    Client { names: "sqlplus sql", operands: Operands::Files, ..NONE },
    Client { names: "isql tsql fsql bsqldb", dialect: SERVER, commands: Commands::Sqlcmd,
        grammar: Grammar { short: "SUPDHpiodm", ..PLAIN }, files: "i", ..NONE },
    Client { names: "mclient", dialect: STANDARD, grammar: Grammar { short: "sdhpuflE",
        long: "statement database host port user", ..PLAIN }, code: "s statement", ..NONE },
    Client { names: "db2", grammar: Grammar { short: "fzlrd", ..PLAIN }, files: "f", operands: Operands::Joined, ..NONE },
    Client { names: "dolt", sub: "sql", dialect: MYSQL, commands: Commands::Mysql,
        grammar: Grammar { short: "qfr", long: "query file host user password", ..PLAIN }, code: "q query",
        files: "f file", ..NONE },
    Client { names: "turso", sub: "db shell", dialect: SQLITE, commands: Commands::Sqlite, operands: Operands::Sql, ..NONE },
    Client { names: "sqlite-utils", dialect: SQLITE, operands: Operands::Sql, ..NONE },
    Client { names: "wrangler", sub: "d1 execute", dialect: SQLITE,
        grammar: Grammar { long: "command file config env", ..PLAIN }, code: "command", files: "file", ..NONE },
    Client { names: "heroku", sub: "pg:psql", grammar: Grammar { short: "car", long: "command app remote credential file",
        ..PLAIN }, code: "c command", files: "f file", ..PSQL },
    // What starts a client by the configuration of a framework.
    Client { names: "manage.py django-admin", sub: "dbshell", ..PSQL },
    Client { names: "rails", sub: "dbconsole|db", ..PSQL },
    Client { names: "wp", sub: "db query", dialect: MYSQL, commands: Commands::Mysql, operands: Operands::Sql, ..NONE },
    Client { names: "drush", sub: "sql:query|sql-query|sqlq|sql:cli|sql-cli|sqlc", dialect: MYSQL, commands: Commands::Mysql,
        grammar: Grammar { long: "file", ..PLAIN }, files: "file", operands: Operands::Sql, ..NONE },
    Client { names: "prisma", sub: "db execute", dialect: POSTGRES, grammar: Grammar { long: "file schema url", ..PLAIN },
        files: "file", ..NONE },
];

/// Every client by name.
pub(in crate::rules::db) const NAMES: &[&str] = &[
    "psql",
    "ysqlsh",
    "gsql",
    "pgcli",
    "usql",
    "vsql",
    "mysql",
    "mariadb",
    "mysqlsh",
    "mycli",
    "sqlite3",
    "sqlite",
    "sqlcipher",
    "litecli",
    "duckdb",
    "sqlcmd",
    "mssql-cli",
    "osql",
    "clickhouse-client",
    "clickhouse",
    "cockroach",
    "cqlsh",
    "ycqlsh",
    "trino",
    "presto",
    "trino-cli",
    "presto-cli",
    "hive",
    "beeline",
    "spark-sql",
    "impala-shell",
    "snowsql",
    "snow",
    "bq",
    "sqlplus",
    "sql",
    "isql",
    "tsql",
    "fsql",
    "bsqldb",
    "mclient",
    "db2",
    "dolt",
    "turso",
    "sqlite-utils",
    "wrangler",
    "heroku",
    "manage.py",
    "django-admin",
    "rails",
    "wp",
    "drush",
    "prisma",
];
