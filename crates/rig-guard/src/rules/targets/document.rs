//! What a command writes into the one file that it changes, where all of it is known.

use crate::rules::files::{self, Text};
use crate::shell::{Access, Call, Word};
use crate::world::World;

/// Returns the contents that the file gets; `None` where they are not known.
pub(in crate::rules) fn of(call: &Call<'_>, world: &dyn World) -> Option<Vec<u8>> {
    let known: Option<Vec<&str>> = call.args().iter().map(Word::known).collect();
    let args = known?;
    let mut writes = call.redirects.iter().filter(|redirect| redirect.access != Access::Read);
    let redirected = match (writes.next(), writes.next()) {
        (Some(redirect), None) if redirect.access == Access::Write => true,
        (None, None) => false,
        _ => return None,
    };
    let text = match (call.name()?, args.as_slice(), redirected) {
        ("cat", [] | ["-"], true) => only(files::input(call, world))?,
        ("tee", [_], false) => only(files::input(call, world))?,
        ("echo", words, true) if !words.first().is_some_and(|word| word.starts_with('-')) => {
            format!("{}\n", words.join(" "))
        }
        ("printf", ["%s" | "%s\\n", text] | ["--", "%s" | "%s\\n", text], true) => (*text).to_owned(),
        ("printf", [text], true) if !text.contains(['%', '\\']) => (*text).to_owned(),
        ("cp" | "mv" | "install", [from, _] | ["-f", from, _], false) => {
            only(files::file(call, world, &Word::literal(*from)))?
        }
        _ => return None,
    };
    Some(text.into_bytes())
}

/// Returns a text that is the only one, with nothing in it that is not known.
fn only(texts: Vec<Text>) -> Option<String> {
    let [text] = <[Text; 1]>::try_from(texts).ok()?;
    (!text.text.contains('\0')).then_some(text.text)
}
