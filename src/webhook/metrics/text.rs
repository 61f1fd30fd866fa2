//! The text format of Prometheus, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details>).

use std::fmt::Write as _;

use super::family::{BOUNDS_MS, Family, Kind};
use super::totals::Totals;

/// Its media type.
pub(super) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The label of a bucket's upper bound.
pub(super) const LABEL_OF_BOUND: &str = "le";

/// Writes every family. Writing to a `String` cannot fail, so results are ignored.
pub(super) fn write(totals: &Totals) -> String {
    let mut text = String::new();
    for family in Family::ALL.iter().copied() {
        let name = family.name();
        let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {}", family.help(), family.kind().as_str());
        for (values, numbers) in totals.of(family) {
            let labels: Vec<_> = family.labels().iter().copied().zip(values).collect();
            match (family.kind(), numbers) {
                (Kind::Histogram, [sum_ms, buckets @ ..]) => histogram(&mut text, name, &labels, *sum_ms, buckets),
                (_, [value, ..]) => sample(&mut text, (name, ""), &labels, None, format_args!("{value}")),
                (_, []) => {}
            }
        }
    }
    text
}

fn histogram(text: &mut String, name: &str, labels: &[(&str, &str)], sum_ms: u64, buckets: &[u64]) {
    let mut count = 0_u64;
    let bounds = BOUNDS_MS.iter().map(|bound| seconds(*bound)).chain(["+Inf".to_owned()]);
    for (bound, bucket) in bounds.zip(buckets) {
        count = count.saturating_add(*bucket);
        sample(text, (name, "_bucket"), labels, Some(&bound), format_args!("{count}"));
    }
    sample(text, (name, "_sum"), labels, None, format_args!("{}", seconds(sum_ms)));
    sample(text, (name, "_count"), labels, None, format_args!("{count}"));
}

fn sample(
    text: &mut String,
    (name, suffix): (&str, &str),
    labels: &[(&str, &str)],
    bound: Option<&str>,
    value: std::fmt::Arguments<'_>,
) {
    text.push_str(name);
    text.push_str(suffix);
    let mut before = '{';
    for (label, value) in labels.iter().copied().chain(bound.map(|bound| (LABEL_OF_BOUND, bound))) {
        text.push(before);
        text.push_str(label);
        text.push_str("=\"");
        escape(text, value);
        text.push('"');
        before = ',';
    }
    if before == ',' {
        text.push('}');
    }
    let _ = writeln!(text, " {value}");
}

/// Writes a label's value: backslash, quotation mark and line feed are escaped, everything else stays.
fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

/// Milliseconds in seconds, without rounding.
fn seconds(ms: u64) -> String {
    let (whole, rest) = (ms / 1000, ms % 1000);
    let text = format!("{whole}.{rest:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_text_of_each_kind() {
        let mut totals = Totals::default();
        totals.count(Family::BuildInfo, &["1.2.3"]);
        totals.count(Family::UpstreamCalls, &["vidm/a\"b\\c\nd", "GET /é", "200"]);
        totals.count(Family::StoreFailures, &[]);
        for ms in [50, 70, 1_500, 200_000] {
            totals.observe(Family::UpstreamSeconds, &["vidm/prod"], ms);
        }
        let text = write(&totals);
        let of = |name: &str| text.lines().filter(|line| line.contains(name)).collect::<Vec<_>>();
        assert_eq!(
            of("idhook_build_info"),
            [
                "# HELP idhook_build_info idhook's version; always 1.",
                "# TYPE idhook_build_info gauge",
                "idhook_build_info{version=\"1.2.3\"} 1",
            ]
        );
        assert_eq!(
            of("idhook_upstream_calls_total{"),
            [r#"idhook_upstream_calls_total{target="vidm/a\"b\\c\nd",call="GET /é",status="200"} 1"#]
        );
        assert_eq!(
            of("idhook_store_failures_total")[1..],
            ["# TYPE idhook_store_failures_total counter", "idhook_store_failures_total 1"]
        );
        assert_eq!(
            of("idhook_upstream_seconds")[1..],
            [
                "# TYPE idhook_upstream_seconds histogram",
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="0.05"} 1"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="0.1"} 2"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="0.25"} 2"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="0.5"} 2"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="1"} 2"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="2.5"} 3"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="5"} 3"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="10"} 3"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="30"} 3"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="120"} 3"#,
                r#"idhook_upstream_seconds_bucket{target="vidm/prod",le="+Inf"} 4"#,
                r#"idhook_upstream_seconds_sum{target="vidm/prod"} 201.62"#,
                r#"idhook_upstream_seconds_count{target="vidm/prod"} 4"#,
            ]
        );
        assert!(text.ends_with('\n') && text.is_char_boundary(0));
    }

    #[test]
    fn seconds_are_exact() {
        for (ms, text) in [(0, "0"), (1, "0.001"), (50, "0.05"), (1_000, "1"), (120_000, "120"), (1_234, "1.234")] {
            assert_eq!(seconds(ms), text);
        }
    }
}
