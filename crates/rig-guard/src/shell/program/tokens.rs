//! The tokens that programs of many languages have in common.

use super::Language;
use crate::shell::escape::unescape;
use crate::shell::word::{HOLE, Word};

/// A piece of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name with what it is a part of: `os.system`, `File::Path::rmtree`, `$x`.
    Name(String),
    /// A text, or what is in backticks that run it.
    Text(Word),
    Run(Word),
    Number(String),
    /// The words of `qw(...)` and `%w[...]`.
    Words(Vec<Word>),
    Mark(char),
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
                '/' if rest.starts_with("//") && matches!(self.language, Language::Node | Language::Php) => {
                    self.line()
                }
                '-' if rest.starts_with("--") && self.language == Language::Lua => self.line(),
                '/' if rest.starts_with("/*") && self.language != Language::Python => {
                    self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                }
                '"' | '\''
                    if rest.starts_with(&c.to_string().repeat(3)) && self.language == Language::Python =>
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
                || c == ':' && (rest[at..].starts_with("::") || rest[..at].ends_with(':'));
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
            let inner = self.value(inner, name != "q" && name != "qw");
            self.at += used;
            self.out.push(match name {
                "qw" => Token::Words(words(&inner.text)),
                "qx" => Token::Run(inner),
                _ => Token::Text(inner),
            });
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
            if formatted && let Some(Token::Text(text)) = self.out.get_mut(from) {
                *text = holes(text, "{", '}');
            }
            return;
        }
        self.out.push(Token::Name(name.to_owned()));
    }

    /// `%w[a b]`, `%x(rm)`, `%q(...)` of Ruby.
    fn percent(&mut self) -> bool {
        let rest = self.rest();
        let kind = rest[1..].chars().next().filter(|c| "wWxqQiI".contains(*c));
        let Some(kind) = kind else { return false };
        let Some((inner, used)) =
            delimited(&rest[2..]).filter(|_| !rest[2..].starts_with(char::is_whitespace))
        else {
            return false;
        };
        let value = self.value(inner, kind != 'q' && kind != 'w');
        self.at += 2 + used;
        self.out.push(match kind {
            'w' | 'W' | 'i' | 'I' => Token::Words(words(&value.text)),
            'x' => Token::Run(value),
            _ => Token::Text(value),
        });
        true
    }

    fn backticks(&mut self) {
        let rest = &self.rest()[1..];
        let end = closing(rest, "`").unwrap_or(rest.len());
        let value = self.value(&rest[..end], true);
        self.at += (end + 2).min(rest.len() + 1);
        self.out.push(if self.language.backticks() { Token::Run(value) } else { Token::Text(value) });
    }

    fn quoted(&mut self, opening: usize, end: &str, interpolates: bool) {
        let rest = &self.rest()[opening..];
        let len = closing(rest, end).unwrap_or(rest.len());
        let value = self.value(&rest[..len], interpolates);
        self.at += (opening + len + end.len()).min(self.rest().len());
        self.out.push(Token::Text(value));
    }

    /// Returns a text with its escapes replaced, and unknown parts where something is put into it.
    fn value(&self, inner: &str, interpolates: bool) -> Word {
        let literal = self.language == Language::Python || interpolates;
        let text = if literal && inner.contains('\\') {
            unescape(inner)
        } else {
            inner.replace("\\'", "'").replace("\\\\", "\\")
        };
        let word = self::text(&text);
        if !interpolates {
            return word;
        }
        match self.language {
            Language::Node => holes(&word, "${", '}'),
            Language::Ruby => holes(&word, "#{", '}'),
            language if language.interpolates() => dollars(&word),
            _ => word,
        }
    }
}

/// Returns a text in which holes stand for what the shell has put into it.
fn text(text: &str) -> Word {
    let mut word = Word::default();
    for (n, part) in text.split(HOLE).enumerate() {
        if n % 2 == 0 { word.text.push_str(part) } else { word.push_unknown(part != "n", false) }
    }
    word
}

/// Replaces `{name}` and the like by unknown parts.
fn holes(word: &Word, open: &str, close: char) -> Word {
    let mut out = Word::default();
    let mut rest = word.clone();
    while let Some(at) = rest.text.find(open) {
        let Some(len) = rest.text[at..].find(close) else { break };
        out.push(&rest.head(at));
        let inner = rest.text[at + open.len()..at + len].trim();
        home(inner, &mut out);
        rest = rest.tail(at + len + 1);
    }
    out.push(&rest);
    out
}

fn home(inner: &str, out: &mut Word) {
    let names =
        ["process.env.HOME", "ENV['HOME']", "ENV[\"HOME\"]", "os.homedir()", "Dir.home", "Path.home()"];
    if names.contains(&inner) { out.text.push('~') } else { out.push_unknown(false, false) }
}

/// Replaces `$name` by unknown parts.
fn dollars(word: &Word) -> Word {
    let mut out = Word::default();
    let mut rest = word.clone();
    while let Some(at) = rest.text.find(['$', '@']) {
        let name = &rest.text[at + 1..];
        if name.starts_with("ENV{HOME}") {
            out.push(&rest.head(at));
            out.text.push('~');
            rest = rest.tail(at + 1 + "ENV{HOME}".len());
            continue;
        }
        let len = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        if len == 0 {
            out.push(&rest.head(at));
            out.text.push_str(&rest.text[at..=at]);
            rest = rest.tail(at + 1);
            continue;
        }
        out.push(&rest.head(at));
        out.push_unknown(false, false);
        rest = rest.tail(at + 1 + len);
    }
    out.push(&rest);
    out
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
