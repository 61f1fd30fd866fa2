//! One instance's store data, and the interfaces linked into it.

use std::sync::Arc;

use wasmtime::component::{Accessor, HasData, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings::{atomics, key_value, store, variables, variables2};
use crate::key_value::{HasKeyValue, KeyValueState, KeyValueView};
use crate::outbound::Hooks;
use crate::runtime::Offers;
use crate::variables::{ComponentVariables, LookupError};

/// The data of one `wasmtime::Store`.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) hooks: Hooks,
    pub(crate) variables: Arc<ComponentVariables>,
    pub(crate) key_value: KeyValueState,
}

impl State {
    fn variables(&mut self) -> &ComponentVariables {
        &self.variables
    }

    fn key_value(&mut self) -> KeyValueView<'_> {
        KeyValueView { state: &mut self.key_value, table: &mut self.table }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// Links WASI 0.2 and 0.3, and in Spin its own interfaces.
pub(crate) fn add_to_linker(linker: &mut Linker<State>, offers: Offers) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)?;
    if offers == Offers::Spin {
        variables2::add_to_linker::<_, HasVariables>(linker, State::variables)?;
        variables::add_to_linker::<_, HasVariables>(linker, State::variables)?;
        key_value::add_to_linker::<_, HasKeyValue>(linker, State::key_value)?;
        store::add_to_linker::<_, HasKeyValue>(linker, State::key_value)?;
        atomics::add_to_linker::<_, HasKeyValue>(linker, State::key_value)?;
    }
    Ok(())
}

/// `spin:variables`, and `fermyon:spin/variables` for WASI 0.2.
struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = &'a ComponentVariables;
}

impl variables::Host for &ComponentVariables {}

impl<T: Send> variables::HostWithStore<T> for HasVariables {
    async fn get(store: &Accessor<T, Self>, name: String) -> wasmtime::Result<Result<String, variables::Error>> {
        Ok(store.with(|mut access| access.get().get(&name).map(str::to_owned)).map_err(|error| match error {
            LookupError::InvalidName(message) => variables::Error::InvalidName(message),
            LookupError::Undefined(message) => variables::Error::Undefined(message),
        }))
    }
}

impl variables2::Host for &ComponentVariables {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, variables2::Error>> {
        Ok(ComponentVariables::get(self, &name).map(str::to_owned).map_err(|error| match error {
            LookupError::InvalidName(message) => variables2::Error::InvalidName(message),
            LookupError::Undefined(message) => variables2::Error::Undefined(message),
        }))
    }
}
