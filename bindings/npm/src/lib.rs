//! The npm package's wasm: the classes `Vidm` and `Vcf` as wasm-bindgen exports them, over [`idhook::embedded`]. It translates and
//! decides nothing. What a program sees is `npm/idhook.js`, which compiles this on first use.
//!
//! Arguments come as the JSON of an object that names them. A call gives a promise of the JSON of `{"ok": …}` or of
//! `{"error": {problem}}`; it is rejected only where `stop` comes first, with what that comes to.

pub mod arguments;
pub mod bindings;
mod engine;
pub mod vcf;
pub mod vidm;

use std::pin::pin;

use futures_util::future::{Either, select};
use idhook::embedded::Result;
use js_sys::Promise;
use js_sys::futures::{JsFuture, future_to_promise};
use serde::Serialize;
use wasm_bindgen::JsValue;

/// A promise of what `work` comes to. Where `stop` comes first the work is dropped where it is, and what it has under way in the
/// engine is called off.
fn promise<T: Serialize>(stop: Option<Promise>, work: impl Future<Output = Result<T>> + 'static) -> Promise {
    let work = async move { answer(work.await) };
    future_to_promise(async move {
        let Some(stop) = stop else { return Ok(work.await) };
        match select(pin!(work), pin!(JsFuture::from(stop))).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right((reason, _)) => Err(reason.unwrap_or_else(|reason| reason)),
        }
    })
}

/// The JSON of what came of a call.
fn answer<T: Serialize>(done: Result<T>) -> JsValue {
    let text = match done {
        Ok(ok) => serde_json::to_string(&Answer::Ok(ok)),
        Err(problem) => serde_json::to_string(&Answer::<T>::Error(&problem)),
    };
    // Documents are texts, numbers, lists and objects of them: this does not fail.
    text.unwrap_or_default().into()
}

/// What came of a call.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<'p, T> {
    Ok(T),
    Error(&'p idhook::error::Problem),
}
