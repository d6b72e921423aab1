//! Matchers that can never fire.
//!
//! The client compares exact names unless a matcher looks like a regular expression, and says
//! nothing about one that matches nothing.

/// The events whose matcher is compared with a tool's name.
const TOOL_EVENTS: [&str; 5] =
    ["PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest", "PermissionDenied"];

/// The client's own tools.
const TOOLS: [&str; 32] = [
    "Agent",
    "Bash",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EnterWorktree",
    "ExitWorktree",
    "Glob",
    "Grep",
    "ListAgents",
    "Monitor",
    "NotebookEdit",
    "PowerShell",
    "Read",
    "ReportFindings",
    "ScheduleWakeup",
    "SendMessage",
    "Skill",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskStop",
    "TaskUpdate",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
    "AskUserQuestion",
];

/// What a SessionStart hook is matched by.
const STARTS: [&str; 5] = ["startup", "resume", "clear", "compact", "fork"];

/// Says why a matcher can never fire, if that is sure. A name that is not known may be that of a
/// tool to come, so it passes.
#[must_use]
pub fn never_fires(event: &str, matcher: &str) -> Option<String> {
    let names: &[&str] = match event {
        "SessionStart" => &STARTS,
        _ if TOOL_EVENTS.contains(&event) => &TOOLS,
        _ => return None,
    };
    if matcher.is_empty() || matcher == "*" {
        return None;
    }
    let exact = |c: char| c.is_ascii_alphanumeric() || "_ -,|".contains(c);
    if !matcher.chars().all(exact) {
        return pattern(event, matcher);
    }
    let reasons: Vec<String> =
        matcher.split(['|', ',']).map(|name| name_never_fires(names, name.trim())).collect::<Option<_>>()?;
    reasons.into_iter().next()
}

fn name_never_fires(names: &[&str], name: &str) -> Option<String> {
    if names.contains(&name) {
        return None;
    }
    if let Some(known) = names.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        return Some(format!("`{name}` is spelled `{known}`"));
    }
    if name == "MultiEdit" {
        return Some("the client has no tool `MultiEdit` any more".into());
    }
    if name.strip_prefix("mcp__").is_some_and(|server| !server.contains("__")) {
        return Some(format!("`{name}` names a server and no tool; `{name}__.*` matches all its tools"));
    }
    name.is_empty().then(|| "it holds an empty name".into())
}

/// Judges a regular expression. Only what is invalid, or the syntax of permission rules, is sure.
fn pattern(event: &str, matcher: &str) -> Option<String> {
    let rule =
        matcher.split_once('(').is_some_and(|(tool, rest)| TOOLS.contains(&tool) && rest.ends_with(')'));
    if rule && event != "SessionStart" {
        return Some(format!("`{matcher}` is a permission rule, which belongs in `if`"));
    }
    let mut open: Vec<char> = Vec::new();
    let mut chars = matcher.chars().peekable();
    let mut repeatable = false;
    while let Some(c) = chars.next() {
        let in_class = open.last() == Some(&'[');
        match c {
            '\\' if chars.next().is_none() => return Some(invalid(matcher)),
            ']' if in_class => drop(open.pop()),
            _ if in_class => {}
            '(' | '[' => open.push(c),
            ')' if open.pop() != Some('(') => return Some(invalid(matcher)),
            '*' | '+' | '?' if !repeatable => return Some(invalid(matcher)),
            _ => {}
        }
        // `(?:` and `*?` are not repetitions of nothing.
        repeatable = !matches!(c, '(' | '|' | '^') || in_class || chars.peek() == Some(&'?') && c == '(';
    }
    (!open.is_empty()).then(|| invalid(matcher))
}

fn invalid(matcher: &str) -> String {
    format!("`{matcher}` is not a valid regular expression")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_matcher_that_surely_never_fires_is_told() {
        for (event, matcher, expected) in [
            ("PreToolUse", "*", None),
            ("PreToolUse", "", None),
            ("PreToolUse", "Bash|Edit, Write", None),
            ("PreToolUse", "SomeNewTool", None),
            ("PreToolUse", "bash|Edit", None),
            ("PreToolUse", "bash", Some("`bash` is spelled `Bash`")),
            ("PreToolUse", "bash|write", Some("`bash` is spelled `Bash`")),
            ("PreToolUse", "MultiEdit", Some("the client has no tool `MultiEdit` any more")),
            (
                "PreToolUse",
                "mcp__srv",
                Some("`mcp__srv` names a server and no tool; `mcp__srv__.*` matches all its tools"),
            ),
            ("PreToolUse", "mcp__srv__tool", None),
            ("PreToolUse", "mcp__.*|^Ba(?:sh)+?$|[(]|a\\(", None),
            ("PreToolUse", "Bash(git *)", Some("`Bash(git *)` is a permission rule, which belongs in `if`")),
            ("PreToolUse", "*Edit.", Some("`*Edit.` is not a valid regular expression")),
            ("PreToolUse", "Ba(sh", Some("`Ba(sh` is not a valid regular expression")),
            ("PreToolUse", "Bash)", Some("`Bash)` is not a valid regular expression")),
            ("PreToolUse", "Ba\\", Some("`Ba\\` is not a valid regular expression")),
            ("SessionStart", "Startup", Some("`Startup` is spelled `startup`")),
            ("SessionStart", "resume|compact", None),
            ("Stop", "bash", None),
            ("ConfigChange", "anything", None),
        ] {
            assert_eq!(never_fires(event, matcher).as_deref(), expected, "{event} {matcher}");
        }
    }
}
