//! The parser of the `rable` crate behind our own trait.
//!
//! Only its view of the structure is used. Words are taken as they are written: quote removal and
//! the search for commands inside of words are ours, since rable leaves some of them as raw text.

use std::rc::Rc;

use rable::{CasePattern, ListOperator, Node, NodeKind};

use super::syntax::{AndOr, Arm, Command, End, List, Parser, Redirect, Simple, SyntaxError, Test, When};

/// How deep the parts of a `[[ ]]` may be nested; deeper ones are taken for words.
const MAX_TEST: usize = 200;

/// Parses with `rable`, which reads what bash reads.
#[derive(Clone, Copy, Debug)]
pub struct Rable;

impl Parser for Rable {
    fn parse(&self, code: &str) -> Result<List, SyntaxError> {
        // Extended patterns are off in a shell unless it turns them on, but code that needs them
        // to be valid is read with them.
        let patterns = has_patterns(code);
        let parsed = rable::parse(code, patterns).or_else(|_| rable::parse(code, !patterns)).ok();
        // rable takes no line breaks in `[[ ]]`.
        let joined = || rable::parse(&joined_tests(code)?, true).ok();
        let nodes = parsed.or_else(joined).ok_or(SyntaxError)?;
        let mut commands = Vec::with_capacity(nodes.len());
        for node in nodes {
            list(node, &mut commands);
        }
        Ok(commands)
    }
}

/// Says whether a `!(` stands behind other words of its command, where nothing but a pattern can: rable takes it
/// for a subshell in an arm of a `case`.
fn has_patterns(code: &str) -> bool {
    const BEFORE: [&str; 9] = ["", "if", "then", "else", "elif", "while", "until", "do", "time"];
    // One byte is found much faster than two.
    code.match_indices('!').filter(|(at, _)| code[at + 1..].starts_with('(')).any(|(at, _)| {
        let command = code[..at].rsplit([';', '&', '|', '(', ')', '{', '\n']).next().unwrap_or_default();
        !BEFORE.contains(&command.split_whitespace().next_back().unwrap_or_default())
    })
}

/// Returns code without line breaks between `[[` and `]]`; `None` where there are none.
fn joined_tests(code: &str) -> Option<String> {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("[[ ").or_else(|| rest.find("[[\n")) {
        let end = rest[start..].find(" ]]").or_else(|| rest[start..].find("\n]]"));
        let Some(end) = end.map(|end| start + end + 1) else { break };
        out.push_str(&rest[..start]);
        out.push_str(&rest[start..end].replace('\n', " "));
        rest = &rest[end..];
    }
    out.push_str(rest);
    (out != code).then_some(out)
}

/// Flattens a list. The parser nests long lists to the left, one level per command, so this must
/// not recurse along them.
fn list(node: Node, out: &mut List) {
    let mut rest = vec![(node, None)];
    // How the next command is joined to the one before.
    let mut join = None;
    while let Some((node, operator)) = rest.pop() {
        match node.kind {
            NodeKind::List { items } => {
                let last = items.len().saturating_sub(1);
                // The operator behind the list stands behind its last command.
                let items = items.into_iter().enumerate().rev();
                rest.extend(items.map(|(n, item)| {
                    (item.command, item.operator.or(if n == last { operator } else { None }))
                }));
            }
            kind => {
                let command = command(kind);
                match (join, out.last_mut(), command) {
                    (Some(when), Some(before), Some(command)) => before.rest.push((when, command)),
                    (_, _, Some(first)) => {
                        out.push(AndOr { first, rest: Vec::new(), background: false });
                    }
                    (_, _, None) => {}
                }
                join = match operator {
                    Some(ListOperator::And) => Some(When::Success),
                    Some(ListOperator::Or) => Some(When::Failure),
                    Some(ListOperator::Background) => {
                        if let Some(last) = out.last_mut() {
                            last.background = true;
                        }
                        None
                    }
                    Some(ListOperator::Semi) | None => None,
                };
            }
        }
    }
}

fn body(node: Node) -> List {
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
        NodeKind::Pipeline { commands, .. } => Command::Pipeline {
            commands: commands.into_iter().map(|node| one(body(node))).collect(),
            negated: false,
        },
        NodeKind::Negation { pipeline } => match one(body(*pipeline)) {
            Command::Pipeline { commands, negated } => Command::Pipeline { commands, negated: !negated },
            other => Command::Pipeline { commands: vec![other], negated: true },
        },
        NodeKind::Time { pipeline, .. } => one(body(*pipeline)),
        NodeKind::If { .. } => branches(kind),
        NodeKind::While { condition, body: inner, redirects } => {
            repeated(*condition, false, *inner, redirects)
        }
        NodeKind::Until { condition, body: inner, redirects } => {
            repeated(*condition, true, *inner, redirects)
        }
        NodeKind::For { var, words, body: inner, redirects } => each(var, words, *inner, redirects, false),
        NodeKind::Select { var, words, body: inner, redirects } => each(var, words, *inner, redirects, true),
        NodeKind::ForArith { init, cond, incr, body: inner, redirects } => {
            Command::Count { parts: [init, cond, incr], body: body(*inner), redirects: targets(redirects) }
        }
        NodeKind::Case { word, patterns, redirects } => Command::Case {
            subject: text(*word),
            arms: patterns.into_iter().map(arm).collect(),
            redirects: targets(redirects),
        },
        NodeKind::Function { name, body: inner } => {
            Command::Function { name, body: Rc::new(one(body(*inner))) }
        }
        NodeKind::Subshell { body: inner, redirects } => {
            Command::Group { body: body(*inner), redirects: targets(redirects), subshell: true }
        }
        NodeKind::BraceGroup { body: inner, redirects } => {
            Command::Group { body: body(*inner), redirects: targets(redirects), subshell: false }
        }
        NodeKind::Coproc { command: inner, .. } => Command::Coprocess(Box::new(one(body(*inner)))),
        NodeKind::ArithmeticCommand { raw_content, redirects, .. } => {
            Command::Arithmetic(raw_content, targets(redirects))
        }
        NodeKind::ConditionalExpr { body: inner, redirects } => {
            Command::Test(test(*inner, 0), targets(redirects))
        }
        _ => return None,
    })
}

fn one(mut commands: List) -> Command {
    match commands.as_slice() {
        [AndOr { rest, background: false, .. }] if rest.is_empty() => commands.remove(0).first,
        _ => Command::Group { body: commands, redirects: Vec::new(), subshell: false },
    }
}

fn repeated(condition: Node, until: bool, inner: Node, redirects: Vec<Node>) -> Command {
    Command::Loop { condition: body(condition), until, body: body(inner), redirects: targets(redirects) }
}

fn each(name: String, words: Option<Vec<Node>>, inner: Node, redirects: Vec<Node>, select: bool) -> Command {
    let words = words.map(|words| words.into_iter().map(text).collect());
    Command::For { name, words, body: body(inner), redirects: targets(redirects), select }
}

fn arm(pattern: CasePattern) -> Arm {
    Arm {
        patterns: pattern.patterns.into_iter().map(text).collect(),
        body: pattern.body.map(body).unwrap_or_default(),
        end: match pattern.terminator.as_str() {
            ";&" => End::Through,
            ";;&" => End::Next,
            _ => End::Done,
        },
    }
}

/// Puts a whole chain of `elif` in a row.
fn branches(first: NodeKind) -> Command {
    let (mut arms, mut otherwise, mut redirections) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = Some(first);
    while let Some(kind) = next.take() {
        if let NodeKind::If { condition, then_body, else_body, redirects } = kind {
            arms.push((body(*condition), body(*then_body)));
            redirections.extend(targets(redirects));
            match else_body.map(|node| *node) {
                Some(Node { kind: kind @ NodeKind::If { .. }, .. }) => next = Some(kind),
                Some(node) => otherwise = body(node),
                None => {}
            }
        }
    }
    Command::If { arms, otherwise, redirects: redirections }
}

fn test(node: Node, depth: usize) -> Test {
    let inner = |node: Box<Node>| Box::new(test(*node, depth + 1));
    match node.kind {
        _ if depth > MAX_TEST => Test::Word(String::new()),
        NodeKind::CondAnd { left, right } => Test::And(inner(left), inner(right)),
        NodeKind::CondOr { left, right } => Test::Or(inner(left), inner(right)),
        NodeKind::CondNot { operand } => Test::Not(inner(operand)),
        NodeKind::CondParen { inner: node } => test(*node, depth + 1),
        NodeKind::BinaryTest { op, left, right } => Test::Binary(op, text(*left), text(*right)),
        NodeKind::UnaryTest { op, operand } => Test::Unary(op, text(*operand)),
        kind => Test::Word(text(Node::empty(kind))),
    }
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
        NodeKind::HereDoc { content: body, quoted, fd, .. } => {
            Redirect::Here { fd: u32::try_from(fd).unwrap_or(0), body, quoted }
        }
        NodeKind::Redirect { op, target, fd, varfd } => {
            let target = text(*target);
            let named = varfd.is_some();
            // Nobody knows the number of one that the shell chooses.
            let number = if named { u32::MAX } else { u32::try_from(fd).unwrap_or(0) };
            match op.as_str() {
                "<" => Redirect::Read(target, number),
                "<<<" => Redirect::HereString(target, number),
                ">&-" | "<&-" => Redirect::Duplicate(false),
                "<&" if number == 0 && !target.is_empty() && target.bytes().all(|b| b.is_ascii_digit()) => {
                    Redirect::Reuse(target)
                }
                // A file descriptor is duplicated or closed, unless it is a name.
                ">&" | "<&" if target.trim_end_matches('-').bytes().all(|b| b.is_ascii_digit()) => {
                    Redirect::Duplicate(op == ">&" && (fd == 1 || fd < 0) && target != "1")
                }
                op => Redirect::Write {
                    target,
                    append: op.contains(">>"),
                    stdout: (fd == 1 || fd < 0) && !named && op != "<>",
                },
            }
        }
        _ => return None,
    })
}
