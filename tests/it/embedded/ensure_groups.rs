//! `ensure_groups`: success means that every group is proven; everything else is an error with which the sync can be
//! continued.
//!
//! A small vIDM model answers any call; other tests check the calls of the sync protocol.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use idhook::directory::SyncStatus;
use idhook::embedded::{self, EnsureOptions, SyncOrder, Vidm};
use idhook::error::{ErrorCode, Problem};
use idhook::http::{TransportError, TransportErrorKind};
use idhook::runtime::Clock as _;
use idhook::sync::SyncDocument;
use serde_json::{Value, json};

use crate::support::script::Script;
use crate::support::server::{self, Served};
use crate::support::vidm::{CORP, DIRECTORIES};

const FIRST: &str = "CN=gg-first,OU=Groups,DC=corp,DC=example";
const SECOND: &str = "CN=gg-second,OU=Groups,DC=corp,DC=example";

/// A vIDM whose runs take two seconds and end as in `ends`.
#[derive(Debug)]
struct Server {
    clock: Script,
    /// vIDM's word for a finished run, and its message.
    ends: Cell<(&'static str, &'static str)>,
    /// How long a run takes.
    takes: Cell<Duration>,
    /// The groups that a run imports.
    brings: RefCell<Vec<&'static str>>,
    /// The start of the last run.
    began: Cell<Option<Duration>>,
    /// The failure of state calls, from the first kick-off on.
    trouble: Cell<Option<Trouble>>,
    kick_offs: Cell<u32>,
}

#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// The connection is refused.
    Away,
    /// 403
    Forbidden,
}

impl Server {
    fn millis(&self, at: Duration) -> u64 {
        u64::try_from((crate::support::script::START + at).as_millis()).unwrap()
    }

    fn state(&self) -> Value {
        let Some(began) = self.began.get() else { return json!({}) };
        let ended = began + self.takes.get();
        let (word, message) = self.ends.get();
        match self.clock.elapsed() >= ended {
            true => {
                json!({"status": word, "message": message, "startTime": self.millis(began), "endTime": self.millis(ended)})
            }
            false => json!({"status": "RUNNING", "startTime": self.millis(began)}),
        }
    }

    fn found(&self, query: &str) -> Value {
        let brought = self.brings.borrow();
        let is_over = self.began.get().is_some_and(|began| self.clock.elapsed() >= began + self.takes.get());
        let found = brought.iter().filter(|dn| is_over && query.contains(dn.split([',', '=']).nth(1).unwrap()));
        let groups: Vec<_> = found
            .map(|dn| {
                json!({"id": dn, "displayName": dn, "urn:scim:schemas:extension:workspace:1.0": {"distinguishedName": dn}})
            })
            .collect();
        json!({"totalResults": groups.len(), "Resources": groups})
    }

    fn answers(&self, request: &Request<Bytes>) -> Result<(u16, Value), TransportError> {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let is_kick_off = path.ends_with("/syncprofile/sync") && request.method() == Method::POST;
        if path.ends_with("/login") {
            return Ok((200, json!({"sessionToken": "t"})));
        }
        if is_kick_off {
            self.began.set(Some(self.clock.elapsed()));
            self.kick_offs.set(self.kick_offs.get() + 1);
            return Ok((200, json!({})));
        }
        if path.ends_with("/directoryconfigs") {
            return Ok((200, serde_json::from_str(DIRECTORIES).unwrap()));
        }
        match self.trouble.get().filter(|_| self.began.get().is_some()) {
            Some(Trouble::Away) => return Err(TransportError::new(TransportErrorKind::Refused, "connection refused")),
            Some(Trouble::Forbidden) => return Ok((403, json!({"code": "access.denied"}))),
            None => {}
        }
        Ok(match path {
            _ if path.ends_with("/syncprofile/sync") => (200, self.state()),
            _ if path.ends_with("/scim/Groups") => (200, self.found(query)),
            _ => (404, json!({"errors": [{"code": "not.found", "message": "no such call in this version"}]})),
        })
    }
}

impl server::Server for Server {
    fn clock(&self) -> &Script {
        &self.clock
    }

    fn answer(&self, request: &Request<Bytes>) -> Result<(u16, String), TransportError> {
        self.answers(request).map(|(status, body)| (status, body.to_string()))
    }
}

fn vidm() -> (Rc<Server>, Vidm<Served<Server>>) {
    let server = Rc::new(Server {
        clock: Script::new([]),
        ends: Cell::new(("COMPLETED", "")),
        takes: Cell::new(Duration::from_secs(2)),
        brings: RefCell::new(vec![FIRST, SECOND]),
        began: Cell::default(),
        trouble: Cell::default(),
        kick_offs: Cell::default(),
    });
    let settings = json!({"url": "https://vidm.corp.example", "username": "svc-sync", "password": "pässword"});
    (Rc::clone(&server), Vidm::from_json(Served(Rc::clone(&server)), settings).unwrap())
}

fn within(seconds: f64) -> EnsureOptions {
    EnsureOptions { timeout_seconds: Some(seconds), ..EnsureOptions::default() }
}

fn named(groups: &[&str]) -> Vec<String> {
    groups.iter().map(|&group| group.to_owned()).collect()
}

/// The error and its state.
fn fails(server: &Server, work: impl Future<Output = embedded::Result<SyncDocument>>) -> (Problem, Value) {
    let mut problem = *server.clock.run(work).unwrap_err();
    let state = problem.sync.take().unwrap_or_default();
    (problem, state)
}

#[test]
fn ensured_groups_are_returned_with_their_proof() {
    let (server, vidm) = vidm();
    let mut seen = Vec::new();
    let progress = |state: &SyncDocument| seen.push((state.status, state.id.clone().unwrap()));
    let ensured = vidm.ensure_groups("corp.example", named(&[FIRST, SECOND]), EnsureOptions::default(), progress);
    let done = server.clock.run(ensured).unwrap();
    assert_eq!((done.status, done.groups.len(), server.kick_offs.get()), (SyncStatus::Succeeded, 2, 1));
    assert_eq!(seen.first().unwrap().0, SyncStatus::Running, "the id is available right after the start");
    assert_eq!(seen.last().unwrap(), &(SyncStatus::Succeeded, done.id.unwrap()));
}

#[test]
fn ensure_groups_fails_unless_the_sync_succeeds_with_every_group() {
    for (ends, brings, seconds, code, told, status) in [
        (("COMPLETED", ""), vec![FIRST], 60.0, ErrorCode::GroupAbsent, SECOND, "failed"),
        (
            ("FAILED", "Directory sync safeguards were exceeded"),
            vec![FIRST],
            60.0,
            ErrorCode::SafeguardTripped,
            "safeguards",
            "failed",
        ),
        (("FAILED", "The connector is down."), vec![FIRST], 60.0, ErrorCode::SyncFailed, "connector is down", "failed"),
        (("COMPLETED", ""), vec![FIRST, SECOND], 1.0, ErrorCode::SyncTimeout, "still running after 1 s", "running"),
        (("WIBBLE", ""), vec![FIRST], 4.0, ErrorCode::SyncTimeout, "still unknown after 4 s", "unknown"),
    ] {
        let (server, vidm) = vidm();
        server.ends.set(ends);
        *server.brings.borrow_mut() = brings;
        let ensured = vidm.ensure_groups(CORP, named(&[FIRST, SECOND]), within(seconds), |_| ());
        let (problem, state) = fails(&server, ensured);
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.detail.contains(told) && problem.hint.is_some(), "{problem}");
        assert_eq!(problem.retryable, code == ErrorCode::SyncTimeout, "{problem}");
        assert_eq!(state["status"], status, "{problem}: {state}");
        assert!(server.clock.elapsed() < Duration::from_secs(10), "{problem}");

        // The error's id continues the sync.
        server.ends.set(("COMPLETED", ""));
        *server.brings.borrow_mut() = vec![FIRST, SECOND];
        let id = state["id"].as_str().unwrap();
        if code == ErrorCode::SyncTimeout {
            let later = server.clock.run(vidm.wait_for_sync(id, Duration::from_secs(60))).unwrap();
            assert_eq!(later.status, SyncStatus::Succeeded, "{problem}");
        }
    }
}

#[test]
fn proof_from_before_the_end_of_a_run_is_not_used_after_it() {
    // The second observation is new at some of these times, and the first proof is not old yet.
    for millis in 890..910 {
        let (server, vidm) = vidm();
        server.ends.set(("WIBBLE", ""));
        *server.brings.borrow_mut() = vec![FIRST];
        let order = SyncOrder { groups: named(&[FIRST, SECOND]), ..SyncOrder::default() };
        let id = server.clock.run(vidm.start_sync(CORP, order)).unwrap().id.unwrap();
        server.clock.advance(Duration::from_secs(3));
        let now = || server.clock.run(vidm.wait_for_sync(&id, Duration::ZERO)).unwrap().status;
        assert_eq!(now(), SyncStatus::Unknown);
        server.clock.advance(Duration::from_millis(millis));
        server.ends.set(("COMPLETED", ""));
        *server.brings.borrow_mut() = vec![FIRST, SECOND];
        assert_ne!(now(), SyncStatus::Failed, "after {millis} ms");
    }
}

#[test]
fn only_failures_after_the_start_carry_the_state() {
    for (trouble, code) in
        [(Trouble::Forbidden, ErrorCode::UpstreamForbidden), (Trouble::Away, ErrorCode::UpstreamUnreachable)]
    {
        let (server, vidm) = vidm();
        server.trouble.set(Some(trouble));
        let (problem, state) = fails(&server, vidm.ensure_groups(CORP, named(&[FIRST]), within(5.0), |_| ()));
        assert_eq!((problem.code, &state["status"]), (code, &json!("running")), "{problem}");
        assert!(state["id"].is_string());
    }
    let (server, vidm) = vidm();
    let ensured = vidm.ensure_groups("nowhere.example", named(&[FIRST]), within(5.0), |_| ());
    let (problem, state) = fails(&server, ensured);
    assert_eq!((problem.code, state), (ErrorCode::DirectoryNotFound, Value::Null));
}

#[test]
fn ensure_groups_without_groups_or_with_a_wrong_time_starts_nothing() {
    let (server, vidm) = vidm();
    for (groups, seconds, pointers) in [
        (vec![], 60.0, vec!["/groups"]),
        (vec![FIRST, " "], 60.0, vec!["/groups/1"]),
        (vec![""], -1.0, vec!["/groups/0", "/timeoutSeconds"]),
        (vec![FIRST], f64::NAN, vec!["/timeoutSeconds"]),
        (vec![FIRST], 86_401.0, vec!["/timeoutSeconds"]),
        (vec![FIRST; 101], 60.0, vec!["/groups"]),
    ] {
        let (problem, _) = fails(&server, vidm.ensure_groups(CORP, named(&groups), within(seconds), |_| ()));
        let told: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!((problem.code, told), (ErrorCode::RequestInvalid, pointers), "{problem}");
    }
    let to_profile = EnsureOptions { add_to_profile: true, ..EnsureOptions::default() };
    let (problem, _) = fails(&server, vidm.ensure_groups(CORP, named(&["gg@corp.example"]), to_profile, |_| ()));
    assert_eq!(problem.errors[0].pointer, "/groups/0");
    assert_eq!(server.kick_offs.get(), 0);
    let unknown = embedded::read::<EnsureOptions>(json!({"timeout": 5})).unwrap_err();
    assert_eq!(unknown.errors[0].pointer, "/timeout");
}
