//! The commands as a person runs them: what they print, how they end, and what can be pasted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use idhook_simulator::{Options, Simulator, SyncDuration, credentials, seeds};
use serde_json::Value;

/// The program, without the variables of whoever runs the tests.
fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("IDHOOK_") || name.starts_with("SPIN_VARIABLE_") || name == "COLUMNS" {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Builds the component and compiles it to machine code once; the programs that follow find both done.
fn prepared() {
    static DONE: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    DONE.get_or_init(|| {
        let mut doctor = xtask(&["doctor", "--vidm-url", "http://127.0.0.1:9", "--vidm-username", "u", "--json"]);
        assert_eq!(doctor.env("IDHOOK_VIDM_PASSWORD", "p").output().unwrap().status.code(), Some(1));
    });
}

/// Runs it in a thread of its own, so that a simulator here goes on.
async fn run(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert!(!stdout.contains('\x1b'), "what is piped is plain: {stdout}");
    (status.code().unwrap(), stdout, stderr)
}

async fn simulator() -> Simulator {
    tokio::task::spawn_blocking(prepared).await.unwrap();
    let simulator = Simulator::start(Options::default()).await.unwrap();
    simulator.set_sync_duration(SyncDuration::Fixed(std::time::Duration::from_millis(500)));
    simulator
}

/// A command against this simulator as if it were somebody's own vIDM.
fn against(simulator: &Simulator, arguments: &[&str]) -> Command {
    let mut command = xtask(arguments);
    command
        .env("IDHOOK_VIDM_URL", simulator.vidm_url())
        .env("IDHOOK_VIDM_USERNAME", credentials::VIDM_USERNAME)
        .env("IDHOOK_VIDM_PASSWORD", credentials::VIDM_PASSWORD);
    command
}

#[tokio::test]
async fn help_shows_no_value_of_the_environment() {
    for arguments in [["demo", "--help"], ["serve", "--help"], ["doctor", "--help"], ["help", "doctor"]] {
        let mut command = xtask(&arguments);
        command.env("IDHOOK_VIDM_URL", "https://planted.example").env("IDHOOK_VIDM_PASSWORD", "planted-password");
        command.env("IDHOOK_CA_FILE", "/planted/ca.pem").env("IDHOOK_TARGETS", "planted-targets");
        let (code, stdout, _) = run(command).await;
        assert_eq!(code, 0);
        assert!(stdout.contains("--vidm-url") && !stdout.contains("planted"), "{stdout}");
    }
}

#[tokio::test]
async fn a_wrong_option_is_an_error_with_the_right_one() {
    let (code, stdout, stderr) = run(xtask(&["serve", "--prot", "1"])).await;
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("--port"), "{stderr}");
}

#[tokio::test]
async fn the_doctor_passes_and_fails_by_its_exit_code_and_prints_json() {
    let simulator = simulator().await;
    let (code, stdout, stderr) = run(against(&simulator, &["doctor"])).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("✓ login") && stdout.contains("vidm/default: all checks passed"), "{stdout}");

    let (code, stdout, _) = run(against(&simulator, &["doctor", "--json"])).await;
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (code, report.pointer("/targets/0/target"), report.pointer("/ok")),
        (0, Some(&"vidm/default".into()), Some(&true.into()))
    );

    // Over https, with a CA that nobody trusts: the fix is an option of this command.
    let mut command = against(&simulator, &["doctor"]);
    command.env("IDHOOK_VIDM_URL", simulator.vidm_tls_url());
    let (code, stdout, _) = run(command).await;
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("✗ tls") && stdout.contains("--ca-file") && !stdout.contains("client_tls"), "{stdout}");
    let ca = tempfile::NamedTempFile::new().unwrap();
    simulator.write_ca(ca.path()).unwrap();
    let mut command = against(&simulator, &["doctor", "--ca-file", ca.path().to_str().unwrap()]);
    command.env("IDHOOK_VIDM_URL", simulator.vidm_tls_url());
    let (code, stdout, _) = run(command).await;
    assert_eq!(code, 0, "{stdout}");

    // The failures that keep it from running are neither.
    let (code, _, stderr) = run(xtask(&["doctor"])).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("fix:") && stderr.contains("--vidm-url"), "{stderr}");
    let (code, _, stderr) = run(xtask(&["doctor", "--url", "http://127.0.0.1:9"])).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("IDHOOK_KEY is not set"), "{stderr}");
    assert_eq!(simulator.runs_started(seeds::CORP).unwrap(), 0, "the doctor starts nothing");
}

#[tokio::test]
async fn a_warning_fails_the_doctor_only_if_it_is_strict() {
    let simulator = simulator().await;
    // A vIDM without a health report is a warning.
    simulator.add_fault(idhook_simulator::Fault::answer(404, "text/html", "no").path("health").always());
    let (code, stdout, _) = run(against(&simulator, &["doctor"])).await;
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("! health"), "{stdout}");
    let (code, ..) = run(against(&simulator, &["doctor", "--strict"])).await;
    assert_eq!(code, 1);
}

#[tokio::test]
async fn demo_starts_no_sync_in_a_real_vidm_without_consent() {
    let simulator = simulator().await;
    let demo = ["demo", "--once", "--directory", seeds::CORP_NAME];
    let (code, stdout, stderr) = run(against(&simulator, &demo)).await;
    assert_eq!((code, simulator.runs_started(seeds::CORP).unwrap()), (1, 0), "{stdout}{stderr}");
    assert!(stdout.contains("no sync was started") && stdout.contains("--yes"), "{stdout}");
    assert!(stdout.contains("comes from the environment (IDHOOK_VIDM_URL)"), "{stdout}");
    let doctor = stdout.find("The doctor checks vIDM").unwrap();
    assert!(doctor < stdout.find("vIDM: your directories").unwrap(), "the doctor is first: {stdout}");

    let group = seeds::PRESENT_GROUP_DN;
    let (code, stdout, _) = run(against(&simulator, &[demo.as_slice(), &["--yes", "--group", group]].concat())).await;
    assert_eq!((code, simulator.runs_started(seeds::CORP).unwrap()), (0, 1), "{stdout}");
    assert!(stdout.contains("✓ vIDM has every group") && stdout.contains("3 of 3 acts passed"), "{stdout}");
}

#[tokio::test]
async fn a_failed_act_is_shown_and_is_exit_code_1() {
    let simulator = simulator().await;
    let mut command = against(&simulator, &["demo", "--once", "--yes"]);
    command.env("IDHOOK_VIDM_PASSWORD", "planted-wrong");
    let (code, stdout, _) = run(command).await;
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("✗ login") && stdout.contains("1 failed, 2 not run"), "{stdout}");
    assert!(stdout.contains("the doctor found a fault") && !stdout.contains("planted-wrong"), "{stdout}");
}

/// A running demo; dropping it ends it.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_demo_passes_and_the_lines_after_it_can_be_pasted() {
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    assert!(has_curl || std::env::var_os("CI").is_none(), "curl is not installed");
    tokio::task::spawn_blocking(prepared).await.unwrap();
    let mut command = xtask(&["demo", "--port", "0", "--sync-seconds", "2"]);
    let errors = tempfile::NamedTempFile::new().unwrap();
    let mut demo = Demo(command.stdout(Stdio::piped()).stderr(errors.reopen().unwrap()).spawn().unwrap());
    let output = demo.0.stdout.take().unwrap();
    let (acts, pasted) = tokio::task::spawn_blocking(move || {
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let acts: Vec<_> = lines.by_ref().take_while(|line| line != xtask::demo::PASTE).collect();
        let pasted: Vec<_> = lines.skip(1).take_while(|line| !line.is_empty()).collect();
        (acts.join("\n"), pasted.join("\n"))
    })
    .await
    .unwrap();
    let has_passed = acts.contains("6 of 6 acts passed") && acts.contains("3 callers, 1 run");
    let said = || std::fs::read_to_string(errors.path()).unwrap();
    assert!(has_passed, "{acts}\n{}\nstatus: {:?}", said(), demo.0.try_wait());
    assert!(pasted.contains("export IDHOOK_KEY=idh_") && pasted.contains("/syncs"), "{pasted}");
    if !has_curl {
        return;
    }
    // As it is, except that an error of idhook counts as one of curl.
    let script = format!("curl() {{ command curl --fail \"$@\"; }}\nset -e\n{pasted}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]);
    let (code, stdout, stderr) = run(shell).await;
    assert_eq!(code, 0, "{pasted}\n{stdout}\n{stderr}");
    for word in ["\"ready\"", "corp.example", "\"succeeded\"", "gg-app@corp.example", "Embedded", "\"checks\""] {
        assert!(stdout.contains(word), "{word}: {stdout}");
    }

    // The doctor of a running idhook, by its address and key.
    let value = |name: &str| {
        let line = pasted.lines().find_map(|line| line.strip_prefix(&format!("export {name}="))).unwrap();
        line.to_owned()
    };
    let mut doctor = xtask(&["doctor", "--url", &value("IDHOOK"), "--target", "vcf/default"]);
    doctor.env("IDHOOK_KEY", value("IDHOOK_KEY"));
    let (code, stdout, stderr) = run(doctor).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("vcf/default: all checks passed") && !stdout.contains("vidm/default"), "{stdout}");
    let mut doctor = xtask(&["doctor", "--url", &value("IDHOOK")]);
    doctor.env("IDHOOK_KEY", "idh_wrong");
    let (code, _, stderr) = run(doctor).await;
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("401") && !stderr.contains("idh_wrong"), "{stderr}");
}

#[tokio::test]
async fn a_key_is_added_to_the_value_of_a_file_without_being_shown_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let path = file.to_str().unwrap();
    let (code, stdout, stderr) = run(xtask(&["key", "--name", "aria", "--output", path, "--json"])).await;
    assert_eq!(code, 0, "{stderr}");
    let first: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(first["environment"]["spin"], "SPIN_VARIABLE_API_KEYS");
    let (code, stdout, stderr) = run(xtask(&["key", "--name", "aria", "--extend", path, "--output", path])).await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout.matches("idh_").count(), 1, "{stdout}");
    assert!(stdout.contains("aria has 2 keys now"), "{stdout}");
    let both: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(both[0]["sha256"].as_array().unwrap().len(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "for its owner only");
    }
    let mut command = xtask(&["key", "--name", "ci", "--extend"]);
    command.env("IDHOOK_API_KEYS", both.to_string());
    let (code, stdout, _) = run(command).await;
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("\"name\":\"aria\"") && stdout.contains("\"name\":\"ci\""), "{stdout}");
    let (code, _, stderr) = run(xtask(&["key", "--name", "ci", "--webhook", "github", "--extend"])).await;
    assert_eq!(code, 1);
    assert!(stderr.contains("fix:") && stderr.contains("--output"), "{stderr}");
}
