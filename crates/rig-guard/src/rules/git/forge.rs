//! Deleting a repository and what is in it at the forge, by its tools and by its interface.

use super::api::{Request, address};
use super::{Finding, Line, Pack, Rule, any};
use crate::shell::{Call, Word, absolute};
use crate::world::World;

/// Deleting repositories, protected branches and their protection, and forcing branches, at the forge.
///
/// A repository whose name is not known is one all the same; a branch whose name is not known is one that
/// nobody protects. An address of which nothing is known passes.
pub(super) const DELETE: Rule = Rule {
    id: "git.forge.delete",
    critical: true,
    pack: Pack::Core,
    what: "This destroys history at the forge",
    why: "issues, releases and commits that are nowhere else go with it",
    instead: "`gh repo archive NAME` keeps a repository readable; ask a person to delete it",
    source: "gh(1), glab(1), REST and GraphQL references of GitHub, GitLab, Gitea and Bitbucket",
    programs: &["gh", "glab", "hub", "tea", "curl", "wget", "http", "https", "xh", "xhs", "curlie"],
    unknown_program: false,
    redirections: false,
    judge,
    suspects: |words| {
        let deletes = words.iter().any(|w| w.trim_start_matches("-X").eq_ignore_ascii_case("delete"));
        any(words, &["gh", "glab", "hub", "tea"]) && any(words, &["repo", "repos", "hub"]) && deletes
            || any(words, &["repos", "repositories", "projects", "orgs"])
                && (deletes || any(words, &["PATCH"]))
            || any(words, &["gh"]) && any(words, &["graphql"]) && any(words, &["mutation"])
    },
    denies: &[
        "gh repo delete acme/app --yes",
        "gh api -X DELETE repos/acme/app/git/refs/heads/main",
        "gh api -X PATCH repos/acme/app/git/refs/heads/topic -f sha=abc -F force=true",
        "curl -X DELETE -H \"Authorization: token $T\" https://api.github.com/repos/acme/app",
        "gh repo sync acme/fork --force",
    ],
    allows: &[
        "gh api -X DELETE repos/acme/app/git/refs/heads/topic",
        "gh api repos/acme/app",
        "gh release delete v1.0 --yes",
        "gh pr close 5 --delete-branch",
        "curl -X DELETE http://localhost:8080/api/v1/users/5",
    ],
};

/// The tools of the forges themselves.
const TOOLS: [&str; 4] = ["gh", "glab", "hub", "tea"];
const GH: &str = "repo/R= branch/b= source/s= force yes confirm";
const API: &str = "header/H= method/X= raw-field/f= field/F= preview/p= jq/q= template/t= hostname= input= cache= \
    repo/R= include/i paginate silent slurp verbose";
const CURL: &str = "request/X= data/d= data-raw= data-binary= data-urlencode= data-ascii= json= form/F= header/H= \
    user/u= output/o= upload-file/T= url= cookie/b= cookie-jar/c= referer/e= user-agent/A= proxy/x= max-time/m= \
    connect-timeout= retry= retry-delay= retry-max-time= write-out/w= config/K= cacert= cert/E= key= range/r= \
    oauth2-bearer= resolve= dump-header/D= interface= limit-rate= netrc-file= get/G head/I";
const WGET: &str = "method= body-data= body-file= post-data= post-file= header= output-document/O= user= password= \
    output-file/o= directory-prefix/P= timeout/T= tries/t= user-agent/U=";

fn judge(call: &Call<'_>, world: &dyn World) -> Option<Finding> {
    let name = call.name()?;
    if TOOLS.contains(&name) {
        let line = Line::read(call.args(), GH);
        let verbs: Vec<&str> = line.operands.iter().map_while(|word| word.known()).take(2).collect();
        match verbs.as_slice() {
            ["api", ..] => {}
            _ if line.help => return None,
            ["repo" | "repos" | "project", "delete" | "rm"] => return deleted(),
            ["delete", ..] if name == "hub" => return deleted(),
            ["repo", "sync"] if name == "gh" && line.on("force") => {
                return Some(Finding::new("`--force` resets the branch to what the other repository has"));
            }
            _ => return None,
        }
    }
    request(call, world)?.loses(world.policy()).map(Finding::new)
}

/// Returns the branch that a command deletes at the forge.
pub(super) fn deleted_branch(call: &Call<'_>, world: &dyn World) -> Option<String> {
    let name = call.name()?;
    if !DELETE.programs.contains(&name) {
        return None;
    }
    request(call, world)?.deleted_branch()
}

/// Reads a command that sends a request.
fn request<'a>(call: &Call<'a>, world: &dyn World) -> Option<Request<'a>> {
    match call.name()? {
        "gh" | "glab" | "hub" => api(call, world),
        "tea" => None,
        "curl" | "curlie" => curl(call),
        "wget" => wget(call),
        _ => httpie(call),
    }
}

fn deleted() -> Option<Finding> {
    Some(Finding::new("it deletes a repository"))
}

/// Reads `gh api` and its like.
fn api<'a>(call: &Call<'a>, world: &dyn World) -> Option<Request<'a>> {
    let at = call.args().iter().position(|word| word.text == "api")?;
    let line = Line::read(&call.args()[at + 1..], API);
    if line.help {
        return None;
    }
    let address = address(line.operands.first()?);
    let method = method(line.value("method"));
    let fields = ["raw-field", "field"].iter().any(|name| line.on(name));
    // The words stay where they are, but the line that refers to them does not.
    let body = call.args().iter().collect::<Vec<_>>();
    let input = line.value("input");
    let sends = fields || input.is_some();
    let method = method.unwrap_or_else(|| if sends { "POST" } else { "GET" }.to_owned());
    let mut request = Request { method, address, body, open: false, certain: true };
    match input.map(|word| (word, word.known())) {
        Some((_, Some("-"))) => match call.input {
            Some(input) => {
                request.open = input.is_unknown();
                request.body.push(input);
            }
            None => request.open = true,
        },
        Some((_, Some(path))) => {
            let path = absolute(call.cwd, path).unwrap_or_default();
            match call.written(&path) {
                Some(text) => request.body.push(text),
                None => {
                    let forces = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).contains("force");
                    request.open = world.read(&path).is_none_or(forces);
                }
            }
        }
        Some((_, None)) => request.open = true,
        None => {}
    }
    Some(request)
}

/// Returns a method in capital letters: `-X DELETE`, `-XDELETE`, `-X=delete`.
fn method(word: Option<&Word>) -> Option<String> {
    Some(word?.known()?.trim_start_matches('=').to_ascii_uppercase())
}

fn curl<'a>(call: &Call<'a>) -> Option<Request<'a>> {
    let line = Line::read(call.args(), CURL);
    let data = ["data", "data-raw", "data-binary", "data-urlencode", "data-ascii", "json", "form"];
    let sends = data.iter().any(|name| line.on(name));
    let method =
        method(line.value("request")).unwrap_or_else(|| if sends { "POST" } else { "GET" }.to_owned());
    if matches!(method.as_str(), "GET" | "HEAD") {
        return None;
    }
    let named = line.value("url").into_iter().chain(line.operands.iter().copied());
    sent(call, method, named.map(address).collect())
}

fn wget<'a>(call: &Call<'a>) -> Option<Request<'a>> {
    let line = Line::read(call.args(), WGET);
    let method = method(line.value("method"))?;
    sent(call, method, line.operands.iter().map(|word| address(word)).collect())
}

/// Reads `http [OPTIONS] METHOD URL [ITEMS]`.
fn httpie<'a>(call: &Call<'a>) -> Option<Request<'a>> {
    const METHODS: [&str; 3] = ["DELETE", "PATCH", "POST"];
    let at =
        call.args().iter().position(|word| METHODS.iter().any(|own| word.text.eq_ignore_ascii_case(own)))?;
    let mut address = address(call.args().get(at + 1)?);
    if !address.contains("://") && !address.starts_with('\u{fffd}') {
        address.insert_str(0, "https://");
    }
    sent(call, call.args()[at].text.to_ascii_uppercase(), vec![address])
}

/// Makes a request of an address among some that may be one of a forge.
fn sent<'a>(call: &Call<'a>, method: String, addresses: Vec<String>) -> Option<Request<'a>> {
    let tokens = ["PRIVATE-TOKEN", "JOB-TOKEN"];
    let certain = call.args().iter().any(|word| {
        let text = word.text.to_ascii_uppercase();
        tokens.iter().any(|token| text.contains(token))
    });
    let address = addresses.into_iter().find(|text| text.contains('/'))?;
    // `$CI_API_V4_URL/projects/5`
    let certain = certain && (address.contains("/projects/") || address.contains("/groups/"));
    let body: Vec<&Word> = call.args().iter().chain(call.input).collect();
    let file = |word: &&Word| word.text.starts_with('@') && word.text != "@-";
    let open = call.args().iter().any(|word| file(&word)) || call.input.is_some_and(Word::is_unknown);
    Some(Request { method, address, body, open, certain })
}
