//! `chmod 777`.

use super::options::{bundle, split_long};
use super::{Finding, Pack, Rule};
use crate::shell::{Call, Word};
use crate::world::World;

/// The rules of this module, in the order in which they are asked.
pub(super) static RULES: &[&Rule] = &[&WORLD_WRITABLE];

/// Modes that let everybody write.
///
/// A sticky directory that all may write to (`1777`) is what a temporary directory has to be, and
/// passes as long as the change is not recursive.
pub(super) const WORLD_WRITABLE: Rule = Rule {
    id: "fs.chmod.world_writable",
    critical: false,
    pack: Pack::Core,
    what: "This mode lets every user of the machine write",
    why: "anyone, and any process that is broken into, can replace what is run or read here",
    instead: "give the owner or the group what they need, such as `chmod 755`, `chmod u+x` or `chmod g+w`",
    source: "chmod(1), CWE-732",
    programs: &["chmod"],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| words.contains(&"chmod") && words.iter().any(|w| world_writable(w).is_some()),
    denies: &[
        "chmod 777 run.sh",
        "chmod -R 0777 .",
        "chmod a+rwx file",
        "chmod o=rw file",
        "chmod 666 /dev/ttyUSB0",
    ],
    allows: &[
        "chmod 755 run.sh",
        "chmod +x run.sh",
        "chmod o-w file",
        "chmod 1777 /srv/tmp",
        "chmod u=rwx,go=rx d",
    ],
};

fn judge(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let (mut mode, mut recursive, mut ended): (Option<&Word>, _, _) = (None, false, false);
    for word in call.args() {
        let text = word.text.as_str();
        if text == "--" && !ended {
            ended = true;
        } else if let Some((name, _)) = split_long(text).filter(|_| !ended) {
            if "reference".starts_with(name) || name == "help" || name == "version" {
                return None;
            }
            recursive |= name.len() > 2 && "recursive".starts_with(name);
        } else if let Some(letters) =
            bundle(text).filter(|l| !ended && l.chars().all(|c| "RcfvhHLPd".contains(c)))
        {
            recursive |= letters.contains('R');
        } else if mode.is_none() {
            mode = Some(word);
        }
    }
    match world_writable(mode?.known()?)? {
        Sticky(true) if !recursive => None,
        _ => Some(Finding::default()),
    }
}

/// Whether a mode that lets everybody write also keeps them from deleting each other's files.
struct Sticky(bool);

/// Reads a mode; `None` where it does not let everybody write.
fn world_writable(mode: &str) -> Option<Sticky> {
    if !mode.is_empty() && mode.len() <= 7 && mode.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        let bits = u32::from_str_radix(mode, 8).ok()?;
        return (bits & 0o002 != 0).then_some(Sticky(bits & 0o7000 == 0o1000));
    }
    // An operator and digits: `=777`, `+7`.
    if let Some(digits) =
        mode.strip_prefix(['+', '=']).filter(|d| d.starts_with(|c: char| c.is_ascii_digit()))
    {
        return world_writable(digits);
    }
    let (mut writable, mut sticky) = (false, false);
    for clause in mode.split(',') {
        let actions = clause.find(['+', '-', '='])?;
        let (who, mut rest) = clause.split_at(actions);
        if !who.chars().all(|c| "ugoa".contains(c)) {
            return None;
        }
        // Without a `who` the umask holds write permission back.
        let others = who.contains(['o', 'a']);
        while let Some(operator) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |n| n + 1);
            let permissions = &rest[1..end];
            // `o=u` copies what the user may do, which is nearly always to write.
            let write = permissions.contains(['w', 'u']);
            match operator {
                '+' => {
                    writable |= others && write;
                    sticky |= permissions.contains('t');
                }
                '=' if others => {
                    writable = write;
                    sticky |= permissions.contains('t');
                }
                '-' => writable &= !((others || who.is_empty()) && permissions.contains('w')),
                _ => {}
            }
            rest = &rest[end..];
        }
    }
    writable.then_some(Sticky(sticky))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_chmod_reads_them() {
        for (mode, expected) in [
            ("777", Some(false)),
            ("0777", Some(false)),
            ("00777", Some(false)),
            ("2777", Some(false)),
            ("1777", Some(true)),
            ("7777", Some(false)),
            ("2", Some(false)),
            ("775", None),
            ("644", None),
            ("a+rwx", Some(false)),
            ("ugo+w", Some(false)),
            ("o+rw", Some(false)),
            ("a=rwx,o-w", None),
            ("o-w,o+w", Some(false)),
            ("a=rwxt", Some(true)),
            ("g+w,o=u", Some(false)),
            ("o+r-w", None),
            ("u+w", None),
            ("+w", None),
            ("+x", None),
            ("go=", None),
            ("=777", Some(false)),
            ("file", None),
            ("0o777", None),
            ("888", None),
        ] {
            assert_eq!(world_writable(mode).map(|Sticky(sticky)| sticky), expected, "{mode}");
        }
    }
}
