//! Finds scripts and documents in unpacked packages.

use std::path::{Path, PathBuf};

use rig_testkit::needs::skip;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A script of a shell.
    Script,
    /// A document with examples; its text is the examples, with a NUL between them.
    Document,
}

/// A file of a package.
pub(crate) struct Source {
    /// The package's name.
    pub(crate) package: String,
    /// The file's path in it.
    pub(crate) file: String,
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

/// The largest file that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// Returns what the packages hold; `None` where they were not fetched and need not be.
pub(crate) fn all() -> Option<Vec<Source>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/real-life");
    let mut packages: Vec<PathBuf> = match std::fs::read_dir(&root) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect(),
        Err(error) => {
            skip(&format!("no packages in {}: {error}; `.ci/real-life` fetches them", root.display()));
            return None;
        }
    };
    packages.sort();
    let mut sources = Vec::new();
    for dir in packages {
        let package = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files = Vec::new();
        walk(&dir, &mut files);
        files.sort();
        sources.extend(files.iter().filter_map(|path| {
            let file = path.strip_prefix(&dir).unwrap().to_str()?.to_owned();
            let (kind, text) = read(path)?;
            Some(Source { package: package.clone(), file, kind, text })
        }));
    }
    Some(sources)
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            walk(&entry.path(), files);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
}

/// Reads a file that is a script, or a document with examples.
fn read(path: &Path) -> Option<(Kind, String)> {
    let bytes = std::fs::read(path).ok().filter(|bytes| bytes.len() <= LARGEST && !bytes.contains(&0))?;
    let text = String::from_utf8(bytes).ok()?;
    if is_script(path, &text) {
        return Some((Kind::Script, text));
    }
    let name = path.file_name()?.to_str()?;
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let examples = if extension == "md" {
        fenced(&text)
    } else if extension == "txt" || name.starts_with("README") {
        prompts(&text)
    } else if name == "package.json" {
        tasks(&text)
    } else {
        return None;
    };
    (!examples.is_empty()).then(|| (Kind::Document, examples.join("\0")))
}

fn is_script(path: &Path, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let shell = first.strip_prefix("#!").and_then(|line| {
        let mut words = line.split([' ', '/']).filter(|word| !word.is_empty() && !word.starts_with('-'));
        words.find(|word| ["sh", "bash", "dash"].contains(word))
    });
    let below = |dir: &str| path.parent().is_some_and(|parent| parent.ends_with(dir));
    shell.is_some()
        || path.extension().is_some_and(|e| e == "sh" || e == "bash")
        || below("bash-completion/completions")
        || below("debhelper/autoscripts")
}

/// Returns the commands behind a prompt, with the lines that continue them.
fn prompts(text: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(command) = line.trim_start().strip_prefix("$ ") else { continue };
        let mut command = command.to_owned();
        while let Some(start) = command.strip_suffix('\\') {
            command = format!("{start} {}", lines.next().unwrap_or_default().trim());
        }
        examples.push(command);
    }
    examples
}

/// Returns the commands of the blocks of shell code in Markdown: behind prompts, where there are any.
fn fenced(text: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut block, fence) {
            (None, Some(language)) => {
                let shell = ["sh", "bash", "shell", "console", "shell-session", "zsh"];
                block = shell.contains(&language.trim()).then(String::new);
                if block.is_none() {
                    // The end of this block must not begin another.
                    block = Some("\0".to_owned());
                }
            }
            (Some(code), Some(_)) => {
                if !code.starts_with('\0') {
                    let typed = prompts(code);
                    let lines = || code.replace("\\\n", " ").lines().map(|l| l.trim().to_owned()).collect();
                    examples.extend(if typed.is_empty() { lines() } else { typed });
                }
                block = None;
            }
            (Some(code), None) => {
                code.push_str(line);
                code.push('\n');
            }
            (None, None) => {}
        }
    }
    examples.retain(|line: &String| !line.is_empty() && !line.starts_with('#'));
    examples
}

/// Returns the scripts of a package of npm.
fn tasks(text: &str) -> Vec<String> {
    let Ok(package) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let scripts = package.get("scripts").and_then(|s| s.as_object()).cloned().unwrap_or_default();
    scripts.values().filter_map(|command| command.as_str().map(str::to_owned)).collect()
}
