//! A headless Chromium, driven over WebDriver (W3C Recommendation) with the commands that the stories need.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use xtask::ports::free_port;

/// The longest wait for anything on the page.
const MAX_WAIT: Duration = Duration::from_secs(40);
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a profile of its own; dropping it ends it.
pub(crate) struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    client: reqwest::Client,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser. If none is installed, prints how to install it and returns `None`; with `CI` set it fails instead, so that
    /// CI never skips a story unnoticed.
    pub(crate) async fn for_test() -> Option<Self> {
        let port = free_port().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = match command.spawn() {
            Ok(driver) => driver,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                crate::tools::skip("chromedriver is not installed (Debian: apt-get install chromium chromium-driver)");
                return None;
            }
            Err(e) => panic!("chromedriver could not be started: {e}"),
        };
        let profile = tempfile::tempdir().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let client = reqwest::Client::new();
        let mut browser = Self { driver, address, session: String::new(), client, _profile: profile };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < MAX_WAIT, "chromedriver does not listen on {address}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let profile = format!("--user-data-dir={}", browser._profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            &profile,
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser.send("", &wanted).await;
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        Some(browser)
    }

    /// Sends one command to the session; the first command creates the session.
    async fn send(&self, command: &str, body: &Value) -> Value {
        let session = if self.session.is_empty() { String::new() } else { format!("/{}/{command}", self.session) };
        let url = format!("http://{}/session{session}", self.address);
        let response = self.client.post(url).json(body).send().await.unwrap();
        let is_good = response.status().is_success();
        let mut answer: Value = response.json().await.unwrap();
        let value = answer["value"].take();
        assert!(is_good, "{command} {body}: {value}");
        value
    }

    /// A command of Chromium's DevTools protocol.
    async fn devtools(&self, command: &str, parameters: Value) {
        self.send("goog/cdp/execute", &json!({"cmd": command, "params": parameters})).await;
    }

    /// Sets the size of the window in CSS pixels, on a desktop or on a phone.
    pub(crate) async fn resize(&self, width: u32, height: u32, is_phone: bool) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Sets the preferred colour scheme: light or dark.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    pub(crate) async fn open(&self, url: &str) {
        self.send("url", &json!({ "url": url })).await;
    }

    /// The result of a script on the page; a promise is awaited.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.send("execute/sync", &json!({"script": script, "args": []})).await
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.send("element", &json!({"using": "css selector", "value": selector})).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks as a person does: a covered element is an error, a disabled one ignores the click.
    pub(crate) async fn click(&self, selector: &str) {
        // To the middle: WebDriver alone would leave it under a header that stays at the top.
        let scroll = "scrollIntoView({block: 'center', behavior: 'instant'})";
        self.script(&format!("document.querySelector({}).{scroll}", json!(selector))).await;
        self.send(&format!("element/{}/click", self.element(selector).await), &json!({})).await;
    }

    /// Types at the end of a field.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        self.send(&format!("element/{}/value", self.element(selector).await), &json!({ "text": text })).await;
    }

    /// Empties a field and types into it.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        self.send(&format!("element/{}/clear", self.element(selector).await), &json!({})).await;
        self.type_into(selector, text).await;
    }

    /// The visible text of an element.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let text = self.script(&format!("return document.querySelector({}).innerText", json!(selector))).await;
        text.as_str().unwrap().to_owned()
    }

    /// Waits until the text of an element contains `wanted`.
    #[track_caller]
    pub(crate) fn reads(&self, selector: &str, wanted: &str) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            loop {
                let text = self.text(selector).await;
                if text.contains(wanted) {
                    return text;
                }
                assert!(begun.elapsed() < MAX_WAIT, "{caller}: {selector} does not show {wanted:?}: {text:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Waits until a script on the page returns `true`.
    #[track_caller]
    pub(crate) fn holds(&self, script: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let script = format!("return {script}");
        async move {
            let begun = Instant::now();
            while self.script(&script).await != true {
                assert!(begun.elapsed() < MAX_WAIT, "{caller}: this does not become true: {script}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The errors and warnings on the browser's console since the last time.
    pub(crate) async fn console(&self) -> Vec<String> {
        let entries = self.send("se/log", &json!({"type": "browser"})).await;
        let grave = entries
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        grave.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// A picture of the whole page, or of the part in sight.
    pub(crate) async fn picture(&self, path: &Path, is_whole: bool) {
        let parameters = json!({"captureBeyondViewport": is_whole});
        let told = self.send("goog/cdp/execute", &json!({"cmd": "Page.captureScreenshot", "params": parameters})).await;
        std::fs::write(path, STANDARD.decode(told["data"].as_str().unwrap()).unwrap()).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser with the session. If it were killed first, the browser would stay.
        if !self.session.is_empty()
            && let Ok(mut stream) = TcpStream::connect(self.address)
        {
            let request = format!(
                "DELETE /session/{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                self.session, self.address
            );
            let _ = stream.set_read_timeout(Some(MAX_WAIT));
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.read(&mut [0; 1024]);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
