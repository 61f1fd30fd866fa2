//! The page at `/` in a browser, on a desktop and on a phone.

use std::path::PathBuf;

use idhook_simulator::{Outcome, seeds};
use serde_json::json;

use crate::page::unconfigured;
use crate::scene::{Scene, Setting};
use crate::tools::browser::Browser;

const NEW_GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
const PICKED_GROUP: &str = "CN=gg-handmade,OU=Picked,DC=corp,DC=example";

/// Every text whose colour stands out from its ground by less than WCAG 2.2 asks for (level AA, 1.4.3: 4.5 to 1).
const FAINT: &str = r#"
const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return { rgb: [r, g, b], a }; };
const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
const ground = (node) => { for (; node; node = node.parentElement) {
  const colour = parse(getComputedStyle(node).backgroundColor); if (colour.a === 1) return colour.rgb; } return [255, 255, 255]; };
const faint = [];
for (const node of document.body.querySelectorAll("*")) {
  const hasText = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  if (!hasText || !node.checkVisibility() || node.disabled) continue;
  const style = getComputedStyle(node);
  const [a, b] = [light(parse(style.color).rgb), light(ground(node))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5 || style.opacity < 1) faint.push(`${ratio.toFixed(2)} ${node.outerHTML.slice(0, 80)}`);
}
return faint;"#;

/// What juts out to the right, and what a person or a program cannot name.
const AWKWARD: &str = r#"
const root = document.documentElement;
const wide = root.scrollWidth > root.clientWidth ? [`${root.scrollWidth} > ${root.clientWidth}`] : [];
const fields = [...document.querySelectorAll("input, select, textarea")].filter((field) => !field.labels.length);
const buttons = [...document.querySelectorAll("button")].filter((button) => !button.textContent.trim());
return [...wide, ...[...fields, ...buttons].map((node) => node.outerHTML)];"#;

/// Pictures for people to look at, where `IDHOOK_PICTURES` names a folder for them.
async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("IDHOOK_PICTURES") {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme).await;
            browser.picture(&PathBuf::from(&folder).join(format!("{name}-{scheme}.png"))).await;
        }
    }
}

/// The page as it stands can be read by everybody: on this width, in both schemes.
#[track_caller]
fn is_fit_to_read(browser: &Browser) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        assert_eq!(browser.script(AWKWARD).await, json!([]), "{caller}");
        for scheme in ["light", "dark"] {
            browser.prefer(scheme).await;
            assert_eq!(browser.script(FAINT).await, json!([]), "{caller}, {scheme}");
        }
    }
}

#[tokio::test]
async fn without_a_configuration_the_page_says_what_is_missing() {
    let Some(browser) = Browser::for_test().await else { return };
    let host = unconfigured(&[]).await;
    browser.resize(360, 740, true).await;
    browser.open(&host.url()).await;
    browser.reads("#readiness", "Not configured yet").await;
    let missing = browser.text("#missing").await;
    assert!(
        missing.contains("vidm_url is not set")
            && missing.contains("api_keys is not set, so nobody may call; make an entry"),
        "{missing}"
    );
    assert_eq!(browser.script("return document.querySelector('#list').disabled").await, true);
    is_fit_to_read(&browser).await;
    picture(&browser, "unconfigured-phone").await;
}

#[tokio::test]
async fn a_person_tries_it_at_a_desk() {
    a_person_tries_it("desktop", (1280, 800)).await;
}

#[tokio::test]
async fn a_person_tries_it_on_a_phone() {
    a_person_tries_it("phone", (360, 740)).await;
}

async fn a_person_tries_it(name: &str, (width, height): (u32, u32)) {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = Scene::new().await;
    scene.simulator.add_directory_group(seeds::CORP, NEW_GROUP).unwrap();
    scene.simulator.add_directory_group(seeds::CORP, PICKED_GROUP).unwrap();
    browser.resize(width, height, name == "phone").await;
    browser.open(&scene.host.url()).await;
    browser.reads("#readiness", "vIDM default; SDDC Manager default").await;
    browser.reads("#health", "Up, version").await;
    is_fit_to_read(&browser).await;
    picture(&browser, &format!("{name}-1-open")).await;

    // No key, and one that is not known.
    browser.click("#list").await;
    browser.reads("#list-problem", "Type an API key first").await;
    browser.type_into("#key", "no-such-key").await;
    browser.click("#list").await;
    let told = browser.reads("#list-problem", "What to do").await;
    assert!(told.contains("not one of those configured") && told.contains("unauthenticated (401)"), "{told}");
    assert!(told.contains("Request id"), "{told}");
    is_fit_to_read(&browser).await;
    picture(&browser, &format!("{name}-2-refused")).await;
    let console = browser.console().await;
    assert!(console.iter().all(|line| line.contains("401")), "{console:?}");

    browser.fill("#key", &scene.keys.syncer).await;
    // Enter in the key's field asks for the list.
    browser.type_into("#key", "\u{E007}").await;
    browser.reads("#list-said", "can be synced").await;
    let listed = browser.text("#directory-list").await;
    assert!(listed.contains("corp.example") && listed.contains("cannot be synced"), "{listed}");

    // A sync for a new group, watched to its good end.
    browser.click(&format!("input[value='{}']", seeds::CORP)).await;
    browser.type_into("#groups", NEW_GROUP).await;
    browser.click("#start").await;
    browser.reads("#steps", "Running.").await;
    browser.reads("#headline", "corp.example: running").await;
    is_fit_to_read(&browser).await;
    picture(&browser, &format!("{name}-3-running")).await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let told = browser.reads("#outcome", "Succeeded").await;
    assert!(told.contains("present") && told.contains(NEW_GROUP), "{told}");
    let looked = scene.log().into_iter().filter(|line| line["route"] == "/vidm/{target}/v1/syncs/{sync}").count();
    assert_eq!(looked, 1, "one event stream and no polling");
    is_fit_to_read(&browser).await;
    picture(&browser, &format!("{name}-4-succeeded")).await;

    // The safeguards stop one: why, and what to do.
    browser.click("#start").await;
    browser.reads("#steps", "Running.").await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::SafeguardsTripped).unwrap();
    let told = browser.reads("#outcome", "Failed: safeguard tripped").await;
    assert!(told.contains("What to do: the run would have changed more"), "{told}");
    is_fit_to_read(&browser).await;
    picture(&browser, &format!("{name}-5-safeguards")).await;

    // Where no event stream comes through it asks again and again; a group that no run brings is absent.
    browser.script(HOLD_STREAMS_BACK).await;
    browser.fill("#groups", PICKED_GROUP).await;
    browser.click("#start").await;
    browser.reads("#steps", "asking every few seconds instead").await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let told = browser.reads("#outcome", "Failed: group absent").await;
    assert!(told.contains("absent") && told.contains("addToProfile"), "{told}");

    // Watching can be stopped; and what is asked for wrongly is told by field.
    browser.click("#start").await;
    browser.reads("#steps", "Running.").await;
    browser.click("#stop").await;
    browser.reads("#headline", "Not watched any more").await;
    browser.fill("#groups", "gg-new@corp.example").await;
    browser.click("#add").await;
    browser.click("#start").await;
    let told = browser.reads("#outcome", "/groups/0").await;
    assert!(told.contains("must be a DN"), "{told}");
    is_fit_to_read(&browser).await;
    picture(&browser, &format!("{name}-6-wrong")).await;

    every_tab_is_fit_to_read(&browser).await;
    picture(&browser, &format!("{name}-7-last-tab")).await;
    the_key_is_nowhere_but_in_its_field(&browser, &scene).await;
    let console = browser.console().await;
    assert!(console.iter().all(|line| line.contains("400")), "{console:?}");
    the_policy_is_in_force(&browser).await;
}

/// As a proxy does that waits for the end of an answer.
const HOLD_STREAMS_BACK: &str = r#"
const real = window.fetch;
window.fetch = (url, options) =>
  options.headers.Accept === "text/event-stream" ? Promise.reject(new TypeError("held back")) : real(url, options);"#;

async fn every_tab_is_fit_to_read(browser: &Browser) {
    let count = browser.script("return document.querySelectorAll('[role=tab]').length").await.as_u64().unwrap();
    assert_eq!(count, 7);
    browser.click("#tab-0").await;
    for at in 1..count {
        // With the keyboard alone.
        browser.type_into(&format!("#tab-{}", at - 1), "\u{E014}").await;
        let focused = browser.script("return document.activeElement.id").await;
        assert_eq!(focused, format!("tab-{at}"));
        let selected = browser.text("[role=tab][aria-selected=true]").await;
        assert!(
            !selected.is_empty() && browser.text("#snippet").await.contains("/vidm/default/v1/syncs"),
            "{selected}"
        );
        is_fit_to_read(browser).await;
    }
    browser.click("#copy").await;
    browser.reads("#copied", "Copied.").await;
}

async fn the_key_is_nowhere_but_in_its_field(browser: &Browser, scene: &Scene) {
    let key = scene.keys.syncer.as_str();
    assert_eq!(browser.script("return document.querySelector('#key').value").await, key);
    let kept = browser
        .script(
            "const snippets = SNIPPETS.map((snippet) => snippet.write(order()));
             const databases = indexedDB.databases().then((all) => all.length);
             return Promise.all([databases, caches.keys().then((all) => all.length), JSON.stringify([
               {...localStorage}, {...sessionStorage}, document.cookie, location.href, history.length > 2, history.state,
               document.title, document.documentElement.outerHTML, snippets,
             ])]);",
        )
        .await;
    assert_eq!((&kept[0], &kept[1]), (&json!(0), &json!(0)));
    let kept = kept[2].as_str().unwrap();
    assert!(kept.starts_with("[{},{},\"\",\"http://127.0.0.1:") && kept.contains("corp.example"), "{kept:.200}");
    assert!(!kept.contains(key) && !scene.host.output().contains(key));
}

async fn the_policy_is_in_force(browser: &Browser) {
    let markup =
        "try { document.body.insertAdjacentHTML('beforeend', '<i>'); return 'taken'; } catch (e) { return e.name; }";
    assert_eq!(browser.script(markup).await, "TypeError");
    let elsewhere = "return fetch('http://localhost:9/', {headers: {}}).then(() => 'sent', (e) => e.name)";
    assert_eq!(browser.script(elsewhere).await, "TypeError");
    let console = browser.console().await.join("\n");
    assert!(console.contains("connect-src 'self'"), "{console}");
}

#[tokio::test]
async fn a_reload_forgets_the_key() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = Scene::with(Setting::default()).await;
    browser.open(&scene.host.url()).await;
    browser.type_into("#key", &scene.keys.reader).await;
    browser.open(&scene.host.url()).await;
    assert_eq!(browser.script("return document.querySelector('#key').value").await, "");
}
