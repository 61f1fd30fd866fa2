//! The types that pass between this module and JavaScript, as wasm-bindgen generates it.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// The class in `package/engine.js`.
    #[derive(Clone)]
    pub type Engine;

    /// Milliseconds since 1970.
    #[wasm_bindgen(method)]
    pub fn now(this: &Engine) -> f64;

    /// Monotonic clock in milliseconds.
    #[wasm_bindgen(method)]
    pub fn elapsed(this: &Engine) -> f64;

    /// 64 random bits.
    #[wasm_bindgen(method)]
    pub fn random(this: &Engine) -> u64;

    /// Takes a line of log.
    #[wasm_bindgen(method)]
    pub fn log(this: &Engine, line: &str);

    /// `done` resolves after the time.
    #[wasm_bindgen(method)]
    pub fn sleep(this: &Engine, milliseconds: f64) -> UnderWay;

    /// A request without headers and body; nothing is sent yet.
    #[wasm_bindgen(method)]
    pub fn request(this: &Engine, method: &str, url: &str) -> Request;

    /// A request before it is sent.
    pub type Request;

    /// Adds a header. Each character is one byte.
    #[wasm_bindgen(method)]
    pub fn header(this: &Request, name: &str, value: &str);

    /// Sets the body.
    #[wasm_bindgen(method)]
    pub fn body(this: &Request, body: Uint8Array);

    /// Sends it; `done` resolves to an [`Answer`], or rejects with a [`Failure`]. Times are in milliseconds.
    #[wasm_bindgen(method)]
    pub fn send(this: &Request, first_byte: f64, between_bytes: f64, max_body: f64) -> UnderWay;

    /// A request or a timer under way.
    pub type UnderWay;

    /// Its result.
    #[wasm_bindgen(method, getter)]
    pub fn done(this: &UnderWay) -> Promise;

    /// Cancels it, unless it has ended.
    #[wasm_bindgen(method)]
    pub fn cancel(this: &UnderWay);

    /// A response, read whole.
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

    /// Why there is no response.
    pub type Failure;

    /// One of the words that `engine.rs` reads.
    #[wasm_bindgen(method, getter)]
    pub fn kind(this: &Failure) -> Option<String>;

    /// The engine's own text.
    #[wasm_bindgen(method, getter)]
    pub fn detail(this: &Failure) -> Option<String>;
}
