//! Options as the programs themselves read them.

/// Returns the option that a long option's name means, which may be abbreviated as long as it is
/// the only one that begins so.
pub(super) fn long<'a>(name: &str, options: &[&'a str]) -> Option<&'a str> {
    if let Some(exact) = options.iter().find(|o| **o == name) {
        return Some(exact);
    }
    let mut matching = options.iter().filter(|o| o.starts_with(name));
    match (matching.next(), matching.next()) {
        (Some(only), None) if !name.is_empty() => Some(only),
        _ => None,
    }
}

/// Splits `--name=value` into its name and its value; `None` for what is no long option.
pub(super) fn split_long(text: &str) -> Option<(&str, Option<&str>)> {
    let text = text.strip_prefix("--").filter(|t| !t.is_empty())?;
    Some(match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    })
}

/// Returns the letters of a bundle of one-letter options such as `-uf`; `None` for anything else.
pub(super) fn bundle(text: &str) -> Option<&str> {
    text.strip_prefix('-').filter(|letters| !letters.is_empty() && !letters.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_must_be_unambiguous() {
        let options = ["force", "force-with-lease", "follow-tags", "mirror"];
        for (name, expected) in [
            ("force", Some("force")),
            ("forc", None),
            ("fo", None),
            ("m", Some("mirror")),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(long(name, &options), expected, "{name}");
        }
        assert_eq!(split_long("--a=b=c"), Some(("a", Some("b=c"))));
        assert_eq!(
            (split_long("--"), bundle("-uf"), bundle("--x"), bundle("-")),
            (None, Some("uf"), None, None)
        );
    }
}
