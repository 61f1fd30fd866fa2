//! vIDM (Workspace ONE Access).

use std::rc::Rc;

use futures_util::lock::Mutex;
use idhook::embedded::{self, Result};
use idhook::sync::SyncDocument;
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::arguments::{Arguments, DryRunOptions, Patience};
use crate::engine::Engine;
use crate::{answer, bindings, promise};

type Session = embedded::Vidm<Engine>;

/// A session with one vIDM tenant.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Vidm(Rc<Session>);

/// A watch of one sync.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Watch {
    vidm: Rc<Session>,
    // The iterator asks for the next change when it has the last one: nobody waits for this lock.
    watch: Rc<Mutex<embedded::Watch>>,
}

#[wasm_bindgen]
impl Vidm {
    /// A session with the tenant that `settings` name.
    ///
    /// # Errors
    /// The answer that holds the problem.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str, engine: bindings::Engine) -> std::result::Result<Self, JsValue> {
        let settings = serde_json::from_str(settings).unwrap_or_default();
        Session::from_json(engine.into(), settings)
            .map(|session| Self(Rc::new(session)))
            .map_err(|e| answer::<()>(Err(e)))
    }

    /// `{filter?}`
    pub fn directories(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, mut given| vidm.directories(&given.optional("filter")?).await)
    }

    /// `{directory}`
    pub fn directory(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, mut given| vidm.directory(&given.text("directory")?).await)
    }

    /// `{directory, order?}`
    #[wasm_bindgen(js_name = startSync)]
    pub fn start_sync(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, mut given| {
            vidm.start_sync(&given.text("directory")?, given.optional("order")?).await
        })
    }

    /// `{directory, groups, options?}`; `progress` takes the JSON of each state that is seen.
    #[wasm_bindgen(js_name = ensureGroups)]
    pub fn ensure_groups(&self, arguments: &str, stop: Option<Promise>, progress: Option<Function>) -> Promise {
        self.call(arguments, stop, async move |vidm, mut given| {
            let (directory, groups) = (given.text("directory")?, given.texts("groups")?);
            let told = |state: &SyncDocument| {
                let Some(progress) = &progress else { return };
                let state = serde_json::to_string(state).unwrap_or_default();
                // `idhook.js` catches what the program's function throws.
                let _ = progress.call1(&JsValue::UNDEFINED, &state.into());
            };
            vidm.ensure_groups(&directory, groups, given.optional("options")?, told).await
        })
    }

    /// `{id}`
    pub fn sync(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, mut given| vidm.sync(&given.text("id")?).await)
    }

    /// `{id, options?}`
    #[wasm_bindgen(js_name = waitForSync)]
    pub fn wait_for_sync(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, mut given| {
            let patience: Patience = given.optional("options")?;
            vidm.wait_for_sync(&given.text("id")?, patience.duration()).await
        })
    }

    /// `{id, options?}`
    ///
    /// # Errors
    /// The answer that holds the problem.
    #[wasm_bindgen(js_name = watchSync)]
    pub fn watch_sync(&self, arguments: &str) -> std::result::Result<Watch, JsValue> {
        let watch = || {
            let mut given = Arguments::new(arguments);
            let patience: Patience = given.optional("options")?;
            self.0.watch_sync(&given.text("id")?, patience.duration())
        };
        let watch = watch().map_err(|e| answer::<()>(Err(e)))?;
        Ok(Watch { vidm: Rc::clone(&self.0), watch: Rc::new(Mutex::new(watch)) })
    }

    /// `{directory}`
    #[wasm_bindgen(js_name = latestSync)]
    pub fn latest_sync(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, mut given| vidm.latest_sync(&given.text("directory")?).await)
    }

    /// `{directory}`
    #[wasm_bindgen(js_name = syncHistory)]
    pub fn sync_history(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, mut given| vidm.sync_history(&given.text("directory")?).await)
    }

    /// `{directory, options?}`
    #[wasm_bindgen(js_name = dryRun)]
    pub fn dry_run(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, mut given| {
            let options: DryRunOptions = given.optional("options")?;
            vidm.dry_run(&given.text("directory")?, options.ignore_safeguards).await
        })
    }

    /// `{name}`
    pub fn groups(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, mut given| vidm.groups(&given.text("name")?).await)
    }

    /// `{}`
    pub fn health(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vidm, _| vidm.health().await)
    }
}

impl Vidm {
    fn call<T: serde::Serialize>(
        &self,
        arguments: &str,
        stop: Option<Promise>,
        work: impl AsyncFnOnce(&Session, Arguments) -> Result<T> + 'static,
    ) -> Promise {
        let (vidm, given) = (Rc::clone(&self.0), Arguments::new(arguments));
        promise(stop, async move { work(&vidm, given).await })
    }
}

#[wasm_bindgen]
impl Watch {
    /// The next change; null after the last one.
    pub fn next(&self, stop: Option<Promise>) -> Promise {
        let (vidm, watch) = (Rc::clone(&self.vidm), Rc::clone(&self.watch));
        promise(stop, async move { watch.lock().await.next(&vidm).await.transpose() })
    }
}
