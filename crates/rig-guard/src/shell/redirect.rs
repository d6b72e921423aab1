//! Redirections, and the files that are written on the way.

use std::rc::Rc;

use super::call::{Access, Redirection};
use super::names::Id;
use super::state::{INPUT, Item, Slot};
use super::syntax::Redirect;
use super::word::Word;
use super::{Flow, Shell, Status};

/// What stands in front of the number of a descriptor in its path.
pub(super) const DESCRIPTORS: &str = "/dev/fd/";

/// What redirections make of a command's input and output.
#[derive(Debug, Default)]
pub(super) struct Redirected {
    pub(super) list: Vec<Redirection>,
    input: Option<Item>,
    /// The descriptor that the input is: what is read from one is read from the other.
    reused: Option<Id>,
    output: Option<Output>,
    /// The output goes where nobody reads it.
    silenced: bool,
}

/// Where the standard output goes.
#[derive(Debug)]
enum Output {
    File {
        path: String,
        append: bool,
    },
    /// The code of a `>(...)`.
    Process(String),
}

impl Shell<'_> {
    /// Walks through a compound command with its redirections.
    pub(super) fn redirected(
        &mut self,
        redirects: &[Redirect],
        mut run: impl FnMut(&mut Self) -> Flow<Status>,
    ) -> Flow<Status> {
        if redirects.is_empty() {
            return run(self);
        }
        self.each(|shell| {
            let redirected = shell.redirects(redirects)?;
            if !redirected.list.is_empty() {
                shell.visit(&[], &redirected.list, &[])?;
            }
            shell.through(redirected, &mut run)
        })
    }

    /// Expands redirections.
    pub(super) fn redirects(&mut self, redirects: &[Redirect]) -> Flow<Redirected> {
        let mut redirected = Redirected::default();
        for redirect in redirects {
            match redirect {
                Redirect::Write { target, append, stdout } => {
                    self.writes(target, *append, *stdout, &mut redirected)?;
                }
                Redirect::Read(target, fd) => {
                    let target = self.single(target)?;
                    let item = self.contents(&target);
                    self.opens(*fd, item, &mut redirected);
                    redirected.list.push(Redirection { target, access: Access::Read });
                }
                Redirect::Here { fd, body, quoted } => {
                    let body = self.cut_out(body);
                    let text = if *quoted { Word::literal(&*body) } else { self.document(&body)? };
                    self.opens(*fd, Item::Text(text), &mut redirected);
                }
                Redirect::HereString(text, fd) => {
                    let mut text = self.single(text)?;
                    text.text.push('\n');
                    self.opens(*fd, Item::Text(text), &mut redirected);
                }
                Redirect::Reuse(number) => {
                    let id = self.state.id(&*format!("{DESCRIPTORS}{number}"));
                    if let Some(item) = self.pick(id) {
                        redirected.input = Some(item);
                        redirected.reused = Some(id);
                    }
                }
                Redirect::Duplicate(stdout) => redirected.silenced |= stdout,
            }
        }
        Ok(redirected)
    }

    /// Notes what stands on a descriptor. One with a number of its own is looked at by its path alone, so that it may stay.
    fn opens(&mut self, fd: u32, item: Item, redirected: &mut Redirected) {
        if fd == 0 {
            redirected.input = Some(item);
        } else {
            self.state.set(&*format!("{DESCRIPTORS}{fd}"), item);
        }
    }

    fn writes(&mut self, written: &str, append: bool, stdout: bool, into: &mut Redirected) -> Flow {
        if let Some(code) = written.strip_prefix(">(").and_then(|code| code.strip_suffix(')')) {
            if stdout {
                into.output = Some(Output::Process(code.to_owned()));
            } else {
                self.isolated(|shell| shell.code(code))?;
            }
            return Ok(());
        }
        let target = self.single(written)?;
        if stdout {
            match self.path(&target) {
                Some(path) if path == "/dev/stdout" => {}
                Some(path) if path.starts_with("/dev/") => into.silenced = true,
                Some(path) => into.output = Some(Output::File { path, append }),
                None => into.silenced = true,
            }
        } else if let Some(path) = self.path(&target).filter(|path| !path.starts_with("/dev/")) {
            self.keep_file(&path, vec![Item::Open], append)?;
        }
        let access = if append { Access::Append } else { Access::Write };
        into.list.push(Redirection { target, access });
        Ok(())
    }

    /// Does something with its input and output redirected.
    pub(super) fn through(
        &mut self,
        redirected: Redirected,
        run: impl FnOnce(&mut Self) -> Flow<Status>,
    ) -> Flow<Status> {
        let Redirected { input, reused, output, silenced, .. } = redirected;
        let replaces = input.is_some();
        let outer = if replaces { self.state.get(INPUT).cloned() } else { None };
        if let Some(item) = input {
            self.state.set(INPUT, item);
        }
        let status = match output {
            Some(Output::File { path, append }) => {
                let (items, status) = self.capture(run)?;
                self.keep_file(&path, items, append)?;
                status
            }
            Some(Output::Process(code)) => {
                let (items, status) = self.capture(run)?;
                let before = self.state.get(INPUT).cloned();
                self.state.set(INPUT, Slot { items, attributes: Default::default() });
                self.isolated(|shell| shell.code(&code))?;
                self.state.put(INPUT, before);
                status
            }
            None if silenced && self.capturing => self.capture(run)?.1,
            None => run(self)?,
        };
        if let Some(id) = reused {
            let left = self.state.get(INPUT).cloned();
            self.state.put(id, left);
        }
        if replaces {
            self.state.put(INPUT, outer);
        }
        Ok(status)
    }

    /// Notes what stands in a file after it was written.
    pub(super) fn keep_file(&mut self, path: &str, items: Vec<Item>, append: bool) -> Flow {
        for item in &items {
            if let Item::Text(text) = item {
                self.starts_later(path, text)?;
            }
        }
        let before = self.state.get(path).filter(|_| append).map(|slot| slot.items.clone());
        let items = match before.as_deref() {
            _ if !append => items,
            Some([Item::Text(before)]) => items.into_iter().map(|item| joined(before, item)).collect(),
            _ => {
                let mut before = Word::unknown(true);
                before.text.push('\n');
                items.into_iter().map(|item| joined(&before, item)).collect()
            }
        };
        let size = items.iter().map(|item| if let Item::Text(word) = item { word.text.len() } else { 0 });
        self.charge(size.sum())?;
        self.state.set(path, Slot { items, attributes: Default::default() });
        Ok(())
    }

    /// Returns what stands in a file.
    pub(super) fn contents(&mut self, target: &Word) -> Item {
        let Some(path) = self.path(target) else { return Item::Open };
        match self.pick(&path) {
            Some(item) => item,
            None if path == "/dev/null" => Item::Text(Word::default()),
            None if path == "/dev/stdin" => self.pick(INPUT).unwrap_or(Item::Open),
            None => Item::Disk(Rc::from(path)),
        }
    }

    /// Returns the text of a here-document that may have been cut out of the code.
    fn cut_out(&self, body: &str) -> Rc<str> {
        let number = body.strip_prefix('\0').and_then(|rest| rest.trim_end().strip_suffix('\0'));
        let number = number.and_then(|n| n.parse::<usize>().ok());
        number.and_then(|n| self.cuts.get(n)).map_or_else(|| Rc::from(body), Rc::clone)
    }
}

fn joined(before: &Word, item: Item) -> Item {
    let mut text = before.clone();
    match item {
        Item::Text(word) => text.push(&word),
        _ => text.push_unknown(true, false),
    }
    Item::Text(text)
}
