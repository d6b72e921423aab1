//! What filters make of a text: `cut`, `tr`, `sed`, `base64 -d` and their kind.

use super::decode;
use super::word::Word;

/// Returns what a filter that looks at each line by itself makes of a text of which some lines are known.
pub(super) fn of_lines(name: &str, args: &[&str], input: &Word) -> Option<Word> {
    let by_line = match name {
        "cut" | "sed" | "awk" | "gawk" | "mawk" => true,
        "tr" => !args.iter().any(|arg| arg.contains(['\n', '\\', '['])),
        _ => false,
    };
    if !by_line {
        return None;
    }
    if let Some(prefix) = prefix(name, args) {
        let mut made = Word::default();
        for line in input.split('\n').filter(|line| *line != Word::default()) {
            made.text.push_str(&prefix);
            made.push(&line);
            made.text.push('\n');
        }
        return Some(made);
    }
    let mut lines = String::new();
    for line in input.split('\n').filter(|line| line.marks.is_empty() && !line.text.is_empty()) {
        lines.push_str(&line.text);
        lines.push('\n');
    }
    let mut made = Word::literal(made(name, args, &lines)?.replace('\0', ""));
    made.push_unknown(true, false);
    Some(made)
}

/// Returns what a filter makes of a text.
pub(super) fn made(name: &str, texts: &[&str], text: &str) -> Option<String> {
    let has = |short: char, long: &str| {
        texts.iter().any(|t| *t == long || t.starts_with('-') && !t.starts_with("--") && t.contains(short))
    };
    match name {
        "base64" | "gbase64" if has('d', "--decode") || has('D', "--decode") => decode::base64(text),
        "base64" | "gbase64" => {
            let width = if texts.iter().any(|t| matches!(*t, "-w0" | "--wrap=0"))
                || texts.windows(2).any(|w| w == ["-w", "0"])
            {
                0
            } else {
                76
            };
            decode::to_base64(text, width)
        }
        "base32" if has('d', "--decode") => decode::base32(text),
        "basenc" if has('d', "--decode") && texts.contains(&"--base16") => decode::hex(text),
        "basenc" if has('d', "--decode") => decode::base64(text),
        "openssl"
            if texts.contains(&"-d") && texts.iter().any(|t| matches!(*t, "base64" | "-base64" | "-a")) =>
        {
            decode::base64(text)
        }
        "xxd" if has('r', "-revert") && (has('p', "-plain") || texts.contains(&"-ps")) => decode::hex(text),
        // What they unpack is unpacked where it is decoded.
        "gunzip" | "zcat" | "gzcat" | "unpigz" | "zlib-flate" | "uncompress" => Some(text.to_owned()),
        "gzip" | "pigz" if has('d', "--decompress") || has('d', "--uncompress") => Some(text.to_owned()),
        "rev" => Some(text.split_inclusive('\n').map(reversed).collect()),
        "tac" => Some(text.split_inclusive('\n').rev().collect()),
        "tr" => decode::tr(text, texts),
        "cut" => cut(text, texts),
        "sed" => match texts.iter().filter(|t| !matches!(**t, "-e" | "-E" | "-r")).collect::<Vec<_>>()[..] {
            [script] => decode::substitute(text, script),
            _ => None,
        },
        "awk" | "gawk" | "mawk" => field(text, texts),
        "head" | "tail" => ends(text, texts, name == "head"),
        _ => None,
    }
}

fn reversed(line: &str) -> String {
    let (text, end) = match line.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (line, ""),
    };
    text.chars().rev().chain(end.chars()).collect()
}

/// Returns what a filter puts before each line, where it does nothing else: `s/^/rm /`, `{print "rm " $0}`.
fn prefix(name: &str, args: &[&str]) -> Option<String> {
    let [script] = args.iter().filter(|arg| !matches!(**arg, "-e" | "-E" | "-r")).collect::<Vec<_>>()[..]
    else {
        return None;
    };
    if name == "sed" {
        let separator = script.strip_prefix('s')?.chars().next().filter(char::is_ascii_punctuation)?;
        let text = script[2..].strip_prefix('^')?.strip_prefix(separator)?.strip_suffix(separator)?;
        return (!text.contains(['\\', '&', separator])).then(|| text.to_owned());
    }
    match printed(script)?.as_slice() {
        [Piece::Text(text), Piece::Field(0)] if name != "tr" => Some((*text).to_owned()),
        _ => None,
    }
}

/// A piece of what a program of awk prints for each line.
enum Piece<'t> {
    Text(&'t str),
    /// Zero is the whole line.
    Field(usize),
    Last,
}

/// Reads a program of awk that prints texts and fields of each line, and does nothing else.
fn printed(program: &str) -> Option<Vec<Piece<'_>>> {
    let inside = program.trim().strip_prefix('{')?.strip_suffix('}')?.trim().strip_prefix("print")?;
    let mut rest = inside.trim().trim_end_matches(';').trim_end();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let end = if let Some(text) = rest.strip_prefix('"') {
            let end = text.find('"').filter(|end| !text[..*end].contains('\\'))?;
            pieces.push(Piece::Text(&text[..end]));
            end + 2
        } else if rest.starts_with(',') {
            pieces.push(Piece::Text(" "));
            1
        } else {
            let name = rest.strip_prefix('$')?;
            let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
            pieces.push(match &name[..end] {
                "NF" => Piece::Last,
                number => Piece::Field(number.parse().ok()?),
            });
            end + 1
        };
        rest = rest[end..].trim_start();
    }
    Some(pieces)
}

/// What `awk '{print $1}'` makes of a text.
fn field(text: &str, args: &[&str]) -> Option<String> {
    let (separator, program) = match args {
        [program] => (None, program),
        ["-F", separator, program] => (Some(*separator), program),
        [option, program] => (Some(option.strip_prefix("-F")?), program),
        _ => return None,
    };
    let pieces = printed(program)?;
    if separator.is_some_and(|separator| separator.len() != 1) {
        return None;
    }
    let pick = |line: &str| {
        let fields: Vec<&str> = match separator {
            Some(separator) => line.split(separator).collect(),
            None => line.split_whitespace().collect(),
        };
        let mut made = String::with_capacity(line.len() + 1);
        for piece in &pieces {
            made.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Field(0) => line,
                Piece::Field(number) => fields.get(number - 1).copied().unwrap_or_default(),
                Piece::Last => fields.last().copied().unwrap_or_default(),
            });
        }
        made.push('\n');
        made
    };
    Some(text.lines().map(pick).collect())
}

fn cut(text: &str, args: &[&str]) -> Option<String> {
    let apart = |letter: &str| args.windows(2).find(|w| w[0] == letter).map(|w| w[1]);
    let option = |letter: &str| {
        apart(letter).or_else(|| args.iter().find_map(|a| a.strip_prefix(letter).filter(|v| !v.is_empty())))
    };
    let wanted =
        |n: usize, ranges: &[(usize, usize)]| ranges.iter().any(|(from, to)| (*from..=*to).contains(&n));
    let characters = option("-c").or_else(|| option("-b"));
    let fields = option("-f");
    let line = |line: &str| -> Option<String> {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        let kept = if let Some(list) = characters {
            let ranges = decode::ranges(list)?;
            body.chars().enumerate().filter(|(n, _)| wanted(n + 1, &ranges)).map(|(_, c)| c).collect()
        } else {
            let ranges = decode::ranges(fields?)?;
            let delimiter = option("-d").unwrap_or("\t");
            if body.contains(delimiter) {
                let parts = body.split(delimiter).enumerate().filter(|(n, _)| wanted(n + 1, &ranges));
                parts.map(|(_, part)| part).collect::<Vec<_>>().join(delimiter)
            } else {
                body.to_owned()
            }
        };
        Some(kept + end)
    };
    text.split_inclusive('\n').map(line).collect()
}

/// What `head` and `tail` leave of a text.
fn ends(text: &str, args: &[&str], first: bool) -> Option<String> {
    let mut lines = Some(10);
    let mut bytes = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let (kind, value) = match *arg {
            "-n" | "-c" => (&arg[1..2], *args.next()?),
            arg if arg.starts_with("-n") || arg.starts_with("-c") => (&arg[1..2], &arg[2..]),
            arg if arg.starts_with('-') => ("n", &arg[1..]),
            _ => return None,
        };
        let value = value.parse::<usize>().ok()?;
        (lines, bytes) = if kind == "n" { (Some(value), None) } else { (None, Some(value)) };
    }
    if let Some(bytes) = bytes {
        let at = if first { bytes.min(text.len()) } else { text.len().saturating_sub(bytes) };
        return if first { text.get(..at) } else { text.get(at..) }.map(str::to_owned);
    }
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    let count = lines?.min(all.len());
    Some(if first { all[..count].concat() } else { all[all.len() - count..].concat() })
}
