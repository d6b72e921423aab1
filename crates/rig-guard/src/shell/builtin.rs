//! What commands of the shell do to the shell itself.

use super::flow::Kind;
use super::names::Function;
use super::state::{DIRECTORY, Item, PARAMETERS, Slot};
use super::word::Word;
use super::wrap;
use super::{Flow, Shell, Status, cond};

/// The directories that `pushd` has kept.
const STACK: &str = ":stack";
/// What is there where `cd` goes as with `-P`.
const PHYSICAL: &str = ":physical";
/// How many places of `CDPATH` are tried.
const MAX_PLACES: usize = 8;

impl Shell<'_> {
    /// Follows a builtin; `None` where the command is none, or is looked at like others.
    pub(super) fn builtin(&mut self, name: &str, words: &[Word]) -> Flow<Option<Status>> {
        let args = &words[1..];
        Ok(Some(match name {
            "cd" | "chdir" => self.change_directory(args)?,
            "pushd" => self.push_directory(args)?,
            "popd" => self.pop_directory(args)?,
            ":" | "true" => Status::Success,
            "false" => Status::Failure,
            "exit" | "logout" => self.leaving(Kind::Subshell, args)?,
            "return" => self.leaving(Kind::Function, args)?,
            "break" => self.leaving(Kind::Loop, args)?,
            "continue" => self.leaving(Kind::Round, args)?,
            "command" | "builtin" if !asks(args) => match wrap::operand(words, "", "") {
                Some(at) => self.nested(|shell| shell.run(&words[at..], &[], &[], false))?,
                None => Status::Success,
            },
            "exec" => match wrap::operand(words, "a", "") {
                Some(at) => {
                    self.nested(|shell| shell.run(&words[at..], &[], &[], false))?;
                    self.leave(Kind::Subshell, 0, Status::Unknown)?;
                    Status::Unknown
                }
                None => Status::Success,
            },
            "eval" => {
                let words = args.strip_prefix(&[Word::literal("--")]).unwrap_or(args);
                self.opened |= words.iter().any(Word::is_unknown);
                return self.code_of("eval", &wrap::join(words), None, |_| ()).map(Some);
            }
            "source" | "." => match wrap::operand(words, "", "") {
                Some(at) => self.source(&words[at], &words[at + 1..])?,
                None => Status::Failure,
            },
            "set" => self.set(args)?,
            "shift" => self.shift(args),
            "unset" => self.unset(args)?,
            "read" => self.read_line(args)?,
            "mapfile" | "readarray" => self.read_lines(args)?,
            "getopts" => self.next_option(args)?,
            "let" => {
                let mut value = None;
                for word in args {
                    value = match word.known() {
                        Some(text) => self.evaluate(text)?,
                        None => None,
                    };
                }
                Status::of(value.map(|value| value != 0))
            }
            "printf" if args.first().is_some_and(|w| w.text == "-v") => {
                if let Some(variable) = args.get(1).and_then(Word::known) {
                    let value = super::printf::printf(args.get(2..).unwrap_or_default());
                    let written = format!("{variable}={}", value.unwrap_or(Word::unknown(true)).to_quoted());
                    self.assign_all(&[written])?;
                }
                Status::Success
            }
            "alias" => self.define_aliases(args)?,
            "hash" => match args {
                // `hash -p PROGRAM NAME`
                [option, program, name] if option.text == "-p" => {
                    let mut alias = Word::literal(format!("{}=", name.text));
                    alias.push(program);
                    self.define_aliases(&[alias])?
                }
                _ => return Ok(None),
            },
            "unalias" => {
                for word in args {
                    self.state.put(&format!("={}", word.text), None);
                }
                Status::Success
            }
            "trap" => {
                let code = args.iter().find(|word| !word.text.starts_with('-') || word.text == "-");
                if let Some(code) = code.filter(|code| !code.text.is_empty() && code.text != "-") {
                    let code = code.to_code();
                    self.within(
                        "trap",
                        |context| context.later = true,
                        |shell| shell.isolated(|shell| shell.code(&code)),
                    )?;
                }
                Status::Success
            }
            "test" | "[" => {
                // Only as it is written is it understood; here the words are quoted again.
                let words: Vec<String> = words.iter().map(quoted).collect();
                match cond::read(&words) {
                    Some(test) => {
                        let split = self.test(&test)?;
                        self.rejoin(split)
                    }
                    None => Status::Unknown,
                }
            }
            _ => return Ok(None),
        }))
    }

    fn leaving(&mut self, kind: Kind, args: &[Word]) -> Flow<Status> {
        let number = args.first().and_then(Word::known).and_then(|n| n.parse::<usize>().ok());
        let levels = match kind {
            Kind::Loop => number.unwrap_or(1).saturating_sub(1),
            Kind::Round => {
                // `continue 2` leaves the inner loop, and a round of the outer one.
                number.unwrap_or(1).saturating_sub(1)
            }
            _ => 0,
        };
        let status = match (kind, number) {
            (Kind::Function | Kind::Subshell, Some(0)) => Status::Success,
            (Kind::Function | Kind::Subshell, Some(_)) => Status::Failure,
            (Kind::Loop | Kind::Round, _) => Status::Success,
            _ => Status::Unknown,
        };
        self.leave(kind, levels, status)?;
        Ok(status)
    }

    fn change_directory(&mut self, args: &[Word]) -> Flow<Status> {
        let option =
            |word: &&Word| word.text.len() > 1 && word.text[1..].bytes().all(|b| b"PLe@-".contains(&b));
        let options: String = args
            .iter()
            .take_while(|word| word.text.starts_with('-') && option(word))
            .map(|word| word.text.as_str())
            .collect();
        let target = args.iter().find(|word| !(word.text.starts_with('-') && option(word)));
        let physical = match options.rfind(['P', 'L']) {
            Some(at) => options[at..].starts_with('P'),
            None => self.state.get(PHYSICAL).is_some(),
        };
        let before = self.pick(DIRECTORY).unwrap_or(Item::Open);
        let directory = match target {
            None => self.scalar("HOME"),
            Some(word) if word.known() == Some("-") => self.scalar("OLDPWD"),
            Some(word) if word.known() == Some("") => before.clone(),
            Some(word) => {
                let here = if physical { self.physical(word) } else { self.path(word) };
                let here = here.map_or(Item::Open, |path| Item::Text(Word::literal(path)));
                self.searched(word, here)?;
                self.state.set("OLDPWD", before);
                self.state.put("PWD", None);
                return Ok(Status::Success);
            }
        };
        self.state.set("OLDPWD", before);
        self.state.set(DIRECTORY, directory);
        self.state.put("PWD", None);
        Ok(Status::Success)
    }

    /// Changes to a directory, or to one of that name in one of the places of `CDPATH`.
    fn searched(&mut self, word: &Word, here: Item) -> Flow {
        let first = word.text.split('/').next().unwrap_or("");
        let places = match self.state.get("CDPATH") {
            Some(_) if !matches!(first, "" | "." | "..") && !word.is_unknown() => self.known("CDPATH"),
            _ => None,
        };
        let mut items = Vec::new();
        for place in places.iter().flat_map(|places| places.split(':')) {
            let place = if place.is_empty() { "." } else { place };
            let path = self.path(&Word::literal(format!("{place}/{}", word.text)));
            items.extend(path.map(|path| Item::Text(Word::literal(path))).filter(|item| *item != here));
        }
        items.truncate(MAX_PLACES);
        items.push(here);
        self.state.set(DIRECTORY, Slot { items, attributes: Default::default() });
        Ok(())
    }

    fn push_directory(&mut self, args: &[Word]) -> Flow<Status> {
        let mut stack = match self.pick(STACK) {
            Some(Item::Words(words)) => words,
            _ => Vec::new(),
        };
        let here = match self.pick(DIRECTORY) {
            Some(Item::Text(word)) => word,
            _ => Word::unknown(false),
        };
        match args.iter().find(|word| word.text != "-n" && word.text != "--") {
            Some(word) if word.text.starts_with(['+', '-']) => self.state.set(DIRECTORY, Item::Open),
            Some(word) => {
                self.change_directory(std::slice::from_ref(word))?;
                stack.push(here);
            }
            None => {
                let top = stack.pop();
                self.enter_directory(&top.unwrap_or(Word::unknown(false)));
                stack.push(here);
            }
        }
        self.state.set(STACK, Item::Words(stack));
        Ok(Status::Success)
    }

    fn pop_directory(&mut self, args: &[Word]) -> Flow<Status> {
        let mut stack = match self.pick(STACK) {
            Some(Item::Words(words)) if args.is_empty() => words,
            _ => Vec::new(),
        };
        let top = stack.pop();
        self.enter_directory(&top.unwrap_or(Word::unknown(false)));
        self.state.set(STACK, Item::Words(stack));
        Ok(Status::Success)
    }

    fn set(&mut self, args: &[Word]) -> Flow<Status> {
        let mut at = 0;
        let mut replaces = false;
        while let Some(word) = args.get(at) {
            let text = word.text.as_str();
            let bundle = text.len() > 1 && text.starts_with(['-', '+']);
            if text == "--" || text == "-" {
                at += 1;
                replaces = text == "--" || args.len() > at;
                break;
            }
            if !bundle || word.is_unknown() {
                replaces = true;
                break;
            }
            let on = text.starts_with('-');
            if text.contains('u') {
                self.nounset = on;
            }
            if text.contains('a') {
                self.allexport = on;
            }
            if text.contains('P') {
                self.go_physically(on);
            }
            at += 1;
            if text.contains('o') {
                match args.get(at).map(|option| option.text.as_str()) {
                    Some("nounset") => self.nounset = on,
                    Some("allexport") => self.allexport = on,
                    Some("physical") => self.go_physically(on),
                    _ => {}
                }
                at += 1;
            }
        }
        if replaces {
            let words = args.get(at..).unwrap_or_default().to_vec();
            let item = if words.iter().any(Word::may_split) { Item::Open } else { Item::Words(words) };
            self.state.set(PARAMETERS, item);
        }
        Ok(Status::Success)
    }

    /// Says from where `cd` takes a `..` behind a link.
    fn go_physically(&mut self, on: bool) {
        if on {
            self.state.set(PHYSICAL, Item::Unset);
        } else {
            self.state.put(PHYSICAL, None);
        }
    }

    fn shift(&mut self, args: &[Word]) -> Status {
        let count = args.first().map_or(Some(1), |word| word.known()?.parse::<usize>().ok());
        let item = match (self.pick(PARAMETERS), count) {
            (Some(Item::Words(words)), Some(count)) if count > words.len() => {
                self.state.set(PARAMETERS, Item::Words(words));
                return Status::Failure;
            }
            (Some(Item::Words(mut words)), Some(count)) => {
                words.drain(..count);
                Item::Words(words)
            }
            _ => {
                self.state.set(PARAMETERS, Item::Open);
                return Status::Unknown;
            }
        };
        self.state.set(PARAMETERS, item);
        Status::Success
    }

    fn unset(&mut self, args: &[Word]) -> Flow<Status> {
        let functions = args.iter().any(|word| word.text == "-f");
        for word in args.iter().filter(|word| !word.text.starts_with('-')) {
            let Some(name) = word.known() else { continue };
            if !functions {
                self.subscript(word)?;
            }
            let function = Function(name);
            let element =
                name.split_once('[').and_then(|(array, rest)| Some((array, rest.strip_suffix(']')?)));
            match element {
                Some((array, key)) => match self.variable(array) {
                    Item::Map(mut map) => {
                        map.remove(key.trim_matches(['"', '\'']));
                        self.store(array, Item::Map(map))?;
                    }
                    Item::List(mut list) => match self.arithmetic(key)? {
                        Some(key) => {
                            list.remove(&key);
                            self.store(array, Item::List(list))?;
                        }
                        None => self.store(array, Item::Open)?,
                    },
                    _ => {}
                },
                None if functions || self.state.get(name).is_none() && self.state.get(function).is_some() => {
                    self.state.put(function, None);
                }
                None => self.state.set(name, Item::Unset),
            }
        }
        Ok(Status::Success)
    }

    fn source(&mut self, path: &Word, args: &[Word]) -> Flow<Status> {
        let outer = self.state.get(PARAMETERS).cloned();
        if !args.is_empty() {
            self.state.set(PARAMETERS, Item::Words(args.to_vec()));
        }
        self.enter(Kind::Function);
        let status = self.sourced(path)?;
        let status = self.land(status);
        if !args.is_empty() {
            self.state.put(PARAMETERS, outer);
        }
        Ok(status)
    }

    fn define_aliases(&mut self, args: &[Word]) -> Flow<Status> {
        for word in args {
            if let Some((name, _)) = word.text.split_once('=').filter(|(name, _)| !name.is_empty()) {
                let value = word.tail(name.len() + 1);
                self.state.set(&format!("={name}"), Item::Text(value));
                self.aliases = true;
            }
        }
        Ok(Status::Success)
    }

    /// Walks through what an alias of this name stands for. Whether aliases are expanded depends
    /// on the shell; they are taken to be.
    pub(super) fn alias(&mut self, name: &str, args: &[Word]) -> Flow<Option<Status>> {
        let slot = format!("={name}");
        if self.context.chain.iter().any(|step| **step == *slot) {
            return Ok(None);
        }
        let Some(Item::Text(value)) = self.pick(&slot) else { return Ok(None) };
        let mut code = value.to_code();
        for word in args {
            code.push(' ');
            code.push_str(&word.to_quoted());
        }
        self.code_of(&slot, &code, None, |_| ()).map(Some)
    }
}

/// Says whether `command` only says what a name stands for.
fn asks(args: &[Word]) -> bool {
    args.first().is_some_and(|w| matches!(w.text.as_str(), "-v" | "-V" | "-pv" | "-vp" | "-pV" | "-Vp"))
}

fn quoted(word: &Word) -> String {
    let plain = !word.text.is_empty()
        && word.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"[]!=-_./".contains(&b));
    if plain && word.marks.is_empty() { word.text.clone() } else { word.to_quoted() }
}
