//! Secrets in text that is about to be stored or sent.
//!
//! One pass over the words, no regular expression: this runs in the guard.

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// What ends a word.
const BREAKS: [char; 16] =
    [' ', '\t', '\n', '\r', '\'', '"', ',', ';', '&', '|', '(', ')', '{', '}', '[', ']'];

/// Replaces what looks like a secret: known token forms, values of options, variables and members
/// named like a secret, the userinfo of URLs, the value behind `Bearer` or `Basic`, the short
/// options by which database clients and the like take a password, private keys, and long runs of
/// mixed letters and digits. A reference such as `$TOKEN` stays.
#[must_use]
pub fn redact(text: &str) -> String {
    let text = without_private_keys(text);
    let mut rest: &str = &text;
    let mut out = String::with_capacity(text.len());
    let mut state = State::Plain;
    let mut option: Option<PasswordOption> = None;
    loop {
        let (word, after) = rest.split_at(rest.find(BREAKS).unwrap_or(rest.len()));
        rest = after;
        if !word.is_empty() {
            let value = state == State::Value && !is_scheme(word) && !word.starts_with(['-', '$']);
            let attached = option.as_ref().and_then(|o| word.strip_prefix(o.name));
            match (word, attached) {
                (":" | "=", _) => out.push_str(word),
                _ if value => {
                    // In quotes a value may have many words.
                    let quote = out.chars().next_back().filter(|c| matches!(c, '"' | '\''));
                    out.push_str(REDACTED);
                    rest = quote.and_then(|quote| from_quote(rest, quote)).unwrap_or(rest);
                }
                (_, Some(value)) if !value.is_empty() && !value.starts_with('$') => {
                    out.push_str(&word[..word.len() - value.len()]);
                    out.push_str(REDACTED);
                }
                _ => out.push_str(&word_without_secrets(word)),
            }
            let asks = attached == Some("")
                && (option.as_ref().is_some_and(|o| o.separate) || rest.starts_with(['"', '\'']));
            state = if asks { State::Value } else { state.after(word) };
            option = option.or_else(|| PasswordOption::of(word));
        }
        let Some(end) = rest.chars().next() else { return out };
        // A value may stand in quotes behind its name, but not in the next command.
        if matches!(end, '\n' | ';' | '&' | '|') {
            state = State::Plain;
            option = None;
        }
        out.push(end);
        rest = &rest[end.len_utf8()..];
    }
}

/// Returns the text from the closing quote on; `None` where there is none.
fn from_quote(text: &str, quote: char) -> Option<&str> {
    let at = text.match_indices(quote).map(|(at, _)| at).find(|&at| !text[..at].ends_with('\\'))?;
    Some(&text[at..])
}

/// A short option that takes a password.
struct PasswordOption {
    name: &'static str,
    /// Whether the password may be the next word; else it only stands right behind the option.
    separate: bool,
}

impl PasswordOption {
    fn of(program: &str) -> Option<Self> {
        let (name, separate) = match program.rsplit('/').next()? {
            "mysql" | "mariadb" | "mysqldump" | "mariadb-dump" | "mysqladmin" | "mariadb-admin" => {
                ("-p", false)
            }
            "mongo" | "mongosh" | "cqlsh" | "sshpass" => ("-p", true),
            "redis-cli" => ("-a", true),
            "sqlcmd" => ("-P", true),
            "curl" => ("-u", true),
            _ => return None,
        };
        Some(Self { name, separate })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Plain,
    /// The word before was a secret's name, which counts if `:` or `=` follows.
    Name,
    /// The next word is a secret's value.
    Value,
}

impl State {
    fn after(self, word: &str) -> Self {
        let option = word.starts_with("--") && is_secret_name(word);
        let assigned = word.strip_suffix([':', '=']).is_some_and(is_secret_name);
        match word {
            ":" | "=" if self == Self::Name => Self::Value,
            _ if option || assigned || is_scheme(word) => Self::Value,
            _ if is_secret_name(word) => Self::Name,
            _ => Self::Plain,
        }
    }
}

fn is_scheme(word: &str) -> bool {
    word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic")
}

fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 10] = [
        "password",
        "passphrase",
        "passwd",
        "secret",
        "token",
        "apikey",
        "accesskey",
        "privatekey",
        "credential",
        "authorization",
    ];
    let name: String =
        name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    PARTS.iter().any(|part| name.contains(part))
        || name.ends_with("pass")
        || name.ends_with("pwd") && name.len() > 3 && name != "oldpwd"
}

fn word_without_secrets(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://") {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = match authority.rsplit_once('@') {
            Some((_, host)) => format!("{REDACTED}@{host}"),
            None => authority.to_owned(),
        };
        return format!("{scheme}://{host}{}", parts_without_tokens(path));
    }
    match word.split_once(['=', ':']) {
        Some((name, value)) if !value.is_empty() && !value.starts_with('$') && is_secret_name(name) => {
            format!("{}{REDACTED}", &word[..=name.len()])
        }
        _ => parts_without_tokens(word),
    }
}

fn parts_without_tokens(word: &str) -> String {
    const MARKS: [char; 5] = ['=', ':', '@', '/', '?'];
    word.split_inclusive(MARKS)
        .map(|part| {
            let body = part.trim_end_matches(MARKS);
            if is_token(body) { format!("{REDACTED}{}", &part[body.len()..]) } else { part.to_owned() }
        })
        .collect()
}

/// The fixed beginnings of well-known tokens, with the least length of what follows.
const PREFIXES: [(&str, usize); 17] = [
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxa-", 10),
    ("xapp-", 10),
    ("sk-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("npm_", 30),
    ("eyJ", 30),
];

fn is_token(word: &str) -> bool {
    let known = PREFIXES.iter().any(|(prefix, least)| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= *least
                && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        })
    });
    known || is_long_mixed(word)
}

/// Says whether a word is a run of at least 40 base64 characters in which upper case, lower case
/// and digits all occur; a commit id or a path has no such mix.
fn is_long_mixed(word: &str) -> bool {
    word.len() >= 40
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'_' | b'-'))
        && word.bytes().any(|b| b.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_lowercase())
        && word.bytes().any(|b| b.is_ascii_digit())
}

fn without_private_keys(text: &str) -> String {
    const MARK: &str = "PRIVATE KEY-----";
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(MARK) {
        let body = start + MARK.len();
        out.push_str(&rest[..body]);
        out.push_str(REDACTED);
        rest = rest[body..].find("-----END").map_or("", |at| &rest[body + at..]);
        let end = rest.find(MARK).map_or(rest.len(), |at| at + MARK.len());
        out.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_and_the_rest_stays() {
        let mixed = "aB3".repeat(14);
        for (text, expected) in [
            (
                "git push https://me:pa55@github.com/o/r.git main",
                "git push https://[redacted]@github.com/o/r.git main",
            ),
            (
                "curl -H 'Authorization: Bearer abc.def' http://x/y",
                "curl -H 'Authorization: Bearer [redacted]' http://x/y",
            ),
            ("PGPASSWORD=hunter2 psql -c 'DROP TABLE x'", "PGPASSWORD=[redacted] psql -c 'DROP TABLE x'"),
            ("mysql --password=hunter2 -e x", "mysql --password=[redacted] -e x"),
            ("mysql --password hunter2 -e x", "mysql --password [redacted] -e x"),
            ("x --token 'abc' y", "x --token '[redacted]' y"),
            ("x --token 'a b; c' y; z", "x --token '[redacted]' y; z"),
            (r#"PGPASSWORD="a b\"c d" psql"#, r#"PGPASSWORD="[redacted]" psql"#),
            ("DB_PASS='a b", "DB_PASS='[redacted] b"),
            ("mysql -uroot -phunter2 -e 'DROP TABLE x'", "mysql -uroot -p[redacted] -e 'DROP TABLE x'"),
            ("/usr/bin/mysql -p'a b' -e x", "/usr/bin/mysql -p'[redacted]' -e x"),
            ("mysql -p -e x; ls -p y; cp -pr a b", "mysql -p -e x; ls -p y; cp -pr a b"),
            ("mysql -p$PW -P3306 db", "mysql -p$PW -P3306 db"),
            ("sshpass -p hunter2 ssh x", "sshpass -p [redacted] ssh x"),
            (
                "curl -u me:pa55 http://x | redis-cli -a s FLUSHALL",
                "curl -u [redacted] http://x | redis-cli -a [redacted] FLUSHALL",
            ),
            ("echo $GITHUB_TOKEN; TOKEN=$X run", "echo $GITHUB_TOKEN; TOKEN=$X run"),
            ("echo token; ls", "echo token; ls"),
            ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted]"),
            ("http://x/?key=ghs_abcdefghijklmnopqrst", "http://x/?key=[redacted]"),
            (mixed.as_str(), "[redacted]"),
            (
                "rm -rf /srv/0123456789abcdef0123456789abcdef01234567",
                "rm -rf /srv/0123456789abcdef0123456789abcdef01234567",
            ),
            (r#"{"apiKey": "s3cret", "b": 1}"#, r#"{"apiKey": "[redacted]", "b": 1}"#),
            (r#"{"client_secret":"s3cret"}"#, r#"{"client_secret":"[redacted]"}"#),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nx",
                "-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----\nx",
            ),
            ("PRIVATE KEY-----abc", "PRIVATE KEY-----[redacted]"),
            ("git push --force origin main", "git push --force origin main"),
        ] {
            assert_eq!(redact(text), expected, "{text:?}");
        }
    }
}
