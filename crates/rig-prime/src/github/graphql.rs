//! The one request that answers everything, and its answer.

use serde_json::{Value, json};

use super::GitHubError;
use super::model::{
    BranchReport, Checks, Decision, Issue, IssueName, PullRequest, Review, State, Thread, login_of,
};
use crate::quote::{COMMENT, NAME, Quote, TITLE};
use crate::target::{Head, Target};

/// How many pull requests of one branch name are looked at.
const PULL_REQUESTS: usize = 10;

/// The members of a pull request that are asked for.
const PULL_REQUEST: &str = "
    number title isDraft state baseRefName isCrossRepository
    headRepositoryOwner { login } reviewDecision mergeable
    latestReviews(first: 20) { nodes { state author { login } } }
    reviewThreads(first: 100) {
      totalCount
      nodes { isResolved isOutdated path line
              comments(first: 1) { totalCount nodes { author { login } body } } }
    }
    closingIssuesReferences(first: 5) { nodes { number repository { nameWithOwner } } }
    statusCheckRollup { contexts(first: 100) { totalCount nodes {
      __typename ... on CheckRun { name status conclusion } ... on StatusContext { context state } } } }";

/// Which pull requests are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Those that are open, with everything about them, and the issue.
    Open,
    /// The one that was merged or closed last, and only what it is.
    Closed,
}

/// Returns the body of the request.
#[must_use]
pub(crate) fn request(target: &Target, issue: Option<u64>, wanted: Wanted) -> String {
    let issue = issue.filter(|_| wanted == Wanted::Open);
    let mut parameters = "$owner: String!, $repo: String!".to_owned();
    let mut variables = json!({ "owner": target.owner, "repo": target.name });
    let mut fields = String::new();
    if let Some(number) = issue {
        parameters.push_str(", $issue: Int!");
        variables["issue"] = number.into();
        fields.push_str("issue(number: $issue) { number title state }\n");
    }
    match (&target.head, wanted) {
        (Head::PullRequest(number), _) => {
            parameters.push_str(", $number: Int!");
            variables["number"] = (*number).into();
            fields.push_str(&format!("pullRequest(number: $number) {{ {PULL_REQUEST} }}"));
        }
        (Head::Branch { name, .. }, _) => {
            parameters.push_str(", $head: String!");
            variables["head"] = name.as_str().into();
            let (states, members) = match wanted {
                Wanted::Open => ("[OPEN]", PULL_REQUEST),
                Wanted::Closed => (
                    "[MERGED, CLOSED]",
                    "number title state baseRefName isCrossRepository headRepositoryOwner { login }",
                ),
            };
            fields.push_str(&format!(
                "pullRequests(headRefName: $head, states: {states}, first: {PULL_REQUESTS}, \
                 orderBy: {{ field: UPDATED_AT, direction: DESC }}) {{ totalCount nodes {{ {members} }} }}"
            ));
        }
    }
    let query = format!("query({parameters}) {{ repository(owner: $owner, name: $repo) {{ {fields} }} }}");
    json!({ "query": query, "variables": variables }).to_string()
}

/// Reads an answer. Errors beside data are kept as what was left out.
///
/// # Errors
/// When the answer holds no repository.
pub(crate) fn report(answer: &Value, target: &Target) -> Result<BranchReport, GitHubError> {
    let errors: Vec<&Value> = answer["errors"].as_array().into_iter().flatten().collect();
    let repository = &answer["data"]["repository"];
    if !repository.is_object() {
        return Err(failure(&errors));
    }
    let found = &repository["pullRequests"];
    let one = &repository["pullRequest"];
    let all = found["nodes"].as_array().map_or(&[][..], |nodes| nodes);
    let (open, closed) = all
        .iter()
        .filter(|node| is_of_head(node, target))
        .chain(one.is_object().then_some(one))
        .filter_map(pull_request)
        .partition::<Vec<_>, _>(|pull| pull.state == State::Open);
    Ok(BranchReport {
        resolution_unknown: false,
        issue: issue(&repository["issue"]),
        open,
        more_open: found["totalCount"].as_u64().unwrap_or(0) > all.len() as u64,
        closed: closed.into_iter().next(),
        left_out: errors.iter().filter(|e| !is_missing_issue(e)).take(3).map(|e| message(e)).collect(),
    })
}

/// The reason why an answer holds no repository.
fn failure(errors: &[&Value]) -> GitHubError {
    let is = |kind: &str| errors.iter().any(|e| e["type"] == kind);
    if is("RATE_LIMITED") {
        GitHubError::RateLimited { until: None }
    } else if is("NOT_FOUND") {
        GitHubError::NotFound
    } else if is("FORBIDDEN") {
        GitHubError::Forbidden(
            errors.iter().find(|e| e["type"] == "FORBIDDEN").map_or_else(Quote::default, |e| message(e)),
        )
    } else {
        match errors.first() {
            Some(error) => GitHubError::Refused(message(error)),
            None => GitHubError::Unreadable,
        }
    }
}

fn message(error: &Value) -> Quote {
    Quote::new(error["message"].as_str().unwrap_or("an error without a message"), TITLE)
}

/// A number that is no issue, or a pull request, is answered by null and an error; that the
/// issue is not there says it all.
fn is_missing_issue(error: &Value) -> bool {
    error["type"] == "NOT_FOUND"
        && error["path"].as_array().is_some_and(|p| p.last() == Some(&json!("issue")))
}

/// GitHub matches the branch name over all forks; a deleted fork has no owner any more.
fn is_of_head(node: &Value, target: &Target) -> bool {
    let Head::Branch { owner, .. } = &target.head else { return true };
    match node["headRepositoryOwner"]["login"].as_str() {
        Some(login) => login.eq_ignore_ascii_case(owner),
        None => node["isCrossRepository"] == false && owner.eq_ignore_ascii_case(&target.owner),
    }
}

fn issue(node: &Value) -> Option<Issue> {
    Some(Issue {
        number: node["number"].as_u64()?,
        title: quote(&node["title"], TITLE),
        state: quote(&node["state"], 20),
    })
}

fn pull_request(node: &Value) -> Option<PullRequest> {
    let threads = &node["reviewThreads"];
    let listed = nodes(threads).count() as u64;
    Some(PullRequest {
        number: node["number"].as_u64()?,
        title: quote(&node["title"], TITLE),
        state: match node["state"].as_str() {
            Some("MERGED") => State::Merged,
            Some("CLOSED") => State::Closed,
            _ => State::Open,
        },
        draft: node["isDraft"] == true,
        base: quote(&node["baseRefName"], NAME),
        conflicts: match node["mergeable"].as_str() {
            Some("CONFLICTING") => Some(true),
            Some("MERGEABLE") => Some(false),
            _ => None,
        },
        decision: node["reviewDecision"].as_str().map(|decision| match decision {
            "APPROVED" => Decision::Approved,
            "CHANGES_REQUESTED" => Decision::ChangesRequested,
            "REVIEW_REQUIRED" => Decision::ReviewRequired,
            other => Decision::Other(Quote::new(other, 30)),
        }),
        reviews: nodes(&node["latestReviews"])
            .map(|review| Review { author: login(review), state: quote(&review["state"], 30) })
            .collect(),
        threads: nodes(threads).filter(|thread| thread["isResolved"] == false).map(thread).collect(),
        more_threads: threads["totalCount"].as_u64().unwrap_or(0) > listed,
        checks: checks(&node["statusCheckRollup"]["contexts"]),
        closes: nodes(&node["closingIssuesReferences"])
            .filter_map(|issue| {
                Some(IssueName {
                    number: issue["number"].as_u64()?,
                    repository: quote(&issue["repository"]["nameWithOwner"], NAME),
                })
            })
            .collect(),
    })
}

fn thread(node: &Value) -> Thread {
    let comments = &node["comments"];
    let first = nodes(comments).next().unwrap_or(&Value::Null);
    Thread {
        path: quote(&node["path"], NAME),
        line: node["line"].as_u64(),
        outdated: node["isOutdated"] == true,
        author: login(first),
        comment: quote(&first["body"], COMMENT),
        replies: comments["totalCount"].as_u64().unwrap_or(1).saturating_sub(1),
    }
}

fn checks(contexts: &Value) -> Option<Checks> {
    let mut checks = Checks::default();
    for node in nodes(contexts) {
        match node["__typename"].as_str() {
            Some("StatusContext") => checks.count(name(&node["context"]), node["state"].as_str()),
            _ => {
                let done = node["status"] == "COMPLETED";
                checks.count(name(&node["name"]), node["conclusion"].as_str().filter(|_| done));
            }
        }
    }
    checks.more = contexts["totalCount"].as_u64().unwrap_or(0) > nodes(contexts).count() as u64;
    checks.if_any()
}

/// Returns the entries of a connection; null ones, which stand for what may not be seen, are left out.
fn nodes(connection: &Value) -> impl Iterator<Item = &Value> {
    connection["nodes"].as_array().into_iter().flatten().filter(|node| node.is_object())
}

fn login(node: &Value) -> Quote {
    login_of(&node["author"])
}

fn name(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn quote(value: &Value, max: usize) -> Quote {
    Quote::new(name(value), max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(head: Head) -> Target {
        Target { host: "github.com".into(), owner: "acme".into(), name: "app".into(), head }
    }

    #[test]
    fn names_and_numbers_travel_as_variables() {
        let name = r#"x") { evil } #"#;
        let branch = target(Head::Branch { owner: "me".into(), name: name.into() });
        let number = target(Head::PullRequest(15));
        for (target, issue, wanted, expected) in [
            (
                &branch,
                Some(42),
                Wanted::Open,
                json!({ "owner": "acme", "repo": "app", "issue": 42, "head": name }),
            ),
            (&branch, None, Wanted::Open, json!({ "owner": "acme", "repo": "app", "head": name })),
            (&branch, Some(42), Wanted::Closed, json!({ "owner": "acme", "repo": "app", "head": name })),
            (
                &number,
                Some(42),
                Wanted::Open,
                json!({ "owner": "acme", "repo": "app", "issue": 42, "number": 15 }),
            ),
        ] {
            let body: Value = serde_json::from_str(&request(target, issue, wanted)).unwrap();
            assert_eq!(body["variables"], expected);
            let query = body["query"].as_str().unwrap();
            assert!(!query.contains("evil"), "{query}");
            // Every variable that is given is declared and used, and none other.
            for (name, uses) in expected
                .as_object()
                .unwrap()
                .keys()
                .map(|name| (name, query.matches(&format!("${name}")).count()))
            {
                assert_eq!(uses, 2, "{name} in {query}");
            }
            assert_eq!(query.matches('$').count(), 2 * expected.as_object().unwrap().len());
            assert_eq!(query.matches('{').count(), query.matches('}').count());
        }
    }
}
