//! The npm package's wasm: sessions as wasm-bindgen exports them, over [`idhook_calls`]. It translates and decides nothing. What a
//! program sees is `package/idhook.js`.
//!
//! Arguments are the JSON of an object that names them. A call returns a promise of the JSON of `{"ok": …}` or of
//! `{"error": {problem}}`; the promise is rejected only if `stop` resolves first, with the value of `stop`.

pub mod bindings;
mod engine;

use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};
use futures_util::lock::Mutex;
use idhook::embedded::{self, Result};
use idhook::sync::SyncDocument;
use idhook_calls::{Arguments, WaitOptions, answer, json};
use js_sys::futures::{JsFuture, future_to_promise};
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::engine::Engine;

/// A session with one target.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Session(Rc<idhook_calls::Session<Engine>>);

/// A watch of one sync.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Watch {
    session: Rc<idhook_calls::Session<Engine>>,
    // The iterator asks for the next change only when it has the last one, so this lock is never contended.
    watch: Rc<Mutex<embedded::Watch>>,
}

#[wasm_bindgen]
impl Session {
    /// A session with the target in `settings`; `kind` is `vidm`, `vcf` or `fleet`.
    ///
    /// # Errors
    /// The JSON of the problem.
    #[wasm_bindgen(constructor)]
    pub fn new(kind: &str, settings: &str, engine: bindings::Engine) -> std::result::Result<Self, JsValue> {
        let settings = serde_json::from_str(settings).unwrap_or_default();
        idhook_calls::Session::open(kind, settings, engine.into())
            .map(|session| Self(Rc::new(session)))
            .map_err(|e| answer(Err(e)).into())
    }

    /// Calls the function `name`. `progress` receives the JSON of each state that `ensureGroups` observes.
    pub fn call(&self, name: String, arguments: &str, stop: Option<Promise>, progress: Option<Function>) -> Promise {
        let (session, given) = (Rc::clone(&self.0), Arguments::new(arguments));
        promise(stop, async move {
            let report = |state: &SyncDocument| {
                let Some(progress) = &progress else { return };
                // `idhook.js` catches what the program's function throws.
                let _ = progress.call1(&JsValue::UNDEFINED, &json(state).into());
            };
            session.call(&name, given, report).await
        })
    }

    /// A watch of the sync `id`, with `options`.
    ///
    /// # Errors
    /// The JSON of the problem.
    #[wasm_bindgen(js_name = watchSync)]
    pub fn watch_sync(&self, arguments: &str) -> std::result::Result<Watch, JsValue> {
        let watch = || {
            let mut given = Arguments::new(arguments);
            let options: WaitOptions = given.optional("options")?;
            let syncs = self.0.syncs();
            syncs.map(|syncs| syncs.watch(&given.text("id")?, options.max_wait())).transpose()
        };
        match watch() {
            Ok(Some(watch)) => Ok(Watch { session: Rc::clone(&self.0), watch: Rc::new(Mutex::new(watch)) }),
            Ok(None) => Err(JsValue::NULL),
            Err(e) => Err(answer(Err(e)).into()),
        }
    }
}

#[wasm_bindgen]
impl Watch {
    /// The next change; null after the last one.
    pub fn next(&self, stop: Option<Promise>) -> Promise {
        let (session, watch) = (Rc::clone(&self.session), Rc::clone(&self.watch));
        promise(stop, async move {
            let Some(syncs) = session.syncs() else { return Ok("null".to_owned()) };
            Ok(json(&syncs.next(&mut *watch.lock().await).await.transpose()?))
        })
    }
}

/// A promise of the answer of `work`. If `stop` resolves first, `work` is dropped, which cancels what it has under way in the engine.
fn promise(stop: Option<Promise>, work: impl Future<Output = Result<String>> + 'static) -> Promise {
    let work = async move { JsValue::from(answer(work.await)) };
    future_to_promise(async move {
        let Some(stop) = stop else { return Ok(work.await) };
        match select(pin!(work), pin!(JsFuture::from(stop))).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right((reason, _)) => Err(reason.unwrap_or_else(|reason| reason)),
        }
    })
}
