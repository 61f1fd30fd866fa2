//! The programs on the page work: each is read from the page as shown, and run as its tool would run it.

use std::process::Command;
use std::time::Duration;

use idhook_simulator::{Outcome, SyncDuration, seeds};
use serde_json::json;
use xtask::ports::free_port;

use crate::scene::Scene;
use crate::tools::browser::Browser;
use crate::tools::examples::ANSIBLE;
use crate::tools::install;
use crate::tools::page::{DESKTOP, choose_corp, connect};
use crate::tools::page_fleet;
use crate::tools::programs::{self, ABX_NODE, ABX_PYTHON, End};
use crate::tools::stub::{RETRY_AFTER, Stub};

/// A group that the next run adds.
const GROUP: &str = "CN=gg-o'brien \"q\",OU=Groups,DC=corp,DC=example";
/// A group that does not exist.
const ABSENT: &str = "gg-absent@corp.example";

/// How a program is run: `$1` is its file, the key is in `IDHOOK_KEY`.
struct Runner {
    tab: &'static str,
    needs: &'static [&'static str],
    command: &'static [&'static str],
}

/// The part of Orchestrator that the script uses: its HTTP-REST plug-in and `System`, both synchronous.
const ORCHESTRATOR: &str = r#"
const { execFileSync } = require("child_process");
class Request {
  constructor(host, method, path, content) { Object.assign(this, { host, method, path, content, headers: {} }); }
  setHeader(name, value) { this.headers[name] = value; }
  execute() {
    const headers = Object.entries({ ...this.headers, "Content-Type": this.contentType }).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
    const body = this.content === null ? [] : ["--data-binary", this.content];
    const answer = execFileSync("curl", ["-sS", "-X", this.method, "-w", "\n%{http_code}", ...headers, ...body, this.host.url + this.path], { encoding: "utf8" });
    const at = answer.lastIndexOf("\n");
    return { statusCode: Number(answer.slice(at + 1)), contentAsString: answer.slice(0, at) };
  }
}
const RESTHostManager = {
  createHost: (name) => ({ name }),
  createTransientHostFrom: (host) => ({ ...host, createRequest(...order) { return new Request(this, ...order); } }),
};
const System = { log: (text) => console.log(text), sleep: (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms) };
require("vm").runInNewContext(require("fs").readFileSync(process.argv[1], "utf8"), { RESTHostManager, System, idhookKey: process.env.IDHOOK_KEY });"#;

/// Runs a playbook with ansible-core in `$ANSIBLE`.
const PLAYBOOK: &str = r#"exec "$ANSIBLE" "$0" ${IDHOOK_TIMEOUT:+-e idhook_timeout=$IDHOOK_TIMEOUT}"#;

const RUNNERS: [Runner; 5] = [
    Runner { tab: "curl", needs: &["sh", "curl", "jq"], command: &["sh"] },
    Runner { tab: "ABX JavaScript", needs: &["node"], command: &["node", "-e", ABX_NODE] },
    Runner { tab: "ABX Python", needs: &["python3"], command: &["python3", "-c", ABX_PYTHON] },
    Runner { tab: "Orchestrator", needs: &["node", "curl"], command: &["node", "-e", ORCHESTRATOR] },
    Runner { tab: "Ansible", needs: &["python3"], command: &["sh", "-c", PLAYBOOK] },
];

impl Runner {
    /// Runs the code with a time limit in seconds.
    async fn run(&self, code: &str, key: &str, timeout: Option<u32>) -> End {
        let folder = tempfile::tempdir().unwrap();
        // Node.js loads a module by its file name.
        let file = folder.path().join(format!("{}.js", self.tab.replace(' ', "-")));
        // The script for Orchestrator contains its time limit.
        let code = code.replace("timeoutSeconds = 600", &format!("timeoutSeconds = {}", timeout.unwrap_or(600)));
        std::fs::write(&file, code).unwrap();
        let (program, arguments) = self.command.split_first().unwrap();
        let mut command = Command::new(program);
        let inputs = json!({"idhookKey": "the secret", "timeoutSeconds": timeout, "__metadata": {}});
        command.args(arguments).arg(file).env("IDHOOK_KEY", key).env("INPUTS", inputs.to_string());
        if let Some(timeout) = timeout {
            command.env("IDHOOK_TIMEOUT", timeout.to_string());
        }
        if self.tab == "Ansible" {
            let Some(bin) = install::python(&[ANSIBLE]) else { panic!("ansible-core was there before") };
            command.env("ANSIBLE", bin.join("ansible-playbook")).env("ANSIBLE_NOCOLOR", "1").env("LC_ALL", "C.UTF-8");
        }
        programs::run(command).await
    }

    fn is_there(&self) -> bool {
        programs::are_there(&format!("the page's {}", self.tab), self.needs)
            && (self.tab != "Ansible" || install::python(&[ANSIBLE]).is_some())
    }
}

/// The code of a tab, as shown.
async fn shown(browser: &Browser, tab: &str) -> String {
    let pick = format!(
        "[...document.querySelectorAll('[role=tab]')].find((tab) => tab.textContent === {}).click();",
        json!(tab)
    );
    let read = "return document.querySelector('#snippet').textContent";
    browser.script(&format!("{pick} {read}")).await.as_str().unwrap().to_owned()
}

/// A program fails if the group is absent, the sync does not end, idhook is down, or idhook reports a success without the group.
async fn fails_without_success(runner: &Runner, scene: &Scene, code: &str, absent: &str) {
    let tab = runner.tab;
    let key = &scene.keys.syncer;
    let end = runner.run(absent, key, None).await;
    assert!(!end.is_good && end.said().contains("group_absent"), "{tab}: {}", end.said());
    assert!(end.said().contains("base DN"), "{tab} shows the hint: {}", end.said());

    scene.simulator.set_sync_duration(SyncDuration::Manual);
    let end = runner.run(code, key, Some(2)).await;
    let late = ["still running", "not final in time"];
    assert!(!end.is_good && late.iter().any(|word| end.said().contains(word)), "{tab}: {}", end.said());
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(300)));

    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let end = runner.run(&code.replace(&scene.host.url(), &nobody), key, None).await;
    let words = ["refused", "onnect to 127.0.0.1", "ECONNREFUSED"];
    assert!(!end.is_good && words.iter().any(|word| end.said().contains(word)), "{tab}: {}", end.said());

    let stub = Stub::start(&[]).await;
    let end = runner.run(&code.replace(&scene.host.url(), &stub.url), key, None).await;
    assert!(!end.is_good && end.said().contains("group_absent"), "{tab}: {}", end.said());
    let requests = stub.requests();
    assert!(requests.len() == 3, "{tab}: {requests:?}");
    assert!(requests[2].1 + Duration::from_millis(100) >= RETRY_AFTER, "{tab}: {requests:?}");
}

/// The page with a directory and a group chosen.
async fn page() -> Option<(Browser, Scene)> {
    let browser = Browser::for_test().await?;
    let scene = Scene::new().await;
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(300)));
    choose_corp(&browser, &scene.host.url(), DESKTOP, &scene.keys.syncer).await;
    browser.type_into("#groups", GROUP).await;
    scene.simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    Some((browser, scene))
}

async fn runs_as_shown(tab: &str) {
    let runner = RUNNERS.iter().find(|runner| runner.tab == tab).unwrap();
    if !runner.is_there() {
        return;
    }
    let Some((browser, scene)) = page().await else { return };
    let code = shown(&browser, tab).await;
    assert!(code.contains("corp.example") && !code.contains(&scene.keys.syncer), "{code}");
    let runs = scene.simulator.runs_started(seeds::CORP).unwrap();
    let end = runner.run(&code, &scene.keys.syncer, None).await;
    assert!(end.is_good, "{}", end.said());
    if tab != "Ansible" {
        let said = end.said();
        assert!(said.contains("succeeded") && said.contains("\"present\""), "{said}");
    }
    assert!(scene.simulator.runs_started(seeds::CORP).unwrap() > runs);

    scene.simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    let end = runner.run(&code, &scene.keys.syncer, None).await;
    assert!(!end.is_good && end.said().contains("safeguard_tripped"), "{}", end.said());
    assert!(end.said().contains("sync log"), "shows the hint: {}", end.said());
    scene.simulator.set_safeguards_trip(seeds::CORP, false).unwrap();

    let end = runner.run(&code, "no such key", None).await;
    assert!(!end.is_good && end.said().contains("unauthenticated"), "{}", end.said());
    // SCIM proves that this name is absent; a name that needs escapes would be unknown.
    browser.fill("#groups", ABSENT).await;
    let absent = shown(&browser, tab).await;
    browser.fill("#groups", GROUP).await;
    assert_eq!(shown(&browser, tab).await, code);
    fails_without_success(runner, &scene, &code, &absent).await;
}

// A story for each, so that they run side by side: each waits for syncs most of the time.
#[tokio::test]
async fn shell_script_runs_as_shown() {
    runs_as_shown("curl").await;
}

#[tokio::test]
async fn abx_action_in_javascript_runs_as_shown() {
    runs_as_shown("ABX JavaScript").await;
}

#[tokio::test]
async fn abx_action_in_python_runs_as_shown() {
    runs_as_shown("ABX Python").await;
}

#[tokio::test]
async fn orchestrator_script_runs_as_shown() {
    runs_as_shown("Orchestrator").await;
}

#[tokio::test]
async fn playbook_runs_as_shown() {
    runs_as_shown("Ansible").await;
}

#[tokio::test]
async fn code_has_no_secret_and_escapes_names() {
    let Some((browser, scene)) = page().await else { return };
    // The workflow step is the shell script, indented, with the key from the repository's secrets.
    let step = shown(&browser, "GitHub Actions").await;
    let (head, script) = step.split_once("  run: |\n").unwrap();
    assert!(head.contains("IDHOOK_KEY: ${{ secrets.IDHOOK_KEY }}"), "{head}");
    let script: Vec<_> = script.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let curl = shown(&browser, "curl").await;
    assert_eq!(format!("#!/bin/sh\n{}", script.join("\n")), curl);
    for tab in ["ABX PowerShell", "Ansible"] {
        let code = shown(&browser, tab).await;
        assert!(code.contains(&scene.host.url()) && code.contains("gg-o"), "{code}");
        assert!(!code.contains(&scene.keys.syncer), "{code}");
    }

    // Two directories share a name, so the code has the id. Text that the tool would treat as a template is escaped.
    browser.click(&format!("input[value='{}']", seeds::LAB_FIRST)).await;
    browser.fill("#groups", "gg-${{ secrets.X }}@lab.example").await;
    let step = shown(&browser, "GitHub Actions").await;
    assert!(
        step.contains(seeds::LAB_FIRST) && !step.contains("lab.example\",\"groups") && !step.contains("${{ secrets.X"),
        "{step}"
    );
    let playbook = shown(&browser, "Ansible").await;
    assert!(playbook.contains("- !unsafe \"gg-${{ secrets.X }}@lab.example\""), "{playbook}");
}

#[tokio::test]
async fn programs_on_the_page_serve_vcf_operations() {
    let Some(browser) = Browser::for_test().await else { return };
    let scene = page_fleet::scene().await;
    let duration = SyncDuration::Fixed(Duration::from_millis(300));
    scene.simulator.configure_fleet(|settings| settings.sync_duration = duration);
    let group = "CN=gg-new,OU=Groups,DC=corp,DC=example";
    scene.simulator.add_ad_group(seeds::FLEET_CORP, group, &[]).unwrap();
    let key = scene.keys.all.as_str();
    connect(&browser, &scene.host.url(), DESKTOP, key).await;
    browser.reads("#list-said", "can be synced").await;
    page_fleet::choose_target(&browser, "#target").await;
    browser.reads("#directory-list", "realm Headquarters").await;
    browser.click(&format!("input[value='{}']", seeds::FLEET_CORP)).await;
    let runs = || scene.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().len();

    for runner in RUNNERS.iter().filter(|runner| runner.is_there()) {
        let tab = runner.tab;
        browser.fill("#groups", group).await;
        let before = runs();
        let end = runner.run(&shown(&browser, tab).await, key, None).await;
        assert!(end.is_good && runs() > before, "{tab}: {}", end.said());
        browser.click("#provision").await;
        let before = runs();
        let end = runner.run(&shown(&browser, tab).await, key, None).await;
        assert!(end.is_good && runs() == before, "{tab} without a sync: {}", end.said());
        browser.fill("#groups", "CN=gg-missing,OU=Groups,DC=corp,DC=example").await;
        let end = runner.run(&shown(&browser, tab).await, key, None).await;
        assert!(!end.is_good && runs() == before, "{tab} without a sync: {}", end.said());
        browser.click("#provision").await;
    }
}
