use super::*;
use crate::vcf::testing::compact;

/// Reads `json` as `T` and serialises it again; names stay in the vendor's order.
fn again<T: Serialize + for<'de> Deserialize<'de>>(json: &str) -> String {
    serde_json::to_string(&serde_json::from_str::<T>(json).unwrap()).unwrap()
}

const GUIDE: &str = include_str!("../../../tests/fixtures/vcf/identity-providers.answer.json");
const FEDERATED: &str = include_str!("../../../tests/fixtures/vcf/identity-provider-federated.answer.json");

#[test]
fn documented_list_survives_a_round_trip() {
    let list: IdentityProviders = serde_json::from_str(GUIDE).unwrap();
    let [embedded, adfs] = list.elements.as_slice() else { panic!("{list:?}") };
    assert!(embedded.is_embedded() && !adfs.is_embedded());
    let source = &embedded.identity_sources.as_ref().unwrap()[2];
    assert_eq!(source.ldap.as_ref().unwrap().domain_alias.as_deref(), Some("embedded-ids"));
    assert_eq!(serde_json::to_value(&list).unwrap(), serde_json::from_str::<Value>(GUIDE).unwrap());
    let adfs = include_str!("../../../tests/fixtures/vcf/identity-provider-adfs.answer.json");
    assert_eq!(again::<IdentityProvider>(adfs), compact(adfs));
}

#[test]
fn federated_provider_is_shown_without_its_token() {
    let provider: IdentityProvider = serde_json::from_str(FEDERATED).unwrap();
    let token = "eyJhbGciOiJSUzI1NiJ9.c2NpbQ.c2NpbQ";
    assert!(FEDERATED.contains(token) && !format!("{provider:?}").contains(token));
    let mut expected: Value = serde_json::from_str(FEDERATED).unwrap();
    expected["fedIdp"]["syncClientTokenInfo"].as_object_mut().unwrap().remove("token").unwrap();
    assert_eq!(serde_json::to_value(&provider).unwrap(), expected);
}

#[test]
fn unknown_fields_are_preserved_at_every_level() {
    let json = r#"{"elements":[{"id":"a","identitySources":[{"name":"s","ldap":{"sourceDetails":{"n1":[1,2.5,null]},"n2":{"a":"b"}},"n3":-1}],"oidc":{"n4":true},"fedIdp":{"directoryList":{"n5":"x"},"syncClientTokenInfo":{"n6":18446744073709551615},"n7":""},"n8":[]}],"pageMetadata":{"pageNumber":0,"n9":1},"n10":null}"#;
    assert_eq!(again::<IdentityProviders>(json), json);
    let json = r#"{"status":"SUCCESS","details":[{"type":"t","n":1}],"n":2}"#;
    assert_eq!(again::<PrecheckResult>(json), json);
    let json = r#"{"oidcClientId":"c","n":{}}"#;
    assert_eq!(again::<SddcManagerOidc>(json), json);
}

#[test]
fn odd_fields_do_not_break_the_list() {
    assert!(serde_json::from_str::<IdentityProviders>("{}").unwrap().elements.is_empty());
    assert!(serde_json::from_str::<IdentityProviders>(r#"{"elements":null}"#).unwrap().elements.is_empty());
    let many = r#"{"directoryList":[{"name":"d"}],"syncClientTokenInfo":{"expireIn":"60","expireAt":1795168800,"token":null}}"#;
    let federated: FederatedIdentityProviderInfo = serde_json::from_str(many).unwrap();
    assert!(matches!(federated.directory_list, Some(DirectoryList::Many(list)) if list.len() == 1));
    let token = federated.sync_client_token_info.unwrap();
    assert_eq!((token.expire_in, token.expire_at.as_deref()), (Some(60), Some("1795168800")));
    assert!(token.token.is_none());
}

#[test]
fn precheck_of_vcf_5_1_is_read() {
    let old = include_str!("../../../tests/fixtures/vcf/precheck-5.1.answer.json");
    assert_eq!(again::<PrecheckResult>(old), r#"{"status":"SUCCESS","details":[{"type":"ELM"}]}"#);
}
