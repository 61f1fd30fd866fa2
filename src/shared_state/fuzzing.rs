//! Entry points for fuzzers: sealed records.

use super::{Sealer, Slot, StateKey};

/// `record` as the store has it at `key` for instances with this state key: sealed, with the time of its expiry.
pub(crate) fn stored(state_key: &str, key: &str, until_ms: u64, record: &[u8]) -> Vec<u8> {
    let text = [&until_ms.to_be_bytes(), record].concat();
    Sealer::all(&StateKey::of(state_key)).first().map(|sealer| sealer.seal(key, &text, 7)).unwrap_or_default()
}

/// Bytes as a sealed record, and as the text of one: only what was sealed opens, at its place alone, unchanged.
pub(crate) fn sealed(input: &[u8]) {
    let key = StateKey::of("a state key");
    let Some(sealer) = Sealer::all(&key).into_iter().next() else { return };
    assert_eq!(sealer.open("place", input), None, "nobody sealed this");
    let mut sealed = sealer.seal("place", input, 7);
    assert_eq!(sealer.open("place", &sealed).as_deref(), Some(input));
    assert_eq!(sealer.open("another", &sealed), None, "a moved record");
    let at =
        input.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte))) % sealed.len();
    if let Some(byte) = sealed.get_mut(at) {
        *byte ^= input.first().copied().filter(|by| *by > 0).unwrap_or(1);
    }
    assert_eq!(sealer.open("place", &sealed), None, "a changed record");
    sealed.truncate(at);
    assert_eq!(sealer.open("place", &sealed), None, "a truncated record");
    if let Some(slot) = Slot::read(input) {
        assert_eq!(slot.write(), input, "a slot is written as it was read");
    }
}
