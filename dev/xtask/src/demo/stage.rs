//! The acts: their titles, what is called, what comes back, what it proves, and how they end.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::Result;
use console::{Style, style};
use serde_json::Value;

use super::api::{Call, Reply};
use crate::report::Report;
use crate::terminal::{Mark, fix_of, hanging, say, shortened, summary, width, wrap};

/// Longer words of letters and digits are ids, and are shortened.
const MAX_ID: usize = 44;

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    Failed,
    NotRun,
}

/// The acts so far.
#[derive(Debug)]
pub(super) struct Stage {
    acts: Vec<(String, End, Duration)>,
    total: usize,
    began: Instant,
}

/// One act.
#[derive(Debug)]
pub(super) struct Act {
    end: End,
    width: usize,
}

impl Stage {
    /// A stage for so many acts.
    pub(super) fn new(total: usize) -> Self {
        Self { acts: Vec::new(), total, began: Instant::now() }
    }

    /// Plays an act. An error ends the act, not the demo. Whether the act passed.
    pub(super) async fn play(&mut self, title: &str, act: impl AsyncFnOnce(&mut Act) -> Result<()>) -> bool {
        let width = width();
        say(heading(&format!("Act {} of {}: {title}", self.acts.len() + 1, self.total), width));
        let began = Instant::now();
        let mut played = Act { end: End::Passed, width };
        if let Err(e) = act(&mut played).await {
            played.error(&e);
        }
        self.acts.push((title.to_owned(), played.end, began.elapsed()));
        played.end == End::Passed
    }

    /// Prints how each act ended; whether all passed.
    pub(super) fn finish(&self) -> bool {
        let width = width();
        say(heading("Result", width));
        let title = self.acts.iter().map(|(title, ..)| title.chars().count()).max().unwrap_or(0);
        for (at, (name, end, took)) in self.acts.iter().enumerate() {
            let (mark, time) = match end {
                End::Passed => (Mark::Good, format!("{:.1} s", took.as_secs_f64())),
                End::Failed => (Mark::Bad, "failed".to_owned()),
                End::NotRun => (Mark::Skipped, "not run".to_owned()),
            };
            say(format!("{mark} Act {}  {name:<title$}  {time}", at + 1));
        }
        let count = |wanted: End| self.acts.iter().filter(|(_, end, _)| *end == wanted).count();
        let (passed, failed, not_run) = (count(End::Passed), count(End::Failed), count(End::NotRun));
        let mut parts = vec![format!("{passed} of {} acts passed", self.total)];
        if failed > 0 {
            parts.push(format!("{failed} failed"));
        }
        if not_run > 0 {
            parts.push(format!("{not_run} not run"));
        }
        say(format!("\n{} in {:.0} s.", style(parts.join(", ")).bold(), self.began.elapsed().as_secs_f64()));
        passed == self.total
    }
}

impl Act {
    /// A paragraph.
    pub(super) fn explain(&self, text: &str) {
        say(format!("{}\n", wrap(text, 0, self.width)));
    }

    /// A request, before it is sent. `note` follows the path.
    pub(super) fn request(&self, call: &Call, note: &str) {
        let path = short_ids(&call.path);
        let length = call.method.as_str().len() + path.chars().count() + note.chars().count() + 6;
        let arrow = style("→").cyan().bold();
        say(format!(
            "{arrow} {} {}{}",
            style(&call.method).cyan().bold(),
            style(path).bold(),
            beside(note, length <= self.width)
        ));
        if let Some(seconds) = call.wait {
            say(format!("    Prefer: wait={seconds}"));
        }
        if let Some(body) = &call.body {
            self.json(body, "");
        }
    }

    /// A response: its status, and of its body the fields `fields`, in this order. A problem is shown by its own fields.
    pub(super) fn response(&self, reply: &Reply, fields: &[&str]) {
        self.status(reply, "");
        self.body(reply, fields);
    }

    /// The body of a response that was shown before.
    pub(super) fn body(&self, reply: &Reply, fields: &[&str]) {
        let fields = if reply.status.is_success() { fields } else { &["code", "detail", "errors", "hint"] };
        if !fields.is_empty() && reply.body.is_object() {
            excerpt(&reply.body, fields, self.width.saturating_sub(4))
                .iter()
                .for_each(|line| say(format!("    {line}")));
        }
        say("");
    }

    /// The status of a response alone, with `note` behind it.
    pub(super) fn status(&self, reply: &Reply, note: &str) {
        let color = match reply.status.as_u16() {
            200..300 => Style::new().green(),
            400..500 => Style::new().yellow(),
            _ => Style::new().red(),
        };
        let took = style(format!("in {} ms", reply.took.as_millis())).dim();
        let note = if note.is_empty() { String::new() } else { format!("   {note}") };
        say(format!("{} {} {took}{note}", color.apply_to("←").bold(), color.apply_to(reply.status).bold()));
    }

    /// A line below a response.
    pub(super) fn row(&self, text: impl Display) {
        say(format!("    {}", shortened(text.to_string().trim_end(), self.width.saturating_sub(4))));
    }

    /// An empty line.
    pub(super) fn gap(&self) {
        say("");
    }

    fn json(&self, body: &Value, lead: &str) {
        render(lead, body, 0, self.width.saturating_sub(4)).iter().for_each(|line| say(format!("    {line}")));
    }

    /// The statement that this act proves, if `holds`; else the act has failed.
    pub(super) fn check(&mut self, holds: bool, text: &str) {
        let mark = if holds { Mark::Good } else { Mark::Bad };
        if !holds {
            self.end = End::Failed;
        }
        say(hanging(&format!("{mark} "), text, self.width));
    }

    /// The doctor's report; a failed check fails the act.
    pub(super) fn report(&mut self, report: &Report) {
        report.show(2, self.width);
        say("");
        let (mark, text) = report.verdict();
        if mark == Mark::Bad {
            self.end = End::Failed;
        }
        say(hanging(&format!("{mark} "), &text, self.width));
    }

    /// The act is not run, for this reason.
    pub(super) fn skip(&mut self, reason: &str) {
        self.end = End::NotRun;
        say(hanging(&format!("{} Not run: ", Mark::Skipped), reason, self.width));
    }

    fn error(&mut self, e: &anyhow::Error) {
        self.end = End::Failed;
        say(hanging(&format!("{} ", Mark::Bad), &summary(e), self.width));
        if let Some(fix) = fix_of(e) {
            say(hanging(&format!("  {} ", style("Fix:").bold()), fix, self.width));
        }
    }
}

/// A line across the terminal with a title.
fn heading(title: &str, width: usize) -> String {
    let rest = width.saturating_sub(title.chars().count() + 4);
    format!("\n{} {} {}\n", style("──").cyan(), style(title).bold(), style("─".repeat(rest)).cyan())
}

/// A note behind a line where it fits there, else below.
fn beside(note: &str, fits: bool) -> String {
    match (note, fits) {
        ("", _) => String::new(),
        (note, true) => format!("   {}", style(note).dim()),
        (note, false) => format!("\n    {}", style(note).dim()),
    }
}

/// The fields `fields` of an object in this order; the others are an ellipsis.
fn excerpt(object: &Value, fields: &[&str], width: usize) -> Vec<String> {
    let present: Vec<_> = fields.iter().filter_map(|field| Some((*field, object.get(*field)?))).collect();
    let has_more = object.as_object().is_some_and(|all| all.len() > present.len());
    let mut lines = vec!["{".to_owned()];
    for (at, (field, value)) in present.iter().enumerate() {
        let is_last = at + 1 == present.len() && !has_more;
        let mut field = render(&format!("\"{field}\": "), value, 2, width);
        if let (Some(line), false) = (field.last_mut(), is_last) {
            line.push(',');
        }
        lines.extend(field);
    }
    if has_more {
        lines.push("  …".to_owned());
    }
    lines.push("}".to_owned());
    lines
}

/// JSON in as few lines as fit, after `lead` and indented; long ids are shortened, long texts wrapped.
fn render(lead: &str, value: &Value, indent: usize, width: usize) -> Vec<String> {
    let margin = " ".repeat(indent);
    let line = format!("{margin}{lead}{}", compact(value));
    if line.chars().count() < width {
        return vec![line];
    }
    let (open, close, parts): (_, _, Vec<(String, &Value)>) = match value {
        Value::Array(list) => ("[", "]", list.iter().map(|item| (String::new(), item)).collect()),
        Value::Object(fields) => {
            ("{", "}", fields.iter().map(|(name, value)| (format!("\"{name}\": "), value)).collect())
        }
        text => return hanging(&format!("{margin}{lead}"), &compact(text), width).lines().map(str::to_owned).collect(),
    };
    let mut lines = vec![format!("{margin}{lead}{open}")];
    for (at, (name, part)) in parts.iter().enumerate() {
        let mut part = render(name, part, indent + 2, width);
        if let (Some(line), true) = (part.last_mut(), at + 1 < parts.len()) {
            line.push(',');
        }
        lines.extend(part);
    }
    lines.push(format!("{margin}{close}"));
    lines
}

/// JSON on one line, with its ids shortened.
fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => Value::from(short_ids(text)).to_string(),
        Value::Array(list) => format!("[{}]", list.iter().map(compact).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\": {}", compact(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// A path or an id with long ids in it shortened: `/vidm/default/v1/syncs/AXsidCI6ImRl…`, `b9103988…`.
pub(super) fn short_ids(text: &str) -> String {
    let short = |part: &str| {
        let is_word = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let is_uuid = part.len() == 36 && part.bytes().filter(|byte| *byte == b'-').count() == 4;
        match part {
            _ if is_word && is_uuid => shortened(part, 9),
            _ if is_word && part.len() > MAX_ID => shortened(part, 13),
            other => other.to_owned(),
        }
    };
    text.split('/').map(short).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_response_shows_the_fields_that_matter_in_their_order() {
        let body = json!({"id": "x", "status": "queued", "links": {"self": format!("/v1/syncs/{}", "A".repeat(60))}});
        let lines = excerpt(&body, &["status", "links", "absent"], 80);
        assert_eq!(
            lines,
            ["{", r#"  "status": "queued","#, r#"  "links": {"self": "/v1/syncs/AAAAAAAAAAAA…"},"#, "  …", "}"]
        );
        assert_eq!(excerpt(&json!({"status": "ok"}), &["status"], 80), ["{", r#"  "status": "ok""#, "}"]);
    }

    #[test]
    fn json_is_broken_where_it_does_not_fit() {
        let body = json!({"a": {"added": 1, "removed": 0}, "hint": "one two three four five"});
        let lines = [
            "{",
            r#"  "a": {"#,
            r#"    "added": 1,"#,
            r#"    "removed": 0"#,
            "  },",
            r#"  "hint": "one two"#,
            "          three four",
            r#"          five""#,
            "}",
        ];
        assert_eq!(render("", &body, 0, 20), lines);
        assert_eq!(short_ids("b9103988-0000-4000-8000-42c93d480bbe"), "b9103988…");
    }

    #[tokio::test]
    async fn the_demo_passes_only_if_every_act_passed() {
        let mut stage = Stage::new(2);
        assert!(
            stage
                .play("one", async |act| {
                    act.check(true, "well");
                    Ok(())
                })
                .await
        );
        assert!(!stage.finish(), "an act is missing");
        assert!(stage.play("two", async |_| Ok(())).await);
        assert!(stage.finish());
        for wrong in 0..3 {
            let mut stage = Stage::new(1);
            let passed = stage
                .play("one", async |act| {
                    match wrong {
                        0 => act.check(false, "not so"),
                        1 => act.skip("nobody agreed"),
                        _ => anyhow::bail!("broken"),
                    }
                    Ok(())
                })
                .await;
            assert!(!passed && !stage.finish(), "{wrong}");
        }
    }
}
