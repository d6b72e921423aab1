//! Links that earlier commands of the same code have made.
//!
//! The links on the disk are followed where a rule looks at a path; these are not there yet.

use super::{Finding, Rule};
use crate::shell::{Call, Redirection, Word, absolute};
use crate::world::World;

/// The most links that are remembered.
const MAX_LINKS: usize = 64;

/// Programs that take a link which they are given for itself, and not for what it leads to.
const OWN: &str = "rm grm srm wipe rip rmtrash rimraf del del-cli trash trash-put gio unlink gunlink mv gmv ln gln find \
    gfind bfs fd fdfind tar gtar bsdtar zip readlink";

/// The links that were made so far.
#[derive(Debug, Default)]
pub(crate) struct Links(Vec<Link>);

/// A link that was made.
#[derive(Debug)]
struct Link {
    path: String,
    leads: String,
    /// The number of the command that has made it.
    by: usize,
}

impl Links {
    /// Returns what a command is where the links lead; `None` where it uses none.
    pub(crate) fn judge(&self, call: &Call<'_>, world: &dyn World) -> Option<(&'static Rule, Finding)> {
        if self.0.is_empty() {
            return None;
        }
        let mut used = Vec::new();
        let mut followed = |word: &Word, itself: bool| match self.followed(word, call.cwd, itself) {
            Some((path, by)) => {
                used.push(by);
                path
            }
            None => word.clone(),
        };
        let itself = takes_links(call);
        let mut enters = false;
        let mut word = |word: &Word| {
            // `tar -C LINK`
            let itself =
                itself && !std::mem::replace(&mut enters, matches!(&*word.text, "-C" | "--directory"));
            followed(word, itself)
        };
        let words: Vec<Word> = call.words.iter().map(&mut word).collect();
        let moved = |redirect: &Redirection| Redirection {
            target: followed(&redirect.target, false),
            access: redirect.access,
        };
        let redirects: Vec<Redirection> = call.redirects.iter().map(moved).collect();
        let moved = call.cwd.and_then(|cwd| self.path(cwd));
        used.extend(moved.as_ref().map(|(_, by)| *by));
        if used.is_empty() {
            return None;
        }
        let cwd = moved.as_ref().map(|(cwd, _)| cwd.as_str()).or(call.cwd);
        let (rule, finding) = super::judge(&call.with(&words, &redirects, cwd), world)?;
        Some((rule, finding.with(used)))
    }

    /// Notes the links that a command makes, by its number.
    pub(crate) fn note(&mut self, number: usize, call: &Call<'_>) {
        let args = call.args();
        let binds = || {
            args.iter()
                .any(|w| matches!(w.text.as_str(), "-B" | "-R" | "--bind" | "--rbind" | "bind" | "rbind"))
        };
        let has = |letter: char, long: &str| {
            args.iter().any(|word| {
                word.text == long
                    || word.text.starts_with('-')
                        && !word.text.starts_with("--")
                        && word.text.contains(letter)
            })
        };
        let makes = match call.name() {
            Some("ln" | "gln") => true,
            Some("cp" | "gcp") => has('s', "--symbolic-link"),
            Some("mount") => binds(),
            _ => false,
        };
        if !makes || self.0.len() > MAX_LINKS {
            return;
        }
        let mut operands: Vec<&str> =
            args.iter().filter(|word| !word.text.starts_with('-')).filter_map(Word::known).collect();
        // With `-t DIRECTORY` it stands before what the links lead to, and not behind.
        let before = args.windows(2).find(|pair| into_directory(&pair[0].text)).map(|pair| &*pair[1].text);
        if let Some(at) = before.and_then(|into| operands.iter().position(|word| *word == into)) {
            let into = operands.remove(at);
            operands.push(into);
        }
        operands.extend(args.iter().filter_map(|word| word.text.strip_prefix("--target-directory=")));
        let Some((last, sources)) = operands.split_last() else { return };
        let cwd = call.cwd;
        let name = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or("").to_owned();
        let symbolic = has('s', "--symbolic");
        let here = name(last);
        for source in if sources.is_empty() { std::slice::from_ref(last) } else { sources } {
            // In a directory it has the name of what it leads to; which of both it is, is not known.
            let places = if sources.is_empty() {
                vec![here.clone()]
            } else {
                match name(source).as_str() {
                    "" | "." | ".." => vec![(*last).to_owned()],
                    name => vec![(*last).to_owned(), format!("{last}/{name}")],
                }
            };
            for place in places {
                let Some(path) = absolute(cwd, &place) else { continue };
                // What a symbolic link holds is taken from where it is.
                let base = path.rsplit_once('/').map(|(dir, _)| dir);
                let leads = absolute(if symbolic { base } else { cwd }, source);
                let leads = leads.filter(|leads| *leads != path);
                self.0.extend(leads.map(|leads| Link { path, leads, by: number }));
            }
        }
    }

    /// Follows a path that leads through a link, and says who has made it. A link at its end, without
    /// a slash, counts only where the program does not take it for `itself`.
    fn followed(&self, word: &Word, cwd: Option<&str>, itself: bool) -> Option<(Word, usize)> {
        if word.text.is_empty() || word.unknowns().any(|(at, _)| at == 0) {
            return None;
        }
        let known = word.marks.iter().map(|mark| mark.at).min().unwrap_or(word.text.len());
        // `of=PATH`, `--directory=PATH`
        let from = word.text[..known].split('/').next().and_then(|key| key.find('=')).map_or(0, |at| at + 1);
        if from == 0 && word.text.starts_with('-') {
            return None;
        }
        let whole = (known == word.text.len() && !itself).then_some(known);
        for link in self.0.iter().rev() {
            let slashes = word.text[..known].match_indices('/').map(|(at, _)| at).filter(|at| *at > from);
            for at in slashes.chain(whole) {
                if absolute(cwd, &word.text[from..at]).as_ref() == Some(&link.path) {
                    let mut path = word.head(from);
                    path.push(&Word::literal(link.leads.trim_end_matches('/')));
                    path.push(&word.tail(at));
                    return Some((path, link.by));
                }
            }
        }
        None
    }

    fn path(&self, cwd: &str) -> Option<(String, usize)> {
        self.0.iter().rev().find_map(|link| {
            let rest = cwd.strip_prefix(link.path.as_str())?;
            let inside = rest.is_empty() || rest.starts_with('/');
            inside.then(|| (format!("{}{rest}", link.leads.trim_end_matches('/')), link.by))
        })
    }
}

/// Says whether an option of `ln` is the one for the directory that gets the links: `-t`, `-sft`.
fn into_directory(option: &str) -> bool {
    let bundle = option.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
    option == "--target-directory" || bundle.is_some_and(|letters| letters.ends_with('t'))
}

/// Says whether a program takes a link that it is given for itself.
fn takes_links(call: &Call<'_>) -> bool {
    let Some(name) = call.name() else { return true };
    let follows = |word: &Word| matches!(word.text.as_str(), "-L" | "-H" | "-follow" | "--follow");
    OWN.split_ascii_whitespace().any(|own| own == name) && !call.args().iter().any(follows)
}
