//! Tools that are not known: what they carry under the usual names.

use std::borrow::Cow;

use rig_core::hook::Failure;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::file::file;
use crate::judge::{self, Refused};
use crate::shell::Language;
use crate::world::World;

/// Members that hold shell code, or a program with its arguments.
const COMMANDS: [&str; 9] =
    ["command", "cmd", "shell", "bash", "commands", "commandLine", "command_line", "program", "executable"];
/// Members that hold code of a language that need not be that of a shell.
const CODES: [&str; 5] = ["script", "code", "source_code", "function", "expression"];
/// Words in the name of a tool that say which program it is.
const PROGRAMS: [(&str, &str); 14] = [
    ("git", "git"),
    ("kubectl", "kubectl"),
    ("oc", "oc"),
    ("helm", "helm"),
    ("docker", "docker"),
    ("podman", "podman"),
    ("terraform", "terraform"),
    ("tofu", "tofu"),
    ("aws", "aws"),
    ("gcloud", "gcloud"),
    ("az", "az"),
    ("gh", "gh"),
    ("redis", "redis-cli"),
    ("valkey", "valkey-cli"),
];
/// Members that hold SQL.
const QUERIES: [&str; 5] = ["sql", "query", "statement", "queries", "statements"];
/// Members that name files.
const PATHS: [&str; 11] = [
    "file_path",
    "notebook_path",
    "path",
    "source",
    "destination",
    "filePath",
    "filepath",
    "filename",
    "file",
    "paths",
    "files",
];
/// Members that hold the arguments of a `command`.
const ARGUMENTS: [&str; 3] = ["args", "arguments", "argv"];
/// Words in the name of a tool that only looks.
const LOOKING: [&str; 14] = [
    "read", "get", "list", "search", "find", "grep", "glob", "view", "stat", "info", "fetch", "open", "show",
    "query",
];
/// Words in the name of a tool whose `query` is asked of people or documents.
const ASKING: [&str; 12] = [
    "search",
    "find",
    "docs",
    "documentation",
    "lookup",
    "web",
    "issue",
    "memory",
    "knowledge",
    "ask",
    "graphql",
    "jql",
];

/// Judges a tool that is not known by what it carries, one level deep.
pub(super) fn judge(
    tool: &str,
    input: &RawValue,
    cwd: Option<&str>,
    world: &dyn World,
) -> Result<Option<Refused>, Failure> {
    let input: Value = serde_json::from_str(input.get()).map_err(Failure::Parse)?;
    let Value::Object(members) = &input else { return Ok(None) };
    let call = Carried { tool, name: name(tool), cwd, world };
    if let Some(refused) = call.object(members)? {
        return Ok(Some(refused));
    }
    for nested in members.values() {
        // A server may take an object as its text.
        let parsed = nested.as_str().filter(|text| text.starts_with('{')).map(serde_json::from_str::<Value>);
        let nested = parsed.and_then(Result::ok).map_or(Cow::Borrowed(nested), Cow::Owned);
        let objects = match &*nested {
            Value::Object(_) => std::slice::from_ref(&*nested),
            Value::Array(list) => list.as_slice(),
            _ => continue,
        };
        for members in objects.iter().filter_map(Value::as_object) {
            if let Some(refused) = call.object(members)? {
                return Ok(Some(refused));
            }
        }
    }
    Ok(None)
}

/// Returns the last part of a tool's name, in small letters.
fn name(tool: &str) -> String {
    tool.rsplit("__").next().unwrap_or(tool).to_ascii_lowercase().replace('-', "_")
}

struct Carried<'a> {
    tool: &'a str,
    name: String,
    cwd: Option<&'a str>,
    world: &'a dyn World,
}

impl Carried<'_> {
    fn object(&self, members: &Map<String, Value>) -> Result<Option<Refused>, Failure> {
        let found = self.commands(members).or_else(|| self.implied(members)).or_else(|| self.deed(members));
        Ok(match found {
            Some(refused) => Some(refused),
            None => self.paths(members)?,
        })
    }

    fn commands(&self, members: &Map<String, Value>) -> Option<Refused> {
        let Self { cwd, world, .. } = *self;
        for value in COMMANDS.iter().filter_map(|key| members.get(*key)) {
            let arguments = ARGUMENTS.iter().find_map(|key| members.get(*key)).map(texts).unwrap_or_default();
            let refused = match value {
                Value::String(program) if !arguments.is_empty() => {
                    let quoted = arguments.iter().map(|word| format!(" '{}'", word.replace('\'', r"'\''")));
                    judge::foreign(&(program.clone() + &quoted.collect::<String>()), cwd, world)
                }
                Value::String(code) => judge::foreign(code, cwd, world),
                Value::Array(list) => {
                    let words = texts(value);
                    // Several commands, or one with its arguments.
                    let each = || {
                        let several = words.iter().filter(|word| word.contains(' '));
                        several.into_iter().find_map(|code| judge::foreign(code, cwd, world))
                    };
                    let whole = words.len() == list.len() && !words.is_empty();
                    let refused = if whole { judge::arguments(&words, cwd, world) } else { None };
                    refused.or_else(|| {
                        if words.first().is_some_and(|w| w.contains(' ')) { each() } else { None }
                    })
                }
                _ => None,
            };
            if refused.is_some() {
                return refused;
            }
        }
        let language =
            ["language", "lang", "runtime", "interpreter"].iter().find_map(|key| members.get(*key)?.as_str());
        for code in CODES.iter().filter_map(|key| members.get(*key)?.as_str()) {
            let refused = match language.map(str::to_ascii_lowercase).as_deref() {
                Some("bash" | "sh" | "shell" | "zsh" | "console") => judge::command(code, cwd, world),
                Some("powershell" | "pwsh" | "ps1") => judge::program(Language::PowerShell, code, cwd, world),
                Some("sql" | "postgresql" | "mysql" | "sqlite") => sql(self.tool, code, cwd, world),
                Some(language) if language.starts_with("py") => {
                    judge::program(Language::Python, code, cwd, world)
                }
                Some("ruby" | "rb") => judge::program(Language::Ruby, code, cwd, world),
                Some("perl") => judge::program(Language::Perl, code, cwd, world),
                Some("php") => judge::program(Language::Php, code, cwd, world),
                _ => program(code, &[Language::Node, Language::Python], cwd, world),
            };
            if refused.is_some() {
                return refused;
            }
        }
        for key in QUERIES {
            let Some(value) = members.get(key) else { continue };
            if !key.starts_with("sql") && ASKING.iter().any(|word| self.name.contains(word)) {
                continue;
            }
            let refused = texts(value).iter().find_map(|text| sql(self.tool, text, cwd, world));
            if refused.is_some() {
                return refused;
            }
        }
        None
    }

    /// Judges a tool that is named after a program, whose subcommand its input holds.
    fn implied(&self, members: &Map<String, Value>) -> Option<Refused> {
        let mut parts = self.tool.split(['_', '-']).map(str::to_ascii_lowercase);
        let program = parts.find_map(|part| PROGRAMS.iter().find(|(name, _)| *name == part))?.1;
        let text =
            |keys: &[&str]| keys.iter().find_map(|key| members.get(*key)).map(texts).unwrap_or_default();
        let command = text(&COMMANDS[..2]);
        let mut rest: Vec<String> = match command.as_slice() {
            [line] => line.split_ascii_whitespace().map(str::to_owned).collect(),
            words => words.to_vec(),
        };
        rest.extend(ARGUMENTS.iter().find_map(|key| members.get(*key)).map(texts).unwrap_or_default());
        if rest.is_empty() || rest[0] == program {
            return None;
        }
        rest.extend(text(&["resourceType", "resource_type"]));
        if members.contains_key("resourceType") {
            rest.extend(text(&["name"]));
        }
        rest.insert(0, program.to_owned());
        judge::arguments(&rest, self.cwd, self.world)
    }

    /// Judges tools whose name says what they do, as the program that does it.
    fn deed(&self, members: &Map<String, Value>) -> Option<Refused> {
        let text = |keys: &[&str]| keys.iter().find_map(|key| members.get(*key)?.as_str());
        let on = |key: &str| members.get(key).and_then(Value::as_bool) == Some(true);
        let named = |words: &[&str]| words.iter().any(|word| self.name.contains(word));
        let mut words: Vec<&str> = Vec::new();
        if self.name.ends_with("push") && (on("force") || on("forcePush")) {
            words.extend(["git", "push", "--force"]);
        } else if self.name.ends_with("reset") && text(&["mode"]).is_some_and(|mode| mode.ends_with("hard")) {
            words.extend(["git", "reset", "--hard"]);
        } else if named(&["delete_namespace", "namespace_delete"]) {
            words.extend(["kubectl", "delete", "namespace"]);
            words.extend(text(&["name", "namespace"]));
        } else if named(&["kubectl_delete", "resources_delete", "delete_resource"]) {
            words.extend(["kubectl", "delete"]);
            words.push(text(&["resourceType", "kind", "resource", "resource_type"])?);
            words.extend(text(&["name"]));
        } else if named(&["send_keys", "sendkeys"]) {
            return judge::foreign(text(&["keys", "text", "input"])?, self.cwd, self.world);
        } else if named(&["drop_database", "drop_collection"])
            && self.tool.to_ascii_lowercase().contains("mongo")
        {
            let name = text(&["collection", "collectionName", "name"]).unwrap_or("x");
            let drops = if self.name.contains("database") {
                "db.dropDatabase()"
            } else {
                &format!("db.{name}.drop()")
            };
            return sql(self.tool, drops, self.cwd, self.world);
        } else if named(&["drop_table", "drop_database", "drop_schema"]) {
            let kind = ["table", "database", "schema"].into_iter().find(|kind| self.name.contains(kind))?;
            let name = text(&["name", "table", "database", "schema", "table_name"]).unwrap_or("x");
            return sql(self.tool, &format!("DROP {kind} {name}"), self.cwd, self.world);
        } else if named(&["delete", "remove", "rmdir", "unlink", "rimraf"]) {
            let path = text(&["path", "file_path", "directory", "dir", "filePath"])?;
            words.extend(["rm", if self.name.contains("file") { "-f" } else { "-rf" }, "--", path]);
        } else if named(&["chmod", "permission"]) {
            words.extend(["chmod", text(&["mode", "permissions"])?, "--", text(&["path", "file_path"])?]);
        } else {
            return None;
        }
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        judge::arguments(&words, self.cwd, self.world)
    }

    fn paths(&self, members: &Map<String, Value>) -> Result<Option<Refused>, Failure> {
        if LOOKING.iter().any(|word| self.name.contains(word)) {
            return Ok(None);
        }
        for path in PATHS.iter().filter_map(|key| members.get(*key)).flat_map(texts) {
            if let Some(refused) = file(&path, self.cwd, self.world, None)? {
                return Ok(Some(refused));
            }
        }
        Ok(None)
    }
}

/// Judges code whose language is not known: by the calls in it, or as shell code.
pub(super) fn program(
    code: &str,
    languages: &[Language],
    cwd: Option<&str>,
    world: &dyn World,
) -> Option<Refused> {
    // `!command` of a notebook.
    let escapes = code.lines().filter_map(|line| line.trim_start().strip_prefix('!'));
    if let Some(refused) = escapes.into_iter().find_map(|line| judge::foreign(line, cwd, world)) {
        return Some(refused);
    }
    if is_program(code) {
        return languages.iter().find_map(|language| judge::program(*language, code, cwd, world));
    }
    judge::foreign(code, cwd, world)
}

/// Says whether code is that of a programming language rather than of a shell.
fn is_program(code: &str) -> bool {
    const BEGINS: [&str; 16] = [
        "import ",
        "from ",
        "const ",
        "let ",
        "var ",
        "function ",
        "async ",
        "await ",
        "def ",
        "class ",
        "export const",
        "export default",
        "return ",
        "print(",
        "console.",
        "module.",
    ];
    let begins = |line: &str| BEGINS.iter().any(|begin| line.starts_with(begin));
    if code.lines().any(|line| begins(line.trim_start())) || code.contains("=>") {
        return true;
    }
    // A call: a name right before a bracket with something in it.
    code.match_indices('(').any(|(at, _)| {
        let named = code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let inside = code[at + 1..].trim_start();
        named && !inside.starts_with(')')
    })
}

/// Judges SQL, in the dialect that the tool's name tells.
pub(super) fn sql(tool: &str, text: &str, cwd: Option<&str>, world: &dyn World) -> Option<Refused> {
    let tool = tool.to_ascii_lowercase();
    let named = |words: &[&str]| words.iter().any(|word| tool.contains(word));
    let words: &[&str] = if named(&["mysql", "mariadb"]) {
        &["mysql", "-e", text]
    } else if named(&["sqlite", "turso", "libsql"]) {
        &["sqlite3", "data.db", text]
    } else if named(&["mssql", "sqlserver", "sql_server"]) {
        &["sqlcmd", "-Q", text]
    } else if named(&["clickhouse"]) {
        &["clickhouse-client", "-q", text]
    } else if named(&["duckdb", "motherduck"]) {
        &["duckdb", "data.db", "-c", text]
    } else if named(&["mongo"]) {
        &["mongosh", "--eval", text]
    } else if named(&["redis", "valkey"]) {
        return judge::foreign(&format!("redis-cli {text}"), cwd, world);
    } else {
        &["psql", "-c", text]
    };
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    judge::arguments(&words, cwd, world)
}

/// Returns what a call is about: the first of what may be judged in it.
pub(super) fn subject(input: &Value) -> Option<String> {
    let keys = || COMMANDS.iter().chain(&CODES).chain(&QUERIES).chain(&PATHS);
    let found = keys().find_map(|key| input.get(*key)).map(texts)?;
    Some(found.join(" ")).filter(|text| !text.is_empty())
}

/// Returns a text, or the texts of a list.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}
