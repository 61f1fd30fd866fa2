//! The module's imports from Python and exports to it. It imports two clocks and random numbers, and no memory is shared but the
//! two buffers below.
#![allow(unsafe_code, reason = "imports and exports of a WebAssembly module are declared with unsafe attributes")]

use std::cell::RefCell;

use crate::engine::Engine;

#[link(wasm_import_module = "idhook")]
unsafe extern "C" {
    /// Milliseconds since 1970.
    pub(crate) safe fn now() -> f64;
    /// Milliseconds of a clock that never goes back.
    pub(crate) safe fn elapsed() -> f64;
    /// 64 random bits from a cryptographically secure generator.
    pub(crate) safe fn random() -> u64;
}

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ENGINE: RefCell<Engine> = RefCell::new(Engine::default());
}

/// Makes room for the input of the next step, in bytes, and returns its address.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn input(length: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        input.resize(length, 0);
        input.as_mut_ptr()
    })
}

/// Takes one step with the input, and returns the length of the output in bytes.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn step() -> usize {
    let given = INPUT.take();
    let output = ENGINE.with_borrow_mut(|engine| engine.step(&given));
    let length = output.len();
    OUTPUT.set(output);
    length
}

/// The address of the output of the last step, valid until the next one.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn output() -> *const u8 {
    OUTPUT.with_borrow(|output| output.as_ptr())
}
