//! Files that program text opens: literal arguments of calls that read.

use crate::rules::packs::places::secret;
use crate::shell::{Call, Word};
use crate::world::World;

/// What stands before the bracket of a call that reads the file it names.
const READERS: [&str; 14] = [
    "open",
    "readFileSync",
    "readFile",
    "File.read",
    "File.readlines",
    "File.foreach",
    "File.open",
    "IO.read",
    "IO.readlines",
    "file_get_contents",
    "readfile",
    "fopen",
    "file",
    "Path",
];

/// Returns the first file with secrets that a program given by `-c` or `-e` reads.
pub(super) fn read(call: &Call<'_>, world: &dyn World) -> Option<String> {
    let args = call.args();
    let at = args.iter().position(|word| {
        let text = word.text.as_str();
        matches!(text, "--eval" | "--print")
            || text.starts_with('-') && !text.starts_with("--") && text.ends_with(['c', 'e', 'r', 'p', 'E'])
    })?;
    let code = args.get(at + 1)?.text.as_str();
    let mut from = 0;
    while let Some(found) = code[from..].find(['"', '\'']) {
        let start = from + found;
        let quote = &code[start..=start];
        let length = code[start + 1..].find(quote)?;
        let end = start + 1 + length;
        let file = &code[start + 1..end];
        if reads(&code[..start], &code[end + 1..]) && secret(&Word::literal(file), call.cwd, world).is_some()
        {
            return Some(file.to_owned());
        }
        from = end + 1;
    }
    None
}

/// Says whether a literal between two pieces of code is the file that a call reads.
fn reads(before: &str, behind: &str) -> bool {
    let before = before.trim_end();
    let Some(callee) = before
        .strip_suffix('(')
        .or_else(|| READERS[3..9].iter().any(|r| before.ends_with(r)).then_some(before))
    else {
        return false;
    };
    let callee = callee.trim_end();
    let reader = READERS.iter().find(|reader| {
        let rest = callee.strip_suffix(**reader);
        rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    let Some(reader) = reader else { return false };
    if *reader == "Path" {
        return behind.trim_start_matches(')').starts_with(".read") || behind.starts_with(").open()");
    }
    // A mode that writes.
    let mode = behind.trim_start_matches([',', ' ']).trim_start_matches("mode=");
    let mode = mode.strip_prefix(['"', '\'']).unwrap_or_default();
    !mode.starts_with(['w', 'a', 'x'])
}
