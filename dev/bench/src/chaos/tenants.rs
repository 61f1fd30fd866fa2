//! `cargo xtask chaos tenants`: simulates many tenants over several parts, each with hosts and a Redis of its own. The front
//! chooses the part by the target's name in the path. Everything is computed, nothing is random: the same table each time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Arg, ArgMatches, Command, value_parser};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::report::say;

/// The subcommand's name.
pub(super) const NAME: &str = "tenants";

/// Points of a part on the ring, as nginx's `hash … consistent` has for each server.
const POINTS: usize = 160;

/// The simulated numbers of parts.
const PARTS: [usize; 4] = [2, 4, 8, 16];

/// The largest tenants that are placed by hand, for each part.
const PLACED: usize = 4;

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Simulates thousands of tenants over several Redis servers: the load of each, and who moves when one is added or lost")
        .arg(
            Arg::new("tenants")
                .long("tenants")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..=1_000_000))
                .default_value("5000")
                .help("number of tenants"),
        )
        .arg(
            Arg::new("skew")
                .long("skew")
                .value_name("S")
                .value_parser(value_parser!(f64))
                .default_value("1")
                .help("the load of the n-th largest tenant is 1/n^S; 0: all have the same"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("write the table to this file"),
        )
}

/// How the front chooses a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    /// The hash modulo the number of parts.
    Modulo,
    /// The next point on a ring.
    Ring,
    /// The part with the highest hash of part and tenant.
    Rendezvous,
    /// The same, but the largest tenants are placed one by one, each where the least load is.
    Placed,
}

impl Choice {
    const ALL: [Self; 4] = [Self::Modulo, Self::Ring, Self::Rendezvous, Self::Placed];

    fn name(self) -> &'static str {
        match self {
            Self::Modulo => "modulo",
            Self::Ring => "ring",
            Self::Rendezvous => "rendezvous",
            Self::Placed => "placed",
        }
    }
}

/// The tenants: each with its share of the load, the largest first.
struct Tenants(Vec<f64>);

impl Tenants {
    fn new(count: usize, skew: f64) -> Self {
        let weights: Vec<f64> = (1..=count).map(|rank| (rank as f64).powf(-skew)).collect();
        let sum: f64 = weights.iter().sum();
        Self(weights.into_iter().map(|weight| weight / sum).collect())
    }

    /// The part of each tenant; `parts` are those that exist. `before` is where the placed ones are already.
    fn assign(&self, choice: Choice, parts: &[usize], before: Option<&[usize]>) -> Vec<usize> {
        let ring: BTreeMap<u64, usize> = match choice {
            Choice::Ring => {
                let points = |part: usize| (0..POINTS).map(move |point| (hash(&format!("part-{part}-{point}")), part));
                parts.iter().copied().flat_map(points).collect()
            }
            _ => BTreeMap::new(),
        };
        let any = parts.first().copied().unwrap_or_default();
        let mut assigned: Vec<usize> = (0..self.0.len())
            .map(|tenant| {
                let name = format!("t{tenant}");
                match choice {
                    Choice::Modulo => {
                        let at = usize::try_from(hash(&name) % parts.len() as u64).unwrap_or_default();
                        parts.get(at).copied().unwrap_or(any)
                    }
                    Choice::Ring => {
                        let place = hash(&name);
                        ring.range(place..).next().or(ring.first_key_value()).map_or(any, |(_, part)| *part)
                    }
                    Choice::Rendezvous | Choice::Placed => {
                        let score = |part: &usize| hash(&format!("{name} part-{part}"));
                        parts.iter().copied().max_by_key(score).unwrap_or(any)
                    }
                }
            })
            .collect();
        if choice == Choice::Placed {
            self.place(&mut assigned, parts, before);
        }
        assigned
    }

    /// Places the largest tenants that have no place yet, each at the part with the least load.
    fn place(&self, assigned: &mut [usize], parts: &[usize], before: Option<&[usize]>) {
        let count = (PLACED * parts.len()).min(assigned.len());
        let mut load: BTreeMap<usize, f64> = parts.iter().map(|part| (*part, 0.0)).collect();
        for (part, share) in assigned.iter().zip(&self.0).skip(count) {
            *load.entry(*part).or_default() += share;
        }
        for (tenant, (part, share)) in assigned.iter_mut().zip(&self.0).take(count).enumerate() {
            let kept = before.and_then(|before| before.get(tenant)).filter(|part| load.contains_key(*part));
            let least = load.iter().min_by(|one, other| one.1.total_cmp(other.1)).map(|(part, _)| *part);
            *part = kept.copied().or(least).unwrap_or_default();
            *load.entry(*part).or_default() += share;
        }
    }

    /// The load of the busiest part, as a multiple of the mean.
    fn busiest(&self, assigned: &[usize], parts: usize) -> f64 {
        let mut load = BTreeMap::<usize, f64>::new();
        for (part, share) in assigned.iter().zip(&self.0) {
            *load.entry(*part).or_default() += share;
        }
        load.values().copied().fold(0.0, f64::max) * parts as f64
    }

    /// The share of the tenants, and of the load, whose part differs.
    fn moved(&self, one: &[usize], other: &[usize]) -> (f64, f64) {
        let moved = one.iter().zip(other).zip(&self.0).filter(|((one, other), _)| one != other);
        let (count, load) = moved.fold((0_usize, 0.0), |(count, load), (_, share)| (count + 1, load + share));
        (count as f64 / self.0.len() as f64, load)
    }
}

/// The first 64 bits of SHA-256.
fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// One line of the table. Shares are of all tenants, or of all load.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    choice: Choice,
    parts: usize,
    /// The load of the busiest part, as a multiple of the mean.
    busiest: f64,
    /// When one part is added.
    added_moves_tenants: f64,
    added_moves_load: f64,
    /// When one part is lost; the mean over all parts.
    lost_moves_tenants: f64,
    /// The load of the busiest part afterwards; the worst over all parts.
    busiest_after_loss: f64,
}

fn row(tenants: &Tenants, choice: Choice, count: usize) -> Row {
    let parts: Vec<usize> = (0..count).collect();
    let now = tenants.assign(choice, &parts, None);
    let more: Vec<usize> = (0..=count).collect();
    let (added_moves_tenants, added_moves_load) = tenants.moved(&now, &tenants.assign(choice, &more, Some(&now)));
    let (mut lost, mut busiest_after_loss) = (0.0, 0.0_f64);
    for gone in &parts {
        let left: Vec<usize> = parts.iter().copied().filter(|part| part != gone).collect();
        let after = tenants.assign(choice, &left, Some(&now));
        lost += tenants.moved(&now, &after).0;
        busiest_after_loss = busiest_after_loss.max(tenants.busiest(&after, left.len()));
    }
    Row {
        choice,
        parts: count,
        busiest: tenants.busiest(&now, count),
        added_moves_tenants,
        added_moves_load,
        lost_moves_tenants: lost / count as f64,
        busiest_after_loss,
    }
}

/// Prints the table.
pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let count = usize::try_from(matches.get_one::<u64>("tenants").copied().unwrap_or(1))?;
    let skew = matches.get_one::<f64>("skew").copied().unwrap_or(1.0);
    let tenants = Tenants::new(count, skew);
    let largest = tenants.0.first().copied().unwrap_or_default();
    say(format!("{count} tenants, skew {skew}; the largest has {:.1} % of the load\n", 100.0 * largest));
    say(format!(
        "{:<11} {:>6} {:>9} {:>15} {:>12} {:>14} {:>18}",
        "choice", "parts", "busiest", "added: tenants", "added: load", "lost: tenants", "busiest after loss"
    ));
    let mut rows = Vec::new();
    for choice in Choice::ALL {
        for parts in PARTS {
            let row = row(&tenants, choice, parts);
            say(format!(
                "{:<11} {:>6} {:>9.2} {:>13.1} % {:>10.1} % {:>12.1} % {:>18.2}",
                choice.name(),
                row.parts,
                row.busiest,
                100.0 * row.added_moves_tenants,
                100.0 * row.added_moves_load,
                100.0 * row.lost_moves_tenants,
                row.busiest_after_loss
            ));
            rows.push(row);
        }
    }
    if let Some(file) = matches.get_one::<PathBuf>("json") {
        std::fs::write(file, serde_json::to_vec_pretty(&rows)?).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_part_takes_tenants_and_moves_no_other() {
        let tenants = Tenants::new(2000, 1.0);
        for choice in [Choice::Ring, Choice::Rendezvous, Choice::Placed] {
            let before = tenants.assign(choice, &[0, 1, 2, 3], None);
            let after = tenants.assign(choice, &[0, 1, 2, 3, 4], Some(&before));
            let strays = before.iter().zip(&after).filter(|(one, other)| one != other && **other != 4).count();
            // A tenant that is placed by hand from now on may go anywhere.
            assert!(strays <= if choice == Choice::Placed { PLACED } else { 0 }, "{choice:?}: {strays}");
            let (moved, _) = tenants.moved(&before, &after);
            assert!((0.1..0.3).contains(&moved), "{choice:?}: {moved}");
        }
        let before = tenants.assign(Choice::Modulo, &[0, 1, 2, 3], None);
        let after = tenants.assign(Choice::Modulo, &[0, 1, 2, 3, 4], None);
        assert!(tenants.moved(&before, &after).0 > 0.7, "modulo moves almost all");
    }

    #[test]
    fn loads_sum_to_one_and_placing_evens_them() {
        let tenants = Tenants::new(5000, 1.0);
        assert!((tenants.0.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let busiest = |choice| row(&tenants, choice, 8).busiest;
        assert!(busiest(Choice::Placed) < busiest(Choice::Rendezvous));
    }
}
