//! The entry point for the configuration: one variable a line, `name=value`.

use crate::config::Config;

/// Appended to every secret: no message may contain it.
const MARK: &str = "-Zq7xW9vK";

/// The variables that are secrets as a whole.
const SECRETS: [&str; 6] =
    ["vidm_password", "vidm_client_secret", "vcf_password", "vcf_refresh_token", "fleet_password", "fleet_api_token"];

/// Variables of any form: every mistake has a place and a message, and no message has a secret.
pub(super) fn variables(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if text.contains(MARK) {
        // A mistake may show the value of a variable that is no secret.
        return;
    }
    let lines: Vec<_> = text.lines().filter_map(|line| line.split_once('=')).take(64).collect();
    let lookup = |name: &str| {
        let (_, value) = lines.iter().find(|(known, _)| *known == name)?;
        Some(if SECRETS.contains(&name) { format!("{value}{MARK}") } else { (*value).to_owned() })
    };
    match Config::parse(lookup) {
        Ok(config) => {
            assert!(!format!("{config:?}").contains(MARK), "a configuration prints a secret");
            assert!(config.secrets().iter().all(|secret| !secret.is_empty()));
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for mistake in mistakes {
                assert!(!mistake.variable.is_empty() && !mistake.detail.trim().is_empty(), "{mistake:?}");
                assert!(mistake.pointer.is_empty() || mistake.pointer.starts_with('/'), "{mistake:?}");
                assert!(!mistake.to_string().contains(MARK), "a mistake shows a secret: {mistake}");
            }
        }
    }
}
