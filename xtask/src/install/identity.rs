//! Sets the identity of a person in the user's configuration file.

use serde_json::Value;

use super::content::Content;

/// Returns the id of the person with this login name: lower case, and `-` for what an id cannot hold.
pub(crate) fn of_login(login: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String =
        login.to_lowercase().chars().map(|c| if allowed(c) { c } else { '-' }).take(58).collect();
    format!("human-{name}")
}

/// What to do about the identity in a configuration file.
#[derive(Debug, PartialEq)]
pub(crate) enum Edit {
    /// It names somebody already.
    Stays(String),
    /// This is the file with the identity.
    Write(Content),
    /// The file cannot be edited; the person has to.
    Cannot(&'static str),
}

/// Adds `agent.id` to a configuration file; all other text stays as it is.
pub(crate) fn set(file: Option<&Content>, id: &str) -> Edit {
    let (text, mode) = match file {
        None => ("{}\n", 0o600),
        Some(Content::Link(_)) => return Edit::Cannot("it is a link"),
        Some(Content::File(bytes, mode)) => match std::str::from_utf8(bytes) {
            Ok(text) => (text, *mode),
            Err(_) => return Edit::Cannot("it is not UTF-8"),
        },
    };
    let Ok(Value::Object(mut wanted)) = serde_json::from_str::<Value>(text) else {
        return Edit::Cannot("it is not a JSON object");
    };
    let member = format!("\"id\": {}", Value::from(id));
    let edited = match wanted.get_mut("agent") {
        None => {
            wanted.insert("agent".into(), serde_json::json!({ "id": id }));
            insert(text, text.find('{'), &format!("\"agent\": {{\n    {member}\n  }}"), "  ")
        }
        Some(Value::Object(agent)) => {
            if let Some(known) = agent.get("id") {
                return Edit::Stays(known.as_str().unwrap_or("something that is no text").to_owned());
            }
            agent.insert("id".into(), id.into());
            insert(text, value_of(text, "agent"), &member, "    ")
        }
        Some(_) => return Edit::Cannot("its `agent` is not an object"),
    };
    // The text is edited as text; this proves that it says what it should and nothing else.
    match serde_json::from_str::<Value>(&edited) {
        Ok(Value::Object(found)) if found == wanted => Edit::Write(Content::File(edited.into_bytes(), mode)),
        _ => Edit::Cannot("it is written in an unusual way"),
    }
}

/// Inserts a member as the first of the object whose brace stands at this place.
fn insert(text: &str, brace: Option<usize>, member: &str, indent: &str) -> String {
    let (before, after) = text.split_at(brace.map_or(0, |at| at + 1));
    if after.trim_start().starts_with('}') {
        let outer = &indent[2..];
        return format!("{before}\n{indent}{member}\n{outer}{}", after.trim_start());
    }
    let lines = after.starts_with(['\n', '\r']);
    format!("{before}\n{indent}{member},{}{after}", if lines { "" } else { "\n" })
}

/// Finds the brace of the object that a key of the outermost object has as its value.
fn value_of(text: &str, key: &str) -> Option<usize> {
    let (mut depth, mut start, mut escaped) = (0, None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (start, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(from), b'"') => {
                start = None;
                let rest = text[at + 1..].trim_start();
                if depth == 1 && text[from + 1..at] == *key && rest.starts_with(':') {
                    return text[at..].find('{').map(|brace| at + brace);
                }
            }
            (Some(_), _) => {}
            (None, b'"') => start = Some(at),
            (None, b'{' | b'[') => depth += 1,
            (None, b'}' | b']') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str) {
        let file = Content::File(before.into(), 0o640);
        assert_eq!(set(Some(&file), "human-stig"), Edit::Write(Content::File(after.into(), 0o640)));
    }

    #[test]
    fn a_login_name_becomes_an_id() {
        for (login, id) in
            [("stig", "human-stig"), ("Kari.N", "human-kari.n"), ("ad\\ola n", "human-ad-ola-n")]
        {
            assert_eq!(of_login(login), id);
        }
    }

    #[test]
    fn a_new_file_is_the_users_alone() {
        let text = "{\n  \"agent\": {\n    \"id\": \"human-stig\"\n  }\n}\n";
        assert_eq!(set(None, "human-stig"), Edit::Write(Content::File(text.into(), 0o600)));
    }

    #[test]
    fn other_text_of_the_file_stays() {
        check(
            "{\n  \"conductor\": { \"baseUrl\": \"http://x\" }\n}\n",
            "{\n  \"agent\": {\n    \"id\": \"human-stig\"\n  },\n  \"conductor\": { \"baseUrl\": \"http://x\" }\n}\n",
        );
        check(
            "{\"x\":[{\"agent\":{}}],\"agent\":{\"email\":\"a{\\\"@b\"}}",
            "{\"x\":[{\"agent\":{}}],\"agent\":{\n    \"id\": \"human-stig\",\n\"email\":\"a{\\\"@b\"}}",
        );
        check("{\n  \"agent\": {}\n}", "{\n  \"agent\": {\n    \"id\": \"human-stig\"\n  }\n}");
    }

    #[test]
    fn an_id_that_is_there_stays() {
        let file = Content::File(br#"{"agent":{"id":"dev-e-node"}}"#.to_vec(), 0o600);
        assert_eq!(set(Some(&file), "human-stig"), Edit::Stays("dev-e-node".into()));
    }

    #[test]
    fn a_file_that_cannot_be_edited_is_left() {
        for (text, why) in [
            ("", "it is not a JSON object"),
            ("[]", "it is not a JSON object"),
            (r#"{"agent":5}"#, "its `agent` is not an object"),
            (r#"{"\u0061gent":{}}"#, "it is written in an unusual way"),
        ] {
            assert_eq!(set(Some(&Content::File(text.into(), 0o600)), "x"), Edit::Cannot(why), "{text}");
        }
        assert_eq!(set(Some(&Content::Link("x".into())), "x"), Edit::Cannot("it is a link"));
    }
}
