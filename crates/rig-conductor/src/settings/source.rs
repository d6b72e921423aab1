//! Where values come from: flags, then variables, then the file.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};
use serde_json::{Map, Value};

use super::table::{Form, Setting, TABLE};

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "/etc/rig/conductor.json";

/// The variable that names another file.
pub const FILE_VARIABLE: &str = "RIG_CONDUCTOR_CONFIG";

/// The largest file of settings, in bytes.
const LIMIT: u64 = 1 << 20;

/// The variables of the process.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads those of this process. It is the one place of this crate that does.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// Returns a variable; an empty one is as one that is not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns variables that look like ours and mean nothing.
    fn strange(&self) -> Vec<&str> {
        let known = |name: &str| {
            let plain = name.strip_suffix("_FILE").unwrap_or(name);
            // What Kubernetes sets for a service of this name.
            let of_cluster = ["RIG_CONDUCTOR_SERVICE_", "RIG_CONDUCTOR_PORT"];
            TABLE
                .iter()
                .any(|setting| setting.variable == name || (setting.secret && setting.variable == plain))
                || name == FILE_VARIABLE
                || (cfg!(feature = "test-hooks") && name == "RIG_CONDUCTOR_DIE_AT")
                || of_cluster.iter().any(|prefix| name.starts_with(prefix))
        };
        let ours = |name: &&String| name.starts_with("RIG_CONDUCTOR_") || name.starts_with("RIG_DISCORD_");
        self.0.keys().filter(ours).map(String::as_str).filter(|name| !known(name)).collect()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// The flags that stand for settings.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The file of settings.
    pub config: Option<PathBuf>,
    values: BTreeMap<&'static str, String>,
}

impl Flags {
    /// Says whether any was given.
    #[must_use]
    pub fn any(&self) -> bool {
        self.config.is_some() || !self.values.is_empty()
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(format!(
                "File of settings, JSON [env: {FILE_VARIABLE}] [default: {DEFAULT_FILE} if it is there]"
            ));
        let flags = TABLE.iter().filter_map(|setting| Some((setting, setting.flag?)));
        let command = flags.fold(command.arg(config), |command, (setting, flag)| {
            let default = match setting.default {
                "" => String::new(),
                value => format!(" [default: {value}]"),
            };
            let help = format!("{} [env: {}]{default}", setting.meaning, setting.variable);
            command.arg(Arg::new(setting.key).long(flag).value_name(setting.value).help(help))
        });
        let mut secrets =
            String::from("Secrets have no flag. A file may hold each, named by the variable with _FILE:\n");
        for setting in TABLE.iter().filter(|setting| setting.secret && setting.flag.is_none()) {
            secrets.push_str(&format!("  {}={}\n", setting.variable, setting.value));
        }
        secrets.push_str("\nA flag counts more than a variable, and a variable more than the file.");
        command.after_help(secrets)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.config = matches.get_one::<PathBuf>("config").cloned();
        for setting in TABLE.iter().filter(|setting| setting.flag.is_some()) {
            if let Some(value) = matches.get_one::<String>(setting.key) {
                self.values.insert(setting.key, value.clone());
            }
        }
        Ok(())
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag(&'static str),
    /// A variable.
    Variable(&'static str),
    /// A file that a variable names.
    Secret(&'static str, PathBuf),
    /// A key of the file of settings.
    File(PathBuf, &'static str),
    /// Nowhere.
    Default(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(name) => f.write_str(name),
            Self::Secret(name, path) => write!(f, "{name}_FILE ({})", path.display()),
            Self::File(path, key) => write!(f, "{}: {key}", path.display()),
            Self::Default(_) => f.write_str("default"),
        }
    }
}

/// A value as it was given.
#[derive(Clone)]
pub struct Given {
    /// What was given.
    pub text: String,
    /// Where.
    pub from: Origin,
}

/// What was given, by key, and what is wrong with how it was given.
#[derive(Clone, Default)]
pub struct Sources {
    /// The strongest value of each setting; the default where none was given.
    pub given: BTreeMap<&'static str, Given>,
    /// What keeps the service from starting, one line each.
    pub problems: Vec<String>,
    /// What does not.
    pub warnings: Vec<String>,
}

impl Sources {
    /// Gathers what flags, variables and the file say.
    #[must_use]
    pub fn gather(flags: &Flags, environment: &Environment) -> Self {
        let mut sources = Self::default();
        let named = flags.config.clone().or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from));
        let path = named.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        let mut file = sources.read_file(&path, named.is_some());
        for setting in TABLE {
            let flag = flags
                .values
                .get(setting.key)
                .map(|text| (text.clone(), Origin::Flag(setting.flag.unwrap_or(""))));
            let strongest = flag
                .or_else(|| sources.of_environment(setting, environment))
                .or_else(|| file.remove(setting.key));
            sources.keep(setting, strongest);
        }
        let strange = environment.strange();
        sources.warnings.extend(strange.iter().map(|name| format!("{name} is no setting; it is ignored")));
        sources
    }

    /// Takes what the user's file says of a service on the user's own machine. What is decided by where that
    /// runs is passed over.
    #[must_use]
    pub fn of_user(path: &Path) -> Self {
        const DECIDED: [&str; 8] = [
            "listen",
            "store",
            "schema",
            "hosts",
            "publicUrl",
            "tokens.pool",
            "tokens.agents",
            "tokens.operators",
        ];
        let mut sources = Self::default();
        let mut file = sources.read_file(path, false);
        for setting in TABLE {
            let value = file.remove(setting.key);
            if DECIDED.contains(&setting.key) {
                if value.is_some() {
                    let warning = format!(
                        "{}: {} does not count for the embedded service",
                        path.display(),
                        setting.key
                    );
                    sources.warnings.push(warning);
                }
            } else {
                sources.keep(setting, value);
            }
        }
        sources
    }

    fn keep(&mut self, setting: &'static Setting, value: Option<(String, Origin)>) {
        let default = || {
            (!setting.default.is_empty()).then(|| (setting.default.to_owned(), Origin::Default(setting.key)))
        };
        if let Some((text, from)) = value.or_else(default) {
            self.given.insert(setting.key, Given { text, from });
        }
    }

    fn of_environment(&mut self, setting: &'static Setting, env: &Environment) -> Option<(String, Origin)> {
        let name = setting.variable;
        let file_name = format!("{name}_FILE");
        let value = env.get(name).map(|text| (text.to_owned(), Origin::Variable(name)));
        let Some(path) = env.get(&file_name).filter(|_| setting.secret) else { return value };
        if value.is_some() {
            self.problems.push(format!("{name}: {file_name} is set as well; one of them has to go"));
            return value;
        }
        let path = PathBuf::from(path);
        match read(&path) {
            Ok(text) => {
                let separator = if setting.form == Form::Text { "\n" } else { "," };
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
                Some((lines.join(separator), Origin::Secret(name, path)))
            }
            Err(error) => {
                self.problems.push(format!("{file_name}: failed to read {}: {error}", path.display()));
                None
            }
        }
    }

    fn read_file(&mut self, path: &Path, needed: bool) -> BTreeMap<&'static str, (String, Origin)> {
        let mut found = BTreeMap::new();
        let text = match read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !needed => return found,
            Err(error) => {
                self.problems.push(format!("failed to read {}: {error}", path.display()));
                return found;
            }
        };
        let map: Map<String, Value> = match serde_json::from_str(&text) {
            Ok(map) => map,
            Err(error) => {
                self.problems.push(format!("{}: {error}", path.display()));
                return found;
            }
        };
        for (key, value) in map.into_iter().filter(|(key, _)| key != "$schema") {
            match value {
                Value::Object(inner) if is_section(&key) => {
                    for (name, value) in inner {
                        self.take(path, &format!("{key}.{name}"), value, &mut found);
                    }
                }
                value => self.take(path, &key, value, &mut found),
            }
        }
        found
    }

    fn take(
        &mut self,
        path: &Path,
        key: &str,
        value: Value,
        found: &mut BTreeMap<&'static str, (String, Origin)>,
    ) {
        let Some(setting) = Setting::by_key(key) else {
            self.problems.push(format!("{}: unknown key `{key}`", path.display()));
            return;
        };
        match text_of(value, setting.form) {
            Some(text) if text.is_empty() => {}
            Some(text) => {
                found.insert(setting.key, (text, Origin::File(path.to_owned(), setting.key)));
            }
            None => {
                let wanted = match setting.form {
                    Form::Text => "a text",
                    Form::List => "a text or a list of texts",
                    Form::Pairs => "a text or an object of texts",
                };
                self.problems.push(format!("{}: {key}: it is not {wanted}", path.display()));
            }
        }
    }
}

fn is_section(key: &str) -> bool {
    TABLE.iter().any(|setting| setting.key.split_once('.').is_some_and(|(section, _)| section == key))
}

/// Writes a value of the file as a flag would have it.
fn text_of(value: Value, form: Form) -> Option<String> {
    let simple = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    };
    match (value, form) {
        (Value::Array(all), Form::List) => {
            Some(all.into_iter().map(simple).collect::<Option<Vec<_>>>()?.join(","))
        }
        (Value::Object(all), Form::Pairs) => {
            let pair = |(name, value): (String, Value)| Some(format!("{name}={}", simple(value)?));
            Some(all.into_iter().map(pair).collect::<Option<Vec<_>>>()?.join(","))
        }
        (value, _) => simple(value),
    }
}

/// Reads a regular file; Kubernetes puts links in its place, which are followed.
fn read(path: &Path) -> std::io::Result<String> {
    let file = fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    let mut text = String::new();
    file.take(LIMIT).read_to_string(&mut text)?;
    Ok(text)
}
