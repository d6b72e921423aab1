//! Looks at the installed Claude Code: does it keep a tool call back when a hook fails?
//!
//! Clients that do not know `onFailure` let a call through when the guard cannot be
//! started. The guard itself answers every failure of its own with a refusal, so this is
//! about a program that is gone, was replaced or takes too long.

use std::time::Duration;

use crate::context::Context;
use crate::process;
use crate::sandbox::Sandbox;

/// The newest client that is known to ignore `onFailure`.
const IGNORES: [u64; 3] = [2, 1, 197];

/// The oldest client that is known to honour `onFailure`.
const HONOURS: [u64; 3] = [2, 1, 330];

/// Returns a warning about the client of this user; `None` when it is as it should be.
pub(crate) fn warning(cx: &Context) -> Option<String> {
    let own = cx.home().ok().map(|home| home.join(".claude/local/claude"));
    let Some(program) = cx.find("claude").or_else(|| own.filter(|path| path.is_file())) else {
        return Some("Claude Code is not installed, so nothing calls the hooks yet".into());
    };
    let printed = Sandbox::new().and_then(|sandbox| {
        let mut client = cx.clone().at_home(sandbox.path()).command(&program);
        process::feed(client.arg("--version"), b"", Duration::from_secs(30))
    });
    let text = printed.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let text = text.unwrap_or_else(|error| error.to_string());
    judge(&text).map(|judgement| format!("{}: {judgement}", program.display()))
}

fn judge(printed: &str) -> Option<String> {
    const CLOSED: &str = "when the guard cannot be started";
    let Some(version) = version(printed) else {
        return Some(format!("its version is not known; it printed `{printed}`"));
    };
    let shown = version.map(|part| part.to_string()).join(".");
    if version >= HONOURS {
        None
    } else if version <= IGNORES {
        Some(format!(
            "Claude Code {shown} is too old: it runs a tool call {CLOSED}; update to 2.1.330 or later"
        ))
    } else {
        Some(format!(
            "it is not known whether Claude Code {shown} refuses a tool call {CLOSED}; 2.1.330 does"
        ))
    }
}

/// Reads a version such as `2.1.330 (Claude Code)`.
fn version(printed: &str) -> Option<[u64; 3]> {
    let mut parts = printed.split_whitespace().next()?.split('.').map(|part| {
        let digits = part.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    Some([parts.next()??, parts.next()??, parts.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_judged_by_their_version() {
        for (printed, expected) in [
            ("2.1.330 (Claude Code)", "fine"),
            ("2.1.331-beta.1 (Claude Code)", "fine"),
            ("3.0.0", "fine"),
            ("2.1.197 (Claude Code)", "too old"),
            ("1.9.999", "too old"),
            ("2.1.198", "not known whether"),
            ("2.1.329", "not known whether"),
            ("", "version is not known"),
            ("claude: command failed", "version is not known"),
        ] {
            let warning = judge(printed).unwrap_or_else(|| "fine".into());
            assert!(warning.contains(expected), "{printed}: {warning}");
        }
    }
}
