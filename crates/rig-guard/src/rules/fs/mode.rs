//! Modes of files, in digits and letters.

/// Whether a mode that lets everybody write also keeps them from deleting each other's files.
pub(super) struct Sticky(pub(super) bool);

/// What letters start from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    /// Everybody can write.
    open: bool,
    /// Without a `who` the umask holds write permission back from all but the owner.
    masked: bool,
}

/// A file as it is, for `chmod`.
pub(super) const FILE: Base = Base { open: false, masked: true };
/// What `mkdir` and `mkfifo` begin with.
pub(super) const NEW: Base = Base { open: true, masked: true };
/// What `install` begins with.
pub(super) const NOTHING: Base = Base { open: false, masked: false };

/// Reads a mode; `None` where it does not let everybody write.
pub(super) fn world_writable(mode: &str, base: Base) -> Option<Sticky> {
    if !mode.is_empty() && mode.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        // Zeros in front mean nothing, however many; a number that is too large is no mode.
        let bits = u32::from_str_radix(mode, 8).ok().filter(|bits| *bits <= 0o7777)?;
        return (bits & 0o002 != 0).then_some(Sticky(bits & 0o7000 == 0o1000));
    }
    // An operator and digits: `=777`, `+7`.
    if let Some(digits) =
        mode.strip_prefix(['+', '=']).filter(|d| d.starts_with(|c: char| c.is_ascii_digit()))
    {
        return world_writable(digits, base);
    }
    // Who can write so far: the owner nearly always, the others not.
    let (mut owner, mut group, mut others, mut sticky) = (true, base.open, base.open, false);
    for clause in mode.split(',') {
        let actions = clause.find(['+', '-', '='])?;
        let (who, mut rest) = clause.split_at(actions);
        if !who.chars().all(|c| "ugoa".contains(c)) {
            return None;
        }
        while let Some(operator) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |n| n + 1);
            let permissions = &rest[1..end];
            // `o=u` copies what the owner may do.
            let write = permissions.contains('w')
                || permissions.contains('u') && owner
                || permissions.contains('g') && group
                || permissions.contains('o') && others;
            let all = who.contains('a') || who.is_empty() && !base.masked;
            for (letter, writes) in [('u', &mut owner), ('g', &mut group), ('o', &mut others)] {
                let concerned = all || who.contains(letter) || who.is_empty() && letter == 'u';
                match operator {
                    '+' => *writes |= concerned && write,
                    '-' => *writes &= !(concerned && write),
                    '=' if who.is_empty() && base.masked => *writes = write && letter == 'u',
                    _ if concerned => *writes = write,
                    _ => {}
                }
            }
            sticky |= operator != '-' && permissions.contains('t');
            rest = &rest[end..];
        }
    }
    others.then_some(Sticky(sticky))
}

/// What a mode takes from a file's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// The right to read.
    pub(super) reading: bool,
    /// The right to run, or to search a directory.
    pub(super) searching: bool,
}

/// Reads what a mode takes from a file's owner.
pub(super) fn taken(mode: &str) -> Taken {
    let digits = mode.strip_prefix('=').unwrap_or(mode);
    if !digits.is_empty() && digits.len() <= 7 && digits.bytes().all(|b| (b'0'..=b'7').contains(&b)) {
        let bits = u32::from_str_radix(digits, 8).unwrap_or(0o777);
        return Taken { reading: bits & 0o400 == 0, searching: bits & 0o100 == 0 };
    }
    let mut taken = Taken { reading: false, searching: false };
    for clause in mode.split(',') {
        let Some(actions) = clause.find(['+', '-', '=']) else { continue };
        let (who, mut rest) = clause.split_at(actions);
        if !(who.is_empty() || who.contains(['u', 'a'])) || !who.chars().all(|c| "ugoa".contains(c)) {
            continue;
        }
        while let Some(operator) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |n| n + 1);
            let permissions = &rest[1..end];
            if !permissions.chars().all(|c| "rwxXstugo".contains(c)) {
                break;
            }
            let copies = permissions.contains(['u', 'g', 'o']);
            let (reads, searches) = (permissions.contains('r'), permissions.contains(['x', 'X']));
            match operator {
                '-' => {
                    taken.reading |= reads;
                    taken.searching |= searches;
                }
                '+' => {
                    taken.reading &= !reads;
                    taken.searching &= !searches;
                }
                _ => taken = Taken { reading: !(reads || copies), searching: !(searches || copies) },
            }
            rest = &rest[end..];
        }
    }
    taken
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
            ("u=rwx,g=u,o=g", Some(false)),
            ("g=rx,o=g", None),
            ("u=r,o=u", None),
            ("o+w,-w", Some(false)),
            ("go=u-w", None),
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
            assert_eq!(world_writable(mode, FILE).map(|Sticky(sticky)| sticky), expected, "{mode}");
        }
    }

    #[test]
    fn what_a_mode_takes_from_the_owner() {
        for (mode, reading, searching) in [
            ("000", true, true),
            ("0", true, true),
            ("077", true, true),
            ("644", false, true),
            ("755", false, false),
            ("u-rwx", true, true),
            ("a-r", true, false),
            ("-x", false, true),
            ("u=", true, true),
            ("u=rwX,go=rX", false, false),
            ("go-rwx", false, false),
            ("a-rwx,u+rwx", false, false),
            ("u=g", false, false),
            ("x-y", false, false),
        ] {
            assert_eq!(taken(mode), Taken { reading, searching }, "{mode}");
        }
    }

    #[test]
    fn new_files_begin_with_other_modes() {
        // As `mkdir -m`, `install -m` and `chmod` of GNU coreutils make them with the umask 022.
        for (mode, new, nothing, file) in [
            ("g-w", true, false, false),
            ("u=rwx", true, false, false),
            ("=rwx", false, true, false),
            ("u+rwx,go=", false, false, false),
            ("a=rx", false, false, false),
            ("+w", true, true, false),
            ("777", true, true, true),
        ] {
            let found = [NEW, NOTHING, FILE].map(|base| world_writable(mode, base).is_some());
            assert_eq!(found, [new, nothing, file], "{mode}");
        }
    }
}
