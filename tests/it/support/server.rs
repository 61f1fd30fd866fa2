//! A small server in memory, as a runtime: it answers whatever it is asked, on a script's clock.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use idhook::http::{HttpClient, Limits, TransportError};
use idhook::runtime::{Clock, Runtime};

use crate::support::memory_store::MemoryStore;
use crate::support::script::Script;

/// The server.
pub(crate) trait Server {
    /// Whose clock and random numbers it has.
    fn clock(&self) -> &Script;

    /// The status and the body of an answer.
    fn answer(&self, request: &Request<Bytes>) -> Result<(u16, String), TransportError>;
}

/// The server as a session holds it.
#[derive(Debug)]
pub(crate) struct Served<S>(pub(crate) Rc<S>);

impl<S> Clone for Served<S> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<S: Server> HttpClient for Served<S> {
    async fn send(&self, request: Request<Bytes>, _: &Limits) -> Result<Response<Bytes>, TransportError> {
        self.sleep(Duration::from_millis(1)).await;
        let (status, body) = self.0.answer(&request)?;
        let now = httpdate::fmt_http_date(self.now());
        let answer = Response::builder().status(status).header("date", now).header("content-type", "application/json");
        Ok(answer.body(Bytes::from(body)).unwrap())
    }
}

impl<S: Server> Clock for Served<S> {
    fn now(&self) -> SystemTime {
        self.0.clock().now()
    }

    fn elapsed(&self) -> Duration {
        self.0.clock().elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.clock().sleep(duration).await;
    }
}

impl<S: Server> Runtime for Served<S> {
    type Store = MemoryStore;

    fn store(&self) -> Option<&MemoryStore> {
        None
    }

    fn random(&self) -> u64 {
        self.0.clock().random()
    }

    fn log(&self, _: &str) {}
}
