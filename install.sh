#!/bin/sh
# Builds the hooks and installs them for Claude Code; `./install.sh --help` lists the options.
#
# It finds what a build needs, says what is missing, and hands over to `cargo xtask install`.
set -eu
cd -- "$(dirname -- "$0")"

missing() {
    printf 'install.sh: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
for dir in "${CARGO_HOME:-}/bin" "${HOME:-}/.cargo/bin"; do
    if ! command -v cargo >/dev/null 2>&1 && [ -x "$dir/cargo" ]; then
        PATH=$dir:$PATH
        export PATH
    fi
done
command -v cargo >/dev/null 2>&1 ||
    missing 'cargo is missing' "install Rust $needed or later, for example with rustup (https://rustup.rs)"

# Cargo cannot say this itself: an older one does not even read the manifest.
found=$(rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9]*\.[0-9]*\).*/\1/p')
[ -n "$found" ] || missing 'rustc does not run' "repair the Rust toolchain; version $needed or later is needed"
if [ "${found%%.*}" -lt "${needed%%.*}" ] ||
    { [ "${found%%.*}" -eq "${needed%%.*}" ] && [ "${found#*.}" -lt "${needed#*.}" ]; }; then
    missing "Rust $found is too old, version $needed is needed" 'for example: rustup update stable'
fi

command -v cc >/dev/null 2>&1 ||
    missing 'there is no C compiler and linker (cc)' 'on Debian and Ubuntu: apt-get install gcc libc6-dev'

exec cargo xtask install "$@"
