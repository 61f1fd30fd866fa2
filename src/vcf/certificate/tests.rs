use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::*;

const CHAIN: &str = include_str!("../../../tests/fixtures/vcf/chain.pem");
const EXPIRED: &str = include_str!("../../../tests/fixtures/vcf/expired.pem");
const FUTURE: &str = include_str!("../../../tests/fixtures/vcf/future.pem");
const ODD_NAME: &str = include_str!("../../../tests/fixtures/vcf/odd-name.pem");
const VERSION_1: &str = include_str!("../../../tests/fixtures/vcf/version1.pem");

/// 2027-01-01T00:00:00Z.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600)
}

fn checked(entry: &str) -> (Vec<CertificateFacts>, Vec<FieldError>) {
    let (mut facts, mut errors) = (Vec::new(), Vec::new());
    check("/certChain/0", entry, now(), &mut facts, &mut errors);
    (facts, errors)
}

fn detail(entry: &str) -> String {
    let (facts, errors) = checked(entry);
    assert!(facts.is_empty(), "{facts:?}");
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!(error.pointer, "/certChain/0");
    error.detail.clone()
}

#[test]
fn every_certificate_of_an_entry_is_told() {
    let (facts, errors) = checked(&STANDARD.encode(CHAIN));
    assert_eq!(errors, []);
    let told: Vec<_> =
        facts.iter().map(|facts| (facts.subject.as_str(), facts.not_after.as_str(), facts.expires_in_days)).collect();
    assert_eq!(
        told,
        [
            ("CN=Corp Issuing CA,DC=corp,DC=example", "2031-01-01T00:00:00Z", 1461),
            ("CN=Corp Root CA,DC=corp,DC=example", "2046-01-01T00:00:00Z", 6940),
        ]
    );
    assert_eq!(
        serde_json::to_string(&facts[0]).unwrap(),
        r#"{"pointer":"/certChain/0","subject":"CN=Corp Issuing CA,DC=corp,DC=example","notAfter":"2031-01-01T00:00:00Z","expiresInDays":1461}"#
    );
}

#[test]
fn names_are_written_as_rfc_4514_says() {
    let (facts, errors) = checked(&STANDARD.encode(ODD_NAME));
    assert_eq!(errors, []);
    assert_eq!(facts[0].subject, r#"CN=\#Žluťoučký+emailAddress=ca@corp.example,O=Größe\, Müller \+ \"Co\"\ ,C=DE"#);
    assert_eq!(facts[0].not_after, "2056-01-01T00:00:00Z");
    assert_eq!(checked(&STANDARD.encode(VERSION_1)).0[0].subject, "CN=Corp V1 CA");
}

#[test]
fn a_certificate_out_of_its_time_is_named() {
    let old = detail(&STANDARD.encode(EXPIRED));
    assert!(old.contains("CN=Corp Old CA,DC=corp,DC=example expired on 2020-06-30T12:00:00Z"), "{old}");
    let (_, errors) = checked(&STANDARD.encode(FUTURE));
    assert!(
        errors[0].detail.contains("CN=Corp Next CA,DC=corp,DC=example is not valid before 2040-01-01T00:00:00Z"),
        "{errors:?}"
    );
    let (facts, errors) = checked(&STANDARD.encode(format!("{CHAIN}{EXPIRED}")));
    assert_eq!((facts.len(), errors.len()), (2, 1));
}

#[test]
fn a_certificate_expires_after_its_last_second() {
    let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_593_518_400 + seconds);
    let days = |now| {
        let (mut facts, mut errors) = (Vec::new(), Vec::new());
        check("", &STANDARD.encode(EXPIRED), now, &mut facts, &mut errors);
        facts.first().map(|facts| facts.expires_in_days)
    };
    assert_eq!(days(at(0) - Duration::from_secs(86_400)), Some(1));
    assert_eq!(days(at(0)), Some(0));
    assert_eq!(days(at(1)), None);
}

#[test]
fn the_known_form_is_sent_as_it_came_and_the_others_are_turned_into_it() {
    let known = STANDARD.encode(CHAIN);
    assert_eq!(on_the_wire(&known), known);
    // Wrapped, as `base64` without -w0 prints it, and without its padding.
    let wrapped: String =
        known.as_bytes().chunks(76).map(|line| format!("{}\n", std::str::from_utf8(line).unwrap())).collect();
    assert_eq!(on_the_wire(&wrapped), known);
    assert_eq!(on_the_wire(known.trim_end_matches('=')), known);
    // PEM itself, also with Windows lines and with what openssl prints around it.
    assert_eq!(on_the_wire(CHAIN), known);
    assert_eq!(on_the_wire(&CHAIN.replace('\n', "\r\n")), known);
    assert_eq!(on_the_wire(&format!("subject=CN = x\n{CHAIN}\nServer certificate\n")), known);
    // DER.
    let der = &pem_blocks(EXPIRED).unwrap()[0];
    assert_eq!(on_the_wire(&STANDARD.encode(der)), STANDARD.encode(EXPIRED));
    // And again: nothing changes any more.
    assert_eq!(on_the_wire(&on_the_wire(CHAIN)), known);
    // What cannot be read is left alone; it was refused before.
    assert_eq!(on_the_wire("???"), "???");
}

#[test]
fn what_is_no_certificate_is_refused_with_what_to_do() {
    let truncated = &CHAIN[..200];
    let request = CHAIN.replace("CERTIFICATE-----", "CERTIFICATE REQUEST-----");
    let der = &pem_blocks(EXPIRED).unwrap()[0];
    for entry in [
        "",
        " ",
        "???",
        "aGVsbG8=",
        "MAA=",
        truncated,
        &request,
        &STANDARD.encode(truncated),
        &STANDARD.encode(&der[..der.len() - 1]),
    ] {
        assert!(detail(entry).contains("base64 -w0 chain.pem"), "{entry:?}: {}", detail(entry));
    }
}

#[test]
fn a_private_key_is_refused_and_not_repeated() {
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
        let pem = format!("{CHAIN}-----BEGIN {label}-----\nc2VjcmV0\n-----END {label}-----\n");
        for entry in [pem.clone(), STANDARD.encode(&pem)] {
            let detail = detail(&entry);
            assert!(detail.contains("private key") && !detail.contains("c2VjcmV0"), "{detail}");
        }
    }
}

proptest! {
    #[test]
    fn no_entry_makes_a_check_panic(text in "\\PC*", bytes in any::<Vec<u8>>(), at in 0_usize..400, byte in any::<u8>()) {
        checked(&text);
        on_the_wire(&text);
        checked(&STANDARD.encode(&bytes));
        checked(&format!("-----BEGIN CERTIFICATE-----{text}-----END CERTIFICATE-----"));
        // A certificate with one byte changed gets further in than noise does.
        for pem in [EXPIRED, ODD_NAME, VERSION_1] {
            let mut der = pem_blocks(pem).unwrap().remove(0);
            let at = at % der.len();
            der[at] = byte;
            checked(&STANDARD.encode(&der));
        }
    }
}
