//! The npm package, packed and installed as a program has it: what is in it, `tests/node` over it with Node's own test runner, its
//! types, and a page in a browser.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use idhook_simulator::{Options, Simulator, SyncDuration, credentials};
use serde_json::json;

use crate::tools::browser::Browser;
use crate::tools::driver::Driver;
use crate::tools::install;
use crate::tools::programs;

/// A folder where the package is installed and what is in `tests/node` lies beside it; made once for all stories. Where there is no
/// npm, says so and gives `None`.
pub(crate) fn installed() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(install).as_deref()
}

fn install() -> Option<PathBuf> {
    if !programs::are_there("the npm package", &["node", "npm"]) {
        return None;
    }
    let root = xtask::build::root();
    let tarball = xtask::npm::package().unwrap();
    let folder = root.join("target/tools/npm-package");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("package.json"), "{\"private\": true}").unwrap();
    let options = [
        "install",
        "--offline",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
    ];
    let done = Command::new("npm").current_dir(&folder).args(options).arg(tarball).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for file in std::fs::read_dir(root.join("tests/node")).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    Some(folder)
}

/// The driver over the package; `None`, with word why, where there is no npm.
pub(crate) fn driver() -> Option<Driver> {
    let folder = installed()?;
    let mut command = Command::new("node");
    command.arg(folder.join("driver.mjs"));
    Some(Driver::start(command))
}

/// The content of a file of the package.
fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join("node_modules/idhook").join(name)).unwrap()
}

/// A simulator with its CA, and Node's test runner over one of the files against it.
async fn node_tells(file: &str, trusted: bool) {
    let Some(folder) = installed() else { return };
    let simulator = Simulator::start(Options::default()).await.unwrap();
    simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(400)));
    let ca = tempfile::NamedTempFile::new().unwrap();
    simulator.write_ca(ca.path()).unwrap();
    let mut command = Command::new("node");
    command.current_dir(folder).args(["--test", "--test-reporter=spec", file]).env_remove("NODE_EXTRA_CA_CERTS");
    command
        .env("VIDM_URL", simulator.vidm_url())
        .env("VIDM_TLS_URL", simulator.vidm_tls_url())
        .env("VIDM_USERNAME", credentials::VIDM_USERNAME)
        .env("VIDM_PASSWORD", credentials::VIDM_PASSWORD)
        .env("VCF_URL", simulator.sddc_url())
        .env("VCF_TLS_URL", simulator.sddc_tls_url())
        .env("VCF_USERNAME", credentials::SDDC_USERNAME)
        .env("VCF_PASSWORD", credentials::SDDC_PASSWORD)
        .envs(programs::fleet_settings(&simulator));
    if trusted {
        command.env("NODE_EXTRA_CA_CERTS", ca.path());
    }
    let end = programs::run(command).await;
    assert!(end.is_good && end.out.contains("fail 0") && !end.out.contains("pass 0"), "{}", end.said());
}

#[tokio::test]
async fn program_syncs_and_proves_a_group_in_each_product() {
    node_tells("syncs.test.mjs", false).await;
}

#[tokio::test]
async fn program_uses_what_only_vidm_has() {
    node_tells("vidm.test.mjs", false).await;
}

#[tokio::test]
async fn program_uses_what_only_vcf_operations_has() {
    node_tells("fleet.test.mjs", false).await;
}

#[tokio::test]
async fn a_program_manages_identity_providers() {
    node_tells("vcf.test.mjs", false).await;
}

#[tokio::test]
async fn failures_reach_a_program_as_idhook_errors() {
    node_tells("failures.test.mjs", false).await;
}

#[tokio::test]
async fn package_can_be_required_from_commonjs() {
    node_tells("commonjs.test.cjs", false).await;
}

/// The program of docs/start/node.md, as it is shown there but for the address of vIDM.
#[tokio::test]
async fn documented_program_fails_unless_vidm_has_the_group() {
    const GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
    let Some(folder) = installed() else { return };
    let page = std::fs::read_to_string(xtask::build::root().join("docs/start/node.md")).unwrap();
    let shown = page.split_once("```js\n").unwrap().1.split_once("```").unwrap().0;
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let run = async |url: &str, password: &str, timeout: &str| {
        let code = shown
            .replace("https://vidm.corp.example", url)
            .replace("svc-idhook", credentials::VIDM_USERNAME)
            .replace("timeoutSeconds: 300", &format!("timeoutSeconds: {timeout}"));
        let file = folder.join("documented.mjs");
        std::fs::write(&file, code).unwrap();
        let mut command = Command::new("node");
        command.arg(file).env("VIDM_PASSWORD", password);
        programs::run(command).await
    };
    programs::ensures_a_group(&simulator, &simulator.vidm_url(), GROUP, &run).await;
}

#[tokio::test]
async fn documented_program_fails_unless_vcf_operations_has_group_and_user() {
    let Some(folder) = installed() else { return };
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let file = folder.join("documented-fleet.mjs");
    std::fs::write(&file, programs::fleet_program("node.md", "js", &simulator)).unwrap();
    let run = async |password: &str| {
        let mut command = Command::new("node");
        command.arg(&file).env("FLEET_PASSWORD", password);
        programs::run(command).await
    };
    programs::ensures_a_group_and_a_user(&simulator, &run).await;
}

#[tokio::test]
async fn a_program_trusts_the_ca_that_node_was_given() {
    node_tells("trusted.test.mjs", true).await;
}

#[test]
fn package_has_no_dependencies_and_no_ambient_access() {
    let Some(folder) = installed() else { return };
    let package: serde_json::Value = serde_json::from_str(&text(folder, "package.json")).unwrap();
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    for absent in ["dependencies", "peerDependencies", "optionalDependencies", "scripts", "bin"] {
        assert!(package.get(absent).is_none(), "{absent}");
    }
    for name in ["index.cjs", "browser.mjs"] {
        // Random numbers, which Node 18 has only in a module, and decompression; nothing else is required.
        let code = text(folder, name).replacen("require(\"node:crypto\").webcrypto", "", 1);
        let code = code.replacen("require(\"node:zlib\").gunzipSync", "", 1);
        for absent in ["require(", "import(", "import ", "eval(", "new Function", "process.", "node:"] {
            let at = code.find(absent).map(|at| &code[at..(at + 60).min(code.len())]);
            assert!(at.is_none(), "{name}: {at:?}");
        }
    }
    for unit in ["commonjs", "es modules"] {
        let types = text(folder, if unit == "commonjs" { "index.d.cts" } else { "index.d.mts" });
        assert!(types.contains("export class Vidm") && types.contains("export interface SyncFields {"), "{unit}");
    }
}

#[test]
fn the_same_code_makes_the_same_package() {
    let Some(_) = installed() else { return };
    let place = xtask::build::root().join("target/dist").join(format!("idhook-{}.tgz", env!("CARGO_PKG_VERSION")));
    let once = std::fs::read(place).unwrap();
    let again = std::fs::read(xtask::npm::package().unwrap()).unwrap();
    assert!(once == again);
    // Nor is the machine that built it in there, by which no two would be the same.
    let wasm = std::fs::read(xtask::npm::wasm()).unwrap();
    let home = std::env::var("HOME").unwrap();
    assert!(!wasm.windows(home.len() + 1).any(|part| part == format!("{home}/").as_bytes()));
    let size = again.len().div_ceil(1000);
    // No known limit is near; the bound shows growth.
    assert!(size < 1500, "{size} kB");
}

#[test]
fn types_compile_in_a_strict_program() {
    let (Some(folder), Some(tool)) = (installed(), install::npm(&["typescript@5.9.3"])) else { return };
    std::fs::copy(folder.join("types.test.ts"), folder.join("types.test.cts")).unwrap();
    for (module, resolution, file) in [
        ("nodenext", "nodenext", "types.test.ts"),
        ("nodenext", "nodenext", "types.test.cts"),
        ("esnext", "bundler", "types.test.ts"),
        ("commonjs", "node10", "types.test.ts"),
    ] {
        let options = json!({
            "strict": true, "noUncheckedIndexedAccess": true, "exactOptionalPropertyTypes": true, "noEmit": true,
            "target": "es2022", "lib": ["es2022", "dom"], "types": [], "module": module, "moduleResolution": resolution
        });
        let configuration = json!({ "compilerOptions": options, "files": [file] });
        std::fs::write(folder.join("tsconfig.json"), configuration.to_string()).unwrap();
        let tsc = tool.join("node_modules/typescript/bin/tsc");
        let done = Command::new("node").arg(tsc).arg("-p").arg(folder).output().unwrap();
        assert!(done.status.success(), "{module} {file}: {}", String::from_utf8_lossy(&done.stdout));
    }
}

#[tokio::test]
async fn package_runs_in_a_browser() {
    let Some(folder) = installed() else { return };
    let Some(browser) = Browser::for_test().await else { return };
    let simulator = Simulator::start(Options::default()).await.unwrap();
    // A page of the simulator's own: a real vIDM takes no calls from others.
    browser.open(&format!("{}/_simulator", simulator.vidm_url())).await;
    let settings = json!({
        "url": simulator.vidm_url(), "username": credentials::VIDM_USERNAME, "password": credentials::VIDM_PASSWORD
    });
    let elsewhere = json!({
        "url": simulator.sddc_url(), "username": credentials::SDDC_USERNAME, "password": credentials::SDDC_PASSWORD,
        "timeouts": { "operation": 1 }
    });
    let script = format!(
        "const module = URL.createObjectURL(new Blob([{}], {{ type: 'text/javascript' }}));
        return import(module).then(async ({{ Vidm, Vcf, IdhookError }}) => {{
            const names = (await new Vidm({settings}).directories()).map((directory) => directory.name);
            const refused = await new Vcf({elsewhere}).identityProviders().catch((error) => error);
            return {{ names, refused: refused.code, detail: refused.detail, is: refused instanceof IdhookError }};
        }});",
        json!(text(folder, "browser.mjs"))
    );
    let told = browser.script(&script).await;
    assert!(told["names"].as_array().unwrap().contains(&json!("corp.example")), "{told}");
    // Another origin is not asked without its leave, and a browser does not say why.
    assert_eq!((&told["refused"], &told["is"]), (&json!("upstream_failed"), &json!(true)), "{told}");
    assert!(told["detail"].as_str().unwrap().contains("a browser reports no more"), "{told}");
}
