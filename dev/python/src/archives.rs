//! The wheel and the source distribution: the same bytes for the same files.

use std::io::{Cursor, Write as _};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::metadata::Project;
use crate::{File, LICENSE, README};

/// The time of every file: 1985-10-26T08:15:00Z, as in the npm package. Not all archivers accept 0.
const TIME: u64 = 499_162_500;

/// The wheel (Binary distribution format 1.0): the modules, and the folder of metadata with a digest of every file.
pub(crate) fn wheel(project: &Project, modules: &[File]) -> Result<Vec<u8>> {
    let info = format!("{}.dist-info", project.stem());
    let tags = "Wheel-Version: 1.0\nGenerator: idhook-wheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let mut files = modules.to_vec();
    files.push((format!("{info}/METADATA"), project.metadata().into_bytes()));
    files.push((format!("{info}/WHEEL"), tags.into()));
    files.push((format!("{info}/licenses/LICENSE"), LICENSE.into()));
    let record = format!("{info}/RECORD");
    let mut lines = String::new();
    for (name, bytes) in &files {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        lines.push_str(&format!("{name},sha256={digest},{}\n", bytes.len()));
    }
    lines.push_str(&format!("{record},,\n"));
    files.push((record, lines.into_bytes()));

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    for (name, bytes) in files {
        zip.start_file(name, options)?;
        zip.write_all(&bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The source distribution, from which `pip` can make the wheel with setuptools. The module is in it as it was built.
pub(crate) fn sdist(project: &Project, modules: &[File]) -> Result<Vec<u8>> {
    let mut files = modules.to_vec();
    files.push(("LICENSE".to_owned(), LICENSE.into()));
    files.push(("PKG-INFO".to_owned(), project.metadata().into_bytes()));
    files.push(("README.md".to_owned(), README.into()));
    files.push(("pyproject.toml".to_owned(), project.text.clone().into_bytes()));
    let mut builder = Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes.len().try_into()?);
        header.set_mode(0o644);
        header.set_mtime(TIME);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, format!("{}/{name}", project.stem()), bytes.as_slice())?;
    }
    // No time and no name in the header of gzip.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&builder.into_inner()?)?;
    Ok(encoder.finish()?)
}
