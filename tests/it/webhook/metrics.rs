//! `GET /metrics`: what is counted, by which instance, and at which cost.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use http::{Method, Request};
use idhook::runtime::Clock as _;
use idhook::webhook::Body;
use serde_json::json;

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, START};
use crate::support::vidm::{CORP, LOGIN, classic, idle, lists, logs_in, sync_state};
use crate::support::webhook::{Instance, KEY, READER, digest, request};

const DIRECTORIES: &str = "/vidm/default/v1/directories";
const STATE_KEY: (&str, &str) = ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8");
const TEN: Duration = Duration::from_secs(10);

/// An instance that shares `store`, without a rate limit: it costs store calls of its own.
fn instance(store: &Rc<MemoryStore>, calls: impl IntoIterator<Item = Call>) -> Instance {
    Instance::sharing(store, &[STATE_KEY, ("rate_limit", "0")], calls)
}

fn scrape(instance: &Instance) -> String {
    let answer = instance.get("/metrics");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    answer.text()
}

/// A scrape whose client closes its connection while the store does not reply.
fn cancel_scrape(instance: &Instance, store: &MemoryStore, fault: StoreFault) {
    store.set_fault(fault);
    instance.script.run(async {
        let scrape = pin!(instance.ask(request(KEY, Method::GET, "/metrics", &[], "")));
        let Either::Right(_) = select(scrape, pin!(instance.script.sleep(Duration::from_millis(100)))).await else {
            panic!("the scrape did not wait")
        };
    });
    store.set_fault(StoreFault::None);
}

/// The value of the series that is written as `series`; `None` if it is absent.
fn value(text: &str, series: &str) -> Option<u64> {
    let values: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).collect();
    assert!(values.len() < 2, "{series} occurs more than once");
    values.first().map(|value| value.parse().unwrap())
}

fn requests(text: &str, rest: &str) -> Option<u64> {
    value(text, &format!("idhook_requests_total{{route=\"{DIRECTORIES_ROUTE}\",{rest}}}"))
}

const DIRECTORIES_ROUTE: &str = "/vidm/{target}/v1/directories";
const OK: &str = r#"method="GET",status="200",code="none""#;

#[test]
fn scrape_of_any_instance_returns_the_counts_of_all() {
    let store = MemoryStore::new();
    let one = instance(&store, [logs_in("t1"), lists().takes(Duration::from_millis(300))]);
    let two = instance(&store, [lists()]);
    one.get(DIRECTORIES);
    one.flush();
    assert_eq!(two.get(DIRECTORIES).status(), 200);
    two.send_by("wrong", Method::GET, DIRECTORIES, "");
    let text = scrape(&two);
    assert_eq!(requests(&text, OK), Some(2));
    for (series, expected) in [
        // Anybody can scan all routes, and must not use up the series: of unknown callers no route is counted.
        (r#"idhook_requests_total{route="none",method="GET",status="401",code="unauthenticated"}"#, 1),
        (r#"idhook_errors_total{code="unauthenticated"}"#, 1),
        (r#"idhook_errors_total{code="upstream_auth"}"#, 0),
        (r#"idhook_request_seconds_bucket{route="/vidm/{target}/v1/directories",le="0.25"}"#, 1),
        (r#"idhook_request_seconds_bucket{route="/vidm/{target}/v1/directories",le="0.5"}"#, 2),
        (r#"idhook_request_seconds_count{route="/vidm/{target}/v1/directories"}"#, 2),
        (
            r#"idhook_upstream_calls_total{target="vidm/default",call="POST /SAAS/API/1.0/REST/auth/system/login",status="200"}"#,
            1,
        ),
        (r#"idhook_upstream_seconds_count{target="vidm/default"}"#, 3),
        (r#"idhook_rejected_logins_total{target="vidm/default"}"#, 0),
        (r#"idhook_rejected_logins_total{target="vcf/default"}"#, 0),
        ("idhook_store_failures_total", 0),
        ("idhook_lost_batches_total", 0),
        ("idhook_counters_shared", 1),
        ("idhook_watchers", 0),
        (concat!("idhook_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
    // The second scrape counts the first, at any instance.
    let of_scrapes = r#"idhook_requests_total{route="/metrics",method="GET",status="200",code="none"}"#;
    assert_eq!(value(&text, of_scrapes), None);
    two.flush();
    two.script.advance(TEN);
    two.flush();
    assert_eq!(value(&scrape(&one), of_scrapes), Some(1));
}

#[test]
fn each_store_has_an_id_of_its_own() {
    let id = |instance: &Instance| {
        let text = scrape(instance);
        let ids: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("idhook_store_info{")).collect();
        assert!(ids.len() < 2, "{text}");
        ids.first().map(ToString::to_string)
    };
    let (store, other) = (MemoryStore::new(), MemoryStore::new());
    let first = id(&instance(&store, []));
    assert_eq!(first.as_ref().map(String::len), Some(r#"store="0123abcd"} 1"#.len()), "{first:?}");
    assert_eq!(id(&instance(&store, [])), first);
    let elsewhere = instance(&other, []);
    // The random numbers of tests count up from the same number.
    elsewhere.get("/healthz");
    assert_ne!(id(&elsewhere), first);
    assert_eq!(id(&Instance::new([])), None);
}

#[test]
fn only_one_addition_in_ten_seconds_calls_the_store() {
    let store = MemoryStore::new();
    let one = instance(&store, [logs_in("t1"), lists()]);
    one.get(DIRECTORIES);
    let costs = |instance: &Instance, work: &dyn Fn(&Instance)| {
        store.calls();
        work(instance);
        store.calls()
    };
    let list = |instance: &Instance| {
        instance.then([lists()]);
        assert_eq!(instance.get(DIRECTORIES).status(), 200);
    };
    // A number is drawn, and the batch is written.
    assert_eq!(costs(&one, &Instance::flush), 2);
    assert_eq!(costs(&one, &list), 0, "a request itself makes no call");
    assert_eq!(costs(&one, &Instance::flush), 0, "it is not due");
    one.script.advance(TEN);
    assert_eq!(costs(&one, &Instance::flush), 2);
    assert_eq!(costs(&one, &Instance::flush), 0, "there is nothing to add");
    list(&one);
    // An instance that lives on waits until it is due.
    let slept = one.script.slept().len();
    assert_eq!(costs(&one, &Instance::flush_when_due), 2);
    assert_eq!(one.script.slept()[slept..], [TEN]);
    // Probes are not counted, and rejected callers alone cause no call.
    one.script.advance(TEN);
    one.get("/healthz");
    one.send_by("wrong", Method::GET, DIRECTORIES, "");
    assert_eq!(costs(&one, &Instance::flush), 0);
    let slept = one.script.slept().len();
    assert_eq!(costs(&one, &Instance::flush_when_due), 0);
    assert_eq!(one.script.slept().len(), slept, "nor do they keep the instance");
    // A scrape reads the sums, claims the lease, reads the three batches, and writes the sums, whether they are due or not.
    assert_eq!(costs(&one, &|instance| drop(scrape(instance))), 7);
    assert_eq!(costs(&one, &|instance| drop(scrape(instance))), 4);
    assert!(!scrape(&one).contains("healthz"));
    // Used-up counters are deleted.
    for _ in 0..100 {
        one.script.advance(TEN);
        one.get("/vidm/nowhere/v1/directories").problem("target_not_found");
        one.flush();
    }
    assert!(store.counters().len() < 40, "{:?}", store.counters());
}

/// Such instances once waited for each other, and piled up until Spin refused new ones.
#[test]
fn instances_of_one_request_each_hand_in_their_counts_without_a_wait() {
    let store = MemoryStore::new();
    instance(&store, [logs_in("t1"), lists()]).get(DIRECTORIES);
    // One that crashed has the lease.
    let crashed = instance(&store, []);
    cancel_scrape(&crashed, &store, StoreFault::HangsAtSet);
    let costs: Vec<_> = (1..=40)
        .map(|_| {
            let one = instance(&store, [lists()]);
            assert_eq!(one.get(DIRECTORIES).status(), 200);
            store.calls();
            let before = one.script.elapsed();
            one.flush();
            let took = one.script.elapsed() - before;
            assert!(took <= Duration::from_millis(50), "{took:?}");
            store.calls()
        })
        .collect();
    assert_eq!(costs.iter().filter(|calls| **calls > 2).count(), 2, "every sixteenth adds: {costs:?}");
    assert!(costs.iter().all(|calls| *calls <= 25), "{costs:?}");
    let later = instance(&store, []);
    later.script.advance(TEN);
    assert_eq!(requests(&scrape(&later), OK), Some(40));
}

#[test]
fn failing_store_loses_no_count_and_never_decreases_a_counter() {
    let store = MemoryStore::new();
    let one = instance(&store, [logs_in("t1"), lists(), lists()]);
    one.get(DIRECTORIES);
    assert_eq!(requests(&scrape(&one), OK), Some(1));
    for fault in [StoreFault::Fails, StoreFault::RefusesWrites, StoreFault::Hangs] {
        store.set_fault(fault);
        one.script.advance(TEN);
        let problem = one.get("/metrics").problem("upstream_busy");
        assert!(problem["detail"].as_str().unwrap().contains("store"), "{problem}");
    }
    assert_eq!(one.get(DIRECTORIES).status(), 200);
    store.set_fault(StoreFault::None);
    one.script.advance(TEN);
    let text = scrape(&one);
    assert_eq!(requests(&text, OK), Some(2));
    assert_eq!(value(&text, "idhook_store_failures_total"), Some(3));
    assert_eq!(value(&text, r#"idhook_errors_total{code="upstream_busy"}"#), Some(3));
}

#[test]
fn instance_without_a_store_counts_for_itself() {
    let without = Instance::with(&[STATE_KEY], [logs_in("t1"), lists()]);
    let store = MemoryStore::new();
    store.set_fault(StoreFault::Absent);
    for one in [without, instance(&store, [logs_in("t1"), lists()])] {
        one.get(DIRECTORIES);
        one.flush();
        for _ in 0..2 {
            let text = scrape(&one);
            assert_eq!((requests(&text, OK), value(&text, "idhook_counters_shared")), (Some(1), Some(0)));
        }
    }
}

#[test]
fn end_of_a_sync_is_counted_once_by_all_instances() {
    let store = MemoryStore::new();
    let shows = |status: &str| {
        sync_state(CORP).answer(200, json!({ "status": status, "startTime": START.as_millis() + 10 }).to_string())
    };
    let one = instance(&store, [logs_in("t1"), lists(), idle(CORP), classic(CORP), shows("RUNNING")]);
    let start = |instance: &Instance| {
        let answer = instance.send(Method::POST, &format!("{DIRECTORIES}/{CORP}/syncs"), "");
        assert_eq!(answer.status(), 202, "{}", answer.text());
        answer.header("location").to_owned()
    };
    let (place, _joins) = (start(&one), start(&one));
    one.script.advance(Duration::from_secs(2));
    one.then([shows("COMPLETED"), shows("COMPLETED")]);
    for _ in 0..2 {
        assert_eq!(one.get(&place).json()["status"], "succeeded");
        one.script.advance(TEN);
        one.flush();
    }
    let two = instance(&store, [shows("COMPLETED")]);
    assert_eq!(two.get(&place).json()["status"], "succeeded");
    let text = scrape(&two);
    for (series, expected) in [
        (r#"idhook_syncs_started_total{target="vidm/default"}"#, 2),
        (r#"idhook_joined_callers_total{target="vidm/default"}"#, 1),
        (r#"idhook_syncs_total{target="vidm/default",outcome="succeeded"}"#, 1),
        (r#"idhook_syncs_total{target="vidm/default",outcome="sync_failed"}"#, 0),
        (r#"idhook_syncs_total{target="fleet/default",outcome="group_absent"}"#, 0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series}\n{text}");
    }
}

#[test]
fn rejected_login_is_counted_for_its_target() {
    let rejects = crate::support::script::post(LOGIN).answer(401, "{}");
    let one = Instance::with(&[STATE_KEY], [rejects]);
    one.get(DIRECTORIES).problem("upstream_auth");
    let text = scrape(&one);
    assert_eq!(value(&text, r#"idhook_rejected_logins_total{target="vidm/default"}"#), Some(1));
    assert_eq!(value(&text, r#"idhook_rejected_logins_total{target="fleet/default"}"#), Some(0));
}

#[test]
fn problem_that_ends_a_stream_is_counted_at_once_by_all_instances() {
    let store = MemoryStore::new();
    let one = instance(&store, [logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let started = one.send(Method::POST, &format!("{DIRECTORIES}/{CORP}/syncs"), "");
    let watch = request(KEY, Method::GET, started.header("location"), &[("accept", "text/event-stream")], "");
    // The password was changed in the meantime: vIDM ends the session, then rejects the login.
    let rejects = crate::support::script::post(LOGIN).answer(401, "{}");
    let mut stream = one.script.run(one.open(watch)).unwrap();
    one.then([sync_state(CORP).answer(401, "{}"), rejects]);
    let mut pieces = 0;
    while one.script.run(stream.next()).is_some() {
        pieces += 1;
        assert!(pieces < 10);
    }
    store.calls();
    one.script.run(stream.close());
    drop(stream);
    assert_eq!(store.calls(), 0, "what has ended costs nothing");
    let text = scrape(&instance(&store, []));
    assert_eq!(value(&text, r#"idhook_errors_total{code="upstream_auth"}"#), Some(1), "{text}");
    assert_eq!(value(&text, r#"idhook_rejected_logins_total{target="vidm/default"}"#), Some(1));
    assert_eq!(value(&text, "idhook_watchers"), Some(0));
}

#[test]
fn stream_counts_its_calls_and_is_a_watcher_at_every_instance() {
    let store = MemoryStore::new();
    let began = json!({ "status": "RUNNING", "startTime": START.as_millis() + 10 }).to_string();
    let one = instance(&store, [logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let started = one.send(Method::POST, &format!("{DIRECTORIES}/{CORP}/syncs"), "");
    let watch = request(KEY, Method::GET, started.header("location"), &[("accept", "text/event-stream")], "");
    let mut stream = one.script.run(one.open(watch)).unwrap();
    one.then([sync_state(CORP).answer(200, began)]);
    while one.script.requests().len() < 5 {
        assert!(one.script.run(stream.next()).is_some());
    }
    let two = instance(&store, []);
    let text = scrape(&two);
    assert_eq!(value(&text, "idhook_watchers"), Some(1));
    let seen = text.lines().find(|line| line.contains("syncprofile/sync") && line.contains("GET ")).unwrap();
    assert!(seen.ends_with(" 2"), "the start's observation and the stream's: {seen}");
    one.script.run(stream.close());
    drop(stream);
    one.script.advance(TEN);
    one.flush_when_due();
    assert_eq!(value(&scrape(&two), "idhook_watchers"), Some(0));
}

#[test]
fn text_of_callers_is_no_label() {
    let one = Instance::with(&[STATE_KEY], []);
    for (method, path) in [
        ("BREW", "/vidm/secret-name/v1/directories"),
        ("GET", "/vidm/secret-name/v1/directories"),
        ("GET", "/hooks/secret-name"),
        ("POST", "/hooks/secret-name"),
        ("GET", "/secret-name"),
        ("GET", "/vidm/secret%0Aname/v1/directories"),
        ("GET", "/vcf/default/v1/identity-providers/secret-name/nothing"),
    ] {
        for key in [KEY, READER, "secret-name"] {
            let request = Request::builder().method(method).uri(path).header("x-api-key", key);
            let request = request.header("user-agent", "secret-name").body(Body::Whole("secret-name".into()));
            one.send_request(request.unwrap());
        }
    }
    let text = scrape(&one);
    assert!(!text.contains("secret") && !text.contains("BREW"), "{text}");
    assert!(text.contains(r#"method="other",status="405""#), "{text}");
    assert!(text.contains(r#"idhook_requests_total{route="none",method="GET",status="404",code="route_not_found"}"#));
}

#[test]
fn scope_metrics_reads_the_metrics_and_nothing_else() {
    let keys = json!([
        { "name": "prometheus", "sha256": digest("k1"), "scopes": ["metrics"] },
        { "name": "admin", "sha256": digest("k2"), "scopes": ["admin"] },
    ])
    .to_string();
    let one = Instance::with(&[STATE_KEY, ("api_keys", &keys)], []);
    let as_prometheus = Request::get("/metrics").header("authorization", "Bearer k1").body(Body::Whole("".into()));
    assert_eq!(one.send_request(as_prometheus.unwrap()).status(), 200);
    assert_eq!(one.send_by("k1", Method::HEAD, "/metrics", "").text(), "");
    for path in [DIRECTORIES, "/vidm/default/v1/doctor", "/vcf/default/v1/identity-providers"] {
        one.send_by("k1", Method::GET, path, "").problem("forbidden");
    }
    one.send_by("k2", Method::GET, "/metrics", "").problem("forbidden");
    one.send_by("k3", Method::GET, "/metrics", "").problem("unauthenticated");
    one.send_request(Request::get("/metrics").body(Body::Whole("".into())).unwrap()).problem("unauthenticated");
}

#[test]
fn cancelled_scrape_loses_no_count() {
    let store = MemoryStore::new();
    let one = instance(&store, [logs_in("t1"), lists()]);
    one.get(DIRECTORIES);
    cancel_scrape(&one, &store, StoreFault::Hangs);
    one.script.advance(TEN);
    assert_eq!(requests(&scrape(&one), OK), Some(1));
}

#[test]
fn instance_that_lives_on_adds_its_counts_once_the_store_is_back() {
    let store = MemoryStore::new();
    let one = instance(&store, [logs_in("t1"), lists()]);
    one.get(DIRECTORIES);
    store.set_fault(StoreFault::Fails);
    one.script.advance(TEN);
    let slept = one.script.slept().len();
    one.flush_when_due();
    assert_eq!(one.script.slept()[slept..].iter().filter(|time| **time == TEN).count(), 2, "three attempts");
    store.set_fault(StoreFault::None);
    one.script.advance(TEN);
    one.flush_when_due();
    let two = instance(&store, []);
    assert_eq!(requests(&scrape(&two), OK), Some(1));
}
