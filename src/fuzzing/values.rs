//! Entry points for the values that occur in requests, responses and variables alike.

use std::fmt::Write as _;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::certificate::{self, Form};
use crate::redact::{blank_secret_fields, secrets_in_body, strike, strike_json};
use crate::secret::Secret;
use crate::{api_key, dn, error, json, spelling, template};

/// Distinguished names: one normal form for all spellings.
pub(super) fn distinguished_name(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (one, other) = text.split_once('\n').unwrap_or((&text, ""));
    let key = dn::Key::of(one);
    assert!(key.is_within(&key));
    match dn::tidy(one) {
        Ok(tidy) => {
            assert!(tidy.len() <= one.len(), "longer than it was: {tidy}");
            assert_eq!(dn::tidy(&tidy).as_ref(), Ok(&tidy), "tidy twice");
            assert_eq!(dn::Key::of(&tidy), key, "another name: {tidy}");
            let form = dn::directory_form(&tidy);
            assert_eq!(dn::directory_form(&form), form, "the form of a form");
            assert_eq!(dn::Key::of(&form), key, "another name: {form}");
        }
        Err(why) => assert!(!why.is_empty()),
    }
    if let Some((value, parent)) = dn::value_and_parent(one) {
        assert!(value.len() <= 3 * one.len() && parent.len() <= 3 * one.len());
    }
    assert!(dn::domain(one).is_none_or(|domain| domain.len() <= 3 * one.len()));
    dn::is_dn(one);
    dn::holds_several(one);
    let folded = dn::folded(one);
    assert_eq!(dn::composed(&folded), folded, "composed once");
    assert_eq!(dn::Key::of(other) == key, key == dn::Key::of(other));
}

/// An entry of a certificate chain: what is read is the same in the form that the server accepts.
pub(super) fn certificates(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Some(ders) = certificate::in_entry(&text) else {
        return assert_eq!(certificate::on_the_wire(&text, Form::Pem), text);
    };
    assert!(!ders.is_empty());
    for form in [Form::Pem, Form::Base64OfPem] {
        let sent = certificate::on_the_wire(&text, form);
        assert!(sent.len() <= 4 * text.len() + 200 * ders.len(), "{} bytes of {}", sent.len(), text.len());
        assert_eq!(certificate::in_entry(&sent).as_ref(), Some(&ders), "other certificates are sent");
        assert!(!sent.contains("PRIVATE KEY"), "a private key is sent");
    }
    for der in &ders {
        assert!(!certificate::describe(der).is_empty());
    }
    let (mut facts, mut errors) = (Vec::new(), Vec::new());
    certificate::check(
        &[("/0".to_owned(), &text.clone().into_owned())],
        Form::Pem,
        SystemTime::UNIX_EPOCH,
        &mut facts,
        &mut errors,
    );
    assert_eq!(facts.len() + errors.len(), ders.len(), "a certificate is neither accepted nor rejected");
    assert!(errors.iter().all(|error| !error.detail.is_empty()));
    certificate::add_facts("/0", &text, SystemTime::UNIX_EPOCH, &mut facts);
}

/// The secret in the first line is removed from the text after it, in all its encodings.
pub(super) fn redaction(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (first, text) = text.split_once('\n').unwrap_or((&text, ""));
    let secret = Secret::new(first);
    // The mark itself may complete a secret that contains it.
    if first.len() < 4 || first.contains('…') {
        return;
    }
    let json = Value::from(first).to_string();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default();
    let units = first.encode_utf16().fold(String::new(), |text, unit| format!("{text}\\u{unit:04x}"));
    let html = first.chars().fold(String::new(), |text, c| format!("{text}&#{};", u32::from(c)));
    let percent = utf8_percent_encode(first, NON_ALPHANUMERIC).to_string();
    let base64 = STANDARD.encode(format!("user:{first}"));
    for encoded in [first, json, &units, &html, &percent, &base64] {
        // A backslash, percent sign or letter beside it could change its meaning.
        assert!(
            encoded.len() < 6 || !strike(&format!(" {encoded} "), &[&secret]).contains(encoded),
            "{encoded} is left"
        );
        let struck = strike(&format!("{text} {encoded} {text}"), &[&secret]);
        assert!(!struck.contains(first), "the secret is left: {struck}");
        assert!(struck.len() <= 2 * text.len() + encoded.len() + 2);
    }
    if let Ok(mut value) = serde_json::from_str::<Value>(text) {
        strike_json(&mut value, &[&secret]);
        assert!(!texts(&value).iter().any(|text| text.contains(first)), "the secret is left: {value}");
        blank_secret_fields(&mut value);
        let once = value.clone();
        blank_secret_fields(&mut value);
        assert_eq!(once, value, "blanked twice");
        let left = secrets_in_body(value.to_string().as_bytes());
        assert!(left.iter().all(|secret| secret.expose() == "…"), "a secret is left: {value}");
    }
}

/// All texts of a value, names included.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, item)| std::iter::once(name.clone()).chain(texts(item))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Texts in which placeholders, misspelt words, keys and excerpts are looked for.
pub(super) fn words(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let short = error::excerpt(&text);
    assert!(short.len() <= 603 && !short.contains(char::is_control), "{short:?}");
    assert!(!template::is_unfilled(&text) || text.contains("${") || text.contains("{{"));
    assert!(template::hint(&text).is_none_or(|hint| hint.len() < 200));
    let known = ["directory", "groups", "dryRun"];
    assert!(spelling::resembled(&text, known.iter().copied()).is_none_or(|(word, _)| known.contains(&word)));
    let mut random = [0; 32];
    for (to, from) in random.iter_mut().zip(input) {
        *to = *from;
    }
    let key = api_key::make(&random);
    assert_eq!(api_key::check(key.as_bytes()), api_key::Form::Whole);
    let at = usize::from(random[0]) % key.len();
    let mut changed = key.into_bytes();
    if let Some(byte) = changed.get_mut(at) {
        *byte = if *byte == b'x' { b'y' } else { b'x' };
    }
    assert_ne!(api_key::check(&changed), api_key::Form::Whole, "a mistyped key");
    assert!(api_key::check(input) != api_key::Form::Whole || input.len() == 53);
    let mut pointer = String::new();
    let _ = write!(pointer, "/{}", json::escape(&text));
    assert_eq!(pointer.matches('/').count(), 1, "{pointer}");
}
