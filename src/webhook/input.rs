//! What a request brings: its query and its body, whatever form they came in, as one typed value or a list of all that is
//! wrong.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use percent_encoding::percent_decode;
use serde::Deserialize as _;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::{Map, Value};

use super::Body;
use crate::error::{Error, ErrorCode, FieldError};

/// A request's input, read as far as its form.
#[derive(Debug)]
pub(super) struct Input<'a> {
    is_read: bool,
    query: Vec<(String, String)>,
    body: &'a [u8],
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Urlencoded,
}

impl<'a> Input<'a> {
    /// Looks at what came: bounds and media type.
    pub(super) fn of(request: &Parts, body: &'a Body) -> Result<Self, Error> {
        let body = whole(body)?;
        let form = if body.iter().all(u8::is_ascii_whitespace) { Form::Json } else { media_type(request)? };
        let is_read = matches!(request.method, http::Method::GET | http::Method::HEAD);
        let query = pairs(request.uri.query().unwrap_or_default().as_bytes(), "the query")?;
        if let Some((name, _)) = query.iter().find(|(_, value)| is_unresolved(value)) {
            return Err(unresolved(&format!("the query parameter {}", crate::error::excerpt(name)), Vec::new()));
        }
        Ok(Self { is_read, query, body, form })
    }

    /// Whether the request only reads.
    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    /// The query parameter `name`, where it is there and not blank.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    }

    /// The query parameter `name` as yes or no.
    pub(super) fn query_flag(&self, name: &str) -> Result<Option<bool>, Error> {
        self.query(name).map(|text| flag_word(text).ok_or_else(|| query_error(name, "write true or false"))).transpose()
    }

    /// The body as `T`; an empty one is an empty object.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        read(self.filled()?)
    }

    /// The body as fields of our own. Where an Aria payload has them in `inputs` or `customProperties` they are taken from there;
    /// what stands outside wins.
    pub(super) fn order<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut value = self.filled()?;
        if let Value::Object(fields) = &mut value {
            for place in ["inputs", "customProperties"] {
                if let Some(Value::Object(inner)) = fields.get(place).cloned() {
                    inner.into_iter().for_each(|(name, item)| {
                        fields.entry(name).or_insert(item);
                    });
                }
            }
        }
        read(value)
    }

    /// The body, with no placeholder left in it.
    fn filled(&self) -> Result<Value, Error> {
        let value = self.value()?;
        let mut placeholders = Vec::new();
        find_placeholders(&value, &mut String::new(), &mut placeholders);
        if !placeholders.is_empty() {
            let names = list(&placeholders);
            return Err(unresolved(&names, placeholders));
        }
        Ok(value)
    }

    fn value(&self) -> Result<Value, Error> {
        let text = self.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(self.body).trim_ascii();
        if text.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        // curl -d says "form" of whatever it sends; a form never begins so.
        if self.form == Form::Urlencoded && !text.starts_with(b"{") {
            let mut fields = Map::new();
            for (name, value) in pairs(text, "the form")? {
                if name == "payload" {
                    return parse(value.as_bytes());
                }
                fields.insert(name, Value::String(value));
            }
            return Ok(Value::Object(fields));
        }
        parse(text)
    }
}

/// The body's bytes, if they all came.
pub(super) fn whole(body: &Body) -> Result<&[u8], Error> {
    match body {
        Body::Whole(bytes) => Ok(bytes),
        Body::TooLarge => Err(Error::new(ErrorCode::BodyTooLarge, "the request body is over the limit")
            .hint("send only the fields the route knows, or raise request_body_limit")),
        Body::TooSlow => Err(Error::new(ErrorCode::RequestTimeout, "the request body did not come in time")),
        Body::Broken => Err(Error::invalid(vec![FieldError::new("", "the request body broke off before its end")])),
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|e| {
        let pointer = pointer(e.path());
        Error::invalid(vec![FieldError::new(pointer, expectation(&e.into_inner().to_string()))])
    })
}

/// A caller's template was not filled in.
pub(super) fn unresolved(what: &str, fields: Vec<FieldError>) -> Error {
    Error::invalid(fields)
        .recode(ErrorCode::UnresolvedPlaceholder, format!("{what} still holds a placeholder ${{…}}"))
        .hint("the caller's template was not filled in: check the variable's name there")
}

/// Whether a text still holds `${…}`.
pub(super) fn is_unresolved(text: &str) -> bool {
    text.split_once("${").is_some_and(|(_, rest)| rest.contains('}'))
}

/// A query parameter that is wrong.
pub(super) fn query_error(name: &str, detail: &str) -> Error {
    Error::invalid(vec![FieldError::new("", format!("the query parameter {name} is not valid: {detail}"))])
}

fn parse(text: &[u8]) -> Result<Value, Error> {
    let value: Value = serde_json::from_slice(text).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        let detail = if e.is_eof() {
            format!("the JSON ends too early, at {place}")
        } else {
            // serde_json has no kinds for these two; a test holds us to its words.
            match e.to_string() {
                said if said.starts_with("recursion limit") => format!("the JSON is nested too deep, at {place}"),
                said if said.starts_with("number out of range") => {
                    format!("the JSON has a number that is too large, at {place}")
                }
                _ => format!("this is not JSON, at {place}"),
            }
        };
        Error::invalid(vec![FieldError::new("", detail)])
    })?;
    match value {
        Value::Object(_) => Ok(value),
        _ => Err(Error::invalid(vec![FieldError::new("", "the body must be a JSON object")])),
    }
}

fn media_type(request: &Parts) -> Result<Form, Error> {
    let Some(value) = request.headers.get(CONTENT_TYPE) else { return Ok(Form::Json) };
    let text = value.to_str().unwrap_or("?").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match text.as_str() {
        "" | "application/json" | "text/json" | "text/plain" | "application/octet-stream" => Ok(Form::Json),
        "application/x-www-form-urlencoded" => Ok(Form::Urlencoded),
        other if other.starts_with("application/") && other.ends_with("+json") => Ok(Form::Json),
        other => Err(Error::new(
            ErrorCode::UnsupportedMediaType,
            format!("{} is not read here", crate::error::excerpt(other)),
        )
        .hint("send JSON as Content-Type: application/json")),
    }
}

/// Name and value pairs of a query or a form.
fn pairs(text: &[u8], what: &str) -> Result<Vec<(String, String)>, Error> {
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).decode_utf8().map(std::borrow::Cow::into_owned)
    };
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at_checked(at).unwrap_or((pair, b""));
            Ok((decode(name)?, decode(value.strip_prefix(b"=").unwrap_or(value))?))
        })
        .collect::<Result<_, std::str::Utf8Error>>()
        .map_err(|_| Error::invalid(vec![FieldError::new("", format!("{what} is not UTF-8"))]))
}

/// Collects the texts that still hold `${…}`.
fn find_placeholders(value: &Value, at: &mut String, found: &mut Vec<FieldError>) {
    let length = at.len();
    match value {
        Value::String(text) if is_unresolved(text) => {
            found.push(FieldError::new(at.clone(), "holds a placeholder ${…} that was not filled in"));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                at.push_str(&format!("/{index}"));
                find_placeholders(item, at, found);
                at.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields.iter().filter(|(name, item)| !(item.is_string() && is_secret(name))) {
                at.push('/');
                at.push_str(&escape(name));
                find_placeholders(item, at, found);
                at.truncate(length);
            }
        }
        _ => {}
    }
}

/// Whether a field holds a secret, which may look like anything.
fn is_secret(name: &str) -> bool {
    ["password", "clientSecret"].iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

fn list(fields: &[FieldError]) -> String {
    fields.iter().take(5).map(|field| field.pointer.as_str()).collect::<Vec<_>>().join(", ")
}

/// A JSON Pointer (RFC 6901) to where deserialising stopped.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// serde's words without the value it quotes: that may be a password in the wrong place.
fn expectation(said: &str) -> String {
    match said.rsplit_once("expected ") {
        Some((_, expected)) => format!("is of the wrong kind: expected {expected}"),
        None if said.starts_with("missing field") || said.starts_with("duplicate field") => said.to_owned(),
        None => "is of the wrong kind".to_owned(),
    }
}

fn flag_word(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" | "" => Some(false),
        _ => None,
    }
}

/// One value, out of the list of one that some callers' templates make of it.
fn lone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(mut items) if items.len() == 1 => items.pop().unwrap_or_default(),
        value => value,
    })
}

/// A boolean as callers send it: `true`, `"true"`, `"false"`, `1`, null, or a list of one of these; for
/// `#[serde(deserialize_with)]`.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let flag = match lone(deserializer)? {
        Value::Bool(flag) => Some(flag),
        Value::Null => Some(false),
        Value::String(word) => flag_word(&word),
        Value::Number(number) => flag_word(&number.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    };
    flag.ok_or_else(|| D::Error::custom("something else, expected true or false"))
}

/// A text that names something: alone, in a list of one, or null. For `#[serde(deserialize_with)]`.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match lone(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().chars().any(char::is_control) => {
            Err(D::Error::custom("something else, expected a text without control characters"))
        }
        Value::String(text) => Ok(Some(text)),
        _ => Err(D::Error::custom("something else, expected a string")),
    }
}

/// A list of texts as callers send it: a list, one text, null; blank ones left out. For `#[serde(deserialize_with)]`.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged, expecting = "a list of texts")]
    enum Texts {
        Many(Vec<String>),
        One(String),
        None,
    }
    let texts = match serde::Deserialize::deserialize(deserializer)? {
        Texts::Many(many) => many,
        Texts::One(one) => vec![one],
        Texts::None => Vec::new(),
    };
    Ok(texts.into_iter().filter(|text| !text.trim().is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Wanted {
        #[serde(default, deserialize_with = "flag")]
        ignore_safeguards: bool,
        #[serde(default, deserialize_with = "text")]
        directory: Option<String>,
    }

    fn read(content_type: Option<&str>, body: &'static [u8]) -> Result<Wanted, Error> {
        let mut request = http::Request::post("/vidm/x/v1/syncs").body(Body::Whole(Bytes::from_static(body))).unwrap();
        if let Some(content_type) = content_type {
            request.headers_mut().insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        let (parts, body) = request.into_parts();
        Input::of(&parts, &body)?.order()
    }

    #[test]
    fn the_same_input_in_many_forms() {
        let wanted = Wanted { ignore_safeguards: true, directory: Some("corp".into()) };
        for (content_type, body) in [
            (Some("application/json"), br#"{"ignoreSafeguards":true,"directory":"corp"}"#.as_slice()),
            (
                Some("application/json; charset=utf-8"),
                b"\xEF\xBB\xBF {\"ignoreSafeguards\":\"true\",\"directory\":\"corp\",\"more\":1}",
            ),
            (Some("text/plain"), br#"{"ignoreSafeguards":1,"directory":"corp"}"#),
            (None, br#"{"ignoreSafeguards":"True","directory":"corp"}"#),
            (Some("application/vnd.api+json"), br#"{"ignoreSafeguards":true,"directory":"corp"}"#),
            (Some("application/x-www-form-urlencoded"), br#"{"ignoreSafeguards":true,"directory":"corp"}"#),
            (Some("application/x-www-form-urlencoded"), b"ignoreSafeguards=true&directory=c%6Frp"),
            (
                Some("application/x-www-form-urlencoded"),
                b"payload=%7B%22ignoreSafeguards%22%3Atrue%2C%22directory%22%3A%22corp%22%7D",
            ),
        ] {
            assert_eq!(read(content_type, body).unwrap(), wanted, "{content_type:?} {}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn nothing_is_defaults() {
        let nothing = Wanted { ignore_safeguards: false, directory: None };
        assert_eq!(read(Some("application/json"), b"").unwrap(), nothing);
        assert_eq!(read(Some("multipart/form-data"), b" \n").unwrap(), nothing);
        assert_eq!(read(None, br#"{"ignoreSafeguards":null,"directory":null}"#).unwrap(), nothing);
    }

    #[test]
    fn what_is_wrong_is_named_and_its_value_is_not_shown() {
        let told = |body| {
            let error = read(None, body).unwrap_err();
            (error.code(), error.fields()[0].pointer.clone(), error.fields()[0].detail.clone())
        };
        assert_eq!(told(b"{").1, "");
        assert!(told(b"{").2.contains("ends too early"));
        assert!(told(b"{'a':1}").2.contains("line 1, column 2"));
        assert!(told(b"[]").2.contains("object"));
        let (code, pointer, detail) = told(br#"{"ignoreSafeguards":"hunter2"}"#);
        assert_eq!((code, pointer.as_str()), (ErrorCode::RequestInvalid, "/ignoreSafeguards"));
        assert!(detail.contains("true or false") && !detail.contains("hunter2"), "{detail}");
        let (_, pointer, detail) = told(br#"{"directory":["hunter2",2]}"#);
        assert!(pointer == "/directory" && detail.contains("string") && !detail.contains("hunter2"), "{detail}");
        let (code, pointer, _) = told(br#"{"directory":"${dir}"}"#);
        assert_eq!((code, pointer.as_str()), (ErrorCode::UnresolvedPlaceholder, "/directory"));
        let (code, pointer, _) = told(br#"{"x":[{"a/b~c":"pre ${dir} post"}]}"#);
        assert_eq!((code, pointer.as_str()), (ErrorCode::UnresolvedPlaceholder, "/x/0/a~1b~0c"));
        assert!(read(None, br#"{"directory":"costs $5 {net}"}"#).is_ok());
        // A secret may look like anything.
        assert!(read(None, br#"{"ldap":{"password":"a${b}","clientSecret":"${c}"}}"#).is_ok());
        let (_, pointer, detail) = told(br#"{"directory":"corp\u0007"}"#);
        assert!(pointer == "/directory" && detail.contains("control characters"), "{detail}");
    }

    #[test]
    fn json_that_cannot_be_taken_is_told_from_what_is_none() {
        let told = |body: String| read(None, body.leak().as_bytes()).unwrap_err().fields()[0].detail.clone();
        assert!(told(format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200))).contains("too deep"));
        assert!(told("{\"a\":1e999}".to_owned()).contains("too large"));
        assert!(told("{\"a\":x}".to_owned()).contains("not JSON"));
    }

    #[test]
    fn fields_come_from_lists_of_one_and_from_where_aria_has_them() {
        let wanted = Wanted { ignore_safeguards: true, directory: Some("corp".into()) };
        for body in [
            br#"{"directory":["corp"],"ignoreSafeguards":["true"]}"#.as_slice(),
            br#"{"inputs":{"directory":"corp","ignoreSafeguards":true}}"#,
            br#"{"customProperties":{"directory":["corp"]},"inputs":{"ignoreSafeguards":1}}"#,
            br#"{"directory":"corp","inputs":{"directory":"other","ignoreSafeguards":true}}"#,
        ] {
            assert_eq!(read(None, body).unwrap(), wanted, "{}", String::from_utf8_lossy(body));
        }
        assert!(read(None, br#"{"directory":["corp","other"]}"#).is_err());
        assert!(read(None, br#"{"inputs":["directory"],"customProperties":null}"#).is_ok());
    }

    #[test]
    fn a_placeholder_in_the_query_is_named() {
        let request = http::Request::get("/vidm/x/v1/groups?dn=%24%7Bgroup.dn%7D&name=a")
            .body(Body::Whole(Bytes::new()))
            .unwrap();
        let (parts, body) = request.into_parts();
        let error = Input::of(&parts, &body).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnresolvedPlaceholder);
        assert!(error.detail().contains("query parameter dn"), "{error}");
    }

    #[test]
    fn other_media_types_are_refused() {
        assert_eq!(read(Some("application/xml"), b"<a/>").unwrap_err().code(), ErrorCode::UnsupportedMediaType);
    }
}
