//! The binding for Spin before 4.1, and for hosts that embed such a Spin: WASI 0.2, with Spin's variables as configuration
//! and its key-value store as the shared store. It only translates.
//!
//! Spin makes a new instance of a WASI 0.2 component for each request; only the store carries knowledge from one request to
//! the next.
//!
//! `spin-sdk` 5, Spin's own crate for WASI 0.2, was considered: it includes an executor, a router and a second set of WASI
//! bindings, of which two functions would be used. They are bound here from Spin's WIT.

mod store;

use std::rc::Rc;

use idhook::config::{VARIABLES, VariableSource};
use idhook::webhook::{Webhook, add_reports_of_spin};
use idhook_wasip2::{Wasi, serve};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use crate::bindings::fermyon::spin::variables;
use crate::store::SpinStore;

struct Component;

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let webhook = Rc::new(Webhook::of_readings(&readings()));
        serve(&Wasi::with_store(SpinStore), &webhook, add_reports_of_spin, request, out);
    }
}

/// All variables, from Spin.
fn readings() -> VariableSource {
    let mut readings = VariableSource::default();
    for variable in VARIABLES {
        match variables::get(variable.name) {
            Ok(value) => readings.value(variable.name, value),
            Err(variables::Error::Undefined(_)) => {}
            // The provider's message may quote the value.
            Err(_) => readings.unreadable(variable.name),
        }
    }
    readings
}

#[allow(unsafe_code, missing_docs, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/deps/spin@2.0.0", "../../wit/deps/keyvalue@0.2.0-draft2"],
        inline: "
            package idhook:spin-wasip2;
            world imports {
                import fermyon:spin/variables@2.0.0;
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
            }
        ",
        generate_all,
    });

    use super::Component;
    wasip2::http::proxy::export!(Component);
}
