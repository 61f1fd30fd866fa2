//! Findings from expiry dates, the same for every kind of target.

use super::{Finding, Report};
use crate::certificate::CertificateFacts;

/// Expiry within this time causes a warning.
const SOON_DAYS: i64 = 30;

/// The certificates of a target.
#[derive(Default)]
pub(super) struct Certificates {
    total: usize,
    /// The first to expire: its remaining days and its line.
    first: Option<(i64, String)>,
    /// The lines of those that expire soon.
    soon: Vec<String>,
    /// The parts that could not be read, and the hint of the first such line.
    unread: Vec<String>,
    unread_hint: Option<String>,
}

impl Certificates {
    /// Adds a certificate of `owner`.
    pub(super) fn add(&mut self, certificate: &CertificateFacts, owner: &str) {
        let days = certificate.expires_in_days;
        self.total += 1;
        let line = format!("{} of {owner} {}", certificate.subject, ends(days));
        if days < SOON_DAYS {
            self.soon.push(line.clone());
        }
        if self.first.as_ref().is_none_or(|(least, _)| days < *least) {
            self.first = Some((days, line));
        }
    }

    /// Adds something that could not be read.
    pub(super) fn unread(&mut self, line: String, hint: Option<&str>) {
        self.unread.push(line);
        self.unread_hint = self.unread_hint.take().or_else(|| hint.map(str::to_owned));
    }

    /// The check `certificates`. `none` is its detail if there are none, `hint` how to replace one.
    pub(super) fn report(self, report: &mut Report<'_>, none: &str, hint: &str, ms: u64) {
        const CHECK: &str = "certificates";
        let detail = || self.soon.iter().chain(&self.unread).map(String::as_str).collect::<Vec<_>>().join("; ");
        match &self.first {
            Some((days, _)) if !self.soon.is_empty() => report.add(CHECK, by_days(*days), &detail(), Some(hint), ms),
            _ if !self.unread.is_empty() => {
                report.add(CHECK, Finding::Warning, &detail(), self.unread_hint.as_deref(), ms);
            }
            None => report.ok(CHECK, none, ms),
            Some((_, line)) => report.ok(CHECK, &format!("{} in total; first to expire: {line}", self.total), ms),
        }
    }
}

/// The check of a token with this many days left; `hint` is how to replace it.
pub(super) fn token(report: &mut Report<'_>, check: &'static str, token: &str, days: i64, hint: &str, ms: u64) {
    let detail = format!("{token} {}", ends(days));
    match days >= SOON_DAYS {
        true => report.ok(check, &detail, ms),
        false => report.add(check, by_days(days), &detail, Some(hint), ms),
    }
}

fn by_days(days: i64) -> Finding {
    if days < 0 { Finding::Failed } else { Finding::Warning }
}

fn ends(days: i64) -> String {
    if days < 0 { format!("expired {} days ago", -days) } else { format!("expires in {days} days") }
}
