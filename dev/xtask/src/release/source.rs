//! The source of a release: the commit, its time and the toolchain.

use std::process::Command;

use anyhow::{Context as _, Result};
use time::OffsetDateTime;

use crate::build;
use crate::terminal::Failure;

/// The source of a release.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The version of all packages.
    pub(super) version: &'static str,
    /// The commit, in hexadecimal digits.
    pub(super) commit: String,
    /// The time that the documents have, as RFC 3339: `SOURCE_DATE_EPOCH`, or that of the commit.
    pub(super) time: String,
    /// The paths that differ from the commit.
    pub(super) changes: Vec<String>,
    /// The address of the repository, as `package.json` has it.
    pub(super) repository: String,
    /// The release of rustc, such as `1.95.0`.
    pub(super) rust: String,
    /// The output of `rustc --version --verbose`, line by line.
    pub(super) rustc: Vec<String>,
}

impl Source {
    /// Reads them.
    pub(super) fn read() -> Result<Self> {
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text,
            Err(_) => output("git", &["log", "-1", "--format=%ct"])?,
        };
        let Ok(seconds) = epoch.trim().parse() else {
            let what = format!("SOURCE_DATE_EPOCH is {epoch:?}");
            return Err(Failure::new(what, "give a number of seconds since 1970, or unset it").into());
        };
        let rustc: Vec<String> =
            output("rustc", &["--version", "--verbose"])?.lines().map(|line| line.trim().to_owned()).collect();
        let rust = rustc.iter().find_map(|line| line.strip_prefix("release: ")).context("rustc has no release")?;
        let changes = output("git", &["status", "--porcelain"])?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: output("git", &["rev-parse", "HEAD"])?.trim().to_owned(),
            time: rfc3339(seconds)?,
            changes: changes.lines().filter_map(|line| line.get(3..)).map(str::to_owned).collect(),
            repository: repository()?,
            rust: rust.to_owned(),
            rustc,
        })
    }
}

#[cfg(test)]
impl Source {
    /// One for tests.
    pub(super) fn example() -> Self {
        Self {
            version: "0.1.0",
            commit: "c0ffee".to_owned(),
            time: "2026-11-27T00:00:00Z".to_owned(),
            changes: Vec::new(),
            repository: "git+https://git.example/idhook.git".to_owned(),
            rust: "1.95.0".to_owned(),
            rustc: Vec::new(),
        }
    }
}

/// A time as RFC 3339 has it, in UTC.
fn rfc3339(seconds: i64) -> Result<String> {
    let time = OffsetDateTime::from_unix_timestamp(seconds).context("the time of the commit is out of range")?;
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.to_hms();
    Ok(format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month)))
}

fn repository() -> Result<String> {
    let path = build::root().join("bindings/npm/package/package.json");
    let package: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let url = package.pointer("/repository/url").and_then(serde_json::Value::as_str);
    Ok(url.with_context(|| format!("{} has no repository.url", path.display()))?.to_owned())
}

/// The output of a program that runs in the checkout.
pub(super) fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let ran = Command::new(program).args(arguments).current_dir(build::root()).output();
    let ran = ran.map_err(|e| Failure::new(format!("cannot start {program}: {e}"), format!("install {program}")))?;
    if !ran.status.success() {
        let what = format!("{program} {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&ran.stderr).trim());
        return Err(Failure::new(what, "run this in a git checkout of idhook").into());
    }
    Ok(String::from_utf8(ran.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_a_commit_is_written_as_rfc_3339() {
        assert_eq!(rfc3339(0).unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_795_758_443).unwrap(), "2026-11-27T05:47:23Z");
        assert!(rfc3339(i64::MAX).is_err());
    }
}
