//! AWS, Google Cloud, Azure, and their storage.

use crate::rules::packs::line::{Line, Takes, fits, lists};
use crate::rules::{Finding, Pack, Rule};
use crate::shell::Call;
use crate::world::World;

/// Deleting whatever AWS runs or keeps.
pub(super) const AWS: Rule = Rule {
    id: "cloud.aws.delete",
    critical: true,
    pack: Pack::Cloud,
    what: "This deletes something that runs or is kept at AWS",
    why: "most of it cannot be brought back",
    instead: "look first, as with `aws ec2 describe-instances`, and let a person delete it; `--dry-run` passes where the service has it",
    source: "AWS CLI command reference",
    programs: &["aws", "awslocal", "aws2"],
    unknown_program: false,
    redirections: false,
    judge: aws,
    suspects: |words| {
        words.contains(&"aws") && words.iter().any(|w| AWS_VERBS.split(' ').any(|v| fits(v, w)))
    },
    denies: &[
        "aws ec2 terminate-instances --instance-ids i-0abc",
        "aws rds delete-db-instance --db-instance-identifier prod",
        "aws --profile prod cloudformation delete-stack --stack-name web",
        "aws kms schedule-key-deletion --key-id 1234",
    ],
    allows: &[
        "aws ec2 describe-instances",
        "aws ec2 terminate-instances --instance-ids i-0abc --dry-run",
        "aws sqs delete-message --queue-url q --receipt-handle h",
        "aws dynamodb delete-table help",
    ],
};

/// Deleting buckets, and everything below a place in one.
pub(super) const STORAGE: Rule = Rule {
    id: "cloud.storage.delete",
    critical: true,
    pack: Pack::Cloud,
    what: "This deletes a bucket, or everything below a place in one",
    why: "objects without versions do not come back",
    instead: "list first, as with `aws s3 ls s3://bucket/path/ --recursive`, or delete single objects",
    source: "the command references of AWS CLI, gsutil, gcloud, Azure CLI, rclone, mc, s3cmd and s5cmd",
    programs: &[
        "aws", "awslocal", "gsutil", "gcloud", "az", "azcopy", "rclone", "mc", "mcli", "s3cmd", "s5cmd", "bq",
    ],
    unknown_program: false,
    redirections: false,
    judge: storage,
    suspects: |words| {
        let has = |list: &str| words.iter().any(|w| lists(list, w));
        has("aws s3cmd gsutil") && has("rb rm") && has("--force --recursive -r -R rb")
    },
    denies: &[
        "aws s3 rb s3://releases --force",
        "aws s3 rm s3://releases/ --recursive",
        "gsutil -m rm -r gs://backups/2025",
        "rclone purge remote:photos",
    ],
    allows: &[
        "aws s3 rm s3://releases/a.txt",
        "aws s3 rm s3://releases/ --recursive --dryrun",
        "aws s3 sync dist s3://site --delete",
        "gsutil ls -r gs://backups",
    ],
};

/// Deleting whatever Google Cloud runs or keeps.
pub(super) const GCLOUD: Rule = Rule {
    id: "cloud.gcloud.delete",
    critical: true,
    pack: Pack::Cloud,
    what: "This deletes something that runs or is kept at Google Cloud",
    why: "most of it cannot be brought back",
    instead: "look first, as with `gcloud compute instances describe web`, and let a person delete it",
    source: "gcloud CLI reference",
    programs: &["gcloud"],
    unknown_program: false,
    redirections: false,
    judge: gcloud,
    suspects: |words| words.contains(&"gcloud") && words.contains(&"delete"),
    denies: &[
        "gcloud compute instances delete web-1 --zone europe-west1-b",
        "gcloud projects delete my-project --quiet",
        "gcloud --project p container clusters delete prod",
    ],
    allows: &[
        "gcloud compute instances list",
        "gcloud config configurations delete old",
        "gcloud compute instances describe delete",
        "gcloud projects delete --help",
    ],
};

/// Deleting whatever Azure runs or keeps.
pub(super) const AZURE: Rule = Rule {
    id: "cloud.azure.delete",
    critical: true,
    pack: Pack::Cloud,
    what: "This deletes something that runs or is kept at Azure",
    why: "most of it cannot be brought back",
    instead: "look first, as with `az resource list -g web`, and let a person delete it",
    source: "Azure CLI reference",
    programs: &["az"],
    unknown_program: false,
    redirections: false,
    judge: azure,
    suspects: |words| words.contains(&"az") && words.contains(&"delete"),
    denies: &["az group delete -n web --yes", "az vm delete -g web -n vm1", "az keyvault purge --name kv"],
    allows: &[
        "az group list",
        "az vm show -g web -n delete",
        "az extension remove -n ml",
        "az group delete --help",
    ],
};

/// Verbs of AWS that delete.
const AWS_VERBS: &str = "delete-* terminate-* purge-* destroy-* deregister-* batch-delete-* schedule-key-deletion \
    release-address release-hosts close-account remove-* empty-*";
/// Of these, what can be made again, is a single entry, or is meant to go.
const AWS_HARMLESS: &str = "delete-message delete-message-batch delete-item delete-object *-tags *-tagging \
    remove-permission remove-user-from-group remove-role-from-instance-profile remove-targets deregister-targets \
    deregister-task-definition deregister-instances-from-load-balancer remove-layer-version-permission \
    delete-change-set delete-session remove-attributes-from-findings delete-scheduled-action";
const AWS_FLAGS: &str = "debug no-verify-ssl no-paginate no-sign-request no-cli-pager cli-auto-prompt \
    no-cli-auto-prompt no-cli-pager dry-run no-dry-run dryrun force recursive quiet help";

fn aws(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let line = Line::of(call, Takes::AllBut(AWS_FLAGS));
    let verb = line.operand(1)?;
    let any = |list: &str| list.split_ascii_whitespace().any(|pattern| fits(pattern, verb));
    let idle = line.is_idle() || line.has("generate-cli-skeleton");
    let changes = || line.values("change-batch").any(|batch| batch.text.contains("DELETE"));
    if verb == "change-resource-record-sets" && !idle && changes() {
        return Some(Finding::default());
    }
    (any(AWS_VERBS) && !any(AWS_HARMLESS) && !idle && line.operand(0) != Some("s3")).then(Finding::default)
}

const GCLOUD_FLAGS: &str = "quiet q help h async no-async log-http no-user-output-enabled user-output-enabled \
    delete-disks all force recursive r R";

/// Verbs that end the path of a command of gcloud and az: the first of them counts.
const VERBS: &str = "list describe create update delete destroy purge delete-batch remove rm show set get \
    add start stop restart list-locations get-value get-credentials ssh scp submit tail";

/// Verbs that name a group where they stand first: `gcloud deploy delivery-pipelines delete`.
const LATER_VERBS: &str = "deploy call invoke import export clone patch restore resize reset enable disable";

/// Returns the verb of a command, and what stands before it.
fn verb<'a>(line: &Line<'a>) -> Option<(&'a str, Vec<&'a str>)> {
    let words: Vec<&str> = line.operands.iter().map_while(|word| word.known()).collect();
    let first = usize::from(words.first().is_some_and(|word| lists("alpha beta preview", word)));
    let is_verb = |(at, word): (usize, &&str)| lists(VERBS, word) || at > first && lists(LATER_VERBS, word);
    let at = words.iter().enumerate().position(is_verb)?;
    Some((words[at], words[..at].to_vec()))
}

fn gcloud(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    const LOCAL: [&str; 4] = ["config", "components", "topic", "auth"];
    let line = Line::of(call, Takes::AllBut(GCLOUD_FLAGS));
    let (verb, groups) = verb(&line)?;
    let deletes = matches!(verb, "delete" | "destroy" | "purge");
    (deletes && !line.is_idle() && !groups.first().is_some_and(|group| LOCAL.contains(group)))
        .then(Finding::default)
}

const AZ_FLAGS: &str = "yes y no-wait verbose debug help h only-show-errors force-deletion what-if force dryrun \
    recursive";

fn azure(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    const LOCAL: [&str; 8] =
        ["extension", "config", "cache", "local-context", "tag", "role", "deployment", "feature"];
    let line = Line::of(call, Takes::AllBut(AZ_FLAGS));
    let (verb, groups) = verb(&line)?;
    let deletes = matches!(verb, "delete" | "purge" | "destroy");
    let local = groups.first().is_some_and(|group| LOCAL.contains(group));
    // One object, as with the other providers.
    let single = line.begins("storage blob|file|message|entity delete");
    (deletes && !line.is_idle() && !local && !single && !line.has("what-if")).then(Finding::default)
}

fn storage(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let name = call.name()?;
    let found = match name {
        "aws" | "awslocal" => {
            let line = Line::of(call, Takes::AllBut(AWS_FLAGS));
            !line.is_idle()
                && (line.begins("s3 rb") && line.has("force")
                    || line.begins("s3 rm") && line.has("recursive")
                    || line.begins("s3api delete-bucket|delete-objects"))
        }
        "gcloud" => {
            let line = Line::of(call, Takes::AllBut(GCLOUD_FLAGS));
            !line.is_idle()
                && (line.begins("storage|alpha|beta rm") || line.begins("alpha|beta storage rm"))
                && (line.has("recursive r R all-versions a")
                    || line.operands.iter().any(|w| w.text.ends_with("**")))
                || line.begins("storage buckets delete")
        }
        "az" => {
            let line = Line::of(call, Takes::AllBut(AZ_FLAGS));
            !line.is_idle()
                && (line.begins("storage account|container|share|table|queue delete")
                    || line.begins("storage blob|file delete-batch")
                    || line.begins("storage remove") && line.has("recursive"))
        }
        "azcopy" => {
            let line = Line::of(call, Takes::These("log-level"));
            line.begins("remove|rm") && line.has("recursive") && !line.is_idle()
        }
        "gsutil" => {
            let line = Line::of(call, Takes::These("o h u"));
            let all = line.has("r R a") || line.operands.iter().any(|w| w.text.ends_with("**"));
            line.begins("rb") || line.begins("rm|del|delete|remove") && all
        }
        "rclone" => {
            let line =
                Line::of(call, Takes::These("config transfers include exclude filter max-age min-age"));
            line.begins("purge|delete") && !line.is_idle() && !line.has("n include max-age min-age")
        }
        "mc" | "mcli" => {
            let line = Line::of(call, Takes::These("older-than newer-than C config-dir"));
            line.begins("rb") && line.has("force dangerous")
                || line.begins("rm") && line.has("recursive r") && !line.has("fake") && !line.is_idle()
        }
        "s3cmd" => {
            let line = Line::of(call, Takes::These("c config"));
            let all = line.has("recursive r") && !line.has("n") && !line.is_idle();
            line.begins("del|rm") && all || line.begins("rb") && line.has("recursive r force f")
        }
        "s5cmd" => {
            let line = Line::of(call, Takes::These("endpoint-url profile numworkers"));
            let all = line.operands.iter().skip(1).any(|w| w.text.contains('*') || w.text.ends_with('/'));
            (line.begins("rm") && all || line.begins("rb")) && !line.is_idle()
        }
        "bq" => {
            let line = Line::of(call, Takes::Single("project_id location dataset_id"));
            line.begins("rm") && line.has("r d dataset f force t table recursive")
        }
        _ => false,
    };
    found.then(Finding::default)
}
