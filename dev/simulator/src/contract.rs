//! The vendor's OpenAPI documents of VCF Operations and SDDC Manager, and whether recorded calls keep them.
//!
//! Stricter than the documents: an object has no other fields than those of its schema, and a query no other parameters.

use crate::calls::Exchange;
use crate::settings::{FleetVersion, SddcVersion};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

const RELEASE_9_1_0: &str = include_str!("../../../tests/fixtures/fleet/openapi.9.1.0.json");
const PATCH_9_1_1: &str = include_str!("../../../tests/fixtures/fleet/openapi.9.1.1.merge-patch.json");

const SDDC_5_2: &str = include_str!("../../../tests/fixtures/vcf/openapi.5.2.1.json");
const SDDC_9_1: &str = include_str!("../../../tests/fixtures/vcf/openapi.9.1.0.json");

/// A release with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Of VCF Operations.
    Fleet(FleetVersion),
    /// Of SDDC Manager; there is none of 5.0.
    Sddc(SddcVersion),
}

/// The differences of the two documents.
#[derive(Debug)]
struct Manner {
    /// The base path of all operations.
    base: &'static str,
    /// The schema of errors that are not declared.
    error: &'static str,
    /// Whether fields with `readOnly` are absent from requests. SDDC Manager's document marks whole request bodies so, by
    /// mistake.
    honours_read_only: bool,
    /// Whether an operation may respond with a body that is not declared, or with a success if none is: SDDC Manager responds
    /// with the id of a new provider (API reference guide 5.0.0), and its document has no success of `sync-client`.
    may_say_more: bool,
}

const FLEET: Manner = Manner { base: "/suite-api", error: "error", honours_read_only: true, may_say_more: false };
const SDDC: Manner = Manner { base: "", error: "Error", honours_read_only: false, may_say_more: true };

/// A parameter that every operation accepts, though no document declares it.
const UNDECLARED: &str = "_no_links";

/// Every violation in these calls to VCF Operations and SDDC Manager, a line each. Calls that need not keep the contract are passed over, other
/// servers' among them.
#[must_use]
pub fn violations(exchanges: &[Exchange]) -> Vec<String> {
    exchanges.iter().flat_map(|exchange| violations_of(exchange, true)).collect()
}

/// The same, but a request that the server rejected may violate the contract.
#[must_use]
pub fn violations_of_accepted(exchanges: &[Exchange]) -> Vec<String> {
    exchanges.iter().flat_map(|exchange| violations_of(exchange, exchange.status < 400)).collect()
}

/// The vendor's name of the operation that a call addresses, such as `executeLdapSync`.
#[must_use]
pub fn operation_id(exchange: &Exchange) -> Option<&'static str> {
    let operation = Contract::of_release(exchange.contract?)?.operation(exchange)?;
    operation.get("operationId")?.as_str()
}

fn violations_of(exchange: &Exchange, with_request: bool) -> Vec<String> {
    let Some(release) = exchange.contract else { return Vec::new() };
    let mut found = Vec::new();
    match Contract::of_release(release) {
        None => found.push("a document of the contract is not JSON".to_owned()),
        Some(contract) => match contract.operation(exchange) {
            Some(operation) => {
                if with_request {
                    found.extend(contract.request(operation, exchange));
                }
                found.extend(contract.response(operation, exchange));
            }
            None if with_request => found.push("there is no such operation".to_owned()),
            None => found.extend(contract.error(exchange)),
        },
    }
    let line = |violation| format!("{} {}: {} {violation}", exchange.method, exchange.path_and_query, exchange.status);
    found.into_iter().map(line).collect()
}

/// The contract of one release.
#[derive(Debug)]
pub(crate) struct Contract {
    manner: Manner,
    document: Value,
    /// The schemas for requests and for responses: fields that only the server sets are unknown in requests.
    schemas: [Value; 2],
    /// Compiled schemas, by direction and text.
    compiled: Mutex<BTreeMap<(Direction, String), Arc<jsonschema::Validator>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Request,
    Response,
}

impl Contract {
    fn of_release(release: Release) -> Option<&'static Self> {
        static OLD: LazyLock<Option<Contract>> =
            LazyLock::new(|| Contract::new(SDDC, serde_json::from_str(SDDC_5_2).ok()?));
        static NEW: LazyLock<Option<Contract>> =
            LazyLock::new(|| Contract::new(SDDC, serde_json::from_str(SDDC_9_1).ok()?));
        match release {
            Release::Fleet(version) => Self::shared(version),
            Release::Sddc(SddcVersion::V9_1) => NEW.as_ref(),
            Release::Sddc(SddcVersion::V5_0 | SddcVersion::V5_2) => OLD.as_ref(),
        }
    }

    /// The contract of a release of VCF Operations, read once. That of 9.0 is part of 9.1.0's.
    pub(crate) fn shared(version: FleetVersion) -> Option<&'static Self> {
        static OLD: LazyLock<Option<Contract>> = LazyLock::new(|| Contract::of(FleetVersion::V9_1_0));
        static NEW: LazyLock<Option<Contract>> = LazyLock::new(|| Contract::of(FleetVersion::V9_1_1));
        if version >= FleetVersion::V9_1_1 { NEW.as_ref() } else { OLD.as_ref() }
    }

    fn of(version: FleetVersion) -> Option<Self> {
        let mut document: Value = serde_json::from_str(RELEASE_9_1_0).ok()?;
        if version >= FleetVersion::V9_1_1 {
            merge(&mut document, serde_json::from_str(PATCH_9_1_1).ok()?);
        }
        Self::new(FLEET, document)
    }

    fn new(manner: Manner, document: Value) -> Option<Self> {
        let schemas = [Direction::Request, Direction::Response].map(|direction| {
            let mut components = document.get("components").cloned().unwrap_or_default();
            close(&mut components, direction == Direction::Request && manner.honours_read_only);
            components
        });
        Some(Self { manner, document, schemas, compiled: Mutex::default() })
    }

    /// How the body of a request violates a schema.
    pub(crate) fn violations_of_body(&self, schema: &str, body: &[u8]) -> Vec<String> {
        self.compare(&json!({"$ref": format!("#/components/schemas/{schema}")}), body, Direction::Request)
    }

    /// The operation of a call.
    fn operation(&self, exchange: &Exchange) -> Option<&Value> {
        let path = exchange.path_and_query.split('?').next()?.strip_prefix(self.manner.base)?;
        let paths = self.document.get("paths")?.as_object()?;
        // A literal segment wins over a parameter.
        let matching = paths.iter().filter(|(template, _)| fits(template, path));
        let (_, methods) = matching.min_by_key(|(template, _)| template.matches('{').count())?;
        methods.get(exchange.method.to_ascii_lowercase())
    }

    fn request(&self, operation: &Value, exchange: &Exchange) -> Vec<String> {
        let mut found = self.query(operation, exchange);
        let body = operation.get("requestBody");
        let Some(content) = body.and_then(|body| body.get("content")) else {
            if !exchange.request.is_empty() {
                found.push("the request has a body, and the operation has none".to_owned());
            }
            return found;
        };
        if exchange.request.is_empty() {
            let is_required = body.and_then(|body| body.get("required")) == Some(&Value::Bool(true));
            found.extend(is_required.then(|| "the request has no body".to_owned()));
            return found;
        }
        found.extend(self.body(content, exchange.request_type.as_deref(), &exchange.request, Direction::Request));
        found
    }

    fn response(&self, operation: &Value, exchange: &Exchange) -> Vec<String> {
        let responses = operation.get("responses").and_then(Value::as_object);
        let declared = responses.and_then(|responses| responses.get(&exchange.status.to_string()));
        let declares_success = responses.is_some_and(|all| all.keys().any(|status| status.starts_with('2')));
        let content = declared.and_then(|response| response.get("content")).filter(|content| is_full(content));
        match (declared, content) {
            (_, Some(content)) => {
                self.body(content, exchange.response_type.as_deref(), &exchange.response, Direction::Response)
            }
            _ if exchange.status >= 400 => self.error(exchange),
            (None, None) if self.manner.may_say_more && !declares_success => Vec::new(),
            (None, None) => vec!["the status is not declared".to_owned()],
            (Some(_), None) if exchange.response.is_empty() || self.manner.may_say_more => Vec::new(),
            (Some(_), None) => vec!["the response has a body, and the operation has none".to_owned()],
        }
    }

    /// Errors that are not declared have the generic schema, or are pages of a proxy.
    fn error(&self, exchange: &Exchange) -> Vec<String> {
        match exchange.response_type.as_deref().map(media_type) {
            Some("application/json") => {
                let schema = json!({"$ref": format!("#/components/schemas/{}", self.manner.error)});
                self.compare(&schema, &exchange.response, Direction::Response)
            }
            Some("text/html") | None => Vec::new(),
            Some(other) => vec![format!("an error has the content type {other}")],
        }
    }

    fn body(&self, content: &Value, content_type: Option<&str>, body: &[u8], direction: Direction) -> Vec<String> {
        let content_type = content_type.map(media_type).unwrap_or_default();
        match content.get(content_type).map(|content| content.get("schema").unwrap_or(&Value::Null)) {
            None => vec![format!("the content type {content_type:?} is not declared")],
            Some(schema) if content_type == "application/json" => self.compare(schema, body, direction),
            Some(_) => Vec::new(),
        }
    }

    fn query(&self, operation: &Value, exchange: &Exchange) -> Vec<String> {
        let parameters = operation.get("parameters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let declared: Vec<&Value> =
            parameters.iter().filter(|parameter| parameter.get("in") == Some(&json!("query"))).collect();
        let name_of = |parameter: &Value| parameter.get("name").and_then(Value::as_str).map(str::to_owned);
        let query = exchange.path_and_query.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let sent: Vec<(String, String)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_owned(), percent_decode_str(value).decode_utf8_lossy().into_owned()))
            .collect();
        let mut found = Vec::new();
        for (name, value) in &sent {
            let parameter = declared.iter().find(|parameter| name_of(parameter).as_ref() == Some(name));
            match parameter.and_then(|parameter| parameter.get("schema")) {
                Some(schema) => {
                    let value = typed(schema, value);
                    let violations = self.compare(schema, value.to_string().as_bytes(), Direction::Request);
                    found.extend(violations.into_iter().map(|violation| format!("parameter {name}: {violation}")));
                }
                None if name == UNDECLARED => {}
                None => found.push(format!("the parameter {name} is not declared")),
            }
        }
        let is_required = |parameter: &&&Value| parameter.get("required") == Some(&Value::Bool(true));
        for name in declared.iter().filter(is_required).filter_map(|parameter| name_of(parameter)) {
            if !sent.iter().any(|(sent, _)| *sent == name) {
                found.push(format!("the parameter {name} is missing"));
            }
        }
        found
    }

    fn compare(&self, schema: &Value, body: &[u8], direction: Direction) -> Vec<String> {
        let body: Value = match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(error) => return vec![format!("the body is not JSON: {error}")],
        };
        match self.validator(schema, direction) {
            Ok(validator) => {
                validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect()
            }
            Err(error) => vec![format!("the schema cannot be compiled: {error:#}")],
        }
    }

    fn validator(&self, schema: &Value, direction: Direction) -> anyhow::Result<Arc<jsonschema::Validator>> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (direction, schema.to_string());
        if let Some(validator) = compiled.get(&key) {
            return Ok(Arc::clone(validator));
        }
        let [requests, responses] = &self.schemas;
        let components = if direction == Direction::Request { requests } else { responses };
        let mut whole = schema.clone();
        if let Value::Object(fields) = &mut whole {
            fields.insert("components".to_owned(), components.clone());
        }
        let validator = jsonschema::options().should_validate_formats(true).build(&whole);
        let validator = Arc::new(validator.map_err(|error| anyhow::anyhow!("{error}"))?);
        compiled.insert(key, Arc::clone(&validator));
        Ok(validator)
    }
}

fn is_full(content: &Value) -> bool {
    content.as_object().is_some_and(|content| !content.is_empty())
}

fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether a path has the form of a template such as `/a/{id}`.
fn fits(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(wanted, given): (&&str, &&str)| wanted == given || (wanted.starts_with('{') && !given.is_empty());
    wanted.len() == given.len() && wanted.iter().zip(&given).all(fits)
}

/// The text of a parameter as its schema's type.
fn typed(schema: &Value, text: &str) -> Value {
    match schema.get("type").and_then(Value::as_str) {
        Some("integer" | "number" | "boolean") => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        Some("array") => json!([text]),
        _ => json!(text),
    }
}

/// Forbids fields that a schema does not have, and if wanted those that only the server sets.
fn close(schema: &mut Value, without_read_only: bool) {
    match schema {
        Value::Object(fields) => {
            let has_parts = fields.contains_key("allOf");
            if !has_parts && let Some(Value::Object(properties)) = fields.get_mut("properties") {
                if without_read_only {
                    properties.retain(|_, property| property.get("readOnly") != Some(&Value::Bool(true)));
                }
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.remove("discriminator");
            fields.values_mut().for_each(|value| close(value, without_read_only));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| close(item, without_read_only)),
        _ => {}
    }
}

/// Applies a JSON Merge Patch (RFC 7396).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests;
