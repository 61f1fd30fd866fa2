use super::*;
use crate::webhook::route;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    #[serde(deserialize_with = "flag")]
    ignore_safeguards: bool,
    #[serde(deserialize_with = "text")]
    directory: Option<String>,
    #[serde(deserialize_with = "texts")]
    groups: Vec<String>,
}

fn corp() -> Wanted {
    Wanted { ignore_safeguards: true, directory: Some("corp".into()), ..Wanted::default() }
}

const PATH: &str = "/vidm/x/v1/syncs";
const EVENT: &str = "application/cloudevents+json";

fn input(path: &str, headers: &[(&'static str, &str)], body: &[u8]) -> Result<Input, Error> {
    let mut request = http::Request::post(path).body(()).unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let (parts, ()) = request.into_parts();
    let matched = route::find(parts.uri.path()).unwrap();
    Input::of(&parts, &matched, body)
}

fn read_with(headers: &[(&'static str, &str)], body: &[u8]) -> Result<Wanted, Error> {
    input(PATH, headers, body)?.order().map(|(wanted, _)| wanted)
}

fn read(content_type: Option<&str>, body: &[u8]) -> Result<Wanted, Error> {
    read_with(content_type.map(|value| (CONTENT_TYPE.as_str(), value)).as_slice(), body)
}

/// The code, and each wrong field's pointer and detail.
fn told(error: &Error) -> (ErrorCode, Vec<(&str, &str)>) {
    (error.code(), error.fields().iter().map(|field| (field.pointer.as_str(), field.detail.as_str())).collect())
}

fn pointers(error: &Error) -> Vec<&str> {
    error.fields().iter().map(|field| field.pointer.as_str()).collect()
}

#[test]
fn same_input_is_read_in_many_forms() {
    let json = br#"{"ignoreSafeguards":true,"directory":"corp"}"#.as_slice();
    for (content_type, body) in [
        (Some("application/json"), json),
        (
            Some("application/json; charset=utf-8"),
            b"\xEF\xBB\xBF {\"ignoreSafeguards\":\"true\",\"directory\":\"corp\",\"more\":1}",
        ),
        (Some("application/json;charset=\"UTF-8\""), json),
        (Some("Application/JSON ; Charset=utf8"), json),
        (Some("text/plain; charset=ISO-8859-1"), json),
        (Some("text/plain"), br#"{"ignoreSafeguards":1,"directory":"corp"}"#),
        (None, br#"{"ignoreSafeguards":"True","directory":"corp"}"#),
        (Some("application/vnd.api+json"), json),
        (Some("application/x-www-form-urlencoded"), json),
        (Some("application/x-www-form-urlencoded"), b"ignoreSafeguards=true&directory=c%6Frp"),
        (
            Some("application/x-www-form-urlencoded; charset=UTF-8"),
            b"payload=%7B%22ignoreSafeguards%22%3Atrue%2C%22directory%22%3A%22corp%22%7D",
        ),
    ] {
        assert_eq!(read(content_type, body).unwrap(), corp(), "{content_type:?} {}", String::from_utf8_lossy(body));
    }
}

#[test]
fn empty_body_gives_defaults() {
    assert_eq!(read(Some("application/json"), b"").unwrap(), Wanted::default());
    assert_eq!(read(Some("application/json"), b"\xEF\xBB\xBF").unwrap(), Wanted::default());
    assert_eq!(read(Some("multipart/form-data"), b" \n").unwrap(), Wanted::default());
    assert_eq!(read(None, br#"{"ignoreSafeguards":null,"directory":null,"groups":null}"#).unwrap(), Wanted::default());
}

#[test]
fn wrong_fields_are_named_without_their_values() {
    let first = |body: &[u8]| {
        let error = read(None, body).unwrap_err();
        (error.code(), error.fields()[0].pointer.clone(), error.fields()[0].detail.clone())
    };
    assert!(first(b"{").2.contains("ends too early"));
    assert!(first(b"{'a':1}").2.contains("line 1, column 2"));
    assert!(first(b"{} x").2.contains("not JSON"));
    for body in [b"{'a':1}".as_slice(), b"{a: 1}", b"{\"a\": 'b'}", b"{\n \"a\": [\n'b']}", "{\"a\": “b”}".as_bytes()]
    {
        assert!(first(body).2.contains("double quotes"), "{}", first(body).2);
    }
    for body in [b"{\"a\": 1,}".as_slice(), b"{\"a\": [1, ]}"] {
        assert!(first(body).2.contains("remove the comma"), "{}", first(body).2);
    }
    // Windows: names of accounts, escapes of DNs, quotes that PowerShell removes or that cmd.exe passes on.
    for body in [r#"{"groups":["CORP\gg-new"]}"#, r#"{"groups":["CORP\uma"]}"#, r#"{"groups":["CN=Doe\, J,DC=corp"]}"#]
    {
        assert!(first(body.as_bytes()).2.contains(r"write a backslash as two (\\)"), "{}", first(body.as_bytes()).2);
    }
    for body in [r#"{"groups":["CORP\new"]}"#, r#"{"groups":["CORP\finance"]}"#, r#"{"groups":["CORP\backup"]}"#] {
        let (_, pointer, detail) = first(body.as_bytes());
        assert!(pointer == "/groups/0" && detail.contains("write a backslash as two"), "{detail}");
    }
    for body in [r"{directory:corp.example}", r#"{\"directory\": \"corp.example\"}"#, "'{directory:"] {
        for media in [None, Some("application/x-www-form-urlencoded")] {
            let error = read(media, body.as_bytes()).unwrap_err();
            assert!(error.fields()[0].detail.contains("send a file (curl -d @body.json)"), "{body}: {error:?}");
        }
    }
    let utf16 = |order: fn(u16) -> [u8; 2], mark: &str| {
        let text: Vec<u8> = format!("{mark}{{\"a\": 1}}").encode_utf16().flat_map(order).collect();
        first(&text).2
    };
    for mark in ["", "\u{feff}"] {
        for said in [utf16(u16::to_le_bytes, mark), utf16(u16::to_be_bytes, mark)] {
            assert_eq!(said, "the text is UTF-16; send UTF-8");
        }
    }
    let (_, pointer, detail) = first(br#"{"groups":"['gg@corp.example']"}"#);
    assert!(pointer == "/groups" && detail.contains("double quotes"), "{detail}");
    assert!(first(b"[]").2.contains("object"));
    assert!(first(b"{\"directory\":\"\xFF\"}").2.contains("not UTF-8; send UTF-8"));
    let (code, pointer, detail) = first(br#"{"ignoreSafeguards":"hunter2"}"#);
    assert_eq!((code, pointer.as_str()), (ErrorCode::RequestInvalid, "/ignoreSafeguards"));
    assert!(detail.contains("true or false") && !detail.contains("hunter2"), "{detail}");
    let (_, pointer, detail) = first(br#"{"directory":["hunter2",2]}"#);
    assert!(pointer == "/directory" && detail.contains("string") && !detail.contains("hunter2"), "{detail}");
    let (_, pointer, detail) = first(br#"{"directory":"corp\u0007"}"#);
    assert!(pointer == "/directory" && detail.contains("control characters"), "{detail}");
    let (_, pointer, detail) = first(format!(r#"{{"directory":"{}"}}"#, "x".repeat(2049)).as_bytes());
    assert!(pointer == "/directory" && detail.contains("2048"), "{detail}");
}

#[test]
fn all_faults_are_reported_at_once() {
    let error =
        read(None, br#"{"ignoreSafeguards":"maybe","directory":{},"groups":["CN=a",1,null,["b","c"]]}"#).unwrap_err();
    assert_eq!(pointers(&error), ["/directory", "/groups/1", "/groups/3", "/ignoreSafeguards"]);
    // In a vendor's document too, where a list has no room for null.
    let input = input(PATH, &[], br#"{"name":7,"certChain":["a",1,2,"b"],"ldap":{"type":[]}}"#).unwrap();
    let error = input.spec::<crate::vcf::IdentityProviderSpec>().unwrap_err();
    assert_eq!(pointers(&error), ["/certChain/1", "/certChain/2", "/ldap/type", "/name"]);
    let input = input_of_null();
    assert_eq!(pointers(&input.spec::<crate::vcf::IdentityProviderSpec>().unwrap_err()), ["/certChain/1"]);
}

fn input_of_null() -> Input {
    input(PATH, &[], br#"{"certChain":["a",null]}"#).unwrap()
}

#[test]
fn duplicate_names_are_rejected() {
    let error = read(None, br#"{"directory":"a","x":[0,{"y":{"a/b":1,"\u0061/b":2}}],"directory":"b"}"#).unwrap_err();
    assert_eq!(pointers(&error), ["/x/1/y/a~1b", "/directory"]);
    assert!(told(&error).1[0].1.contains("duplicated"));
    let form = read(Some("application/x-www-form-urlencoded"), b"directory=a&directory=b").unwrap_err();
    assert_eq!(pointers(&form), ["/directory"]);
}

#[test]
fn unsupported_json_differs_from_invalid_json() {
    let first = |body: String| read(None, body.as_bytes()).unwrap_err().fields()[0].detail.clone();
    let deep = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(None, deep(126).as_bytes()).is_ok());
    assert!(first(deep(127)).contains("too deep"));
    // A string under serde_json's name for digits is not a number.
    assert!(first("{\"$serde_json::private::Number\":\"1.5\"}".to_owned()).contains("not JSON"));
    assert!(first("{\"a\":{\"\\u0024serde_json::private::Number\":\"\\u0031\"}}".to_owned()).contains("not JSON"));
    assert!(first("{\"a\":x}".to_owned()).contains("not JSON"));
}

#[test]
fn fields_are_found_where_aria_puts_them() {
    for body in [
        br#"{"directory":["corp"],"ignoreSafeguards":["true"]}"#.as_slice(),
        br#"{"inputs":{"directory":"corp","ignoreSafeguards":true}}"#,
        br#"{"customProperties":{"directory":["corp"],"ignoreSafeguards":"0"},"inputs":{"ignoreSafeguards":1}}"#,
        br#"{"directory":"corp","inputs":{"directory":"other","ignoreSafeguards":true}}"#,
        br#"{"inputs":{"directory":"corp","ignoreSafeguards":"yes"},"customProperties":{"directory":"other"}}"#,
        br#"{"inputs":{"directory":null,"customProperties":{"directory":"corp"}},"directory":null,"ignoreSafeguards":true}"#,
    ] {
        assert_eq!(read(None, body).unwrap(), corp(), "{}", String::from_utf8_lossy(body));
    }
    assert!(read(None, br#"{"directory":["corp","other"]}"#).is_err());
    assert!(read(None, br#"{"inputs":["directory"],"customProperties":null}"#).is_ok());
}

#[test]
fn wrong_field_is_reported_with_its_pointer() {
    let body =
        br#"{"inputs":{"groups":["ok",{}],"customProperties":{"directory":{}}},"ignoreSafeguards":7,"groups":null}"#;
    let error = read(None, body).unwrap_err();
    assert_eq!(pointers(&error), ["/inputs/customProperties/directory", "/inputs/groups/1", "/ignoreSafeguards"]);
    let form = read(Some("application/x-www-form-urlencoded"), b"payload={\"inputs\":{\"directory\":{}}}").unwrap_err();
    assert_eq!(pointers(&form), ["/payload/inputs/directory"]);
    // Later errors use these pointers too; if a string was read as a list, there is no index.
    let later = |body: &[u8]| {
        let input = input(PATH, &[], body).unwrap();
        input.order_invalid(vec![FieldError::new("/groups/0", "x")]).fields()[0].pointer.clone()
    };
    assert_eq!(later(br#"{"customProperties":{"groups":"a"}}"#), "/customProperties/groups");
    assert_eq!(later(br#"{"inputs":{"groups":["a"]}}"#), "/inputs/groups/0");
}

#[test]
fn lists_of_strings_are_read_in_all_forms() {
    let groups = |body: &str| read(None, body.as_bytes()).map(|wanted| wanted.groups);
    for body in
        [r#"{"groups":["a","b"]}"#, r#"{"groups":[["a"],"b"]}"#, r#"{"customProperties":{"groups":"[\"a\",\"b\"]"}}"#]
    {
        assert_eq!(groups(body).unwrap(), ["a", "b"], "{body}");
    }
    assert_eq!(groups(r#"{"groups":"CN=a,DC=b"}"#).unwrap(), ["CN=a,DC=b"]);
    assert_eq!(groups(r#"{"groups":["", null, "a"]}"#).unwrap(), ["", "", "a"], "each in its place");
    for body in [r#"{"groups":"[1"}"#, r#"{"groups":{}}"#, r#"{"groups":7}"#, r#"{"groups":true}"#] {
        assert!(told(&groups(body).unwrap_err()).1[0].1.contains("list of strings"), "{body}");
    }
    assert!(told(&groups(r#"{"groups":"[1]"}"#).unwrap_err()).1[0].1.contains("string"));
    let form = read(Some("application/x-www-form-urlencoded"), b"groups=a&groups=b+c").unwrap();
    assert_eq!(form.groups, ["a", "b c"]);
}

#[test]
fn all_placeholders_are_reported() {
    let error = read(
        None,
        br#"{"directory":"${dir}","groups":["${a}","b",["pre ${c} post"]],"ignoreSafeguards":"${flag}","other":"${x}"}"#,
    )
    .unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnresolvedPlaceholder);
    assert_eq!(pointers(&error), ["/directory", "/groups/0", "/groups/2", "/ignoreSafeguards"]);
    assert!(error.detail().contains("/directory, /groups/0, /groups/2, /ignoreSafeguards"), "{error}");
    // Together with other mistakes.
    let error = read(None, br#"{"directory":"${dir}","groups":{}}"#).unwrap_err();
    assert_eq!((error.code(), pointers(&error).len()), (ErrorCode::UnresolvedPlaceholder, 2));
    // In a text that only the placeholder makes invalid JSON.
    let error = read(None, br#"{"ignoreSafeguards": ${flag}}"#).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnresolvedPlaceholder);
    assert!(error.detail().contains("column 22"), "{error}");
    assert!(read(None, br#"{"directory":"costs $5 {net}","other":{"cloudConfig":"echo ${HOME}"}}"#).is_ok());
}

#[test]
fn vendor_documents_may_have_placeholders_only_in_secrets() {
    let body = |text: &[u8]| input(PATH, &[], text).unwrap().spec::<Value>();
    let error = body(br#"{"x":[{"a/b~c":"pre ${dir} post"}],"y":"${z}"}"#).unwrap_err();
    assert_eq!((error.code(), pointers(&error)), (ErrorCode::UnresolvedPlaceholder, vec!["/x/0/a~1b~0c", "/y"]));
    assert!(body(br#"{"ldap":{"password":"a${b}","clientSecret":"${c}"}}"#).is_ok());
}

#[test]
fn placeholders_in_path_query_and_body_are_listed_together() {
    let error = input(
        "/vidm/$%7Btarget%7D/v1/directories/${dir}/syncs?x=%24%7Bgroup.dn%7D&name=a",
        &[],
        br#"{"groups":["${g}"]}"#,
    )
    .unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnresolvedPlaceholder);
    for place in ["{target} in the path", "{directory} in the path", "query parameter x", "/groups/0"] {
        assert!(error.detail().contains(place), "{error}");
    }
    assert_eq!(error.fields().len(), 6, "two of them for unknown parameters");
    let error = input("/vidm/${target}/v1/syncs", &[], b"{").unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnresolvedPlaceholder);
}

#[test]
fn error_texts_are_bounded() {
    let many = format!(r#"{{"groups":[{}]}}"#, vec![r#""${x}""#; 5000].join(","));
    let error = read(None, many.as_bytes()).unwrap_err();
    assert_eq!(error.fields().len(), MAX_ERRORS + 1);
    assert!(error.detail().len() < 400, "{error}");
    let long = format!(r#"{{"{}":"${{x}}","a":{{"{}":["${{y}}"]}}}}"#, "n".repeat(9000), "m".repeat(9000));
    let error = input(PATH, &[], long.as_bytes()).unwrap().spec::<Value>().unwrap_err();
    assert_eq!(pointers(&error), ["/a", ""]);
    let twice = format!("{{{}}}", vec![r#""a":1"#; 5000].join(","));
    assert_eq!(read(None, twice.as_bytes()).unwrap_err().fields().len(), MAX_ERRORS + 1);
}

#[test]
fn other_media_types_are_rejected() {
    for (headers, body) in [
        ([("content-type", "application/xml")].as_slice(), b"<a/>".as_slice()),
        (&[("content-type", "application/cloudevents+xml")], b"<a/>"),
        (&[("content-type", "application/json; charset=utf-16")], b"{}"),
        (&[("content-type", "text/plain; charset=ISO-8859-1")], "{\"directory\":\"ä\"}".as_bytes()),
        (&[("content-type", "application/json"), ("content-encoding", "gzip")], b"\x1f\x8b"),
    ] {
        let error = read_with(headers, body).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnsupportedMediaType, "{headers:?}");
    }
    assert!(read_with(&[("content-encoding", "identity")], b"{}").is_ok());
}

#[test]
fn event_data_is_read_from_its_envelope() {
    let event = |data: &str| format!(r#"{{"specversion":"1.0","id":"i-1","source":"/s","type":"t",{data}}}"#);
    for data in [
        r#""data":{"directory":"corp","ignoreSafeguards":"true"}"#,
        r#""datacontenttype":"application/json","data":"{\"directory\":\"corp\",\"ignoreSafeguards\":true}""#,
        r#""datacontenttype":"application/x-www-form-urlencoded","data":"directory=corp&ignoreSafeguards=1""#,
        r#""data":null,"data_base64":"eyJkaXJlY3RvcnkiOiJjb3JwIiwiaWdub3JlU2FmZWd1YXJkcyI6dHJ1ZX0=""#,
    ] {
        let body = event(data);
        let input = input(PATH, &[("content-type", "application/cloudevents+json; charset=UTF-8")], body.as_bytes());
        let input = input.unwrap();
        assert_eq!(input.order::<Wanted>().unwrap().0, corp(), "{data}");
        assert_eq!(input.event(), Some(&Event { source: "/s".into(), id: "i-1".into() }));
        let batch = read(Some("application/cloudevents-batch+json"), format!("[{body}]").as_bytes());
        assert_eq!(batch.unwrap(), corp());
    }
    assert_eq!(read(Some(EVENT), event(r#""subject":"x""#).as_bytes()).unwrap(), Wanted::default(), "no data");
    let wrong = |data: &str| {
        let error = read(Some(EVENT), event(data).as_bytes()).unwrap_err();
        (error.code(), error.fields().first().map(|field| field.pointer.clone()).unwrap_or_default())
    };
    let invalid = ErrorCode::RequestInvalid;
    assert_eq!(wrong(r#""data":{"inputs":{"directory":{}}}"#), (invalid, "/data/inputs/directory".into()));
    assert_eq!(wrong(r#""data":[1]"#), (invalid, "/data".into()));
    assert_eq!(wrong(r#""data":{},"data_base64":"e30=""#), (invalid, "/data_base64".into()));
    assert_eq!(wrong(r#""data_base64":"{}""#), (invalid, "/data_base64".into()));
    assert_eq!(wrong(r#""data_base64":"eyJkaXJlY3RvcnkiOnt9fQ==""#), (invalid, "/data_base64/directory".into()));
    assert_eq!(wrong(r#""datacontenttype":"text/xml","data":"<a/>""#).0, ErrorCode::UnsupportedMediaType);
}

#[test]
fn invalid_event_lists_all_faults() {
    let error = read(Some(EVENT), br#"{"specversion":"0.3","id":7,"source":""}"#).unwrap_err();
    assert_eq!(pointers(&error), ["/specversion", "/id", "/source", "/type"]);
    assert_eq!(pointers(&read(Some(EVENT), b"").unwrap_err()).len(), 4);
    for (batch, says) in [("[]", "batch has 0"), ("{}", "array"), (r#"[{},{},{}]"#, "batch has 3")] {
        let error = read(Some("application/cloudevents-batch+json"), batch.as_bytes()).unwrap_err();
        assert!(told(&error).1[0].1.contains(says), "{error}");
    }
    let error = read(Some("application/cloudevents-batch+json"), b"[{}]").unwrap_err();
    assert_eq!(pointers(&error)[0], "/0/specversion");
}

#[test]
fn reads_ignore_body_headers() {
    for (name, value) in
        [("content-type", EVENT), ("ce-id", "1"), ("content-encoding", "gzip"), ("content-type", "a/b")]
    {
        let request = http::Request::get("/vidm/x/v1/directories").header(name, value).body(()).unwrap();
        let (parts, ()) = request.into_parts();
        let matched = route::find(parts.uri.path()).unwrap();
        assert!(Input::of(&parts, &matched, b"").is_ok(), "{name}: {value}");
    }
}

#[test]
fn event_attributes_are_read_from_headers() {
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "i%201"),
        ("ce-source", "https://vcenter-01:443/sdk"),
        ("ce-type", "com.vmware.vsphere.VmPoweredOnEvent.v0"),
        ("content-type", "application/json"),
    ];
    let input = input(PATH, &headers, br#"{"directory":"corp","ignoreSafeguards":true}"#).unwrap();
    assert_eq!(input.order::<Wanted>().unwrap().0, corp());
    assert_eq!(input.event(), Some(&Event { source: "https://vcenter-01:443/sdk".into(), id: "i 1".into() }));
    // Earlier versions of the binding quoted values.
    let quoted = [("ce-specversion", r#""1.0""#), ("ce-id", r#""a\"\\%20b""#), ("ce-source", "s"), ("ce-type", "t")];
    let input = self::input(PATH, &quoted, b"").unwrap();
    assert_eq!(input.event(), Some(&Event { source: "s".into(), id: r#"a"\ b"#.into() }));
    // A structured event may repeat its attributes in headers, all or some.
    let structured = br#"{"specversion":"1.0","id":"2","source":"s","type":"t","data":{"directory":"corp","ignoreSafeguards":true}}"#;
    let input = self::input(PATH, &[("content-type", EVENT), ("ce-id", "2")], structured).unwrap();
    assert_eq!(input.order::<Wanted>().unwrap().0, corp());
    assert_eq!(input.event(), Some(&Event { source: "s".into(), id: "2".into() }));
    let error = read_with(&headers[1..2], b"").unwrap_err();
    for name in ["ce-specversion", "ce-source", "ce-type"] {
        assert!(error.fields().iter().any(|field| field.detail.contains(name)), "{error}");
    }
    let error = read_with(&[("ce-specversion", "1.1")], b"").unwrap_err();
    assert!(error.fields()[0].detail.contains("1.0"), "{error}");
}

#[test]
fn operations_take_only_listed_query_parameters() {
    for row in route::ROWS {
        for operation in row.operations {
            let path = row.path.replace(['{', '}'], "");
            for (query, is_taken) in operation.query.iter().map(|name| (*name, true)).chain([("nope", false)]) {
                let request = http::Request::builder().method(&operation.method).uri(format!("{path}?{query}=1"));
                let (parts, ()) = request.body(()).unwrap().into_parts();
                let input = Input::of(&parts, &route::find(&path).unwrap(), b"");
                assert_eq!(input.is_ok(), is_taken, "{} {path}?{query}", operation.method);
            }
        }
    }
}

#[test]
fn start_fields_match_its_type() {
    let fields = route::find("/vidm/x/v1/syncs").unwrap().row.fields();
    for name in ["directory", "groups", "dryRun", "ignoreSafeguards", "addToProfile", "callback"] {
        assert!(fields.contains(&name), "{fields:?}");
    }
    assert_eq!(route::find("/healthz").unwrap().row.fields(), [""; 0]);
}
