//! What wit-bindgen makes of `wit/`.
#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::restriction, reason = "generated")]

use crate::Library;

wit_bindgen::generate!({ path: "../../wit", world: "functions" });
export!(Library);

pub(crate) use exports::idhook::identity::{directories, identity_providers, types};
