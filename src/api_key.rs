//! The form of keys made by `cargo xtask key`: `idh_`, 32 random bytes, a checksum.
//!
//! The prefix lets secret scanners find leaked keys; the checksum distinguishes a mistyped or truncated key from an unknown
//! one. Both follow GitHub's tokens: base62, and the last six characters are a CRC-32 of those before. Any other text may be
//! a key too.

/// The prefix of such a key.
pub(crate) const PREFIX: &str = "idh_";

/// 256 bits in base62.
const RANDOM: usize = 43;

/// 32 bits in base62.
const CHECKSUM: usize = 6;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The form of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A complete key of this form.
    Whole,
    /// Begins like one but is mistyped or truncated.
    Broken,
    /// Something else.
    Other,
}

/// A key of 32 `random` bytes, 53 characters long.
///
/// ```
/// use idhook::api_key::{Form, check, make};
///
/// let key = make(&[7; 32]);
/// assert!(key.starts_with("idh_"));
/// assert_eq!(check(key.as_bytes()), Form::Whole);
/// assert_eq!(check(key[..20].as_bytes()), Form::Broken);
/// ```
#[must_use]
pub fn make(random: &[u8; 32]) -> String {
    let mut key = PREFIX.to_owned();
    key.push_str(&base62(random, RANDOM));
    let sum = crc32(key.as_bytes());
    key.push_str(&base62(&sum.to_be_bytes(), CHECKSUM));
    key
}

/// The form of `text`. This reveals nothing about the configured keys.
#[must_use]
pub fn check(text: &[u8]) -> Form {
    let begins =
        |text: &[u8]| text.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()));
    if !begins(text) {
        return Form::Other;
    }
    let Some((key, sum)) = text.len().checked_sub(CHECKSUM).and_then(|at| text.split_at_checked(at)) else {
        return Form::Broken;
    };
    let fits =
        text.len() == PREFIX.len() + RANDOM + CHECKSUM && base62(&crc32(key).to_be_bytes(), CHECKSUM).as_bytes() == sum;
    if fits { Form::Whole } else { Form::Broken }
}

/// Whether `text` has what a key begins with, anywhere.
pub(crate) fn is_in(text: &[u8]) -> bool {
    text.windows(PREFIX.len()).any(|part| part == PREFIX.as_bytes())
}

/// A number, most significant byte first, in base62 with `length` digits.
fn base62(number: &[u8], length: usize) -> String {
    let mut number = number.to_vec();
    let mut digits: Vec<u8> = Vec::with_capacity(length);
    for _ in 0..length {
        let mut rest = 0u32;
        for byte in &mut number {
            let value = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or_default();
            rest = value % 62;
        }
        digits.extend(usize::try_from(rest).ok().and_then(|at| DIGITS.get(at)));
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

/// CRC-32 as in gzip (ISO 3309). It reads some fifty bytes of a rejected key; a table would be larger than this loop.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0xEDB8_8320;
            }
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn checksum_matches_the_published_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(base62(&[0, 61], 2), "0z");
        assert_eq!(base62(&[0xff; 4], 6), "4gfFC3");
    }

    #[test]
    fn form_of_keys_and_other_texts_is_recognised() {
        let key = make(&[7; 32]);
        assert_eq!((key.len(), check(key.as_bytes())), (53, Form::Whole));
        for broken in
            [&key[..52], &key[..10], "idh_", "IDH_x", &format!("{key}x"), &key.to_lowercase(), &key.replace('7', "1")]
        {
            if broken != key {
                assert_eq!(check(broken.as_bytes()), Form::Broken, "{broken}");
            }
        }
        for other in ["", "idh", "k", "idhook_x", "x"] {
            assert_eq!(check(other.as_bytes()), Form::Other, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_wrong_character_is_detected(random: [u8; 32], at in 4usize..53, to in "[0-9A-Za-z]") {
            let key = make(&random);
            prop_assert_eq!(check(key.as_bytes()), Form::Whole);
            let mut wrong = key.clone();
            wrong.replace_range(at..=at, &to);
            prop_assume!(wrong != key);
            prop_assert_eq!(check(wrong.as_bytes()), Form::Broken);
        }

        #[test]
        fn any_bytes_can_be_checked(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = check(&bytes);
            let _ = check(&[PREFIX.as_bytes(), &bytes].concat());
        }
    }
}
