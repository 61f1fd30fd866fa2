//! The shipped component sends a message about a sync's end to a receiver on this machine.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use idhook_simulator::{Outcome, seeds};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting, send};

stories! {
    all:
    many_watchers_cause_one_message,
}

stories! {
    in_spin:
    failed_message_is_repeated_and_sent_once,
    disallowed_receiver_costs_only_the_message,
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// One received message.
#[derive(Debug, Clone)]
struct Message {
    line: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Responds to each request with the next of `statuses`, repeating the last one, and keeps the requests.
struct Receiver {
    address: SocketAddr,
    came: Arc<Mutex<Vec<Message>>>,
}

impl Receiver {
    async fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::<Mutex<Vec<Message>>>::default();
        let keeps = Arc::clone(&came);
        tokio::spawn(async move {
            let mut statuses = statuses.iter().chain(statuses.last().into_iter().cycle());
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let message = loop {
                    if let Some(message) = parse(&bytes) {
                        break message;
                    }
                    assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "it broke off");
                };
                keeps.lock().unwrap().push(message);
                let answer = format!(
                    "HTTP/1.1 {} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                    statuses.next().unwrap()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, came }
    }

    fn came(&self) -> Vec<Message> {
        self.came.lock().unwrap().clone()
    }
}

/// A complete request; `None` while more is to come.
fn parse(bytes: &[u8]) -> Option<Message> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let (line, rest) = head.split_once("\r\n").unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in rest.lines().filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value.trim_end()).unwrap());
    }
    let body = bytes[end + 4..].to_vec();
    let length: usize = headers.get("content-length")?.to_str().unwrap().parse().unwrap();
    (body.len() == length).then(|| Message { line: line.to_owned(), headers, body })
}

/// A scene with this receiver as `ticket`, and its host allowed as documented.
async fn scene(artifact: Artifact, receiver: &Receiver, allowed: bool) -> Scene {
    let origin = format!("http://{}", receiver.address);
    let callbacks = json!([{"name": "ticket", "url": format!("{origin}/hook?from=idhook"), "secret": SECRET}]);
    let mut variables = vec![("callbacks", callbacks.to_string())];
    if allowed && artifact.manifest().is_some() {
        variables.push(("outbound_host1", origin));
    }
    Scene::with(Setting { variables, ..Setting::of(artifact) }).await
}

async fn start(scene: &Scene) -> String {
    let path = format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP);
    let started = scene.post(&path, r#"{"callback":"ticket"}"#).await;
    assert_eq!(started.status, 202, "{}", started.text);
    started.header("location").to_owned()
}

async fn many_watchers_cause_one_message(artifact: Artifact) {
    let receiver = Receiver::start(&[204]).await;
    let scene = scene(artifact, &receiver, true).await;
    let place = start(&scene).await;
    assert_eq!(scene.get(&place).await.json()["status"], "running");
    assert!(receiver.came().is_empty());
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let watchers = (0..6).map(|at| {
        let request = scene.request(Method::GET, &place).bearer_auth(&scene.keys.all);
        let header = if at % 2 == 0 { ("prefer", "wait=5") } else { ("accept", "text/event-stream") };
        tokio::spawn(send(request.header(header.0, header.1)))
    });
    for watcher in watchers.collect::<Vec<_>>() {
        let answer = watcher.await.unwrap();
        assert!(answer.status == 200 && answer.text.contains(r#""status":"succeeded""#), "{}", answer.text);
    }
    let state = scene.get(&place).await;
    let came = receiver.came();
    if scene.remembers() {
        assert_eq!(came.len(), 1, "{came:?}");
    }
    for message in &came {
        assert_eq!(message.line, "POST /hook?from=idhook HTTP/1.1");
        assert_eq!(message.headers["content-type"], "application/json");
        assert_eq!(String::from_utf8_lossy(&message.body), state.text);
        assert!(!message.headers.contains_key("authorization"));
        standardwebhooks::Webhook::new(SECRET).unwrap().verify(&message.body, &message.headers).unwrap();
        assert_eq!(message.headers["webhook-id"], came[0].headers["webhook-id"], "receivers deduplicate by it");
    }
    let output = scene.host.output();
    assert!(!output.contains("MfKQ9r8") && !output.contains("from=idhook"), "{output}");
}

async fn failed_message_is_repeated_and_sent_once(artifact: Artifact) {
    let receiver = Receiver::start(&[500, 200]).await;
    let scene = scene(artifact, &receiver, true).await;
    let place = start(&scene).await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    for told in [1, 2, 2] {
        assert_eq!(scene.get(&place).await.json()["status"], "succeeded");
        assert_eq!(receiver.came().len(), told);
    }
    let came = receiver.came();
    assert_eq!(came[0].headers["webhook-id"], came[1].headers["webhook-id"]);
    // Another host on the same store, from which the receiver is not reachable: no attempt is made.
    let other = scene.another_host(|_| {}).await;
    let request = scene.client.get(format!("{}{place}", other.url())).bearer_auth(&scene.keys.all);
    assert_eq!(send(request).await.status, 200);
    assert!(!other.output().contains("POST callback"), "{}", other.output());
}

async fn disallowed_receiver_costs_only_the_message(artifact: Artifact) {
    let receiver = Receiver::start(&[200]).await;
    let scene = scene(artifact, &receiver, false).await;
    let place = start(&scene).await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    assert_eq!(scene.get(&place).await.json()["status"], "succeeded");
    let line = scene.log().pop().unwrap();
    assert_eq!((&line["calls"][1]["call"], &line["calls"][1]["status"]), (&json!("POST callback"), &json!(null)));
    assert!(receiver.came().is_empty());
}
