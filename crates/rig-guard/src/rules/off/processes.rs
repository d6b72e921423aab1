//! The commands that end processes: those of the rig, or whatever there is.

use regex_lite::Regex;

use crate::rules::pattern::{self, Piece};
use crate::shell::{Call, Word};
use crate::world::World;

/// The programs that watch the session, or tell of it.
const SERVICES: [&str; 3] = ["rig-conductor", "rig-report", "rig-guard"];

/// Where the service that runs for this user keeps its files, below the state directory.
const EMBEDDED: &str = "state/rig/conductor";

/// The refusal of such a command behind one that found out about a service.
pub(crate) const KILLED: &str = "it ends a service of the rig";

/// Says whether a command ends a service of the rig.
pub(super) fn ends(call: &Call<'_>, world: &dyn World) -> bool {
    let args = call.args();
    match call.name().unwrap_or("") {
        "kill" => kills(args, world),
        name @ ("pkill" | "killall" | "skill") => named(name, args),
        "fuser" => {
            let kills = args.iter().any(|word| word.text == "--kill" || is_bundle_with(word, 'k'));
            kills && args.iter().any(|word| word.text.contains(EMBEDDED) || is_port(&word.text, world))
        }
        "kill-port" => args.iter().any(|word| is_port(&word.text, world)),
        "systemctl" => {
            const VERBS: [&str; 6] = ["stop", "disable", "mask", "kill", "restart", "try-restart"];
            let machine =
                args.iter().any(|w| matches!(w.text.as_str(), "-H" | "--host" | "-M" | "--machine"));
            !machine && args.iter().any(|w| VERBS.contains(&w.text.as_str())) && args.iter().any(is_unit)
        }
        "service" | "rc-service" | "supervisorctl" | "sv" | "launchctl" => {
            const VERBS: [&str; 11] = [
                "stop",
                "down",
                "restart",
                "force-stop",
                "shutdown",
                "kill",
                "term",
                "exit",
                "unload",
                "bootout",
                "remove",
            ];
            args.iter().any(|w| VERBS.contains(&w.text.as_str())) && args.iter().any(names_service)
        }
        _ => false,
    }
}

/// Says whether a command finds out which process a service of the rig is.
pub(crate) fn finds_service(call: &Call<'_>) -> bool {
    // `grep '[r]ig-con'`
    let named = |word: &Word| {
        let text = &*word.text;
        text.contains("rig") && (text.contains("rig-con") || names_service(word) || text.contains(EMBEDDED))
            || text.contains('[') && text.replace(['[', ']'], "").contains("rig-con")
    };
    let finder = || {
        matches!(
            call.name(),
            Some(
                "ps" | "node"
                    | "ruby"
                    | "pgrep"
                    | "pidof"
                    | "grep"
                    | "egrep"
                    | "rg"
                    | "awk"
                    | "gawk"
                    | "cat"
                    | "jq"
                    | "head"
                    | "tail"
                    | "sed"
                    | "cut"
                    | "tr"
                    | "lsof"
                    | "ss"
                    | "fuser"
                    | "systemctl"
                    | "netstat"
                    | "python3"
            )
        )
    };
    let reads = || call.redirects.iter().any(|redirect| named(&redirect.target));
    let inside = || call.cwd.is_some_and(|cwd| cwd.contains(EMBEDDED));
    !call.other_home && (finder() && (call.args().iter().any(named) || inside()) || reads())
}

/// Says whether a command ends a process that is not known beforehand.
pub(crate) fn kills_unknown(call: &Call<'_>) -> bool {
    let asks = call.args().first().is_some_and(|word| matches!(word.text.as_str(), "-0" | "-l" | "-L"));
    call.name() == Some("kill") && !asks && operands(call.args()).any(|word| word.known().is_none())
}

fn names_service(word: &Word) -> bool {
    SERVICES[..2].iter().any(|service| word.text.contains(service))
}

fn operands(args: &[Word]) -> impl Iterator<Item = &Word> {
    args.iter().filter(|word| !word.text.starts_with('-'))
}

fn is_bundle_with(word: &Word, letter: char) -> bool {
    word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains(letter)
}

/// Says whether `kill` ends every process, or that of the service.
fn kills(args: &[Word], world: &dyn World) -> bool {
    let mut signal = None;
    let mut processes = Vec::new();
    let mut words = args.iter().map(|word| word.text.as_str()).peekable();
    while let Some(text) = words.next() {
        match text {
            "-s" | "-n" | "--signal" => signal = words.next(),
            "-q" | "--queue" => drop(words.next()),
            "--" => {}
            "-l" | "-L" | "--list" | "--table" => return false,
            _ if text.starts_with('-')
                && signal.is_none()
                && processes.is_empty()
                && args.len() > 1
                && !first_ended(args) =>
            {
                signal = Some(&text[1..]);
            }
            _ => processes.push(text),
        }
    }
    // Signal 0 only asks whether a process is there.
    signal != Some("0")
        && processes.iter().any(|process| {
            *process == "-1"
                || !process.is_empty()
                    && embedded(world, "pid").is_some_and(|own| process.trim_start_matches('-') == own)
        })
}

/// Says whether a `--` stands before everything else, so that no signal follows.
fn first_ended(args: &[Word]) -> bool {
    args.first().is_some_and(|word| word.text == "--")
}

/// Says whether a word is the port of the service, as `8080` or `8080/tcp`.
fn is_port(text: &str, world: &dyn World) -> bool {
    let port = text.split('/').next().unwrap_or("");
    !port.is_empty()
        && port.bytes().all(|b| b.is_ascii_digit())
        && embedded(world, "port").as_deref() == Some(port)
}

/// Returns a number of the running service: its `pid`, or its `port`.
fn embedded(world: &dyn World, key: &str) -> Option<String> {
    let state = world.outline().trees.iter().find(|tree| tree.ends_with("state/rig"))?;
    let file: serde_json::Value =
        serde_json::from_slice(&world.read(&format!("{state}/conductor/port"))?).ok()?;
    file[key].as_u64().map(|number| number.to_string())
}

/// Says whether `pkill` or its like ends one of the rig's programs by its name.
fn named(program: &str, args: &[Word]) -> bool {
    // Letters of options with a value.
    let valued = if program == "pkill" { "dgGPstuUFrON" } else { "nosyuZ" };
    let (mut patterns, mut user, mut files, mut expression, mut inverse) =
        (Vec::new(), false, false, program != "killall", false);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if !text.starts_with('-') || text == "-" {
            patterns.push(word);
        } else if let Some(long) = text.strip_prefix("--") {
            let name = long.split('=').next().unwrap_or("");
            user |= matches!(name, "user" | "euid" | "uid");
            inverse |= name == "inverse";
            expression |= name == "regexp";
            let with_value = [
                "signal",
                "user",
                "euid",
                "uid",
                "pidfile",
                "parent",
                "pgroup",
                "session",
                "terminal",
                "group",
                "older-than",
                "younger-than",
                "ns",
                "nslist",
            ];
            let value =
                if with_value.contains(&name) && !long.contains('=') { words.next() } else { Some(word) };
            files |= name == "pidfile" && value.is_some_and(|word| word.text.contains(EMBEDDED));
            if name == "signal" && value.is_some_and(|word| word.text.ends_with("=0") || word.text == "0") {
                return false;
            }
        } else {
            let letters = &text[1..];
            // A signal: `-9`, `-KILL`, `-SIGKILL`.
            if letters == "0" {
                return false;
            }
            if letters.len() > 1 && letters.bytes().all(|b| b.is_ascii_uppercase()) && program == "pkill"
                || letters.bytes().all(|b| b.is_ascii_digit())
            {
                continue;
            }
            user |= letters.contains(['u', 'U']);
            inverse |= letters.contains('v') && program == "pkill";
            expression |= letters.contains('r') && program == "killall";
            let last = letters.chars().last().unwrap_or(' ');
            if valued.contains(last) {
                let value = words.next();
                files |= last == 'F' && value.is_some_and(|word| word.text.contains(EMBEDDED));
            }
        }
    }
    // Everything of a user is this session, and what watches it.
    let all = user && patterns.is_empty();
    all || files || patterns.iter().any(|word| means_service(word, expression, inverse))
}

/// Says whether a pattern fits the name of one of the rig's programs.
fn means_service(word: &Word, expression: bool, inverse: bool) -> bool {
    let text = word.text.as_str();
    let literal = SERVICES.iter().any(|service| text.contains(service));
    if !expression || word.known().is_none() || text.len() > 200 {
        return literal;
    }
    let Ok(pattern) = Regex::new(text) else { return literal };
    // A path of the program may stand in the pattern, too.
    (literal || SERVICES.iter().any(|service| pattern.is_match(service))) != inverse
}

/// Says whether a word names the unit of a service, by a pattern too.
fn is_unit(word: &Word) -> bool {
    let piece = |c: char| match c {
        '*' => Piece::Any,
        '?' => Piece::One,
        c => Piece::Char(c),
    };
    let fits = |unit: &str| {
        let parts: Vec<Piece> = word.text.chars().map(piece).collect();
        word.text.contains('*') && pattern::matches(&parts, unit)
    };
    names_service(word) || fits("rig-conductor.service") || fits("rig-conductor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns_are_read_as_the_programs_do() {
        for (line, expected) in [
            ("pkill rig-conductor", true),
            ("pkill -9 conductor", true),
            ("pkill -f rig", true),
            ("pkill -f '[r]ig-conductor'", true),
            ("pkill -KILL rig.*", true),
            ("pkill ^rig-conductor$", true),
            ("pkill -x node", false),
            ("pkill -0 rig-conductor", false),
            ("pkill --signal 0 rig-conductor", false),
            ("pkill --signal TERM rig-conductor", true),
            ("pkill -u dev", true),
            ("pkill -u dev node", false),
            ("pkill -v node", true),
            ("pkill -f vite", false),
            ("pkill -P 1234", false),
            ("pkill rigid", false),
            ("pkill -F /home/dev/.local/state/rig/conductor/port", true),
            ("killall rig-report", true),
            ("killall rig", false),
            ("killall -r rig.*", true),
            ("killall -u dev", true),
            ("killall -9 node", false),
        ] {
            let words: Vec<Word> =
                line.split(' ').map(|word| Word::literal(word.trim_matches('\''))).collect();
            assert_eq!(named(&words[0].text, &words[1..]), expected, "{line}");
        }
    }
}
