//! The identity providers: list, read, add, update, delete. All calls are synchronous; none returns a task.

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, invalid, is_uuid, json, read_json, read_shown, segment, with_body};
use crate::vcf::text::{message, plain};
use crate::vcf::version::{Feature, Versioned};
use crate::vcf::{
    AddedProvider, IdentityProvider, IdentityProviderSpec, IdentityProviders, JSON, ProviderId, SyncClientToken, Vcf,
};

fn path(id: &ProviderId) -> String {
    format!("/v1/identity-providers/{}", segment(id.as_str()))
}

/// Checks the id of the provider in the response to [`Get::CALL`]. Any other content is another resource's, which the caller must not
/// see.
fn check_id(requested: &ProviderId, shown: Option<&str>, answer: &http::Response<Bytes>) -> Result<()> {
    match shown {
        Some(id) if id.eq_ignore_ascii_case(requested.as_str()) => Ok(()),
        _ => Err(invalid(Get::CALL, answer, "it is not the identity provider with the requested id")),
    }
}

/// The features that a specification needs.
fn needs(spec: &IdentityProviderSpec) -> &'static [Feature] {
    match spec.fed_idp_spec {
        None => &[Feature::IdentityProviders],
        Some(_) => &[Feature::IdentityProviders, Feature::Federation],
    }
}

/// `GET /v1/identity-providers` (VMware Cloud Foundation API, Identity Providers, "Get all Identity Providers").
#[derive(Debug)]
pub(super) struct List;

impl Endpoint for List {
    type Api = Vcf;
    type Response = IdentityProviders;
    const CALL: &'static str = "GET /v1/identity-providers";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, "/v1/identity-providers", JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<IdentityProviders> {
        let mut list: IdentityProviders = read_shown(Self::CALL, &answer)?;
        list.elements = list.elements.into_iter().map(IdentityProvider::tagged).collect();
        Ok(list)
    }
}

impl Versioned for List {}

/// `GET /v1/identity-providers/{id}` (VMware Cloud Foundation API, Identity Providers, "Get Identity Provider").
#[derive(Debug)]
pub(super) struct Get<'a> {
    pub(super) id: &'a ProviderId,
}

impl Endpoint for Get<'_> {
    type Api = Vcf;
    type Response = IdentityProvider;
    const CALL: &'static str = "GET /v1/identity-providers/{id}";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, &path(self.id), JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<IdentityProvider> {
        let provider: IdentityProvider = read_shown(Self::CALL, &answer)?;
        check_id(self.id, provider.id.as_deref(), &answer)?;
        Ok(provider.tagged())
    }
}

impl Versioned for Get<'_> {}

/// `GET /v1/identity-providers/{id}` (VMware Cloud Foundation API, Identity Providers, "Get Identity Provider"), for the SCIM token of a
/// federated provider, which no other reader of providers gets.
#[derive(Debug)]
pub(super) struct ShownSyncClientToken<'a> {
    pub(super) id: &'a ProviderId,
}

impl Endpoint for ShownSyncClientToken<'_> {
    type Api = Vcf;
    /// `None` if the provider shows no token.
    type Response = Option<SyncClientToken>;
    const CALL: &'static str = Get::CALL;
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, &path(self.id), JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<Option<SyncClientToken>> {
        let mut provider: Value = read_json(Self::CALL, &answer)?;
        check_id(self.id, provider.get("id").and_then(Value::as_str), &answer)?;
        let info = provider.pointer_mut("/fedIdp/syncClientTokenInfo").map(Value::take);
        // A server that masks it does not show it.
        let is_shown = |token: &SyncClientToken| !token.token.expose().contains('*');
        Ok(info.and_then(SyncClientToken::shown_in).filter(is_shown))
    }
}

impl Versioned for ShownSyncClientToken<'_> {}

/// `POST /v1/identity-providers` (VMware Cloud Foundation API, Identity Providers, "Add an external Identity Provider").
///
/// Returns 201 with the bare id of the new provider, with a JSON content type; no version's specification names a schema.
#[derive(Debug)]
pub(super) struct Add<'a> {
    pub(super) spec: &'a IdentityProviderSpec,
}

impl Endpoint for Add<'_> {
    type Api = Vcf;
    type Response = AddedProvider;
    const CALL: &'static str = "POST /v1/identity-providers";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        with_body(Method::POST, "/v1/identity-providers", JSON, JSON, json(self.spec)?)
    }

    /// The provider exists, whatever the response contains.
    fn response(&self, answer: http::Response<Bytes>) -> Result<AddedProvider> {
        let id = match serde_json::from_slice(answer.body()) {
            Ok(Value::Object(mut object)) => match object.remove("id") {
                Some(Value::String(id)) if ProviderId::parse(&id).is_ok() => Some(id),
                _ => None,
            },
            _ => plain(answer.body()).filter(|text| is_uuid(text)),
        };
        let message = if id.is_some() { None } else { message(answer.body()) };
        Ok(AddedProvider { id, message })
    }
}

impl Versioned for Add<'_> {
    fn needs(&self) -> &'static [Feature] {
        needs(self.spec)
    }
}

/// `PATCH /v1/identity-providers/{id}` (VMware Cloud Foundation API, Identity Providers, "Update an external Identity
/// Provider").
///
/// Returns 204.
#[derive(Debug)]
pub(super) struct Update<'a> {
    pub(super) id: &'a ProviderId,
    pub(super) spec: &'a IdentityProviderSpec,
}

impl Endpoint for Update<'_> {
    type Api = Vcf;
    type Response = ();
    const CALL: &'static str = "PATCH /v1/identity-providers/{id}";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        with_body(Method::PATCH, &path(self.id), JSON, JSON, json(self.spec)?)
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

impl Versioned for Update<'_> {
    fn needs(&self) -> &'static [Feature] {
        needs(self.spec)
    }
}

/// `DELETE /v1/identity-providers/{id}` (VMware Cloud Foundation API, Identity Providers, "Delete an external Identity
/// Provider").
///
/// Returns 204.
#[derive(Debug)]
pub(super) struct Delete<'a> {
    pub(super) id: &'a ProviderId,
}

impl Endpoint for Delete<'_> {
    type Api = Vcf;
    type Response = ();
    const CALL: &'static str = "DELETE /v1/identity-providers/{id}";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::DELETE, &path(self.id), JSON)
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

impl Versioned for Delete<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::vcf::testing::{self, compact, read, wire};

    const ACCEPT: &str = "accept: application/json\n";
    const BOTH: &str = "accept: application/json\ncontent-type: application/json\n";

    #[test]
    fn provider_list_is_requested_and_read() {
        assert_eq!(wire(&List), format!("GET /v1/identity-providers\n{ACCEPT}\n"));
        let list = read(&List, include_str!("../../tests/fixtures/vcf/identity-providers.answer.json")).unwrap();
        let kinds: Vec<_> = list.elements.iter().filter_map(|provider| provider.kind.as_deref()).collect();
        assert_eq!(kinds, ["Embedded", "Microsoft ADFS"]);
    }

    #[test]
    fn provider_is_requested_and_read() {
        let get = Get { id: &testing::id("14903101-fe54-448e-96be-6ffadad2284f") };
        assert_eq!(wire(&get), format!("GET /v1/identity-providers/14903101-fe54-448e-96be-6ffadad2284f\n{ACCEPT}\n"));
        let provider = read(&get, include_str!("../../tests/fixtures/vcf/identity-provider-adfs.answer.json")).unwrap();
        assert_eq!(provider.id.as_deref(), Some("14903101-fe54-448e-96be-6ffadad2284f"));
        assert_eq!(provider.status.as_deref(), Some("active"));
    }

    /// The VxRail 5.1.1 pages have a text as the lifetime.
    #[test]
    fn provider_with_a_lifetime_in_another_form_is_read() {
        let get = Get { id: &testing::id("a-1") };
        for (shown, lifetime) in
            [("86400", Some(86_400)), ("\"86400\"", Some(86_400)), ("\"a day\"", None), ("1.5", None)]
        {
            let shown = format!(r#"{{"id": "a-1", "fedIdp": {{"syncClientTokenTTL": {shown}}}}}"#);
            assert_eq!(read(&get, &shown).unwrap().fed_idp.unwrap().sync_client_token_ttl, lifetime, "{shown}");
        }
    }

    #[test]
    fn responses_about_other_objects_are_upstream_invalid() {
        let get = Get { id: &testing::id("a-1") };
        assert!(read(&get, r#"{"id": "A-1", "name": "n"}"#).is_ok());
        for answer in
            [r#"{"elements": [{"id": "c", "password": "hunter2"}]}"#, r#"{"id": "b"}"#, r#"{"id": null}"#, "{}"]
        {
            let error = read(&get, answer).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{answer}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn token_that_the_provider_shows_is_read() {
        let id = &testing::id("8f8a");
        let shown = ShownSyncClientToken { id };
        assert_eq!(wire(&shown), format!("GET /v1/identity-providers/8f8a\n{ACCEPT}\n"));
        let token = |provider: &str| read(&shown, provider).unwrap();
        let provider =
            r#"{"id":"8F8A","fedIdp":{"clientSecret":"x","syncClientTokenInfo":{"token":"a.b.c","expireIn":60}}}"#;
        let found = token(provider).unwrap();
        assert_eq!((found.token.expose(), found.expire_in), ("a.b.c", Some(60)));
        for none in [
            r#"{"id":"8f8a"}"#,
            r#"{"id":"8f8a","fedIdp":{"syncClientTokenInfo":null}}"#,
            r#"{"id":"8f8a","fedIdp":{"syncClientTokenInfo":{"token":"*****"}}}"#,
        ] {
            assert!(token(none).is_none(), "{none}");
        }
        for other in [provider.replace("8F8A", "other"), "{}".to_owned(), "[]".to_owned()] {
            assert_eq!(read(&shown, &other).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{other}");
        }
    }

    #[test]
    fn documented_provider_is_added() {
        let json = include_str!("../../tests/fixtures/vcf/identity-provider-add.request.json");
        let spec = serde_json::from_str(json).unwrap();
        let add = Add { spec: &spec };
        assert_eq!(wire(&add), format!("POST /v1/identity-providers\n{BOTH}\n{}", compact(json)));

        let id = "bb65e41c-e00d-4d74-b417-db72df6024f9";
        let bare = include_str!("../../tests/fixtures/vcf/identity-provider-added.answer.txt");
        for answer in [bare, &format!("\"{bare}\"\n"), &format!(r#"{{"id": "{id}", "name": "My ADFS"}}"#)] {
            assert_eq!(
                read(&add, answer).unwrap(),
                AddedProvider { id: Some(id.to_owned()), message: None },
                "{answer}"
            );
        }
        for (answer, message) in [
            ("", None),
            ("Created", Some("Created")),
            ("Added it\n  successfully", Some("Added it successfully")),
            ("{\"id\": 7}", Some("{\"id\": 7}")),
            ("{}", Some("{}")),
            (r#"{"id": "../../credentials"}"#, Some(r#"{"id": "../../credentials"}"#)),
        ] {
            let read = read(&add, answer).unwrap();
            assert_eq!((read.id, read.message.as_deref()), (None, message), "{answer}");
        }
    }

    #[test]
    fn echo_of_the_specification_has_no_secrets() {
        let json = include_str!("../../tests/fixtures/vcf/identity-provider-add.request.json");
        let spec = serde_json::from_str(json).unwrap();
        let message = read(&Add { spec: &spec }, json).unwrap().message.unwrap();
        assert!(message.contains("My ADFS") && !message.contains("23bf3c38"), "{message}");
        assert_eq!(message.matches('…').count(), 2, "{message}");
    }

    #[test]
    fn documented_provider_is_updated_and_deleted() {
        let json = include_str!("../../tests/fixtures/vcf/identity-provider-update.request.json");
        let spec = serde_json::from_str(json).unwrap();
        let id = "373d09f7-a47e-42d8-9597-293ff84ee6f6";
        let provider = &testing::id(id);
        let update = Update { id: provider, spec: &spec };
        assert_eq!(wire(&update), format!("PATCH /v1/identity-providers/{id}\n{BOTH}\n{}", compact(json)));
        read(&update, "").unwrap();
        read(&update, "anything").unwrap();
        assert_eq!(wire(&Delete { id: provider }), format!("DELETE /v1/identity-providers/{id}\n{ACCEPT}\n"));
        read(&Delete { id: provider }, "").unwrap();
    }
}
