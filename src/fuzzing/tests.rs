//! All entry points with their seeds, with mutations of these, and with arbitrary bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{ENTRY_POINTS, EntryPoint};

#[test]
fn names_of_entry_points_are_unique_and_every_one_has_seeds() {
    let names: std::collections::BTreeSet<_> = ENTRY_POINTS.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), ENTRY_POINTS.len());
    assert!(ENTRY_POINTS.iter().all(|entry| !entry.seeds.is_empty()));
    assert_eq!(EntryPoint::named("dn").map(|entry| entry.name), Some("dn"));
}

/// Inputs for each entry point.
const CASES: u32 = 64;

/// The seed of the random numbers; another one to look for more.
const SEED: &str = "IDHOOK_FUZZ_SEED";

/// A change of an input.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(Index, u8),
    Cut(Index),
    /// The beginning of one and the end of another.
    Splice(Index, &'static [u8], Index),
    /// A part of it, some more times.
    Repeat(Index, Index, usize),
    /// Bytes that mean something.
    Insert(Index, &'static [u8]),
}

/// What parsers compare with.
const TOKENS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\n",
    b"\n\n",
    b"\n%%\n",
    b"\0",
    b"%",
    b"%00",
    b"%FF",
    b"=",
    b";",
    b"\xff",
    b"18446744073709551615",
    b"-1",
    b"1e999",
    b"null",
    b"true",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"${x}",
    b"{{",
    b"\\u0000",
    b"\\2C",
    b"Secret-of-the-target-1",
    b"-----BEGIN CERTIFICATE-----",
    b"-----END CERTIFICATE-----",
    b"\x30\x80",
    b"<html>",
];

impl Mutation {
    fn of(seeds: &'static [&'static [u8]]) -> impl Strategy<Value = Self> {
        prop_oneof![
            (any::<Index>(), 1u8..).prop_map(|(at, by)| Self::Flip(at, by)),
            any::<Index>().prop_map(Self::Cut),
            (any::<Index>(), select(seeds), any::<Index>()).prop_map(|(at, with, from)| Self::Splice(at, with, from)),
            (any::<Index>(), any::<Index>(), 1usize..40).prop_map(|(from, to, times)| Self::Repeat(from, to, times)),
            (any::<Index>(), select(TOKENS)).prop_map(|(at, token)| Self::Insert(at, token)),
        ]
    }

    fn apply(&self, input: &mut Vec<u8>) {
        let place = |index: &Index, length: usize| index.index(length + 1);
        let length = input.len();
        match self {
            Self::Flip(at, by) => {
                if let Some(byte) = input.get_mut(place(at, length)) {
                    *byte ^= by;
                }
            }
            Self::Cut(at) => input.truncate(place(at, length)),
            Self::Splice(at, with, from) => {
                input.truncate(place(at, length));
                input.extend(&with[place(from, with.len())..]);
            }
            Self::Repeat(from, to, times) => {
                let (from, to) = (place(from, length), place(to, length));
                let part = input[from.min(to)..from.max(to).min(from.min(to) + 400)].repeat(*times);
                input.splice(to..to, part);
            }
            Self::Insert(at, token) => {
                let at = place(at, length);
                input.splice(at..at, token.iter().copied());
            }
        }
    }
}

fn inputs(entry: &'static EntryPoint) -> impl Strategy<Value = Vec<u8>> {
    let mutated = (select(entry.seeds), vec(Mutation::of(entry.seeds), 0..5)).prop_map(|(seed, mutations)| {
        let mut input = seed.to_vec();
        mutations.iter().for_each(|mutation| mutation.apply(&mut input));
        input
    });
    prop_oneof![9 => mutated, 1 => vec(any::<u8>(), 0..200)]
}

#[test]
fn properties_hold_for_mutated_seeds() {
    let number: u64 = std::env::var(SEED).ok().map_or(1, |seed| seed.parse().expect(SEED));
    let mut failed = Vec::new();
    for entry in ENTRY_POINTS {
        for input in entry.seeds.iter().filter(|seed| std::panic::catch_unwind(|| (entry.run)(seed)).is_err()) {
            failed.push(format!("{}, a seed: b\"{}\"", entry.name, input.escape_ascii()));
        }
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
        let outcome = TestRunner::new_with_rng(config, rng).run(&inputs(entry), |input| {
            (entry.run)(&input);
            Ok(())
        });
        if let Err(proptest::test_runner::TestError::Fail(why, input)) = outcome {
            failed.push(format!("{} with {SEED}={number}: {why}\n    b\"{}\"", entry.name, input.escape_ascii()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
