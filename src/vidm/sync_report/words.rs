//! The words for a sync's status, in any spelling.

use super::{FailureReason, SyncStatus};

/// `text` as it is compared: letters and digits, lower case.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The word of a directory without a run, or of a run that waits.
pub(super) const NOT_STARTED: &str = "notstarted";

/// The status for a word: `SYNC_IN_PROGRESS`, `inProgress`, `in-progress` and `In Progress` are the same.
pub(super) fn status(word: &str) -> Option<SyncStatus> {
    let plain = plain(word);
    let mut word = plain.as_str();
    for prefix in ["last", "directory", "sync", "status", "is"] {
        word = word.strip_prefix(prefix).filter(|rest| !rest.is_empty()).unwrap_or(word);
    }
    Some(match word {
        "running" | "inprogress" | "started" | "syncing" | "ing" | "processing" | "executing" | "active"
        | "ongoing" => SyncStatus::Running,
        "queued" | "pending" | "scheduled" | "waiting" | "submitted" | "requested" | NOT_STARTED => SyncStatus::Queued,
        "completed"
        | "complete"
        | "success"
        | "successful"
        | "succeeded"
        | "successfully"
        | "completedsuccessfully"
        | "finished"
        | "done"
        | "ok"
        | "completedwithwarnings"
        | "completedwithalerts"
        | "completedwithwarning" => SyncStatus::Succeeded,
        "failed"
        | "failure"
        | "fail"
        | "error"
        | "errored"
        | "aborted"
        | "cancelled"
        | "canceled"
        | "terminated"
        | "timedout"
        | "timeout"
        | "unsuccessful"
        | "completedwitherrors"
        | "stopped" => SyncStatus::Failed,
        _ if word.contains("safeguard") => SyncStatus::Failed,
        _ => return None,
    })
}

/// English messages about safeguards: "Failed to complete sync. Please check safeguards…" in the sync log, "You are
/// attempting to remove N% of current users …, more than your current limit of 10%." in the connector's log (Broadcom KB
/// 367346 and 438057).
const ENGLISH: [&str; 2] = ["safeguard", "morethanyourcurrentlimit"];

/// The same in the product's other languages, as [`folded`] returns them. The vendor's manuals use these words in German,
/// Dutch, Italian, Spanish, Japanese and simplified Chinese; that the messages do too is LIKELY, and so are the other
/// languages. General words for protection are not included: a user who reads about safeguards may turn them off.
const TRANSLATED: &[&str] = &[
    // German. A lost ß leaves a gap.
    "schutzmassnahme",
    "schutzmanahme",
    // Dutch
    "synchronisatiebeveiliging",
    "beveiligingsmaatregel",
    "beveiligingsschending",
    "directorybeveiliging",
    "beveiligingen",
    // French
    "mesuredeprotection",
    "mesuresdeprotection",
    "mesuredesauvegarde",
    "mesuresdesauvegarde",
    "gardefou",
    "protectiondelasynchronisation",
    "protectiondesynchronisation",
    "protectionsdelasynchronisation",
    "protectionsdesynchronisation",
    "seuildeprotection",
    "limitedeprotection",
    "limitesdeprotection",
    // Italian
    "protezioni",
    "protezionedellasincronizzazione",
    "protezionedisincronizzazione",
    "sogliadiprotezione",
    "sogliediprotezione",
    "sogliadellaprotezione",
    "violazionedellaprotezione",
    "violazionediunaprotezione",
    "misuradiprotezione",
    "misurediprotezione",
    // Spanish
    "elementodeproteccion",
    "elementosdeproteccion",
    "medidadeproteccion",
    "medidasdeproteccion",
    "protecciones",
    "salvaguard",
    // Portuguese; "salvaguarda" is above.
    "protecoes",
    "protecaodesincronizacao",
    "protecaodasincronizacao",
    "medidadeprotecao",
    "medidasdeprotecao",
    // Russian, in its cases
    "мерызащиты",
    "мерзащиты",
    "мерамзащиты",
    "мерамизащиты",
    "мерахзащиты",
    "защитныемеры",
    "защитныхмер",
    "защитнымимерами",
    "средствазащиты",
    "средствзащиты",
    "мерыбезопасности",
    "мербезопасности",
    // Japanese
    "セーフガード",
    "保護対策",
    "保護措置",
    // Korean
    "세이프가드",
    "보호조치",
    "보호장치",
    "보호수단",
    "안전조치",
    "안전장치",
    // Chinese, simplified and traditional
    "安全措施",
    "保护措施",
    "防护措施",
    "安全防护",
    "保護措施",
    "防護措施",
    "安全防護",
    "防護機制",
];

/// Whether a text mentions the safeguards, in any language of the product.
pub(super) fn is_safeguard(text: &str) -> bool {
    let folded = folded(text);
    ENGLISH.iter().chain(TRANSLATED).any(|word| folded.contains(word))
}

/// Whether a text certainly mentions the safeguards.
pub(super) fn is_safeguard_in_english(text: &str) -> bool {
    let folded = folded(text);
    ENGLISH.iter().any(|word| folded.contains(word))
}

/// `text` without marks, blanks and punctuation, in lower case, in any composition.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            'ß' => folded.push_str("ss"),
            'à' | 'á' | 'â' | 'ã' => folded.push('a'),
            'ç' => folded.push('c'),
            'è' | 'é' | 'ê' => folded.push('e'),
            'í' => folded.push('i'),
            'ó' | 'ô' | 'õ' => folded.push('o'),
            'ú' => folded.push('u'),
            _ => folded.push(c),
        }
    }
    folded
}

/// Why a sync failed, according to its messages.
pub(super) fn reason<'a>(texts: impl IntoIterator<Item = &'a str>) -> FailureReason {
    match texts.into_iter().any(is_safeguard) {
        true => FailureReason::SafeguardTripped,
        false => FailureReason::SyncFailed,
    }
}
