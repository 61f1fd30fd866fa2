//! Everything that ships, as it lies in one folder.

use std::process::Command;

use idhook_host::{Host, Options, Spin};
use xtask::artifact::Artifact;
use xtask::dist;

use crate::scene::{Scene, send};
use crate::tools::programs;

#[tokio::test]
async fn distribution_is_complete_and_its_manifest_starts() {
    let (folder, shipped) = tokio::task::spawn_blocking(|| dist::make().unwrap()).await.unwrap();
    let names: Vec<_> = shipped.iter().map(|file| file.name.as_str()).collect();
    let npm = format!("idhook-{}.tgz", env!("CARGO_PKG_VERSION"));
    for name in [
        "idhook_spin.wasm",
        "spin.toml",
        "idhook_spin_wasip2.wasm",
        "spin-wasip2.toml",
        "idhook_wasi.wasm",
        "idhook_library.wasm",
        &npm,
        "idhook-aria-nodejs.zip",
        concat!("idhook-", env!("CARGO_PKG_VERSION"), "-py3-none-any.whl"),
        concat!("idhook-", env!("CARGO_PKG_VERSION"), ".tar.gz"),
        dist::WIT_PACKAGE,
        "openapi.json",
        "openapi-3.0.json",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    if programs::are_there("the digests", &["sha256sum"]) {
        let checked =
            Command::new("sha256sum").args(["--check", "--strict", dist::DIGESTS]).current_dir(&folder).output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        assert_eq!(String::from_utf8_lossy(&checked.stdout).lines().count(), shipped.len());
    }

    let scene = Scene::new().await;
    for artifact in Artifact::ALL {
        let Some(manifest) = artifact.manifest() else { continue };
        let variables = scene.stage.variables.clone();
        let spin = Spin { variables, ..Spin::new(folder.join(manifest.file_name().unwrap())) };
        let wasm = folder.join(artifact.file_name());
        let host = Host::start(Options::new(wasm, spin)).await.unwrap();
        let ready = send(scene.client.get(format!("{}/readyz", host.url()))).await;
        assert_eq!(ready.status, 200, "{artifact:?}: {}", ready.text);
    }
}
