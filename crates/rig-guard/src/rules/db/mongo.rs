//! Dropping databases and collections of MongoDB.

use std::borrow::Cow;

use super::super::args::{Arg, Grammar, PLAIN, has, marked, read};
use super::super::{Finding, Pack, Rule, files};
use crate::shell::{Call, Word};
use crate::world::World;

/// Dropping databases and collections.
pub(super) const DROP: Rule = Rule {
    id: "db.mongo.drop",
    critical: true,
    pack: Pack::Core,
    what: "Dropping a database or a collection, or deleting with an empty filter, deletes every document in it",
    why: "without a backup it cannot be undone",
    instead: "delete the documents that are meant, such as `mongosh app --eval 'db.users.deleteOne({_id: 7})'`",
    source: "the method reference of mongosh: db.dropDatabase, collection.drop, collection.deleteMany",
    programs: &["mongosh", "mongo"],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| {
        words.iter().any(|word| matches!(*word, "mongosh" | "mongo"))
            && words.iter().any(|word| word.ends_with("dropDatabase") || word.ends_with(".drop"))
    },
    denies: &[
        "mongosh app --eval 'db.dropDatabase()'",
        "mongosh --eval 'db.users.drop()' app",
        "mongo app <<< 'db.users.deleteMany({})'",
        "mongosh app --eval 'db.runCommand({dropDatabase: 1})'",
    ],
    allows: &[
        "mongosh app --eval 'db.users.deleteMany({active: false})'",
        "mongosh app --eval 'db.users.dropIndex(\"email_1\")'",
        "mongosh app --eval 'print(\"db.dropDatabase()\")'",
        "mongosh app --eval 'db.users.find()' # drop()",
    ],
};

const GRAMMAR: Grammar = Grammar {
    short: "upfh",
    long: "eval file host port username password db authenticationDatabase authenticationMechanism tlsCAFile \
        tlsCertificateKeyFile sslCAFile sslPEMKeyFile apiVersion retryWrites awsAccessKeyId awsSecretAccessKey",
    ..PLAIN
};

/// How deep files load one another, and how many each.
const MAX_DEPTH: usize = 3;
const MAX_LOADS: usize = 4;

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let args = read(call.args(), &GRAMMAR);
    if has(&args, "help version") {
        return None;
    }
    let (mut texts, mut paths): (Vec<String>, Vec<Cow<'_, Word>>) = (Vec::new(), Vec::new());
    for arg in args {
        match arg {
            Arg::Option("eval", Some(code)) => texts.push(marked(&code)),
            Arg::Option("file" | "f", Some(path)) => paths.push(path),
            Arg::Operand(word) if [".js", ".mongodb", ".cjs"].iter().any(|end| word.text.ends_with(end)) => {
                paths.push(Cow::Borrowed(word));
            }
            _ => {}
        }
    }
    if texts.is_empty() && paths.is_empty() {
        texts.extend(files::input(call, world).into_iter().map(|text| text.text));
    }
    if let Some(found) = texts.iter().find_map(|text| drops_in(call, world, text, 0)) {
        return Some(Finding::new(format!("it calls `{found}`")));
    }
    paths.iter().find_map(|path| {
        let texts = files::file(call, world, path);
        let found = texts.iter().find_map(|text| drops_in(call, world, &text.text, 0))?;
        Some(Finding::new(format!("{} calls `{found}`", path.text)))
    })
}

/// Returns what drops something, in a program or in what it loads.
fn drops_in(call: &Call<'_>, world: &dyn World, text: &str, depth: usize) -> Option<&'static str> {
    let tokens = tokens(text);
    if let Some(found) = drops(&tokens) {
        return Some(found);
    }
    let loads = tokens.windows(3).filter_map(|window| match window {
        [Token::Name("load"), Token::Mark('('), Token::Text(path)] => Some(*path),
        _ => None,
    });
    loads.take(if depth < MAX_DEPTH { MAX_LOADS } else { 0 }).find_map(|path| {
        let texts = files::file(call, world, &Word::literal(path));
        texts.iter().find_map(|text| drops_in(call, world, &text.text, depth + 1))
    })
}

fn drops(tokens: &[Token<'_>]) -> Option<&'static str> {
    for (at, token) in tokens.iter().enumerate() {
        let (Token::Name(name) | Token::Text(name)) = token else { continue };
        let before = at.checked_sub(1).map(|at| tokens[at]);
        let mut rest = &tokens[at + 1..];
        let member = match (before, token) {
            (Some(Token::Mark('.')), Token::Name(_)) => true,
            // `db["dropDatabase"]()`
            (Some(Token::Mark('[')), Token::Text(_)) if rest.first() == Some(&Token::Mark(']')) => {
                rest = &rest[1..];
                true
            }
            _ => false,
        };
        let called = member && rest.first() == Some(&Token::Mark('('));
        let empty = || rest.get(1..3) == Some(&[Token::Mark('{'), Token::Mark('}')]);
        // `runCommand({drop: "users"})`
        let commanded = matches!(before, Some(Token::Mark('{')))
            && rest.first() == Some(&Token::Mark(':'))
            && at > 2
            && matches!(tokens[at - 3], Token::Name("runCommand" | "adminCommand" | "command"));
        match *name {
            "dropDatabase" if called || commanded => return Some("dropDatabase"),
            "drop" if called || commanded => return Some("drop"),
            "deleteMany" | "remove" if called && empty() => return Some("deleteMany({})"),
            _ => {}
        }
    }
    None
}

/// A part of a program in JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Mark(char),
}

fn tokens(mut text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start();
        let Some(c) = text.chars().next() else { return found };
        let after = |end: &str| text.find(end).map_or("", |at| &text[at + end.len()..]);
        match c {
            '/' if text.starts_with("//") => text = after("\n"),
            '/' if text.starts_with("/*") => text = after("*/"),
            '\'' | '"' | '`' => {
                let mut escaped = false;
                let end = text[1..].find(|own| {
                    let ends = own == c && !escaped;
                    escaped = own == '\\' && !escaped;
                    ends
                });
                let end = end.map_or(text.len(), |end| end + 1);
                found.push(Token::Text(&text[1..end]));
                text = text.get(end + 1..).unwrap_or_default();
            }
            c if c.is_alphanumeric() || matches!(c, '_' | '$') => {
                let end = text.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$'));
                let (name, rest) = text.split_at(end.unwrap_or(text.len()));
                found.push(Token::Name(name));
                text = rest;
            }
            c => {
                found.push(Token::Mark(c));
                text = &text[c.len_utf8()..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_text() {
        for (code, expected) in [
            ("db.dropDatabase()", true),
            ("db\n  .users\n  .drop ()", true),
            ("db['users']['drop']()", true),
            ("db.getSiblingDB('x').dropDatabase()", true),
            ("db.runCommand({ drop: 'users' })", true),
            ("db.adminCommand({'dropDatabase': 1})", true),
            ("db.users.deleteMany({})", true),
            ("db.users.deleteMany( { } , {w: 1})", true),
            ("db.users.remove({})", true),
            ("db.users.deleteMany({a: 1})", false),
            ("db.users.drop", false),
            ("db.users.dropIndexes()", false),
            ("// db.dropDatabase()\n1", false),
            ("/* db.dropDatabase() */", false),
            ("print('db.dropDatabase()')", false),
            ("db.users.insertOne({drop: 'x'})", false),
            ("db.drop.find()", false),
            ("'", false),
            ("db.dropDatabase(", true),
        ] {
            assert_eq!(drops(&tokens(code)).is_some(), expected, "{code}");
        }
    }
}
