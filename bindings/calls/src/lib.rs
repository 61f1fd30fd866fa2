//! The functions of [`idhook::embedded`] by name, with arguments and results as JSON: what the npm package and the Python package
//! share. It translates and decides nothing.
//!
//! Names, arguments and results are in camel case, as in the webhook's documents.

mod arguments;
mod fleet;
mod syncs;
mod vcf;
mod vidm;

use idhook::embedded::{Fleet, Result, Syncs, Vcf, Vidm};
use idhook::error::{Error, FieldError, Problem};
use idhook::runtime::Runtime;
use idhook::sync::SyncDocument;
use serde::Serialize;
use serde_json::Value;

pub use arguments::{Arguments, WaitOptions};

/// A session with one target.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a program has a few sessions, and each is moved once")]
pub enum Session<R> {
    /// With a vIDM tenant.
    Vidm(Vidm<R>),
    /// With an SDDC Manager.
    Vcf(Vcf<R>),
    /// With a VCF Operations.
    Fleet(Fleet<R>),
}

impl<R: Runtime> Session<R> {
    /// Opens a session; `kind` is `vidm`, `vcf` or `fleet`. Nothing is sent before the first call.
    ///
    /// # Errors
    /// `request_invalid` with every setting that is missing, unknown or wrong.
    pub fn open(kind: &str, settings: Value, runtime: R) -> Result<Self> {
        match kind {
            "vidm" => Vidm::from_json(runtime, settings).map(Self::Vidm),
            "vcf" => Vcf::from_json(runtime, settings).map(Self::Vcf),
            "fleet" => Fleet::from_json(runtime, settings).map(Self::Fleet),
            _ => Err(unknown(kind)),
        }
    }

    /// Calls the function `name` and returns the JSON of its result. `progress` receives each state that `ensureGroups` observes.
    ///
    /// # Errors
    /// Those of the function; `request_invalid` if there is no such function.
    pub async fn call(&self, name: &str, given: Arguments, progress: impl FnMut(&SyncDocument)) -> Result<String> {
        match self {
            Self::Vidm(session) => vidm::call(session, name, given, progress).await,
            Self::Vcf(session) => vcf::call(session, name, given).await,
            Self::Fleet(session) => fleet::call(session, name, given, progress).await,
        }
    }

    /// The syncs of the session, if its product has any.
    pub fn syncs(&self) -> Option<Syncs<'_, R>> {
        match self {
            Self::Vidm(session) => Some(session.syncs()),
            Self::Fleet(session) => Some(session.syncs()),
            Self::Vcf(_) => None,
        }
    }
}

/// The JSON of `{"ok": …}` or `{"error": {problem}}`.
#[must_use]
pub fn answer(done: Result<String>) -> String {
    match done {
        Ok(result) => format!("{{\"ok\":{result}}}"),
        Err(problem) => format!("{{\"error\":{}}}", json(&problem)),
    }
}

/// The JSON of a document. Documents are texts, numbers, lists and objects of them, so this does not fail.
#[must_use]
pub fn json(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_default()
}

/// The error for a function or a kind of session that does not exist.
fn unknown(name: &str) -> Box<Problem> {
    let field = FieldError::new(String::new(), format!("no such function: {name}"));
    Box::new(Problem::new(&Error::invalid(vec![field]), &[]))
}
