//! Requests that are sent by hand.

use super::args::{Arg, Grammar, PLAIN, has, listed, marked, operands, read};
use crate::shell::Call;

/// Programs that send requests.
pub(super) const PROGRAMS: &[&str] = &["curl", "wget", "http", "https", "xh", "xhs"];

const CURL: Grammar = Grammar {
    short: "AbcCdDeEFHKmoPQrtTuUwxXyYz",
    long: "request data data-raw data-binary data-ascii data-urlencode json header user output cookie cookie-jar \
        user-agent referer form form-string upload-file max-time connect-timeout proxy write-out cert key cacert capath \
        resolve connect-to retry retry-delay retry-max-time url url-query config range limit-rate interface noproxy \
        aws-sigv4 oauth2-bearer unix-socket proto dns-servers socks5 socks5-hostname max-redirs netrc-file pass",
    ..PLAIN
};
const WGET: Grammar = Grammar {
    short: "OoaeiBtTwQPUAREIDlx",
    long: "method body-data body-file post-data post-file header user password output-document output-file timeout tries",
    ..PLAIN
};
const HTTPIE: Grammar =
    Grammar { short: "apAosP", long: "auth auth-type output session timeout proxy verify cert", ..PLAIN };

/// A request.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The method in capitals.
    pub(super) method: String,
    /// The addresses, with `NUL` for what is not known.
    pub(super) urls: Vec<String>,
    /// What is sent, likewise.
    pub(super) body: String,
}

/// Reads the request that a command sends; none where it names no address.
pub(super) fn request(call: &Call<'_>) -> Option<Request> {
    let name = call.name()?;
    let grammar = match name {
        "curl" => &CURL,
        "wget" => &WGET,
        _ => &HTTPIE,
    };
    let args = read(call.args(), grammar);
    if has(&args, "help version") {
        return None;
    }
    let mut request = Request::default();
    let mut sends = false;
    for arg in &args {
        let Arg::Option(name, Some(value)) = arg else { continue };
        match *name {
            "X" | "request" | "method" => request.method = value.text.to_ascii_uppercase(),
            "url" => request.urls.push(marked(value)),
            name if listed(
                "d data data-raw data-binary data-ascii data-urlencode json body-data post-data",
                name,
            ) =>
            {
                sends = true;
                request.body.push_str(&marked(value));
            }
            _ => {}
        }
    }
    let mut rest = operands(&args).into_iter().peekable();
    if grammar.short == HTTPIE.short
        && let Some(method) =
            rest.next_if(|word| !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_uppercase()))
    {
        request.method.clone_from(&method.text);
    }
    request.urls.extend(rest.map(marked));
    if request.method.is_empty() {
        request.method = if sends { "POST" } else { "GET" }.to_owned();
    }
    (!request.urls.is_empty()).then_some(request)
}

/// Splits an address into its host, with the port, and its path.
pub(super) fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    (host.rsplit('@').next().unwrap_or(host), path)
}
