//! An OCI image layout with one image for each component, made without a registry.
//!
//! The applications for Spin are as `spin registry push` makes them (read in Spin's `crates/oci`, July 2026), the other components as
//! `wkg oci push` makes them: the CNCF's Wasm OCI artifact.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use wasmparser::{Encoding, Parser, Payload};

use super::source::Source;
use super::{Files, spin_lock};
use crate::artifact::Artifact;
use crate::build;
use crate::dist::sha256;

/// The folder of the layout in a release.
pub(super) const FOLDER: &str = "oci-layout";

/// The annotation with the name of an image in the layout.
pub(super) const NAME: &str = "org.opencontainers.image.ref.name";

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const SPIN_APPLICATION: &str = "application/vnd.fermyon.spin.application.v1+config";
const SPIN_WASM: &str = "application/vnd.wasm.content.layer.v1+wasm";
const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
const WASM: &str = "application/wasm";

/// The files of the layout, made of the components and manifests among `files`.
pub(super) fn layout(files: &Files, source: &Source) -> Result<Files> {
    let mut layout = Layout { blobs: BTreeMap::new(), images: Vec::new(), source };
    for artifact in Artifact::ALL {
        let wasm = files.get(&artifact.file_name()).with_context(|| artifact.file_name())?;
        match artifact.manifest() {
            Some(manifest) => {
                let name = manifest.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let manifest = std::str::from_utf8(files.get(&name).with_context(|| name.clone())?)?;
                layout.spin(artifact.name(), wasm, manifest)?;
            }
            None => layout.wasm(artifact.name(), wasm)?,
        }
    }
    layout.wasm("library", files.get(build::LIBRARY).context(build::LIBRARY)?)?;
    layout.files()
}

struct Layout<'s> {
    blobs: BTreeMap<String, Vec<u8>>,
    images: Vec<Value>,
    source: &'s Source,
}

impl Layout<'_> {
    /// An application for Spin: the component, and the manifest as a locked application.
    fn spin(&mut self, name: &str, wasm: &[u8], manifest: &str) -> Result<()> {
        let component = self.blob(SPIN_WASM, wasm.to_vec());
        let locked = spin_lock::application(manifest, digest(wasm).as_str())?;
        let locked = self.blob(SPIN_APPLICATION, serde_json::to_vec(&locked)?);
        let config = json!({
            "architecture": "wasm",
            "os": "Wasip1",
            "config": { "Labels": { "com.fermyon.spin.lockedAppDigest": locked.get("digest") } },
            "rootfs": { "type": "layers", "diff_ids": [] },
        });
        let config = self.blob(IMAGE_CONFIG, serde_json::to_vec(&config)?);
        self.image(name, &config, &[component, locked])
    }

    /// A component for any host.
    fn wasm(&mut self, name: &str, wasm: &[u8]) -> Result<()> {
        let (imports, exports) = world(wasm)?;
        let config = json!({
            "created": self.source.time,
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [digest(wasm)],
            "component": { "imports": imports, "exports": exports },
        });
        let config = self.blob(WASM_CONFIG, serde_json::to_vec(&config)?);
        let component = self.blob(WASM, wasm.to_vec());
        self.image(name, &config, &[component])
    }

    fn image(&mut self, name: &str, config: &Value, layers: &[Value]) -> Result<()> {
        let version = self.source.version;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": config,
            "layers": layers,
            "annotations": {
                "org.opencontainers.image.title": format!("idhook-{name}"),
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.created": self.source.time,
                "org.opencontainers.image.revision": self.source.commit,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        });
        let mut image = self.blob(IMAGE, serde_json::to_vec(&manifest)?);
        if let Some(fields) = image.as_object_mut() {
            fields.insert("annotations".to_owned(), json!({ NAME: format!("{name}-{version}") }));
        }
        self.images.push(image);
        Ok(())
    }

    /// Keeps a blob and gives its descriptor.
    fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let descriptor = json!({ "mediaType": media_type, "digest": digest(&bytes), "size": bytes.len() });
        self.blobs.insert(sha256(&bytes), bytes);
        descriptor
    }

    fn files(self) -> Result<Files> {
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": self.images,
        });
        let mut files: Files =
            self.blobs.into_iter().map(|(digest, bytes)| (format!("{FOLDER}/blobs/sha256/{digest}"), bytes)).collect();
        files.insert(format!("{FOLDER}/index.json"), serde_json::to_vec(&index)?);
        files.insert(format!("{FOLDER}/oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        Ok(files)
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

/// The names that a component imports and exports.
fn world(wasm: &[u8]) -> Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    // A component contains modules and components, which have imports and exports of their own.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => bail!("a module, not a component"),
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty component.
    const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    #[test]
    fn layout_has_an_image_for_each_component() {
        let manifest = |wasm: &str| {
            format!(
                "spin_manifest_version = 2\n[application]\nname = \"idhook\"\n[variables]\n[[trigger.http]]\nroute = \"/...\"\ncomponent = \
                 \"idhook\"\n[component.idhook]\nsource = \"{wasm}\"\nallowed_outbound_hosts = []\nkey_value_stores = []\n\
                 [component.idhook.variables]\n"
            )
            .into_bytes()
        };
        let mut files: Files = [build::LIBRARY.to_owned()]
            .into_iter()
            .chain(Artifact::ALL.map(Artifact::file_name))
            .map(|name| (name, COMPONENT.to_vec()))
            .collect();
        files.insert("spin.toml".to_owned(), manifest("idhook_spin.wasm"));
        files.insert("spin-wasip2.toml".to_owned(), manifest("idhook_spin_wasip2.wasm"));
        let layout = layout(&files, &Source::example()).unwrap();
        let read = |name: String| -> Value { serde_json::from_slice(&layout[&name]).unwrap() };
        let index = read(format!("{FOLDER}/index.json"));
        let mut found = Vec::new();
        for image in index["manifests"].as_array().unwrap() {
            let blob = |descriptor: &Value| {
                let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
                format!("{FOLDER}/blobs/sha256/{digest}")
            };
            let manifest = read(blob(image));
            let layers = manifest["layers"].as_array().unwrap();
            assert_eq!(layout[&blob(&layers[0])], COMPONENT);
            let config = read(blob(&manifest["config"]));
            assert_eq!(config["architecture"], "wasm");
            if let Some(application) = layers.get(1) {
                assert_eq!(read(blob(application))["components"][0]["source"]["digest"], layers[0]["digest"]);
                assert_eq!(config["config"]["Labels"]["com.fermyon.spin.lockedAppDigest"], application["digest"]);
            } else {
                assert_eq!(config["layerDigests"], json!([layers[0]["digest"]]));
            }
            let types: Vec<_> = layers.iter().map(|layer| layer["mediaType"].as_str().unwrap()).collect();
            found.push((image["annotations"][NAME].as_str().unwrap().to_owned(), types.join(" ")));
        }
        let spin = format!("{SPIN_WASM} {SPIN_APPLICATION}");
        let expected = [("spin", spin.as_str()), ("spin-wasip2", &spin), ("wasi", WASM), ("library", WASM)];
        assert_eq!(found, expected.map(|(name, types)| (format!("{name}-0.1.0"), types.to_owned())));
    }

    #[test]
    fn module_is_no_component() {
        let module = [0, b'a', b's', b'm', 1, 0, 0, 0];
        assert!(world(&module).unwrap_err().to_string().contains("not a component"));
        assert!(world(b"no wasm").is_err());
    }
}
