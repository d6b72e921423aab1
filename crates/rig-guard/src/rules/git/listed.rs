//! What git's own lists of branches are made of.

use super::Line;
use super::refspec::is_protected;
use crate::policy::{Policy, matches};
use crate::shell::Word;

/// Branches that nearly every repository has one of.
const USUAL: [&str; 2] = ["main", "master"];
/// Where branches are.
const HEADS: &str = "refs/heads/";
const BRANCH: &str = "list/l all/a verbose/v format= sort= remotes/r merged? no-merged? contains= no-contains= with= \
    without= points-at= color? column? quiet/q show-current /D delete/d force/f move/m /M copy/c /C abbrev= ignore-case/i";
const FOR_EACH_REF: &str = "format= sort= count= points-at= merged? no-merged? contains= no-contains= exclude= shell/s \
    perl/p python tcl ignore-case color? omit-empty include-root-refs stdin";
/// Options that pick some of the branches by what is on them.
const PICKS: [&str; 11] = [
    "merged",
    "no-merged",
    "contains",
    "no-contains",
    "with",
    "without",
    "points-at",
    "count",
    "exclude",
    "stdin",
    "show-current",
];

/// Returns what `git branch` or `git for-each-ref` prints where protected branches are in the list, as far as its
/// words say so; `None` where they may not be.
pub(crate) fn listed_branches(args: &[Word], policy: &Policy) -> Option<Word> {
    let mut at = 0;
    while let Some(word) = args.get(at).filter(|word| word.text.starts_with('-')) {
        at += if matches!(word.text.as_str(), "-C" | "-c" | "--git-dir" | "--work-tree") { 2 } else { 1 };
    }
    let (sub, args) = args.get(at..)?.split_first()?;
    let branch = match sub.known()? {
        "branch" => true,
        "for-each-ref" => false,
        "show-ref" | "ls-remote" => return refs(sub.known()? == "ls-remote", args),
        _ => return None,
    };
    let line = Line::read(args, if branch { BRANCH } else { FOR_EACH_REF });
    let changes = ["D", "delete", "move", "M", "copy", "C", "force"];
    if line.help || PICKS.iter().chain(&changes).any(|name| line.on(name)) {
        return None;
    }
    let remotes = line.on("remotes");
    if remotes && !line.operands.is_empty() {
        return None;
    }
    // Without `--list` a word is the name of a new branch.
    if branch && !line.operands.is_empty() && !line.on("list") {
        return None;
    }
    let patterns: Vec<&str> = line.operands.iter().map(|word| word.known()).collect::<Option<_>>()?;
    let literal = |pattern: &str| !pattern.contains(['*', '?', '[']);
    let short = |pattern: &&str| pattern.strip_prefix(HEADS).unwrap_or(pattern).to_owned();
    let named = patterns.iter().filter(|pattern| literal(pattern)).map(short);
    let listed =
        |name: &str| patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, name, branch));
    // Of a repository that is not known, one has to do: code may have left it out.
    let usual = USUAL.into_iter().find(|name| listed(name)).map(str::to_owned);
    let mut found: Vec<String> = usual.into_iter().chain(named).collect();
    found.retain(|name| is_protected(name, policy) && listed(name));
    found.dedup();
    if found.is_empty() {
        return None;
    }
    let format = match line.value("format") {
        Some(format) => format.known()?,
        None if branch => "  %(refname:short)",
        None => "%(objectname) commit\t%(refname)",
    };
    let mut printed = Word::default();
    for name in &found {
        printed.push(&formatted(format, name, remotes));
        printed.text.push('\n');
    }
    // There may be more than those that are named.
    let whole = |pattern: &str| literal(pattern) && (branch || pattern.len() > HEADS.len());
    if patterns.is_empty() || !patterns.iter().all(|pattern| whole(pattern)) {
        printed.push_unknown(true, false);
    }
    Some(printed)
}

/// Returns what `git show-ref` prints for the branches, or `git ls-remote` for those of a remote.
fn refs(remote: bool, args: &[Word]) -> Option<Word> {
    let line = Line::read(
        args,
        "heads/h branches/b tags/t head dereference/d hash/s? verify quiet/q abbrev? exclude-existing? refs symref get-url \
        exit-code upload-pack= server-option/o= sort=",
    );
    let part = ["tags", "verify", "quiet", "hash", "get-url"].iter().any(|name| line.on(name));
    // In front of the patterns stands the remote.
    let all = line.operands.len() <= usize::from(remote) && !part;
    let separator = if remote { '\t' } else { ' ' };
    let mut printed = Word::literal(format!("{}{separator}{HEADS}{}\n", "0".repeat(40), USUAL[0]));
    printed.push_unknown(true, false);
    (all && !line.help).then_some(printed)
}

/// Says whether a pattern means a branch: its name, or for `for-each-ref` that of the ref or a directory that it is in.
fn fits(pattern: &str, name: &str, branch: bool) -> bool {
    if branch {
        return matches(pattern, name);
    }
    let whole = format!("{HEADS}{name}");
    let within = |rest: &str| rest.is_empty() || pattern.ends_with('/') || rest.starts_with('/');
    whole.strip_prefix(pattern).is_some_and(within) || matches(pattern, &whole)
}

/// Fills the name of a branch in, here or at the usual remote.
fn formatted(format: &str, name: &str, remote: bool) -> Word {
    let (heads, short) = if remote { ("refs/remotes/origin/", "origin/") } else { (HEADS, "") };
    let mut word = Word::default();
    let mut rest = format;
    while let Some(at) = rest.find("%(") {
        word.text.push_str(&rest[..at]);
        let end = rest[at..].find(')').map_or(rest.len(), |end| at + end);
        match &rest[at + 2..end] {
            "refname" => word.text.extend([heads, name]),
            "refname:short" | "refname:lstrip=2" | "refname:strip=2" => word.text.extend([short, name]),
            "refname:lstrip=3" | "refname:strip=3" if remote => word.text.push_str(name),
            "refname:lstrip=-1" => word.text.push_str(name),
            _ => word.push_unknown(true, false),
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    word.text.push_str(rest);
    word
}
