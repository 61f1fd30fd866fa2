//! The Python package, installed from its wheel: `tests/python` over it with Python's own test runner, its types, its README, and the
//! archives themselves.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use idhook_simulator::{Options, Simulator, credentials};
use xtask::caller::Caller;

use crate::scene::{Scene, Setting};
use crate::tools::driver::Driver;
use crate::tools::install;
use crate::tools::library::WASMTIME;
use crate::tools::programs::{self, End};

const MYPY: &str = "mypy==2.4.1";
/// The program that makes a wheel of the source distribution.
const SETUPTOOLS: &str = "setuptools==80.9.0";

/// A folder with the installed package, made once for all stories; `None`, with the reason printed, if there is no Python.
fn installed() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        let python = python()?;
        let [wheel, _] = xtask::python::package().unwrap();
        let folder = xtask::build::root().join("target/tools/python-package");
        let _ = std::fs::remove_dir_all(&folder);
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--target"];
        let done = Command::new(python).args(pip).arg(&folder).arg(wheel).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Some(folder)
    };
    FOLDER.get_or_init(make).as_deref()
}

/// A Python with what the package and its tests need.
fn python() -> Option<PathBuf> {
    if !programs::are_there("the Python package", &["python3"]) {
        return None;
    }
    Some(install::python(&[WASMTIME, MYPY])?.join("python"))
}

/// The driver over the package; `None`, with the reason printed, if there is no Python.
pub(crate) fn driver() -> Option<Driver> {
    let (folder, python) = (installed()?, python()?);
    let mut command = Command::new(python);
    command.arg("-B").arg(xtask::build::root().join("tests/python/driver.py")).env("PYTHONPATH", folder);
    Some(Driver::start(command))
}

/// A simulator and the webhook in front of it, with a target of each product and a key for all of them.
async fn scene() -> (Scene, String) {
    let scopes = ["vidm:read", "vidm:sync", "vidm:profile", "vidm:override", "vcf:read", "vcf:write", "vcf:roles"];
    let scopes = [&scopes[..], &["fleet:read", "fleet:sync", "fleet:profile", "fleet:write"]].concat();
    let caller = Caller::new("python", &scopes).unwrap();
    let mut scene = Scene::with(Setting { variables: vec![("api_keys", caller.api_keys)], ..Setting::default() }).await;
    scene.stage.variables.extend(xtask::settings::of_simulated_fleet(&scene.simulator, false));
    scene.restart().await;
    (scene, caller.key)
}

/// `python -m unittest` over one file of `tests/python`, against a simulator and the webhook in front of it.
async fn python_passes(module: &str) {
    let (Some(folder), Some(python)) = (installed(), python()) else { return };
    let (scene, key) = scene().await;
    let ca = tempfile::NamedTempFile::new().unwrap();
    scene.simulator.write_ca(ca.path()).unwrap();
    let mut command = Command::new(python);
    command.current_dir(xtask::build::root().join("tests/python")).args(["-B", "-m", "unittest", "-v", module]);
    command
        .env("PYTHONPATH", folder)
        .env("VIDM_URL", scene.simulator.vidm_url())
        .env("VIDM_TLS_URL", scene.simulator.vidm_tls_url())
        .env("VIDM_USERNAME", credentials::VIDM_USERNAME)
        .env("VIDM_PASSWORD", credentials::VIDM_PASSWORD)
        .env("VCF_URL", scene.simulator.sddc_url())
        .env("VCF_TLS_URL", scene.simulator.sddc_tls_url())
        .env("VCF_USERNAME", credentials::SDDC_USERNAME)
        .env("VCF_PASSWORD", credentials::SDDC_PASSWORD)
        .env("CA_FILE", ca.path())
        .env("IDHOOK_URL", scene.host.url())
        .env("IDHOOK_KEY", &key)
        .envs(programs::fleet_settings(&scene.simulator));
    let end = programs::run(command).await;
    assert!(end.is_good && end.err.contains("\nOK") && !end.err.contains("Ran 0 tests"), "{}", end.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn python_ensures_groups_directly_and_through_the_webhook() {
    python_passes("test_syncs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_uses_what_only_vidm_has() {
    python_passes("test_vidm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_uses_what_only_vcf_operations_has() {
    python_passes("test_fleet").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_manages_identity_providers() {
    python_passes("test_vcf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reports_what_went_wrong() {
    python_passes("test_failures").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_survives_slow_and_hostile_servers() {
    python_passes("test_webhook").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_and_writes_documents() {
    python_passes("test_json").await;
}

/// The first programs of the package's README and of the project's page, as shown, except for the address of vIDM.
#[tokio::test(flavor = "multi_thread")]
async fn documented_programs_fail_unless_the_group_is_there() {
    for document in ["bindings/python/package/README.md", "docs/start/python.md"] {
        documented_program_fails_unless_the_group_is_there(document).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documented_program_fails_unless_vcf_operations_has_group_and_user() {
    let (Some(folder), Some(python)) = (installed(), python()) else { return };
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let code = programs::fleet_program("python.md", "python", &simulator);
    let run = async |password: &str| {
        let mut command = Command::new(&python);
        command.args(["-c", &code]).env("PYTHONPATH", folder).env("FLEET_PASSWORD", password);
        programs::run(command).await
    };
    programs::ensures_a_group_and_a_user(&simulator, &run).await;
}

async fn documented_program_fails_unless_the_group_is_there(document: &str) {
    const GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
    let (Some(folder), Some(python)) = (installed(), python()) else { return };
    let text = std::fs::read_to_string(xtask::build::root().join(document)).unwrap();
    let shown = text.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let place = tempfile::tempdir().unwrap();
    simulator.write_ca(place.path().join("corp-ca.pem")).unwrap();
    let run = async |url: &str, password: &str, timeout: &str| -> End {
        let code =
            shown.replace("https://vidm.corp.example", url).replace("timeout=300", &format!("timeout={timeout}"));
        let mut command = Command::new(&python);
        command.current_dir(place.path()).arg("-c").arg(code).env("PYTHONPATH", folder).env("VIDM_PASSWORD", password);
        programs::run(command).await
    };
    programs::ensures_a_group(&simulator, &simulator.vidm_tls_url(), GROUP, &run).await;
    // Another CA than the server's.
    Simulator::start(Options::default()).await.unwrap().write_ca(place.path().join("corp-ca.pem")).unwrap();
    let end = run(&simulator.vidm_tls_url(), credentials::VIDM_PASSWORD, "60").await;
    assert!(!end.is_good && end.err.contains("upstream_tls"), "{}", end.said());
}

#[test]
fn types_pass_mypy_strict() {
    let (Some(folder), Some(python)) = (installed(), python()) else { return };
    let tests = xtask::build::root().join("tests/python");
    let cache = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command.current_dir(&tests).args(["-m", "mypy", "--strict", "--cache-dir"]).arg(cache.path());
    command.args([
        "-p",
        "idhook",
        "-m",
        "test_syncs",
        "-m",
        "test_vidm",
        "-m",
        "test_fleet",
        "-m",
        "test_vcf",
        "-m",
        "test_failures",
        "-m",
        "test_webhook",
        "-m",
        "test_json",
    ]);
    let done = command.env("MYPYPATH", folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

/// The standard library alone is enough for the webhook; what needs wasmtime says how to get it.
#[test]
fn webhook_needs_no_wasmtime() {
    let Some(folder) = installed() else { return };
    let code = "
import idhook
print(idhook.Webhook('https://idhook.example', 'key').vidm())
try:
    idhook.Vidm('https://vidm.example', 'u', 'p')
except ImportError as e:
    print(e)
";
    let done = Command::new("python3").args(["-S", "-c", code]).env("PYTHONPATH", folder).output().unwrap();
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{out}{}", String::from_utf8_lossy(&done.stderr));
    assert!(out.contains("Webhook('https://idhook.example').vidm('default')"), "{out}");
    assert!(out.contains("pip install 'idhook[wasmtime]'"), "{out}");
}

/// `pip` makes the same wheel content of the source distribution, without a network.
#[test]
fn source_distribution_can_be_installed() {
    let Some(python) = install::python(&[SETUPTOOLS]).map(|bin| bin.join("python")) else { return };
    let Some(folder) = installed() else { return };
    let [_, sdist] = xtask::python::package().unwrap();
    let place = tempfile::tempdir().unwrap();
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    ];
    let done = Command::new(python).args(pip).arg("--target").arg(place.path()).arg(sdist).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for file in ["__init__.py", "_types.py", "idhook.wasm", "py.typed"] {
        let read = |folder: &Path| std::fs::read(folder.join("idhook").join(file)).unwrap();
        assert!(read(folder) == read(place.path()), "{file}");
    }
}

#[test]
fn the_same_code_makes_the_same_archives() {
    let Some(_) = installed() else { return };
    let read = || xtask::python::package().unwrap().map(|path| std::fs::read(path).unwrap());
    let (once, again) = (read(), read());
    assert!(once == again);
    let size = again[0].len().div_ceil(1000);
    assert!(size < 780, "{size} kB");
}
