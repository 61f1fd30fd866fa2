//! Entry points for fuzzers: the stored record of a key.

use super::record::Record;

/// A record of any form: what is read is written as the same record.
pub(crate) fn record(input: &[u8]) {
    if let Some(record) = Record::read(input) {
        let written = record.write();
        assert_eq!(Record::read(&written), Some(record), "{}", String::from_utf8_lossy(&written));
    }
}
