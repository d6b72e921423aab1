//! What earlier commands of the same code say about a later one.
//!
//! Most rules look at one command alone. These need to know what ran before: what is piped into a
//! shell, whether every container was listed, whether the environment was printed.

use super::cloud::{self, STACK};
use super::containers::{self, EVERYTHING, Listing};
use super::line::{Line, Takes, lists};
use super::places::secret;
use super::secrets::{self, READ, SEND};
use super::strict::{SERVICE, UNREAD};
use super::{Call, Finding, Pack, Rule, Word, World};
use crate::shell::{Access, absolute};

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The command that has listed every container or image, and whether it may have been to look at them.
    everything: Option<(usize, bool)>,
    /// The same for a table and for names, while nothing has chosen among its lines.
    listed: Option<(usize, Listing)>,
    /// Plans to destroy everything, and by which command they were made.
    plans: Vec<(String, usize)>,
    /// Where files with secrets were copied or linked to, and by which command.
    copies: Vec<(String, usize)>,
    /// The command that has printed the environment.
    environment: Option<usize>,
    /// The command before prints code that sets up a shell, as `ssh-agent` does.
    setup: bool,
    /// Files that were fetched from the network, and by which command.
    fetched: Vec<(String, usize)>,
}

/// Programs that run code on their standard input or in a file.
const SHELLS: &str = "sh bash zsh dash ksh ash fish mksh";
const INTERPRETERS: &str = "python python2 python3 perl ruby node php deno bun";
/// Programs that print code for the shell that started them.
const SETUPS: &str = "ssh-agent gpg-agent keychain dircolors gdircolors lesspipe lesspipe.sh starship zoxide thefuck \
    direnv pyenv rbenv nodenv goenv jenv mise rtx asdf fnm volta opam conda mamba micromamba luarocks modulecmd resize \
    register-python-argcomplete tput atuin";
const SETUP_WORDS: &str = "completion completions shellenv shell-init docker-env podman-env activate";

impl Seen {
    /// Returns what a command is in the light of those before; `None` where that changes nothing.
    pub(crate) fn judge(&self, call: &Call<'_>, world: &dyn World) -> Option<(&'static Rule, Finding)> {
        let policy = world.policy();
        let on = |rule: &'static Rule| policy.has(rule.pack) && (rule.critical || !call.context.critical);
        let found = if on(&EVERYTHING)
            && let Some((by, looks)) = self.everything
            && containers::deletes_unknown(call, looks)
        {
            Some((&EVERYTHING, Finding::default().with([by])))
        } else if on(&STACK)
            && !self.plans.is_empty()
            && let Some(by) =
                cloud::applied(call).and_then(|plan| self.plans.iter().find(|(own, _)| own == plan))
        {
            Some((&STACK, Finding::new("the plan is one to destroy everything").with([by.1])))
        } else if on(&READ)
            && let Some(by) = self.copied_by(call)
        {
            Some((&READ, Finding::new("it is a copy of a file with secrets").with([by])))
        } else if on(&UNREAD) && !self.setup && self.unread(call) {
            let fetched = call.words.iter().find_map(|word| self.fetched_by(word, call));
            Some((&UNREAD, Finding::default().with(fetched)))
        } else if on(&SEND)
            && let Some(by) = self.environment
            && call.name().is_some_and(secrets::sends)
            && has_unknown(call)
        {
            Some((&SEND, Finding::new("the environment was printed before").with([by])))
        } else if on(&SERVICE) && stops_script(call) {
            Some((&SERVICE, Finding::default()))
        } else if on(&READ) && call.words.is_empty() {
            // `$(< FILE)`
            let mut files = call.redirects.iter().filter(|r| r.access == Access::Read);
            files.find_map(|file| {
                let what = secret(&file.target, call.cwd, world)?;
                Some((&READ, Finding::new(format!("{} holds {what}", file.target.display()))))
            })
        } else {
            None
        };
        found.filter(|(rule, _)| !policy.excepts(rule, call, world))
    }

    /// Notes a command by its number.
    pub(crate) fn note(&mut self, number: usize, call: &Call<'_>, world: &dyn World) {
        let policy = world.policy();
        if ![Pack::Cloud, Pack::Containers, Pack::Strict, Pack::Secrets]
            .into_iter()
            .any(|pack| policy.has(pack))
        {
            return;
        }
        let Some(name) = call.name() else { return };
        self.note_listing(number, name, call);
        if policy.has(Pack::Cloud)
            && let Some((plan, destroys)) = cloud::planned(call)
        {
            self.plans.retain(|(own, _)| *own != plan);
            if destroys {
                self.plans.push((plan, number));
            }
        }
        if policy.has(Pack::Secrets) && matches!(name, "cp" | "ln" | "mv" | "install") {
            self.copies.extend(copied(call, world).map(|path| (path, number)));
        }
        if matches!(name, "env" | "printenv" | "set" | "export" | "declare")
            && call.args().iter().all(|word| matches!(word.text.as_str(), "-0" | "-p" | "-x" | "-px"))
        {
            self.environment = Some(number);
        }
        self.setup = lists(SETUPS, name)
            || !matches!(name, "curl" | "wget" | "cat" | "echo")
                && (call.args().iter().any(|word| lists(SETUP_WORDS, &word.text))
                    || call
                        .args()
                        .first()
                        .is_some_and(|word| matches!(word.text.as_str(), "init" | "hook" | "env")));
        if matches!(name, "curl" | "wget" | "aria2c") {
            self.fetched.extend(fetched(name, call).into_iter().map(|path| (path, number)));
        }
    }

    fn note_listing(&mut self, number: usize, name: &str, call: &Call<'_>) {
        if let Some(listing) = containers::listing(call) {
            match listing {
                Listing::Ids => self.everything = Some((number, false)),
                Listing::Names => {
                    (self.everything, self.listed) = (Some((number, true)), Some((number, listing)));
                }
                Listing::Table => self.listed = Some((number, listing)),
            }
        } else if let Some((by, listing)) = self.listed
            && name != "xargs"
        {
            match (containers::column(call), listing) {
                // A column of the whole table is as good as the names.
                (Some(true), _) => self.everything = Some((by, true)),
                (Some(false), Listing::Names) => (self.everything, self.listed) = (None, None),
                _ => self.listed = None,
            }
        }
    }

    /// Returns the number of the command that has made a copy of secrets which a command shows.
    fn copied_by(&self, call: &Call<'_>) -> Option<usize> {
        if self.copies.is_empty() || !READ.programs.contains(&call.name()?) || call.name() == Some("cp") {
            return None;
        }
        secrets::shown(call)?.into_iter().find_map(|word| {
            let path = absolute(call.cwd, word.known()?)?;
            self.copies.iter().find(|(own, _)| *own == path).map(|(_, by)| *by)
        })
    }

    /// Returns the number of the command that has fetched a file.
    fn fetched_by(&self, word: &Word, call: &Call<'_>) -> Option<usize> {
        let path = word.known().filter(|_| !self.fetched.is_empty())?;
        let path = absolute(call.cwd, path)?;
        self.fetched.iter().find(|(own, _)| *own == path).map(|(_, by)| *by)
    }

    fn unread(&self, call: &Call<'_>) -> bool {
        let Some(name) = call.name() else { return false };
        let args = call.args();
        let unknown = |word: &Word| word.is_unknown();
        let known_to_be_fetched = |word: &Word| self.fetched_by(word, call).is_some();
        let shell = lists(SHELLS, name);
        if shell || lists(INTERPRETERS, name) {
            let code = args.iter().position(|word| {
                let text = word.text.as_str();
                let short = text.starts_with('-') && !text.starts_with("--") && !word.is_unknown();
                short && text.contains('c') && shell
                    || matches!(text, "-c" | "-e" | "-r" | "--eval" | "-p" | "-pe")
            });
            // It looks at the grammar alone.
            let checks =
                args.iter().take_while(|word| word.text.starts_with('-')).any(|word| word.text == "-n");
            if shell && checks {
                return false;
            }
            if let Some(at) = code {
                return args.get(at + 1).is_some_and(unknown);
            }
            // Options of `-s` and `-` leave the code on the input; a module is named.
            if args.iter().any(|word| matches!(word.text.as_str(), "-m" | "--version" | "--help" | "-V")) {
                return false;
            }
            let file = args.iter().find(|word| !word.text.starts_with('-') || word.is_unknown());
            let inputs = args.iter().any(|word| matches!(word.text.as_str(), "-s" | "-"));
            return match file.filter(|_| !inputs) {
                Some(file) => known_to_be_fetched(file) || opens_unknown(call, file),
                None => call.input.is_some_and(unknown),
            };
        }
        match name {
            "eval" => !args.is_empty() && args.iter().all(unknown),
            "source" | "." => {
                args.first().is_some_and(|file| known_to_be_fetched(file) || opens_unknown(call, file))
            }
            _ => call.words.first().is_some_and(|word| word.text.contains('/') && known_to_be_fetched(word)),
        }
    }
}

/// Says whether a file is what an unknown program prints: `<(curl ...)`.
fn opens_unknown(call: &Call<'_>, file: &Word) -> bool {
    file.text.starts_with("/dev/fd/") && call.written(&file.text).is_none_or(Word::is_unknown)
        || file.text == "/dev/stdin" && call.input.is_some_and(Word::is_unknown)
}

/// Returns where a command copies, moves or links a file with secrets to.
fn copied(call: &Call<'_>, world: &dyn World) -> Option<String> {
    let files: Vec<&Word> = call.args().iter().filter(|word| !word.text.starts_with('-')).collect();
    let [source, target] = files[..] else { return None };
    secret(source, call.cwd, world)?;
    let path = absolute(call.cwd, target.known()?)?;
    Some(if target.text.ends_with('/') {
        format!("{path}/{}", source.text.rsplit('/').next()?)
    } else {
        path
    })
}

/// Says whether a command is the script of a service, told to stop: `/etc/init.d/nginx stop`.
fn stops_script(call: &Call<'_>) -> bool {
    let [program, deed, ..] = call.words else { return false };
    let script = ["/etc/init.d/", "/etc/rc.d/"].iter().any(|dir| program.text.starts_with(dir));
    script && matches!(deed.text.as_str(), "stop" | "restart" | "force-stop")
}

fn has_unknown(call: &Call<'_>) -> bool {
    call.input.is_some_and(Word::is_unknown)
        || call.args().iter().any(|word| word.unknowns().next().is_some() || word.text.ends_with("@-"))
}

/// Returns the files that a command fetches from the network.
fn fetched(name: &str, call: &Call<'_>) -> Vec<String> {
    let takes = match name {
        "curl" => Takes::These(
            "o output output-dir H header u user d data X request A e b w m retry max-time connect-timeout",
        ),
        _ => Takes::These("O output-document o P directory-prefix d dir out header U"),
    };
    let line = Line::of(call, takes);
    let named = if name == "curl" { "o output" } else { "O output-document out" };
    let mut files: Vec<Word> = line.values(named).cloned().collect();
    if files.is_empty() && (name != "curl" || line.has("O remote-name remote-name-all J")) {
        let last = |word: &&Word| word.text.rsplit('/').next().map(str::to_owned);
        let dir = line.values("P directory-prefix d dir output-dir").next().map_or("", |w| w.text.as_str());
        files.extend(
            line.operands
                .iter()
                .filter_map(last)
                .map(|name| Word::literal(if dir.is_empty() { name } else { format!("{dir}/{name}") })),
        );
    }
    let written = call.writes().cloned();
    let paths = files.into_iter().chain(written).filter_map(|file| absolute(call.cwd, file.known()?));
    paths.collect()
}
