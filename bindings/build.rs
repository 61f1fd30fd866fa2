//! The build script of everything that ships as wasm: the linker writes indices and addresses as short as they are. Otherwise it pads
//! each to five bytes, which makes a component 8 % larger.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=../build.rs");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|actual| actual == value);
    // The linker does not change what debug information refers to, and rejects the two together.
    if is("CARGO_CFG_TARGET_FAMILY", "wasm") && is("PROFILE", "release") {
        println!("cargo::rustc-link-arg-cdylib=--compress-relocations");
    }
}
