//! The end of a request's time.

use idhook::http::{HttpClient, TransportError};
use idhook::runtime::{Clock, Runtime};

use super::*;

#[test]
fn deadline_ends_a_hanging_call() {
    let script = Script::new([get(THING).hang()]);
    let (done, statuses) = run(&script, 7, &Read);
    let error = done.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamTimeout);
    assert_eq!(statuses, [None]);
    assert_eq!(script.slept(), [Duration::from_secs(7)]);
}

#[test]
fn deadline_covers_all_attempts() {
    let slow = || get(THING).takes(Duration::from_secs(4)).answer(503, "");
    let script = Script::new([slow(), slow(), slow()]);
    let (done, statuses) = run(&script, 10, &Read);
    // 4 s, a wait, 4 s, a wait, and the rest of the ten.
    assert_eq!(done.unwrap_err().code(), ErrorCode::UpstreamTimeout);
    assert_eq!(statuses, [Some(503), Some(503), None]);
    assert!(script.slept().last().unwrap() < &Duration::from_secs(2));
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let script = Script::new([get(THING).takes(Duration::from_secs(9)).answer(200, "")]);
    let url = BaseUrl::parse("https://up.example").unwrap();
    let out = Outbound::new(&script, Limits::default(), Duration::from_secs(9), HeaderMap::new());
    let to = Destination::<Plain> { target: "here", url: &url, dialect: &() };
    script.run(out.call(&to, &Read, None)).unwrap();
    let error = script.run(out.call(&to, &Change, None)).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::UpstreamTimeout, true));
    assert!(error.detail().contains("was not sent") && error.hint_text().unwrap().contains("request_timeout"));
    assert_eq!(out.calls().len(), 1, "a call that was not sent is not logged as one");
}

/// A host whose waits last at least a minute.
struct Late(Script);

impl HttpClient for Late {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: &Limits,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.0.send(request, limits).await
    }
}

impl Clock for Late {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration.max(Duration::from_mins(1))).await;
    }
}

impl Runtime for Late {
    type Store = <Script as Runtime>::Store;

    fn store(&self) -> Option<&Self::Store> {
        self.0.store()
    }

    fn random(&self) -> u64 {
        self.0.random()
    }

    fn log(&self, line: &str) {
        self.0.log(line);
    }
}

#[test]
fn failure_before_a_wait_that_outlasts_the_time_is_the_error() {
    let late = Late(Script::new([get(THING).fail(TransportErrorKind::Refused)]));
    let url = BaseUrl::parse("https://up.example").unwrap();
    let out = Outbound::new(&late, Limits::default(), Duration::from_secs(9), HeaderMap::new());
    let to = Destination::<Plain> { target: "here", url: &url, dialect: &() };
    let error = late.0.run(out.call(&to, &Read, None)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamUnreachable, "{error}");
}
