//! Makefiles: the recipes in them, and what is run while they are read.

use std::collections::BTreeMap;

use super::super::Shell;
use super::super::state::Item;
use super::super::word::Word;
use super::{Unwrapped, assignment, values};

/// What stands before a recipe of a makefile.
const PREFIX: [char; 5] = ['\t', '@', '-', '+', ' '];
/// One-letter options that take a value.
const SHORT: &str = "CEfIoW";
/// How often variables of a makefile are replaced in a recipe, one inside of another.
const MAX_INSIDE: usize = 4;
/// How long a recipe may become by that, in bytes.
const MAX_RECIPE: usize = 64 << 10;

/// Variables that make has by itself or from the environment, as a recipe has them.
const GIVEN: [(&str, &str); 6] = [
    ("HOME", "$$HOME"),
    ("PWD", "$$PWD"),
    ("CURDIR", "$$PWD"),
    ("USER", "$$USER"),
    ("RM", "rm -f"),
    ("MAKE", "make"),
];

/// What a makefile says.
struct Makefile {
    recipes: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Shell<'_> {
    /// Reads the recipes of a makefile that the code itself has written, and of `--eval`.
    pub(super) fn make(&mut self, words: &[Word], input: Option<&Word>) -> Unwrapped {
        let end = words.len();
        let mut texts = values(words, end, "-E --eval", SHORT);
        let files = values(words, end, "-f --file --makefile", SHORT);
        for file in &files {
            let text = match file.text.as_str() {
                "-" => input.cloned(),
                _ => match self.contents(file) {
                    Item::Text(text) => Some(text),
                    _ => None,
                },
            };
            texts.extend(text);
        }
        if files.is_empty() {
            let within = values(words, end, "-C --directory", SHORT).pop();
            texts.extend(["GNUmakefile", "makefile", "Makefile"].into_iter().find_map(|name| {
                let name = match &within {
                    Some(directory) => Word::literal(format!("{}/{name}", directory.known()?)),
                    None => Word::literal(name),
                };
                let path = self.path(&name)?;
                self.state.get(&path)?;
                match self.pick(&path)? {
                    Item::Text(text) => Some(text),
                    _ => None,
                }
            }));
        }
        if texts.is_empty() {
            return Unwrapped::Itself;
        }
        let own = GIVEN.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut makefile = Makefile { recipes: Vec::new(), variables: own.collect() };
        for text in texts {
            makefile.read(&text.to_code());
        }
        // What is given on the command line holds, whatever the makefile says.
        for given in words[1..].iter().filter_map(assignment) {
            if let Item::Text(value) = given.item {
                makefile.variables.insert(given.name, value.to_code());
            }
        }
        let codes = makefile.recipes.iter().map(|recipe| makefile.expanded(recipe));
        Unwrapped::Many(codes.map(Unwrapped::new_shell).collect())
    }
}

impl Makefile {
    fn read(&mut self, text: &str) {
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let mut line = line.to_owned();
            while line.ends_with('\\') {
                let Some(next) = lines.next() else { break };
                line.push('\n');
                line.push_str(next.strip_prefix('\t').unwrap_or(next));
            }
            if let Some(recipe) = line.strip_prefix('\t') {
                self.recipe(recipe);
            } else if let Some(name) = line.trim().strip_prefix("define ") {
                let body: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "endef").collect();
                let name = name.trim_end_matches(['=', ':', '?', '+', ' ']);
                self.variables.insert(name.to_owned(), body.join("\n"));
            } else {
                self.line(line.trim_start());
            }
        }
    }

    /// Reads a line that is no recipe: a variable, or a rule with a recipe behind a `;`.
    fn line(&mut self, line: &str) {
        let line =
            ["override ", "export "].iter().fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
        if line.starts_with('#') {
            return;
        }
        let mut rest = line;
        while let Some((_, code)) = rest.split_once("$(shell ") {
            // It runs while the makefile is read.
            let code = &code[..closing(code)];
            self.recipes.push(code.to_owned());
            rest = &rest[rest.len().min(rest.find(code).unwrap_or(0) + code.len())..];
        }
        let name_ends = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)));
        let (name, rest) = line.split_at(name_ends.unwrap_or(line.len()));
        let rest = rest.trim_start();
        let operator = ["=", ":=", "::=", ":::=", "?=", "+=", "!="].into_iter().find(|o| rest.starts_with(o));
        match operator {
            Some(operator) if !name.is_empty() => {
                let value = rest[operator.len()..].trim_start();
                match operator {
                    "!=" => self.recipes.push(value.to_owned()),
                    "?=" if self.variables.contains_key(name) => {}
                    "+=" => {
                        let whole = self.variables.entry(name.to_owned()).or_default();
                        whole.push(' ');
                        whole.push_str(value);
                    }
                    _ => drop(self.variables.insert(name.to_owned(), value.to_owned())),
                }
            }
            _ => {
                if let Some((_, recipe)) = line.split_once(':').and_then(|(_, rest)| rest.split_once(';')) {
                    self.recipe(recipe);
                }
            }
        }
    }

    fn recipe(&mut self, written: &str) {
        self.recipes.push(written.trim_start_matches(PREFIX).to_owned());
    }

    /// Returns a recipe with the variables of the makefile replaced, as a shell gets it.
    fn expanded(&self, recipe: &str) -> String {
        let mut code = recipe.replace("$(shell ", "$$(");
        for _ in 0..MAX_INSIDE {
            let Some(replaced) = self.replaced(&code) else { break };
            code = replaced;
        }
        code.replace("$$", "$")
    }

    /// Replaces variables by their values once; `None` where there are none.
    fn replaced(&self, code: &str) -> Option<String> {
        let mut replaced = String::new();
        let mut from = 0;
        for (at, _) in code.match_indices('$') {
            let end = match code[at + 1..].chars().next() {
                Some('(') => ')',
                Some('{') => '}',
                _ => continue,
            };
            let name = code[at + 2..].split(end).next().unwrap_or("");
            if let Some(value) = self.variables.get(name).filter(|_| at >= from) {
                replaced.push_str(&code[from..at]);
                replaced.push_str(value);
                from = code.len().min(at + name.len() + 3);
            }
            if replaced.len() > MAX_RECIPE {
                return None;
            }
        }
        replaced.push_str(&code[from..]);
        (from > 0).then_some(replaced)
    }
}

/// Returns where the `)` stands that ends code.
fn closing(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}
