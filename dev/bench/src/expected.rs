//! The calls that an operation may make: the table for `--assert-calls`. Times are never asserted.

use anyhow::{Result, ensure};

use crate::cell::{Figures, Operation, Store};
use crate::report::say;

/// With a store: the most upstream and store calls, on average per request of one caller. The half call allows for
/// occasional calls: a record that is due, a probe of the store.
const EXPECTED: [(Operation, Store, f64, f64); 8] = [
    (Operation::Start, Store::None, 2.5, 0.0),
    (Operation::Join, Store::None, 1.5, 0.0),
    (Operation::List, Store::None, 1.5, 0.0),
    (Operation::State, Store::None, 1.5, 0.0),
    (Operation::Start, Store::Default, 2.5, 3.5),
    (Operation::Join, Store::Default, 1.5, 1.5),
    (Operation::List, Store::Default, 1.5, 0.5),
    (Operation::State, Store::Default, 1.5, 1.5),
];

/// Compares the cells of one caller on dev/host, and fails with every difference.
pub(crate) fn check(cells: &[Figures]) -> Result<()> {
    let mut over = Vec::new();
    let mut checked = 0;
    for (operation, store, upstream, stored) in EXPECTED {
        let cells =
            cells.iter().filter(|cell| cell.component == "idhook" && cell.server == "dev-host" && cell.callers == 1);
        for cell in cells.filter(|cell| cell.operation == operation.name() && cell.store == store.name()) {
            checked += 1;
            let store_calls = cell.store_calls.unwrap_or_default();
            if cell.upstream_calls > upstream || store_calls > stored {
                over.push(format!(
                    "{} with store {}: {:.2} upstream calls (at most {upstream}), {store_calls:.2} store calls (at most {stored})",
                    cell.operation, cell.store, cell.upstream_calls
                ));
            }
        }
    }
    ensure!(over.is_empty(), "more calls than expected:\n  {}", over.join("\n  "));
    ensure!(checked > 0, "no cell of the table was measured");
    say(format!("upstream and store calls are as expected in {checked} cells"));
    Ok(())
}
