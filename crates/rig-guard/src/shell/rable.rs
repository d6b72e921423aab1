//! The parser of the `rable` crate behind our own trait.
//!
//! Only its view of the structure is used. Words are taken as they are written: quote removal and
//! the search for commands inside of words are ours, since rable leaves some of them as raw text.

use std::rc::Rc;

use rable::{Node, NodeKind};

use super::syntax::{Command, Parser, Redirect, Simple, SyntaxError};

/// Parses with `rable`, which reads what bash reads.
#[derive(Clone, Copy, Debug)]
pub struct Rable;

impl Parser for Rable {
    fn parse(&self, code: &str) -> Result<Vec<Command>, SyntaxError> {
        // Extended patterns are off in a shell unless it turns them on, but code that needs them
        // to be valid is read with them.
        let nodes =
            rable::parse(code, false).or_else(|_| rable::parse(code, true)).map_err(|_| SyntaxError)?;
        let mut commands = Vec::with_capacity(nodes.len());
        for node in nodes {
            list(node, &mut commands);
        }
        Ok(commands)
    }
}

/// Flattens a list. The parser nests long lists to the left, one level per command, so this must
/// not recurse along them.
fn list(node: Node, out: &mut Vec<Command>) {
    let mut rest = vec![node];
    while let Some(node) = rest.pop() {
        match node.kind {
            NodeKind::List { items } => rest.extend(items.into_iter().rev().map(|item| item.command)),
            kind => out.extend(command(kind)),
        }
    }
}

fn body(node: Node) -> Vec<Command> {
    let mut out = Vec::new();
    list(node, &mut out);
    out
}

fn command(kind: NodeKind) -> Option<Command> {
    Some(match kind {
        NodeKind::Command { assignments, words, redirects } => Command::Simple(Simple {
            assignments: assignments.into_iter().map(text).collect(),
            words: words.into_iter().map(text).collect(),
            redirects: targets(redirects),
        }),
        NodeKind::Pipeline { commands, .. } => {
            Command::Pipeline(commands.into_iter().map(|node| one(body(node))).collect())
        }
        NodeKind::If { .. } => branches(kind),
        NodeKind::While { condition, body: inner, redirects }
        | NodeKind::Until { condition, body: inner, redirects } => {
            let mut commands = body(*condition);
            list(*inner, &mut commands);
            group(commands, redirects)
        }
        NodeKind::For { var, words, body: inner, redirects }
        | NodeKind::Select { var, words, body: inner, redirects } => Command::For {
            name: var,
            words: words.map(|words| words.into_iter().map(text).collect()),
            body: body(*inner),
            redirects: targets(redirects),
        },
        NodeKind::ForArith { init, cond, incr, body: inner, redirects } => {
            let mut commands = vec![Command::Text(vec![init, cond, incr])];
            list(*inner, &mut commands);
            group(commands, redirects)
        }
        NodeKind::Case { word, patterns, redirects } => {
            let mut texts = vec![text(*word)];
            let mut commands = Vec::new();
            for pattern in patterns {
                texts.extend(pattern.patterns.into_iter().map(text));
                pattern.body.into_iter().for_each(|node| list(node, &mut commands));
            }
            commands.insert(0, Command::Text(texts));
            group(commands, redirects)
        }
        NodeKind::Function { name, body: inner } => {
            Command::Function { name, body: Rc::new(one(body(*inner))) }
        }
        NodeKind::Subshell { body: inner, redirects } => {
            Command::Group { body: body(*inner), redirects: targets(redirects), subshell: true }
        }
        NodeKind::BraceGroup { body: inner, redirects } => group(body(*inner), redirects),
        NodeKind::Coproc { command: inner, .. } => one(body(*inner)),
        NodeKind::Negation { pipeline } | NodeKind::Time { pipeline, .. } => one(body(*pipeline)),
        NodeKind::ArithmeticCommand { raw_content, redirects, .. } => {
            group(vec![Command::Text(vec![raw_content])], redirects)
        }
        NodeKind::ConditionalExpr { body: inner, redirects } => {
            group(vec![Command::Text(operands(*inner))], redirects)
        }
        _ => return None,
    })
}

fn group(body: Vec<Command>, redirects: Vec<Node>) -> Command {
    Command::Group { body, redirects: targets(redirects), subshell: false }
}

fn one(mut commands: Vec<Command>) -> Command {
    match commands.len() {
        1 => commands.remove(0),
        _ => Command::Group { body: commands, redirects: Vec::new(), subshell: false },
    }
}

/// Puts condition, `then` and `else` of a whole chain of `elif` in a row.
fn branches(first: NodeKind) -> Command {
    let mut commands = Vec::new();
    let mut redirections = Vec::new();
    let mut next = Some(first);
    while let Some(kind) = next.take() {
        if let NodeKind::If { condition, then_body, else_body, redirects } = kind {
            list(*condition, &mut commands);
            list(*then_body, &mut commands);
            redirections.extend(targets(redirects));
            match else_body.map(|node| *node) {
                Some(Node { kind: kind @ NodeKind::If { .. }, .. }) => next = Some(kind),
                Some(node) => list(node, &mut commands),
                None => {}
            }
        }
    }
    Command::Group { body: commands, redirects: redirections, subshell: false }
}

/// Returns the words of a `[[ ]]`.
fn operands(node: Node) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = vec![node];
    while let Some(node) = rest.pop() {
        match node.kind {
            NodeKind::CondAnd { left, right }
            | NodeKind::CondOr { left, right }
            | NodeKind::BinaryTest { left, right, .. } => rest.extend([*right, *left]),
            NodeKind::CondNot { operand: inner }
            | NodeKind::CondParen { inner }
            | NodeKind::UnaryTest { operand: inner, .. } => rest.push(*inner),
            kind => texts.push(text(Node::empty(kind))),
        }
    }
    texts
}

fn text(node: Node) -> String {
    match node.kind {
        NodeKind::Word { value, .. } | NodeKind::CondTerm { value, .. } => value,
        _ => String::new(),
    }
}

fn targets(nodes: Vec<Node>) -> Vec<Redirect> {
    nodes.into_iter().filter_map(target).collect()
}

fn target(node: Node) -> Option<Redirect> {
    Some(match node.kind {
        NodeKind::HereDoc { content: body, quoted, .. } => Redirect::Here { body, quoted },
        NodeKind::Redirect { op, target, fd, varfd } => {
            let target = text(*target);
            let stdin = fd <= 0 && varfd.is_none();
            match op.as_str() {
                "<" => Redirect::Read(target, stdin),
                "<<<" => Redirect::HereString(target),
                ">&-" | "<&-" => return None,
                // A file descriptor is duplicated or closed, unless it is a name.
                ">&" | "<&" if target.trim_end_matches('-').bytes().all(|b| b.is_ascii_digit()) => {
                    return None;
                }
                _ => Redirect::Write(target),
            }
        }
        _ => return None,
    })
}
