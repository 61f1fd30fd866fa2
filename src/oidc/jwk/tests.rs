use super::*;

/// RFC 7515, appendices A.2 and A.3: the keys and signatures of the same claims.
const KEYS: &str = include_str!("../../../tests/fixtures/oidc/keys.json");
const RSA_SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const EC_SIGNED: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const EC_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[test]
fn signatures_of_the_rfc_verify_and_changed_ones_do_not() {
    let keys = read(KEYS.as_bytes()).unwrap();
    let [rsa, ec] = keys.as_slice() else { panic!() };
    for (key, other, signed, signature) in
        [(rsa, ec, RSA_SIGNED, decoded(RSA_SIGNATURE)), (ec, rsa, EC_SIGNED, decoded(EC_SIGNATURE))]
    {
        assert!(key.verifies(signed.as_bytes(), &signature));
        assert!(!other.verifies(signed.as_bytes(), &signature), "another key");
        assert!(!key.verifies(&signed.as_bytes()[1..], &signature), "another text");
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!key.verifies(signed.as_bytes(), &changed), "{at}");
        }
        for wrong in [&[][..], &signature[1..], &[signature.as_slice(), &[0]].concat(), &vec![0; signature.len()]] {
            assert!(!key.verifies(signed.as_bytes(), wrong), "{} bytes", wrong.len());
        }
    }
}

#[test]
fn key_fits_only_its_own_algorithm_and_name() {
    let keys = read(KEYS.as_bytes()).unwrap();
    let fits = |id, algorithm| keys.iter().filter(|key| key.fits(id, algorithm)).count();
    assert_eq!((fits(Some("a2"), Algorithm::Rs256), fits(Some("a3"), Algorithm::Es256)), (1, 1));
    assert_eq!((fits(Some("a2"), Algorithm::Es256), fits(Some("a3"), Algorithm::Rs256)), (0, 0));
    assert_eq!((fits(None, Algorithm::Rs256), fits(Some("A2"), Algorithm::Rs256)), (1, 0));
    for name in ["none", "HS256", "RS384", "PS256", "ES384", "EdDSA", "rs256", ""] {
        assert_eq!(Algorithm::named(name), None, "{name}");
    }
}

#[test]
fn keys_that_must_not_be_used_are_skipped() {
    let modulus = |bytes: usize| URL_SAFE_NO_PAD.encode([vec![0x80; bytes - 1], vec![1]].concat());
    let rsa = |n: &str, more: &str| format!(r#"{{"kty":"RSA","e":"AQAB","n":"{n}"{more}}}"#);
    let usable = |key: &str| read(format!(r#"{{"keys":[{key}]}}"#).as_bytes()).is_some();
    assert!(usable(&rsa(&modulus(256), "")) && usable(&rsa(&modulus(512), r#","use":"sig","alg":"RS256""#)));
    assert!(
        usable(&rsa(&modulus(256), r#","key_ops":["verify"]"#))
            && usable(&rsa(&modulus(256), r#","key_ops":["sign"]"#))
    );
    // Some issuers write a sign byte, or padding.
    let signed = URL_SAFE_NO_PAD.encode([vec![0, 0x80], vec![1; 255]].concat());
    assert!(usable(&rsa(&signed, "")) && usable(&rsa(&format!("{}==", modulus(256)), "")));
    // The longest that are read: 4,096 bits after a zero, and 8 bytes.
    let zeros = |count: usize, bytes: &[u8]| URL_SAFE_NO_PAD.encode([vec![0; count].as_slice(), bytes].concat());
    let longest = [vec![0x80; 511], vec![1]].concat();
    let exponent = [1, 0, 1];
    let padded = |zeros_of_n: usize, zeros_of_e: usize| {
        rsa(&zeros(zeros_of_n, &longest), "").replace("AQAB", &zeros(zeros_of_e, &exponent))
    };
    assert!(usable(&padded(1, 5)) && !usable(&padded(2, 5)) && !usable(&padded(1, 6)));
    let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    for key in [
        rsa(&modulus(128), ""),
        rsa(&modulus(520), ""),
        rsa(&modulus(256), r#","use":"enc""#),
        rsa(&modulus(256), r#","key_ops":["encrypt","wrapKey"]"#),
        rsa(&modulus(256), r#","use":"sig","key_ops":[]"#),
        rsa(&modulus(256), r#","alg":"RS512""#),
        rsa(&modulus(256), "").replace("AQAB", "AQ"),
        rsa(&modulus(256), "").replace("AQAB", &modulus(9)),
        rsa("", ""),
        rsa("!", ""),
        r#"{"kty":"RSA","e":"AQAB"}"#.to_owned(),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{x}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{}"}}"#, &y[4..]),
        format!(r#"{{"kty":"EC","crv":"P-384","x":"{x}","y":"{y}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}"}}"#),
        r#"{"kty":"oct","k":"AAAA"}"#.to_owned(),
        r#"{"kty":7}"#.to_owned(),
        "7".to_owned(),
    ] {
        assert!(!usable(&key), "{key}");
    }
    for document in ["", "[]", "{}", r#"{"keys":[]}"#, r#"{"keys":{}}"#] {
        assert!(read(document.as_bytes()).is_none(), "{document}");
    }
    let of_length = |length: usize| format!("{KEYS}{}", " ".repeat(length - KEYS.len()));
    assert!(read(of_length(MAX_DOCUMENT).as_bytes()).is_some());
    assert!(read(of_length(MAX_DOCUMENT + 1).as_bytes()).is_none());
}
