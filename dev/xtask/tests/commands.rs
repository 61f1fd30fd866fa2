//! The commands as a person runs them: what they print, how they end, and what can be pasted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

use std::process::{Command, Output, Stdio};

use idhook_simulator::{Options, Simulator, SyncDuration, credentials};
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
async fn a_failed_act_is_shown_and_is_exit_code_1() {
    let simulator = simulator().await;
    let mut command = against(&simulator, &["demo", "--once", "--yes"]);
    command.env("IDHOOK_VIDM_PASSWORD", "planted-wrong");
    let (code, stdout, _) = run(command).await;
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("✗ login") && stdout.contains("1 failed, 2 not run"), "{stdout}");
    assert!(stdout.contains("the doctor found a fault") && !stdout.contains("planted-wrong"), "{stdout}");
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
