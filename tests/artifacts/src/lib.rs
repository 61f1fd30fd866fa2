//! Stories over the built `.wasm`: real HTTP in, the embedded host around it, the simulator behind it. They are in `tests/`.
