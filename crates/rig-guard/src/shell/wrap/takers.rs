//! Programs that are known not to run their arguments.
//!
//! Behind a program of which nothing is known, words that look like a dangerous command are taken
//! for one. Behind these they are text.

const KNOWN: &str = "
alias builtin command export declare local readonly typeset
7z ack ag aider alembic ansible-playbook apropos apt apt-cache apt-get ar aria2c as awk aws az
b2sum banner base32 base64 basename bat batcat bc bg bind biome black brew bun bzip2 cal caller
cargo cat cc cheat chgrp chmod chown clang claude clear cmake cmp code codex column comm compgen
complete compopt composer cowsay cp createdb createuser crontab csplit curl cut date dd ddrescue
deno df dialog diff difft dig dir dirname dirs disown dmesg docker dotnet dpkg dropdb dropuser du
duckdb echo egrep emacs enable esbuild eslint etckeeper expand expr fc fd fdfind fg fgrep figlet
file find flake8 fmt fold free fzf g++ gawk gcc gcloud gem gemini gh ghc git gitk glab glow go
gofmt gpg gradle grep groups gsed gsutil gum gunzip gzip hash head helm help hexdump history host
hostname htop http hub id info install ip java javac jest jj jobs join journalctl jq js just k6
kill killall kubectl ld less llm ln locate logger logout look ls lsof mail mailx make man mapfile
mariadb md5sum meson minikube mkdir mkfifo mktemp mods mongosh more mount mutt mv mvn mycli mypy
mysql mysqladmin mysqldump nano nc ncat netcat ninja nl nm node notify-send npm nslookup ntfy nvim
objdump oc od open openssl osascript passwd paste patch pdflatex perl pg_dump pg_restore pgcli
pgrep php ping pip pip3 pkg pkill pnpm podman pr prettier print printenv printf protoc ps psql pv
pwd pylint pytest python python3 rails rake readelf readlink realpath redis-cli rename rg
rig-conductor rig-escalate rig-guard rig-hooks-sync rig-prime rig-report rm rmdir rpm rsync
rubocop ruby ruff rustc rustfmt rustup say scp sdiff sed sendmail seq set sftp sha1sum sha256sum
shasum shellcheck shfmt shopt shred shuf slack sleep sort split sqlcmd sqlite3 stat strings stty
sum suspend svn swift sync sysctl systemctl tac tail tar tee telnet terminal-notifier terraform
test times tldr tofu top touch tput tr trap tree truncate tsc tty type ulimit umask uname unexpand
uniq unlink unset unzip uptime usql vacuumdb vi vim vitest w wait wall wc wget whatis whereis
which whiptail who whoami whois write xdg-open xxd xz yarn yes yq zcat zenity zgrep zip zstd
";

/// How cmdlets of PowerShell begin that run nothing but blocks of code.
const VERBS: &str = "
compare convertfrom convertto debug export find format get group import join measure out read
resolve save search select show sort split test trace update write
";

/// Says whether a program is known not to run its arguments.
pub(in crate::shell) fn is_known(name: &str) -> bool {
    let verb = name.split_once('-').map(|(verb, _)| verb.as_bytes()).filter(|verb| !verb.is_empty());
    if verb.is_some_and(|verb| VERBS.as_bytes().split(u8::is_ascii_whitespace).any(|known| known == verb)) {
        return true;
    }
    KNOWN.as_bytes().split(u8::is_ascii_whitespace).any(|known| known == name.as_bytes())
}
