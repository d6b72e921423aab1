//! Files that programs write by the way: compilers, downloads, `find`, `sqlite3`.

use super::line::Line;
use super::{Target, file_name, joined, lose, write};
use crate::protected::Protected;
use crate::rules::fs::Access;
use crate::rules::options::bundle;
use crate::shell::{Call, Find, Word, absolute};
use crate::world::World;

/// Options by which programs name the file that they write.
const OUTPUTS: [&str; 8] =
    ["-o", "-O", "--output", "--output-document", "--output-file", "--outfile", "-out", "--out"];

/// Returns the files that options name as a program's output.
pub(super) fn outputs(program: &str, args: &[Word]) -> Vec<Target> {
    let as_there =
        |word: &Word| word.text == "--remote-name" || bundle(&word.text).is_some_and(|l| l.contains('O'));
    let downloads = program != "curl" || args.iter().any(as_there);
    let mut found = Vec::new();
    let mut into = None;
    for (at, word) in args.iter().enumerate() {
        let (text, next) = (word.text.as_str(), args.get(at + 1));
        if matches!(text, "--output-dir" | "-P" | "--directory-prefix" | "-d" | "--dir") {
            into = next;
        } else if OUTPUTS.contains(&text) {
            found.extend(next.cloned());
        } else if let Some((_, value)) = text.split_once('=').filter(|(name, _)| OUTPUTS.contains(name)) {
            found.push(word.tail(text.len() - value.len()));
        } else if text.len() > 2 && text.starts_with("-o") && !text.starts_with("-out") {
            found.push(word.tail(2));
        } else if bundle(text).is_some_and(|letters| letters.len() > 1 && letters.ends_with(['o', 'O'])) {
            found.extend(next.cloned());
        } else if text.contains("://") && downloads {
            // What is downloaded gets the name that it has there.
            let mut here = Word::literal("./");
            here.push(&Word::literal(text.rsplit('/').next().unwrap_or("")));
            found.push(here);
        }
    }
    let inside = |path: &Word| into.filter(|_| !path.text.starts_with('/')).map(|dir| joined(dir, path));
    found
        .iter()
        .flat_map(|path| [Some(path.clone()), inside(path)])
        .flatten()
        .map(|path| write(&path))
        .collect()
}

/// Returns what `find` deletes or writes.
pub(super) fn found(call: &Call<'_>, world: &dyn World) -> Vec<Target> {
    let find = Find::parse(call.words);
    let lists =
        |pair: &&[Word]| matches!(pair[0].text.as_str(), "-fprint" | "-fprintf" | "-fprint0" | "-fls");
    let mut targets: Vec<Target> = call.words.windows(2).filter(lists).map(|pair| write(&pair[1])).collect();
    let destroys = |(run, _): &(std::ops::Range<usize>, bool)| {
        const DESTROYERS: &str = "rm unlink shred truncate chmod chown mv rmdir gzip";
        let words = &call.words[run.clone()];
        let destroyer = |name: &str| DESTROYERS.split(' ').any(|own| own == name);
        words.first().and_then(Word::program).is_some_and(destroyer)
            && Access::of(words, world) != Access::Kept
    };
    if find.deletes || find.runs.iter().any(destroys) {
        let kept = |name: &str| !Protected::may_be_own_name(name);
        let names = call.words.windows(2).filter(|pair| matches!(pair[0].text.as_str(), "-name" | "-iname"));
        // Files with other names than those that count may be deleted anywhere.
        let others = call.words.iter().all(|w| !matches!(w.text.as_str(), "-o" | "-or" | "!" | "-not"))
            && names.clone().next().is_some()
            && names.map(|pair| pair[1].text.as_str()).any(kept);
        // What it finds in all of a home, or of the machine, is asked about where it is deleted.
        let wide = |root: &&&Word| {
            let path = root.known().and_then(|text| absolute(call.cwd, text));
            !find.deletes && path.is_some_and(|path| path == "/" || world.home() == Some(&path))
        };
        if !others {
            targets.extend(find.roots.iter().filter(|root| !wide(root)).map(|p| lose(p, true)));
            if find.roots.is_empty() {
                targets.push(lose(&Word::literal("."), true));
            }
        }
    }
    targets
}

/// Returns the programs that `cargo install` puts in their place.
pub(super) fn installed_by_cargo(line: &Line<'_>) -> Vec<Target> {
    let (Some(root), true) =
        (line.value_of("--root"), line.operands.first().is_some_and(|o| o.text == "install"))
    else {
        return Vec::new();
    };
    let named = line.operands.iter().skip(1).map(|word| (*word).clone()).chain(line.value_of("--path"));
    named.map(|word| write(&joined(&root, &Word::literal(format!("bin/{}", file_name(&word)))))).collect()
}

/// Says whether SQL begins with a word that changes nothing.
pub(super) fn only_reads(sql: &Word) -> bool {
    let first = sql.text.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
    matches!(first.as_str(), "select" | "explain" | ".schema" | ".tables" | ".dump" | ".mode")
}
