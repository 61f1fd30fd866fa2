//! The session of an instance and the calls that are under way in it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::Stream as _;
use futures_util::future::{AbortHandle, LocalBoxFuture, abortable};
use futures_util::stream::FuturesUnordered;
use idhook::embedded::{Result, Syncs};
use idhook_calls::{Arguments, Session, WaitOptions, answer, json};
use serde_json::Value;

use crate::host::{self, Host};
use crate::messages::{Action, Event};

/// The session and its calls.
#[derive(Default)]
pub(crate) struct Engine {
    host: Host,
    session: Option<Rc<Session<Host>>>,
    calls: FuturesUnordered<LocalBoxFuture<'static, u32>>,
    handles: BTreeMap<u32, AbortHandle>,
}

impl Engine {
    /// Takes the JSON of a list of [`Event`]s and returns the JSON of a list of [`Action`]s.
    pub(crate) fn step(&mut self, events: &[u8]) -> Vec<u8> {
        // Python writes them; what cannot be read is a fault of this package, and shows as a call without an end in its tests.
        let events: Vec<Event> = serde_json::from_slice(events).unwrap_or_default();
        for event in events {
            self.handle(event);
        }
        self.run();
        serde_json::to_vec(&self.host.actions()).unwrap_or_default()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Open { kind, settings } => {
                let opened = Session::open(&kind, settings, self.host.clone()).map(|session| {
                    self.session = Some(Rc::new(session));
                    "null".to_owned()
                });
                self.host.push(Action::Opened(answer(opened)));
            }
            Event::Call { id, name, arguments } => self.call(id, name, &arguments),
            Event::Drop(id) => {
                if let Some(handle) = self.handles.remove(&id) {
                    handle.abort();
                }
            }
            Event::Response { id, status, headers, body } => {
                self.host.ended(id, host::response(status, headers, &body));
            }
            Event::Failure { id, kind, detail } => self.host.ended(id, Err(host::failure(&kind, detail))),
            Event::Woken(id) => self.host.ended(id, Ok(http::Response::new(Bytes::new()))),
        }
    }

    fn call(&mut self, id: u32, name: String, arguments: &Value) {
        let Some(session) = self.session.clone() else { return };
        let (host, given) = (self.host.clone(), Arguments::new(&arguments.to_string()));
        let (work, handle) = abortable(async move {
            let progress = |state: String| host.push(Action::Progress { call: id, state });
            let done = match (name.as_str(), session.syncs()) {
                ("watchSync", Some(syncs)) => watch(syncs, given, progress).await,
                _ => session.call(&name, given, |state| progress(json(state))).await,
            };
            host.push(Action::Done { call: id, answer: answer(done) });
        });
        self.handles.insert(id, handle);
        self.calls.push(Box::pin(async move {
            // A call that was dropped has no result.
            let _ = work.await;
            id
        }));
    }

    /// Runs every call until each waits for Python.
    fn run(&mut self) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        while woken.0.swap(false, Ordering::Relaxed) {
            let mut context = Context::from_waker(&waker);
            while let Poll::Ready(Some(id)) = Pin::new(&mut self.calls).poll_next(&mut context) {
                self.handles.remove(&id);
            }
        }
    }
}

/// Reports each change of a sync, to the final one or until the time is up.
async fn watch(syncs: Syncs<'_, Host>, mut given: Arguments, progress: impl Fn(String)) -> Result<String> {
    let options: WaitOptions = given.optional("options")?;
    let mut watch = syncs.watch(&given.text("id")?, options.max_wait())?;
    while let Some(state) = syncs.next(&mut watch).await {
        progress(json(&state?));
    }
    Ok("null".to_owned())
}

/// Whether a call was woken since the last look.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
