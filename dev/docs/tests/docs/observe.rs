//! The files in `deploy/observe` and the page about alerts use exactly the metrics that idhook has.

use std::collections::BTreeSet;

use idhook::webhook::contract;
use serde_json::Value;

const DASHBOARD: &str = "deploy/observe/dashboard.json";
const RULES: &str = "deploy/observe/idhook.rules.yml";

fn read(path: &str) -> String {
    std::fs::read_to_string(idhook_docs::root().join(path)).unwrap()
}

/// The names of samples, with those of each family's histogram.
fn samples() -> BTreeSet<String> {
    let families = contract::metric_families().into_iter();
    let of = |family: contract::MetricFamily| {
        let suffixes: &[&str] = if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        suffixes.iter().map(move |suffix| format!("{}{suffix}", family.name)).collect::<Vec<_>>()
    };
    families.flat_map(of).collect()
}

/// The names in `text` that begin as metrics do.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("idhook_")).map(str::to_owned).collect()
}

/// The queries of the dashboard.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn dashboard_and_rules_use_metrics_that_exist() {
    let known = samples();
    let pages = ["docs/operate/alerts.md", "docs/reference/metrics.md"];
    for file in [DASHBOARD, RULES, "deploy/observe/idhook.rules.test.yml"].into_iter().chain(pages) {
        let mut used = names(&read(file));
        if file.ends_with("metrics.md") {
            used.retain(|name| !contract::metric_families().iter().any(|family| family.name == name));
        }
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
    assert!(queries().len() > 10);
}

#[test]
fn dashboard_shows_every_family() {
    let used = names(&queries().join(" "));
    for family in contract::metric_families() {
        let is_used = used.iter().any(|name| name == family.name || *name == format!("{}_bucket", family.name));
        assert!(is_used, "{} is not on the dashboard", family.name);
    }
}

#[test]
fn alerts_page_explains_each_rule() {
    let rules = read(RULES);
    let page = read("docs/operate/alerts.md");
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    let test = read("deploy/observe/idhook.rules.test.yml");
    for alert in alerts {
        assert!(page.contains(&format!("| `{alert}` |")), "docs/operate/alerts.md lacks {alert}");
        assert!(test.contains(&format!("alertname: {alert}\n        exp_alerts")), "{alert} has no test");
    }
    // Labels in the queries exist.
    for word in ["code=~\"", "code=\""] {
        for after in rules.split(word).skip(1) {
            let codes = after.split('"').next().unwrap().split('|');
            for code in codes {
                assert!(idhook::error::ErrorCode::ALL.iter().any(|known| known.as_str() == code), "{code} is no code");
            }
        }
    }
}
