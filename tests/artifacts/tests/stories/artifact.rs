//! What the `.wasm` asks of its host.
