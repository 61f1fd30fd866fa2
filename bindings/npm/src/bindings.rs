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

    /// 64 bits of chance.
    #[wasm_bindgen(method)]
    pub fn random(this: &Engine) -> u64;

    /// Takes a line of log.
    #[wasm_bindgen(method)]
    pub fn log(this: &Engine, line: &str);

    /// `done` comes when the time is over.
    #[wasm_bindgen(method)]
    pub fn sleep(this: &Engine, milliseconds: f64) -> UnderWay;

    /// A request to be filled in; nothing is sent yet.
    #[wasm_bindgen(method)]
    pub fn request(this: &Engine, method: &str, url: &str) -> Request;

    /// A request to be sent.
    pub type Request;

    /// Adds a header; its characters are the bytes.
    #[wasm_bindgen(method)]
    pub fn header(this: &Request, name: &str, value: &str);

    /// Gives it a body.
    #[wasm_bindgen(method)]
    pub fn body(this: &Request, body: Uint8Array);

    /// Sends it; `done` comes to an [`Answer`], or fails with a [`Failure`]. Times are in milliseconds.
    #[wasm_bindgen(method)]
    pub fn send(this: &Request, first_byte: f64, between_bytes: f64, max_body: f64) -> UnderWay;

    /// Something that takes its time.
    pub type UnderWay;

    /// What it comes to.
    #[wasm_bindgen(method, getter)]
    pub fn done(this: &UnderWay) -> Promise;

    /// Ends it, if it has not ended.
    #[wasm_bindgen(method)]
    pub fn cancel(this: &UnderWay);

    /// An answer, read whole.
    pub type Answer;

    /// Its status.
    #[wasm_bindgen(method, getter)]
    pub fn status(this: &Answer) -> u16;

    /// Names and values, one after the other.
    #[wasm_bindgen(method, getter)]
    pub fn headers(this: &Answer) -> Vec<String>;

    /// Its body.
    #[wasm_bindgen(method, getter)]
    pub fn body(this: &Answer) -> Uint8Array;

    /// Why there is no answer.
    pub type Failure;

    /// Its kind, in one of the words that `engine.rs` reads.
    #[wasm_bindgen(method, getter)]
    pub fn kind(this: &Failure) -> Option<String>;

    /// The engine's own words for it.
    #[wasm_bindgen(method, getter)]
    pub fn detail(this: &Failure) -> Option<String>;
}
