//! The page at `/` in a browser, on a desktop and on a phone: its frame, and a directory sync.

use std::collections::BTreeSet;
use std::path::PathBuf;

use idhook_simulator::{Outcome, seeds};
use serde_json::json;

use crate::page::unconfigured;
use crate::scene::{STATE_KEY, Scene, Setting};
use crate::tools::axe;
use crate::tools::browser::Browser;
use crate::tools::line::Line;

const NEW_GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
const PICKED_GROUP: &str = "CN=gg-handmade,OU=Picked,DC=corp,DC=example";
/// Width and height in CSS pixels.
pub(crate) const DESKTOP: (u32, u32) = (1280, 960);
pub(crate) const PHONE: (u32, u32) = (390, 844);

/// Every text with less contrast than WCAG 2.2 requires (level AA, 1.4.3: 4.5 to 1). Unlike axe, it also checks covered text.
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

/// The elements that are wider than the window.
const WIDE: &str = r#"
const root = document.documentElement;
return root.scrollWidth > root.clientWidth ? [`${root.scrollWidth} > ${root.clientWidth}`] : [];"#;

/// Pictures of the whole page for people to look at, if `IDHOOK_PICTURES` names a folder. `docs/pictures` has the ones named
/// `page-`, which show what is in sight.
pub(crate) async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("IDHOOK_PICTURES") {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme).await;
            let path = PathBuf::from(&folder).join(format!("{name}-{scheme}.png"));
            browser.picture(&path, !name.starts_with("page-")).await;
        }
    }
}

/// Everybody can read the page as it stands, at this width, in both colour schemes.
#[track_caller]
pub(crate) fn is_accessible(browser: &Browser) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        assert_eq!(browser.script(WIDE).await, json!([]), "{caller}");
        for scheme in ["light", "dark"] {
            browser.prefer(scheme).await;
            assert_eq!(browser.script(FAINT).await, json!([]), "{caller}, {scheme}");
            assert_eq!(axe::violations(browser).await, json!([]), "{caller}, {scheme}");
        }
    }
}

/// Opens the page and connects with `key`.
pub(crate) async fn connect(browser: &Browser, url: &str, (width, height): (u32, u32), key: &str) {
    browser.resize(width, height, width == PHONE.0).await;
    browser.open(url).await;
    browser.reads("#readiness", "Configured").await;
    browser.type_into("#key", key).await;
    browser.click("#list").await;
}

/// Connects and chooses the directory `corp.example`.
pub(crate) async fn choose_corp(browser: &Browser, url: &str, size: (u32, u32), key: &str) {
    connect(browser, url, size, key).await;
    browser.reads("#list-said", "can be synced").await;
    browser.click(&format!("input[value='{}']", seeds::CORP)).await;
}

/// Whether an element is inside the window, below the header that stays at its top.
pub(crate) fn in_sight(selector: &str) -> String {
    format!(
        "(({{top, bottom}}) => top >= document.querySelector('.top').offsetHeight && bottom <= innerHeight)\
         (document.querySelector('{selector}').getBoundingClientRect())"
    )
}

#[tokio::test]
async fn unconfigured_page_lists_what_is_missing() {
    let Some(browser) = Browser::for_test().await else { return };
    let host = unconfigured(&[]).await;
    browser.resize(PHONE.0, PHONE.1, true).await;
    browser.open(&host.url()).await;
    browser.reads("#readiness", "Not configured yet").await;
    let missing = browser.text("#missing").await;
    assert!(missing.contains("vidm_url") && missing.contains("api_keys"), "{missing}");
    assert_eq!(browser.script("return document.querySelector('#list').disabled").await, true);
    is_accessible(&browser).await;
    picture(&browser, "unconfigured-phone").await;
}

#[tokio::test]
async fn person_syncs_at_a_desk() {
    person_syncs("desktop", DESKTOP).await;
}

#[tokio::test]
async fn person_syncs_on_a_phone() {
    person_syncs("phone", PHONE).await;
}

async fn person_syncs(name: &str, size: (u32, u32)) {
    let Some(browser) = Browser::for_test().await else { return };
    // With it the page has no warning to show.
    let variables = vec![("state_key", STATE_KEY.to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::default() }).await;
    scene.simulator.add_directory_group(seeds::CORP, NEW_GROUP).unwrap();
    scene.simulator.add_directory_group(seeds::CORP, PICKED_GROUP).unwrap();
    browser.resize(size.0, size.1, name == "phone").await;
    browser.open(&scene.host.url()).await;
    browser.reads("#readiness", "vIDM default; SDDC Manager default").await;
    browser.reads("#health", "Up, version").await;
    is_accessible(&browser).await;
    picture(&browser, &format!("{name}-1-open")).await;

    // No key, and an unknown one.
    browser.click("#list").await;
    browser.reads("#key-fault", "Enter an API key first").await;
    browser.type_into("#key", "no-such-key").await;
    browser.click("#list").await;
    let problem = browser.reads("#list-problem", "What to do").await;
    assert!(problem.contains("unauthenticated (401)") && problem.contains("Request id"), "{problem}");
    is_accessible(&browser).await;
    picture(&browser, &format!("{name}-2-rejected")).await;
    let console = browser.console().await;
    assert!(console.iter().all(|line| line.contains("401")), "{console:?}");

    browser.fill("#key", &scene.keys.syncer).await;
    // Enter in the key's field connects.
    browser.type_into("#key", "\u{E007}").await;
    browser.reads("#list-said", "can be synced").await;
    let listed = browser.text("#directory-list").await;
    assert!(listed.contains("corp.example") && listed.contains("cannot be synced"), "{listed}");

    // A sync for a new group, watched to its end, which stays in sight.
    browser.click(&format!("input[value='{}']", seeds::CORP)).await;
    browser.reads("#runs", "UTC").await;
    let runs = browser.script("return document.querySelectorAll('#runs li').length").await.as_u64().unwrap();
    browser.type_into("#groups", NEW_GROUP).await;
    browser.click("#start").await;
    browser.reads("#steps", "Running.").await;
    browser.reads("#headline", "corp.example: running").await;
    browser.holds(&in_sight("#headline")).await;
    is_accessible(&browser).await;
    picture(&browser, &format!("{name}-3-running")).await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let outcome = browser.reads("#outcome", "Succeeded").await;
    assert!(outcome.contains("present") && outcome.contains(NEW_GROUP), "{outcome}");
    let looked = scene
        .log()
        .into_iter()
        .filter(|line| line["route"] == "/vidm/{target}/v1/syncs/{sync}" && line["stream"] != "ended")
        .count();
    assert_eq!(looked, 1, "one event stream and no polling");
    browser.holds(&in_sight("#outcome h3")).await;
    browser.holds(&format!("document.querySelectorAll('#runs li').length === {}", runs + 1)).await;
    is_accessible(&browser).await;
    if name == "desktop" {
        browser.script("scrollTo(0, 0)").await;
    }
    picture(&browser, &format!("page-{}", size.0)).await;
    picture(&browser, &format!("{name}-4-succeeded")).await;

    failures_are_explained(&browser, &scene, name).await;
    every_tab_is_accessible(&browser, "/vidm/default/v1/syncs").await;
    requests_are_listed(&browser).await;
    picture(&browser, &format!("{name}-7-code-and-requests")).await;
    the_key_is_only_in_its_field(&browser, &scene).await;
    let console = browser.console().await;
    assert!(console.iter().all(|line| line.contains("400")), "{console:?}");
    the_policy_is_in_force(&browser).await;
}

async fn failures_are_explained(browser: &Browser, scene: &Scene, name: &str) {
    // The safeguards stop a run.
    browser.click("#start").await;
    browser.reads("#steps", "Running.").await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::SafeguardsTripped).unwrap();
    let outcome = browser.reads("#outcome", "Failed: safeguard tripped").await;
    assert!(outcome.contains("What to do: the run would have changed more"), "{outcome}");
    is_accessible(browser).await;
    picture(browser, &format!("{name}-5-safeguards")).await;

    // A proxy holds event streams back, and a group that no run brings is absent.
    browser.script(HOLD_STREAMS_BACK).await;
    browser.fill("#groups", PICKED_GROUP).await;
    browser.click("#start").await;
    browser.reads("#steps", "polling instead").await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let outcome = browser.reads("#outcome", "Failed: group absent").await;
    assert!(outcome.contains("absent") && outcome.contains("addToProfile"), "{outcome}");

    // A person stops watching; and a wrong field is named.
    browser.click("#start").await;
    browser.reads("#steps", "Running.").await;
    browser.click("#stop").await;
    browser.reads("#headline", "Stopped watching").await;
    browser.fill("#groups", "gg-new@corp.example").await;
    browser.click("#add").await;
    browser.click("#start").await;
    let outcome = browser.reads("#outcome", "/groups/0").await;
    assert!(outcome.contains("must be a DN"), "{outcome}");
    is_accessible(browser).await;
    picture(browser, &format!("{name}-6-invalid")).await;
}

/// As a proxy does that waits for the end of a response.
const HOLD_STREAMS_BACK: &str = r#"
const real = window.fetch;
window.fetch = (url, options) =>
  options.headers.Accept === "text/event-stream" ? Promise.reject(new TypeError("held back")) : real(url, options);"#;

/// The code of every tab starts syncs at the path `syncs`.
pub(crate) async fn every_tab_is_accessible(browser: &Browser, syncs: &str) {
    let count = browser.script("return document.querySelectorAll('[role=tab]').length").await.as_u64().unwrap();
    assert_eq!(count, 7);
    browser.click("#tab-0").await;
    for at in 1..count {
        // With the keyboard alone.
        browser.type_into(&format!("#tab-{}", at - 1), "\u{E014}").await;
        let focused = browser.script("return document.activeElement.id").await;
        assert_eq!(focused, format!("tab-{at}"));
        let selected = browser.text("[role=tab][aria-selected=true]").await;
        let code = browser.text("#snippet").await;
        assert!(!selected.is_empty() && code.contains(syncs), "{selected}");
        let colours = "return new Set([...document.querySelectorAll('#snippet, #snippet span')].map((part) => getComputedStyle(part).color)).size";
        assert!(browser.script(colours).await.as_u64().unwrap() >= 3, "{selected} is highlighted");
        assert_eq!(browser.script(FAINT).await, json!([]), "{selected}");
    }
    is_accessible(browser).await;
    // The button itself confirms, for a while.
    browser.click("#copy").await;
    browser.reads("#copy", "Copied").await;
    is_accessible(browser).await;
    browser.holds("document.querySelector('#copy').innerText === 'Copy'").await;
}

/// The page lists its requests and their responses, without the key.
async fn requests_are_listed(browser: &Browser) {
    let rejected = browser.text(".exchange:first-child summary").await;
    assert!(rejected.contains("POST") && rejected.contains("/syncs") && rejected.contains("400"), "{rejected}");
    browser.click(".exchange:first-child summary").await;
    let request = browser.reads(".exchange:first-child", "addToProfile").await;
    assert!(request.contains("$IDHOOK_KEY") && request.contains("\"code\": \"request_invalid\""), "{request}");
    assert_ne!(browser.script("return document.querySelectorAll('.exchange .t-key').length").await, 0);
    // Two requests are open now: their parts have different names for a screen reader.
    browser.click(".exchange:nth-child(2) summary").await;
    browser.reads(".exchange:nth-child(2)", "Response").await;
    let names =
        browser.script("return [...document.querySelectorAll('.exchange pre')].map((part) => part.ariaLabel)").await;
    let names: BTreeSet<_> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(names.len() == 4 && names.iter().all(|name| name.contains("/syncs")), "{names:?}");
    is_accessible(browser).await;
}

async fn the_key_is_only_in_its_field(browser: &Browser, scene: &Scene) {
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
async fn warning_can_be_opened_and_reload_forgets_the_key() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = Scene::new().await;
    browser.open(&scene.host.url()).await;
    browser.reads("#missing", "Check 1 setting").await;
    browser.click("#missing summary").await;
    browser.reads("#missing", "state_key").await;
    is_accessible(&browser).await;
    browser.type_into("#key", &scene.keys.reader).await;
    browser.open(&scene.host.url()).await;
    assert_eq!(browser.script("return document.querySelector('#key').value").await, "");
}

/// Red: at least twice as much of it as of green.
const IS_RED: &str = r"(([red, green]) => red > 2 * green)(getComputedStyle(document.querySelector('#result')).borderTopColor.match(/\d+/g).map(Number))";

#[tokio::test]
async fn lost_connection_turns_red_and_offers_a_retry() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = Scene::new().await;
    let mut line = Line::to(&scene.host.url()).await;
    choose_corp(&browser, &line.url(), PHONE, &scene.keys.syncer).await;
    browser.prefer("light").await;
    assert_eq!(browser.script("return LIMITS.lost").await, 60, "a minute, and not in a test");
    browser.click("#start").await;
    browser.reads("#headline", "corp.example: running").await;

    // A short gap ends by itself.
    line.cut().await;
    browser.reads("#headline", "idhook does not respond").await;
    browser.reads("#health", "Not reachable").await;
    browser.holds(IS_RED).await;
    is_accessible(&browser).await;
    line.mend();
    browser.reads("#steps", "idhook responds again.").await;
    browser.reads("#headline", "corp.example: running").await;

    // A long one ends the watching. Out of sight the result has a bar at the bottom of the window.
    browser.script("LIMITS.lost = 2").await;
    line.cut().await;
    browser.reads("#outcome", "stopped after 2 seconds").await;
    browser.script("scrollTo(0, 0)").await;
    browser.reads("#runbar", "Connection lost").await;
    browser.prefer("light").await;
    browser.holds(IS_RED).await;
    is_accessible(&browser).await;
    picture(&browser, "phone-8-lost").await;
    browser.click("#runbar").await;
    browser.holds(&in_sight("#headline")).await;

    // The retry goes on with the same sync.
    line.mend();
    browser.click("#outcome button").await;
    browser.reads("#headline", "corp.example: running").await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    browser.reads("#outcome", "Succeeded").await;
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 1);
}
