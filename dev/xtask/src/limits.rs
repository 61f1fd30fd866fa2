//! What the system lets one process have.

use anyhow::{Result, ensure};

/// Lets this process, and those it starts, hold so many files and sockets open. Systems allow far more than they give at first:
/// often 1024 of a million, on macOS 256.
///
/// # Errors
/// When the system allows fewer.
pub fn open_files(count: u64) -> Result<()> {
    let allowed = rlimit::increase_nofile_limit(count)?;
    ensure!(
        allowed >= count,
        "{count} open files are needed and {allowed} are allowed; raise the hard limit (ulimit -Hn)"
    );
    Ok(())
}
