//! How a key or secret is shown: once, and ready to paste.

use std::io::Write as _;
use std::path::Path;

use super::{Made, Value, json, quoted, style, wrap};

impl Made {
    /// The variables to export, on the caller's side and on idhook's. `file` has the value, if it was written there.
    pub(super) fn instructions(&self, file: Option<&str>, width: usize) -> String {
        let name = self.name();
        let (spin, wasi) = (self.spin(), self.wasi());
        let (title, note, secret) = match self.is_secret() {
            false => (
                format!("The key of {name}"),
                "For the caller, which sends it as \"Authorization: Bearer KEY\". It is printed only now.",
                format!("export IDHOOK_KEY={}", self.secret),
            ),
            true => (
                format!("The secret of {name}"),
                "For the settings of the sender. It is printed only now.",
                format!("export WEBHOOK_SECRET={}", quoted(&self.secret)),
            ),
        };
        let value = match (file, self.is_secret()) {
            (Some(file), _) => format!("\"$(cat {})\"", quoted(file)),
            // The secret is in the line above; the shell puts it in.
            (None, true) => quoted(&self.value()).replace(&self.secret, "'\"$WEBHOOK_SECRET\"'"),
            (None, false) => quoted(&self.value()),
        };
        let mut lines =
            vec![style(title).bold().to_string(), wrap(note, 0, width), String::new(), secret, String::new()];
        lines.push(style(format!("The value of {}", self.variable)).bold().to_string());
        let how = match (file, self.others.is_empty()) {
            (Some(file), _) => format!("For idhook; it is in {file}, readable for you only."),
            (None, true) => format!(
                "For idhook. It replaces the present value; to keep the callers that are in it, use --extend.{}",
                if self.is_secret() { "" } else { " It holds the key's SHA-256, not the key." }
            ),
            (None, false) => format!("For idhook: the present value with {name} added."),
        };
        lines.extend([wrap(&how, 0, width), String::new()]);
        lines.extend(["Spin:".to_owned(), format!("export {spin}={value}"), String::new()]);
        lines.extend(["wasmtime, jco and other WASI hosts:".to_owned(), format!("export {wasi}={value}")]);
        if let Some(digests) = self.rotated() {
            let done = format!(
                "{name} has {digests} keys now, and all are valid. Give the caller the new key, then remove the first text of \
                 \"sha256\" (or \"secrets\")."
            );
            lines.extend([String::new(), wrap(&done, 0, width)]);
        }
        lines.join("\n")
    }

    /// The same for programs.
    pub(super) fn json(&self, file: Option<&str>) -> Value {
        let secret = if self.is_secret() { "secret" } else { "key" };
        let mut document = json!({
            "name": self.name(),
            secret: self.secret,
            "variable": self.variable,
            "environment": { "spin": self.spin(), "wasi": self.wasi() },
        });
        let (field, value) = file.map_or_else(|| ("value", self.value()), |file| ("file", file.to_owned()));
        if let Some(document) = document.as_object_mut() {
            document.insert(field.to_owned(), value.into());
        }
        document
    }

    /// How many keys the entry has, if it had one before.
    fn rotated(&self) -> Option<usize> {
        let field = if self.is_secret() { "secrets" } else { "sha256" };
        let ours = self.others.iter().find(|entry| entry.get("name") == self.entry.get("name"))?;
        ours.get(field)?.as_array().map(Vec::len).filter(|count| *count > 1)
    }
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Such a file is private from the start, and takes the place of the other one whole.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{text}")?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
