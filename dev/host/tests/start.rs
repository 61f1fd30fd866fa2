//! Faults that prevent the host from starting, each with a message that says what to do. Serving is tested with the shipped
//! component, in the package `artifacts`.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use idhook_host::{Host, KeyValue, Options, Runtime, Spin};

const MANIFEST: &str = r#"
spin_manifest_version = 2
application = { name = "app" }
[variables]
host_test_token = { required = true, secret = true }
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
allowed_outbound_hosts = ["https://a.example"]
key_value_stores = ["default"]
[component.app.variables]
token = "{{ host_test_token }}"
"#;

/// The smallest component, which handles nothing.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// The host's message for a start in place of Spin.
async fn start(manifest: &str, change: impl FnOnce(&mut Spin)) -> String {
    start_with(manifest, |_, spin| change(spin)).await
}

async fn start_with(manifest: &str, change: impl FnOnce(&mut Options, &mut Spin)) -> String {
    let directory = tempfile::tempdir().unwrap();
    let (toml, wasm) = (directory.path().join("spin.toml"), directory.path().join("app.wasm"));
    std::fs::write(&toml, manifest).unwrap();
    std::fs::write(&wasm, EMPTY_COMPONENT).unwrap();
    let mut spin = Spin::new(&toml);
    let mut options = Options::new(wasm, Runtime::Wasmtime);
    spin.variables.insert("host_test_token".to_owned(), "hunter2".to_owned());
    change(&mut options, &mut spin);
    options.runtime = spin.into();
    assert!(!format!("{options:?}").contains("hunter2"));
    let error = format!("{:#}", Host::start(options).await.unwrap_err());
    assert!(!error.contains("hunter2"), "{error}");
    error
}

#[tokio::test]
async fn missing_required_variable_is_named() {
    let error = start(MANIFEST, |spin| spin.variables.clear()).await;
    assert!(error.contains("SPIN_VARIABLE_HOST_TEST_TOKEN"), "{error}");
}

#[tokio::test]
async fn undeclared_variable_is_named() {
    let error = start(&MANIFEST.replace("{{ host_test_token }}", "{{ tokn }}"), |_| {}).await;
    assert!(error.contains("token") && error.contains("\"tokn\""), "{error}");
}

#[tokio::test]
async fn malformed_outbound_host_is_named() {
    let error = start(&MANIFEST.replace("https://a.example", "a.example"), |_| {}).await;
    assert!(error.contains("\"a.example\"") && error.contains("no scheme"), "{error}");
}

#[tokio::test]
async fn unknown_key_value_label_is_named() {
    let manifest = MANIFEST.replace("[\"default\"]", "[\"shared\"]");
    let error = start(&manifest, |_| {}).await;
    assert!(error.contains("\"shared\""), "{error}");
    let error = start(&manifest, |spin| spin.key_value = KeyValue::with_labels(["shared"])).await;
    assert!(!error.contains("\"shared\""), "{error}");
}

#[tokio::test]
async fn missing_file_is_named() {
    for file in ["spin.toml", "app.wasm", "ca.pem"] {
        let error = start_with(MANIFEST, |options, spin| {
            let gone = options.wasm.with_file_name(file).with_extension("gone");
            match file {
                "spin.toml" => spin.manifest = gone,
                "app.wasm" => options.wasm = gone,
                _ => options.ca_file = Some(gone),
            }
        })
        .await;
        assert!(error.contains(".gone"), "{file}: {error}");
    }
}

#[tokio::test]
async fn component_without_http_is_rejected() {
    let error = start(MANIFEST, |_| {}).await;
    assert!(error.contains("wasi:http/handler@0.3"), "{error}");
}

#[tokio::test]
async fn component_is_checked_without_a_manifest_too() {
    let directory = tempfile::tempdir().unwrap();
    let wasm = directory.path().join("app.wasm");
    let start = async || Host::start(Options::new(&wasm, Runtime::Wasmtime)).await.unwrap_err();
    assert!(format!("{:#}", start().await).contains("app.wasm"));
    std::fs::write(&wasm, EMPTY_COMPONENT).unwrap();
    assert!(format!("{:#}", start().await).contains("wasi:http/incoming-handler@0.2"));
}
