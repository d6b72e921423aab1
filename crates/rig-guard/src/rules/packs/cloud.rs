//! Deleting what runs at a cloud provider. A subcommand that is not known passes; what is deleted
//! need not be known.

mod apps;
mod providers;

use super::line::{Line, Takes, subcommand};
use super::{Call, Finding, Pack, Rule, World};

/// The rules of this module, in the order in which they are asked.
pub(in crate::rules) static RULES: &[&Rule] = &[
    &STACK,
    &STATE,
    &providers::STORAGE,
    &providers::AWS,
    &providers::GCLOUD,
    &providers::AZURE,
    &apps::APP,
];

/// Destroying everything that a description of infrastructure stands for.
pub(super) const STACK: Rule = Rule {
    id: "cloud.stack.destroy",
    critical: true,
    pack: Pack::Cloud,
    what: "This destroys everything that the infrastructure code stands for",
    why: "servers, databases and networks go away with what is in them",
    instead: "look with `terraform plan -destroy` or `pulumi preview`; a person destroys a stack",
    source: "the command references of Terraform, OpenTofu, Terragrunt, Pulumi, AWS CDK, SAM and Serverless",
    programs: &[
        "terraform",
        "tofu",
        "terragrunt",
        "cdktf",
        "pulumi",
        "cdk",
        "sst",
        "serverless",
        "sls",
        "sam",
        "copilot",
        "amplify",
        "eb",
        "npx",
        "bunx",
        "yarn",
        "pnpm",
        "azd",
    ],
    unknown_program: false,
    redirections: false,
    judge: stack,
    suspects: |words| {
        ["terraform", "tofu", "terragrunt", "pulumi", "cdk", "cdktf"].iter().any(|p| words.contains(p))
            && words.iter().any(|w| matches!(*w, "destroy" | "-destroy" | "--destroy" | "destroy-all"))
    },
    denies: &[
        "terraform destroy",
        "tofu apply -destroy -auto-approve",
        "pulumi destroy --yes",
        "cdk destroy --all",
    ],
    allows: &["terraform plan -destroy", "terraform apply", "pulumi preview", "terraform destroy -help"],
};

/// Taking resources out of the state, so that nothing manages them any more.
const STATE: Rule = Rule {
    id: "cloud.state.remove",
    critical: true,
    pack: Pack::Cloud,
    what: "This takes resources out of the recorded state",
    why: "they go on running and costing, and nothing knows them any more",
    instead: "look with `terraform state list`, or write a `removed` block that a person reviews",
    source: "the command references of Terraform, OpenTofu and Pulumi",
    programs: &["terraform", "tofu", "terragrunt", "pulumi"],
    unknown_program: false,
    redirections: false,
    judge: state,
    suspects: |words| {
        words.iter().any(|w| matches!(*w, "terraform" | "tofu" | "terragrunt" | "pulumi"))
            && words.contains(&"state")
            && words.iter().any(|w| matches!(*w, "rm" | "delete"))
    },
    denies: &[
        "terraform state rm aws_instance.web",
        "terraform workspace delete -force staging",
        "pulumi stack rm --force dev",
    ],
    allows: &[
        "terraform state list",
        "terraform state rm -dry-run aws_instance.web",
        "terraform workspace delete old",
    ],
};

/// Options with a value, before which or behind which a subcommand may stand.
const TERRAFORM: Takes = Takes::Single("chdir");
const PULUMI: Takes =
    Takes::These("s stack C cwd color config c m message target t v verbose parallel p profiling tracing");

fn stack(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let name = call.name()?;
    if matches!(name, "npx" | "bunx" | "yarn" | "pnpm") {
        let (mut program, mut rest) = subcommand(call.args(), Takes::These("p package c call cwd C dir"))?;
        if matches!(program, "run" | "exec" | "dlx") {
            (program, rest) = subcommand(rest, Takes::These("p package"))?;
        }
        let program = program.split('@').next().filter(|p| !p.is_empty()).unwrap_or(program);
        let line = Line::read(rest, Takes::These("a app profile c context stage s region r"));
        return destroys(program, &line).then(Finding::default);
    }
    let line = match name {
        "terraform" | "tofu" | "terragrunt" => Line::of(call, TERRAFORM),
        "pulumi" => Line::of(call, PULUMI),
        _ => {
            Line::of(call, Takes::These("a app profile c context stage s region r C stack-name n name e env"))
        }
    };
    if line.is_idle() {
        return None;
    }
    if name != "pulumi" && line.begins("apply") && !line.has("destroy") {
        // Options may also come by a variable.
        let options = call.variable("TF_CLI_ARGS_apply").or_else(|| call.variable("TF_CLI_ARGS"))?;
        let adds = options.text.split_ascii_whitespace().any(|o| o.trim_start_matches('-') == "destroy");
        return adds.then(|| Finding::new("a variable adds `-destroy`"));
    }
    destroys(name, &line).then(Finding::default)
}

/// Returns the file into which a command writes a plan, and whether it is one to destroy everything.
pub(super) fn planned(call: &Call<'_>) -> Option<(String, bool)> {
    matches!(call.name()?, "terraform" | "tofu" | "terragrunt").then_some(())?;
    let line = Line::of(call, Takes::Single("chdir out"));
    line.begins("plan").then_some(())?;
    Some((line.values("out").next()?.known()?.to_owned(), line.has("destroy")))
}

/// Returns the plan that a command carries out.
pub(super) fn applied<'a>(call: &Call<'a>) -> Option<&'a str> {
    matches!(call.name()?, "terraform" | "tofu" | "terragrunt").then_some(())?;
    let line = Line::of(call, TERRAFORM);
    line.begins("apply").then(|| line.operand(1)).flatten()
}

fn destroys(name: &str, line: &Line<'_>) -> bool {
    if line.is_idle() {
        return false;
    }
    match name {
        "terraform" | "tofu" | "terragrunt" => {
            line.begins("destroy|destroy-all")
                || line.has("destroy") && line.begins("apply|apply-all")
                || line.begins("run-all|stack destroy")
                || line.begins("stack run destroy")
                || line.begins("run|run-all apply|destroy") && line.operand(1) == Some("destroy")
                || line.begins("run|run-all apply") && line.has("destroy")
        }
        "pulumi" => line.begins("destroy|down|dn") && !line.has("preview-only"),
        "cdk" | "cdktf" | "aws-cdk" => line.begins("destroy"),
        "sst" | "serverless" | "sls" => line.begins("remove"),
        "sam" | "amplify" => line.begins("delete"),
        "azd" => line.begins("down"),
        "eb" => line.begins("terminate"),
        "copilot" => line.begins("app|env|svc|job|pipeline delete"),
        _ => false,
    }
}

fn state(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    if call.name() == Some("pulumi") {
        let line = Line::of(call, PULUMI);
        let found = line.begins("state delete") || line.begins("stack rm") && line.has("force f");
        return (found && !line.is_idle()).then(Finding::default);
    }
    let line = Line::of(call, TERRAFORM);
    let deeds: &[_] = &[("state rm|remove", ""), ("state push", "force"), ("workspace|env delete", "force")];
    (line.deed(deeds).is_some() && !line.is_idle()).then(Finding::default)
}
