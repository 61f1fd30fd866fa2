//! The HTTP contract as data: `dev/openapi` makes the OpenAPI documents from it. Only with the feature `contract`; the
//! component does not need it.
//!
//! Routes come from the table that matches requests, schemas from the types that are read and written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue, Method};
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::gate::{self, ErrorForm};
use super::log::LogLine;
use super::metrics::Family;
use super::request_id::RequestIdentity;
use super::{fleet_routes, health, problem, respond, route, sync_routes, vidm_routes};
use crate::config::{self, ConfigError, Scope};
use crate::embedded;
use crate::error::{Error, ErrorCode};
use crate::fleet;
use crate::operations;
use crate::secret::Secret;
use crate::sync;
use crate::vcf::{self, Extra};
use crate::vidm::{self, DirectoryKind};

/// One method of a route.
#[derive(Debug, Clone)]
pub struct RouteOperation {
    /// The method.
    pub method: Method,
    /// The required scope; `None`: no caller needed.
    pub scope: Option<Scope>,
    /// The names of its query parameters; others are rejected.
    pub query: &'static [&'static str],
    /// The conditional headers that it evaluates, in lower case; a change with another one is rejected.
    pub conditions: &'static [&'static str],
}

/// One route.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its path, with the names of its parameters in braces.
    pub path: &'static str,
    /// Its methods. HEAD is served wherever GET is, OPTIONS everywhere.
    pub operations: Vec<RouteOperation>,
}

/// Every route.
#[must_use]
pub fn routes() -> Vec<Route> {
    let operation = |one: &route::Operation| RouteOperation {
        method: one.method.clone(),
        scope: one.scope,
        query: one.query,
        conditions: one.conditions,
    };
    let operations = |row: &route::Row| row.operations.iter().map(operation).collect();
    route::ROWS.iter().map(|row| Route { path: row.path, operations: operations(row) }).collect()
}

/// The problem document of a configuration with these mistakes, in a request of this id.
#[must_use]
pub fn not_configured(mistakes: &[ConfigError], request_id: &'static str) -> Value {
    problem(&respond::not_configured(mistakes), request_id).0
}

/// Whether the webhook returns this code; only functions return the others.
#[must_use]
pub fn is_sent_over_http(code: ErrorCode) -> bool {
    code.is_sent_over_http()
}

/// The problem document and headers of the response to `error`, in a request with this id.
#[must_use]
pub fn problem(error: &Error, request_id: &'static str) -> (Value, HeaderMap) {
    let id = HeaderValue::from_static(request_id);
    let identity =
        RequestIdentity { id, traceparent: None, has_bearer: true, errors: ErrorForm::Problem, docs_url: "".into() };
    let response = problem::response(error, &identity, &[]);
    (serde_json::from_slice(response.body()).unwrap_or_default(), response.headers().clone())
}

/// The schemas of all requests and responses (JSON Schema 2020-12), by name. They refer to each other as in an OpenAPI
/// document's components.
#[must_use]
pub fn schemas() -> BTreeMap<String, Value> {
    let mut answers = generator(Contract::Serialize);
    answers.subschema_for::<health::Health>();
    answers.subschema_for::<health::Ready<'_>>();
    answers.subschema_for::<crate::error::Problem>();
    answers.subschema_for::<operations::Diagnosis>();
    answers.subschema_for::<vidm_routes::Directories>();
    answers.subschema_for::<sync_routes::SyncAnswer>();
    answers.subschema_for::<sync::SyncHistory>();
    answers.subschema_for::<sync_routes::AdvanceAnswer>();
    answers.subschema_for::<sync_routes::DryRunAnswer>();
    answers.subschema_for::<vidm_routes::Groups>();
    answers.subschema_for::<fleet_routes::Directories>();
    answers.subschema_for::<fleet_routes::Groups>();
    answers.subschema_for::<fleet::IdentityProviders>();
    answers.subschema_for::<fleet::IamTask>();
    answers.subschema_for::<fleet::ScimSyncClient>();
    answers.subschema_for::<fleet::SamlMetadataContent>();
    answers.subschema_for::<operations::Deletion>();
    answers.subschema_for::<operations::Applied>();
    answers.subschema_for::<vidm::Health>();
    answers.subschema_for::<vcf::ChangeOutcome>();
    answers.subschema_for::<vcf::IdentityProviders>();
    answers.subschema_for::<vcf::SyncClientToken>();
    answers.subschema_for::<vcf::PrecheckResult>();
    answers.subschema_for::<vcf::SddcManagerOidc>();
    answers.subschema_for::<vcf::SddcManagers>();
    answers.subschema_for::<gate::TokenPair>();
    answers.subschema_for::<gate::VendorError>();
    let mut requests = generator(Contract::Deserialize);
    requests.subschema_for::<sync_routes::StartRequest>();
    requests.subschema_for::<vcf::IdentityProviderSpec>();
    requests.subschema_for::<vcf::IdentitySourceSpec>();
    requests.subschema_for::<vcf::NewCredentials>();
    requests.subschema_for::<vcf::NewCertificates>();
    requests.subschema_for::<vcf::NewClientSecret>();
    requests.subschema_for::<gate::TokenCreationSpec>();
    requests.subschema_for::<operations::ApplySpec>();
    requests.subschema_for::<fleet::FederatedIdentityProvider>();
    requests.subschema_for::<fleet::SamlMetadata>();
    let mut schemas: BTreeMap<_, _> =
        [requests, answers].into_iter().flat_map(|mut generator| generator.take_definitions(true)).collect();
    // Codes that only functions use are never in a response.
    if let Some(words) = schemas.get_mut("ErrorCode").and_then(|code| code["enum"].as_array_mut()) {
        let sent = |code: &&ErrorCode| code.is_sent_over_http();
        words.retain(|word| ErrorCode::ALL.iter().filter(sent).any(|code| word == code.as_str()));
    }
    schemas
}

/// The schemas of the types in [`embedded`], in the same form.
#[must_use]
pub fn embedded_schemas() -> BTreeMap<String, Value> {
    let mut given = generator(Contract::Serialize);
    given.subschema_for::<crate::error::Problem>();
    given.subschema_for::<vidm::Directory>();
    given.subschema_for::<sync::SyncDocument>();
    given.subschema_for::<sync::SyncHistory>();
    given.subschema_for::<sync::DryRun>();
    given.subschema_for::<vidm::Group>();
    given.subschema_for::<vidm::Health>();
    given.subschema_for::<fleet::Directory>();
    given.subschema_for::<fleet::Group>();
    given.subschema_for::<fleet::IdentityProviders>();
    given.subschema_for::<fleet::ScimSyncClient>();
    given.subschema_for::<fleet::SamlMetadataContent>();
    given.subschema_for::<embedded::Deletion>();
    given.subschema_for::<embedded::Applied>();
    given.subschema_for::<vcf::ChangeOutcome>();
    given.subschema_for::<vcf::IdentityProviders>();
    given.subschema_for::<vcf::SyncClientToken>();
    given.subschema_for::<vcf::PrecheckResult>();
    given.subschema_for::<vcf::SddcManagerOidc>();
    let mut taken = generator(Contract::Deserialize);
    taken.subschema_for::<crate::config::VidmSettings>();
    taken.subschema_for::<crate::config::VcfSettings>();
    taken.subschema_for::<crate::config::FleetSettings>();
    taken.subschema_for::<embedded::Timeouts>();
    taken.subschema_for::<vidm::DirectoryFilter>();
    taken.subschema_for::<fleet::DirectoryFilter>();
    taken.subschema_for::<embedded::SyncOrder>();
    taken.subschema_for::<fleet::SamlMetadata>();
    taken.subschema_for::<vcf::IdentityProviderSpec>();
    taken.subschema_for::<vcf::IdentitySourceSpec>();
    taken.subschema_for::<vcf::NewCredentials>();
    taken.subschema_for::<vcf::NewCertificates>();
    taken.subschema_for::<vcf::NewClientSecret>();
    taken.subschema_for::<embedded::ApplySpec>();
    [taken, given].into_iter().flat_map(|mut generator| generator.take_definitions(true)).collect()
}

/// A metric family of `GET /metrics`.
#[derive(Debug, Clone, Copy)]
pub struct MetricFamily {
    /// Its name; a histogram's samples add `_bucket`, `_sum` and `_count` to it.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The names of its labels, without `le`.
    pub labels: &'static [&'static str],
    /// Its meaning.
    pub help: &'static str,
}

/// Every metric family.
#[must_use]
pub fn metric_families() -> Vec<MetricFamily> {
    let described = |family: &Family| MetricFamily {
        name: family.name(),
        kind: family.kind().as_str(),
        labels: family.labels(),
        help: family.help(),
    };
    Family::ALL.iter().map(described).collect()
}

/// The schema of a line of the log, complete in itself.
#[must_use]
pub fn log_schema() -> Value {
    let mut generator = inline(Contract::Serialize);
    generator.root_schema_for::<LogLine>().to_value()
}

/// The schema of an entry of each JSON variable, by the variable's name; of a target, by `targets.vidm` and `targets.vcf`.
#[must_use]
pub fn variable_schemas() -> BTreeMap<&'static str, Value> {
    let mut generator = inline(Contract::Deserialize);
    let entries = config::entry_schemas(&mut generator);
    let plain = |mut schema: Schema| {
        AbsentNotNull.transform(&mut schema);
        Plain.transform(&mut schema);
        schema.to_value()
    };
    entries.into_iter().map(|(name, schema)| (name, plain(schema))).collect()
}

/// A generator of schemas that refer to no others.
fn inline(contract: Contract) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.contract = contract;
    settings.with_transform(AbsentNotNull).with_transform(Plain).into_generator()
}

fn generator(contract: Contract) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.contract = contract;
    settings.with_transform(AbsentNotNull).with_transform(Plain).into_generator()
}

/// Optional fields are omitted rather than null; in requests, null means omitted.
#[derive(Debug, Clone)]
struct AbsentNotNull;

impl Transform for AbsentNotNull {
    fn transform(&mut self, schema: &mut Schema) {
        let required: Vec<_> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            for (name, property) in properties {
                if !required.iter().any(|one| one == name) {
                    without_null(property);
                }
            }
        }
        transform_subschemas(self, schema);
    }
}

fn without_null(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    if let Some(Value::Array(kinds)) = fields.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [one] = kinds.as_slice() {
            let one = one.clone();
            fields.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(kinds)) = fields.get_mut("anyOf") {
        kinds.retain(|kind| kind["type"] != "null");
        if let [Value::Object(one)] = kinds.as_slice() {
            let one = one.clone();
            fields.remove("anyOf");
            fields.extend(one);
        }
    }
}

/// Simplifies schemas: enumerations become lists of words, descriptions lose links into the code and line breaks within a
/// paragraph.
#[derive(Debug, Clone)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(Value::String(text)) = schema.get_mut("description") {
            let paragraphs: Vec<_> = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
            *text = paragraphs.join("\n\n").replace("[`", "`").replace("`]", "`").replace("`None`", "null");
        }
        if schema.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
            schema.remove("format");
        }
        // An omitted field is false, empty or null anyway. openapi-typescript takes a field with a default for a required one.
        let is_nothing = |default: &Value| *default == json!(false) || *default == json!([]) || default.is_null();
        if schema.get("default").is_some_and(is_nothing) {
            schema.remove("default");
        }
        words(schema);
    }
}

/// Turns one-of-several-constants into an enumeration.
fn words(schema: &mut Schema) {
    let Some(Value::Array(kinds)) = schema.get("oneOf") else { return };
    let Some(words) = kinds.iter().map(|kind| kind.get("const").cloned()).collect::<Option<Vec<_>>>() else { return };
    let mut told = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    for kind in kinds {
        let (word, meaning) = (&kind["const"], kind["description"].as_str().unwrap_or_default());
        told.push_str(&format!("\n* `{}`: {meaning}", word.as_str().unwrap_or_default()));
    }
    schema.remove("oneOf");
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), words.into());
    schema.insert("description".to_owned(), told.into());
}

impl JsonSchema for ErrorCode {
    fn schema_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<_> = Self::ALL.iter().map(|code| code.as_str()).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password" })
    }
}

impl JsonSchema for Extra {
    fn schema_name() -> Cow<'static, str> {
        "Extra".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": true })
    }
}

impl JsonSchema for DirectoryKind {
    fn schema_name() -> Cow<'static, str> {
        "DirectoryKind".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let known: Vec<_> = Self::KNOWN.iter().map(Self::as_str).collect();
        json_schema!({ "type": "string", "examples": known })
    }
}

impl JsonSchema for vidm::Directory {
    fn schema_name() -> Cow<'static, str> {
        "Directory".into()
    }

    /// The JSON that `Serialize` writes; a test compares the two.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = generator.subschema_for::<Option<DirectoryKind>>();
        json_schema!({
            "type": "object",
            "description": "A directory as vIDM describes it; further fields are passed on.",
            "properties": {
                "id": { "type": "string", "description": "Its id, a UUID." },
                "name": { "type": ["string", "null"], "description": "Its name." },
                "type": kind,
                "syncable": { "type": "boolean", "description": "Whether it can be synced, as far as vIDM reports." },
                "userstoreId": { "type": ["string", "null"], "description": "The id of the user store." },
                "countDomains": { "type": ["integer", "null"], "description": "The number of its domains." },
                "deleteInProgress": { "type": ["boolean", "null"], "description": "Whether it is being deleted." },
                "migratedToEnterpriseService": {
                    "type": ["boolean", "null"],
                    "description": "Whether the newer enterprise service syncs it instead of the classic connector."
                },
                "syncConfigurationEnabled": {
                    "type": ["boolean", "null"],
                    "description": "Whether it has a sync profile, as vIDM lists it; not reliable for directories that scripts created."
                }
            },
            "required": [
                "id", "name", "type", "syncable", "userstoreId", "countDomains", "deleteInProgress",
                "migratedToEnterpriseService", "syncConfigurationEnabled"
            ],
            "additionalProperties": true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_of_directory_matches_its_json() {
        let directory = serde_json::json!({ "directoryId": "d", "more": 1 });
        let Value::Object(item) = directory else { panic!() };
        let mut written = serde_json::to_value(vidm::Directory::read(item)).unwrap();
        assert_eq!(written["more"], 1);
        written.as_object_mut().unwrap().remove("more");
        let schema = &schemas()["Directory"];
        let written: Vec<_> = written.as_object().unwrap().keys().collect();
        assert_eq!(schema["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), written);
        assert_eq!(schema["required"].as_array().unwrap().len(), written.len());
    }

    #[test]
    fn types_in_requests_and_answers_share_a_schema() {
        let mut requests = generator(Contract::Deserialize);
        let mut answers = generator(Contract::Serialize);
        requests.subschema_for::<vcf::IdentityProviderSpec>();
        answers.subschema_for::<vcf::IdentityProviders>();
        let (requests, answers) = (requests.take_definitions(true), answers.take_definitions(true));
        let shared: Vec<_> = requests.iter().filter(|(name, _)| answers.contains_key(*name)).collect();
        assert_eq!(shared.len(), 2, "{shared:?}");
        for (name, schema) in shared {
            assert_eq!(Some(schema), answers.get(name), "{name}");
        }
    }
}
