//! The tokens that programs of many languages have in common.

use super::Language;
use crate::shell::escape::unescape;
use crate::shell::word::{HOLE, Word};

/// A piece of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name with what it is a part of: `os.system`, `File::Path::rmtree`, `$x`.
    Name(String),
    /// A text.
    Text(Word),
    /// A text into which values are put.
    Made(Vec<Part>),
    /// What is in backticks that run it.
    Run(Vec<Part>),
    Number(String),
    /// The words of `qw(...)` and `%w[...]`.
    Words(Vec<Word>),
    Mark(char),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(Word),
    /// A piece of program whose value stands there.
    Code(String),
}

/// Splits a program into tokens.
pub(super) fn tokens(language: Language, text: &str) -> Vec<Token> {
    let mut reader = Reader { language, text, at: 0, out: Vec::new() };
    reader.read();
    reader.out
}

struct Reader<'t> {
    language: Language,
    text: &'t str,
    at: usize,
    out: Vec<Token>,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn read(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            let rest = self.rest();
            match c {
                c if c.is_whitespace() => {
                    // A line ends a statement in most of them.
                    if c == '\n' {
                        self.out.push(Token::Mark('\n'));
                    }
                    self.at += c.len_utf8();
                }
                '#' if self.language.hash() && !rest.starts_with("#{") => self.line(),
                '/' if rest.starts_with("//")
                    && matches!(self.language, Language::Node | Language::Php | Language::Jvm) =>
                {
                    self.line()
                }
                '%' if self.language == Language::Erlang => self.line(),
                '-' if rest.starts_with("--") && self.language == Language::Lua => self.line(),
                '/' if rest.starts_with("/*")
                    && matches!(
                        self.language,
                        Language::Node | Language::Php | Language::Jvm | Language::Tcl
                    ) =>
                {
                    self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                }
                '"' | '\''
                    if self.language.triple()
                        && rest.starts_with(if c == '"' { "\"\"\"" } else { "'''" }) =>
                {
                    self.quoted(3, &c.to_string().repeat(3), c == '"');
                }
                '[' if rest.starts_with("[[") && self.language == Language::Lua => {
                    self.quoted(2, "]]", false)
                }
                '"' => self.quoted(1, "\"", true),
                '\'' if self.language != Language::Lisp => self.quoted(1, "'", false),
                '`' => self.backticks(),
                '%' if self.language == Language::Ruby && self.percent() => {}
                '~' if self.language == Language::Elixir && self.percent() => {}
                c if c.is_ascii_digit() => {
                    let len =
                        rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                    self.out.push(Token::Number(rest[..len].to_owned()));
                    self.at += len;
                }
                c if c.is_alphabetic() || matches!(c, '_' | '$' | '@' | '\\') => self.name(),
                c => {
                    self.out.push(Token::Mark(c));
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn name(&mut self) {
        let rest = self.rest();
        let mut len = 0;
        for (at, c) in rest.char_indices() {
            let part = c.is_alphanumeric() || matches!(c, '_' | '$' | '@' | '\\');
            let next = || rest[at + c.len_utf8()..].chars().next();
            let joined = c == '.'
                && next().is_some_and(|n| n.is_alphabetic() || n == '_')
                && self.language != Language::Perl
                || c == ':' && (rest[at..].starts_with("::") || rest[..at].ends_with(':'))
                || c == ':' && self.language == Language::Erlang && next().is_some_and(char::is_alphabetic);
            let arrow = c == '-' && rest[at..].starts_with("->") && self.language != Language::Node
                || c == '>' && rest[..at].ends_with('-');
            let lisp = self.language == Language::Lisp && matches!(c, '-' | '!' | '?');
            if !(part || joined || arrow || lisp) {
                break;
            }
            len = at + c.len_utf8();
        }
        let len = len.max(rest.chars().next().map_or(1, char::len_utf8));
        let name = &rest[..len];
        self.at += len;
        // `qw(a b)`, `qx(rm)`, `q{...}`, `f"..."`, `r'...'`
        let after = self.rest();
        let quoting = matches!(self.language, Language::Perl) && matches!(name, "q" | "qq" | "qw" | "qx");
        if quoting && let Some((inner, used)) = delimited(after) {
            let parts = self.value(inner, name != "q" && name != "qw");
            let quoted = words(inner);
            self.at += used;
            self.out.push(match name {
                "qw" => Token::Words(quoted),
                "qx" => Token::Run(parts),
                _ => whole(parts),
            });
            return;
        }
        // `s"..."` of Scala.
        if self.language == Language::Jvm && matches!(name, "s" | "f" | "raw") && after.starts_with('"') {
            return;
        }
        let prefix = name.len() <= 2 && name.bytes().all(|b| b"rRbBuUfF".contains(&b));
        if prefix && self.language == Language::Python && after.starts_with(['"', '\'']) {
            let quote = &after[..1];
            let triple = after.starts_with(&quote.repeat(3));
            let formatted = name.contains(['f', 'F']);
            let from = self.out.len();
            if triple {
                self.quoted(3, &quote.repeat(3), true)
            } else {
                self.quoted(1, quote, true)
            }
            if formatted
                && let Some(token) = self.out.get_mut(from)
                && let Token::Text(text) = token
            {
                *token = whole(holes(text, "{", '}'));
            }
            return;
        }
        self.out.push(Token::Name(name.to_owned()));
    }

    /// `%w[a b]`, `%x(rm)`, `%q(...)` of Ruby, and `~c"..."` of Elixir.
    fn percent(&mut self) -> bool {
        let rest = self.rest();
        let kind = rest[1..].chars().next().filter(|c| "wWxqQiIcCsS".contains(*c));
        let Some(kind) = kind else { return false };
        let Some((inner, used)) =
            delimited(&rest[2..]).filter(|_| !rest[2..].starts_with(char::is_whitespace))
        else {
            return false;
        };
        let value = self.value(inner, kind != 'q' && kind != 'w');
        let quoted = words(inner);
        self.at += 2 + used;
        self.out.push(match kind {
            'w' | 'W' | 'i' | 'I' => Token::Words(quoted),
            'x' => Token::Run(value),
            _ => whole(value),
        });
        true
    }

    fn backticks(&mut self) {
        let rest = &self.rest()[1..];
        let end = closing(rest, "`").unwrap_or(rest.len());
        let value = self.value(&rest[..end], true);
        self.at += (end + 2).min(rest.len() + 1);
        self.out.push(if self.language.backticks() { Token::Run(value) } else { whole(value) });
    }

    fn quoted(&mut self, opening: usize, end: &str, interpolates: bool) {
        let rest = &self.rest()[opening..];
        let len = closing(rest, end).unwrap_or(rest.len());
        let value = self.value(&rest[..len], interpolates);
        self.at += (opening + len + end.len()).min(self.rest().len());
        self.out.push(whole(value));
    }

    /// Returns a text with its escapes replaced, and apart from it what is put into it.
    fn value(&self, inner: &str, interpolates: bool) -> Vec<Part> {
        let literal = self.language == Language::Python || interpolates;
        let text = if literal && inner.contains('\\') {
            unescape(inner)
        } else {
            inner.replace("\\'", "'").replace("\\\\", "\\")
        };
        let word = self::text(&text);
        if !interpolates {
            return vec![Part::Text(word)];
        }
        match self.language {
            Language::Node => holes(&word, "${", '}'),
            Language::Ruby | Language::Elixir => holes(&word, "#{", '}'),
            language if language.interpolates() => dollars(&word),
            _ => vec![Part::Text(word)],
        }
    }
}

/// Returns the token for a text in parts.
fn whole(mut parts: Vec<Part>) -> Token {
    match parts.as_mut_slice() {
        [] => Token::Text(Word::default()),
        [Part::Text(text)] => Token::Text(std::mem::take(text)),
        _ => Token::Made(parts),
    }
}

/// Returns a text in which holes stand for what the shell has put into it.
pub(in crate::shell) fn text(text: &str) -> Word {
    let mut word = Word::default();
    for (n, part) in text.split(HOLE).enumerate() {
        if n % 2 == 0 { word.text.push_str(part) } else { word.push_unknown(part != "n", false) }
    }
    word
}

/// Takes `{name}` and the like out of a text.
fn holes(word: &Word, open: &str, close: char) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = word.clone();
    while let Some(at) = rest.text.find(open) {
        let Some(len) = rest.text[at..].find(close) else { break };
        parts.push(Part::Text(rest.head(at)));
        parts.push(Part::Code(rest.text[at + open.len()..at + len].to_owned()));
        rest = rest.tail(at + len + close.len_utf8());
    }
    parts.push(Part::Text(rest));
    parts
}

/// Takes `$name`, `${name}` and `$ENV{HOME}` out of a text.
fn dollars(word: &Word) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = word.clone();
    let mut from = 0;
    while let Some(at) = rest.text[from..].find(['$', '@']).map(|at| from + at) {
        let name = &rest.text[at + 1..];
        let braced = name.starts_with(['{', '(']).then(|| name.find(['}', ')'])).flatten();
        let (len, code) = match braced {
            Some(end) => (end + 1, format!("${}", &name[1..end])),
            None => {
                let len = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
                let key = name[len..].starts_with(['{', '[']).then(|| name[len..].find(['}', ']'])).flatten();
                let len = len + key.map_or(0, |key| key + 1);
                (len, format!("${}", &name[..len]))
            }
        };
        if len == 0 {
            from = at + 1;
            continue;
        }
        parts.push(Part::Text(rest.head(at)));
        parts.push(Part::Code(code));
        rest = rest.tail(at + 1 + len);
        from = 0;
    }
    parts.push(Part::Text(rest));
    parts
}

fn words(text: &str) -> Vec<Word> {
    text.split_whitespace().map(Word::literal).collect()
}

/// Returns where an unescaped end stands.
fn closing(text: &str, end: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(end)?;
        let backslashes = text[..at].bytes().rev().take_while(|b| *b == b'\\').count();
        if backslashes % 2 == 0 {
            return Some(at);
        }
        from = at + end.len();
    }
}

/// Reads what stands between a pair of delimiters, and how long it is with them.
fn delimited(text: &str) -> Option<(&str, usize)> {
    let trimmed = text.trim_start();
    let open = trimmed.chars().next().filter(|c| !c.is_alphanumeric() && !matches!(c, ',' | ';' | '='))?;
    let close = match open {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '<' => '>',
        c => c,
    };
    let start = text.len() - trimmed.len() + open.len_utf8();
    let mut depth = 1_usize;
    for (at, c) in text[start..].char_indices() {
        if c == close {
            depth -= 1;
            if depth == 0 {
                return Some((&text[start..start + at], start + at + c.len_utf8()));
            }
        } else if c == open {
            depth += 1;
        }
    }
    None
}
