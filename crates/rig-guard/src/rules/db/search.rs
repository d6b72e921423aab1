//! What requests delete: the interfaces of databases that are reached over HTTP.

use super::super::http::{Request, split};

/// Returns what a request deletes; `dropped` says what a text in SQL drops.
pub(super) fn deletes(request: &Request, dropped: impl Fn(&str) -> Option<String>) -> Option<String> {
    request.urls.iter().find_map(|url| {
        let (host, path) = split(url);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match request.method.as_str() {
            "DELETE" => deleted(host, &parts),
            method => posted(host, method, &parts, query, &request.body, &dropped),
        }
    })
}

fn deleted(host: &str, parts: &[&str]) -> Option<String> {
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    let search =
        matches!(port, "9200" | "9201") || ["elastic", "opensearch"].iter().any(|name| host.contains(name));
    match (parts, port) {
        // No other service has paths like these.
        (["_all" | "*"], _) => Some("it deletes every index".to_owned()),
        (["_data_stream", name], _) => Some(format!("it deletes the data stream {name}")),
        (["_snapshot", _, name], _) => Some(format!("it deletes the snapshot {name}")),
        ([index], _) if search && !index.starts_with('_') => Some(format!("it deletes the index {index}")),
        // CouchDB, Qdrant, Meilisearch.
        ([database], "5984") if !database.starts_with('_') => {
            Some(format!("it deletes the database {database}"))
        }
        (["collections", name], "6333") => Some(format!("it deletes the collection {name}")),
        (["indexes", name] | ["indexes", name, "documents"], "7700") => {
            Some(format!("it deletes the index {name}"))
        }
        _ => None,
    }
    .map(|text| text.replace('\0', "…"))
}

fn posted(
    host: &str,
    method: &str,
    parts: &[&str],
    query: &str,
    body: &str,
    dropped: &impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let squeezed: String = body.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    let every = || squeezed.contains("match_all:{}") || squeezed.contains("*:*") || query.contains("q=*");
    if method == "POST" && parts.contains(&"_delete_by_query") && every() {
        return Some("it deletes every document".to_owned());
    }
    // Solr.
    if parts.contains(&"update")
        && (squeezed.contains("<query>*:*</query>") || squeezed.contains("delete:{query:*:*}"))
    {
        return Some("it deletes every document".to_owned());
    }
    let admin = parts.windows(2).any(|pair| matches!(pair, ["admin", "collections" | "cores"]));
    if admin && query.split('&').any(|field| field == "action=DELETE") {
        return Some("it deletes a collection".to_owned());
    }
    // ClickHouse and InfluxDB take statements.
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    let statements = matches!(port, "8123" | "8443") || port == "8086" && parts == ["query"];
    let field = |text: &str| {
        let value = text
            .split('&')
            .find_map(|field| field.strip_prefix("query=").or_else(|| field.strip_prefix("q=")));
        value.map(decoded)
    };
    if !statements {
        return None;
    }
    let texts = [field(query), field(body), Some(body.to_owned())];
    texts.into_iter().flatten().find_map(|text| dropped(&text)).map(|found| format!("it sends `{found}`"))
}

/// Decodes a value of a query.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.extend(u8::from_str_radix(&digits, 16).ok());
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_by_what_only_one_service_has() {
        let drop = |sql: &str| sql.contains("DROP").then(|| "DROP".to_owned());
        for (method, url, body, expected) in [
            ("DELETE", "localhost:9200/orders", "", true),
            ("DELETE", "https://elastic.example.com/logs-*?expand=all", "", true),
            ("DELETE", "https://u:p@es:9200/orders/", "", true),
            ("DELETE", "\0/_all", "", true),
            ("DELETE", "http://x/_data_stream/logs", "", true),
            ("DELETE", "localhost:9200/orders/_doc/1", "", false),
            ("DELETE", "localhost:9200/_search/scroll", "", false),
            ("DELETE", "localhost:9200/_template/x", "", false),
            ("DELETE", "https://api.example.com/orders", "", false),
            ("DELETE", "localhost:5984/shop", "", true),
            ("DELETE", "localhost:5984/shop/doc", "", false),
            ("DELETE", "localhost:6333/collections/docs", "", true),
            ("DELETE", "localhost:3000/collections/docs", "", false),
            ("POST", "localhost:9200/orders/_delete_by_query", "{ \"query\": { \"match_all\": {} } }", true),
            ("POST", "localhost:9200/orders/_delete_by_query", "{\"query\":{\"term\":{\"a\":1}}}", false),
            ("POST", "localhost:9200/orders/_search", "{\"query\":{\"match_all\":{}}}", false),
            ("POST", "localhost:8123/", "DROP TABLE x", true),
            ("GET", "localhost:8123/?query=DROP+TABLE%20x", "", true),
            ("GET", "localhost:8123/?query=SELECT+1", "", false),
            ("POST", "localhost:8086/query", "q=DROP DATABASE x", true),
            ("POST", "localhost:8080/", "DROP TABLE x", false),
            ("GET", "localhost:8983/solr/admin/collections?action=DELETE&name=x", "", true),
        ] {
            let request =
                Request { method: method.to_owned(), urls: vec![url.to_owned()], body: body.to_owned() };
            assert_eq!(deletes(&request, drop).is_some(), expected, "{method} {url} {body}");
        }
    }
}
