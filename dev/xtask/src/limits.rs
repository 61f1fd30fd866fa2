//! Limits that the system sets for a process.

use anyhow::{Result, ensure};

/// Raises the limit of open files and sockets of this process, and of those that it starts, to `count`. The default limit is low
/// (often 1024, on macOS 256); the allowed one is far higher.
///
/// # Errors
/// When the system allows fewer.
pub fn open_files(count: u64) -> Result<()> {
    let allowed = rlimit::increase_nofile_limit(count)?;
    ensure!(
        allowed >= count,
        "{count} open files are needed, but only {allowed} are allowed; raise the hard limit (ulimit -Hn)"
    );
    Ok(())
}
