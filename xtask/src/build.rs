//! Builds the hooks: each with its own call of cargo, so that no feature of one leaks into
//! another, and statically linked, so that no `LD_*` variable can reach them. The service is built as any
//! program is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::context::Context;
use crate::error::{Doing, Error, Result};
use crate::{complain, order, process, say};

/// The programs that sessions start or people call, each a package of the same name.
pub(crate) const PROGRAMS: [&str; 5] =
    ["rig-guard", "rig-prime", "rig-report", "rig-hooks-sync", "rig-escalate"];

/// The service, a package of the same name.
pub(crate) const SERVICE: &str = "rig-conductor";

/// What a build of the service for tests alone holds.
const TEST_HOOKS: [&str; 2] = ["/test/clock", "RIG_CONDUCTOR_DIE_AT"];

/// The program whose static linkage is a matter of security.
const GUARD: &str = "rig-guard";

/// Linked without a dynamic loader, at a fixed address: nothing is left to do before `main`.
const STATIC: [&str; 4] = ["-C", "target-feature=+crt-static", "-C", "relocation-model=static"];

/// Whether a processor has instructions for a digest is asked by one that leaves a virtual machine, which
/// takes longer than the digests of a hook: they do without.
const PLAIN_DIGESTS: [&str; 2] = ["--cfg", "sha2_256_backend=\"soft\""];

/// How long `rustup` may take to add a target.
const RUSTUP_LIMIT: Duration = Duration::from_secs(300);

/// A program and where cargo put it.
#[derive(Debug)]
pub(crate) struct Built {
    /// Its name.
    pub(crate) name: &'static str,
    /// The file.
    pub(crate) file: PathBuf,
}

/// What is built for.
#[derive(Debug)]
pub(crate) struct Target {
    /// Cargo's name of it.
    pub(crate) triple: String,
    /// The C compiler for code of dependencies, where the default would not be found.
    compiler: Option<&'static str>,
}

/// Builds every program of the rig and checks that each is static.
pub(crate) fn programs(cx: &Context) -> Result<Vec<Built>> {
    let target = Target::choose(cx)?;
    let mut built = Vec::new();
    for name in PROGRAMS {
        say(&format!("building {name} for {}", target.triple));
        let file = target.build(cx, name, name)?;
        if !is_static(&file)? {
            let message = format!("{name} is linked dynamically");
            if name == GUARD {
                return Err(Error::new(format!(
                    "{message}: a project's settings could set `LD_PRELOAD` and disarm it"
                ))
                .hint(STATIC_HINT));
            }
            complain(&format!("warning: {message}, so every start of it costs more"));
        }
        built.push(Built { name, file });
    }
    Ok(built)
}

/// Builds the service, and checks that nothing is in it by which a test moves the clock. It lives long
/// and keeps running when a request panics: so it is linked with the machine's C library, and unwinds.
pub(crate) fn service(cx: &Context) -> Result<Built> {
    say(&format!("building {SERVICE}"));
    let mut cargo = cx.cargo();
    cargo
        .args(["build", "--locked", "--release", "--package", SERVICE, "--bin", SERVICE])
        .args(["--message-format", "json-render-diagnostics"]);
    let file = build(&mut cargo, SERVICE)?;
    let bytes = std::fs::read(&file).doing(|| format!("read {}", file.display()))?;
    if let Some(found) = TEST_HOOKS.iter().find(|name| contains(&bytes, name.as_bytes())) {
        return Err(Error::new(format!("{SERVICE} was built for tests: `{found}` is in it")));
    }
    Ok(Built { name: SERVICE, file })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Builds the program that does nothing, the same way.
pub(crate) fn noop(cx: &Context) -> Result<PathBuf> {
    Target::choose(cx)?.build(cx, "xtask", "noop")
}

/// Builds the program that measures one run of another.
pub(crate) fn launch(cx: &Context) -> Result<PathBuf> {
    Target::choose(cx)?.build(cx, "xtask", "launch")
}

/// Builds the guard as it is installed.
pub(crate) fn guard(cx: &Context) -> Result<PathBuf> {
    Target::choose(cx)?.build(cx, GUARD, GUARD)
}

/// Builds the guard with the names of its functions, in the order in which they come.
pub(crate) fn with_symbols(cx: &Context) -> Result<PathBuf> {
    let cx = cx.clone().with("CARGO_PROFILE_HOOK_STRIP", "none");
    Target::choose(&cx)?.build_ordered(&cx, GUARD, GUARD, None)
}

const STATIC_HINT: &str = "`rustup target add` the musl target of this machine, or install the C library's \
static files (Debian: libc6-dev)";

impl Target {
    /// Chooses musl where its target is there or can be added, else static glibc.
    pub(crate) fn choose(cx: &Context) -> Result<Self> {
        let version = process::read(cx.cargo().arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or_else(|| Error::new("`cargo -vV` names no host"))?;
        let Some((machine, "linux")) = host
            .split_once("-unknown-")
            .map(|(m, rest)| (m, rest.split_once('-').map_or(rest, |(system, _)| system)))
        else {
            return Err(Error::new(format!("{host} is not supported: the hooks are built for Linux")));
        };
        let compiler = ["gcc", "cc", "clang"].into_iter().find(|name| cx.find(name).is_some());
        let Some(compiler) = compiler else {
            return Err(Error::new("there is no C compiler").hint("install gcc and libc6-dev, or the like"));
        };
        let musl = format!("{machine}-unknown-linux-musl");
        if has_target(cx, &musl)? || add_target(cx, &musl) {
            let compiler = cx.find("musl-gcc").is_none().then_some(compiler);
            return Ok(Self { triple: musl, compiler });
        }
        let libc = process::read(cx.command(compiler).arg("-print-file-name=libc.a"))?;
        if !Path::new(&libc).is_absolute() {
            return Err(Error::new(format!(
                "a static program cannot be built here: no target {musl}, and no static C library"
            ))
            .hint(STATIC_HINT));
        }
        say(&format!(
            "the target {musl} cannot be added: linking glibc statically, which starts more slowly"
        ));
        Ok(Self { triple: host.to_owned(), compiler: None })
    }

    /// Builds one program in the profile for hooks and returns its file.
    fn build(&self, cx: &Context, package: &str, program: &str) -> Result<PathBuf> {
        if program == GUARD {
            let script = order::script(cx);
            let ordered = self.build_ordered(cx, package, program, Some(&script));
            if ordered.is_ok() {
                return ordered;
            }
            complain("trying again without an order of functions: not every linker takes one");
        }
        self.build_ordered(cx, package, program, None)
    }

    fn build_ordered(
        &self,
        cx: &Context,
        package: &str,
        program: &str,
        order: Option<&Path>,
    ) -> Result<PathBuf> {
        let mut cargo = cx.cargo();
        cargo
            .args(["rustc", "--locked", "--profile", "hook", "--package", package, "--bin", program])
            .args(["--target", &self.triple, "--message-format", "json-render-diagnostics"])
            .env("CARGO_ENCODED_RUSTFLAGS", rust_flags(cx));
        if program == "launch" {
            cargo.args(["--features", "launch"]);
        }
        if let Some(compiler) = self.compiler {
            let variable = format!("CC_{}", self.triple.replace('-', "_"));
            if cx.var(&variable).is_none() {
                cargo.env(variable, compiler);
            }
        }
        if let Some(order) = order {
            let text = std::fs::read(order).doing(|| format!("read {}", order.display()))?;
            // Cargo does not look into the script, so another one has to be another call.
            let digest =
                text.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
            cargo.args(["--", "-C"]).arg(format!("link-arg=-Wl,-T,{}", order.display()));
            cargo.args(["-C", &format!("metadata={digest:x}")]);
        }
        self::build(&mut cargo, program)
    }
}

/// Runs a call of cargo and returns the file of the program that it has built.
fn build(cargo: &mut Command, program: &str) -> Result<PathBuf> {
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.doing(|| format!("start {}", process::shown(cargo)))?;
    if !output.status.success() {
        return Err(Error::new(format!("{program} could not be built, see above")));
    }
    executable(&String::from_utf8_lossy(&output.stdout), program)
        .ok_or_else(|| Error::new(format!("cargo named no file of {program}")))
}

/// Joins the user's own flags and ours, the way cargo takes them from the environment.
fn rust_flags(cx: &Context) -> String {
    let own: Vec<&str> = match cx.var("CARGO_ENCODED_RUSTFLAGS") {
        Some(flags) => flags.split('\u{1f}').collect(),
        None => cx.var("RUSTFLAGS").unwrap_or_default().split_whitespace().collect(),
    };
    own.into_iter().chain(STATIC).chain(PLAIN_DIGESTS).collect::<Vec<_>>().join("\u{1f}")
}

/// Finds the file of a program in the messages of cargo.
pub(crate) fn executable(messages: &str, program: &str) -> Option<PathBuf> {
    messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
        (message["target"]["name"] == program).then(|| message["executable"].as_str().map(PathBuf::from))?
    })
}

fn has_target(cx: &Context, triple: &str) -> Result<bool> {
    let rustc = cx.var("CARGO").map(|cargo| Path::new(cargo).with_file_name("rustc"));
    let rustc = rustc.filter(|path| path.is_file()).unwrap_or_else(|| "rustc".into());
    let dir = process::read(cx.command(rustc).args(["--print", "target-libdir", "--target", triple]))?;
    let Ok(files) = std::fs::read_dir(&dir) else { return Ok(false) };
    Ok(files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
}

fn add_target(cx: &Context, triple: &str) -> bool {
    if cx.find("rustup").is_none() {
        return false;
    }
    say(&format!("adding the target {triple} to the Rust toolchain"));
    let mut rustup = cx.command("rustup");
    let added = process::feed(rustup.args(["target", "add", triple]), b"", RUSTUP_LIMIT);
    added.is_ok_and(|output| output.status.success()) && has_target(cx, triple).unwrap_or(false)
}

/// Says whether a program asks for no dynamic loader: its ELF header has no `PT_INTERP` segment.
pub(crate) fn is_static(file: &Path) -> Result<bool> {
    let bytes = std::fs::read(file).doing(|| format!("read {}", file.display()))?;
    interpreter_segments(&bytes)
        .map(|count| count == 0)
        .ok_or_else(|| Error::new(format!("{} is no 64-bit ELF program of this machine", file.display())))
}

fn interpreter_segments(elf: &[u8]) -> Option<usize> {
    const PT_INTERP: u32 = 3;
    // The header: magic, class 2 for 64 bits, data 1 for little-endian.
    if elf.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let half = |at: usize| Some(usize::from(u16::from_le_bytes(elf.get(at..at + 2)?.try_into().ok()?)));
    let table = usize::try_from(u64::from_le_bytes(elf.get(0x20..0x28)?.try_into().ok()?)).ok()?;
    let (size, count) = (half(0x36)?, half(0x38)?);
    let mut found = 0;
    for index in 0..count {
        let at = table.checked_add(index * size)?;
        let kind = u32::from_le_bytes(elf.get(at..at.checked_add(4)?)?.try_into().ok()?);
        found += usize::from(kind == PT_INTERP);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the headers of a program whose segments are of these kinds.
    fn elf(kinds: &[u32]) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01".to_vec();
        bytes.resize(0x40, 0);
        bytes[0x20] = 0x40;
        bytes[0x36] = 56;
        bytes[0x38] = u8::try_from(kinds.len()).unwrap();
        for kind in kinds {
            bytes.extend(kind.to_le_bytes());
            bytes.resize(bytes.len() + 52, 0);
        }
        bytes
    }

    #[test]
    fn a_program_with_a_loader_is_found_by_its_segment() {
        assert_eq!(interpreter_segments(&elf(&[6, 1, 2])), Some(0));
        assert_eq!(interpreter_segments(&elf(&[6, 3, 1])), Some(1));
        assert_eq!(interpreter_segments(&elf(&[6, 3])[..0x60]), None);
    }

    #[test]
    fn what_is_no_program_is_no_static_program_either() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF\x02\x01", b"\x7fELF\x01\x01\x01"] {
            assert_eq!(interpreter_segments(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn the_file_is_read_from_the_message_of_the_program() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
not json
{"reason":"compiler-artifact","target":{"name":"rig_guard"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"rig-guard"},"executable":"/t/hook/rig-guard"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "rig-guard"), Some("/t/hook/rig-guard".into()));
        assert_eq!(executable(messages, "rig-prime"), None);
    }
}
