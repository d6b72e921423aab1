//! Refspecs, and the names of branches in them.

use crate::policy::Policy;
use crate::shell::Word;

/// `[+][source][:destination]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refspec<'a> {
    /// It begins with `+`.
    pub(super) forced: bool,
    pub(super) source: &'a str,
    /// What stands behind the colon, where there is one.
    pub(super) destination: Option<&'a str>,
}

impl<'a> Refspec<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let (forced, text) = text.strip_prefix('+').map_or((false, text), |text| (true, text));
        match text.split_once(':') {
            Some((source, destination)) => Self { forced, source, destination: Some(destination) },
            None => Self { forced, source: text, destination: None },
        }
    }

    /// Reads a word; `None` where a part of it is not known.
    pub(super) fn of(word: &'a Word) -> Option<Self> {
        word.known().map(Self::parse)
    }

    /// Returns the ref that it deletes.
    pub(super) fn deletes(&self) -> Option<&'a str> {
        self.destination.filter(|name| self.source.is_empty() && !name.is_empty())
    }

    /// Returns the ref that it changes at the other side.
    pub(super) fn target(&self) -> &'a str {
        self.destination.unwrap_or(self.source)
    }
}

/// Returns a branch's name without what may stand before it.
pub(super) fn branch(name: &str) -> &str {
    let name = name.strip_prefix("refs/").unwrap_or(name);
    name.strip_prefix("heads/").unwrap_or(name)
}

/// Says whether a name, or a name with a `*`, may be that of a protected branch.
pub(super) fn is_protected(name: &str, policy: &Policy) -> bool {
    let name = branch(name);
    if !name.contains('*') {
        return policy.protects_branch(name);
    }
    // Two patterns have names in common where their beginnings and their ends agree.
    let ends = |text: &str| {
        let (first, rest) = text.split_once('*').unwrap_or((text, ""));
        let last = if text.contains('*') { rest.rsplit('*').next().unwrap_or(rest) } else { text };
        (first.to_owned(), last.to_owned())
    };
    let (first, last) = ends(name);
    let [(_, branches), ..] = policy.protected();
    branches.iter().any(|own| {
        let (own_first, own_last) = ends(&own.pattern);
        (first.starts_with(&own_first) || own_first.starts_with(&first))
            && (last.ends_with(&own_last) || own_last.ends_with(&last))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refspecs_are_split() {
        for (text, forced, deletes, target) in [
            ("main", false, None, "main"),
            ("+main", true, None, "main"),
            ("a:refs/heads/b", false, None, "refs/heads/b"),
            (":b", false, Some("b"), "b"),
            ("+:b", true, Some("b"), "b"),
            (":", false, None, ""),
            ("+:", true, None, ""),
        ] {
            let refspec = Refspec::parse(text);
            assert_eq!(
                (refspec.forced, refspec.deletes(), refspec.target()),
                (forced, deletes, target),
                "{text}"
            );
        }
    }

    #[test]
    fn protected_branches_are_known_by_every_spelling() {
        let policy = Policy::default();
        for (name, expected) in [
            ("main", true),
            ("refs/heads/master", true),
            ("heads/main", true),
            ("refs/heads/*", true),
            ("ma*", true),
            ("refs/heads/topic/*", false),
            ("refs/tags/main", false),
            ("topic", false),
        ] {
            assert_eq!(is_protected(name, &policy), expected, "{name}");
        }
    }
}
