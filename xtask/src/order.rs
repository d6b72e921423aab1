//! Which functions of the guard stand side by side in its file.
//!
//! A function is brought into memory with its neighbours, sixteen pages at a time. The few hundred that
//! nearly every call needs lie scattered over a file ten times their size; next to each other they need a
//! third of the page faults and half of the memory. The linker puts them there by a script of patterns
//! for their names, which is made from what typical commands come by. A function that the script does not
//! know stands where it always stood, so that a script which is out of date costs time and nothing else.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::context::Context;
use crate::error::{Doing, Result};
use crate::say;

/// Commands that are typical. What most of them need comes first.
const TYPICAL: [&str; 14] = [
    "cargo test -p app --locked && git add -A && git commit -m 'x'",
    "git status --short",
    "cd src && grep -rn 'fn main' . | head -20; cargo test -q 2>&1",
    "npm run build -- --prod",
    "DIR=build; mkdir -p \"$DIR\" && cp -r src/*.c \"$DIR\"/",
    "for f in *.rs; do wc -l \"$f\"; done",
    "if [ -f Makefile ]; then make -j4 2>&1 | tee log.txt; fi",
    "python3 -c 'print(1)'",
    "cat > notes.txt <<'END'\nhello\nEND\n",
    "docker compose up -d && docker logs -f web",
    "kubectl get pods -n default -o wide",
    "psql -c 'SELECT 1'",
    "rm -rf node_modules && npm ci && npm test",
    "git push --force origin main",
];

/// Returns the linker script.
pub(crate) fn script(cx: &Context) -> PathBuf {
    cx.root.join("crates/rig-guard/hot.ld")
}

/// Writes the linker script anew; `profile` says what a command comes by.
pub(crate) fn write(cx: &Context, profile: impl Fn(&str) -> Result<String>) -> Result<()> {
    let mut patterns: Vec<(String, usize)> = Vec::new();
    for command in TYPICAL {
        let profile = profile(command)?;
        let needed: BTreeSet<String> = functions(&profile).collect();
        // In the order in which they were met, among those that as many commands need.
        for pattern in functions(&profile) {
            if !patterns.iter().any(|(known, _)| *known == pattern) {
                patterns.push((pattern, 0));
            }
        }
        for (pattern, commands) in &mut patterns {
            *commands += usize::from(needed.contains(pattern));
        }
    }
    patterns.sort_by_key(|(_, commands)| Reverse(*commands));
    let count = patterns.len();
    // What is called seldom, as the compiler sees it, is in sections of another name.
    let line = |pattern: &str| format!("    *(.text.{pattern} .text.unlikely.{pattern})\n");
    let lines: String = patterns.iter().map(|(pattern, _)| line(pattern)).collect();
    let text = format!(
        "/* Written by `cargo xtask bench guard --order`, see xtask/src/order.rs. */\n\
         SECTIONS {{\n  .text.hot : {{\n{lines}  }}\n}}\nINSERT BEFORE .text;\n"
    );
    let path = script(cx);
    fs::write(&path, text).doing(|| format!("write {}", path.display()))?;
    say(&format!("wrote {count} functions to {}", path.display()));
    Ok(())
}

/// Returns patterns for the functions in a profile of callgrind, in its order.
fn functions(profile: &str) -> impl Iterator<Item = String> {
    let names = profile.lines().filter_map(|line| {
        let rest = line.strip_prefix("fn=(").or_else(|| line.strip_prefix("cfn=("))?;
        rest.split_once(") ").map(|(_, name)| name)
    });
    names.filter_map(pattern)
}

/// Returns a pattern for the name of a function that holds with every version of the compiler.
fn pattern(name: &str) -> Option<String> {
    // Callgrind numbers calls of a function from inside of itself.
    let name = name.split('\'').next().unwrap_or(name);
    let stable = if let Some((path, _)) = name.strip_prefix("_ZN").and_then(|rest| rest.rsplit_once("17h")) {
        format!("_ZN{path}17h*")
    } else if name.starts_with("_R") {
        without_hashes(name)
    } else if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        // A function of the C library.
        name.to_owned()
    } else {
        return None;
    };
    // `$` has a meaning of its own in linker scripts.
    Some(stable.replace('$', "?"))
}

/// Replaces the hashes of crates in a name of the newer form: `Cs2Nb3gJ4iU0I_5alloc`.
fn without_hashes(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find("Cs") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find('_').filter(|end| rest[2..*end].bytes().all(|b| b.is_ascii_alphanumeric()));
        match end {
            Some(end) => {
                out.push_str("Cs*_");
                rest = &rest[end + 1..];
            }
            None => {
                out.push_str("Cs");
                rest = &rest[2..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_patterns_without_what_changes_from_build_to_build() {
        for (name, expected) in [
            (
                "_ZN5rable5lexer5Lexer10read_token17h63b2d7fe3d9fa05eE",
                Some("_ZN5rable5lexer5Lexer10read_token17h*"),
            ),
            ("_ZN5rable4list17h63b2d7fe3d9fa05eE'2", Some("_ZN5rable4list17h*")),
            (
                "_ZN1a41_$LT$impl$u20$b..C$GT$3run17h63b2d7fe3d9fa05eE",
                Some("_ZN1a41_?LT?impl?u20?b..C?GT?3run17h*"),
            ),
            (
                "_RNvNvMs2_NtCs2Nb3gJ4iU0I_5alloc7raw_vecB8_7reserve",
                Some("_RNvNvMs2_NtCs*_5alloc7raw_vecB8_7reserve"),
            ),
            ("memcpy", Some("memcpy")),
            ("(below main)", None),
        ] {
            assert_eq!(pattern(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn functions_are_those_that_ran_or_were_called() {
        let profile = "events: Ir\nfn=(1) _ZN1a1b17h0123456789abcdefE\n1 2\ncfn=(2) _ZN1c17h0123456789abcdefE\ncalls=1 1\nfn=(1)\n";
        assert_eq!(functions(profile).collect::<Vec<_>>(), ["_ZN1a1b17h*", "_ZN1c17h*"]);
    }
}
