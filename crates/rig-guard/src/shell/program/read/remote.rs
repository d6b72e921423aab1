//! Calls that send a request to delete something, and calls of libraries for git and for clusters.

use super::{Action, Language, Reader, Token, Value, lists, text};
use crate::shell::word::Word;

/// Calls that are told the method of their request.
const SENDS: &str = "request fetch axios got ky ajax superagent needle open new urlopen ofetch undici $fetch";
/// Subcommands of git that a library hands on.
const GIT: &str = "reset push clean checkout restore stash branch update-ref reflog filter-branch rm worktree switch rebase gc";
/// What a client of Kubernetes deletes, by its call without `_`, and the kind.
const KINDS: [(&str, &str); 10] = [
    ("deletenamespace", "namespace"),
    ("deletepersistentvolume", "persistentvolume"),
    ("deletenamespacedpersistentvolumeclaim", "persistentvolumeclaim"),
    ("deletecollectionpersistentvolume", "persistentvolume"),
    ("deletecollectionnamespacedpersistentvolumeclaim", "persistentvolumeclaim"),
    ("deleteclusterrole", "clusterrole"),
    ("deleteclusterrolebinding", "clusterrolebinding"),
    ("deletenode", "node"),
    ("deletecustomresourcedefinition", "customresourcedefinition"),
    ("deletestorageclass", "storageclass"),
];

impl Reader<'_> {
    /// Returns the tokens between the brackets of a call.
    fn inside(&self, at: usize) -> &[Token] {
        if !self.mark(at + 1, '(') {
            return &[];
        }
        let end = self.past(at + 1).min(self.tokens.len());
        self.tokens.get(at + 2..end).unwrap_or_default()
    }

    /// Reads a call as one that sends a request which deletes or changes something, as `curl` would.
    pub(super) fn requested(&self, name: &str, short: &str, at: usize) -> Option<Action> {
        let by_name = match short {
            "delete" | "del" => Some("DELETE"),
            "patch" => Some("PATCH"),
            "new" if name.ends_with("Delete.new") => Some("DELETE"),
            "new" if name.ends_with("Patch.new") => Some("PATCH"),
            _ if lists(SENDS, short) => None,
            _ => return None,
        };
        let inside = self.inside(at);
        let method = by_name.or_else(|| told(inside))?;
        if method == "DELETE" && inside.is_empty() {
            return self.github(at);
        }
        let arguments = self.arguments(at + 1)?;
        let given =
            inside.iter().filter_map(|token| if let Token::Text(word) = token { Some(word) } else { None });
        let address =
            given.chain(arguments.iter().filter_map(text)).find_map(|word| address(word, method))?;
        let mut words: Vec<Word> = ["curl", "-X", method].into_iter().map(Word::literal).collect();
        words.push(address);
        if forces(inside) {
            words.extend(["-d", "force=true"].map(Word::literal));
        }
        Some(Action::Data(words))
    }

    /// Reads `get_repo("a/b").delete()` and `get_repo("a/b").get_git_ref("heads/main").delete()`.
    fn github(&self, at: usize) -> Option<Action> {
        let before = self.tokens.get(at.saturating_sub(12)..at)?;
        let told = |wanted: &str| {
            before.windows(3).rev().find_map(|tokens| match tokens {
                [Token::Name(name), Token::Mark('('), Token::Text(word)]
                    if name.rsplit('.').next() == Some(wanted) =>
                {
                    word.known()
                }
                _ => None,
            })
        };
        let mut address = format!("https://api.github.com/repos/{}", told("get_repo")?);
        if let Some(name) = told("get_git_ref") {
            address = format!("{address}/git/refs/{name}");
        }
        let closed = at > 1 && matches!(self.tokens[at - 2..at], [Token::Mark(')'), Token::Mark('.')])
            || self.mark(at - 1, ')');
        closed.then(|| Action::Data(["curl", "-X", "DELETE", &address].map(Word::literal).into()))
    }

    /// Reads a call of a library for git, or of a client of Kubernetes.
    pub(super) fn by_library(&self, name: &str, short: &str, at: usize) -> Option<Action> {
        if short.starts_with("delete") {
            let call = short.replace('_', "");
            let kind = KINDS.iter().find(|(own, _)| *own == call).map(|(_, kind)| *kind)?;
            return if self.uses("kubernetes") { self.of_cluster(kind, at) } else { None };
        }
        let sub = short.replace('_', "-");
        if !lists(GIT, &sub) && sub != "raw" {
            return None;
        }
        let simple = self.language == Language::Node && self.uses("simple-git");
        // `repo.git.reset(...)`, `Repo(".").git.reset(...)`
        let behind =
            name.len().checked_sub(short.len() + "git.".len()).map(|from| (&name[..from], &name[from..]));
        let gitpython = behind.is_some_and(|(before, rest)| {
            rest.starts_with("git.")
                && (before.ends_with('.') || before.is_empty() && at > 0 && self.mark(at - 1, '.'))
        });
        let inside = self.inside(at);
        if short == "reset" && self.uses("git") && named(inside, "working_tree") {
            return Some(Action::Command(["git", "reset", "--hard"].map(Word::literal).into()));
        }
        if !(gitpython || simple) || inside.is_empty() {
            return None;
        }
        let mut words = vec![Word::literal("git")];
        words.extend((sub != "raw").then(|| Word::literal(&*sub)));
        for value in self.arguments(at + 1)? {
            match value {
                // `reset("hard")`, `clean("fd")`
                Value::Text(word) if simple && sub == "reset" && !word.text.starts_with('-') => {
                    words.push(Word::literal(format!("--{}", word.text)));
                }
                Value::Text(word) if simple && sub == "clean" && !word.text.starts_with('-') => {
                    words.push(Word::literal(format!("-{}", word.text)));
                }
                Value::Text(word) => words.push(word),
                Value::List(list) => words.extend(list),
                // `reset(hard=True)`
                Value::Named(key, values) if gitpython => {
                    let dashes = if key.len() > 1 { "--" } else { "-" };
                    words.push(Word::literal(format!("{dashes}{}", key.replace('_', "-"))));
                    words.extend(values.into_iter().filter(|word| word.known().is_some()));
                }
                _ => {}
            }
        }
        Some(Action::Command(words))
    }

    fn of_cluster(&self, kind: &str, at: usize) -> Option<Action> {
        let inside = self.inside(at);
        let dry =
            |token: &Token| matches!(token, Token::Name(name) if matches!(&**name, "dry_run" | "dryRun"));
        if inside.iter().any(dry) {
            return None;
        }
        let arguments = self.arguments(at + 1)?;
        let name = arguments.iter().find_map(|value| match value {
            Value::Text(word) => Some(word.clone()),
            Value::Named(key, words) if key == "name" => words.first().cloned(),
            _ => None,
        });
        let mut words: Vec<Word> = ["kubectl", "delete", kind].into_iter().map(Word::literal).collect();
        words.push(name.unwrap_or_else(|| Word::unknown(false)));
        Some(Action::Data(words))
    }

    /// Says whether a program names a library.
    fn uses(&self, library: &str) -> bool {
        self.tokens.iter().any(|token| match token {
            Token::Name(name) => name.split('.').any(|part| part == library),
            Token::Text(word) => word.text.contains(library),
            _ => false,
        })
    }
}

/// Returns the method that the arguments of a call tell: `"DELETE", url`, `method="DELETE"`, `{method: "DELETE"}`.
fn told(inside: &[Token]) -> Option<&'static str> {
    let method = |token: &Token| {
        let text = match token {
            Token::Text(word) => word.text.split(' ').next()?,
            Token::Name(name) => name,
            _ => return None,
        };
        ["DELETE", "PATCH"].into_iter().find(|own| own.eq_ignore_ascii_case(text))
    };
    let is_key = |token: &Token| match token {
        Token::Name(name) => name == "method",
        Token::Text(word) => word.text == "method",
        _ => false,
    };
    let keyed = || {
        let at = inside.iter().position(is_key)?;
        let behind = inside[at + 1..].iter().take(3);
        behind.skip_while(|token| matches!(token, Token::Mark('=' | ':' | '>'))).find_map(method)
    };
    inside.first().and_then(method).or_else(keyed)
}

/// Returns the address of a request: a whole one, or a path of an interface whose host is not told here.
fn address(word: &Word, method: &str) -> Option<Word> {
    let word = match word.text.strip_prefix(method).map(|rest| rest.len() - rest.trim_start().len()) {
        Some(blanks) if blanks > 0 => word.tail(method.len() + blanks),
        _ => word.clone(),
    };
    if ["https://", "http://"].iter().any(|scheme| word.text.starts_with(scheme)) {
        return Some(word);
    }
    if !["/repos/", "/api/v1/namespaces/"].iter().any(|start| word.text.starts_with(start)) {
        return None;
    }
    let mut whole = Word::unknown(false);
    whole.push(&word);
    Some(whole)
}

/// Says whether a name is given a value that is true.
fn named(inside: &[Token], wanted: &str) -> bool {
    let is_name = |token: &Token| match token {
        Token::Name(name) => name == wanted,
        Token::Text(word) => word.text == wanted,
        _ => false,
    };
    let is_true = |token: &Token| matches!(token, Token::Name(name) if name.eq_ignore_ascii_case("true"));
    inside
        .iter()
        .enumerate()
        .any(|(at, token)| is_name(token) && inside[at + 1..].iter().take(3).any(is_true))
}

/// Says whether what is sent asks for force.
fn forces(inside: &[Token]) -> bool {
    let written = |token: &Token| matches!(token, Token::Text(word) if word.text.replace([' ', '"'], "").contains("force:true"));
    named(inside, "force") || inside.iter().any(written)
}
