//! The commands of which the rest of the line is another command, with the options that they take.

use crate::index::Index;

/// What stands behind the options and operands of a wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// A name and arguments.
    Words,
    /// Words that are put together and given to a shell.
    Code,
    /// Any number of words, each of which is code.
    Codes,
    /// Nothing that is run, other than by an option.
    Nothing,
}

/// A wrapper. Lists are words with spaces between them; of the options only those with a value
/// matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrapper {
    pub(super) names: &'static str,
    /// The words between the name and the options, as in `docker compose exec`.
    pub(super) sub: &'static str,
    /// One-letter options that take a value.
    pub(super) short: &'static str,
    /// Long options that take the next word as their value.
    pub(super) long: &'static str,
    /// How many words stand before the command.
    pub(super) operands: usize,
    /// Options whose value is code.
    pub(super) code: &'static str,
    /// Options with which nothing is run.
    pub(super) inert: &'static str,
    /// Options that name the directory in which it runs.
    pub(super) directory: &'static str,
    /// `NAME=value` may stand before the command.
    pub(super) assigns: bool,
    /// It runs somewhere else.
    pub(super) elsewhere: bool,
    /// The command stands behind `--` alone.
    pub(super) dashes: bool,
    pub(super) rest: Rest,
}

const NONE: Wrapper = Wrapper {
    names: "",
    sub: "",
    short: "",
    long: "",
    operands: 0,
    code: "",
    inert: "",
    directory: "",
    assigns: false,
    elsewhere: false,
    dashes: false,
    rest: Rest::Words,
};

macro_rules! wrappers {
    ($($names:literal { $($field:ident: $value:expr),* $(,)? })*) => {
        &[$(Wrapper { names: $names, $($field: $value,)* ..NONE }),*]
    };
}

/// Which entries of [`WRAPPERS`] may have a name.
static INDEX: Index = {
    let (mut index, mut n) = (Index::new(), 0);
    while n < WRAPPERS.len() {
        index.add_list(WRAPPERS[n].names, n);
        n += 1;
    }
    index
};

/// Returns the wrappers of a name, in the order of the table.
pub(super) fn wrappers(name: &str) -> impl Iterator<Item = &'static Wrapper> {
    INDEX.of(name).iter().map(|n| &WRAPPERS[n]).filter(move |wrapper| lists(wrapper.names, name))
}

/// Says whether a list of words holds one. This is asked for every command, so it goes over bytes.
pub(super) fn lists(list: &str, word: &str) -> bool {
    let (list, word) = (list.as_bytes(), word.as_bytes());
    let Some(first) = word.first() else { return false };
    let mut at = 0;
    while at + word.len() <= list.len() {
        let end = at + word.len();
        if list[at] == *first && list[at..end] == *word && list.get(end).is_none_or(|b| *b == b' ') {
            return true;
        }
        while at < list.len() && list[at] != b' ' {
            at += 1;
        }
        at += 1;
    }
    false
}

/// Splits a list of so many words that are in order, while the program is built: a word is found in it by halves.
pub(super) const fn sorted<const COUNT: usize>(list: &'static str) -> [&'static str; COUNT] {
    let (mut words, mut found, mut rest, mut at) = ([""; COUNT], 0, list, 0);
    while at <= rest.len() {
        if at == rest.len() || rest.as_bytes()[at] == b' ' {
            let (word, behind) = rest.split_at(at);
            words[found] = word;
            found += 1;
            if behind.is_empty() {
                break;
            }
            (_, rest) = behind.split_at(1);
            at = 0;
        } else {
            at += 1;
        }
    }
    assert!(found == COUNT, "the list has another number of words");
    words
}

#[rustfmt::skip]
static WRAPPERS: &[Wrapper] = wrappers! {
    "sudo" { short: "ACDghpRrTtUu",
        long: "--user --group --host --prompt --chdir --chroot --close-from --role --type \
         --other-user --command-timeout --login-class --auth-type",
        inert: "-l --list -v --validate -k -K -e --edit -V --version -h", directory: "-D --chdir",
        assigns: true }
    "doas" { short: "uC", inert: "-L -C" }
    "run0" { short: "ugD",
        long: "--user --group --chdir --setenv --unit --property --slice --description --background \
         --machine --nice", directory: "-D --chdir" }
    "env genv" { short: "uCa", long: "--unset --chdir --argv0", directory: "-C --chdir", assigns: true }
    "nice" { short: "n", long: "--adjustment" }
    "ionice" { short: "cnpPu", long: "--class --classdata --pid --pgid --uid", inert: "-p --pid" }
    "timeout gtimeout" { short: "ks", long: "--kill-after --signal", operands: 1 }
    "nohup setsid busybox toybox unbuffer eatmydata catchsegv proxychains proxychains4 torsocks \
     torify tsocks chronic dumb-init tini catatonit setarch linux32 linux64 winpty with-contenv \
     dbus-run-session dbus-launch noglob nocorrect retry rlwrap grc annotate-output \
     ssh-agent dotenv dotenvx aoss padsp systemd-cat" { }
    "fakeroot fakechroot" { short: "lsibf", long: "--lib --faked --save-file --load-file --base" }
    "faketime" { short: "p", operands: 1 }
    "wine wine64" { }
    "time gtime" { short: "fo", long: "--format --output", inert: "--version --help" }
    "stdbuf gstdbuf" { short: "ioe", long: "--input --output --error" }
    "chrt" { short: "TPD", long: "--sched-runtime --sched-period --sched-deadline",
        inert: "-p --pid -m --max", operands: 1 }
    "taskset" { inert: "-p --pid", operands: 1 }
    "numactl" { short: "mNCip",
        long: "--membind --cpunodebind --physcpubind --interleave --preferred --localalloc" }
    "prlimit" { short: "o", inert: "-p --pid" }
    "chroot" { long: "--userspec --groups", operands: 1 }
    "flock lockf" { short: "wEtc", long: "--timeout --wait --conflict-exit-code", code: "-c --command",
        operands: 1 }
    "runuser" { short: "ugGcsw", long: "--user --group --supp-group --shell --whitelist-environment",
        code: "-c --command --session-command" }
    "su" { short: "gGcsw", long: "--group --supp-group --shell --whitelist-environment",
        code: "-c --command --session-command", rest: Rest::Nothing }
    "sg" { short: "c", code: "-c", operands: 1, rest: Rest::Code }
    "strace ltrace" { short: "aeoOpPsSuXEIb", long: "--output --attach --trace --user --env --signal" }
    "valgrind" { }
    "perf" { sub: "stat", short: "eCaGrIxo" }
    "perf" { sub: "record", short: "eFocC" }
    "perf" { sub: "trace", short: "eop" }
    "unshare" { short: "RwSG",
        long: "--propagation --setgroups --root --wd --setuid --setgid --map-user --map-group",
        directory: "-w --wd" }
    "nsenter" { short: "tSG", long: "--target --setuid --setgid" }
    "systemd-run" { short: "upEHMS",
        long: "--unit --property --uid --gid --setenv --working-directory --slice --description \
         --machine --host --on-active --on-boot --on-calendar --timer-property --service-type \
         --nice", directory: "--working-directory" }
    "systemd-inhibit" { long: "--what --who --why --mode" }
    "caffeinate" { short: "tw" }
    "pkexec" { short: "u", long: "--user" }
    "gosu su-exec setuidgid s6-setuidgid envdir s6-envdir setlock s6-setlock" { operands: 1 }
    "chpst" { short: "ugpmdfcortelLb" }
    "softlimit s6-softlimit" { short: "adfmopst" }
    "cpulimit" { short: "lpe", long: "--limit --pid --exe" }
    "trickle" { short: "udwlLNtn" }
    "setpriv" {
        long: "--reuid --regid --groups --inh-caps --ambient-caps --bounding-set --securebits \
         --pdeathsig --selinux-label --apparmor-profile" }
    "capsh" { code: "-c", rest: Rest::Nothing }
    "firejail" { }
    "xvfb-run" { short: "nsefpw",
        long: "--server-num --server-args --auth-file --error-file --wait --xauth-protocol" }
    // Code as a value or as the rest of the line.
    "watch gwatch" { short: "nq", long: "--interval", rest: Rest::Code }
    "script" { short: "cBEIoOTm", long: "--echo --log-in --log-out --log-io --log-timing --output-limit",
        code: "-c --command", rest: Rest::Nothing }
    // As on BSD: a file, and then a command.
    "script" { short: "cBEIoOTmtF", operands: 1 }
    "hyperfine" { short: "wmMrpcsSPLu",
        long: "--warmup --runs --min-runs --max-runs --export-json --export-markdown --export-csv \
         --shell --style --time-unit --parameter-list", code: "-p --prepare -c --cleanup -s --setup",
        rest: Rest::Codes }
    "entr" { short: "s", code: "-s" }
    "watchexec" { short: "weisfd", long: "--watch --exts --ignore --shell --filter --signal --debounce",
        rest: Rest::Code }
    "concurrently" { short: "npcm", long: "--names --prefix --kill-others-on-fail --max-processes",
        rest: Rest::Codes }
    "cargo" { sub: "watch", short: "swxi", code: "-s --shell", rest: Rest::Nothing }
    "cargo" { sub: "watch", dashes: true }
    "nix-shell" { short: "pAI", code: "--run --command", rest: Rest::Nothing }
    "guix" { sub: "shell", dashes: true }
    "guix" { sub: "environment", dashes: true }
    // Runners of language environments.
    "poetry pipenv pdm rye hatch pixi" { sub: "run", short: "CP", long: "--directory --project" }
    "pixi" { sub: "exec", short: "sc" }
    "uv" { sub: "run", short: "p", long: "--with --python --project --env-file --extra --group --package" }
    "conda mamba micromamba" { sub: "run", short: "np", long: "--name --prefix --cwd", directory: "--cwd" }
    "bundle bundler" { sub: "exec" }
    "npx bunx pnpx" { short: "cp", long: "--package --call", code: "-c --call --shell-mode" }
    "npm pnpm" { sub: "exec", short: "cpwFC",
        long: "--package --call --workspace --filter --prefix --dir", code: "-c --call --shell-mode" }
    "npm" { sub: "x", short: "cpwC", long: "--package --call --workspace --prefix", code: "-c --call" }
    "bun" { sub: "x" }
    "bun" { sub: "exec", rest: Rest::Code }
    "yarn" { sub: "exec", rest: Rest::Code }
    "pnpm yarn" { sub: "dlx", short: "cp", long: "--package", code: "-c --shell-mode" }
    "rbenv pyenv nodenv asdf mise rtx" { sub: "exec", short: "c", code: "-c --command" }
    "mise" { sub: "x", short: "c", code: "-c --command" }
    "cross-env-shell" { assigns: true, rest: Rest::Code }
    "direnv" { sub: "exec", operands: 1 }
    "aws-vault chamber vault envchain sops" { sub: "exec", dashes: true }
    "aws-vault chamber saml2aws" { sub: "exec", operands: 1 }
    "sops" { sub: "exec-env", operands: 1, rest: Rest::Code }
    "sops" { sub: "exec-file", operands: 1, rest: Rest::Code }
    "op doppler infisical teller bao" { sub: "run", code: "--command", dashes: true }
    "podman buildah" { sub: "unshare" }
    "buildah" { sub: "run", short: "v", operands: 1, elsewhere: true }
    "jj" { sub: "util exec", dashes: true }
    "ip" { sub: "netns exec", short: "n", operands: 1 }
    "ip" { sub: "vrf exec", operands: 1 }
    "asciinema" { sub: "rec", short: "ct", code: "-c --command", rest: Rest::Nothing }
    "toolbox distrobox flatpak-spawn snap" { elsewhere: true, dashes: true }
    "flatpak" { sub: "run", code: "--command", rest: Rest::Nothing }
    // Other machines and containers.
    "docker podman nerdctl finch" { sub: "exec", short: "euwHcl",
        long: "--env --env-file --user --workdir --detach-keys --index --file --project-name \
         --profile --project-directory --host --context --config --log-level --namespace --address",
 operands: 1, elsewhere: true }
    "docker podman nerdctl finch" { sub: "container exec", short: "euwHcl",
        long: "--env --env-file --user --workdir --detach-keys --index --file --project-name \
         --profile --project-directory --host --context --config --log-level --namespace --address",
 operands: 1, elsewhere: true }
    "docker podman nerdctl" { sub: "compose exec", short: "euwfp",
        long: "--env --env-file --user --workdir --detach-keys --index --file --project-name \
         --profile --project-directory --host --context --config --log-level --namespace --address",
 operands: 1, elsewhere: true }
    "docker-compose podman-compose" { sub: "exec", short: "euwfp",
        long: "--env --env-file --user --workdir --detach-keys --index --file --project-name \
         --profile --project-directory --host --context --config --log-level --namespace --address",
 operands: 1, elsewhere: true }
    "kubectl oc k kubecolor k3s microk8s" { sub: "exec", short: "ncfs",
        long: "--namespace --context --cluster --user --kubeconfig --server --token --as --container \
         --filename --request-timeout --pod-running-timeout", elsewhere: true, dashes: true }
    "kubectl oc k kubecolor" { sub: "debug", short: "ncfs",
        long: "--namespace --context --cluster --user --kubeconfig --server --token --as --container --image --profile \
         --target --copy-to --env --image-pull-policy", elsewhere: true, dashes: true }
    "kubectl oc k kubecolor" { sub: "exec", short: "ncfs",
        long: "--namespace --context --cluster --user --kubeconfig --server --token --as --container \
         --filename --request-timeout --pod-running-timeout", operands: 1, elsewhere: true }
    "oc" { sub: "rsh", short: "ncfs", operands: 1, elsewhere: true }
    "crictl ctr" { sub: "exec",
        long: "--namespace --context --cluster --user --kubeconfig --server --token --as --container \
         --filename --request-timeout --pod-running-timeout", operands: 1, elsewhere: true }
    "lxc incus" { sub: "exec", operands: 1, elsewhere: true }
    "lxc-attach" { short: "n", operands: 1, elsewhere: true }
    "machinectl" { sub: "shell", operands: 1, elsewhere: true }
    "vagrant" { sub: "ssh", short: "c", code: "-c --command", elsewhere: true, rest: Rest::Nothing }
    "fly flyctl" { sub: "ssh console", short: "Ca", code: "-C --command", elsewhere: true,
        rest: Rest::Nothing }
    "gcloud" { sub: "compute ssh", long: "--zone --project", code: "--command", elsewhere: true,
        rest: Rest::Nothing }
    "vagrant" { sub: "ssh", elsewhere: true, dashes: true }
    "gcloud" { sub: "compute ssh", long: "--zone --project", elsewhere: true, dashes: true }
    "gcloud" { sub: "beta compute ssh", long: "--zone --project", code: "--command", elsewhere: true,
        rest: Rest::Nothing }
    "az" { sub: "ssh vm", elsewhere: true, dashes: true }
    "heroku" { sub: "run:detached", short: "ar", long: "--app --remote", elsewhere: true, rest: Rest::Code }
    "heroku" { sub: "run", short: "ar", long: "--app --remote", elsewhere: true, rest: Rest::Code }
    "ssh autossh gsissh dropbear-ssh" { short: "BbcDEeFIiJLlmMOoPpQRSWw", operands: 1, elsewhere: true,
        rest: Rest::Code }
    "mosh" { short: "p", long: "--ssh --port --server --predict", elsewhere: true,
        dashes: true, rest: Rest::Code }
    "sshpass" { short: "pfdP" }
    "pdsh clush dsh pssh parallel-ssh" { short: "wxRlfugmhHopt", long: "--hosts --group", elsewhere: true,
        rest: Rest::Code }
    "adb" { sub: "shell", elsewhere: true, rest: Rest::Code }
    "wsl wsl.exe" { short: "du", elsewhere: true }
    // Things that type or run it in a window of their own.
    "tmux" { sub: "new-session", short: "LScefFnstxy", rest: Rest::Code }
    "tmux" { sub: "new", short: "LScefFnstxy", rest: Rest::Code }
    "tmux" { sub: "new-window", short: "LSacefFnt", rest: Rest::Code }
    "tmux" { sub: "neww", short: "LSacefFnt", rest: Rest::Code }
    "tmux" { sub: "split-window", short: "LSceflptF", rest: Rest::Code }
    "tmux" { sub: "splitw", short: "LSceflptF", rest: Rest::Code }
    "tmux" { sub: "respawn-pane", short: "LScet", rest: Rest::Code }
    "tmux" { sub: "respawn-window", short: "LScet", rest: Rest::Code }
    "tmux" { sub: "run-shell", short: "LSbct", rest: Rest::Code }
    "tmux" { sub: "run", short: "LSbct", rest: Rest::Code }
    "tmux" { sub: "if-shell", short: "LSbFt", rest: Rest::Codes }
    "tmux" { sub: "send-keys", short: "LStN", rest: Rest::Codes }
    "tmux" { sub: "send", short: "LStN", rest: Rest::Codes }
    "tmux" { sub: "pipe-pane", short: "LSt", rest: Rest::Codes }
    "zellij" { sub: "run", short: "nd", rest: Rest::Codes }
    "screen" { short: "cehpsStT", long: "--tabwidth" }
    "abduco dtach" { short: "nAcae" }
    "tsp nq" { short: "LDNES" }
    "pueue" { sub: "add", short: "gd", rest: Rest::Code }
    "tmux" { sub: "popup", short: "LSbcdehstTwxy", rest: Rest::Code }
    "tmux" { sub: "display-popup", short: "LSbcdehstTwxy", rest: Rest::Code }
    "zellij" { sub: "action write-chars", rest: Rest::Codes }
    "rr" { sub: "record" }
};

/// Shells. What they run stands in their options, in a file, or on their standard input.
pub(super) const SHELLS: [&str; 16] = [
    "sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "rbash", "fish", "ksh93", "yash", "posh", "csh",
    "tcsh", "bash.exe", "hush",
];
