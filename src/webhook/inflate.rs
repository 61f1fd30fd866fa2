//! Undoes DEFLATE (RFC 1951), for what `build.rs` compressed: the length is known, and nobody's input comes here. A general
//! library for it weighs eight times as much in the component.

/// Lengths and distances that a symbol begins at, and how many further bits tell the rest (section 3.2.5).
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];
/// The order in which the lengths of the code for code lengths come (section 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// The longest code, in bits.
const LONGEST: usize = 15;

/// The `length` bytes that `deflated` stands for; `None` where it does not.
pub(super) fn inflate(deflated: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes: deflated.iter(), held: 0, count: 0 };
    let mut out = Vec::with_capacity(length);
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out)?,
            1 => {
                let mut lengths = vec![8; 288];
                lengths.iter_mut().take(256).skip(144).for_each(|length| *length = 9);
                lengths.iter_mut().take(280).skip(256).for_each(|length| *length = 7);
                codes(&mut bits, &mut out, &Huffman::new(&lengths), &Huffman::new(&[5; 30]), length)?;
            }
            2 => {
                let (symbols, distances) = tables(&mut bits)?;
                codes(&mut bits, &mut out, &symbols, &distances, length)?;
            }
            _ => return None,
        }
        if last {
            return (out.len() == length).then_some(out);
        }
    }
}

struct Bits<'d> {
    bytes: std::slice::Iter<'d, u8>,
    held: u32,
    count: u8,
}

impl Bits<'_> {
    /// The next `count` bits, the first one lowest.
    fn take(&mut self, count: u8) -> Option<u32> {
        while self.count < count {
            self.held |= u32::from(*self.bytes.next()?) << self.count;
            self.count += 8;
        }
        let taken = self.held & ((1 << count) - 1);
        self.held >>= count;
        self.count -= count;
        Some(taken)
    }

    fn number(&mut self, count: u8) -> Option<usize> {
        usize::try_from(self.take(count)?).ok()
    }
}

/// A canonical code: how many codes there are of each length from one on, and what they stand for, in order.
struct Huffman {
    counts: [u16; LONGEST],
    symbols: Vec<u16>,
}

impl Huffman {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; LONGEST];
        let mut symbols = Vec::with_capacity(lengths.len());
        for (count, wanted) in counts.iter_mut().zip(1..) {
            for (symbol, length) in (0..).zip(lengths) {
                if *length == wanted {
                    *count += 1;
                    symbols.push(symbol);
                }
            }
        }
        Self { counts, symbols }
    }

    fn next(&self, bits: &mut Bits<'_>) -> Option<usize> {
        // `first` is the first code of a length, `index` where its symbol is.
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in self.counts.iter().map(|count| u32::from(*count)) {
            code |= bits.take(1)?;
            if code < first + count {
                return self
                    .symbols
                    .get(usize::try_from(index + code - first).ok()?)
                    .map(|symbol| usize::from(*symbol));
            }
            index += count;
            (first, code) = ((first + count) << 1, code << 1);
        }
        None
    }
}

fn stored(bits: &mut Bits<'_>, out: &mut Vec<u8>) -> Option<()> {
    // It begins at a byte; what is held of the one before is padding.
    (bits.held, bits.count) = (0, 0);
    let length = bits.number(16)?;
    bits.take(16)?;
    for _ in 0..length {
        out.push(*bits.bytes.next()?);
    }
    Some(())
}

/// The two codes of a block that brings its own.
fn tables(bits: &mut Bits<'_>) -> Option<(Huffman, Huffman)> {
    let (symbols, distances, count) = (bits.number(5)? + 257, bits.number(5)? + 1, bits.number(4)? + 4);
    let mut lengths = [0; ORDER.len()];
    for at in ORDER.iter().take(count) {
        *lengths.get_mut(*at)? = u8::try_from(bits.take(3)?).ok()?;
    }
    let code = Huffman::new(&lengths);
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < symbols + distances {
        let (length, times) = match code.next(bits)? {
            16 => (*lengths.last()?, bits.number(2)? + 3),
            17 => (0, bits.number(3)? + 3),
            18 => (0, bits.number(7)? + 11),
            length => (u8::try_from(length).ok()?, 1),
        };
        lengths.resize(lengths.len() + times, length);
    }
    let (of_symbols, of_distances) = lengths.split_at_checked(symbols)?;
    Some((Huffman::new(of_symbols), Huffman::new(of_distances)))
}

/// The content of a block.
fn codes(bits: &mut Bits<'_>, out: &mut Vec<u8>, symbols: &Huffman, distances: &Huffman, limit: usize) -> Option<()> {
    loop {
        match symbols.next(bits)? {
            256 => return Some(()),
            symbol if symbol < 256 => out.push(u8::try_from(symbol).ok()?),
            symbol => {
                let (length, more) = *LENGTHS.get(symbol - 257)?;
                let length = usize::from(length) + bits.number(more)?;
                let (distance, more) = *DISTANCES.get(distances.next(bits)?)?;
                let from = out.len().checked_sub(usize::from(distance) + bits.number(more)?)?;
                // What is copied may reach into what the copy makes.
                for at in from..from + length {
                    out.push(*out.get(at)?);
                }
            }
        }
        if out.len() > limit {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn deflate(content: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_kind_of_block_is_read() {
        let long: Vec<u8> = (0..60_000_u32).flat_map(|at| (at.wrapping_mul(at) / 7).to_string().into_bytes()).collect();
        for content in [b"".as_slice(), b"a", &[b'a'; 1000], b"abcabcabcabd", &long] {
            for level in [0, 1, 6, 9] {
                let deflated = deflate(content, level);
                assert!(inflate(&deflated, content.len()).as_deref() == Some(content), "{} at {level}", content.len());
                assert_eq!(inflate(&deflated, content.len() + 1), None);
            }
        }
    }

    proptest! {
        #[test]
        fn anything_comes_back(content in prop::collection::vec(0_u8..8, 0..3000), level in 0_u32..10) {
            prop_assert_eq!(inflate(&deflate(&content, level), content.len()), Some(content));
        }

        #[test]
        fn what_is_cut_or_altered_is_no_panic(content in prop::collection::vec(any::<u8>(), 1..300), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
            let mut deflated = deflate(&content, 9);
            let at = at.index(deflated.len());
            prop_assert_eq!(inflate(&deflated[..at], content.len()), None);
            deflated[at] ^= 1_u8 << bit;
            let _ = inflate(&deflated, content.len());
        }
    }
}
