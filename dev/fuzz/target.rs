//! Every fuzz target: the entry point with the target's name.

#![no_main]

use std::sync::LazyLock;

use idhook::fuzzing::EntryPoint;
use libfuzzer_sys::fuzz_target;

static ENTRY: LazyLock<&EntryPoint> =
    LazyLock::new(|| EntryPoint::named(env!("CARGO_BIN_NAME")).expect("the target has an entry point's name"));

fuzz_target!(|input: &[u8]| (ENTRY.run)(input));
