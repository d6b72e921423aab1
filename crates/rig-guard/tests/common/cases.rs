//! The cases of `tests/cases`.

use std::path::Path;

use rig_guard::policy::Pack;

/// What a line expects: the rule that refuses, or none.
#[allow(dead_code, reason = "not every test looks at all of it")]
pub(crate) struct Case {
    /// The file and the line.
    pub(crate) place: String,
    /// What is special about how it is written.
    pub(crate) class: String,
    pub(crate) rule: Option<String>,
    /// The packs that are on besides those that always are.
    pub(crate) packs: Vec<Pack>,
    pub(crate) command: String,
}

/// Reads `allow CLASS: COMMAND` and `deny RULE CLASS: COMMAND`; `⏎` stands for a line break. A file whose first
/// line is `# packs: PACK, PACK` is about these packs.
pub(crate) fn all() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let named = text.lines().next().and_then(|line| line.strip_prefix("# packs: "));
        let find = |name| Pack::find(name).unwrap_or_else(|| panic!("{file:?}: no pack is called {name:?}"));
        let packs: Vec<Pack> = named.into_iter().flat_map(|names| names.split(", ")).map(find).collect();
        for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let place = format!("{}:{}", file.file_name().unwrap().to_string_lossy(), n + 1);
            let (head, command) = line.split_once(": ").unwrap_or_else(|| panic!("{place}: no `: `"));
            let head: Vec<&str> = head.split(' ').collect();
            let (rule, class) = match head[..] {
                ["deny", rule, class] => (Some(rule.to_owned()), class),
                ["allow", class] => (None, class),
                _ => panic!("{place}: neither `allow CLASS` nor `deny RULE CLASS`"),
            };
            cases.push(Case {
                place,
                class: class.to_owned(),
                rule,
                packs: packs.clone(),
                command: command.replace('⏎', "\n"),
            });
        }
    }
    cases
}
