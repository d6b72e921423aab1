//! What a command means does not depend on how it is written: a refused one stays refused under
//! rewrites that keep its meaning, and a harmless one that is only quoted stays harmless.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/cases.rs"]
mod cases;
mod common;

use common::{CWD, Session};
use rig_guard::judge;
use rig_guard::policy::{Pack, Policy};
use rig_guard::rules;

/// A rewrite, by its name and what it makes of a command.
type Rewrite = (&'static str, fn(&str) -> String);

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns a line that ends a here-document and does not stand in it.
fn end(text: &str) -> String {
    format!("END{}", text.len())
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits =
            chunk.iter().fold(0_usize, |bits, b| bits << 8 | usize::from(*b)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            out.push(if n <= chunk.len() { char::from(DIGITS[bits >> (18 - 6 * n) & 63]) } else { '=' });
        }
    }
    out
}

fn octal(text: &str) -> String {
    text.bytes().map(|b| format!("\\{b:03o}")).collect()
}

/// Rewrites that run the same command.
const REWRITES: [Rewrite; 44] = [
    ("as it is", |c| c.to_owned()),
    ("behind another", |c| format!("ls; {c}")),
    ("before another", |c| format!("{c}{}ls", if c.contains('\n') { "\n" } else { "; " })),
    ("on a line of its own", |c| format!("ls\n{c}\nls\n")),
    ("if that works", |c| format!("make && {{ {c}\n}}")),
    ("if that fails", |c| format!("make || {{ {c}\n}}")),
    ("in the background", |c| format!("{{ {c}\n}} &")),
    ("in braces", |c| format!("{{ {c}\n}}")),
    ("in a subshell", |c| format!("( {c}\n)")),
    ("in two subshells", |c| format!("( ( {c}\n) )")),
    ("inverted", |c| format!("! {{ {c}\n}}")),
    ("timed", |c| format!("time {{ {c}\n}}")),
    ("in a condition", |c| format!("if {{ {c}\n}}; then ls; fi")),
    ("under a condition", |c| format!("if make; then {c}\nfi")),
    ("otherwise", |c| format!("if make; then ls; else {c}\nfi")),
    ("in a case", |c| format!("case $X in a) ls;; *) {c}\n;; esac")),
    ("in a loop", |c| format!("for i in 1 2; do {c}\ndone")),
    ("while something holds", |c| format!("while make; do {c}\ndone")),
    ("in a function", |c| format!("f() {{ {c}\n}}; f")),
    ("in a function of a function", |c| format!("f() {{ {c}\n}}; g() {{ f; }}; g x")),
    ("in a substitution", |c| format!("x=$({c}\n)")),
    ("in a quoted substitution", |c| format!("echo \"a $({c}\n)\"")),
    ("in a default", |c| format!("echo ${{_NONE:-$({c}\n)}}")),
    ("in arithmetic", |c| format!("echo $(( 1 + $({c}\n) ))")),
    ("in a here-document", |c| format!("cat <<{0}\n$({c}\n)\n{0}", end(c))),
    ("read by a shell", |c| format!("bash <<'{0}'\n{c}\n{0}", end(c))),
    ("in a process substitution", |c| format!("cat <({c}\n)")),
    ("in a test", |c| format!("[[ -n $({c}\n) ]]")),
    ("for eval", |c| format!("eval {}", quoted(c))),
    ("for eval of a variable", |c| format!("_CODE={}; eval \"$_CODE\"", quoted(c))),
    ("for bash", |c| format!("bash -c {}", quoted(c))),
    ("for sh behind wrappers", |c| format!("sudo -E env _A=1 nice -n 5 sh -c {}", quoted(c))),
    ("for a shell by way of a variable", |c| format!("_CODE={}; bash -c \"$_CODE\"", quoted(c))),
    ("for a shell with arguments", |c| format!("bash -c 'eval \"$1\"' sh {}", quoted(c))),
    ("in octal", |c| format!("eval $'{}'", octal(c))),
    ("printed into a shell", |c| format!("printf '%s\\n' {} | sh", quoted(c))),
    ("in base64", |c| format!("echo {} | base64 -d | bash", base64(c))),
    ("in a file", |c| format!("cat > /tmp/x{1}.sh <<'{0}'\n{c}\n{0}\nbash /tmp/x{1}.sh", end(c), c.len())),
    ("in a file that is sourced", |c| {
        format!("printf '%s\\n' {} > /tmp/x{1}; . /tmp/x{1}", quoted(c), c.len())
    }),
    ("at the end", |c| format!("trap {} EXIT", quoted(c))),
    ("in an array", |c| format!("a=({}); eval \"${{a[0]}}\"", quoted(c))),
    ("in a program", |c| format!("python3 -c {}", quoted(&format!("import os; os.system({c:?})")))),
    ("with a comment", |c| format!("{c}\n# nothing else")),
    ("with its output thrown away", |c| format!("{{ {c}\n}} > /dev/null 2>&1")),
];

/// Ways to hold a command as data.
const QUOTINGS: [Rewrite; 16] = [
    ("echo", |c| format!("echo {}", quoted(c))),
    ("printf", |c| format!("printf '%s\\n' {}", quoted(c))),
    ("grep", |c| format!("grep -rn -- {} .", quoted(c))),
    ("commit message", |c| format!("git commit -m {}", quoted(c))),
    ("log search", |c| format!("git log --grep {}", quoted(c))),
    ("issue", |c| format!("gh issue create --title x --body {}", quoted(c))),
    ("document", |c| format!("cat > notes.md <<'{0}'\n{c}\n{0}", end(c))),
    ("appended", |c| format!("cat >> notes.md <<'{0}'\n{c}\n{0}", end(c))),
    ("variable", |c| format!("TEXT={}; echo \"$TEXT\"", quoted(c))),
    ("comment", |c| format!("ls # {}", c.replace('\n', " "))),
    ("escalation", |c| format!("rig-escalate --reason {}", quoted(c))),
    ("search tool", |c| format!("rg -n -F {} src", quoted(c))),
    ("printed by a program", |c| format!("python3 -c {}", quoted(&format!("print({c:?})")))),
    ("json", |c| format!("jq -n --arg c {} '$c'", quoted(c))),
    ("compared", |c| format!("[ \"$CMD\" = {} ] && echo same", quoted(c))),
    ("array", |c| format!("cmds=({}); echo \"${{#cmds[@]}}\"", quoted(c))),
];

/// Returns the commands that are refused, with their rules and the packs that are on: the examples of the
/// rules, and then the cases.
fn refused() -> Vec<(String, String, Vec<Pack>)> {
    // What cannot be followed is about its own text.
    let examples = rules::all().filter(|rule| rule.id != "shell.unreadable").flat_map(|rule| {
        rule.denies.iter().map(|command| (rule.id.to_owned(), (*command).to_owned(), vec![rule.pack]))
    });
    let cases = cases::all().into_iter().filter(|case| !case.place.starts_with("unreadable.txt"));
    examples.chain(cases.filter_map(|case| Some((case.rule?, case.command, case.packs)))).collect()
}

/// Says whether everything is tried: all rewrites of all commands. Else all of the rules' examples, and of each
/// case some that a seed decides.
fn full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a test asks how long it may take")]
    std::env::var("RIG_TEST_DEPTH").is_ok_and(|depth| depth == "full")
}

/// Returns which of some rewrites are tried on a command.
fn chosen<'a>(all: &'a [Rewrite], some: usize, number: usize, random: &mut Random) -> Vec<&'a Rewrite> {
    let examples: usize = rules::all().map(|rule| rule.denies.len()).sum();
    if number < examples || full() {
        return all.iter().collect();
    }
    let first = random.below(all.len());
    (0..some).map(|n| &all[(first + n * 7) % all.len()]).collect()
}

fn rule(command: &str, packs: &[Pack]) -> Option<String> {
    judge::command(command, Some(CWD), &Session::with(Policy::with_packs(packs)))
        .map(|refused| refused.rule.to_string())
}

/// A generator that gives the same numbers on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn a_refused_command_stays_refused_however_it_is_run() {
    let mut wrong = Vec::new();
    let mut random = Random(20_260_300);
    for (number, (expected, command, packs)) in refused().into_iter().enumerate() {
        for (name, rewrite) in chosen(&REWRITES, 4, number, &mut random) {
            let rewritten = rewrite(&command);
            if rule(&rewritten, &packs).is_none() {
                wrong.push(format!("{name} ({expected}): {rewritten}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} let through:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_refused_command_stays_refused_under_several_rewrites() {
    let mut random = Random(20_260_301);
    let mut wrong = Vec::new();
    for (expected, command, packs) in refused() {
        for _ in 0..if full() { 8 } else { 2 } {
            let (mut rewritten, mut names) = (command.clone(), Vec::new());
            for _ in 0..3 {
                let (name, rewrite) = REWRITES[random.below(REWRITES.len())];
                names.push(name);
                rewritten = rewrite(&rewritten);
            }
            if rule(&rewritten, &packs).is_none() {
                wrong.push(format!("{} ({expected}): {rewritten}", names.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} let through:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_command_that_is_only_quoted_passes() {
    let mut wrong = Vec::new();
    let mut random = Random(20_260_303);
    for (number, (expected, command, _)) in refused().into_iter().enumerate() {
        for (name, quote) in chosen(&QUOTINGS, 3, number, &mut random) {
            let text = quote(&command);
            if let Some(found) = rule(&text, &[]) {
                wrong.push(format!("{name} ({expected}): {found}: {text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} refused:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_damage_to_the_text_makes_the_guard_fail() {
    let mut random = Random(20_260_302);
    const PIECES: [&str; 24] = [
        "'", "\"", "`", "$(", ")", "${", "}", "((", "))", "[[", "]]", "<<E\n", "\\", ";", "|", "&", "\n",
        "$'", "[", "]", "é", "{", "\0", "#",
    ];
    let commands: Vec<String> = refused().into_iter().map(|(_, command, _)| command).collect();
    for _ in 0..20_000 {
        let mut text: Vec<char> = commands[random.below(commands.len())].chars().collect();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len() + 1);
            match random.below(4) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => {
                    let piece = PIECES[random.below(PIECES.len())];
                    text.splice(at..at, piece.chars());
                }
                2 if at < text.len() => {
                    let other = random.below(text.len());
                    text.swap(at, other);
                }
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        // A panic is the failure.
        let _ = rule(&text, &[]);
    }
}
