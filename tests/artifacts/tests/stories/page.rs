//! The page at `/`, as the component serves it.

use idhook_host::{Host, KeyValue, Options, Output};
use reqwest::Method;
use xtask::artifact::Artifact;

use crate::scene::{Scene, send, wasm};

#[tokio::test]
async fn component_serves_the_page() {
    let scene = Scene::new().await;
    let page = send(scene.request(Method::GET, "/")).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.text.contains("<title>idhook</title>") && page.text.ends_with("</html>\n"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; "));
    let compressed = send(scene.request(Method::HEAD, "/").header("accept-encoding", "gzip")).await;
    assert_eq!((compressed.status.as_u16(), compressed.header("content-encoding")), (200, "gzip"));
    let again = send(scene.request(Method::GET, "/").header("if-none-match", page.header("etag"))).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    assert!(scene.asked().is_empty());
}

/// A host whose component has these variables only.
pub(crate) async fn unconfigured(variables: &[(&str, &str)]) -> Host {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let artifact = Artifact::Spin;
    let options = artifact.options(wasm(artifact).to_owned(), variables, KeyValue::default());
    Host::start(Options { output: Output::Capture, ..options }).await.unwrap()
}

#[tokio::test]
async fn page_false_holds_in_an_unconfigured_component() {
    let client = reqwest::Client::new();
    let host = unconfigured(&[("page", "false")]).await;
    assert_eq!(send(client.get(host.url())).await.problem("route_not_found")["retryable"], false);
    let host = unconfigured(&[]).await;
    assert_eq!(send(client.get(host.url())).await.status, 200);
}
