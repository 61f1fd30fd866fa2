//! The page's further views in a browser: identity providers, the doctor, the API reference.

use idhook_simulator::{Options as SimulatorOptions, credentials, seeds};
use serde_json::{Value, json};

use crate::scene::{Scene, Setting};
use crate::tools::browser::Browser;
use crate::tools::page::{DESKTOP, PHONE, connect, is_accessible, picture};

#[tokio::test]
async fn changes_of_sddc_manager_are_previewed_at_a_desk() {
    changes_are_previewed("desktop", DESKTOP).await;
}

#[tokio::test]
async fn changes_of_sddc_manager_are_previewed_on_a_phone() {
    changes_are_previewed("phone", PHONE).await;
}

/// Replaces the specification by what a function makes of it.
pub(crate) async fn edit(browser: &Browser, change: &str) {
    let script = "const field = document.querySelector('#put-spec'); const spec = JSON.parse(field.value);";
    let store = "field.value = JSON.stringify(spec, null, 2);";
    browser.script(&format!("{script} {change}; {store}")).await;
}

pub(crate) async fn choose(browser: &Browser, object: &str) {
    let script = format!(
        "const list = document.querySelector('#put-what');
         list.value = [...list.options].find((option) => option.textContent === {}).value;
         list.dispatchEvent(new Event('change'));",
        json!(object)
    );
    browser.script(&script).await;
}

async fn changes_are_previewed(name: &str, size: (u32, u32)) {
    let Some(browser) = Browser::for_test().await else { return };
    let simulator = SimulatorOptions { external_provider: true, ..SimulatorOptions::default() };
    let scene = Scene::with(Setting { simulator, ..Setting::default() }).await;
    connect(&browser, &scene.host.url(), size, &scene.keys.all).await;
    browser.click(".top nav a[href='#identity-providers']").await;
    let listed = browser.reads("#providers", "Embedded IDP").await;
    assert!(listed.contains(seeds::LDAP_SOURCE_DOMAIN) && listed.contains(seeds::EXTERNAL_PROVIDER), "{listed}");
    assert!(listed.contains("SDDC Manager 5.2.1.0") && !listed.contains("deprecated"), "{listed}");
    is_accessible(&browser).await;

    // A source that exists: what its specification would change, field by field.
    choose(&browser, &format!("Identity source {}", seeds::LDAP_SOURCE_DOMAIN)).await;
    browser.click("#put-send").await;
    let problem = browser.reads("#put-outcome", "/ldap/password").await;
    assert!(problem.contains("request_invalid (400)"), "{problem}");
    edit(&browser, "spec.ldap.password = 'planted-password'").await;
    browser.click("#put-send").await;
    browser.reads("#put-outcome", "would change nothing").await;
    edit(&browser, "spec.ldap.sourceDetails.serverEndpoints = ['ldap://dc03.example']").await;
    browser.click("#put-send").await;
    let preview = browser.reads("#put-outcome", "would change the object").await;
    for text in ["/ldap/sourceDetails/serverEndpoints", "− ldap://dc01", "+ ldap://dc03.example", "--data @spec.json"]
    {
        assert!(preview.contains(text), "{text}: {preview}");
    }
    browser.click(".exchange:first-child summary").await;
    let request = browser.reads(".exchange:first-child", "\"password\": \"(hidden)\"").await;
    assert!(request.contains("dryRun=true") && !request.contains("planted-password"), "{request}");
    is_accessible(&browser).await;
    picture(&browser, &format!("{name}-vcf")).await;

    // A new password, only if the source is then as it was compared.
    choose(&browser, &format!("Password of {}", seeds::LDAP_SOURCE_DOMAIN)).await;
    browser.click("#put-send").await;
    browser.reads("#put-outcome", "/password").await;
    edit(&browser, "spec.password = 'planted-password'").await;
    browser.click("#put-send").await;
    let preview = browser.reads("#put-outcome", "This POST would change the object").await;
    for text in ["curl -X POST", "If-Match: \"", "/credentials"] {
        assert!(preview.contains(text), "{text}: {preview}");
    }

    // A new source needs its domain; the external provider has no id to choose.
    choose(&browser, "New identity source").await;
    edit(&browser, "Object.assign(spec, {name: 'new'}); Object.assign(spec.ldap, {username: 'u@new.example', password: 'p'}); Object.assign(spec.ldap.sourceDetails, {usersBaseDn: 'OU=u,DC=new', groupsBaseDn: 'OU=g,DC=new', serverEndpoints: ['ldap://dc01']})").await;
    browser.click("#put-send").await;
    browser.holds("document.activeElement.id === 'put-domain'").await;
    browser.type_into("#put-domain", "new.example").await;
    browser.click("#put-send").await;
    browser.reads("#put-outcome", "would create the object").await;
    choose(&browser, "External provider My AD Identity Source").await;
    edit(&browser, "spec.ldap.password = 'p'; spec.oidc.clientSecret = 's'; spec.oidc.clientId = 'other'").await;
    browser.click("#put-send").await;
    browser.reads("#put-outcome", "/oidc/clientId").await;

    choose(&browser, "Client secret of My AD Identity Source").await;
    edit(&browser, "spec.clientSecret = 's'; spec.password = 'p'").await;
    browser.click("#put-send").await;
    browser.reads("#put-outcome", "This POST would change the object").await;

    // A text that is not JSON is not sent.
    browser.type_into("#put-spec", "}").await;
    browser.click("#put-send").await;
    browser.reads("#put-fault", "not valid JSON").await;
    is_accessible(&browser).await;
    scene.simulator.configure_sddc(|settings| settings.version = "9.1.0.0-24957454".to_owned());
    browser.script("return listProviders()").await;
    browser.reads("#providers", "deprecated since VCF 9.0").await;
    is_accessible(&browser).await;
    let changes: Vec<_> = scene.asked_once_in().into_iter().filter(|call| !call.starts_with("GET ")).collect();
    assert!(changes.is_empty(), "{changes:?}");
    let console = browser.console().await;
    assert!(console.iter().all(|line| line.contains("400")), "{console:?}");
}

#[tokio::test]
async fn doctor_shows_each_check_and_its_fix() {
    let Some(browser) = Browser::for_test().await else { return };
    let variables = vec![("vidm_password", "planted-wrong".to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::default() }).await;
    for (name, size) in [("desktop", DESKTOP), ("phone", PHONE)] {
        browser.resize(size.0, size.1, name == "phone").await;
        browser.open(&format!("{}/#doctor", scene.host.url())).await;
        browser.reads("#readiness", "Configured").await;
        browser.type_into("#key", &scene.keys.all).await;
        browser.click("#doctor-run").await;
        let checks = browser.reads("#checks", "vIDM: default needs attention").await;
        assert!(checks.contains("failed") && checks.contains("What to do:") && checks.contains("skipped"), "{checks}");
        assert!(!checks.contains("planted-wrong") && !checks.contains(credentials::VIDM_PASSWORD), "{checks}");
        is_accessible(&browser).await;
        picture(&browser, &format!("{name}-doctor")).await;
        let vcf = "const list = document.querySelector('#doctor-target'); list.value = 'vcf/default'";
        browser.script(vcf).await;
        browser.click("#doctor-run").await;
        browser.reads("#checks", "SDDC Manager: default").await;
        assert_eq!(browser.console().await, [""; 0]);
        // Else a changed fragment alone opens nothing.
        browser.open("about:blank").await;
    }
}

#[tokio::test]
async fn doctor_explains_that_the_key_lacks_admin() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = Scene::new().await;
    connect(&browser, &scene.host.url(), PHONE, &scene.keys.syncer).await;
    browser.click(".top nav a[href='#doctor']").await;
    browser.click("#doctor-run").await;
    let explained = browser.reads("#checks", "cannot run the doctor").await;
    assert!(explained.contains("needs the scope admin") && explained.contains("cargo xtask key"), "{explained}");
    is_accessible(&browser).await;
    picture(&browser, "phone-doctor-forbidden").await;
}

/// As a later version does whose `/readyz` lists targets of a further kind.
const FURTHER_KIND: &str = r#"
const real = window.fetch;
window.fetch = async (url, options) => {
  const response = await real(url, options);
  return url.endsWith("/readyz") ? Response.json({ ...(await response.json()), vidb: ["later"] }) : response;
};"#;

#[tokio::test]
async fn further_kind_of_target_appears_under_its_name() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = Scene::new().await;
    connect(&browser, &scene.host.url(), DESKTOP, &scene.keys.all).await;
    browser.script(FURTHER_KIND).await;
    browser.click("#recheck").await;
    browser.reads("#readiness", "vIDM default; SDDC Manager default; vidb later").await;
    browser.click(".top nav a[href='#doctor']").await;
    browser.reads("#doctor-target", "vidb: later").await;
}

#[tokio::test]
async fn reference_shows_every_operation_at_a_desk() {
    reference_shows_every_operation("desktop", DESKTOP).await;
}

#[tokio::test]
async fn reference_shows_every_operation_on_a_phone() {
    reference_shows_every_operation("phone", PHONE).await;
}

async fn reference_shows_every_operation(name: &str, size: (u32, u32)) {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = Scene::new().await;
    browser.resize(size.0, size.1, name == "phone").await;
    browser.open(&format!("{}/#reference", scene.host.url())).await;
    browser.reads("#operation", "Authentication").await;
    is_accessible(&browser).await;
    picture(&browser, &format!("{name}-reference")).await;

    let contract: Value = serde_json::from_str(&scene.get("/openapi.json").await.text).unwrap();
    let operations = contract["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, one)| one["operationId"].is_string())
            .map(move |one| (path, one))
    });
    for (path, (method, operation)) in operations {
        let id = operation["operationId"].as_str().unwrap();
        // As a person clicks it, with everything in it opened, and what opens in that.
        browser.script(&format!("document.querySelector('#operations a[href=\"#reference/{id}\"]').click()")).await;
        let summary = operation["summary"].as_str().unwrap();
        browser.holds(&format!("document.querySelector('#operation h2').textContent === {}", json!(summary))).await;
        browser
            .script("for (let n = 0; n < 3; n++) document.querySelectorAll('#operation details').forEach((one) => { one.open = true; one.dispatchEvent(new Event('toggle')); });")
            .await;
        let shown = browser.text("#operation").await;
        assert!(shown.contains(&method.to_uppercase()) && shown.contains(path.as_str()), "{id}: {shown:.200}");
        assert!(!shown.contains("undefined") && !shown.contains("[object"), "{id}: {shown}");
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str())
        {
            assert!(shown.contains(parameter), "{id}: {parameter}");
        }
        let responses = operation["responses"].as_object().unwrap().values();
        for kind in responses.filter_map(|one| one["content"].as_object()).flat_map(|content| content.keys()) {
            assert!(shown.contains(kind), "{id}: {kind}");
        }
        let wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(browser.script(wide).await, false, "{id}");
    }

    browser.script("location.hash = '#reference'").await;
    browser.reads("#operation", "Authentication").await;
    browser.type_into("#filter", "post /vidm/{target}/v1/syncs").await;
    browser.holds("document.querySelectorAll('#operations a').length === 1").await;
    browser.click("#operations a").await;
    let shown = browser.reads("#operation", "Start a sync of the directory").await;
    for text in ["vidm:sync", "Idempotency-Key", "addToProfile", "corp.example", "directory_not_found"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    browser.click(".answer summary").await;
    is_accessible(&browser).await;
    picture(&browser, &format!("{name}-reference-operation")).await;
    assert_eq!(browser.console().await, [""; 0]);
}
