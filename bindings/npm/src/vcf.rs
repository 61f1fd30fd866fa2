//! SDDC Manager (VMware Cloud Foundation).

use std::rc::Rc;

use idhook::embedded::{self, Result};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::arguments::{Arguments, Put, TokenOptions};
use crate::engine::Engine;
use crate::{answer, bindings, promise};

type Session = embedded::Vcf<Engine>;

/// A session with one SDDC Manager.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Vcf(Rc<Session>);

#[wasm_bindgen]
impl Vcf {
    /// A session with the SDDC Manager that `settings` name.
    ///
    /// # Errors
    /// The answer that holds the problem.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str, engine: bindings::Engine) -> std::result::Result<Self, JsValue> {
        let settings = serde_json::from_str(settings).unwrap_or_default();
        Session::from_json(engine.into(), settings)
            .map(|session| Self(Rc::new(session)))
            .map_err(|e| answer::<()>(Err(e)))
    }

    /// `{}`
    #[wasm_bindgen(js_name = identityProviders)]
    pub fn identity_providers(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, _| vcf.identity_providers().await)
    }

    /// `{id}`
    #[wasm_bindgen(js_name = identityProvider)]
    pub fn identity_provider(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| vcf.identity_provider(&given.text("id")?).await)
    }

    /// `{spec}`
    #[wasm_bindgen(js_name = addIdentityProvider)]
    pub fn add_identity_provider(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| vcf.add_identity_provider(given.optional("spec")?).await)
    }

    /// `{spec, options?}`
    #[wasm_bindgen(js_name = putIdentityProvider)]
    pub fn put_identity_provider(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| {
            let options: Put = given.optional("options")?;
            vcf.put_identity_provider(given.optional("spec")?, options.into()).await
        })
    }

    /// `{id, spec}`
    #[wasm_bindgen(js_name = updateIdentityProvider)]
    pub fn update_identity_provider(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| {
            vcf.update_identity_provider(&given.text("id")?, given.optional("spec")?).await
        })
    }

    /// `{id}`
    #[wasm_bindgen(js_name = deleteIdentityProvider)]
    pub fn delete_identity_provider(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| vcf.delete_identity_provider(&given.text("id")?).await)
    }

    /// `{providerId, spec}`
    #[wasm_bindgen(js_name = addIdentitySource)]
    pub fn add_identity_source(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| {
            vcf.add_identity_source(&given.text("providerId")?, given.optional("spec")?).await
        })
    }

    /// `{providerId, domainName, spec, options?}`
    #[wasm_bindgen(js_name = putIdentitySource)]
    pub fn put_identity_source(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            let options: Put = given.optional("options")?;
            vcf.put_identity_source(&provider, &domain, given.optional("spec")?, options.into()).await
        })
    }

    /// `{providerId, domainName, spec}`
    #[wasm_bindgen(js_name = updateIdentitySource)]
    pub fn update_identity_source(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            vcf.update_identity_source(&provider, &domain, given.optional("spec")?).await
        })
    }

    /// `{providerId, domainName}`
    #[wasm_bindgen(js_name = deleteIdentitySource)]
    pub fn delete_identity_source(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| {
            vcf.delete_identity_source(&given.text("providerId")?, &given.text("domainName")?).await
        })
    }

    /// `{providerId, options?}`
    #[wasm_bindgen(js_name = generateSyncClientToken)]
    pub fn generate_sync_client_token(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| {
            let options: TokenOptions = given.optional("options")?;
            vcf.generate_sync_client_token(&given.text("providerId")?, options.ttl_seconds).await
        })
    }

    /// `{type?}`
    pub fn prechecks(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, mut given| {
            let kind: Option<String> = given.optional("type")?;
            vcf.prechecks(kind.as_deref()).await
        })
    }

    /// `{}`
    #[wasm_bindgen(js_name = sddcManagerOidc)]
    pub fn sddc_manager_oidc(&self, arguments: &str, stop: Option<Promise>) -> Promise {
        self.call(arguments, stop, async |vcf, _| vcf.sddc_manager_oidc().await)
    }
}

impl Vcf {
    fn call<T: serde::Serialize>(
        &self,
        arguments: &str,
        stop: Option<Promise>,
        work: impl AsyncFnOnce(&Session, Arguments) -> Result<T> + 'static,
    ) -> Promise {
        let (vcf, given) = (Rc::clone(&self.0), Arguments::new(arguments));
        promise(stop, async move { work(&vcf, given).await })
    }
}
