//! A vIDM on loopback that responds at once with fixed responses. It counts the calls, and can record them.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::wire::Prompt;

/// The synced directory.
pub(crate) const DIRECTORY: &str = "d1000000-0000-4000-8000-000000000001";

/// Its name.
pub(crate) const DIRECTORY_NAME: &str = "corp-1.example";

/// The stub; dropping it ends it.
pub(crate) struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

#[derive(Default)]
struct Shared {
    calls: AtomicU64,
    /// Whether a run is in progress in every directory.
    running: AtomicBool,
    /// When it, or the last one, began, in milliseconds since 1970.
    began: AtomicU64,
    /// The number of directories in the list.
    directories: AtomicUsize,
    list: Mutex<Bytes>,
    token: Bytes,
    /// The recorded calls as lines for the floor, while recording.
    recorded: Mutex<Option<Vec<String>>>,
}

impl Stub {
    /// Starts it on a free port, idle, with one directory.
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { token: token(), ..Shared::default() });
        let server = tokio::spawn(listen(listener, Arc::clone(&shared))).abort_handle();
        let stub = Self { address, shared, server };
        stub.set_directories(1);
        Ok(stub)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of calls so far.
    pub(crate) fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// Sets whether a run is in progress.
    pub(crate) fn set_running(&self, running: bool) {
        self.shared.began.store(now(), Ordering::Relaxed);
        self.shared.running.store(running, Ordering::Relaxed);
    }

    /// Sets the number of directories.
    pub(crate) fn set_directories(&self, count: usize) {
        self.shared.directories.store(count, Ordering::Relaxed);
        let items: Vec<Value> = (1..=count).map(directory).collect();
        *lock(&self.shared.list) = json!({"items": items, "_links": {}}).to_string().into();
    }

    /// Records the calls from now on, until [`recorded`](Self::recorded).
    pub(crate) fn record(&self) {
        *lock(&self.shared.recorded) = Some(Vec::new());
    }

    /// The recorded calls.
    pub(crate) fn recorded(&self) -> Vec<String> {
        lock(&self.shared.recorded).take().unwrap_or_default()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A session token in vIDM's format, valid for eight hours. The signature is not checked.
fn token() -> Bytes {
    let seconds = now() / 1000;
    let claims = json!({"jti": "bench", "prn": "bench@BENCH", "iat": seconds, "exp": seconds + 8 * 3600});
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let jwt = format!("{}.{}.{}", part(json!({"typ": "JWT", "alg": "RS256"})), part(claims), "c2lnbmF0dXJl".repeat(28));
    json!({"id": null, "sessionToken": jwt, "admin": false}).to_string().into()
}

fn directory(number: usize) -> Value {
    let id = format!("d1000000-0000-4000-8000-{number:012}");
    json!({
        "type": "ACTIVE_DIRECTORY_LDAP",
        "name": format!("corp-{number}.example"),
        "directoryId": id,
        "userstoreId": format!("a1000000-0000-4000-8000-{number:012}"),
        "countDomains": 1,
        "deleteInProgress": false,
        "migratedToEnterpriseService": false,
        "syncConfigurationEnabled": true,
        "_links": {"self": {"href": format!("/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{id}")}},
    })
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let shared = Arc::clone(&shared);
                        async move { Ok::<_, Infallible>(answer(&shared, request).await) }
                    });
                    // An error here is a disconnected client.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(Prompt::new(stream)), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    shared.calls.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let sent = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if let Some(recorded) = &mut *lock(&shared.recorded) {
        let header =
            |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        recorded.push(format!(
            "{}\t{}\t{}\t{}\t{}\t{}",
            parts.method,
            parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str),
            header(header::ACCEPT),
            header(header::CONTENT_TYPE),
            header(header::AUTHORIZATION),
            String::from_utf8_lossy(&sent)
        ));
    }
    let path = parts.uri.path();
    let text = if path.ends_with("/auth/system/login") {
        shared.token.clone()
    } else if path.ends_with("/directoryconfigs") {
        lock(&shared.list).clone()
    } else if path.ends_with("/syncprofile/sync") && parts.method == Method::POST {
        // The run that this starts is finished at once, unless one is in progress, which is joined.
        if !shared.running.load(Ordering::Relaxed) {
            shared.began.fetch_max(now(), Ordering::Relaxed);
        }
        Bytes::from_static(b"{}")
    } else if path.ends_with("/syncprofile/sync") {
        state(shared)
    } else if path.ends_with("/scim/Groups") {
        groups(parts.uri.query().unwrap_or_default())
    } else if path.ends_with("/.search") {
        groups(&String::from_utf8_lossy(&sent))
    } else {
        Bytes::from_static(b"{\"items\":[],\"_links\":{}}")
    };
    let wanted = parts.headers.get(header::ACCEPT).filter(|accept| !accept.as_bytes().contains(&b'*'));
    let kind = wanted.cloned().unwrap_or(HeaderValue::from_static("application/json"));
    let mut response = Response::new(Full::new(text));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn state(shared: &Shared) -> Bytes {
    let began = shared.began.load(Ordering::Relaxed);
    let running = shared.running.load(Ordering::Relaxed);
    let (status, start, end) = match running {
        true => ("RUNNING", began, None),
        false => ("COMPLETED", began, Some(began)),
    };
    json!({
        "status": status, "startTime": start, "endTime": end, "message": null,
        "usersAdded": 0, "usersUpdated": 3, "usersRemoved": 0, "groupsAdded": 0, "groupsUpdated": 0, "groupsRemoved": 0,
    })
    .to_string()
    .into()
}

/// Every group in the filter exists: the texts between quotation marks are read as names.
fn groups(query: &str) -> Bytes {
    let query = percent_decode_str(&query.replace('+', " ")).decode_utf8_lossy().replace("\\\"", "\"");
    let filter = query.split('&').find(|field| field.contains("filter")).unwrap_or_default();
    let names = filter.split('"').filter(|name| name.starts_with("CN=") || name.contains('@'));
    let items: Vec<Value> = names
        .enumerate()
        .map(|(number, name)| {
            let domain = name.starts_with("CN=").then(|| json!({"distinguishedName": name, "domain": DIRECTORY_NAME}));
            json!({
                "id": format!("e1000000-0000-4000-8000-{number:012}"),
                "displayName": name,
                "schemas": ["urn:scim:schemas:core:1.0", "urn:scim:schemas:extension:workspace:1.0"],
                "urn:scim:schemas:extension:workspace:1.0": domain,
            })
        })
        .collect();
    json!({"totalResults": items.len(), "itemsPerPage": items.len(), "startIndex": 1, "Resources": items})
        .to_string()
        .into()
}
