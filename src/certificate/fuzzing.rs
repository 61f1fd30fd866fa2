//! The entry point for fuzzers: the header in which a proxy passes on a client's certificate.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{ClientCertificate, RequiredCertificate, in_entry};

/// The input as the header's value, and as the certificate itself in each form that proxies use: all forms are the same client, and a
/// rejected header has a reason.
pub(crate) fn client_certificate(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    check(&ClientCertificate::read(&text));
    let ders = in_entry(&text).unwrap_or_else(|| vec![input.to_vec()]);
    let Some(der) = ders.first() else { return };
    let base64 = STANDARD.encode(der);
    // Not the DER of certificates in PKCS#7, which is no certificate; nor what only one of the forms has room for.
    if der.len() > 16 << 10 || in_entry(&base64).is_none_or(|ders| ders.as_slice() != std::slice::from_ref(der)) {
        return;
    }
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    let encoded = pem.replace('\n', "%0A").replace('+', "%2B");
    let forms = [format!(":{base64}:"), encoded.clone(), pem, format!("Hash=0;Cert=\"{encoded}\";URI=")];
    let mut read = forms.iter().map(|form| ClientCertificate::read(form));
    let Some(first) = read.next() else { return };
    check(&first);
    for other in read {
        let same = match (&first, &other) {
            (Ok(first), Ok(other)) => format!("{first:?}") == format!("{other:?}"),
            (Err(first), Err(other)) => first == other,
            _ => false,
        };
        assert!(same, "{first:?} in one form, {other:?} in another");
    }
    if let Ok(certificate) = first {
        fits_only_itself(&certificate, der);
    }
}

fn check(read: &Result<ClientCertificate, String>) {
    let shown = match read {
        Ok(certificate) => {
            for days in [0, 20_000, 40_000] {
                let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * days);
                assert!(certificate.check_time(now).err().is_none_or(|why| !why.is_empty()));
            }
            certificate.shown()
        }
        Err(why) => why.clone(),
    };
    assert!(shown.len() <= 700 && !shown.contains(char::is_control), "{shown:?}");
    assert!(read.is_ok() || !shown.is_empty(), "a header is rejected without a reason");
}

/// Its own fingerprint is accepted and no other; a subject that it does not have is rejected.
fn fits_only_itself(certificate: &ClientCertificate, der: &[u8]) {
    let pinned = |sha256| RequiredCertificate { sha256: vec![sha256], ..RequiredCertificate::default() };
    let own: [u8; 32] = Sha256::digest(der).into();
    let mut other = own;
    other[0] ^= 1;
    assert_eq!(pinned(own).check(certificate), Ok(()));
    assert_eq!(pinned(other).check(certificate), Err("sha256"));
    let named = RequiredCertificate { subject: Some("CN=nobody,O=None".to_owned()), ..RequiredCertificate::default() };
    let is_nobody = certificate.shown().eq_ignore_ascii_case("CN=nobody,O=None");
    assert!(is_nobody || named.check(certificate) == Err("subject"), "{certificate:?}");
}
