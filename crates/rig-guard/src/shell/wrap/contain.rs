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
