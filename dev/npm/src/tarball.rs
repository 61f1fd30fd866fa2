//! The tarball as `npm pack` would make it, without npm. The same files give the same bytes.

use std::io::Write as _;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

/// The time of every file, as npm sets it: 1985-10-26T08:15:00Z. Not all archivers accept 0.
const TIME: u64 = 499_162_500;

/// `files`, by name, below `package/`.
pub(crate) fn tarball(files: &[(&str, String)]) -> Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(text.len().try_into()?);
        header.set_mode(0o644);
        header.set_mtime(TIME);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, format!("package/{name}"), text.as_bytes())?;
    }
    gzip(&builder.into_inner()?)
}

/// Without a time and a name in its header.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
