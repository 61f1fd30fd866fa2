//! What a request brings: its query, its fields, its placeholders; each mistake is named and nothing is asked upstream for it.

use http::{Method, StatusCode};

use crate::webhook_support::Door;

const SYNCS: &str = "/vidm/default/v1/syncs";
const PROVIDERS: &str = "/vcf/default/v1/identity-providers";

#[test]
fn unknown_query_parameters_are_refused_on_every_route() {
    let door = Door::new([]);
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/healthz"),
        (Method::HEAD, "/healthz"),
        (Method::GET, "/readyz"),
        (Method::GET, "/openapi.json"),
        (Method::GET, "/openapi-3.0.json"),
        (Method::GET, "/vidm/default/v1/directories"),
        (Method::GET, "/vidm/default/v1/directories/corp.example"),
        (Method::GET, "/vidm/default/v1/directories/corp.example/syncs"),
        (Method::POST, "/vidm/default/v1/directories/corp.example/syncs"),
        (Method::GET, "/vidm/default/v1/directories/corp.example/sync"),
        (Method::POST, SYNCS),
        (Method::GET, "/vidm/default/v1/syncs/x"),
        (Method::GET, "/vidm/default/v1/groups"),
        (Method::GET, "/vidm/default/v1/health"),
        (Method::GET, "/vidm/default/v1/doctor"),
        (Method::GET, PROVIDERS),
        (Method::PUT, PROVIDERS),
        (Method::DELETE, "/vcf/default/v1/identity-providers/x"),
        (Method::PUT, "/vcf/default/v1/identity-providers/x/identity-sources/corp.example"),
        (Method::POST, "/vcf/default/v1/identity-providers/x/sync-client"),
        (Method::GET, "/vcf/default/v1/identity-broker/prechecks"),
        (Method::GET, "/vcf/default/v1/identity-broker/sddc-manager-oidc"),
        (Method::GET, "/vcf/default/v1/doctor"),
        (Method::POST, "/hooks/any"),
    ] {
        let answer = door.send(method.clone(), &format!("{path}?nope=1"), "");
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{method} {path}: {}", answer.text());
        if method != Method::HEAD {
            let detail = answer.problem("request_invalid")["detail"].to_string();
            assert!(detail.contains("nope"), "{method} {path}: {detail}");
        }
    }
    assert_eq!(door.calls(), 0);
}

#[test]
fn a_misspelt_dry_run_changes_nothing() {
    let door = Door::new([]);
    for (query, says) in [
        ("dryrun=true", "did you mean `dryRun`?"),
        ("dry_run=true", "did you mean `dryRun`?"),
        ("dryRun=false&dryRun=true", "more than once"),
        ("dryRun", "no value"),
        ("dryRun=", "no value"),
        ("force=true&dryRum=true", "did you mean `dryRun`?"),
    ] {
        let answer = door.send(Method::PUT, &format!("{PROVIDERS}?{query}"), r#"{"name":"x"}"#);
        let problem = answer.problem("request_invalid");
        assert!(problem["errors"].to_string().contains(says), "{query}: {problem}");
    }
    let answer = door.send(Method::POST, &format!("{SYNCS}?dryRun=true"), r#"{"directory":"corp.example"}"#);
    assert!(answer.problem("request_invalid")["detail"].to_string().contains("field of the body"));
    assert_eq!(door.calls(), 0);
}

#[test]
fn double_braces_are_refused_wherever_a_dollar_placeholder_is() {
    let door = Door::new([]);
    for (method, path, body) in [
        (Method::POST, SYNCS, r#"{"directory":"corp.example","groups":["{{ vidm_group }}"]}"#),
        (Method::POST, SYNCS, r#"{"directory":"{{ directory }}"}"#),
        (Method::POST, SYNCS, r#"{"directory":"corp.example","ignoreSafeguards":"{{ flag }}"}"#),
        (Method::POST, SYNCS, r#"{"directory":"corp.example","ignoreSafeguards":{{ flag }}}"#),
        (Method::POST, "/vidm/default/v1/directories/%7B%7B%20directory%20%7D%7D/syncs", ""),
        (Method::GET, "/vidm/%7B%7Btarget%7D%7D/v1/directories", ""),
        (Method::GET, "/vidm/default/v1/syncs/%7B%7Bid%7D%7D", ""),
        (Method::GET, "/vidm/default/v1/groups?dn=%7B%7B%20group_dn%20%7D%7D", ""),
        (Method::GET, "/vidm/default/v1/groups?name={{group}}", ""),
        (Method::POST, PROVIDERS, r#"{"name":"{{ name }}","type":"AD_FS"}"#),
        (Method::DELETE, "/vcf/default/v1/identity-providers/%7B%7Bid%7D%7D", ""),
        (
            Method::POST,
            "/vcf/default/v1/identity-providers/x/identity-sources",
            r#"{"name":"corp","ldap":{"sourceDetails":{"usersBaseDn":"{{ users_base_dn }}"}}}"#,
        ),
    ] {
        let answer = door.send(method.clone(), path, body);
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{method} {path} {body}: {}", answer.text());
        answer.problem("unresolved_placeholder");
    }
    assert_eq!(door.calls(), 0);
}
