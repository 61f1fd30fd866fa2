//! How an operation is described.

use http::{Method, StatusCode};
use idhook::error::ErrorCode;
use serde_json::{Map, Value, json};

/// One method of one route: the parts of its description that are not in the code.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// A stable name, from which generators name client functions.
    pub(crate) id: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: String,
    pub(crate) parameters: Vec<Value>,
    pub(crate) request: Option<Content>,
    pub(crate) answers: Vec<Answer>,
    /// Its error codes beyond those of every operation of its kind.
    pub(crate) codes: Vec<ErrorCode>,
    /// Whether it is a token call of the gate: its errors are among `answers`, and it has no idempotency key.
    pub(crate) is_of_gate: bool,
}

/// A body: a schema by its name, and examples.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) schema: Value,
    pub(crate) examples: Vec<(&'static str, Value)>,
}

/// A response with a document of the operation's own: a successful one, or the failed checks of a doctor.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) description: &'static str,
    pub(crate) content: Option<Content>,
    pub(crate) headers: Vec<&'static str>,
    /// Its form as an event stream.
    pub(crate) events: Option<Content>,
    /// The media type of a text: a page for people, or metrics.
    pub(crate) text: Option<&'static str>,
}

/// The error codes of any call to a target.
pub(crate) const UPSTREAM: [ErrorCode; 10] = [
    ErrorCode::NotFound,
    ErrorCode::UpstreamRejected,
    ErrorCode::UpstreamUnreachable,
    ErrorCode::UpstreamTls,
    ErrorCode::UpstreamAuth,
    ErrorCode::UpstreamForbidden,
    ErrorCode::UpstreamFailed,
    ErrorCode::UpstreamInvalid,
    ErrorCode::UpstreamBusy,
    ErrorCode::UpstreamTimeout,
];

impl Operation {
    pub(crate) fn new(method: Method, path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            tag,
            summary: "",
            description: String::new(),
            parameters: Vec::new(),
            request: None,
            answers: Vec::new(),
            codes: Vec::new(),
            is_of_gate: false,
        }
    }

    pub(crate) fn about(self, summary: &'static str, description: impl Into<String>) -> Self {
        Self { summary, description: description.into(), ..self }
    }

    pub(crate) fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// The names of its query parameters.
    pub(crate) fn query_names(&self) -> impl Iterator<Item = &str> {
        let own = self.parameters.iter().filter(|one| one["in"] == "query");
        own.filter_map(|one| one["name"].as_str())
    }

    /// The names of its conditional headers, in lower case.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &'static str> {
        let has = |name| self.parameters.contains(&shared(name));
        let known = [("IfMatch", "if-match"), ("IfNoneMatch", "if-none-match")];
        known.into_iter().filter(move |(name, _)| has(name)).map(|(_, header)| header)
    }

    /// A read of an object with an `ETag`: 304 if the caller has this version.
    pub(crate) fn versioned(self) -> Self {
        self.parameter(shared("IfNoneMatch"))
            .answers(Answer::new(StatusCode::NOT_MODIFIED, "The caller has the current version.").headers(&["ETag"]))
    }

    pub(crate) fn takes(self, request: Content) -> Self {
        Self { request: Some(request), ..self }
    }

    pub(crate) fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    pub(crate) fn may(mut self, codes: &[ErrorCode]) -> Self {
        self.codes.extend_from_slice(codes);
        self
    }
}

impl Content {
    /// A body with the schema of this name.
    pub(crate) fn of(schema: &str) -> Self {
        Self { schema: json!({ "$ref": format!("#/components/schemas/{schema}") }), examples: Vec::new() }
    }

    pub(crate) fn example(mut self, name: &'static str, value: Value) -> Self {
        self.examples.push((name, value));
        self
    }

    /// The Media Type Object of OpenAPI.
    pub(crate) fn media_type(&self) -> Value {
        let examples: Map<_, _> =
            self.examples.iter().map(|(name, value)| ((*name).to_owned(), json!({ "value": value }))).collect();
        json!({ "schema": self.schema, "examples": examples })
    }
}

impl Answer {
    pub(crate) fn new(status: StatusCode, description: &'static str) -> Self {
        Self { status, description, content: None, headers: Vec::new(), events: None, text: None }
    }

    pub(crate) fn json(self, content: Content) -> Self {
        Self { content: Some(content), ..self }
    }

    pub(crate) fn text(self, media_type: &'static str) -> Self {
        Self { text: Some(media_type), ..self }
    }

    pub(crate) fn events(self, example: &'static str) -> Self {
        let schema = json!({ "type": "string", "description": "Server-sent events." });
        Self { events: Some(Content { schema, examples: vec![("events", json!(example))] }), ..self }
    }

    /// Adds headers to those of every response.
    pub(crate) fn headers(self, headers: &[&'static str]) -> Self {
        Self { headers: headers.to_vec(), ..self }
    }
}

/// A query parameter.
pub(crate) fn query(name: &str, description: &str, schema: Value, example: Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema, "example": example })
}

/// A boolean query parameter.
pub(crate) fn flag(name: &str, description: &str) -> Value {
    query(name, description, json!({ "type": "boolean" }), json!(true))
}

/// `value` with these further members.
pub(crate) fn with(value: Value, more: Value) -> Value {
    match (value, more) {
        (Value::Object(members), Value::Object(more)) => members.into_iter().chain(more).collect(),
        (value, _) => value,
    }
}

/// A shared parameter, by its name in the components.
pub(crate) fn shared(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}
