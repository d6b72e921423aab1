//! Programs by other names: links to them, copies of them, and patterns that match them.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::call::{Access, Redirection};
use super::glob::Glob;
use super::state::Item;
use super::word::{Kind, Word};
use super::{Flow, Shell, Status, wrap};
use crate::rules;

/// What stands behind the path of a link in the name of the slot for what it leads to.
const LINK: &str = "/->";
/// How many copies are looked for by their names.
const MAX_COPIED: usize = 64;
/// How many copies of copies are followed.
const MAX_COPIES: usize = 8;
/// How many programs a pattern may stand for.
const MAX_MATCHES: usize = 48;
/// What any pattern may stand for, besides shells.
const COMMON: &str = "busybox chmod chown dd doas docker env find git kubectl mv mysql nice node nohup perl php psql python \
    python3 rm rsync ruby shred sudo timeout truncate wipefs xargs";

impl Shell<'_> {
    /// Follows the copying or linking of a file: the new one is what the old one is.
    pub(super) fn copy(&mut self, from: &Word, to: &Word) -> Flow {
        let found = self.contents(from);
        let Some(mut path) = self.path(to) else { return Ok(()) };
        if to.text.ends_with('/') {
            let Some(name) = from.program() else { return Ok(()) };
            path = format!("{}/{name}", path.trim_end_matches('/'));
        }
        match found {
            Item::Text(_) => self.keep_file(&path, vec![found], false),
            Item::Disk(old) if *old != *path => {
                if self.copied.len() < MAX_COPIED {
                    self.copied.push(Rc::from(&*path));
                }
                self.state.set(&path, Item::Disk(old));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Notes a symbolic link, for what prints where it leads.
    pub(super) fn link(&mut self, words: &[Word], from: &Word, to: &Word) {
        let symbolic = |word: &Word| {
            word.text == "--symbolic"
                || word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains('s')
        };
        if let (Some(target), Some(path)) = (self.path(from), self.path(to))
            && words.iter().any(symbolic)
        {
            self.state.set(&*format!("{path}{LINK}"), Item::Text(Word::literal(target)));
        }
    }

    /// Returns where a path leads, which may be a link that the code has made, or be below one.
    pub(super) fn led(&mut self, path: &Word) -> Option<String> {
        let mut path = self.path(path)?;
        if self.copied.is_empty() {
            return Some(path);
        }
        for _ in 0..MAX_COPIES {
            let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
            let found = ends.collect::<Vec<_>>().into_iter().find_map(|at| {
                let target = match self.state.only(&*format!("{}{LINK}", &path[..at]))? {
                    Item::Text(target) => target.text.clone(),
                    _ => return None,
                };
                Some(format!("{}{}", target.trim_end_matches('/'), &path[at..]))
            });
            match found {
                Some(next) => path = next,
                None => break,
            }
        }
        Some(path)
    }

    /// Returns where a path leads when each `..` is taken from where the links before it lead, as `cd -P` does.
    pub(super) fn physical(&mut self, path: &Word) -> Option<String> {
        let known = path.known().filter(|path| !path.is_empty())?.to_owned();
        let base = if known.starts_with('/') { String::new() } else { self.directory()? };
        let mut led = String::new();
        for part in base.split('/').chain(known.split('/')) {
            match part {
                "" | "." => {}
                ".." => led.truncate(led.rfind('/').unwrap_or(0)),
                part => {
                    led = format!("{led}/{part}");
                    led = self.led(&Word::literal(led))?;
                    if led == "/" {
                        led.clear();
                    }
                }
            }
        }
        Some(if led.is_empty() { "/".to_owned() } else { led })
    }

    /// Follows `cat FILE > COPY`.
    pub(super) fn written_copy(&mut self, words: &[Word], redirects: &[Redirection]) -> Flow {
        if let ([name, from], [only]) = (words, redirects)
            && name.text == "cat"
            && only.access == Access::Write
            && matches!(self.contents(from), Item::Disk(_))
        {
            self.copy(from, &only.target)?;
        }
        Ok(())
    }

    /// Walks through a command whose words are expanded.
    /// `direct` says whether the name may be that of a function; behind a wrapper it is none.
    pub(super) fn run(
        &mut self,
        words: &[Word],
        redirects: &[Redirection],
        variables: &[(String, Word)],
        direct: bool,
    ) -> Flow<Status> {
        self.step()?;
        if !self.copied.is_empty()
            && let Some(original) = self.undisguised(words)
        {
            if !words[0].text.contains('/') {
                // It may also be another program of that name.
                self.isolated(|shell| shell.named(&original, redirects, variables, false))?;
            } else {
                return self.named(&original, redirects, variables, false);
            }
        }
        self.named(words, redirects, variables, direct)
    }

    /// Returns a command with the program of which its own is a link or a copy; `None` where it is none
    /// that the code has made.
    fn undisguised(&mut self, words: &[Word]) -> Option<Vec<Word>> {
        let first = words.first()?.known()?;
        let mut path = match first.contains('/') {
            true => self.path(&words[0])?,
            // It is found by its name where its directory is one of `PATH`.
            false => {
                self.copied.iter().rev().find(|path| path.rsplit('/').next() == Some(first))?.to_string()
            }
        };
        let mut found = None;
        for _ in 0..MAX_COPIES {
            match self.pick(&path) {
                Some(Item::Disk(old)) => {
                    path = old.to_string();
                    found = Some(old);
                }
                _ => break,
            }
        }
        let program: Rc<str> = found?;
        Some([&[Word::literal(&*program)], &words[1..]].concat())
    }

    /// Walks through a command whose name is a pattern as the programs that it matches.
    pub(super) fn globbed(&mut self, words: &[Word]) -> Flow {
        let first = &words[0];
        let name = first.tail(first.text.rfind('/').map_or(0, |at| at + 1));
        if name.text.len() < 2 || !name.marks.iter().any(|mark| mark.kind == Kind::Glob) {
            return Ok(());
        }
        let Some(glob) = Glob::of(&name) else { return Ok(()) };
        // A `*` matches nearly everything; then only the programs count that are on every machine.
        let fixed = !name.marks.iter().any(|mark| name.text[mark.at..].starts_with('*'))
            && name.text.contains(|c: char| c.is_ascii_alphanumeric());
        let programs = rules::all().flat_map(|rule| rule.programs).copied().filter(|_| fixed);
        let known = programs.chain(wrap::shells()).chain(COMMON.split_ascii_whitespace());
        let start = &name.text[..name.marks[0].at];
        let matching: BTreeSet<&str> =
            known.filter(|name| name.starts_with(start) && glob.covers(name)).collect();
        let label = first.text.clone();
        for name in matching.into_iter().take(MAX_MATCHES) {
            let words = [&[Word::literal(name)], &words[1..]].concat();
            self.within(&label, |_| (), |shell| shell.isolated(|shell| shell.run(&words, &[], &[], false)))?;
        }
        Ok(())
    }
}
