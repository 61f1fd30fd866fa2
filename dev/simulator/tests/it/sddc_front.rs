//! SDDC Manager's nginx: what it makes of a path, as it was measured.

use crate::client::send;
use crate::sddc_tokens::pair;
use idhook_simulator::{Options, SddcFront, SddcSettings, Simulator};

async fn started() -> (Simulator, String) {
    let sddc = SddcSettings { front: Some(SddcFront::default()), ..SddcSettings::default() };
    let simulator = Simulator::start(Options { sddc, ..Options::default() }).await.unwrap();
    let (token, _) = pair(&simulator).await;
    simulator.clear_calls();
    (simulator, token)
}

const SOURCES: &str = "/v1/identity-providers/ID/identity-sources";

#[tokio::test]
async fn paths_reach_the_service_decoded() {
    let (simulator, token) = started().await;
    let sources = "/v1/identity-providers/ID/identity-sources";
    for (sent, routed) in [
        ("a%2Fb", Some("a/b")),
        ("a//b", Some("a/b")),
        ("a%2F%2E%2E%2Fb", Some("b")),
        ("a%252Fb", Some("a%2Fb")),
        ("a%20b", None),
        ("a%3Fb=c", Some("a?b=c")),
        ("x%0Ay", Some("x")),
        ("a+b", Some("a+b")),
        ("a;b", Some("a;b")),
        ("corp.example", Some("corp.example")),
    ] {
        simulator.clear_calls();
        let headers = [("authorization", token.as_str())];
        send("DELETE", &format!("{}{SOURCES}/{sent}", simulator.sddc_url()), &headers, "").await;
        let seen = simulator.calls()[0].routed.clone();
        assert_eq!(seen, routed.map(|routed| format!("{sources}/{routed}")), "{sent}");
    }
}

#[tokio::test]
async fn another_resource_is_reached_through_an_encoded_slash() {
    let (simulator, token) = started().await;
    let url = format!("{}/v1/identity-providers/..%2Fcredentials", simulator.sddc_url());
    let got = send("GET", &url, &[("authorization", &token)], "").await;
    assert!(got.status == 200 && got.body.contains("planted-estate-password"), "{}", got.body);
    let url = format!("{}/v1/identity-providers/..%2Fhosts%2Fh1", simulator.sddc_url());
    assert_eq!(send("DELETE", &url, &[("authorization", &token)], "").await.status, 202);
}

#[tokio::test]
async fn nginx_answers_without_the_api() {
    let (simulator, token) = started().await;
    let at = |path: &str| format!("{}{path}", simulator.sddc_url());
    let headers = [("authorization", token.as_str())];
    assert_eq!(send("GET", &at("/v1/identity-providers/x.css"), &headers, "").await.status, 404);
    assert_eq!(send("DELETE", &at(&format!("{SOURCES}/corp.JS")), &headers, "").await.status, 405);
    let unknown = send("GET", &at("/v1/identity-broker/sddc-manager-oidc"), &headers, "").await;
    assert_eq!(unknown.status, 301);
    assert!(unknown.header("location").starts_with("https://") && unknown.header("location").ends_with("/ui"));
    assert_eq!(send("GET", &at("/v1/identity-broker/prechecks"), &headers, "").await.status, 200);
    let large = "x".repeat((1 << 20) + 1);
    assert_eq!(send("POST", &at("/v1/identity-providers"), &headers, large).await.status, 413);
    let long = "x".repeat(9_000);
    let refused =
        send("GET", &at("/v1/identity-providers"), &[("authorization", token.as_str()), ("x-long", &long)], "").await;
    assert!(refused.status == 400 && refused.body.contains("Request Header Or Cookie Too Large"), "{}", refused.body);
    simulator.configure_sddc(|settings| settings.front = Some(SddcFront { routes_oidc: true }));
    assert_eq!(send("GET", &at("/v1/identity-broker/sddc-manager-oidc"), &headers, "").await.status, 200);
}
