//! The examples of docs/start/component.md for the library component.

use std::path::PathBuf;
use std::process::Command;

use idhook_simulator::{Outcome, SyncDuration, credentials, seeds};
use xtask::build;

use super::host::{SHIM, WASMTIME, transpiled};
use super::{FAST, GROUP, simulator};
use crate::scene::library_wasm;
use crate::tools::{install, programs};

/// The examples, run as they are shown.
#[tokio::test(flavor = "multi_thread")]
async fn documented_examples_run_as_shown() {
    let page = std::fs::read_to_string(build::root().join("docs/start/component.md")).unwrap();
    for text in [WASMTIME, install::JCO, SHIM, "NODE_EXTRA_CA_CERTS"] {
        assert!(page.contains(text), "{text}");
    }
    let example = |language: &str| {
        let shown = page.split_once(&format!("```{language}\n")).unwrap().1;
        shown.split_once("```").unwrap().0
    };
    let simulator = simulator().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(library_wasm(), folder.path().join("idhook_library.wasm")).unwrap();
    let mut commands = Vec::new();
    if let Some(python) = install::python(&[WASMTIME]) {
        let file = folder.path().join("sync.py");
        std::fs::write(&file, example("python")).unwrap();
        commands.push((python.join("python"), file));
    }
    if let Some(made) = transpiled() {
        // The example imports `./idhook/`.
        let file = made.ancestors().nth(2).unwrap().join("sync.mjs");
        std::fs::write(&file, example("js")).unwrap();
        commands.push((PathBuf::from("node"), file));
    }
    simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    for (program, file) in &commands {
        let run_at = async |url: &str, password: &str| {
            let mut command = Command::new(program);
            command.arg(file).current_dir(folder.path()).env("VIDM_URL", url);
            command.env("VIDM_USERNAME", credentials::VIDM_USERNAME).env("VIDM_PASSWORD", password);
            programs::run(command).await
        };
        let url = simulator.vidm_url();
        let run = async |password: &str| run_at(&url, password).await;
        let runs = simulator.runs_started(seeds::CORP).unwrap();
        let end = run(credentials::VIDM_PASSWORD).await;
        assert!(end.is_good && end.out.contains("succeeded"), "{program:?}: {}", end.said());
        assert!(simulator.runs_started(seeds::CORP).unwrap() > runs, "{program:?}");
        let end = run("wrong").await;
        assert!(!end.is_good && end.said().contains("upstream-auth"), "{program:?}: {}", end.said());

        simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
        let end = run(credentials::VIDM_PASSWORD).await;
        assert!(!end.is_good && end.said().contains("safeguard-tripped"), "{program:?}: {}", end.said());
        simulator.set_safeguards_trip(seeds::CORP, false).unwrap();
        let nobody = format!("http://127.0.0.1:{}", xtask::ports::free_port().unwrap());
        let end = run_at(&nobody, credentials::VIDM_PASSWORD).await;
        assert!(!end.is_good && end.said().contains("upstream-unreachable"), "{program:?}: {}", end.said());
        let text = std::fs::read_to_string(file).unwrap();
        for (from, to, code, duration) in
            [("CN=gg-new", "CN=gg-nobody", "group-absent", FAST), ("300", "1", "sync-timeout", SyncDuration::Manual)]
        {
            simulator.set_sync_duration(duration);
            std::fs::write(file, text.replace(from, to)).unwrap();
            let end = run(credentials::VIDM_PASSWORD).await;
            assert!(!end.is_good && end.said().contains(code), "{program:?}, {to}: {}", end.said());
        }
        simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
        simulator.set_sync_duration(FAST);
    }
}
