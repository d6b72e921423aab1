//! Platforms that run applications.

use crate::rules::packs::line::{Deed, Line, Takes, lists};
use crate::rules::{Finding, Pack, Rule};
use crate::shell::Call;
use crate::world::World;

/// Deleting applications, their databases and their machines.
pub(super) const APP: Rule = Rule {
    id: "cloud.app.delete",
    critical: true,
    pack: Pack::Cloud,
    what: "This deletes an application, a machine or a database at the platform that runs it",
    why: "what it holds cannot be brought back",
    instead: "look first, as with `heroku apps:info` or `doctl compute droplet list`, and let a person delete it",
    source: "the command references of the platforms",
    programs: &[
        "heroku",
        "fly",
        "flyctl",
        "vercel",
        "vc",
        "netlify",
        "ntl",
        "railway",
        "doctl",
        "eksctl",
        "firebase",
        "supabase",
        "wrangler",
        "pscale",
        "neonctl",
        "neon",
        "turso",
        "atlas",
        "hcloud",
        "linode-cli",
        "scw",
        "civo",
        "vultr",
        "vultr-cli",
        "oci",
        "ibmcloud",
        "exo",
        "yc",
        "upctl",
        "render",
        "koyeb",
        "openstack",
        "aliyun",
        "kops",
        "npx",
    ],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| {
        words.iter().any(|w| lists("heroku fly flyctl vercel netlify doctl eksctl hcloud", w))
            && words.iter().any(|w| {
                matches!(*w, "delete" | "destroy" | "remove" | "apps:destroy" | "pg:reset" | "sites:delete")
            })
    },
    denies: &[
        "heroku apps:destroy web --confirm web",
        "fly apps destroy web --yes",
        "vercel remove my-site --yes",
        "doctl compute droplet delete web-1 -f",
        "eksctl delete cluster --name prod",
    ],
    allows: &[
        "heroku pg:info -a web",
        "fly deploy",
        "vercel env ls",
        "doctl auth remove --context old",
        "eksctl get cluster",
    ],
};

/// What the platforms delete. The first part names the programs.
static DEEDS: &[(&str, &[Deed])] = &[
    (
        "heroku",
        &[
            ("apps:destroy|apps:delete|destroy|pg:reset|addons:destroy|addons:remove", ""),
            ("pg:restore|pg:backups:restore|pg:backups:delete|pg:copy|pipelines:destroy", ""),
            ("container:rm|domains:clear|redis:reset|kafka:topics:destroy|spaces:destroy", ""),
        ],
    ),
    (
        "fly flyctl",
        &[
            ("destroy", ""),
            ("apps|app destroy|delete|remove|rm", ""),
            ("machine|machines|m destroy|remove|rm", ""),
            ("volumes|volume|vol|vols destroy|delete|remove|rm", ""),
            ("redis|storage|mysql|mpg|managed-postgres|tigris|extensions|ext destroy|delete", ""),
            ("extensions|ext * destroy|delete", ""),
        ],
    ),
    ("vercel vc", &[("remove|rm", ""), ("project|projects rm|remove", ""), ("domains rm|remove", "")]),
    ("netlify ntl", &[("sites:delete", ""), ("api deleteSite", "")]),
    ("railway", &[("down|delete", ""), ("volume|environment|service|project delete|remove|rm", "")]),
    ("eksctl", &[("delete", "")]),
    (
        "firebase",
        &[
            ("firestore:delete|database:remove|hosting:disable|functions:delete|hosting:sites:delete", ""),
            ("firestore:databases:delete|apphosting:backends:delete|dataconnect:services:delete", ""),
        ],
    ),
    (
        "supabase",
        &[
            ("projects|branches|functions|sso delete|remove", ""),
            ("db reset", "linked db-url"),
            ("storage rm", "recursive r"),
        ],
    ),
    (
        "wrangler",
        &[
            ("delete", ""),
            ("d1|queues|hyperdrive|vectorize|workflows|dispatch-namespace|pubsub delete", ""),
            ("kv:namespace delete", ""),
            ("kv|r2|pages namespace|bucket|project|deployment delete", ""),
        ],
    ),
    ("pscale", &[("database|branch|org delete", "")]),
    ("neonctl neon", &[("projects|project|branches|branch|databases|database delete", "")]),
    ("turso", &[("db|group destroy", "")]),
    (
        "openstack",
        &[
            (
                "server|volume|network|subnet|router|stack|project|image|container|database|share|keypair delete",
                "",
            ),
            ("volume|share snapshot|backup delete", ""),
            ("coe|database cluster|instance delete", ""),
        ],
    ),
    ("aliyun", &[("* Delete*", ""), ("* Release*", ""), ("oss rm", "r recursive b bucket")]),
    ("kops", &[("delete cluster|ig|instancegroup|instance", "yes y")]),
    ("render koyeb", &[("services|service|apps|app|databases|database delete", "")]),
];

/// Programs whose last subcommand says what is done, and the groups that are about this machine.
const GENERAL: &str = "doctl hcloud linode-cli scw civo vultr vultr-cli oci ibmcloud exo yc upctl atlas";
const LOCAL: &str = "auth config context completion profile plugin init";

fn judge(call: &Call<'_>, _: &dyn World) -> Option<Finding> {
    let name = call.name()?;
    let takes = Takes::These(
        "a app r remote c config access-config org o region project p account-id context scope t token team S cwd \
         access-token u api-url output profile f n name os-cloud os-region-name os-project-name",
    );
    let mut line = Line::of(call, takes);
    let mut program = name;
    if name == "npx" {
        let first = line.operand(0)?;
        let first = first.split('@').next().unwrap_or(first);
        program = first.trim_end_matches("-cli").trim_end_matches("-tools");
        line.operands.remove(0);
    }
    if line.is_idle() {
        return None;
    }
    if lists(GENERAL, program) {
        let group = line.operand(0).filter(|group| !lists(LOCAL, group))?;
        let verbs = if group == "account" { "" } else { "delete destroy terminate remove rm d delete-many" };
        let known = line.operands.iter().skip(1).map_while(|word| word.known());
        // `ibmcloud is instance-delete`, and one with an object: `instance-template-delete`.
        let deletes = |word: &str| {
            lists(verbs, word)
                || program == "ibmcloud" && (word.ends_with("-delete") || word.ends_with("-rm"))
        };
        // A name may stand behind a verb that only looks.
        let verb =
            known.take(3).find(|word| deletes(word) || lists("list get describe ls show create", word))?;
        return deletes(verb).then(Finding::default);
    }
    let (_, deeds) = DEEDS.iter().find(|(names, _)| lists(names, program))?;
    line.deed(deeds).is_some().then(Finding::default)
}
