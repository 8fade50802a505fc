//! The documentation as a page, rendered here so that it needs neither scripts nor a network.

use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::pages::escaped;

/// Deeper than any schema of ours; a schema that refers to itself ends here.
const DEEPEST: usize = 8;

/// The page's body.
pub(super) fn body(document: &OpenApi) -> String {
    // A document of ours always becomes JSON; of one that does not the page shows nothing but its frame.
    let document = serde_json::to_value(document).unwrap_or_default();
    let (info, tags) = (&document["info"], list(&document["tags"]));
    let mut page = format!(
        "<main><h1>{} <small>{}</small></h1><p>{}</p><p>Refusals are problem details (RFC 9457) with a stable \
         <code>code</code> and a <code>request_id</code>. The same for programs: \
         <a href=\"/openapi.json\">openapi.json</a></p><nav>",
        shown(&info["title"]),
        shown(&info["version"]),
        shown(&info["description"])
    );
    for tag in tags {
        let name = shown(&tag["name"]);
        page.push_str(&format!("<a href=\"#{name}\">{name}</a>"));
    }
    page.push_str("</nav>");
    for tag in tags {
        let (name, text) = (shown(&tag["name"]), shown(&tag["description"]));
        page.push_str(&format!("<section id=\"{name}\"><h2>{name}</h2><p>{text}</p>"));
        for (path, item) in members(&document["paths"]) {
            for (method, operation) in
                members(item).filter(|(_, operation)| operation["tags"][0] == tag["name"])
            {
                page.push_str(&operation_html(&document, path, method, operation));
            }
        }
        page.push_str("</section>");
    }
    page + "</main>"
}

fn operation_html(document: &Value, path: &str, method: &str, operation: &Value) -> String {
    let mut html = format!(
        "<details><summary><b>{}</b> <code>{}</code> <span>{}</span></summary><div>",
        escaped(&method.to_uppercase()),
        escaped(path),
        shown(&operation["summary"])
    );
    let proof = if operation.get("security").is_some() {
        "Clerk session token as Bearer"
    } else {
        "none at the gateway"
    };
    html.push_str(&format!("<p>{} Proof: {proof}.</p>", shown(&operation["description"])));
    let parameters = list(&operation["parameters"]);
    if !parameters.is_empty() {
        html.push_str("<h3>Parameters</h3><table>");
        for parameter in parameters {
            let (name, place, text) =
                (shown(&parameter["name"]), shown(&parameter["in"]), shown(&parameter["description"]));
            let must = if parameter["required"] == true { ", required" } else { "" };
            html.push_str(&format!(
                "<tr><td><code>{name}</code></td><td>{place}{must}</td><td>{text}</td></tr>"
            ));
        }
        html.push_str("</table>");
    }
    for (_, content) in members(&operation["requestBody"]["content"]) {
        html.push_str(&format!("<h3>Body</h3>{}", schema_html(document, &content["schema"])));
    }
    html.push_str("<h3>Answers</h3>");
    for (status, response) in members(&operation["responses"]) {
        html.push_str(&format!("<p><b>{}</b> {}</p>", escaped(status), shown(&response["description"])));
        // The shape of refusals is the same everywhere and said at the top.
        if status.starts_with('2') {
            for (_, content) in members(&response["content"]) {
                html.push_str(&schema_html(document, &content["schema"]));
            }
        }
    }
    html + "</div></details>"
}

fn schema_html(document: &Value, schema: &Value) -> String {
    format!("<pre>{}</pre>", escaped(&outline(document, schema, 0)))
}

/// A schema as an outline: names, types, what they mean.
fn outline(document: &Value, schema: &Value, depth: usize) -> String {
    let schema = resolved(document, schema);
    if depth > DEEPEST {
        return "…".into();
    }
    if schema["type"] == "array" {
        return format!("[{}]", outline(document, &schema["items"], depth));
    }
    let variants = list(&schema["oneOf"]).iter().filter(|variant| variant["type"] != "null");
    let variants: Vec<_> = variants.map(|variant| outline(document, variant, depth)).collect();
    if !variants.is_empty() {
        return variants.join(" | ");
    }
    let Some(properties) = schema["properties"].as_object() else { return type_name(schema) };
    let indent = "  ".repeat(depth + 1);
    let mut text = String::from("{\n");
    for (name, property) in properties {
        let optional =
            if list(&schema["required"]).iter().any(|required| required == name) { "" } else { "?" };
        let kind = outline(document, property, depth + 1);
        let meaning = property["description"].as_str().unwrap_or_default().replace('\n', " ");
        let comment =
            if meaning.is_empty() || kind.contains('\n') { String::new() } else { format!("  // {meaning}") };
        text.push_str(&format!("{indent}{name}{optional}: {kind}{comment}\n"));
    }
    text + &"  ".repeat(depth) + "}"
}

fn type_name(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        _ => "any".into(),
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Text as HTML; what stands between backquotes is code.
fn shown(value: &Value) -> String {
    let parts = value.as_str().unwrap_or_default().split('`').map(escaped).enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_code_is_marked() {
        assert_eq!(shown(&Value::from("<a> `b&c` d")), "&lt;a&gt; <code>b&amp;c</code> d");
    }

    #[test]
    fn the_page_shows_every_route_and_no_script() {
        let document = crate::openapi::document();
        let page = body(&document);
        for path in document.paths.paths.keys() {
            assert!(page.contains(&format!("<code>{}</code>", escaped(path))), "{path}");
        }
        assert!(page.contains("available_slots") && page.contains("formatted_time"));
        for foreign in ["<script", "http://", "src="] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
