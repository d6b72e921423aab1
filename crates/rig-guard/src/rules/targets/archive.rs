//! Which files an archiver writes, as far as its command line says so.

use super::line::Line;
use super::{Target, joined, lose, write};
use crate::rules::options::bundle;
use crate::shell::Word;

/// Reads the command line of `tar`.
pub(super) fn tar(args: &[Word], line: &Line<'_>) -> Vec<Target> {
    // The first word may be a bundle of options without a dash.
    let old = args.first().map(|word| word.text.as_str()).filter(|text| !text.starts_with('-')).unwrap_or("");
    let has =
        |letter: char, long: &str| line.letters.contains(letter) || old.contains(letter) || line.given(long);
    let operands = &line.operands[usize::from(!old.is_empty()).min(line.operands.len())..];
    let mut targets = Vec::new();
    if line.given("--remove-files") {
        targets.extend(operands.iter().map(|path| lose(path, true)));
    }
    if has('x', "--extract") || line.given("--get") {
        let directories = directories(args);
        let here = Word::literal(".");
        for directory in if directories.is_empty() { std::slice::from_ref(&here) } else { &directories } {
            targets.push(all_in(directory));
            // What is taken out of the archive keeps its path.
            // The value of an option such as `-C` and `-f` stands among them.
            let members = operands.iter().filter(|word| !directories.contains(word) && !is_archive(word));
            let member = |member: &&Word| Target { below: true, ..write(&joined(directory, member)) };
            targets.extend(members.map(member));
        }
    } else if !has('t', "--list") {
        let archive = line
            .value_of("--file")
            .or_else(|| operands.first().filter(|_| has('f', "--file")).map(|word| (*word).clone()));
        targets.extend(archive.map(|path| write(&path)));
    }
    targets
}

fn is_archive(word: &Word) -> bool {
    word.text == "-" || word.text.rsplit('/').next().is_some_and(|name| name.contains(".t"))
}

/// Reads the command lines of `unzip`, `7z` and `cpio`.
pub(super) fn unpacked(args: &[Word]) -> Vec<Target> {
    let line = Line::read(args);
    let directories = directories(args);
    let mut targets: Vec<Target> = directories.iter().map(all_in).collect();
    let lists = line.has("ltvZp", "list") && line.letters != "d";
    let here = Word::literal(".");
    for directory in directories.iter().chain((directories.is_empty() && !lists).then_some(&here)) {
        targets.extend(line.operands.iter().skip(1).map(|member| write(&joined(directory, member))));
    }
    if directories.is_empty() && !lists {
        targets.push(all_in(&here));
    }
    targets
}

/// Returns the directories into which an archive is unpacked, where they are named.
fn directories(args: &[Word]) -> Vec<Word> {
    let joint = |word: &Word| {
        let value = word.text.strip_prefix("--directory=").or_else(|| word.text.strip_prefix("-C"));
        // As 7z has it.
        let value = value.or_else(|| word.text.strip_prefix("-o"));
        value.filter(|value| !value.is_empty()).map(|value| word.tail(word.text.len() - value.len()))
    };
    let named = |text: &str| {
        matches!(text, "-C" | "-d" | "-D" | "--directory")
            || bundle(text).is_some_and(|letters| letters.len() > 1 && letters.ends_with('C'))
    };
    let pairs = args.windows(2).filter(|pair| named(&pair[0].text)).map(|pair| pair[1].clone());
    pairs.chain(args.iter().filter_map(joint)).collect()
}

/// Returns everything in a directory as a target, whatever its name.
fn all_in(directory: &Word) -> Target {
    let mut path = directory.clone();
    path.push(&Word::literal("/"));
    path.push_glob('*');
    write(&path)
}
