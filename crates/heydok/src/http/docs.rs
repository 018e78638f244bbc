//! E-93: the API's own documents. All of it is made of the handlers' OpenAPI document and needs no script and no other host.

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::context::Context;
use super::problem::{CATALOGUE, NOT_FOUND, Problem};
use super::router;
use crate::app::App;

static OPENAPI: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(router::openapi()).unwrap_or_default());

/// The page's own colours, whose contrast is known. On a narrow screen the cells of a row stand below each other.
const STYLE: &str = "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
overflow-wrap:anywhere;background:#f6f7f4;color:#17211e}a{color:#0b6b5c}code{font:.875rem/1.5 ui-monospace,monospace}\
h2{margin-top:2.5rem;border-top:1px solid #8886;padding-top:1.5rem}table{border-collapse:collapse;width:100%;overflow-wrap:normal}\
td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8883}.m{display:inline-block;min-width:4.5rem;\
font-weight:700}@media(prefers-color-scheme:dark){body{background:#101614;color:#edf2ef}a{color:#6fd3bc}}\
@media(max-width:40rem){thead{display:none}table,tbody,tr,td{display:block}td{padding:0;border:0}tr{padding:.5rem 0;border-bottom:1px solid #8883}\
table{overflow-wrap:anywhere}}</style>";

/// The addresses of the documents.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/docs", get(docs))
        .route("/docs/errors", get(errors))
        .route("/docs/postman.json", get(postman))
}

fn allowed(app: &App) -> Result<(), Problem> {
    if app.settings.operation.docs { Ok(()) } else { Err(NOT_FOUND.into()) }
}

async fn openapi(State(app): State<App>) -> Result<Response, Problem> {
    allowed(&app)?;
    Ok(Json(&*OPENAPI).into_response())
}

async fn docs(State(app): State<App>) -> Result<Html<String>, Problem> {
    allowed(&app)?;
    Ok(Html(page("API", &operations_html(&OPENAPI))))
}

async fn errors(State(app): State<App>) -> Result<Html<String>, Problem> {
    allowed(&app)?;
    let mut body = String::from(
        "<h1>Errors</h1><p>Every error is an <code>application/problem+json</code> document; programs test its <code>code</code>.</p>\
        <table><thead><tr><th>Code<th>Status<th>Text<th>What to do</tr></thead><tbody>",
    );
    for code in CATALOGUE {
        body.push_str(&format!(
            "<tr id=\"{0}\"><td><code>{0}</code><td>{1}<td>{2}<td>{3}</tr>",
            code.code,
            code.status.as_u16(),
            escape(code.detail),
            escape(code.help)
        ));
    }
    body.push_str("</tbody></table><p><a href=\"/docs\">API</a></p>");
    Ok(Html(page("Errors", &body)))
}

async fn postman(State(app): State<App>, context: Context) -> Result<Response, Problem> {
    allowed(&app)?;
    Ok(Json(collection(&OPENAPI, &context.origin(&app))).into_response())
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title} · heydok</title>{STYLE}</head><body>{body}</body></html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Method, path and operation of everything in the document.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        item.as_object()
            .into_iter()
            .flatten()
            .map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

fn operations_html(document: &Value) -> String {
    let mut body = String::from(
        "<h1>heydok API</h1><p>Machine-readable: <a href=\"/openapi.json\">OpenAPI</a>, <a href=\"/docs/postman.json\">Postman collection</a>. \
        <a href=\"/docs/errors\">Errors</a>.</p>",
    );
    for (method, path, operation) in operations(document) {
        let summary = escape(operation["summary"].as_str().unwrap_or_default());
        let description = escape(operation["description"].as_str().unwrap_or_default());
        let method = method.to_ascii_uppercase();
        body.push_str(&format!(
            "<h2 id=\"{}\">{summary}</h2><p><span class=\"m\">{method}</span><code>{}</code></p><p>{description}</p>",
            escape(operation["operationId"].as_str().unwrap_or_default()),
            escape(path)
        ));
        body.push_str(&parameters_html(operation));
        if let Some(schema) = find_schema(&operation["requestBody"]) {
            body.push_str(&format!("<h3>Request</h3>{}", schema_html(document, schema)));
        }
        body.push_str(&responses_html(document, operation));
    }
    body
}

fn parameters_html(operation: &Value) -> String {
    let Some(parameters) = operation["parameters"].as_array().filter(|parameters| !parameters.is_empty()) else {
        return String::new();
    };
    let row = |parameter: &Value| {
        let text = |name: &str| escape(parameter[name].as_str().unwrap_or_default());
        format!("<tr><td><code>{}</code><td>{}<td>{}</tr>", text("name"), text("in"), text("description"))
    };
    format!("<h3>Parameters</h3><table>{}</table>", parameters.iter().map(row).collect::<String>())
}

fn responses_html(document: &Value, operation: &Value) -> String {
    let mut body = String::from("<h3>Answers</h3>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let schema = find_schema(response).filter(|_| status.starts_with('2'));
        let note = if status.starts_with(['4', '5']) {
            "a problem document"
        } else {
            response["description"].as_str().unwrap_or_default()
        };
        body.push_str(&format!("<p><b>{}</b> {}</p>", escape(status), escape(note)));
        body.push_str(&schema.map(|schema| schema_html(document, schema)).unwrap_or_default());
    }
    body
}

/// The first schema in the content of a request or an answer.
fn find_schema(holder: &Value) -> Option<&Value> {
    holder["content"].as_object()?.values().next().map(|content| &content["schema"])
}

/// The members of a schema as a table.
fn schema_html(document: &Value, schema: &Value) -> String {
    let schema = resolve(document, schema);
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let row = |(name, member): (&String, &Value)| {
        let resolved = resolve(document, member);
        let kind = resolved["type"].as_array().map_or_else(
            || resolved["type"].as_str().unwrap_or_default().to_owned(),
            |kinds| kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        );
        let example = member
            .get("example")
            .map(|example| format!(" Example: <code>{}</code>", escape(&example.to_string())))
            .unwrap_or_default();
        let star = if required.contains(&name.as_str()) { "" } else { " (optional)" };
        let description = escape(member["description"].as_str().unwrap_or_default());
        format!("<tr><td><code>{}</code>{star}<td>{kind}<td>{description}{example}</tr>", escape(name))
    };
    let rows: String = schema["properties"].as_object().into_iter().flatten().map(row).collect();
    format!("<table>{rows}</table>")
}

fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let reference =
        schema["$ref"].as_str().or_else(|| schema["oneOf"].as_array()?.iter().find_map(|one| one["$ref"].as_str()));
    reference.and_then(|reference| document.pointer(reference.trim_start_matches('#'))).unwrap_or(schema)
}

/// A Postman collection (schema 2.1.0).
fn collection(document: &Value, origin: &str) -> Value {
    let items: Vec<Value> = operations(document)
        .map(|(method, path, operation)| {
            let body = find_schema(&operation["requestBody"]).map(|schema| example(document, schema));
            let mut request = json!({
                "method": method.to_ascii_uppercase(),
                "header": [{ "key": "Content-Type", "value": "application/json" }],
                "url": { "raw": format!("{{{{base_url}}}}{}", path.replace('{', ":").replace('}', "")), "host": ["{{base_url}}"],
                         "path": path.trim_start_matches('/').replace('{', ":").replace('}', "").split('/').collect::<Vec<_>>() },
            });
            if let Some(body) = body {
                request["body"] = json!({ "mode": "raw", "raw": body.to_string() });
            }
            json!({ "name": operation["summary"], "request": request })
        })
        .collect();
    json!({
        "info": { "name": "heydok", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
        "variable": [{ "key": "base_url", "value": origin }],
        "item": items,
    })
}

/// An example body: the members that have an example.
fn example(document: &Value, schema: &Value) -> Value {
    let schema = resolve(document, schema);
    let members = schema["properties"].as_object().into_iter().flatten();
    let with_example = members.filter_map(|(name, member)| Some((name.clone(), member.get("example")?.clone())));
    Value::Object(with_example.collect())
}
