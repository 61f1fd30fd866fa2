//! Bringing one group in by its distinguished name, without a sync.

use idhook::error::{Error, ErrorCode, Result};
use idhook::fleet::Provisioning;
use idhook::http::TransportErrorKind;

use crate::support::fleet::{CORP, Fleet, LOGIN, PROVIDER, directory_url};
use crate::support::script::{Call, post};

const GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
const PRINCIPAL: &str = r#"{"principalId":"550e8400","name":"gg-new","dn":"CN=gg-new,OU=Groups,DC=corp,DC=example","principalType":"GROUP"}"#;

fn provisions() -> Call {
    let body = format!(r#"{{"dn":"{GROUP}","principalType":"GROUP"}}"#);
    post(directory_url("/principals")).header("authorization", "OpsToken t::1").body(body)
}

fn provision(call: Call) -> Result<Provisioning> {
    Fleet::with_login([call]).run(async |client| client.provision(PROVIDER, CORP, GROUP).await)
}

fn unproved(call: Call) -> Error {
    match provision(call) {
        Ok(Provisioning::Unproved(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn principal_with_an_id_is_proved() {
    for status in [200, 201] {
        match provision(provisions().answer(status, PRINCIPAL)) {
            Ok(Provisioning::Done(group)) => {
                assert_eq!((group.group_id.as_str(), group.group_name.as_deref()), ("550e8400", Some("gg-new")));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn known_principal_is_left_to_a_look_up() {
    let says = |message: &str| format!(r#"{{"message":"{message}","httpStatusCode":400,"apiErrorCode":1501}}"#);
    for (status, body) in [
        (409, says("conflict")),
        (409, String::new()),
        (400, says("The principal exists ALREADY")),
        (400, r#"{"message":"x","moreInformation":[{"name":"errorName","value":"already.provisioned"}]}"#.to_owned()),
        (422, says("already there")),
    ] {
        let error = unproved(provisions().answer(status, body.clone()));
        assert_eq!((error.code(), error.target()), (ErrorCode::UpstreamRejected, Some("nine")), "{body}");
    }
}

#[test]
fn uncertain_outcome_is_left_to_a_look_up() {
    for call in [
        provisions().answer(500, ""),
        provisions().answer(200, "{}"),
        provisions().answer(201, ""),
        provisions().answer(200, "<html></html>"),
        provisions().fail(TransportErrorKind::Interrupted),
        provisions().fail(TransportErrorKind::Timeout),
    ] {
        unproved(call);
    }
}

#[test]
fn certain_rejection_is_an_error() {
    let says = r#"{"message":"The group is not compliant.","apiErrorCode":1501}"#;
    for (call, code) in [
        (provisions().answer(400, says), ErrorCode::UpstreamRejected),
        (provisions().answer(403, says), ErrorCode::UpstreamForbidden),
        (provisions().answer(404, says), ErrorCode::NotFound),
        (provisions().answer(405, ""), ErrorCode::NotSupported),
        (provisions().fail(TransportErrorKind::Tls), ErrorCode::UpstreamTls),
        (provisions().fail(TransportErrorKind::NotSent), ErrorCode::UpstreamTimeout),
    ] {
        assert_eq!(provision(call).unwrap_err().code(), code);
    }
    // The request was not sent.
    let fleet = Fleet::new([post(LOGIN).fail(TransportErrorKind::Timeout)]);
    let error = fleet.run(async |client| client.provision(PROVIDER, CORP, GROUP).await).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamTimeout);
}
