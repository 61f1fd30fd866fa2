//! The tables: rows, columns and the expected outcomes.

use idhook_simulator::{FaultKind, RetryAfter};

/// The outcomes of a fault that occurs once.
pub(super) const ONCE: &str = "
             login       list        kick-off    look        read        look-up     again       write       back        proof       wait        events
late         ok          ok          ok          ok          ok          ok          ok          ok          ok          ok          ok          ok
drip         ok          ok          ok          ok          ok          ok          ok          ok          ok          ok          ok          ok
silence      timeout     ok          timeout!    ok          ok          ok          ok          timeout!    ok          ok          ok          ok
stalls       timeout     ok          timeout!    ok          ok          ok          ok          ok          ok          ok          ok          ok
reset        failed      ok          failed!     ok          ok          ok          ok          failed!     ok          ok          ok          ok
lost         failed      ok          failed!     ok          ok          ok          ok          ok          ok          ok          ok          ok
cut          failed      ok          failed!     ok          ok          ok          ok          ok          ok          ok          ok          ok
503          busy        ok          busy!       ok          ok          ok          ok          busy!       ok          ok          ok          ok
429 in 1 s   busy        ok          busy        ok          ok          ok          ok          busy        ok          ok          ok          ok
503 in 22 s  busy        busy        busy        busy        busy        busy        busy        busy        busy        busy        ok          busy,ok
500          failed      failed      failed!     running     failed      failed      failed      failed!     failed      failed      ok          ok
502          failed      ok          failed!     ok          ok          ok          ok          failed!     ok          ok          ok          ok
404 page     invalid!    invalid!    ok          ok          rejected!   invalid!    rejected!   invalid!    rejected!   invalid!    ok          ok
403          auth!       forbidden!  forbidden!  running     forbidden!  forbidden!  forbidden!  forbidden!  forbidden!  forbidden!  ok          ok
expired      auth!       auth!       ok          ok          ok          ok          ok          ok          ok          ok          ok          ok
redirect     invalid!    invalid!    invalid!    running     invalid!    invalid!    invalid!    invalid!    invalid!    invalid!    ok          ok
too much     invalid!    invalid!    invalid!    running     invalid!    invalid!    invalid!    invalid!    invalid!    ok          ok          ok
uncounted    invalid!    invalid!    invalid!    running     invalid!    invalid!    invalid!    invalid!    invalid!    ok          ok          ok
garbage      invalid!    invalid!    ok          ok          invalid!    invalid!    invalid!    ok          invalid!    invalid!    ok          ok
a page       invalid!    invalid!    invalid!    running     invalid!    invalid!    invalid!    invalid!    invalid!    invalid!    ok          ok
no type      ok          ok          ok          ok          ok          ok          ok          ok          ok          ok          ok          ok
{}           auth!       invalid!    later       ok          invalid!    invalid!    invalid!    ok          invalid!    invalid!    ok          ok
";

/// The outcomes of a fault that lasts until the caller has a response, at the calls that are made more than once.
pub(super) const STAYING: &str = "
             list        look        read        again       write       back        proof       wait        events
late         ok          ok          ok          ok          ok          ok          ok          ok          ok
drip         ok          ok          ok          ok          ok          ok          ok          ok          ok
silence      timeout     running     timeout     timeout     timeout!    timeout     timeout     ok          ok
stalls       timeout     running     timeout     timeout     ok          timeout     timeout     ok          ok
reset        failed      running     failed      failed      failed!     failed      failed      ok          ok
lost         failed      running     failed      failed      ok          failed      failed      ok          ok
cut          failed      running     failed      failed      ok          failed      failed      ok          ok
503          busy        running     busy        busy        busy!       busy        busy        ok          ok
429 in 1 s   busy        busy        busy        busy        busy        busy        busy        running     busy,ok
503 in 22 s  busy        busy        busy        busy        busy        busy        busy        running     busy,ok
500          failed      running     failed      failed      failed!     failed      failed      ok          ok
502          failed      running     failed      failed      failed!     failed      failed      ok          ok
404 page     invalid!    ok          rejected!   rejected!   invalid!    rejected!   invalid!    ok          ok
403          forbidden!  running     forbidden!  forbidden!  forbidden!  forbidden!  forbidden!  ok          ok
expired      auth!       auth!       auth!       auth!       auth!       auth!       auth!       auth!       auth!
redirect     invalid!    running     invalid!    invalid!    invalid!    invalid!    invalid!    ok          ok
too much     invalid!    running     invalid!    invalid!    invalid!    invalid!    invalid!    ok          ok
uncounted    invalid!    running     invalid!    invalid!    invalid!    invalid!    invalid!    ok          ok
garbage      invalid!    ok          invalid!    invalid!    ok          invalid!    invalid!    ok          ok
a page       invalid!    running     invalid!    invalid!    invalid!    invalid!    invalid!    ok          ok
no type      ok          ok          ok          ok          ok          ok          ok          ok          ok
{}           invalid!    ok          invalid!    invalid!    invalid!    invalid!    invalid!    ok          ok
";

/// The calls that have a column in [`STAYING`].
pub(super) const REPEATED: [&str; 9] = ["list", "look", "read", "again", "write", "back", "proof", "wait", "events"];

/// The rows: kinds of faults.
pub(crate) fn kinds() -> Vec<(&'static str, FaultKind)> {
    let answer = |status: u16, content_type: &str, body: &str| FaultKind::Answer {
        status,
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    };
    let busy = |status: u16, retry_after: RetryAfter| FaultKind::Busy { status, retry_after };
    vec![
        ("late", FaultKind::Delay { milliseconds: 200 }),
        ("drip", FaultKind::Drip { bytes: 100, milliseconds: 10 }),
        ("silence", FaultKind::Delay { milliseconds: 60_000 }),
        ("stalls", FaultKind::Drip { bytes: 1, milliseconds: 60_000 }),
        ("reset", FaultKind::Reset),
        ("lost", FaultKind::LoseAnswer),
        ("cut", FaultKind::CutBody),
        ("503", busy(503, RetryAfter::Absent)),
        ("429 in 1 s", busy(429, RetryAfter::Seconds(1))),
        ("503 in 22 s", busy(503, RetryAfter::DateIn(22))),
        ("500", FaultKind::Html { status: 500 }),
        ("502", FaultKind::Html { status: 502 }),
        ("404 page", FaultKind::Html { status: 404 }),
        ("403", answer(403, "application/json", r#"{"errors":[{"code":"forbidden","message":"no"}]}"#)),
        ("expired", FaultKind::ExpiredToken),
        ("redirect", FaultKind::Redirect { status: 302, location: "https://elsewhere.example/login".to_owned() }),
        ("too much", FaultKind::Oversized { bytes: 200_000, chunked: false }),
        ("uncounted", FaultKind::Oversized { bytes: 200_000, chunked: true }),
        ("garbage", FaultKind::GarbageJson),
        ("a page", answer(200, "text/html", "<html>Log in")),
        ("no type", FaultKind::WrongContentType { content_type: "text/html".to_owned() }),
        ("{}", answer(200, "application/json", "{}")),
    ]
}

/// Faults that end only with a time-out.
pub(super) const SILENT: [&str; 2] = ["silence", "stalls"];

/// A column: an upstream call of the main job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    /// Its path below the directory's, or below the tenant's if it begins with a slash; in the form of `Fault::path`.
    pub(super) path: &'static str,
    /// The number of equal calls that precede it.
    pub(super) after: u32,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A start, by the directory's name in a cold instance.
    Start,
    /// A start while a run is going on.
    Join,
    /// A start with `addToProfile`.
    Profile,
    /// The state request for an ended sync, with a group to prove.
    Proof,
    /// The same with `Prefer: wait` while it runs.
    Wait,
    /// The same as an event stream.
    Events,
}

pub(super) const CALLS: [Call; 12] = [
    call("login", "POST", "/API/1.0/REST/auth/system/login", 0, Phase::Start),
    call("list", "GET", "/jersey/manager/api/connectormanagement/directoryconfigs?", 0, Phase::Start),
    call("kick-off", "POST", "syncprofile/sync$", 0, Phase::Start),
    call("look", "GET", "syncprofile/sync$", 0, Phase::Join),
    call("read", "GET", "syncprofile$", 0, Phase::Profile),
    call("look-up", "POST", "directorygroups", 0, Phase::Profile),
    call("again", "GET", "syncprofile$", 1, Phase::Profile),
    call("write", "PUT", "syncprofile$", 0, Phase::Profile),
    call("back", "GET", "syncprofile$", 2, Phase::Profile),
    call("proof", "GET", "/jersey/manager/api/scim/Groups?", 0, Phase::Proof),
    call("wait", "GET", "syncprofile/sync$", 1, Phase::Wait),
    call("events", "GET", "syncprofile/sync$", 1, Phase::Events),
];

pub(super) const fn call(
    name: &'static str,
    method: &'static str,
    path: &'static str,
    after: u32,
    phase: Phase,
) -> Call {
    Call { name, method, path, after, phase }
}
