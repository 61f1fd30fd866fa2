//! The page at `/` with a VCF Operations target: a directory sync, groups without a sync, the doctor, identity providers.

use std::time::Duration;

use idhook_simulator::{FleetVersion, Outcome, SyncDuration, seeds};
use serde_json::json;
use xtask::artifact::Artifact;

use crate::scene::{STATE_KEY, Scene, Setting};
use crate::tools::browser::Browser;
use crate::tools::line::Line;
use crate::tools::page::{DESKTOP, PHONE, connect, every_tab_is_accessible, in_sight, is_accessible, picture};
use crate::tools::page_views::{choose, edit};

const NEW_GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
const PROVISIONED_GROUP: &str = "CN=gg-at-once,OU=Groups,DC=corp,DC=example";

/// With a VCF Operations that has every call.
pub(crate) async fn scene() -> Scene {
    let variables = vec![("state_key", STATE_KEY.to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::with_fleet(Artifact::Spin) }).await;
    scene.simulator.configure_fleet(|settings| settings.version = FleetVersion::V9_1_1);
    scene
}

/// Chooses the VCF Operations target in a list, as a person does.
pub(crate) async fn choose_target(browser: &Browser, list: &str) {
    let choose = "list.value = 'fleet/default'; list.dispatchEvent(new Event('change', {bubbles: true}))";
    browser.script(&format!("const list = document.querySelector('{list}'); {choose}")).await;
}

async fn is_visible(browser: &Browser, selector: &str) -> bool {
    browser.script(&format!("return document.querySelector('{selector}').checkVisibility()")).await == true
}

#[tokio::test]
async fn person_syncs_vcf_operations_at_a_desk() {
    person_syncs_vcf_operations("desktop", DESKTOP).await;
}

#[tokio::test]
async fn person_syncs_vcf_operations_on_a_phone() {
    person_syncs_vcf_operations("phone", PHONE).await;
}

async fn person_syncs_vcf_operations(name: &str, size: (u32, u32)) {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = scene().await;
    scene.simulator.add_ad_group(seeds::FLEET_CORP, NEW_GROUP, &[]).unwrap();
    scene.simulator.add_ad_group(seeds::FLEET_CORP, PROVISIONED_GROUP, &[]).unwrap();
    connect(&browser, &scene.host.url(), size, &scene.keys.all).await;
    browser.reads("#readiness", "vIDM default; SDDC Manager default; VCF Operations default").await;
    browser.reads("#list-said", "can be synced").await;
    assert!(!is_visible(&browser, "#provision").await, "vIDM brings groups in only by a sync");

    choose_target(&browser, "#target").await;
    browser.reads("#directory-list", "realm Headquarters").await;
    browser.reads("#list-said", "can be synced").await;
    let listed = browser.text("#directory-list").await;
    assert!(listed.contains("last sync COMPLETED") && listed.contains("cannot be synced"), "{listed}");
    assert_eq!(browser.text("#profile-scope").await, "fleet:profile");

    // A sync for a new group and a user, watched to its end.
    browser.click(&format!("input[value='{}']", seeds::FLEET_CORP)).await;
    browser.reads("#runs", "UTC").await;
    browser.type_into("#groups", NEW_GROUP).await;
    let user = format!("{}@corp.example", seeds::FLEET_USER_NAME);
    browser.type_into("#users", &user).await;
    browser.click("#start").await;
    browser.reads("#steps", "Running.").await;
    browser.holds(&in_sight("#headline")).await;
    is_accessible(&browser).await;
    scene.simulator.finish_fleet_sync(seeds::FLEET_CORP, Outcome::Completed).unwrap();
    let outcome = browser.reads("#outcome", "VCF Operations has every group and user.").await;
    for text in [NEW_GROUP, "proved by its DN", &user, "proved by its name and domain"] {
        assert!(outcome.contains(text), "{text}: {outcome}");
    }
    let watches = scene
        .log()
        .into_iter()
        .filter(|line| line["route"] == "/fleet/{target}/v1/syncs/{sync}" && line["stream"] != "ended")
        .count();
    assert_eq!(watches, 1, "one event stream and no polling");
    browser.reads("#runs", "ended").await;
    is_accessible(&browser).await;
    picture(&browser, &format!("{name}-fleet-succeeded")).await;

    every_tab_is_accessible(&browser, "/fleet/default/v1/syncs").await;
    let products = "return SNIPPETS.filter((one) => /vIDM/.test(one.write(order())) || !one.write(order()).includes(order().more.users[0])).map(({name}) => name)";
    assert_eq!(browser.script(products).await, json!([]), "each names the product and the user");

    a_missing_group_is_absent(&browser, &scene).await;
    groups_come_without_a_sync(&browser, &scene, name).await;
    assert_eq!(browser.console().await, [""; 0]);
}

async fn groups_come_without_a_sync(browser: &Browser, scene: &Scene, name: &str) {
    let runs = scene.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().len();
    browser.fill("#groups", PROVISIONED_GROUP).await;
    browser.click("#provision").await;
    browser.reads("#start", "Bring groups in").await;
    is_accessible(browser).await;
    browser.click("#start").await;
    browser.reads("#outcome", PROVISIONED_GROUP).await;
    let outcome = browser.reads("#outcome", "VCF Operations has every group.").await;
    assert!(outcome.contains("proved by its id") && !outcome.contains("Sync id"), "{outcome}");
    assert_eq!(scene.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().len(), runs);
    is_accessible(browser).await;
    picture(browser, &format!("{name}-fleet-provisioned")).await;
    // One or the other.
    browser.click("#add").await;
    assert_eq!(browser.script("return document.querySelector('#provision').checked").await, false);
    browser.reads("#start", "Start sync").await;
    browser.click("#add").await;
}

async fn a_missing_group_is_absent(browser: &Browser, scene: &Scene) {
    browser.fill("#groups", "gg-missing@corp.example").await;
    browser.script("document.querySelector('#users').value = ''").await;
    // So soon after another sync, idhook may need a second run.
    let duration = SyncDuration::Fixed(Duration::from_millis(300));
    scene.simulator.configure_fleet(|settings| settings.sync_duration = duration);
    browser.click("#start").await;
    let outcome = browser.reads("#outcome", "Failed: group absent").await;
    assert!(outcome.contains("What to do:"), "{outcome}");
}

#[tokio::test]
async fn doctor_checks_vcf_operations() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = scene().await;
    for size in [DESKTOP, PHONE] {
        connect(&browser, &scene.host.url(), size, &scene.keys.all).await;
        browser.click(".top nav a[href='#doctor']").await;
        choose_target(&browser, "#doctor-target").await;
        browser.click("#doctor-run").await;
        let checks = browser.reads("#checks", "Directories").await;
        for text in ["VCF Operations: default", "Login", "Realms"] {
            assert!(checks.contains(text), "{text}: {checks}");
        }
        is_accessible(&browser).await;
        browser.open("about:blank").await;
    }
    assert_eq!(browser.console().await, [""; 0]);
}

#[tokio::test]
async fn changes_of_vcf_operations_are_previewed() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = scene().await;
    connect(&browser, &scene.host.url(), DESKTOP, &scene.keys.all).await;
    browser.click(".top nav a[href='#identity-providers']").await;
    browser.reads("#providers", "Embedded IDP").await;
    choose_target(&browser, "#idp-target").await;
    let listed = browser.reads("#providers", "Headquarters AD").await;
    for text in ["Realm Headquarters", "ADLDAP, LDAP_BIND, LDAP", "corp.example", "no identity provider", "Okta"] {
        assert!(listed.contains(text), "{text}: {listed}");
    }
    for size in [PHONE, DESKTOP] {
        browser.resize(size.0, size.1, size == PHONE).await;
        is_accessible(&browser).await;
    }
    picture(&browser, "desktop-fleet-providers").await;

    choose(&browser, "Realm Headquarters: Headquarters AD").await;
    let fill = "spec.provisioningConfig.ldapConfigurations.forEach((one) => { one.ldapBindConfiguration.bindDnPassword = 'planted-password'; })";
    edit(&browser, fill).await;
    browser.click("#put-send").await;
    browser.reads("#put-outcome", "would change nothing").await;
    edit(&browser, "spec.provisioningConfig.ldapConfigurations[0].domains.push('dev.corp.example')").await;
    browser.click("#put-send").await;
    let preview = browser.reads("#put-outcome", "would change the object").await;
    for text in ["/provisioningConfig/ldapConfigurations/0/domains", "+ ", "dev.corp.example", "bindDnPassword"] {
        assert!(preview.contains(text), "{text}: {preview}");
    }
    browser.click(".exchange:first-child summary").await;
    let request = browser.reads(".exchange:first-child", "\"bindDnPassword\": \"(hidden)\"").await;
    assert!(request.contains("dryRun=true") && !request.contains("planted-password"), "{request}");
    is_accessible(&browser).await;
    assert_eq!(browser.console().await, [""; 0]);
}

/// From now on the page gets the responses of paths with `part` only when `release` is called.
async fn hold_back(browser: &Browser, part: &str) {
    let hold = "const real = window.fetch; window.held = []; window.fetch = async (url, options) => {
      const response = await real(url, options);
      if (url.includes(PART)) await new Promise((go) => window.held.push(go));
      return response; };";
    browser.script(&hold.replace("PART", &json!(part).to_string())).await;
}

/// Passes the one response that was held back on, and waits until the page has read it.
async fn release(browser: &Browser) {
    browser.script("window.held.shift()()").await;
    browser
        .holds("![...document.querySelectorAll('.exchange')].some((one) => one.textContent.includes('waiting'))")
        .await;
}

/// A person chooses another target while the list of the former one is on its way.
#[tokio::test]
async fn late_lists_of_another_target_are_dropped() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = scene().await;
    browser.resize(DESKTOP.0, DESKTOP.1, false).await;
    browser.open(&scene.host.url()).await;
    browser.reads("#readiness", "Configured").await;
    hold_back(&browser, "/vidm/default/v1/directories").await;
    browser.type_into("#key", &scene.keys.all).await;
    browser.click("#list").await;
    browser.holds("window.held.length === 1").await;
    choose_target(&browser, "#target").await;
    browser.reads("#directory-list", "realm Headquarters").await;
    let said = browser.reads("#list-said", "can be synced").await;
    release(&browser).await;
    assert!(browser.text("#directory-list").await.contains("realm Headquarters"));
    assert_eq!(browser.text("#list-said").await, said);
    let ids = "return [...document.querySelectorAll('input[name=directory]')].map((radio) => radio.value)";
    let ids = browser.script(ids).await;
    assert!(
        ids.as_array().unwrap().contains(&json!(seeds::FLEET_CORP)) && !ids.to_string().contains(seeds::CORP),
        "{ids}"
    );

    hold_back(&browser, "/vcf/default/v1/identity-providers").await;
    browser.click(".top nav a[href='#identity-providers']").await;
    browser.holds("window.held.length === 1").await;
    choose_target(&browser, "#idp-target").await;
    let listed = browser.reads("#providers", "Headquarters AD").await;
    release(&browser).await;
    assert_eq!(browser.text("#providers").await, listed);
    // Nor is an object of one target aimed at the other.
    let elsewhere =
        "return objects.filter((object) => !object.path.startsWith('/fleet/default/')).map((object) => object.text)";
    assert_eq!(browser.script(elsewhere).await, json!([]));
    assert_ne!(browser.script("return objects.length").await, 0);
}

#[tokio::test]
async fn failed_check_keeps_the_chosen_target() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = scene().await;
    let mut line = Line::to(&scene.host.url()).await;
    connect(&browser, &line.url(), DESKTOP, &scene.keys.all).await;
    browser.reads("#list-said", "can be synced").await;
    choose_target(&browser, "#target").await;
    let listed = browser.reads("#directory-list", "realm Headquarters").await;

    line.cut().await;
    browser.click("#recheck").await;
    browser.reads("#health", "Not reachable").await;
    browser.reads("#readiness", "Configuration unknown").await;
    let target = "return document.querySelector('#target').value";
    assert_eq!(browser.script(target).await, "fleet/default");
    line.mend();
    browser.click("#recheck").await;
    browser.reads("#readiness", "VCF Operations default").await;
    assert_eq!(browser.script(target).await, "fleet/default");
    assert_eq!(browser.text("#directory-list").await, listed);
}
