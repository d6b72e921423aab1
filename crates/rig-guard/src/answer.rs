//! What a refusal says to the model: two to six lines.

use rig_core::text::{clean, cut, redact};

use crate::judge::Refused;
use crate::policy::{Layer, Policy};

/// The most that is shown of the part that was refused, in characters.
const PART: usize = 300;
/// The most that is shown of the way in which it came about, in characters.
const THROUGH: usize = 160;
/// The most that is shown of what is wrong with a policy, in characters.
const PROBLEM: usize = 200;

/// From this refusal of one category on the answer is another one.
const TOO_MANY: u32 = 3;

/// Returns what the model reads of a refusal. `before` says how often the category was refused in this
/// session.
#[must_use]
pub(crate) fn text(refused: &Refused, policy: &Policy, before: u32) -> String {
    let mut text = format!("rig-guard: blocked by {}\n{}\n", refused.rule, line(&refused.why, usize::MAX));
    if !refused.part.is_empty() {
        text.push_str(&format!("part: {}{}\n", line(&redact(&refused.part), PART), through(refused)));
    }
    if let Some(layer) = policy.broken().next() {
        text.push_str(&format!("policy: {}\n", broken(layer)));
    }
    text.push_str(&format!("instead: {}\n", line(&refused.instead, usize::MAX)));
    let times = before.saturating_add(1);
    if times < TOO_MANY {
        text.push_str(
            "If it is really wanted, a person can run it in their own terminal; another spelling will not do.\n",
        );
    } else {
        text.push_str(&format!(
            "This is refusal {times} of this kind ({}) in this session, so it is not a question of spelling: stop, \
             or ask a person with `rig-escalate P2 'why it is needed'`; a person can run it in their own terminal.\n",
            refused.category
        ));
    }
    text
}

/// Says what is wrong with a policy, and what that means.
pub(crate) fn broken(layer: &Layer) -> String {
    let problem = layer.problems.first().map(String::as_str).unwrap_or_default();
    format!(
        "the {} policy {} is not valid, so its exceptions do not count: {}",
        layer.level,
        layer.path.display(),
        line(problem, PROBLEM)
    )
}

/// Says what led to the part, where that was not the command itself.
fn through(refused: &Refused) -> String {
    if refused.through.is_empty() {
        return String::new();
    }
    format!(" (through {})", line(&redact(&refused.through.join(", ")), THROUGH))
}

/// Returns a text as one line.
fn line(text: &str, most: usize) -> String {
    let text = clean(text);
    if most == usize::MAX { text } else { cut(&text, most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Refused {
        Refused {
            rule: "git.push.force".into(),
            category: "git",
            why: "What: why.\nSecond line.".into(),
            part: "git push --force https://u:secret@h/r".into(),
            through: vec!["bash -c".into(), "eval".into()],
            instead: "something else".into(),
        }
    }

    const HEAD: &str = "rig-guard: blocked by git.push.force\nWhat: why. Second line.\n\
        part: git push --force https://[redacted]@h/r (through bash -c, eval)\ninstead: something else\n";

    #[test]
    fn an_answer_has_its_lines_and_another_end_from_the_third_refusal_on() {
        let usual = "If it is really wanted, a person can run it in their own terminal; another spelling will not do.\n";
        let policy = Policy::default();
        for before in [0, 1] {
            assert_eq!(text(&refused(), &policy, before), format!("{HEAD}{usual}"));
        }
        for (before, times) in [(2, "3"), (9, "10"), (u32::MAX, "4294967295")] {
            let expected = format!(
                "{HEAD}This is refusal {times} of this kind (git) in this session, so it is not a question of spelling: \
                 stop, or ask a person with `rig-escalate P2 'why it is needed'`; a person can run it in their own terminal.\n"
            );
            assert_eq!(text(&refused(), &policy, before), expected);
        }
    }

    #[test]
    fn a_broken_policy_is_named_and_no_answer_has_more_than_six_lines() {
        let mut policy = Policy::default();
        for level in [crate::policy::Level::Managed, crate::policy::Level::User] {
            policy.layers.push(Layer {
                level,
                path: "/p/guard.json".into(),
                found: true,
                problems: vec!["unknown field `x`".into(), "more".into()],
            });
        }
        let answer = text(&refused(), &policy, 2);
        assert_eq!(answer.lines().count(), 6);
        assert_eq!(
            answer.lines().nth(3),
            Some(
                "policy: the managed policy /p/guard.json is not valid, so its exceptions do not count: unknown field `x`"
            )
        );
        let short = Refused { part: String::new(), ..refused() };
        assert_eq!(text(&short, &Policy::default(), 0).lines().count(), 4);
    }
}
