//! The counted values: additions of one instance, or the sums of all.

use std::time::Duration;

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use super::family::{BOUNDS_MS, Family, Kind};
use crate::runtime::millis;
use crate::upstream::CallRecord;

/// The families whose labels are bounded by more than the configuration: by what callers request, and what upstreams respond.
const LIMITED: [Family; 2] = [Family::Requests, Family::UpstreamCalls];

/// Most series of a limited family. Further label values are counted together in one series, whose label values are [`OVERFLOW`].
const MAX_SERIES: usize = 1000;

/// The label values of what found no room.
const OVERFLOW: &str = "overflow";

/// How many ended syncs are remembered, so that none is counted twice.
const MAX_ENDED: usize = 256;

/// Most instances that report open watches.
const MAX_WATCHERS: usize = 256;

/// Separates family and label values in a key. Label values have none.
const SEPARATOR: char = '\u{1f}';

/// Values by series. The order of the fields is the format in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::webhook) struct Totals {
    /// Family and label values, and the value: of a counter its count; of a histogram the sum in milliseconds and the count of each bucket.
    series: LiteMap<String, Vec<u64>>,
    /// Digests of syncs whose end is counted, oldest first.
    ended: Vec<u64>,
    /// Ends that are not among the sums yet: the sync's digest, and its series.
    new_ends: Vec<(u64, String)>,
    /// Open watches by instance: its id, their number, and when this is no longer valid, in milliseconds since 1970.
    watchers: Vec<(u64, u64, u64)>,
}

impl Totals {
    /// Adds 1 to a counter.
    pub(in crate::webhook) fn count(&mut self, family: Family, labels: &[&str]) {
        self.add(key(family.name(), labels), &[1]);
    }

    /// Adds `by` to a counter without labels, if it is not 0.
    pub(super) fn count_by(&mut self, family: Family, by: u64) {
        if by > 0 {
            self.add(key(family.name(), &[]), &[by]);
        }
    }

    /// Adds a duration to a histogram.
    pub(in crate::webhook) fn observe(&mut self, family: Family, labels: &[&str], ms: u64) {
        let mut values = [0; BOUNDS_MS.len() + 2];
        let bucket = 1 + BOUNDS_MS.iter().take_while(|bound| **bound < ms).count();
        if let Some(count) = values.get_mut(bucket) {
            *count = 1;
        }
        if let Some(sum) = values.first_mut() {
            *sum = ms;
        }
        self.add(key(family.name(), labels), &values);
    }

    /// Adds calls to `target`, and to the receivers of callbacks.
    pub(in crate::webhook) fn calls(&mut self, calls: &[CallRecord], target: &str) {
        for call in calls {
            let receiver = call.callback.as_ref().map(|name| super::label("callback", name));
            let target = receiver.as_deref().unwrap_or(target);
            let status = call.status.as_ref().map_or(super::family::NONE, |status| status.as_str());
            self.count(Family::UpstreamCalls, &[target, call.call, status]);
            self.observe(Family::UpstreamSeconds, &[target], call.ms);
        }
    }

    /// Adds the end of a sync, unless this sync is remembered as ended.
    pub(in crate::webhook) fn ended(&mut self, sync: u64, labels: &[&str]) {
        if !self.new_ends.iter().any(|(known, _)| *known == sync) && self.new_ends.len() < MAX_ENDED {
            self.new_ends.push((sync, key(Family::Syncs.name(), labels)));
        }
    }

    /// Makes a series exist, with 0 if it has no value: Prometheus does not see the first increase of a counter that begins at 1.
    pub(super) fn preset(&mut self, family: Family, labels: &[&str]) {
        self.add(key(family.name(), labels), &[0]);
    }

    /// Adds all of `more`.
    pub(super) fn merge(&mut self, more: Self) {
        for (key, values) in more.series {
            self.add(key, &values);
        }
        for (sync, key) in more.new_ends {
            self.end(sync, key);
        }
    }

    /// Takes back additions that were not added elsewhere; what was counted since comes after them.
    pub(super) fn take_back(&mut self, additions: Self) {
        let since = std::mem::replace(self, additions);
        let new_ends = since.new_ends.iter().filter(|(sync, _)| !self.new_ends.iter().any(|(known, _)| known == sync));
        let new_ends: Vec<_> = new_ends.cloned().collect();
        self.new_ends.extend(new_ends);
        self.merge(Self { new_ends: Vec::new(), ..since });
    }

    /// Sets a gauge.
    pub(super) fn set(&mut self, family: Family, labels: &[&str], value: u64) {
        self.series.insert(key(family.name(), labels), vec![value]);
    }

    /// Gives the sums an id, unless they have one: scrapes with different ids come from different stores.
    pub(super) fn identify(&mut self, id: impl FnOnce() -> u64) {
        if self.of(Family::StoreInfo).next().is_none() {
            self.set(Family::StoreInfo, &[&format!("{:08x}", id() & 0xffff_ffff)], 1);
        }
    }

    /// Adds the ends that this value holds itself, as the sums of a single instance.
    pub(super) fn settle(&mut self) {
        for (sync, key) in std::mem::take(&mut self.new_ends) {
            self.end(sync, key);
        }
    }

    fn end(&mut self, sync: u64, key: String) {
        if self.ended.contains(&sync) {
            return;
        }
        self.add(key, &[1]);
        if self.ended.len() >= MAX_ENDED {
            self.ended.remove(0);
        }
        self.ended.push(sync);
    }

    fn add(&mut self, key: String, values: &[u64]) {
        let key = if self.series.contains_key(&key) || self.has_room(&key) { key } else { overflow(&key) };
        let sums = self.series.entry(key).or_default();
        sums.resize(sums.len().max(values.len()), 0);
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = sum.saturating_add(*value);
        }
    }

    /// Whether there may be one more series of the family of `key`.
    fn has_room(&self, key: &str) -> bool {
        let name = split(key).0;
        let is_limited = LIMITED.iter().any(|family| family.name() == name);
        !is_limited || self.series.keys().filter(|key| split(key).0 == name).count() < MAX_SERIES
    }

    /// Sets how many watches the instance `id` has open, until a time in milliseconds since 1970.
    pub(super) fn watch(&mut self, id: u64, open: u64, now_ms: u64, lifetime: Duration) {
        self.watchers.retain(|(of, _, until_ms)| *of != id && *until_ms > now_ms);
        if open > 0 && self.watchers.len() < MAX_WATCHERS {
            let lifetime = millis(lifetime);
            self.watchers.push((id, open, now_ms.saturating_add(lifetime)));
        }
    }

    /// The open watches.
    pub(super) fn watchers(&self, now_ms: u64) -> u64 {
        self.watchers.iter().filter(|(_, _, until_ms)| *until_ms > now_ms).map(|(_, open, _)| open).sum()
    }

    /// Whether there is nothing to add elsewhere.
    pub(super) fn is_empty(&self) -> bool {
        self.series.is_empty() && self.new_ends.is_empty()
    }

    /// The series of a family: label values, and the value.
    pub(super) fn of(&self, family: Family) -> impl Iterator<Item = (Vec<&str>, &[u64])> {
        self.series.iter().filter_map(move |(key, values)| {
            let (name, labels) = split(key);
            let labels: Vec<_> = labels.collect();
            let fits = match family.kind() {
                Kind::Histogram => values.len() == BOUNDS_MS.len() + 2,
                Kind::Counter | Kind::Gauge => values.len() == 1,
            };
            (name == family.name() && labels.len() == family.labels().len() && fits).then_some((labels, &**values))
        })
    }
}

fn key(name: &str, labels: &[&str]) -> String {
    let mut key = name.to_owned();
    for label in labels {
        key.push(SEPARATOR);
        key.extend(label.chars().filter(|c| *c != SEPARATOR));
    }
    key
}

/// The family's name and the label values in `key`.
fn split(key: &str) -> (&str, impl Iterator<Item = &str>) {
    let mut parts = key.split(SEPARATOR);
    (parts.next().unwrap_or_default(), parts)
}

/// The key for what finds no room in the family of `key`.
fn overflow(key: &str) -> String {
    let (name, labels) = split(key);
    self::key(name, &labels.map(|_| OVERFLOW).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(totals: &Totals, family: Family) -> Vec<(String, Vec<u64>)> {
        totals.of(family).map(|(labels, values)| (labels.join(","), values.to_vec())).collect()
    }

    #[test]
    fn merged_additions_equal_one_instances_counts() {
        let (mut one, mut two, mut both) = (Totals::default(), Totals::default(), Totals::default());
        for (at, ms) in [0, 50, 51, 7_000, 120_001].into_iter().enumerate() {
            for totals in [&mut both, if at % 2 == 0 { &mut one } else { &mut two }] {
                totals.count(Family::JoinedCallers, &["vidm/prod"]);
                totals.observe(Family::RequestSeconds, &["/vidm"], ms);
                totals.ended(at as u64 / 2, &["vidm/prod", "succeeded"]);
            }
        }
        let mut merged = Totals::default();
        for part in [one, two] {
            merged.merge(postcard::from_bytes(&postcard::to_allocvec(&part).unwrap()).unwrap());
        }
        both.settle();
        for family in Family::ALL {
            assert_eq!(values(&merged, *family), values(&both, *family));
        }
        assert_eq!(values(&merged, Family::Syncs), [("vidm/prod,succeeded".to_owned(), vec![3])]);
        let buckets = vec![50 + 51 + 7_000 + 120_001, 2, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1];
        assert_eq!(values(&merged, Family::RequestSeconds), [("/vidm".to_owned(), buckets)]);
    }

    #[test]
    fn sync_is_counted_once_while_it_is_remembered() {
        let mut totals = Totals::default();
        let end = |totals: &mut Totals, sync: u64, outcome| {
            let mut more = Totals::default();
            more.ended(sync, &["vidm/prod", outcome]);
            more.ended(sync, &["vidm/prod", outcome]);
            totals.merge(more);
        };
        for outcome in ["succeeded", "succeeded", "sync_failed"] {
            end(&mut totals, 0, outcome);
        }
        assert_eq!(values(&totals, Family::Syncs), [("vidm/prod,succeeded".to_owned(), vec![1])]);
        (1..=MAX_ENDED as u64).for_each(|sync| end(&mut totals, sync, "succeeded"));
        end(&mut totals, 0, "succeeded");
        assert_eq!(
            values(&totals, Family::Syncs),
            [("vidm/prod,succeeded".to_owned(), vec![1 + MAX_ENDED as u64 + 1])]
        );
        assert_eq!(totals.ended.len(), MAX_ENDED);
    }

    #[test]
    fn series_are_bounded() {
        let mut totals = Totals::default();
        for at in 0..MAX_SERIES + 50 {
            totals.count(Family::UpstreamCalls, &[&format!("vidm/{at}"), "GET /x", "200"]);
        }
        totals.count(Family::UpstreamCalls, &["vidm/0", "GET /x", "200"]);
        assert_eq!(totals.series.len(), MAX_SERIES + 1);
        let calls = values(&totals, Family::UpstreamCalls);
        assert!(calls.contains(&("overflow,overflow,overflow".to_owned(), vec![50])), "{calls:?}");
        assert!(calls.contains(&("vidm/0,GET /x,200".to_owned(), vec![2])), "{calls:?}");
        // The others have room: an alert depends on them.
        totals.count(Family::RejectedLogins, &["vidm/0"]);
        assert_eq!(values(&totals, Family::RejectedLogins), [("vidm/0".to_owned(), vec![1])]);
        totals.count(Family::Requests, &["/x", "GET", "500", "internal"]);
        assert_eq!(values(&totals, Family::Requests), [("/x,GET,500,internal".to_owned(), vec![1])]);
    }

    #[test]
    fn watchers_of_silent_instances_expire() {
        let mut totals = Totals::default();
        totals.watch(1, 3, 1_000, Duration::from_secs(30));
        totals.watch(2, 4, 11_000, Duration::from_secs(30));
        assert_eq!([30_999, 31_000, 41_000].map(|now_ms| totals.watchers(now_ms)), [7, 4, 0]);
        totals.watch(1, 0, 11_000, Duration::from_secs(30));
        assert_eq!(totals.watchers(11_000), 4);
    }

    #[test]
    fn values_of_another_shape_are_not_shown() {
        let mut totals = Totals::default();
        totals.count(Family::StoreFailures, &[]);
        totals.add(key(Family::RequestSeconds.name(), &["/x"]), &[1]);
        totals.add(key("idhook_store_failures_total_more", &[]), &[1]);
        assert_eq!(values(&totals, Family::RequestSeconds), []);
        assert_eq!(values(&totals, Family::StoreFailures).len(), 1);
    }
}
