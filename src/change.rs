//! Changes to an object of a server by a specification, for every vendor: the forms of a caller's fields, the checks before
//! sending, the comparison with the server's view, the condition, the outcome.

mod check;
mod checked;
mod difference;
mod entity_tag;
mod extra;
pub(crate) mod lenient;
mod outcome;
mod precondition;

pub(crate) use check::{Check, is_web_url};
pub use checked::Checked;
pub use difference::{Change, Difference};
pub(crate) use difference::{exact, in_any_case, same_account, same_dn, same_domains, same_url};
pub(crate) use entity_tag::EntityTag;
pub use extra::Extra;
pub use outcome::{ChangeOutcome, Outcome, PutOptions};
pub(crate) use precondition::{Precondition, etag};
