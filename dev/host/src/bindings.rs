//! Bindings to the interfaces of `wit/world.wit`, made by wasmtime.

#[allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::restriction,
    reason = "generated"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "idhook:host/spin",
        imports: {
            "wasi:keyvalue/store": async | trappable,
            "wasi:keyvalue/atomics": async | trappable,
            default: trappable,
        },
        with: {
            "spin:key-value/key-value.store": crate::key_value::OpenStore,
            "wasi:keyvalue/store.bucket": crate::key_value::OpenStore,
            "wasi:keyvalue/atomics.cas": crate::key_value::Swap,
        },
    });
}

pub(crate) use generated::fermyon::spin::variables as variables2;
pub(crate) use generated::spin::{key_value::key_value, variables::variables};
pub(crate) use generated::wasi::keyvalue::{atomics, store};
