//! Tools that are not known: what they carry under the usual names.

use rig_core::hook::Failure;
use serde_json::Value;
use serde_json::value::RawValue;

use super::file::file;
use super::keys::{self, ARGUMENTS, CODES, COMMANDS, Members, Name, PATHS, PROGRAMS, QUERIES, texts};
use crate::judge::{self, Refused};
use crate::shell::{Language, absolute};
use crate::world::World;

/// How deep objects and lists are looked into, and how many of them.
const DEPTH: usize = 12;
const OBJECTS: usize = 1_000;

/// Judges a tool that is not known by what it carries, however deep.
pub(super) fn judge(
    tool: &str,
    input: &RawValue,
    cwd: Option<&str>,
    world: &dyn World,
) -> Result<Option<Refused>, Failure> {
    let input: Value = serde_json::from_str(input.get()).map_err(Failure::Parse)?;
    Carried { tool, name: Name::of(tool), cwd, world }.within("", &input, DEPTH, &mut { OBJECTS })
}

struct Carried<'a> {
    tool: &'a str,
    name: Name,
    cwd: Option<&'a str>,
    world: &'a dyn World,
}

impl Carried<'_> {
    /// Judges a value that stands under a key, and what is in it.
    fn within(
        &self,
        key: &str,
        value: &Value,
        depth: usize,
        left: &mut usize,
    ) -> Result<Option<Refused>, Failure> {
        if depth == 0 || *left == 0 {
            return Ok(None);
        }
        match value {
            Value::Object(object) => {
                *left -= 1;
                let members = Members::of(object);
                if let Some(refused) = self.object(&members)? {
                    return Ok(Some(refused));
                }
                // `{"name": "query", "arguments": {...}}` is a call that is passed on.
                let passed = members.passed_on().map(|tool| format!("{}__{tool}", self.tool));
                let passed = passed.as_deref().map(|tool| Carried { tool, name: Name::of(tool), ..*self });
                let call = passed.as_ref().unwrap_or(self);
                for (key, value) in object {
                    if let Some(refused) = call.within(key, value, depth - 1, left)? {
                        return Ok(Some(refused));
                    }
                }
                Ok(None)
            }
            Value::Array(list) => {
                for value in list {
                    if let Some(refused) = self.within(key, value, depth - 1, left)? {
                        return Ok(Some(refused));
                    }
                }
                Ok(None)
            }
            // A server may take an object as its text.
            Value::String(text) if text.trim_start().starts_with(['{', '[']) && !keys::is_prose(key) => {
                match serde_json::from_str::<Value>(text) {
                    Ok(value) => self.within(key, &value, depth - 1, left),
                    Err(_) => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    fn object(&self, members: &Members<'_>) -> Result<Option<Refused>, Failure> {
        let found = self.commands(members).or_else(|| self.implied(members)).or_else(|| self.deed(members));
        Ok(match found {
            Some(refused) => Some(refused),
            None => self.paths(members)?,
        })
    }

    fn commands(&self, members: &Members<'_>) -> Option<Refused> {
        let world = self.world;
        let moved = members.text(&keys::DIRECTORIES).and_then(|dir| absolute(self.cwd, dir));
        let cwd = moved.as_deref().or(self.cwd);
        let foreign = |code: &str| match members.text(&["stdin"]) {
            Some(input) => {
                judge::foreign(&format!("printf '%s\\n' {} | {{ {code}\n}}", quoted(input)), cwd, world)
            }
            None => judge::foreign(code, cwd, world),
        };
        for value in COMMANDS.iter().filter_map(|key| members.get(key)) {
            let refused = match value {
                Value::String(program) => foreign(&(program.clone() + &arguments(members))),
                Value::Array(list) => {
                    let words = texts(value);
                    // Several commands, or one with its arguments.
                    let each = || {
                        let several = words.iter().filter(|word| word.contains(' '));
                        several.into_iter().find_map(|code| foreign(code))
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
        let language = members.text(&["language", "lang", "runtime", "interpreter"]);
        for code in CODES.iter().filter_map(|key| members.get(key)?.as_str()) {
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
            if !key.starts_with("sql") && self.name.asks() {
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
    fn implied(&self, members: &Members<'_>) -> Option<Refused> {
        let mut parts = self.tool.split(['_', '-']).map(str::to_ascii_lowercase);
        let program = parts.find_map(|part| PROGRAMS.iter().find(|(name, _)| *name == part))?.1;
        let text =
            |keys: &[&str]| keys.iter().find_map(|key| members.get(key)).map(texts).unwrap_or_default();
        let command = text(&COMMANDS[..2]);
        let mut rest: Vec<String> = match command.as_slice() {
            [line] => line.split_ascii_whitespace().map(str::to_owned).collect(),
            words => words.to_vec(),
        };
        rest.extend(text(&ARGUMENTS));
        if rest.is_empty() || rest[0] == program {
            return None;
        }
        rest.extend(text(&["resourcetype"]));
        if members.get("resourcetype").is_some() {
            rest.extend(text(&["name"]));
        }
        rest.insert(0, program.to_owned());
        judge::arguments(&rest, self.cwd, self.world)
    }

    /// Judges tools whose name says what they do, as the program that does it.
    fn deed(&self, members: &Members<'_>) -> Option<Refused> {
        let text = |keys: &[&str]| members.text(keys);
        let on = |key: &str| members.get(key).and_then(Value::as_bool) == Some(true);
        let named = |words: &[&str]| words.iter().any(|word| self.name.whole.contains(word));
        let mut words: Vec<&str> = Vec::new();
        if self.name.whole.ends_with("push") && (on("force") || on("forcepush")) {
            words.extend(["git", "push", "--force"]);
        } else if self.name.whole.ends_with("reset")
            && text(&["mode"]).is_some_and(|mode| mode.ends_with("hard"))
        {
            words.extend(["git", "reset", "--hard"]);
        } else if named(&["delete_namespace", "namespace_delete"]) {
            words.extend(["kubectl", "delete", "namespace"]);
            words.extend(text(&["name", "namespace"]));
        } else if named(&["kubectl_delete", "resources_delete", "delete_resource"]) {
            words.extend(["kubectl", "delete"]);
            words.push(text(&["resourcetype", "kind", "resource"])?);
            words.extend(text(&["name"]));
        } else if named(&["send_keys", "sendkeys"]) {
            return judge::foreign(text(&["keys", "text", "input"])?, self.cwd, self.world);
        } else if named(&["drop_database", "drop_collection"])
            && self.tool.to_ascii_lowercase().contains("mongo")
        {
            let name = text(&["collection", "collectionname", "name"]).unwrap_or("x");
            let drops = if self.name.whole.contains("database") {
                "db.dropDatabase()"
            } else {
                &format!("db.{name}.drop()")
            };
            return sql(self.tool, drops, self.cwd, self.world);
        } else if named(&["drop_table", "drop_database", "drop_schema"]) {
            let kind =
                ["table", "database", "schema"].into_iter().find(|kind| self.name.whole.contains(kind))?;
            let name = text(&["name", "table", "database", "schema", "tablename"]).unwrap_or("x");
            return sql(self.tool, &format!("DROP {kind} {name}"), self.cwd, self.world);
        } else if named(&["delete", "remove", "rmdir", "unlink", "rimraf"]) {
            let path = text(&["path", "filepath", "directory", "dir", "folder", "relativepath", "uri"])?;
            let path = local(path);
            words.extend(["rm", if self.name.whole.contains("file") { "-f" } else { "-rf" }, "--", path]);
        } else if named(&["chmod", "permission"]) {
            words.extend(["chmod", text(&["mode", "permissions"])?, "--", text(&["path", "filepath"])?]);
        } else {
            return None;
        }
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        judge::arguments(&words, self.cwd, self.world)
    }

    fn paths(&self, members: &Members<'_>) -> Result<Option<Refused>, Failure> {
        if self.name.looks() {
            return Ok(None);
        }
        for path in PATHS.iter().filter_map(|key| members.get(key)).flat_map(texts) {
            if let Some(refused) = file(local(&path), self.cwd, self.world, None)? {
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

/// Returns what stands behind a command as its arguments.
fn arguments(members: &Members<'_>) -> String {
    let mut code = String::new();
    let mut add = |value: &Value| match value {
        // A text may be several words.
        Value::String(words) => code.extend([" ", words]),
        value => code.extend(texts(value).iter().map(|word| format!(" {}", quoted(word)))),
    };
    members.get("subcommand").into_iter().for_each(&mut add);
    ARGUMENTS.iter().find_map(|key| members.get(key)).into_iter().for_each(&mut add);
    ["flags", "options"]
        .iter()
        .filter_map(|key| members.get(key))
        .filter(|v| v.is_array())
        .for_each(&mut add);
    code
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Returns the path that a URL of a file names.
fn local(path: &str) -> &str {
    path.strip_prefix("file://").filter(|path| path.starts_with('/')).unwrap_or(path)
}

/// Returns what a call is about: the first of what may be judged in it.
pub(super) fn subject(input: &Value) -> Option<String> {
    let members = Members::of(input.as_object()?);
    let keys = || COMMANDS.iter().chain(&CODES).chain(&QUERIES).chain(&PATHS);
    let found = keys().find_map(|key| members.get(key)).map(texts)?;
    Some(found.join(" ")).filter(|text| !text.is_empty())
}
