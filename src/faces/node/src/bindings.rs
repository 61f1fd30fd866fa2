//! What passes between this module and JavaScript, as wasm-bindgen generates it.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// What `npm/engine.js` gives.
    #[derive(Clone)]
    pub type Engine;

    /// Milliseconds since 1970.
    #[wasm_bindgen(method)]
    pub fn now(this: &Engine) -> f64;

    /// Milliseconds since some moment, never fewer than before.
    #[wasm_bindgen(method)]
    pub fn elapsed(this: &Engine) -> f64;

    #[wasm_bindgen(method)]
    pub fn random(this: &Engine) -> u64;

    #[wasm_bindgen(method)]
    pub fn log(this: &Engine, line: &str);

    #[wasm_bindgen(method)]
    pub fn sleep(this: &Engine, milliseconds: f64) -> UnderWay;

    /// A request to be filled in; nothing is sent yet.
    #[wasm_bindgen(method)]
    pub fn request(this: &Engine, method: &str, url: &str) -> Request;

    pub type Request;

    #[wasm_bindgen(method)]
    pub fn header(this: &Request, name: &str, value: &str);

    #[wasm_bindgen(method)]
    pub fn body(this: &Request, body: Uint8Array);

    /// Sends it; `done` comes to an [`Answer`], or fails with a [`Failure`]. Times are in milliseconds.
    #[wasm_bindgen(method)]
    pub fn send(this: &Request, first_byte: f64, between_bytes: f64, max_body: f64) -> UnderWay;

    /// Something that takes its time.
    pub type UnderWay;

    #[wasm_bindgen(method, getter)]
    pub fn done(this: &UnderWay) -> Promise;

    /// Ends it, if it has not ended.
    #[wasm_bindgen(method)]
    pub fn cancel(this: &UnderWay);

    pub type Answer;

    #[wasm_bindgen(method, getter)]
    pub fn status(this: &Answer) -> u16;

    /// Names and values, one after the other.
    #[wasm_bindgen(method, getter)]
    pub fn headers(this: &Answer) -> Vec<String>;

    #[wasm_bindgen(method, getter)]
    pub fn body(this: &Answer) -> Uint8Array;

    pub type Failure;

    #[wasm_bindgen(method, getter)]
    pub fn kind(this: &Failure) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub fn detail(this: &Failure) -> Option<String>;
}
