//! Publishing and withdrawing packages. A task whose name is not known passes.

use super::line::{Deed, Line, Takes, lists};
use super::{Call, Finding, Pack, Rule, Word};

/// The rules of this module, in the order in which they are asked.
pub(in crate::rules) static RULES: &[&Rule] = &[&PUBLISH, &WITHDRAW];

const PROGRAMS: &[&str] = &[
    "npm",
    "pnpm",
    "yarn",
    "bun",
    "npx",
    "pnpx",
    "lerna",
    "changeset",
    "semantic-release",
    "nx",
    "cargo",
    "twine",
    "python",
    "python3",
    "poetry",
    "flit",
    "hatch",
    "uv",
    "pdm",
    "maturin",
    "gem",
    "mvn",
    "mvnw",
    "gradle",
    "gradlew",
    "dotnet",
    "nuget",
    "docker",
    "podman",
    "nerdctl",
    "buildah",
    "helm",
    "oras",
    "vsce",
    "ovsx",
    "dart",
    "flutter",
    "mix",
    "pod",
    "luarocks",
    "cabal",
    "stack",
    "deno",
    "jsr",
    "anaconda",
    "wasm-pack",
    "snapcraft",
    "lein",
    "rake",
    "np",
    "goreleaser",
    "release-it",
    "release-plz",
    "rye",
    "sbt",
    "skopeo",
    "crane",
    "gcrane",
    "ko",
    "jib",
    "cpan-upload",
    "opam",
    "elm",
    "charmcraft",
    "web-ext",
    "fastlane",
    "eas",
];

/// Publishing packages and images.
const PUBLISH: Rule = Rule {
    id: "packages.publish",
    critical: true,
    pack: Pack::Packages,
    what: "This publishes a package or an image under the project's name",
    why: "others install it at once, and most registries take no version back",
    instead: "look with `npm publish --dry-run`, `cargo publish --dry-run` or `twine check dist/*`, and leave publishing to the pipeline or a person",
    source: "the command references of the package managers",
    programs: PROGRAMS,
    unknown_program: false,
    redirections: false,
    judge: |call, _| published(call, true),
    suspects: |words| {
        words.contains(&"publish")
            && words.iter().any(|w| lists("npm pnpm yarn cargo poetry uv flit hatch pdm lerna", w))
            || words.contains(&"twine") && words.contains(&"upload")
    },
    denies: &[
        "npm publish --access public",
        "cargo publish",
        "twine upload dist/*",
        "mvn clean deploy",
        "docker push ghcr.io/acme/web:latest",
    ],
    allows: &[
        "npm publish --dry-run",
        "npm run publish",
        "mvn install",
        "docker push localhost:5000/web",
        "cargo package",
    ],
};

/// Taking published versions back.
const WITHDRAW: Rule = Rule {
    id: "packages.withdraw",
    critical: true,
    pack: Pack::Packages,
    what: "This withdraws a published version, or marks it as one not to use",
    why: "whoever builds with it fails or is warned from now on",
    instead: "publish a fixed version; a person decides what is withdrawn, and `npm view left-pad versions` shows what there is",
    source: "the command references of npm, cargo, RubyGems, Hex, CocoaPods and NuGet",
    programs: PROGRAMS,
    unknown_program: false,
    redirections: false,
    judge: |call, _| published(call, false),
    suspects: |words| {
        words.contains(&"unpublish")
            || words.contains(&"yank") && words.iter().any(|w| matches!(*w, "cargo" | "gem"))
    },
    denies: &["npm unpublish left-pad@1.0.0", "cargo yank --version 1.0.2 web", "gem yank web -v 1.0.2"],
    allows: &[
        "npm view web versions",
        "cargo yank --undo --version 1.0.2 web",
        "npm unpublish --dry-run",
        "gem list",
    ],
};

/// What publishes, and what withdraws. The first part names the programs.
static PUBLISHES: &[(&str, &[Deed])] = &[
    ("npm", &[("publish|pub", ""), ("dist-tag|dist-tags add", "")]),
    ("pnpm bun", &[("publish", "")]),
    ("yarn", &[("publish", ""), ("npm publish", ""), ("workspaces foreach npm publish", "")]),
    ("lerna changeset jsr", &[("publish", "")]),
    ("nx", &[("release", "yes y"), ("release publish", "")]),
    (
        "cargo",
        &[
            ("publish", ""),
            ("release", "execute x"),
            ("workspaces|ws publish", ""),
            ("smart-release", "execute e"),
        ],
    ),
    ("release-plz", &[("release", "")]),
    ("twine", &[("upload", "")]),
    ("poetry flit hatch uv pdm rye opam elm", &[("publish", "")]),
    ("maturin", &[("publish|upload", "")]),
    ("gem", &[("push", "")]),
    ("rake", &[("release", "")]),
    ("dotnet", &[("nuget push", "")]),
    ("nuget", &[("push", "")]),
    ("docker podman nerdctl buildah", &[("push", ""), ("image push", ""), ("manifest push", "")]),
    (
        "docker podman nerdctl",
        &[
            ("build", "push"),
            ("buildx build|b|bake", "push"),
            ("compose push", ""),
            ("buildx imagetools create", "t tag"),
        ],
    ),
    ("crane gcrane", &[("push|tag|copy|cp", "")]),
    ("ko", &[("build|publish|apply|create|resolve", "")]),
    ("charmcraft", &[("upload|release", "")]),
    (
        "fastlane",
        &[("deliver|supply|upload_to_app_store|upload_to_testflight|upload_to_play_store|pilot", "")],
    ),
    ("eas", &[("submit", "")]),
    ("helm", &[("push", ""), ("cm-push", "")]),
    ("oras", &[("push", "")]),
    ("vsce ovsx", &[("publish", "")]),
    ("dart flutter", &[("pub publish|lish", ""), ("packages pub publish", "")]),
    ("mix", &[("hex.publish", "")]),
    ("pod", &[("trunk push", "")]),
    ("luarocks", &[("upload", "")]),
    ("cabal", &[("upload", "publish")]),
    ("stack", &[("upload", "")]),
    ("deno", &[("publish", "")]),
    ("anaconda", &[("upload", "")]),
    ("wasm-pack", &[("publish", "")]),
    ("snapcraft", &[("upload|push", "")]),
    ("lein", &[("deploy", "")]),
    ("goreleaser", &[("release", "")]),
];
static WITHDRAWS: &[(&str, &[Deed])] = &[
    ("npm", &[("unpublish|deprecate", ""), ("dist-tag rm", "")]),
    ("pnpm", &[("unpublish|deprecate", "")]),
    ("yarn", &[("npm tag remove", "")]),
    ("cargo", &[("yank", "")]),
    ("gem", &[("yank", "")]),
    ("mix", &[("hex.retire", ""), ("hex.publish", "revert")]),
    ("pod", &[("trunk delete|deprecate", "")]),
    ("dotnet", &[("nuget delete", "")]),
    ("nuget", &[("delete", "")]),
    ("vsce ovsx", &[("unpublish", "")]),
    ("docker podman", &[("manifest rm", "purge")]),
];

const TAKES: Takes = Takes::These(
    "C prefix w workspace filter F registry tag otp cwd access manifest-path p package token index target-dir \
     features r repository u username password config c s source k api-key H host context l log-level f file t \
     project-directory key Z o output channel",
);
/// Programs that `yarn` and `npm exec` start by their name alone.
const STARTED: &str = "lerna changeset semantic-release np nx release-it jsr web-ext vsce ovsx";

fn published(call: &Call<'_>, publishes: bool) -> Option<Finding> {
    let mut name = call.name()?;
    let mut args = call.args();
    // `python -m twine upload`, `npx semantic-release`.
    if name.starts_with("python") {
        let at = args.iter().position(|word| word.text == "-m");
        match at {
            Some(at) => {
                name = args.get(at + 1)?.known()?;
                args = &args[at + 2..];
            }
            None => {
                let script = args.first()?.text.ends_with("setup.py");
                let uploads = args.iter().any(|word| word.text == "upload");
                return (publishes && script && uploads).then(Finding::default);
            }
        }
    }
    let takes = match name {
        "stack" | "nx" => Takes::These(""),
        "gradle" | "gradlew" => Takes::These(
            "tests group task x exclude-task b build-file p project-dir g gradle-user-home I init-script console c D P",
        ),
        "npm" | "pnpm" | "yarn" | "bun" => {
            Takes::These("C prefix w workspace filter F registry tag otp cwd access dir")
        }
        _ => TAKES,
    };
    let mut line = Line::read(args, takes);
    if name == "cargo" && line.operands.first().is_some_and(|word| word.text.starts_with('+')) {
        line.operands.remove(0);
    }
    if matches!(name, "npx" | "pnpx") || matches!(name, "pnpm" | "yarn" | "bun") && line.begins("dlx|exec|x")
    {
        let from = usize::from(!matches!(name, "npx" | "pnpx"));
        name = line.operand(from)?.rsplit('/').next()?.split('@').next()?;
        line.operands.drain(..=from);
    } else if matches!(name, "yarn" | "pnpm") && line.operand(0).is_some_and(|bin| lists(STARTED, bin)) {
        name = line.operand(0)?;
        line.operands.remove(0);
    }
    if line.is_idle() || line.has("n undo d") && !matches!(name, "npm" | "pnpm" | "gem" | "nx") {
        return None;
    }
    match name {
        "semantic-release" | "np" | "release-it" | "cpan-upload" if publishes => {
            return Some(Finding::default());
        }
        "web-ext" if publishes => {
            let listed = line.begins("sign|submit") && line.values("channel").any(|v| v.text == "listed");
            return listed.then(Finding::default);
        }
        "sbt" if publishes => {
            let task = |word: &&Word| {
                word.text.split([';', ' ']).any(|task| {
                    let task = task.rsplit('/').next().unwrap_or("").trim_start_matches('+');
                    lists("publish publishSigned sonatypeRelease sonatypeBundleRelease ci-release", task)
                })
            };
            return line.operands.iter().any(task).then(Finding::default);
        }
        "skopeo" if publishes => {
            let to = line.operands.last().filter(|_| line.begins("copy|sync") && line.operands.len() > 2);
            let image = to.and_then(|to| to.text.strip_prefix("docker://"));
            return image.is_some_and(|image| !stays_here(image)).then(Finding::default);
        }
        "ko" if line.has("local L") || !pushes(&line) || ko_stays(call) => return None,
        "changeset-cli" | "cli" => name = "changeset",
        "mvn" | "mvnw" if publishes => {
            let skips = call
                .args()
                .iter()
                .any(|w| w.text.starts_with("-Dmaven.deploy.skip") && !w.text.ends_with("false"));
            let goal = |word: &&Word| {
                matches!(
                    word.text.as_str(),
                    "deploy" | "deploy:deploy-file" | "deploy:deploy" | "release:perform"
                )
            };
            return (!skips && line.operands.iter().any(goal)).then(Finding::default);
        }
        "gradle" | "gradlew" if publishes => {
            let task = |word: &&Word| {
                let task = word.text.rsplit(':').next().unwrap_or("");
                task.starts_with("publish") && !task.ends_with("ToMavenLocal")
                    || lists("uploadArchives jib bintrayUpload artifactoryPublish", task)
            };
            return (!line.has("m") && line.operands.iter().any(task)).then(Finding::default);
        }
        "docker" | "podman" | "nerdctl"
            if publishes && line.begins("buildx|build|builder") && exports(&line) =>
        {
            return (!line.values("t tag").all(|tag| stays_here(&tag.text))).then(Finding::default);
        }
        "docker" | "podman" | "nerdctl" | "buildah" | "helm" | "oras" | "crane" | "gcrane"
            if line.operands.iter().any(|w| stays_here(&w.text)) =>
        {
            return None;
        }
        "goreleaser" if line.has("snapshot skip") => return None,
        "gem" if line.values("host source").any(|w| w.text.contains("localhost")) => return None,
        _ => {}
    }
    let table = if publishes { PUBLISHES } else { WITHDRAWS };
    let does = |(names, deeds): &(&str, &'static [Deed])| lists(names, name) && line.deed(deeds).is_some();
    table.iter().any(does).then(Finding::default)
}

/// Says whether what is built goes to a registry by `--output`.
fn exports(line: &Line<'_>) -> bool {
    line.values("o output").any(|v| {
        let has = |own| v.text.split(',').any(|part| part == own);
        has("type=registry") || has("push=true")
    })
}

/// Says whether `ko` pushes what it builds, as it does unless told otherwise.
fn pushes(line: &Line<'_>) -> bool {
    line.has("push") || line.values("push").next().is_none()
}

/// Says whether the registry of `ko` is this machine's own.
fn ko_stays(call: &Call<'_>) -> bool {
    let registry = call.variable("KO_DOCKER_REPO").map_or(String::new(), |word| word.text);
    matches!(registry.as_str(), "ko.local" | "kind.local") || stays_here(&registry)
}

/// Says whether an image goes to a registry on this machine.
fn stays_here(image: &str) -> bool {
    let image = image.strip_prefix("oci://").unwrap_or(image);
    ["localhost:", "localhost/", "127.0.0.1:", "[::1]:", "registry.localhost"]
        .iter()
        .any(|own| image.starts_with(own))
}
