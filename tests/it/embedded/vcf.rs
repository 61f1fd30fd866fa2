//! Sessions with SDDC Manager: conditions, replacement, deletion of absent objects. The options have the webhook's words.

use http::Method;
use idhook::embedded::{
    self, Absent, ApplySpec, ChangeOptions, DeleteOptions, PartOptions, ProviderOptions, UpdateOptions,
};
use idhook::error::ErrorCode;
use idhook::vcf::{IdentityProviderSpec, IdentitySourceSpec, NewCredentials, Outcome};
use serde_json::{Value, json};

use super::sessions::vcf;
use crate::support::script::{Call, get, post};
use crate::support::vcf::{ADFS, LIST, PROVIDER as ADFS_SPEC, ROOT, SOURCE};
use crate::vcf::aliases::listed;
use crate::vcf::session::login;

const ADDED: &str = include_str!("../../fixtures/vcf/identity-provider-added.answer.txt");
const DOMAIN: &str = "embedded-ids.com";

fn options<T: serde::de::DeserializeOwned>(value: Value) -> T {
    embedded::read(value).unwrap()
}

fn provider_spec() -> IdentityProviderSpec {
    options(serde_json::from_str(ADFS_SPEC).unwrap())
}

fn deletion() -> Call {
    Call::new(Method::DELETE, format!("{ROOT}/{ADFS}")).answer(204, "")
}

#[test]
fn change_with_an_old_etag_is_not_sent() {
    let (script, vcf) = vcf([login()]);
    let mut spec: Value = serde_json::from_str(SOURCE).unwrap();
    spec["ldap"]["domainName"] = json!(DOMAIN);
    let spec: IdentitySourceSpec = options(spec);
    let old = || Some("\"0123\"".to_owned());
    let put = ChangeOptions { if_match: old(), ..ChangeOptions::default() };
    let part = PartOptions { if_match: old(), ..PartOptions::default() };
    let delete = || DeleteOptions { if_match: old(), absent: None };
    let new: NewCredentials = options(json!({"password": "new"}));
    let apply: ApplySpec = options(json!({"identityProvider": serde_json::from_str::<Value>(ADFS_SPEC).unwrap()}));
    script.then((0..7).map(|_| listed()));
    let problems = [
        script.run(vcf.put_identity_source("embedded", DOMAIN, spec.clone(), put.clone())).unwrap_err(),
        script
            .run(vcf.update_identity_source("embedded", DOMAIN, spec, UpdateOptions { if_match: old() }))
            .unwrap_err(),
        script.run(vcf.set_identity_source_credentials("embedded", DOMAIN, new, part)).unwrap_err(),
        script.run(vcf.delete_identity_source("embedded", DOMAIN, delete())).unwrap_err(),
        script.run(vcf.delete_identity_provider("external", delete())).unwrap_err(),
        script
            .run(vcf.update_identity_provider("external", provider_spec(), UpdateOptions { if_match: old() }))
            .unwrap_err(),
        script.run(vcf.apply(apply, put)).unwrap_err(),
    ];
    for problem in problems {
        assert_eq!((problem.code, problem.status), (ErrorCode::PreconditionFailed, 412), "{problem}");
    }
}

#[test]
fn etag_of_a_record_is_a_valid_condition() {
    let (script, vcf) = vcf([login(), listed()]);
    let etag = script.run(vcf.identity_providers()).unwrap().elements[1].etag.clone();
    script.then([listed(), deletion()]);
    let options = DeleteOptions { if_match: etag, absent: None };
    assert_eq!(script.run(vcf.delete_identity_provider("external", options)).unwrap(), None);
    let wrong = DeleteOptions { if_match: Some("0123".to_owned()), absent: None };
    let problem = script.run(vcf.delete_identity_provider("external", wrong)).unwrap_err();
    assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (ErrorCode::RequestInvalid, "/ifMatch"));
}

#[test]
fn absent_object_is_an_outcome_only_if_accepted() {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    list["elements"].as_array_mut().unwrap().truncate(1);
    let none = || get(ROOT).answer(200, list.to_string());
    let (script, vcf) = vcf([login(), none(), none(), none()]);
    let ok = || DeleteOptions { absent: Some(Absent::Ok), if_match: None };
    let provider = script.run(vcf.delete_identity_provider("external", ok())).unwrap().unwrap();
    assert_eq!(provider.outcome, Some(Outcome::Unchanged));
    let source = script.run(vcf.delete_identity_source("embedded", "gone.example", ok())).unwrap().unwrap();
    assert_eq!((source.outcome, source.domain_name.as_deref()), (Some(Outcome::Unchanged), Some("gone.example")));
    let problem = script.run(vcf.delete_identity_provider("external", DeleteOptions::default())).unwrap_err();
    assert_eq!(problem.code, ErrorCode::NotFound);
}

#[test]
fn confirmed_replacement_deletes_and_adds_the_provider() {
    let (script, vcf) = vcf([login(), listed()]);
    let replace = |confirm: Option<&str>| ProviderOptions {
        replace: true,
        confirm: confirm.map(str::to_owned),
        ..ProviderOptions::default()
    };
    let problem = script.run(vcf.put_identity_provider(provider_spec(), replace(None))).unwrap_err();
    assert_eq!(problem.code, ErrorCode::RequestInvalid);
    let mut after: Value = serde_json::from_str(LIST).unwrap();
    after["elements"][1] = serde_json::from_str(ADFS_SPEC).unwrap();
    after["elements"][1]["id"] = json!(ADDED.trim());
    script.then([listed(), deletion(), post(ROOT).answer(201, ADDED), get(ROOT).answer(200, after.to_string())]);
    let confirmed = replace(Some("My AD Identity Source"));
    let outcome = script.run(vcf.put_identity_provider(provider_spec(), confirmed)).unwrap();
    assert_eq!((outcome.outcome, outcome.verified), (Some(Outcome::Replaced), Some(true)));
    assert_eq!(outcome.removed.len(), 2, "{outcome:?}");
}

#[test]
fn options_reject_unknown_names_and_words() {
    let pointer = |problem: Box<idhook::error::Problem>| problem.errors[0].pointer.clone();
    assert_eq!(pointer(embedded::read::<ProviderOptions>(json!({"replase": true})).unwrap_err()), "/replase");
    assert_eq!(pointer(embedded::read::<DeleteOptions>(json!({"absent": true})).unwrap_err()), "/absent");
    assert_eq!(pointer(embedded::read::<PartOptions>(json!({"force": true})).unwrap_err()), "/force");
    let all = json!({"force": true, "dryRun": true, "replace": true, "confirm": "x", "ifMatch": "*"});
    assert_eq!(options::<ProviderOptions>(all).if_match.as_deref(), Some("*"));
}
