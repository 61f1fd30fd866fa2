//! The identity provider operations: their requests, results and errors.

use std::time::SystemTime;

use http::Method;
use idhook::error::{Error, ErrorCode};
use idhook::http::TransportErrorKind;
use idhook::vcf::{
    Cache, Checked, Client, DomainName, IdentityProviderSpec, IdentitySourceSpec, ProviderId, TokenLifetime,
};

use crate::support::script::{Call, Script, get, post};
use crate::support::vcf::{PROVIDER, ROOT, SOURCE};
use crate::vcf::session::{first_token, login, target};

const FAILED: &str = include_str!("../../fixtures/vcf/error.answer.json");
const ID: &str = "cc81918d-6772-41ca-8b1b-494aa01c04a0";

fn provider_spec() -> Checked<IdentityProviderSpec> {
    Checked::<IdentityProviderSpec>::to_add(serde_json::from_str(PROVIDER).unwrap(), SystemTime::UNIX_EPOCH).unwrap()
}

fn source_spec() -> Checked<IdentitySourceSpec> {
    Checked::<IdentitySourceSpec>::to_add(serde_json::from_str(SOURCE).unwrap(), SystemTime::UNIX_EPOCH).unwrap()
}

fn id() -> ProviderId {
    ProviderId::parse(ID).unwrap()
}

fn domain() -> DomainName {
    DomainName::parse("corp.example").unwrap()
}

/// Runs `work` against a server that accepts a login and then `call`.
fn with<T>(call: Call, work: impl AsyncFnOnce(&Client<'_, Script>) -> Result<T, Error>) -> Result<T, Error> {
    let script = Script::new([login(), call.header("authorization", first_token())]);
    let (target, memory, out) = (target(), Cache::default(), script.outbound());
    let done = script.run(work(&Client::new(&target, &memory, &out)));
    assert_eq!(out.calls().len(), 2);
    done
}

#[test]
fn every_2xx_status_succeeds() {
    for status in [200, 201, 204] {
        let added =
            with(post(ROOT).answer(status, ""), async |client| client.add_identity_provider(&provider_spec()).await);
        assert_eq!(added.unwrap().id, None);
        let path = format!("{ROOT}/{ID}");
        with(Call::new(Method::PATCH, &path).answer(status, ""), async |client| {
            client.update_identity_provider(&id(), &provider_spec()).await
        })
        .unwrap();
        with(Call::new(Method::DELETE, &path).answer(status, ""), async |client| {
            client.delete_identity_provider(&id()).await
        })
        .unwrap();
        let path = format!("{ROOT}/{ID}/identity-sources");
        with(post(&path).answer(status, ""), async |client| client.add_identity_source(&id(), &source_spec()).await)
            .unwrap();
        let path = format!("{path}/corp.example");
        with(Call::new(Method::PATCH, &path).answer(status, ""), async |client| {
            client.update_identity_source(&id(), &domain(), &source_spec()).await
        })
        .unwrap();
        with(Call::new(Method::DELETE, &path).answer(status, ""), async |client| {
            client.delete_identity_source(&id(), &domain()).await
        })
        .unwrap();
    }
}

#[test]
fn creation_returns_the_id_or_the_servers_sentence() {
    let added_id = include_str!("../../fixtures/vcf/identity-provider-added.answer.txt");
    let added =
        with(post(ROOT).answer(201, added_id), async |client| client.add_identity_provider(&provider_spec()).await)
            .unwrap();
    assert_eq!(added.id.as_deref(), Some(added_id));
    let sentence = include_str!("../../fixtures/vcf/identity-source-added.answer.txt");
    let call = post(format!("{ROOT}/{ID}/identity-sources")).answer(201, sentence);
    let added = with(call, async |client| client.add_identity_source(&id(), &source_spec()).await).unwrap();
    assert_eq!(added.as_deref(), Some(sentence));
}

#[test]
fn vendor_error_details_are_kept() {
    let call = post(format!("{ROOT}/{ID}/identity-sources")).answer(400, FAILED);
    let error = with(call, async |client| client.add_identity_source(&id(), &source_spec()).await).unwrap_err();
    assert_eq!((error.code(), error.target()), (ErrorCode::UpstreamRejected, Some("mgmt")));
    let said = error.evidence().unwrap();
    assert_eq!(said.call, "POST /v1/identity-providers/{id}/identity-sources");
    assert_eq!(said.remediation.as_deref(), Some("Check the LDAP settings"));
    assert_eq!(said.reference.as_deref(), Some("H0IJ5E"));
    assert_eq!(said.details.len(), 3);
}

#[test]
fn names_that_change_the_path_are_rejected() {
    // The client accepts only checked names.
    let longest = "a".repeat(254);
    for bad in
        ["", "  ", ".", "..", "a\nb", "\u{7f}", "a/b", "..%2Fcredentials", "müller.example", "corp.css", &longest]
    {
        for error in [ProviderId::parse(bad).unwrap_err(), DomainName::parse(bad).unwrap_err()] {
            let names_it = error.detail().starts_with("domainName must") || error.detail().starts_with("id must");
            assert!(error.code() == ErrorCode::RequestInvalid && names_it, "{bad:?}: {error}");
            assert!(error.hint_text().is_some(), "{bad:?}");
        }
    }
    let ttl = TokenLifetime::from_seconds(0).unwrap_err();
    assert!(ttl.detail().contains("syncClientTokenTTL"), "{ttl}");
}

#[test]
fn changes_are_not_repeated_once_they_may_have_arrived() {
    let path = format!("{ROOT}/{ID}/sync-client?syncClientTokenTTL=60");
    for call in [post(&path).fail(TransportErrorKind::Interrupted), post(&path).answer(503, "")] {
        let error = with(call, async |client| {
            client.generate_sync_client_token(&id(), TokenLifetime::from_seconds(60).ok()).await
        })
        .unwrap_err();
        assert!(matches!(error.code(), ErrorCode::UpstreamFailed | ErrorCode::UpstreamBusy), "{error}");
    }
}

#[test]
fn missing_identity_broker_hints_at_the_version() {
    let broker = "https://sddc.corp.example/v1/identity-broker";
    let missing = |path: String| get(path).answer(404, r#"{"status":404,"error":"Not Found"}"#);
    let prechecks =
        with(missing(format!("{broker}/prechecks?type=Okta")), async |client| client.prechecks(Some("Okta")).await);
    let oidc = with(missing(format!("{broker}/sddc-manager-oidc")), async |client| client.sddc_manager_oidc().await);
    for error in [prechecks.unwrap_err(), oidc.unwrap_err()] {
        assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
        assert!(error.hint_text().unwrap().contains("VCF 5.1"), "{error}");
    }
}

#[test]
fn identity_broker_answers_are_read() {
    let broker = "https://sddc.corp.example/v1/identity-broker";
    let body = include_str!("../../fixtures/vcf/precheck.answer.json");
    let call = get(format!("{broker}/prechecks")).answer(200, body);
    assert_eq!(with(call, async |client| client.prechecks(None).await).unwrap().status.as_deref(), Some("WARNING"));
    let body = include_str!("../../fixtures/vcf/sync-client.answer.json");
    let call = post(format!("{ROOT}/{ID}/sync-client")).answer(200, body);
    let token = with(call, async |client| client.generate_sync_client_token(&id(), None).await).unwrap().unwrap();
    assert_eq!(token.expire_at.as_deref(), Some("2027-05-20T10:00:00Z"));
}

#[test]
fn nginx_pages_are_explained() {
    let page = |title: &str| format!("<html>\r\n<head><title>{title}</title></head><body></body></html>");
    let broker = "https://sddc.corp.example/v1/identity-broker/sddc-manager-oidc";
    let redirected = get(broker)
        .answer(301, page("301 Moved Permanently"))
        .answer_header("location", "https://sddc.corp.example/ui");
    let error = with(redirected, async |client| client.sddc_manager_oidc().await).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
    assert!(error.detail().contains("this version of SDDC Manager has no such operation"), "{error}");
    assert!(error.hint_text().unwrap().contains("9.0.0"), "{error}");
    let path = format!("{ROOT}/{ID}/identity-sources");
    for (status, title, word) in [
        (413, "413 Request Entity Too Large", "1 MB"),
        (503, "503 Service Temporarily Unavailable", "100 connections"),
        (400, "400 Request Header Or Cookie Too Large", "8 KB"),
        (405, "405 Not Allowed", "static file"),
    ] {
        let call = post(&path).answer(status, page(title)).answer_header("content-type", "text/html");
        let error = with(call, async |client| client.add_identity_source(&id(), &source_spec()).await).unwrap_err();
        assert!(error.hint_text().unwrap().contains(word), "{error}");
    }
}
