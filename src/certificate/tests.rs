use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

const SDDC: Form = Form::Base64OfPem;

const CHAIN: &str = include_str!("../../tests/fixtures/vcf/chain.pem");
const EXPIRED: &str = include_str!("../../tests/fixtures/vcf/expired.pem");
const FUTURE: &str = include_str!("../../tests/fixtures/vcf/future.pem");
const ODD_NAME: &str = include_str!("../../tests/fixtures/vcf/odd-name.pem");
/// The output of `openssl crl2pkcs7 -nocrl -certfile chain.pem`.
const PKCS7: &str = include_str!("../../tests/fixtures/vcf/chain.p7b.pem");
const VERSION_1: &str = include_str!("../../tests/fixtures/vcf/version1.pem");

/// 2027-01-01T00:00:00Z.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600)
}

/// [`check`] of the chain at `at`.
fn check_chain(
    at: &str,
    chain: &[String],
    form: Form,
    now: SystemTime,
    facts: &mut Vec<CertificateFacts>,
    errors: &mut Vec<FieldError>,
) {
    let entries: Vec<_> = chain.iter().enumerate().map(|(index, entry)| (format!("{at}/{index}"), entry)).collect();
    check(&entries, form, now, facts, errors);
}

fn checked(entry: &str) -> (Vec<CertificateFacts>, Vec<FieldError>) {
    let (mut facts, mut errors) = (Vec::new(), Vec::new());
    check_chain("/certChain", &[entry.to_owned()], SDDC, now(), &mut facts, &mut errors);
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
fn all_certificates_of_an_entry_are_listed() {
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
fn names_follow_rfc_4514() {
    let (facts, errors) = checked(&STANDARD.encode(ODD_NAME));
    assert_eq!(errors, []);
    assert_eq!(facts[0].subject, r#"CN=\#Žluťoučký+emailAddress=ca@corp.example,O=Größe\, Müller \+ \"Co\"\ ,C=DE"#);
    assert_eq!(facts[0].not_after, "2056-01-01T00:00:00Z");
    assert_eq!(checked(&STANDARD.encode(VERSION_1)).0[0].subject, "CN=Corp V1 CA");
}

#[test]
fn expired_and_future_certificates_are_named() {
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
fn certificate_expires_after_its_last_second() {
    let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_593_518_400 + seconds);
    let days = |now| {
        let (mut facts, mut errors) = (Vec::new(), Vec::new());
        check_chain("", &[STANDARD.encode(EXPIRED)], SDDC, now, &mut facts, &mut errors);
        facts.first().map(|facts| facts.expires_in_days)
    };
    assert_eq!(days(at(0) - Duration::from_secs(86_400)), Some(1));
    assert_eq!(days(at(0)), Some(0));
    assert_eq!(days(at(1)), None);
}

#[test]
fn known_form_is_kept_and_others_are_converted() {
    let known = STANDARD.encode(CHAIN);
    assert_eq!(on_the_wire(&known, SDDC), known);
    // Wrapped, as `base64` without -w0 prints it, and without padding.
    let wrapped: String =
        known.as_bytes().chunks(76).map(|line| format!("{}\n", std::str::from_utf8(line).unwrap())).collect();
    assert_eq!(on_the_wire(&wrapped, SDDC), known);
    assert_eq!(on_the_wire(known.trim_end_matches('='), SDDC), known);
    // PEM, also with Windows line ends and with openssl's text around it.
    assert_eq!(on_the_wire(CHAIN, SDDC), known);
    assert_eq!(on_the_wire(&CHAIN.replace('\n', "\r\n"), SDDC), known);
    assert_eq!(on_the_wire(&format!("subject=CN = x\n{CHAIN}\nServer certificate\n"), SDDC), known);
    // DER.
    let der = &in_entry(EXPIRED).unwrap()[0];
    assert_eq!(on_the_wire(&STANDARD.encode(der), SDDC), STANDARD.encode(EXPIRED));
    // Converting again changes nothing.
    assert_eq!(on_the_wire(&on_the_wire(CHAIN, SDDC), SDDC), known);
    // Unreadable entries stay unchanged; they were rejected before.
    assert_eq!(on_the_wire("???", SDDC), "???");
}

#[test]
fn other_contents_are_rejected_with_a_fix() {
    let truncated = &CHAIN[..200];
    let request = CHAIN.replace("CERTIFICATE-----", "CERTIFICATE REQUEST-----");
    let der = &in_entry(EXPIRED).unwrap()[0];
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
fn private_keys_are_rejected_and_not_shown() {
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
        let pem = format!("{CHAIN}-----BEGIN {label}-----\nc2VjcmV0\n-----END {label}-----\n");
        for entry in [pem.clone(), STANDARD.encode(&pem)] {
            let detail = detail(&entry);
            assert!(detail.contains("private key") && !detail.contains("c2VjcmV0"), "{detail}");
        }
    }
}

#[test]
fn escaped_line_breaks_are_read() {
    let known = STANDARD.encode(CHAIN);
    let escaped = CHAIN.replace('\n', "\\n");
    for entry in [
        escaped.clone(),
        CHAIN.replace('\n', "\\r\\n"),
        STANDARD.encode(&escaped),
        known.as_bytes().chunks(76).map(|line| format!("{}\\n", std::str::from_utf8(line).unwrap())).collect(),
    ] {
        assert_eq!((checked(&entry).0.len(), on_the_wire(&entry, SDDC).as_ref()), (2, known.as_str()), "{entry}");
    }
}

#[test]
fn byte_order_marks_and_utf_16_are_converted() {
    let known = STANDARD.encode(CHAIN);
    let utf16 = |mark: u16, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(mark).chain(CHAIN.encode_utf16()).flat_map(bytes).collect()
    };
    for entry in [
        format!("\u{feff}{CHAIN}"),
        STANDARD.encode(format!("\u{feff}{CHAIN}")),
        STANDARD.encode(utf16(0xfeff, u16::to_le_bytes)),
        STANDARD.encode(utf16(0xfeff, u16::to_be_bytes)),
        STANDARD.encode(format!("Bag Attributes\n{CHAIN}")),
        STANDARD.encode(&known),
        known.replace('+', "-").replace('/', "_"),
        format!("\u{feff}{known}"),
    ] {
        assert_eq!(on_the_wire(&entry, SDDC), known, "{entry}");
        assert_eq!(checked(&entry).0.len(), 2, "{entry}");
    }
}

#[test]
fn pkcs7_containers_are_unpacked() {
    let known = STANDARD.encode(CHAIN);
    let der: String = PKCS7.lines().filter(|line| !line.starts_with("-----")).collect();
    let as_certificate = PKCS7.replace("PKCS7", "CERTIFICATE");
    for entry in [PKCS7, &der, &as_certificate, &STANDARD.encode(PKCS7), &STANDARD.encode(&as_certificate)] {
        assert_eq!((checked(entry).1, on_the_wire(entry, SDDC).as_ref()), (vec![], known.as_str()), "{entry}");
    }
    // One without certificates, one in BER, and two that hold something else: SEQUENCE { INTEGER 0 } as in a key, and a container.
    for entry in [
        "MBwGCSqGSIb3DQEHAqAPMA0CAQExADAGBgQqAwQF",
        "MIAGCSqGSIb3DQEHAqCAAAAAAA==",
        "MCMGCSqGSIb3DQEHAqAWMBQCAQExADAGBgQqAwQFoAUwAwIBAA==",
        "MDwGCSqGSIb3DQEHAqAvMC0CAQExADAGBgQqAwQFoB4wHAYJKoZIhvcNAQcCoA8wDQIBATEAMAYGBCoDBAU=",
    ] {
        assert!(detail(entry).contains("openssl pkcs7"), "{}", detail(entry));
    }
}

#[test]
fn keys_and_pkcs12_containers_are_rejected() {
    // SEQUENCE { INTEGER 3 } and SEQUENCE { INTEGER 0 }
    for entry in ["MAMCAQM=", "MAMCAQA="] {
        assert!(detail(entry).contains("PKCS#12"), "{}", detail(entry));
    }
}

#[test]
fn expired_ca_is_accepted_beside_its_successor() {
    let old = in_entry(EXPIRED).unwrap().remove(0);
    let at = old.windows(13).position(|window| window == b"200630120000Z").unwrap();
    let mut renewed = old.clone();
    renewed[at..at + 2].copy_from_slice(b"40");
    let (old, renewed) = (STANDARD.encode(&old), STANDARD.encode(&renewed));
    let whole = |chain: &[&str]| {
        let chain: Vec<_> = chain.iter().map(|entry| (*entry).to_owned()).collect();
        let (mut facts, mut errors) = (Vec::new(), Vec::new());
        check_chain("/c", &chain, SDDC, now(), &mut facts, &mut errors);
        let warned: Vec<_> = facts.into_iter().map(|one| (one.pointer, one.warning.is_some())).collect();
        (warned, errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>())
    };
    let told = |pointer: &str, warned| (pointer.to_owned(), warned);
    assert_eq!(whole(&[&old, &renewed]), (vec![told("/c/0", true), told("/c/1", false)], vec![]));
    assert_eq!(whole(&[&renewed, &old]), (vec![told("/c/0", false), told("/c/1", true)], vec![]));
    assert_eq!(whole(&[&old]), (vec![], vec!["/c/0".to_owned()]));
    // Another subject's certificate does not help, nor another expired one.
    assert_eq!(whole(&[&old, &STANDARD.encode(VERSION_1)]).1, ["/c/0"]);
    assert_eq!(whole(&[&old, &old]).1, ["/c/0", "/c/1"]);
}

#[test]
fn entries_are_sent_in_the_form_that_the_server_accepts() {
    let known = STANDARD.encode(CHAIN);
    let der = STANDARD.encode(&in_entry(CHAIN).unwrap()[0]);
    let first = &CHAIN[..CHAIN.find("-----END CERTIFICATE-----\n").unwrap() + 26];
    for (entry, sent) in [(CHAIN, CHAIN), (known.as_str(), CHAIN), (der.as_str(), first), ("???", "???")] {
        assert_eq!(on_the_wire(entry, Form::Pem), sent, "{entry}");
    }
    let mut errors = Vec::new();
    check_chain("/c", &["???".to_owned()], Form::Pem, now(), &mut Vec::new(), &mut errors);
    assert!(errors[0].detail.contains("text of a PEM file"), "{errors:?}");
}

proptest! {
    #[test]
    fn any_entry_can_be_checked(text in "\\PC*", bytes in any::<Vec<u8>>(), at in 0_usize..400, byte in any::<u8>()) {
        checked(&text);
        on_the_wire(&text, SDDC);
        on_the_wire(&text, Form::Pem);
        checked(&STANDARD.encode(&bytes));
        checked(&format!("-----BEGIN CERTIFICATE-----{text}-----END CERTIFICATE-----"));
        // A certificate with one changed byte gets further than random bytes.
        for pem in [EXPIRED, ODD_NAME, VERSION_1] {
            let mut der = in_entry(pem).unwrap().remove(0);
            let at = at % der.len();
            der[at] = byte;
            checked(&STANDARD.encode(&der));
        }
    }
}
