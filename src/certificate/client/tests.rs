use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::config::hex32;

const ARIA: &str = include_str!("../../../tests/fixtures/certificates/aria.pem");
const SPIFFE: &str = include_str!("../../../tests/fixtures/certificates/spiffe.pem");
const PLAIN: &str = include_str!("../../../tests/fixtures/certificates/plain.pem");
const HEADERS: &str = include_str!("../../../tests/fixtures/certificates/headers.txt");
const CHAIN: &str = include_str!("../../../tests/fixtures/vcf/chain.pem");
/// The output of `openssl x509 -noout -fingerprint -sha256 -in aria.pem`.
const FINGERPRINT: &str =
    "8F:4A:38:E2:AA:7B:EF:38:9D:AB:22:B0:EB:81:92:19:A5:D1:3F:A1:79:6F:F3:85:BB:33:5C:08:2C:7F:41:DC";

/// Every character but letters and digits as nginx and Envoy write it.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn base64_of(pem: &str) -> String {
    STANDARD.encode(&in_entry(pem).unwrap()[0])
}

fn read(header: &str) -> ClientCertificate {
    ClientCertificate::read(header).unwrap_or_else(|fault| panic!("{header}: {fault}"))
}

fn fault(header: &str) -> String {
    ClientCertificate::read(header).unwrap_err()
}

fn subject(text: &str) -> RequiredCertificate {
    RequiredCertificate { subject: Some(text.to_owned()), ..RequiredCertificate::default() }
}

fn san(text: &str) -> RequiredCertificate {
    RequiredCertificate { san: Some(AlternativeName::parse(text).unwrap()), ..RequiredCertificate::default() }
}

#[test]
fn certificate_is_read_as_proxies_send_it() {
    let sent = HEADERS.lines().map(|line| line.split_once(' ').unwrap().1.to_owned());
    // Traefik and Envoy could not be run; their forms are those of their documentation.
    let traefik = base64_of(ARIA);
    let envoy = format!(
        "By=spiffe://corp.example/ns/idhook;Hash=8f4a;Cert=\"{}\";Subject=\"CN=aria,OU=Automation;x,O=\\\"Corp\\\"\";URI=;DNS=aria",
        encoded(ARIA)
    );
    let rfc_9440 = format!(":{traefik}:");
    let forms: Vec<String> = sent.chain([traefik, envoy, rfc_9440, format!("  {ARIA} ")]).collect();
    assert_eq!(forms.len(), 7);
    for form in forms {
        let certificate = read(&form);
        assert_eq!(certificate.shown(), "CN=aria,OU=Automation,O=Corp", "{form}");
        assert_eq!(certificate.issuer.text, "CN=Corp Client CA,DC=corp,DC=example");
        let names: Vec<_> = certificate.alternative_names.iter().map(|name| (name.kind, name.value.as_str())).collect();
        let expected = [
            ("DNS", "aria.corp.example"),
            ("email", "aria@corp.example"),
            ("UPN", "svc-aria@corp.example"),
            ("URI", "spiffe://corp.example/ns/ci/sa/aria"),
        ];
        assert_eq!(names, expected, "an address is not among the kinds");
    }
    assert_eq!(read(SPIFFE).shown(), "URI:spiffe://corp.example/ns/ci/sa/deploy");
    assert_eq!(read(PLAIN).shown(), "CN=Größe\\, Müller,O=Corp");
}

#[test]
fn header_without_exactly_one_certificate_is_rejected() {
    for header in ["", "?", "CN=aria", ":", "::", ":AAAA:", "%", "%ff", "-----BEGIN CERTIFICATE-----", "SUCCESS"] {
        assert!(fault(header).starts_with("has no readable certificate; "), "{header}: {}", fault(header));
    }
    assert!(fault(&format!(":{}:", &base64_of(ARIA)[..400])).starts_with("has no readable certificate"));
    assert!(fault(CHAIN).starts_with("has 2 certificates; "));
    // Not the first of them: it may be the client's own header, in one line with that of the proxy.
    assert!(fault(&format!("{},{}", base64_of(ARIA), base64_of(SPIFFE))).starts_with("has 2 certificates; "));
    assert!(fault(&encoded(&format!("{ARIA}{SPIFFE}"))).starts_with("has 2 certificates; "));
    assert!(fault(&"A".repeat(MAX_HEADER + 1)).starts_with("has more than 32768 bytes; "));
    assert_eq!(fault(&"A".repeat(MAX_HEADER)), UNREADABLE, "it is short enough to be looked at");
    // Envoy: the header of two hops, and one without the certificate.
    let element = format!("Hash=8f;Cert=\"{}\"", encoded(ARIA));
    assert!(fault(&format!("{element},{element}")).contains("SANITIZE_SET"));
    assert!(fault("Hash=8f4a;Subject=\"CN=aria,OU=Automation,O=Corp\"").contains("has no Cert; "));
}

#[test]
fn quoted_separators_separate_nothing() {
    for (text, parts) in [
        ("a;b;", vec!["a", "b", ""]),
        (r#"a="1;2";b"#, vec![r#"a="1;2""#, "b"]),
        // Escaped: a quote, and a backslash.
        (r#"a="1\";2";b"#, vec![r#"a="1\";2""#, "b"]),
        (r#"a="1\\";b;c"#, vec![r#"a="1\\""#, "b", "c"]),
        (r#"a="1\\\";2";b"#, vec![r#"a="1\\\";2""#, "b"]),
        // Outside of quotes a backslash escapes nothing, and neither does another character.
        (r#"a=\"1;2";b"#, vec![r#"a=\"1;2""#, "b"]),
        (r#"a="1x";b;"2"#, vec![r#"a="1x""#, "b", r#""2"#]),
    ] {
        assert_eq!(unquoted(text, ';'), parts, "{text}");
    }
}

#[test]
fn another_kind_of_other_name_is_no_user_principal_name() {
    // The type 1.3.6.1.4.1.311.20.2.3, and the tag of its value.
    const UPN: [u8; 13] = [6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2, 3, 0xa0];
    let der = in_entry(ARIA).unwrap().remove(0);
    let at = der.windows(UPN.len()).position(|bytes| bytes == UPN).unwrap();
    let has_upn = |der: &[u8]| read(&STANDARD.encode(der)).alternative_names.iter().any(|name| name.kind == "UPN");
    assert!(has_upn(&der));
    for changed in [at + 11, at + 12] {
        let mut other = der.clone();
        other[changed] += 1;
        assert!(!has_upn(&other), "{changed}");
    }
}

#[test]
fn caller_has_everything_that_is_required() {
    let (aria, spiffe, plain) = (read(ARIA), read(SPIFFE), read(PLAIN));
    for (required, certificate) in [
        (subject("CN=aria,OU=Automation,O=Corp"), &aria),
        (subject("cn=aria, ou=Automation, o=Corp"), &aria),
        (subject("CN=Gr\\C3\\B6\\C3\\9Fe\\, M\\C3\\BCller,O=Corp"), &plain),
        (san("DNS:ARIA.corp.example"), &aria),
        (san("upn: svc-aria@CORP.example"), &aria),
        (san("email:aria@corp.example"), &aria),
        (san("URI:spiffe://corp.example/ns/ci/sa/aria"), &aria),
        (san("URI:spiffe://corp.example/ns/ci/sa/deploy"), &spiffe),
    ] {
        assert_eq!(required.check(certificate), Ok(()), "{required:?}");
        let issuer = |name: &str| RequiredCertificate { issuer: Some(name.to_owned()), ..required.clone() };
        assert_eq!(issuer("CN=Corp Client CA,DC=corp,DC=example").check(certificate), Ok(()));
        assert_eq!(issuer("CN=Corp Root CA,DC=corp,DC=example").check(certificate), Err("issuer"));
        let sha256 = |digits: &str| RequiredCertificate { sha256: vec![hex32(digits).unwrap()], ..required.clone() };
        assert_eq!(sha256(&"0".repeat(64)).check(certificate), Err("sha256"));
        let is_aria = certificate.sha256 == aria.sha256;
        assert_eq!(sha256(&FINGERPRINT.replace(':', "")).check(certificate).is_ok(), is_aria);
    }
    for (required, certificate, field) in [
        (subject("CN=Aria,OU=Automation,O=Corp"), &aria, "subject"),
        (subject("CN=aria"), &aria, "subject"),
        (subject("CN=aria,OU=Automation,O=Corp,C=DE"), &aria, "subject"),
        (subject("O=Corp,OU=Automation,CN=aria"), &aria, "subject"),
        // The text that people see in place of an empty subject is nobody's name.
        (subject("(no subject)"), &spiffe, "subject"),
        (san("DNS:corp.example"), &aria, "san"),
        (san("DNS:x.aria.corp.example"), &aria, "san"),
        (san("email:svc-aria@corp.example"), &aria, "san"),
        (san("URI:spiffe://corp.example/ns/ci/sa/ARIA"), &aria, "san"),
        (san("URI:spiffe://corp.example/ns/ci/sa/aria"), &spiffe, "san"),
        (san("DNS:aria.corp.example"), &plain, "san"),
    ] {
        assert_eq!(required.check(certificate), Err(field), "{required:?}");
    }
}

#[test]
fn spiffe_identity_is_the_only_uri() {
    let other = AlternativeName::parse("URI:spiffe://corp.example/ns/other/sa/x").unwrap();
    let web = AlternativeName::parse("URI:https://corp.example/ci").unwrap();
    for more in [&other, &web] {
        let certificate = ClientCertificate {
            alternative_names: [std::slice::from_ref(more), &read(SPIFFE).alternative_names].concat(),
            ..read(SPIFFE)
        };
        assert_eq!(san("URI:spiffe://corp.example/ns/ci/sa/deploy").check(&certificate), Err("san"), "{more:?}");
        assert_eq!(san("URI:https://corp.example/ci").check(&certificate).is_ok(), web.is(more), "{more:?}");
    }
}

#[test]
fn certificate_counts_while_it_is_valid_and_a_minute_of_clocks() {
    let aria = read(ARIA);
    // 2026-01-01T00:00:00Z to 2045-12-27T00:00:00Z.
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    for inside in [1_767_225_540, 1_767_225_600, 2_397_945_600, 2_397_945_660] {
        assert_eq!(aria.check_time(at(inside)), Ok(()), "{inside}");
    }
    assert_eq!(aria.check_time(at(1_767_225_539)).unwrap_err(), "is not valid before 2026-01-01T00:00:00.000Z");
    assert_eq!(aria.check_time(at(2_397_945_661)).unwrap_err(), "expired at 2045-12-27T00:00:00.000Z");
}

#[test]
fn repaired_values_of_a_name_are_nobodys() {
    // The UTF8String `aria` with a byte that is not UTF-8, and as an OCTET STRING: both are shown, and neither is a subject.
    let der = in_entry(ARIA).unwrap().remove(0);
    let at = der.windows(6).rposition(|window| window == [0x0c, 4, b'a', b'r', b'i', b'a']).unwrap();
    let changed = |offset: usize, byte: u8| {
        let mut der = der.clone();
        der[at + offset] = byte;
        ClientCertificate::of_der(&der).unwrap()
    };
    let (broken, other_type) = (changed(2, 0xff), changed(0, 0x04));
    assert_eq!(broken.subject.text, "CN=\u{fffd}ria,OU=Automation,O=Corp");
    assert_eq!(subject(&broken.subject.text).check(&broken), Err("subject"));
    assert_eq!(other_type.subject.text, "CN=aria,OU=Automation,O=Corp");
    assert_eq!(subject(&other_type.subject.text).check(&other_type), Err("subject"));
    // A printable string is a text too.
    let printable = changed(0, 0x13);
    assert_eq!(subject("CN=aria,OU=Automation,O=Corp").check(&printable), Ok(()));
}

proptest! {
    #[test]
    fn any_header_is_read_or_rejected_with_a_fix(
        at: prop::sample::Index, with in any::<u8>(), form in 0_usize..3, text in "[ -~]{0,64}",
    ) {
        let header = HEADERS.lines().nth(form).unwrap().split_once(' ').unwrap().1;
        let mut bytes = header.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = with;
        for header in [String::from_utf8_lossy(&bytes).into_owned(), text.clone(), format!("Hash=1;Cert=\"{text}\"")] {
            if let Err(fault) = ClientCertificate::read(&header) {
                prop_assert!(fault.contains("; ") && fault.len() < 200, "{}", fault);
            }
        }
    }
}
