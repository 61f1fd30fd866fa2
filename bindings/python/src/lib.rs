//! The WebAssembly module of the Python package: sessions over [`idhook_calls`], without any I/O of its own. It translates and
//! decides nothing.
//!
//! Python drives it step by step. A step takes what has happened (a call of the program, an HTTP response, a timer that fired) and
//! returns what to do next (send a request, set a timer, hand over a result), each as JSON: see [`messages`]. Nothing blocks in here,
//! so Python does all waiting itself: with its own TLS, its own signals and its own threads. One instance holds one session.

mod abi;
mod engine;
mod host;
mod messages;
