//! The stores as the host's owner sees them.

use super::KeyValue;

#[tokio::test]
async fn clones_share_their_stores_and_labels_separate_them() {
    let stores = KeyValue::with_labels(["default", "other"]);
    let clone = stores.clone();
    stores.set("default", "b", "1").await.unwrap();
    stores.set("default", "a", "2").await.unwrap();
    assert!(stores.set("unknown", "c", "3").await.is_err());
    assert_eq!(clone.get("default", "b").await.unwrap().unwrap(), b"1");
    assert_eq!(clone.keys("default").await.unwrap(), ["a", "b"]);
    assert!(clone.keys("other").await.unwrap().is_empty() && clone.keys("unknown").await.is_err());
    assert!(!stores.is_defined("unknown") && KeyValue::default().is_defined("default"));
    assert_eq!(format!("{stores:?}"), r#"{"default", "other"}"#);
}

#[test]
fn redis_url_is_checked_and_not_shown() {
    let told = format!("{:#}", KeyValue::redis("http://:hunter2@h").unwrap_err());
    assert!(told.contains("redis://") && !told.contains("hunter2"), "{told}");
    let shown = format!("{:?}", KeyValue::redis("redis://:hunter2@h").unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}
