//! Changes to a JSON text that leave every other byte as it is.
//!
//! New text takes after its surroundings: the indentation, the line ends and the spacing of the
//! file, and of the list or object that it goes into.

use std::ops::Range;

use rig_core::settings::json::{Kind, Node};
use serde_json::Value;

/// A value to be written. Objects keep the order that they are given.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// A value without children.
    Scalar(Value),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// What becomes of a child of a list or an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It stays; changes inside it are noted by themselves.
    Keep,
    /// It goes.
    Drop,
}

/// A child to be added at the end of a list (without a key) or an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Added {
    /// The key, in an object.
    pub key: Option<String>,
    /// The value.
    pub value: Json,
}

/// How a text is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Style {
    newline: &'static str,
    /// One step of indentation.
    unit: String,
    /// Whether the whole document stands on one line.
    inline: bool,
    colon: String,
    comma: String,
}

/// A text and the changes to it. Changes must not overlap.
#[derive(Debug)]
pub struct Edits<'a> {
    text: &'a str,
    style: Style,
    list: Vec<(Range<usize>, String)>,
}

impl<'a> Edits<'a> {
    /// Starts with no changes.
    #[must_use]
    pub fn new(text: &'a str, root: &Node) -> Self {
        Self { text, style: Style::of(text, root), list: Vec::new() }
    }

    /// Puts another value in a value's place, on one line where the old one was.
    pub fn replace(&mut self, old: &Node, new: &Json) {
        let before = &self.text[old.span.clone()];
        let one_line = !before.contains('\n') && (self.style.inline || before.len() > 2);
        let indent = line_indent(self.text, old.span.start);
        let new = self.style.render(new, (!one_line).then_some(indent));
        self.list.push((old.span.clone(), new));
    }

    /// Drops children of a list or an object and adds others at its end. `fates` has one element
    /// for each child.
    pub fn children(&mut self, container: &Node, fates: &[Fate], added: &[Added]) {
        let spans = child_spans(container);
        let inner = container.span.start + 1..container.span.end - 1;
        let last_kept = fates.iter().rposition(|fate| *fate == Fate::Keep);
        if last_kept.is_none() && (!added.is_empty() || !spans.is_empty()) {
            // Nothing stays, so nothing but the line's own indentation has to be matched.
            let indent = line_indent(self.text, container.span.start);
            let inline =
                self.style.inline || spans.first().is_some_and(|s| !self.breaks(inner.start, s.start));
            let text = self.style.fill(added, (!inline).then_some(indent));
            self.list.push((inner, text));
            return;
        }
        if let (Some(last), false) = (last_kept, added.is_empty()) {
            let own_lines = self.breaks(inner.start, spans[0].start);
            let several_lines = self.breaks(spans[last].start, spans[last].end);
            let like = if own_lines { spans[0].start } else { spans[last].start };
            let indent = (own_lines || several_lines).then(|| line_indent(self.text, like));
            let separator = match indent.filter(|_| own_lines) {
                Some(indent) => format!(",{}{indent}", self.style.newline),
                None => self.style.comma.clone(),
            };
            let new: String =
                added.iter().map(|child| separator.clone() + &self.style.child(child, indent)).collect();
            self.list.push((spans[last].end..spans[last].end, new));
        }
        let mut kept_before = false;
        for (at, fate) in fates.iter().enumerate() {
            match fate {
                Fate::Keep => kept_before = true,
                // What stands between a dropped child and its neighbour goes with it: before it,
                // or behind it where nothing stays before it.
                Fate::Drop if kept_before => {
                    self.list.push((spans[at - 1].end..spans[at].end, String::new()))
                }
                Fate::Drop => self.list.push((spans[at].start..spans[at + 1].start, String::new())),
            }
        }
    }

    /// Returns the changed text.
    #[must_use]
    pub fn apply(mut self) -> String {
        // At one place an addition stands before what is dropped there.
        self.list.sort_by_key(|(span, _)| (span.start, span.end));
        let mut out = String::with_capacity(self.text.len() + 4096);
        let mut at = 0;
        for (span, new) in &self.list {
            out.push_str(&self.text[at..span.start]);
            out.push_str(new);
            at = span.end;
        }
        out.push_str(&self.text[at..]);
        out
    }

    fn breaks(&self, from: usize, to: usize) -> bool {
        self.text[from..to].contains(['\n', '\r'])
    }
}

impl Style {
    fn of(text: &str, root: &Node) -> Self {
        let newline = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            None if text.contains('\r') => "\r",
            _ => "\n",
        };
        let spans = child_spans(root);
        let first = spans.first().map(|first| &text[root.span.start + 1..first.start]);
        let inline = first.is_some_and(|space| !space.contains(['\n', '\r']));
        let unit = match first {
            Some(_) if !inline => line_indent(text, spans[0].start).to_owned(),
            _ => "  ".to_owned(),
        };
        let same_line = |between: &str| !between.contains(['\n', '\r']);
        let first_member = root.members().and_then(<[_]>::first);
        let colon = first_member.map(|m| &text[m.key_span.end..m.value.span.start]);
        let colon = colon.filter(|colon| same_line(colon)).unwrap_or(": ").to_owned();
        let comma = match &spans[..] {
            [first, second, ..] => Some(&text[first.end..second.start]).filter(|comma| same_line(comma)),
            _ => None,
        };
        let comma = comma.unwrap_or(if colon.ends_with(' ') { ", " } else { "," }).to_owned();
        Self { newline, unit, inline, colon, comma }
    }

    /// Returns the inside of a list or an object; on one line where no indentation is given.
    fn fill(&self, children: &[Added], indent: Option<&str>) -> String {
        if children.is_empty() {
            return String::new();
        }
        let Some(indent) = indent else {
            let all: Vec<String> = children.iter().map(|child| self.child(child, None)).collect();
            return all.join(&self.comma);
        };
        let newline = self.newline;
        let inner = format!("{indent}{}", self.unit);
        let all: Vec<String> = children.iter().map(|child| self.child(child, Some(&inner))).collect();
        format!("{newline}{inner}{}{newline}{indent}", all.join(&format!(",{newline}{inner}")))
    }

    fn child(&self, child: &Added, indent: Option<&str>) -> String {
        let value = self.render(&child.value, indent);
        match &child.key {
            Some(key) => format!("{}{}{value}", Value::from(key.as_str()), self.colon),
            None => value,
        }
    }

    /// Returns the text of a value whose line has this indentation; on one line where none is given.
    fn render(&self, json: &Json, indent: Option<&str>) -> String {
        let (open, close, children): (_, _, Vec<Added>) = match json {
            Json::Scalar(value) => return value.to_string(),
            Json::List(values) => {
                ('[', ']', values.iter().map(|v| Added { key: None, value: v.clone() }).collect())
            }
            Json::Object(members) => {
                let child =
                    |(key, value): &(String, Json)| Added { key: Some(key.clone()), value: value.clone() };
                ('{', '}', members.iter().map(child).collect())
            }
        };
        format!("{open}{}{close}", self.fill(&children, indent))
    }
}

/// Returns the place of each element or member.
fn child_spans(container: &Node) -> Vec<Range<usize>> {
    match &container.kind {
        Kind::Array(elements) => elements.iter().map(|e| e.span.clone()).collect(),
        Kind::Object(members) => members.iter().map(|m| m.key_span.start..m.value.span.end).collect(),
        _ => Vec::new(),
    }
}

/// Returns the space at the start of the line in which a byte stands.
fn line_indent(text: &str, at: usize) -> &str {
    let line = text[..at].rfind(['\n', '\r']).map_or(0, |newline| newline + 1);
    let line = &text[line..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
