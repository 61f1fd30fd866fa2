//! The binding for any WASI 0.2 host: `wasi:http/incoming-handler`, only WASI 0.2 imports, and the configuration from
//! environment variables. It only translates.
//!
//! Most such hosts make a new instance for each request, so nothing may depend on memory. If a host reuses an instance, its
//! caches help.

use std::cell::OnceCell;
use std::rc::Rc;

use idhook::webhook::Webhook;
use idhook_wasip2::{Wasi, serve};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

thread_local! {
    /// The instance's webhook, kept between requests.
    static WEBHOOK: OnceCell<Rc<Webhook>> = const { OnceCell::new() };
}

struct Component;

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let webhook = WEBHOOK.with(|cell| Rc::clone(cell.get_or_init(|| Rc::new(Webhook::of_variables(variable)))));
        // No such host reports the client's address in a way that a caller could not forge.
        serve(&Wasi::new(), &webhook, |_| {}, request, out);
    }
}

/// The variable `name`, from the environment: `vidm_url` is `IDHOOK_VIDM_URL`.
fn variable(name: &str) -> Option<String> {
    std::env::var(format!("IDHOOK_{}", name.to_ascii_uppercase())).ok()
}

#[allow(unsafe_code, missing_docs, reason = "generated")]
mod export {
    use super::Component;
    wasip2::http::proxy::export!(Component);
}
