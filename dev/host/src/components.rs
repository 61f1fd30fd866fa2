//! Compiled components. Hosts in one process that serve the same file share one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::p2::bindings::ProxyPre as ProxyPre2;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::runtime::Offers;
use crate::state::{State, add_to_linker};

/// A file's path and modification time, and the interfaces linked into it.
type Key = (PathBuf, SystemTime, Offers);

/// The first to need a key compiles; the others wait for it.
type Compiled = Arc<Mutex<Option<Arc<ProxyPre<State>>>>>;

/// Compiles and links the component, and determines which version of `wasi:http` it handles.
pub(crate) fn load(wasm: &Path, offers: Offers) -> Result<Arc<ProxyPre<State>>> {
    static COMPILED: Mutex<BTreeMap<Key, Compiled>> = Mutex::new(BTreeMap::new());
    let modified = std::fs::metadata(wasm).and_then(|file| file.modified()).context("cannot read it")?;
    let key = (wasm.to_owned(), modified, offers);
    let compiled = Arc::clone(COMPILED.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
    let mut compiled = compiled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(component) = &*compiled {
        return Ok(Arc::clone(component));
    }
    let component = Arc::new(compile(wasm, offers)?);
    *compiled = Some(Arc::clone(&component));
    Ok(component)
}

fn compile(wasm: &Path, offers: Offers) -> wasmtime::Result<ProxyPre<State>> {
    let engine = engine()?;
    let component = Component::from_file(&engine, wasm)?;
    let mut linker = Linker::new(&engine);
    add_to_linker(&mut linker, offers)?;
    let pre = linker.instantiate_pre(&component)?;
    match ServicePre::new(pre.clone()) {
        Ok(service) => Ok(ProxyPre::P3(service)),
        Err(_) => ProxyPre2::new(pre).map(ProxyPre::P2).map_err(|error| {
            error.context("the component exports neither wasi:http/handler@0.3 nor wasi:http/incoming-handler@0.2")
        }),
    }
}

/// The one engine of this process.
fn engine() -> wasmtime::Result<Engine> {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    if let Some(engine) = ENGINE.get() {
        return Ok(engine.clone());
    }
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    // Compiled code is cached in wasmtime's default place; without one it is compiled each time.
    config.cache(Cache::new(CacheConfig::new()).ok());
    let engine = Engine::new(&config)?;
    Ok(ENGINE.get_or_init(|| engine).clone())
}
