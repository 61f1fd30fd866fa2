//! How often a waiting request looks.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::truth::{kicked, shows, start, warm};

#[test]
fn waiting_request_looks_often_again_once_its_own_run_began() {
    let instance = warm(None);
    let other = || shows("RUNNING", -20_000);
    let place = start(&instance, &json!({}), [other()]);
    instance.then([other(), other(), other(), other(), shows("COMPLETED", -20_000), kicked()]);
    instance.then([shows("RUNNING", 9_000), shows("RUNNING", 9_000), shows("COMPLETED", 9_000)]);
    let before = instance.script.slept().len();
    let state = instance.send_with(Method::GET, &place, &[("prefer", "wait=60")], "").json();
    assert_eq!(state["status"], "succeeded", "{state}");
    let waits: Vec<_> = instance.script.slept().split_off(before).iter().map(Duration::as_millis).collect();
    assert!(waits.ends_with(&[3375, 1000, 1500, 2250]), "{waits:?}");
}
