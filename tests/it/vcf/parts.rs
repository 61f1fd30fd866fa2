//! Changes of one field: the requests that SDDC Manager gets, to the byte, and what is refused because it would lose something.

use http::Method;
use idhook::http::TransportErrorKind;
use serde_json::{Value, json};

use crate::support::script::{Call, get};
use crate::support::vcf::{ADFS, ID, LIST, PATH, ROOT};
use crate::support::webhook::{Answer, Instance};
use crate::vcf::session::login;

const CHAIN: &str = include_str!("../../fixtures/vcf/chain.pem");
const FAILED: &str = include_str!("../../fixtures/vcf/error.answer.json");

fn list() -> Value {
    serde_json::from_str(LIST).unwrap()
}

fn shown(list: &Value) -> Call {
    get(ROOT).answer(200, list.to_string())
}

/// The Embedded provider by its id, as it is read back.
fn shown_again(list: &Value) -> Call {
    get(format!("{ROOT}/{ID}")).answer(200, list["elements"][0].to_string())
}

/// The list with this chain in the guide's source, whose servers use LDAPS.
fn with_chain(chain: Value) -> Value {
    let mut list = list();
    let details = &mut list["elements"][0]["identitySources"][2]["ldap"]["sourceDetails"];
    details["serverEndpoints"] = json!(["ldaps://dns01.domain.com"]);
    details["certChain"] = chain;
    list
}

/// The certificates of the fixture, each as PEM.
fn certificates() -> [String; 2] {
    const END: &str = "-----END CERTIFICATE-----\n";
    let mut parts = CHAIN.split_inclusive(END).filter(|part| part.contains(END)).map(str::to_owned);
    [parts.next().unwrap(), parts.next().unwrap()]
}

fn patch(path: &str) -> Call {
    Call::new(Method::PATCH, format!("{ROOT}/{path}"))
}

fn source_call() -> Call {
    patch(&format!("{ID}/identity-sources/embedded-ids.com"))
}

fn set(instance: &Instance, part: &str, body: &Value) -> Answer {
    let path = match part.split('?').next().unwrap() {
        "client-secret" => format!("{PATH}/external/{part}"),
        _ => format!("{PATH}/embedded/identity-sources/Embedded-IDs.com/{part}"),
    };
    let answer = instance.send(Method::POST, &path, &body.to_string());
    assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    answer
}

/// The fields of the problem, as pointers with their details.
fn faults(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.problem("request_invalid");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    problem["errors"].as_array().unwrap().iter().map(|one| (text(&one["pointer"]), text(&one["detail"]))).collect()
}

fn sent(instance: &Instance, at: usize) -> Value {
    serde_json::from_slice(instance.script.requests()[at].body()).unwrap()
}

#[test]
fn new_password_is_sent_with_the_rest_of_the_source() {
    let body = r#"{"name":"embedded-ids-name","ldap":{"type":"ActiveDirectory","domainName":"embedded-ids.com","domainAlias":"embedded-ids","username":"test-user@domain.com","password":"hunter2","sourceDetails":{"usersBaseDn":"users-base-dn","groupsBaseDn":"groups-base-dn","certChain":[],"serverEndpoints":["ldap://dns01.domain.com","ldap://dns02.domain.com"]}}}"#;
    let call = source_call().header("content-type", "application/json").body(body).answer(204, "");
    let instance = Instance::new([login(), shown(&list()), call, shown_again(&list())]);
    let answer = set(&instance, "credentials", &json!({"password": "hunter2"}));
    assert_eq!((answer.status().as_u16(), instance.calls()), (200, 4), "login, read, write, read");
    let mut outcome = answer.json();
    assert_eq!(answer.header("etag"), outcome.as_object_mut().unwrap().remove("etag").unwrap().as_str().unwrap());
    assert_eq!(
        outcome,
        json!({
            "outcome": "updated", "domainName": "embedded-ids.com", "changes": [], "verified": true, "remaining": [],
            "secretsCompared": false, "notCompared": ["/ldap/password"]
        })
    );
}

#[test]
fn new_account_is_sent_with_its_password() {
    let mut after = list();
    after["elements"][0]["identitySources"][2]["ldap"]["username"] = json!("svc@domain.com");
    let instance = Instance::new([login(), shown(&list()), source_call().answer(204, ""), shown_again(&after)]);
    let new = json!({"inputs": {"password": "hunter2", "username": ["svc@domain.com"]}});
    let outcome = set(&instance, "credentials", &new).json();
    let change = json!([{"pointer": "/ldap/username", "from": "test-user@domain.com", "to": "svc@domain.com"}]);
    assert_eq!((&outcome["changes"], &outcome["verified"]), (&change, &json!(true)));
    assert_eq!(sent(&instance, 2)["ldap"]["username"], "svc@domain.com");
}

#[test]
fn missing_and_unknown_fields_make_no_call() {
    let instance = Instance::new([]);
    let password = "SDDC Manager accepts only whole specifications and does not return the bind password";
    for (part, body, pointer, words) in [
        ("credentials", json!({"username": "a@b"}), "/password", "is required"),
        ("credentials", json!({"password": " "}), "/password", "must not be blank"),
        ("credentials", json!({"password": "hunter2", "user": "a@b"}), "/user", "password, username, certChain"),
        ("credentials", json!({"password": "hunter2", "dryRun": true}), "/dryRun", "?dryRun=true"),
        ("certificates", json!({"certChain": [CHAIN]}), "/password", password),
        ("certificates", json!({"password": "hunter2"}), "/certChain", "at least one"),
        ("certificates", json!({"certChain": ["x"], "password": "hunter2"}), "/certChain/0", ""),
        (
            "certificates",
            json!({"certChain": [CHAIN], "password": "hunter2", "keep": "perhaps"}),
            "/keep",
            "true or false",
        ),
        ("client-secret", json!({"clientSecret": "hunter2"}), "/certChain", "send [] if it has none"),
        ("client-secret", json!({"certChain": []}), "/clientSecret", "is required"),
    ] {
        let found = faults(&set(&instance, part, &body));
        assert!(found.iter().any(|(at, detail)| at == pointer && detail.contains(words)), "{part} {body}: {found:?}");
    }
    let path = format!("{PATH}/embedded/identity-sources/embedded-ids.com/credentials");
    instance.send_as_reader(Method::POST, &path, r#"{"password":"hunter2"}"#).problem("forbidden");
}

#[test]
fn certificates_are_replaced() {
    let [old, new] = certificates();
    let instance = Instance::new([
        login(),
        shown(&with_chain(json!([old]))),
        source_call().answer(204, ""),
        shown_again(&with_chain(json!([new]))),
    ]);
    let answer = set(&instance, "certificates", &json!({"certChain": [new], "password": "hunter2"}));
    let outcome = answer.json();
    assert_eq!((&outcome["outcome"], &outcome["verified"]), (&json!("updated"), &json!(true)), "{outcome}");
    assert_eq!(outcome["changes"][0]["pointer"], "/ldap/sourceDetails/certChain");
    let chain = sent(&instance, 2)["ldap"]["sourceDetails"]["certChain"].clone();
    assert_eq!(chain.as_array().unwrap().len(), 1);
    assert_eq!(sent(&instance, 2)["ldap"]["password"], "hunter2");
}

#[test]
fn present_certificates_stay_beside_the_new_ones_during_a_rotation() {
    let [old, new] = certificates();
    let both = with_chain(json!([new, old]));
    let instance = Instance::new([
        login(),
        shown(&with_chain(json!([old]))),
        source_call().answer(204, ""),
        shown_again(&both),
        shown(&both),
    ]);
    let body = json!({"certChain": [new], "keep": true, "password": "hunter2"});
    let outcome = set(&instance, "certificates", &body).json();
    assert_eq!((&outcome["outcome"], &outcome["verified"]), (&json!("updated"), &json!(true)), "{outcome}");
    assert_eq!(sent(&instance, 2)["ldap"]["sourceDetails"]["certChain"].as_array().unwrap().len(), 2);
    // The second run finds both.
    assert_eq!(set(&instance, "certificates", &body).json()["outcome"], "unchanged");
}

#[test]
fn certificates_that_are_not_returned_are_never_lost() {
    let [_, new] = certificates();
    for hidden in [Value::Null, json!([])] {
        let read = || shown(&with_chain(hidden.clone()));
        let instance = Instance::new([login(), read(), read(), read()]);
        let body = json!({"certChain": [new], "keep": true, "password": "hunter2"});
        let found = faults(&set(&instance, "certificates", &body));
        assert!(found[0].0 == "/keep" && found[0].1.contains("together in certChain"), "{found:?}");
        let found = faults(&set(&instance, "credentials", &json!({"password": "hunter2"})));
        assert!(found[0].0 == "/certChain" && found[0].1.contains("would lose them"), "{found:?}");
        // With the chain the same call is possible.
        let answer = set(&instance, "credentials?dryRun=true", &json!({"password": "hunter2", "certChain": [new]}));
        assert_eq!((answer.status().as_u16(), &answer.json()["outcome"]), (200, &json!("updated")));
    }
}

#[test]
fn dry_run_of_a_part_changes_nothing() {
    let [old, new] = certificates();
    let list = with_chain(json!([old]));
    let instance = Instance::new([login(), shown(&list), shown(&list), shown(&list)]);
    for (part, body) in [
        ("credentials?dryRun=true", json!({"password": "hunter2"})),
        ("certificates?dryRun=true", json!({"certChain": [new], "password": "hunter2"})),
        ("client-secret?dryRun=true", json!({"clientSecret": "hunter2", "password": "hunter2", "certChain": []})),
    ] {
        let outcome = set(&instance, part, &body).json();
        assert_eq!(
            (&outcome["outcome"], &outcome["dryRun"], outcome.get("verified")),
            (&json!("updated"), &json!(true), None)
        );
    }
}

#[test]
fn client_secret_of_an_adfs_is_sent_with_the_rest_of_the_provider() {
    let body = r#"{"name":"My AD Identity Source","type":"AD_FS","certChain":[],"ldap":{"domainName":"external-idp.com","domainAlias":"external-idp","username":"test-user@domain.com","password":"hunter22","sourceDetails":{"usersBaseDn":"users-base-dn","groupsBaseDn":"groups-base-dn","serverEndpoints":["ldap://dns01.domain.com","ldap://dns02.domain.com"]}},"oidc":{"clientId":"4be2e29f-2be3-49a2-87b9-3614dea398ba","clientSecret":"hunter2","discoveryEndpoint":"https://domain.com/.well-known/openid-configuration"}}"#;
    let instance = Instance::new([
        login(),
        shown(&list()),
        patch(ADFS).body(body).answer(204, ""),
        shown(&list()),
        shown(&list()),
    ]);
    let mut new = json!({"clientSecret": "hunter2", "certChain": []});
    new["password"] = json!("hunter22");
    let outcome = set(&instance, "client-secret", &new).json();
    assert_eq!(
        (&outcome["outcome"], &outcome["id"], &outcome["verified"]),
        (&json!("updated"), &json!(ADFS), &json!(true))
    );
    assert_eq!(outcome["notCompared"], json!(["/type", "/ldap/password", "/oidc/clientSecret"]));
    let found = faults(&set(&instance, "client-secret", &json!({"clientSecret": "hunter2", "certChain": []})));
    assert!(found[0].0 == "/password" && found[0].1.contains("does not return the bind password"), "{found:?}");
}

#[test]
fn client_secret_of_a_federated_provider_needs_no_password() {
    let oidc = json!({"clientId": "c", "discoveryEndpoint": "https://idp.corp.example/.well-known/openid-configuration", "issuer": "https://idp"});
    let mut list = list();
    list["elements"][1] = json!({
        "id": ADFS, "name": "Okta", "type": "Okta",
        "fedIdp": {
            "name": "Okta", "source": "OKTA", "syncClientTokenTTL": 3600, "oidcInfo": oidc,
            "directoryList": {"directoryId": "d", "name": "corp", "defaultDomain": "corp.example", "domains": ["corp.example"], "federatedIdpSourceType": "OKTA"},
            "syncClientTokenInfo": {"token": "hunter2"}
        }
    });
    let body = r#"{"name":"Okta","type":"OKTA","certChain":[],"fedIdpSpec":{"name":"Okta","directory":{"directoryId":"d","name":"corp","defaultDomain":"corp.example","domains":["corp.example"],"federatedIdpSourceType":"OKTA"},"oidcSpec":{"clientId":"c","clientSecret":"hunter2","discoveryEndpoint":"https://idp.corp.example/.well-known/openid-configuration"},"syncClientTokenTTL":3600}}"#;
    let instance =
        Instance::new([login(), shown(&list), patch(ADFS).body(body).answer(204, ""), shown(&list), shown(&list)]);
    let mut new = json!({"clientSecret": "hunter2", "certChain": [], "type": "OKTA"});
    assert_eq!(set(&instance, "client-secret", &new).json()["verified"], true);
    new["password"] = json!("hunter2");
    let found = faults(&set(&instance, "client-secret", &new));
    assert!(found[0].0 == "/password" && found[0].1.contains("omit it"), "{found:?}");
}

#[test]
fn unknown_fields_are_kept_and_hidden_secrets_are_never_sent_back() {
    let mut before = list();
    before["elements"][0]["identitySources"][2]["ldap"]["referrals"] = json!({"follow": true});
    let instance = Instance::new([login(), shown(&before), source_call().answer(204, ""), shown_again(&before)]);
    set(&instance, "credentials", &json!({"password": "hunter2"}));
    assert_eq!(sent(&instance, 2)["ldap"]["referrals"], json!({"follow": true}));
    before["elements"][0]["identitySources"][2]["ldap"]["keystorePassword"] = json!("hunter2");
    instance.then([shown(&before)]);
    let found = faults(&set(&instance, "credentials", &json!({"password": "hunter2"})));
    assert!(found[0].1.contains("/ldap/keystorePassword"), "{found:?}");
}

#[test]
fn faults_of_what_is_shown_name_the_place() {
    let mut before = list();
    before["elements"][0]["identitySources"][2].as_object_mut().unwrap().remove("name");
    let instance = Instance::new([login(), shown(&before), shown(&before)]);
    let new = json!({"password": "hunter2", "username": "nobody"});
    let found = faults(&set(&instance, "credentials", &new));
    assert!(found[0].0.is_empty() && found[0].1.contains("/name, as SDDC Manager shows it, is required"), "{found:?}");
    assert_eq!(found[1].0, "/username");
    let path = |domain: &str| format!("{PATH}/embedded/identity-sources/{domain}/credentials");
    let body = r#"{"password":"hunter2"}"#;
    let problem = instance.send(Method::POST, &path("vsphere.local"), body).problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("SystemDomain"), "{problem}");
    instance.then([shown(&before)]);
    instance.send(Method::POST, &path("gone.example"), body).problem("not_found");
}

#[test]
fn change_of_another_writer_is_noticed() {
    // Between the read and the write somebody else sets another account; the write restores the former one, and then somebody
    // else sets it again.
    let mut raced = list();
    raced["elements"][0]["identitySources"][2]["ldap"]["username"] = json!("other@domain.com");
    let instance = Instance::new([login(), shown(&list()), source_call().answer(204, "")]);
    instance.then([shown_again(&raced), shown_again(&raced), shown_again(&raced)]);
    let outcome = set(&instance, "credentials", &json!({"password": "hunter2"})).json();
    let remaining = json!([{"pointer": "/ldap/username", "from": "other@domain.com", "to": "test-user@domain.com"}]);
    assert_eq!((&outcome["verified"], &outcome["remaining"]), (&json!(false), &remaining));

    // With If-Match nothing is sent at all.
    let tag = {
        instance.then([shown(&list())]);
        instance.get(&format!("{PATH}/embedded/identity-sources/embedded-ids.com")).header("etag").to_owned()
    };
    instance.then([shown(&raced)]);
    let path = format!("{PATH}/embedded/identity-sources/embedded-ids.com/credentials");
    let answer = instance.send_with(Method::POST, &path, &[("if-match", &tag)], r#"{"password":"hunter2"}"#);
    answer.problem("precondition_failed");
}

#[test]
fn failure_at_each_step_is_reported() {
    let body = json!({"password": "hunter2"});
    let instance = Instance::new([login(), get(ROOT).answer(400, FAILED)]);
    set(&instance, "credentials", &body).problem("upstream_rejected");
    instance.then([shown(&list()), source_call().answer(400, FAILED)]);
    set(&instance, "credentials", &body).problem("upstream_rejected");
    instance.then([shown(&list()), source_call().fail(TransportErrorKind::Interrupted)]);
    set(&instance, "credentials", &body).problem("upstream_failed");
    instance.then([shown(&list()), source_call().answer(204, ""), get(format!("{ROOT}/{ID}")).answer(400, FAILED)]);
    let outcome = set(&instance, "credentials", &body).json();
    assert_eq!((&outcome["outcome"], &outcome["verified"]), (&json!("updated"), &json!(false)));
    assert!(outcome["message"].as_str().unwrap().contains("the change was made"), "{outcome}");
}
