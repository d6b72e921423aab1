//! What a statement destroys.

use super::token::Token;

/// What becomes of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table, a schema or a database goes away with its data.
    Drop,
    /// A table is emptied.
    Truncate,
    /// Every row is deleted.
    Delete,
    /// Every row gets other values.
    Update,
    /// Something else goes away: a column, a view, an index, a user.
    Other,
}

/// A statement that destroys something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Find {
    pub(super) kind: Kind,
    /// The words that say so.
    pub(super) words: String,
    /// What it is about, as it is written but for quotes.
    pub(super) names: Vec<String>,
    /// The file that it stands in.
    pub(super) file: Option<String>,
}

/// How many conditions of one statement are looked at.
const MAX_CONDITIONS: usize = 16;
/// What drops data with what it names.
const DROPPED: [&str; 6] = ["TABLE", "TABLES", "DATABASE", "SCHEMA", "KEYSPACE", "COLUMNFAMILY"];
/// Statements in which the words of others are about something else.
const ABOUT: [&str; 5] = ["GRANT", "REVOKE", "COMMENT", "DENY", "DESCRIBE"];
/// What is defined now and done later.
const DEFINED: [&str; 6] = ["FUNCTION", "PROCEDURE", "PROC", "TRIGGER", "EVENT", "RULE"];
/// Words behind which a statement begins.
const BEGINNINGS: [&str; 7] = ["BEGIN", "THEN", "ELSE", "LOOP", "DO", "ANALYZE", "VERBOSE"];
/// Words behind which a string is run.
const RUN: [&str; 9] = [
    "EXECUTE",
    "EXEC",
    "IMMEDIATE",
    "PREPARE",
    "SP_EXECUTESQL",
    "SP_MSFOREACHTABLE",
    "DBLINK",
    "DBLINK_EXEC",
    "SCHEDULE",
];

/// Returns what a statement destroys.
pub(super) fn destroyed(tokens: &[Token<'_>]) -> Vec<Find> {
    let mut found = Vec::new();
    let Some(first) = tokens.iter().find(|token| matches!(token, Token::Word(_))) else { return found };
    let explained = first.is("EXPLAIN") && !tokens.iter().any(|t| t.is("ANALYZE") || t.is("ANALYSE"));
    if explained || first.is_one(&ABOUT) || defines(tokens) {
        return found;
    }
    let mut conditions = 0;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| tokens[before]);
        let prepared = || first.is("PREPARE") && before.is_some_and(|before| before.is("AS"));
        let begins = prepared()
            || before.is_none_or(|before| {
                matches!(before, Token::Mark('(' | ')' | ':')) || before.is_one(&BEGINNINGS)
            });
        // `SELECT drops AS delete FROM t`
        let column = before
            .is_some_and(|before| before.is("SELECT") || matches!(before, Token::Mark(',' | '.')))
            || before.is_some_and(|before| before.is("AS")) && !prepared();
        if column {
            continue;
        }
        let rest = &tokens[at + 1..];
        let find = if token.is("DROP") {
            if first.is("ALTER") { (at > 0).then(|| other("ALTER ... DROP", tokens)) } else { dropped(rest) }
        } else if token.is("TRUNCATE") {
            let named = rest.first().is_some_and(|t| t.is_one(&["TABLE", "DATABASE", "ALL"]));
            if (begins || named) && !first.is("ALTER") { truncated(rest) } else { None }
        } else if conditions == MAX_CONDITIONS {
            None
        } else if token.is("DELETE") {
            conditions += 1;
            deleted(rest, begins, first)
        } else if token.is("UPDATE") && begins {
            conditions += 1;
            updated(rest)
        } else {
            None
        };
        found.extend(find);
    }
    found
}

/// Says whether a statement only defines what is done later.
fn defines(tokens: &[Token<'_>]) -> bool {
    let mut words = tokens.iter().filter(|token| matches!(token, Token::Word(_))).take(8);
    let creates = words.next().is_some_and(|first| first.is("CREATE") || first.is("ALTER"));
    // `CREATE TABLE t ... ON ...` is none, though a trigger's name may be anything.
    creates && words.take_while(|t| !t.is_one(&["TABLE", "ON", "AS", "SELECT"])).any(|t| t.is_one(&DEFINED))
}

fn other(words: &str, tokens: &[Token<'_>]) -> Find {
    let names = name(tokens.get(2..).unwrap_or_default()).map(|(name, _)| name);
    Find { kind: Kind::Other, words: words.to_owned(), names: names.into_iter().collect(), file: None }
}

/// Reads what follows `DROP`.
fn dropped(rest: &[Token<'_>]) -> Option<Find> {
    let skipped = rest.iter().take_while(|t| t.is_one(&["FOREIGN", "EXTERNAL"])).count();
    let rest = &rest[skipped..];
    let word = match rest.first()? {
        Token::Unknown => "…".to_owned(),
        Token::Word(word) => word.to_ascii_uppercase(),
        _ => return None,
    };
    let drops = word == "…" || DROPPED.contains(&word.as_str());
    let kind = match word.as_str() {
        _ if drops => Kind::Drop,
        // What somebody owns: tables, most of the time.
        "OWNED" => Kind::Drop,
        "TEMPORARY" | "TEMP" | "PREPARE" | "IF" | "COLUMN" => return None,
        _ => Kind::Other,
    };
    Some(Find { kind, words: format!("DROP {word}"), names: names(&rest[1..]), file: None })
}

/// Reads what follows `TRUNCATE`.
fn truncated(rest: &[Token<'_>]) -> Option<Find> {
    let skipped =
        rest.iter().take_while(|t| t.is_one(&["TABLE", "ALL", "TABLES", "DATABASE", "FROM", "ONLY"])).count();
    match rest.get(skipped) {
        // A function of numbers.
        Some(Token::Mark('(')) | None if skipped == 0 => None,
        _ => {
            let names = names(&rest[skipped..]);
            Some(Find { kind: Kind::Truncate, words: "TRUNCATE".to_owned(), names, file: None })
        }
    }
}

/// Reads what follows `DELETE`.
fn deleted(rest: &[Token<'_>], begins: bool, first: &Token<'_>) -> Option<Find> {
    let skipped = rest.iter().take_while(|t| t.is_one(&["LOW_PRIORITY", "QUICK", "IGNORE"])).count();
    let rest = &rest[skipped..];
    let next = rest.first()?;
    let words = "DELETE FROM".to_owned();
    if first.is("ALTER") && next.is("WHERE") {
        // ClickHouse: `ALTER TABLE t DELETE WHERE 1`
        let whole = every_row(rest, false);
        return whole.then(|| Find { kind: Kind::Delete, words, names: Vec::new(), file: None });
    }
    let rest = match next {
        next if next.is("FROM") => &rest[1..],
        // SQL Server: `DELETE t`
        Token::Word(_) | Token::Name(_) if begins && first.is("DELETE") && !next.is("TOP") => rest,
        _ => return None,
    };
    let rest = if rest.first().is_some_and(|t| t.is("ONLY")) { &rest[1..] } else { rest };
    // What is not known may be the condition as well.
    let (mut table, mut after) = name(rest)?;
    // MySQL: `DELETE a FROM t a`; with several tables it is a join.
    if let [from, tables @ ..] = after
        && from.is("FROM")
        && !tables.contains(&Token::Mark(','))
    {
        (table, after) = name(tables)?;
    }
    every_row(after, true).then(|| Find { kind: Kind::Delete, words, names: vec![table], file: None })
}

/// Reads what follows `UPDATE`.
fn updated(rest: &[Token<'_>]) -> Option<Find> {
    let skipped = rest.iter().take_while(|t| t.is_one(&["LOW_PRIORITY", "IGNORE", "ONLY"])).count();
    let (table, after) = name(&rest[skipped..])?;
    let sets = after.iter().take(4).any(|token| token.is("SET"));
    let whole = sets && every_row(after, true);
    whole.then(|| Find { kind: Kind::Update, words: "UPDATE".to_owned(), names: vec![table], file: None })
}

/// Says whether a statement is about every row of its table, by what follows the name.
fn every_row(after: &[Token<'_>], bare: bool) -> bool {
    let mut depth = 0_usize;
    for (at, token) in after.iter().enumerate() {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') if depth == 0 => return bare,
            Token::Mark(')') => depth -= 1,
            // What is not known may be the condition, but for a value.
            Token::Unknown if depth == 0 && !at.checked_sub(1).is_some_and(|at| is_operator(&after[at])) => {
                return false;
            }
            Token::Word(_) if depth > 0 => {}
            token if token.is("WHERE") => return always(&after[at + 1..]),
            token if token.is_one(&["JOIN", "USING", "LIMIT", "TOP", "PARTITION", "FROM"]) => return false,
            // SQL Server needs no semicolons.
            token if token.is_one(&["DELETE", "INSERT", "DROP", "TRUNCATE", "GO"]) => return bare,
            _ => {}
        }
    }
    bare
}

fn is_operator(token: &Token<'_>) -> bool {
    matches!(token, Token::Mark('=' | ',' | '+' | '-' | '*' | '/' | '|'))
}

/// Says whether a condition holds whatever the row is.
fn always(condition: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    let ends = |token: &Token<'_>| {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') if depth == 0 => return true,
            Token::Mark(')') => depth -= 1,
            _ => {}
        }
        token.is_one(&["RETURNING", "ORDER", "LIMIT", "OPTION", "SETTINGS"])
    };
    let end = condition.iter().position(ends).unwrap_or(condition.len());
    if condition[end..].iter().any(|token| token.is("LIMIT")) {
        return false;
    }
    let condition = &condition[..end];
    condition.split(|t| t.is("OR")).any(|part| part.split(|t| t.is("AND")).all(holds))
}

/// Says whether a comparison of constants holds.
fn holds(part: &[Token<'_>]) -> bool {
    let part = match part {
        [Token::Mark('('), inner @ .., Token::Mark(')')] => inner,
        part => part,
    };
    match part {
        [token] if token.is("TRUE") => true,
        [Token::Number(number)] => number.bytes().any(|b| b != b'0'),
        [not, token] => not.is("NOT") && token.is("FALSE"),
        [left, Token::Mark('='), right] => left == right && matches!(left, Token::Number(_) | Token::Text(_)),
        [left, Token::Mark('<'), Token::Mark('>'), right] => {
            left != right
                && matches!(
                    (left, right),
                    (Token::Number(_), Token::Number(_)) | (Token::Text(_), Token::Text(_))
                )
        }
        _ => false,
    }
}

/// Reads a name, and returns what follows it.
pub(super) fn name<'t, 'a>(rest: &'t [Token<'a>]) -> Option<(String, &'t [Token<'a>])> {
    let mut at = rest.iter().take_while(|t| t.is_one(&["IF", "NOT", "EXISTS", "ONLY", "BY"])).count();
    let mut found = String::new();
    while let Some(token) = rest.get(at) {
        match token {
            Token::Mark(c @ ('#' | '@' | '.' | ':')) => found.push(*c),
            Token::Word(part) | Token::Name(part) | Token::Number(part) => found.push_str(part),
            Token::Text(part) if found.is_empty() => found.push_str(part),
            Token::Unknown => found.push('\0'),
            _ => break,
        }
        at += 1;
        let open = found.ends_with(['#', '@', '.', ':']);
        if !open && !matches!(rest.get(at), Some(Token::Mark('.'))) {
            break;
        }
    }
    (!found.is_empty()).then(|| (found, &rest[at..]))
}

/// Reads names with commas between them.
fn names(mut rest: &[Token<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    while let Some((name, after)) = name(rest) {
        found.push(name);
        match after {
            [Token::Mark(','), after @ ..] => rest = after,
            _ => break,
        }
    }
    found
}

/// Returns the strings that a statement runs, put together; and whether it runs one that stands elsewhere.
pub(super) fn run(tokens: &[Token<'_>]) -> (Option<String>, bool) {
    let Some(at) = tokens.iter().position(|token| token.is_one(&RUN)) else { return (None, false) };
    if defines(tokens) || tokens.first().is_some_and(|first| first.is_one(&ABOUT)) {
        return (None, false);
    }
    let text = strings(&tokens[at..]);
    // `PREPARE p AS ...` is no string.
    let elsewhere =
        text.is_none() && tokens.len() > at + 1 && !tokens[at..].iter().any(|token| token.is("AS"));
    (text, elsewhere)
}

/// Puts the strings of a statement together, with `NUL` for what stands between them.
pub(super) fn strings(tokens: &[Token<'_>]) -> Option<String> {
    let mut text = String::new();
    let mut any = false;
    let glued = tokens.iter().any(|token| token.is("CONCAT"));
    for token in tokens {
        match token {
            // Arguments of their own, but for those that are put together.
            Token::Mark(',') if !glued => text.push(' '),
            Token::Text(part) => {
                any = true;
                // A doubled quote stands for one.
                text.push_str(&part.replace("''", "'"));
            }
            Token::Body(part) => {
                any = true;
                text.push_str(part);
            }
            Token::Word(_) | Token::Name(_) | Token::Unknown if any => text.push('\0'),
            _ => {}
        }
    }
    any.then_some(text)
}
