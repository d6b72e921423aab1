//! A server of the Model Context Protocol on its standard streams, with tools as many servers have
//! them: one runs a command, one takes SQL, one writes a file.
//!
//! What it was given it does, or notes: a scenario can tell from the files whether a call arrived.

use std::io::{BufRead, Result, Write};
use std::process::Command;

use serde_json::{Value, json};

fn main() -> Result<()> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Ok(request) = serde_json::from_str::<Value>(&line?) else { continue };
        // Notifications have no id, and get no answer.
        if request["id"].is_null() {
            continue;
        }
        let result = answer(&request);
        writeln!(output, "{}", json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }))?;
        output.flush()?;
    }
    Ok(())
}

fn answer(request: &Value) -> Value {
    let params = &request["params"];
    match request["method"].as_str().unwrap_or("") {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "lab", "version": "1" },
        }),
        "tools/list" => json!({ "tools": [
            tool("run", "Runs a shell command", &["command"]),
            tool("query", "Sends SQL to the database", &["sql"]),
            tool("write_file", "Writes a file", &["path", "content"]),
        ] }),
        "tools/call" => called(params["name"].as_str().unwrap_or(""), &params["arguments"]),
        _ => json!({}),
    }
}

fn tool(name: &str, description: &str, arguments: &[&str]) -> Value {
    let properties: Value =
        arguments.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
    let schema = json!({ "type": "object", "properties": properties, "required": arguments });
    json!({ "name": name, "description": description, "inputSchema": schema })
}

fn called(name: &str, arguments: &Value) -> Value {
    let text = |key: &str| arguments[key].as_str().unwrap_or("");
    let done = match name {
        "run" => Command::new("/bin/sh")
            .args(["-c", text("command")])
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned()),
        "query" => append("queries.log", text("sql")).map(|()| "0 rows".to_owned()),
        _ => std::fs::write(text("path"), text("content")).map(|()| "written".to_owned()),
    };
    let is_error = done.is_err();
    let text = done.unwrap_or_else(|error| error.to_string());
    json!({ "content": [{ "type": "text", "text": text }], "isError": is_error })
}

fn append(file: &str, line: &str) -> Result<()> {
    writeln!(std::fs::File::options().create(true).append(true).open(file)?, "{line}")
}
