//! Every setting, once: its names, its default and what it means.

/// How a value may be written in the configuration file, besides as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text, or a whole number.
    Text,
    /// Also a list of texts.
    List,
    /// Also an object of texts: `name=value`.
    Pairs,
}

/// A setting and the names that it goes by.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key in the configuration file; a dot stands for an object.
    pub key: &'static str,
    /// The flag; what is secret has none, since everybody can list processes.
    pub flag: Option<&'static str>,
    /// The variable; empty for what the user's file alone decides. For what is secret, the same with `_FILE` names a file that holds it.
    pub variable: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
    /// How it may be written.
    pub form: Form,
    /// The value where none is given; empty for none.
    pub default: &'static str,
    /// What stands for the value in a help text.
    pub value: &'static str,
    /// What it decides.
    pub meaning: &'static str,
}

const fn plain(
    key: &'static str,
    flag: &'static str,
    variable: &'static str,
    default: &'static str,
    value: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting { key, flag: Some(flag), variable, secret: false, form: Form::Text, default, value, meaning }
}

const fn list(
    key: &'static str,
    flag: &'static str,
    variable: &'static str,
    value: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting { form: Form::List, ..plain(key, flag, variable, "", value, meaning) }
}

const fn secret(
    key: &'static str,
    variable: &'static str,
    form: Form,
    value: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting { key, flag: None, variable, secret: true, form, default: "", value, meaning }
}

/// Every setting, in the order in which they are shown.
pub const TABLE: &[Setting] = &[
    plain(
        "listen",
        "listen",
        "RIG_CONDUCTOR_LISTEN",
        "127.0.0.1:8080",
        "ADDRESS",
        "Where it listens; port 0 takes a free one. Beyond loopback it takes at least one token",
    ),
    Setting {
        secret: true,
        ..plain(
            "store",
            "store",
            "RIG_CONDUCTOR_STORE",
            "",
            "STORE",
            "Where it keeps what it knows: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE`, which several \
             replicas can share",
        )
    },
    plain(
        "schema",
        "schema",
        "RIG_CONDUCTOR_SCHEMA",
        "rig_escalation",
        "NAME",
        "The schema of its tables on PostgreSQL",
    ),
    plain(
        "casing",
        "casing",
        "RIG_CONDUCTOR_CASING",
        "pascal",
        "CASING",
        "How members of stored events are written: `pascal` (`AgentId`), as .NET reads them, or `camel` (`agentId`)",
    ),
    plain(
        "keepHeartbeats",
        "keep-heartbeats",
        "RIG_CONDUCTOR_KEEP_HEARTBEATS",
        "30d",
        "TIME",
        "How long heartbeats stay in the log; the last one of each agent stays as long as the agent does",
    ),
    plain(
        "sqliteSynchronous",
        "sqlite-synchronous",
        "RIG_CONDUCTOR_SQLITE_SYNCHRONOUS",
        "full",
        "WHEN",
        "When a commit counts as done on SQLite: `full`, when it is on the disk, or `normal`, when the operating \
         system has it",
    ),
    plain(
        "postgresConnections",
        "postgres-connections",
        "RIG_CONDUCTOR_POSTGRES_CONNECTIONS",
        "12",
        "N",
        "How many connections it keeps to PostgreSQL at most, 4 or more",
    ),
    list(
        "hosts",
        "hosts",
        "RIG_CONDUCTOR_HOSTS",
        "NAMES",
        "By which further names clients may call it (`Host`). Loopback, the address it listens on and \
         that of publicUrl are known",
    ),
    plain(
        "publicUrl",
        "public-url",
        "RIG_CONDUCTOR_PUBLIC_URL",
        "",
        "URL",
        "The address under which people reach it, for links in messages",
    ),
    plain(
        "upstream",
        "upstream",
        "RIG_CONDUCTOR_UPSTREAM",
        "",
        "URL",
        "The base URL of a Conductor-E, which gets everything that is no escalation's",
    ),
    secret("tokens.pool", "CONDUCTOR_TOKEN", Form::Text, "SECRET", "The token that all agents share"),
    secret(
        "tokens.agents",
        "RIG_CONDUCTOR_AGENT_TOKENS",
        Form::Pairs,
        "ID=SECRET,…",
        "Tokens of single agents: each speaks for the agent of its name alone. A name that begins with `pool-` is \
         shared like `tokens.pool`",
    ),
    secret(
        "tokens.operators",
        "RIG_CONDUCTOR_OPERATOR_TOKENS",
        Form::Pairs,
        "NAME=SECRET,…",
        "Tokens of people, who may also ack, close and raise; the name is what `by` says. Two of one name are \
         allowed while one replaces the other",
    ),
    Setting {
        form: Form::Pairs,
        ..plain(
            "bumpAfter",
            "bump-after",
            "RIG_CONDUCTOR_BUMP_AFTER",
            "4h",
            "TIME",
            "How long an escalation may be without ack before it is raised: one time, or `P2=4h,P1=30m`",
        )
    },
    plain(
        "remindEvery",
        "remind-every",
        "RIG_CONDUCTOR_REMIND_EVERY",
        "30m",
        "TIME",
        "How often people are told again of a P0 without ack; 0: never",
    ),
    plain(
        "sweepEvery",
        "sweep-every",
        "RIG_CONDUCTOR_SWEEP_EVERY",
        "1h",
        "TIME",
        "How often it looks for what is due, 1s to 1h",
    ),
    plain(
        "flood",
        "flood",
        "RIG_CONDUCTOR_FLOOD",
        "10/10m",
        "N/TIME",
        "How many escalations of one severity a token may create in a time; a P0 beyond it joins another, never \
         refused",
    ),
    secret(
        "deadManUrl",
        "RIG_CONDUCTOR_DEAD_MAN_URL",
        Form::Text,
        "URL",
        "The URL that is called after each good sweep, and not while a P0 has reached nobody for 5 minutes",
    ),
    plain(
        "discord.apiUrl",
        "discord-api-url",
        "DISCORD_API_URL",
        "https://discord.com/api",
        "URL",
        "Where Discord is; plain http on loopback alone",
    ),
    secret("discord.botToken", "DISCORD_BOT_TOKEN", Form::Text, "SECRET", "The bot's token"),
    plain(
        "discord.adminChannel",
        "discord-admin-channel",
        "RIG_DISCORD_ADMIN_CHANNEL",
        "",
        "ID",
        "The channel for P1 and P0",
    ),
    plain(
        "discord.tasksChannel",
        "discord-tasks-channel",
        "RIG_DISCORD_TASKS_CHANNEL",
        "",
        "ID",
        "The channel for P2, text or forum, in which threads are made",
    ),
    list(
        "discord.p0Users",
        "discord-p0-users",
        "RIG_DISCORD_P0_USERS",
        "IDS",
        "Who gets a P0 as a direct message and a mention",
    ),
    list(
        "discord.p0Roles",
        "discord-p0-roles",
        "RIG_DISCORD_P0_ROLES",
        "IDS",
        "The roles that a P0 mentions",
    ),
    plain(
        "discord.publicKey",
        "discord-public-key",
        "RIG_DISCORD_PUBLIC_KEY",
        "",
        "HEX",
        "The application's key, by which presses of buttons are verified; without it there are no buttons",
    ),
    plain(
        "discord.applicationId",
        "discord-application-id",
        "RIG_DISCORD_APPLICATION_ID",
        "",
        "ID",
        "The application's id, with which a late answer to a button is written",
    ),
    list(
        "discord.buttonUsers",
        "discord-button-users",
        "RIG_DISCORD_BUTTON_USERS",
        "IDS",
        "Who may press buttons; without any of these and of the roles there are none",
    ),
    list(
        "discord.buttonRoles",
        "discord-button-roles",
        "RIG_DISCORD_BUTTON_ROLES",
        "IDS",
        "The roles that may press buttons",
    ),
    Setting {
        flag: None,
        ..plain(
            "idleAfter",
            "",
            "",
            "30m",
            "TIME",
            "Embedded alone: for how long it stays without an open escalation and without requests",
        )
    },
    plain(
        "log",
        "log",
        "RIG_CONDUCTOR_LOG",
        "info",
        "LEVEL",
        "What is logged: `error`, `warn`, `info`, `debug`, or by module: `info,rig_conductor::delivery=debug`",
    ),
];

impl Setting {
    /// Finds a setting by its key.
    #[must_use]
    pub fn by_key(key: &str) -> Option<&'static Self> {
        TABLE.iter().find(|setting| setting.key == key)
    }

    /// Returns the flag with its dashes.
    #[must_use]
    pub fn flag_text(&self) -> Option<String> {
        self.flag.map(|flag| format!("--{flag}"))
    }

    /// Returns the rows of the table in the documentation.
    #[must_use]
    pub fn markdown() -> String {
        let row = |setting: &Self| {
            let flag = setting.flag_text().map_or_else(String::new, |flag| format!("`{flag}`"));
            let file = if setting.secret { ", `…_FILE`" } else { "" };
            let default =
                if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
            let cells = [
                format!("`{}`", setting.key),
                if setting.variable.is_empty() {
                    String::new()
                } else {
                    format!("`{}`{file}", setting.variable)
                },
                flag,
                default,
                setting.meaning.to_owned(),
            ];
            let line = cells.map(|cell| if cell.is_empty() { " ".into() } else { format!(" {cell} ") });
            format!("|{}|\n", line.join("|"))
        };
        let head = "| Key in the file | Variable | Flag | Default | Meaning |\n|---|---|---|---|---|\n";
        TABLE.iter().fold(head.to_owned(), |text, setting| text + &row(setting))
    }
}
