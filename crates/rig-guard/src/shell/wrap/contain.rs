//! Commands in a container that is made for them: what it sees of this machine.

use super::super::absolute;
use super::super::word::Word;
use super::table::{SHELLS, lists};
use super::{Unwrapped, operand_from, values};

/// One-letter options of `run` that take a value.
const SHORT: &str = "eimuvwhplacHf";
/// One-letter options that take none, though the letter does elsewhere.
const FLAGS: &[&str] = &["-i", "-it", "-ti", "-t", "-d", "-P", "-q", "-dit", "-itd"];
const LONG: &str = "--env --env-file --user --volume --mount --workdir --name --network --net --hostname --publish \
    --label --add-host --cap-add --cap-drop --cpus --device --dns --entrypoint --expose --gpus --group-add --ip --ipc \
    --link --log-driver --log-opt --memory --pid --platform --pull --restart --runtime --security-opt --shm-size \
    --stop-signal --sysctl --tmpfs --ulimit --userns --uts --volumes-from --annotation --attach --cidfile --cgroupns \
    --health-cmd --host --context --config --log-level --file --project-name --profile --project-directory --image \
    --namespace --overrides --port --labels --replicas --kubeconfig --cluster --server --restart-policy --arch --secret";

/// Where a container that shares the machine's processes sees the root directory of the machine.
const FIRST: &str = "/proc/1/root";

/// Reads `nsenter` and `chroot` in a container, which lead to what it sees of this machine; `None` where they
/// do not.
pub(super) fn leave(
    name: &str,
    words: &[Word],
    mounts: &[(String, String)],
    cwd: Option<&str>,
) -> Option<Unwrapped> {
    let root = match name {
        "chroot" => operand_from(words, 1, "", "--userspec --groups")?,
        _ => 0,
    };
    let directory = if root > 0 { words[root].known()?.to_owned() } else { FIRST.to_owned() };
    let mut at =
        if root > 0 { root + 1 } else { operand_from(words, 1, "tSG", "--target --setuid --setgid")? };
    if root == 0 {
        let first = values(words, at, "-t --target", "tSG").iter().any(|w| w.text == "1");
        let letters = |w: &Word| w.text.starts_with('-') && !w.text.starts_with("--");
        let files = words[1..at].iter().any(|w| {
            letters(w) && w.text.contains(['m', 'a', 'r']) || lists("--mount --all --root", &w.text)
        });
        if !first || !files {
            return None;
        }
    }
    at += usize::from(words.get(at).is_some_and(|w| w.text == "--"));
    if at >= words.len() {
        return None;
    }
    let directory = absolute(cwd, &directory)?;
    Some(Unwrapped::Contained { at, mounts: seen_from(&directory, mounts), directory: None, code: None })
}

/// Returns what is seen of this machine from a directory in a container.
fn seen_from(directory: &str, mounts: &[(String, String)]) -> Vec<(String, String)> {
    let below = |path: &str, dir: &str| {
        let rest = path.strip_prefix(dir.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
    };
    let outer = mounts.iter().filter_map(|(inside, outside)| {
        let rest = below(directory, inside)?;
        Some((inside.len(), ("/".to_owned(), format!("{}{rest}", outside.trim_end_matches('/')))))
    });
    let mut seen: Vec<(String, String)> =
        outer.max_by_key(|(length, _)| *length).map(|(_, mount)| mount).into_iter().collect();
    seen.extend(mounts.iter().filter_map(|(inside, outside)| {
        let rest = below(inside, directory).filter(|rest| !rest.is_empty())?;
        Some((rest, outside.clone()))
    }));
    seen
}

/// Reads `docker run IMAGE COMMAND` and its kind; `None` for other commands.
pub(super) fn run(words: &[Word], cwd: Option<&str>) -> Option<Unwrapped> {
    let name = words[0].text.rsplit('/').next()?;
    let mut at = operand(words, 1, "Hcfpn")?;
    let mut sub = words[at].text.as_str();
    if matches!(sub, "container" | "compose") {
        at = operand(words, at + 1, "fp")?;
        sub = words[at].text.as_str();
    }
    if !matches!(sub, "run" | "create") {
        return None;
    }
    let image = operand(words, at + 1, SHORT)?;
    let kubernetes = matches!(name, "kubectl" | "oc");
    let options: Vec<Word> =
        std::iter::once(words[0].clone()).chain(words[at + 1..image].iter().cloned()).collect();
    let value = |names: &str| values(&options, options.len(), names, if kubernetes { "n" } else { SHORT });
    let mut mounts: Vec<(String, String)> = Vec::new();
    for word in value("-v --volume") {
        let mut parts = word.text.splitn(3, ':');
        if let (Some(host), Some(inside)) = (parts.next(), parts.next())
            && host.starts_with(['/', '.', '~'])
            && let Some(host) = absolute(cwd, host)
        {
            mounts.push((inside.to_owned(), host));
        }
    }
    for word in value("--mount") {
        let field = |names: [&str; 3]| {
            let mut fields = word.text.split(',').filter_map(|field| field.split_once('='));
            fields.find_map(|(key, value)| names.contains(&key).then(|| value.to_owned()))
        };
        let bind = word.text.contains("type=bind");
        let (host, inside) = (field(["source", "src", "from"]), field(["target", "dst", "destination"]));
        if let (true, Some(host), Some(inside)) = (bind, host, inside)
            && let Some(host) = absolute(cwd, &host)
        {
            mounts.push((inside, host));
        }
    }
    // The disks are those of this machine.
    if options.iter().any(|w| w.text == "--privileged") || !value("--device").is_empty() {
        mounts.push(("/dev".to_owned(), "/dev".to_owned()));
    }
    // The root directory of this machine's first process is that of the machine.
    if value("--pid").iter().any(|w| w.text == "host") {
        mounts.push((FIRST.to_owned(), "/".to_owned()));
    }
    let directory = value("-w --workdir").pop();
    let mut command = image + 1;
    if kubernetes {
        command = words.iter().position(|w| w.text == "--").filter(|at| *at > image)? + 1;
    }
    let entry = value("--entrypoint").pop();
    let code = match entry {
        Some(entry) => {
            let rest: Vec<String> = words[command.min(words.len())..].iter().map(Word::to_quoted).collect();
            Some(format!("{} {}", entry.to_quoted(), rest.join(" ")))
        }
        None => None,
    };
    if code.is_none() && command >= words.len() {
        return Some(Unwrapped::Itself);
    }
    // The image may begin the command with a shell or a wrapper of its own: `-c CODE`.
    let code = code.or_else(|| {
        let bare = words[command].text == "-c" && words.len() > command + 1;
        bare.then(|| format!("{} {}", SHELLS[0], super::join(&words[command..])))
    });
    Some(Unwrapped::Contained { at: command.min(words.len()), mounts, directory, code })
}

/// Returns where the first word stands that is no option.
fn operand(words: &[Word], from: usize, short: &str) -> Option<usize> {
    let mut at = from;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        if !text.starts_with('-') {
            return Some(at);
        }
        if FLAGS.contains(&text) {
            at += 1;
        } else if text.starts_with("--") {
            at += 1 + usize::from(lists(LONG, text));
        } else {
            return operand_from(words, at, short, LONG).and_then(|next| {
                // One option at a time, since some are flags.
                let only = operand_from(&words[..(at + 2).min(words.len())], at, short, LONG);
                if next == at + 1 || only.is_some() {
                    operand(words, at + 1, short)
                } else {
                    operand(words, at + 2, short)
                }
            });
        }
    }
    None
}
