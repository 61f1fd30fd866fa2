//! The measured servers, each in its own process: dev/host (this program again), or a real Spin.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http::{HeaderMap, Method};
use xtask::build;
use xtask::ports::free_port;
use xtask::redis::Redis;

use crate::load::{self, Order};
use crate::process::Tree;

/// The longest start-up time; a real Spin compiles first.
const START: Duration = Duration::from_secs(120);

/// The served component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Component {
    Floor,
    Idhook,
}

impl Component {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Idhook => "idhook",
        }
    }

    pub(crate) fn manifest(self) -> PathBuf {
        build::root().join(match self {
            Self::Floor => "dev/floor/spin.toml",
            Self::Idhook => "spin.toml",
        })
    }
}

/// The server's runtime.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    DevHost,
    /// The program `spin`.
    Spin(PathBuf),
}

impl Kind {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::DevHost => "dev-host",
            Self::Spin(_) => "spin",
        }
    }
}

/// A server's settings.
pub(crate) struct Setup<'a> {
    pub(crate) component: Component,
    pub(crate) wasm: &'a Path,
    pub(crate) variables: BTreeMap<String, String>,
    /// The Redis store; without it the runtime's default: memory on dev/host, SQLite on Spin.
    pub(crate) redis: Option<&'a Redis>,
    /// Whether each request gets an instance of its own.
    pub(crate) fresh: bool,
    /// The file for the server's log; without it the log goes to stderr.
    pub(crate) log: Option<&'a Path>,
}

/// A running server; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// dev/host's responses to requests on its standard input.
    talk: Option<(ChildStdin, BufReader<ChildStdout>)>,
    _files: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start(kind: &Kind, setup: Setup<'_>) -> Result<Self> {
        Self::start_at(kind, setup, free_port()?).await
    }

    /// Starts it at this port of 127.0.0.1.
    pub(crate) async fn start_at(kind: &Kind, setup: Setup<'_>, port: u16) -> Result<Self> {
        let files = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = match kind {
            Kind::DevHost => dev_host(&setup, files.path(), port)?,
            Kind::Spin(program) => spin(program, &setup, files.path(), address)?,
        };
        if let Some(log) = setup.log {
            let log = File::options().create(true).append(true).open(log);
            command.stderr(log.context("the server's log cannot be written")?);
        }
        let mut child = command.spawn().with_context(|| format!("{} could not be started", kind.name()))?;
        let talk = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        let mut server = Self { child, address, talk, _files: files };
        server.wait().await?;
        Ok(server)
    }

    async fn wait(&mut self) -> Result<()> {
        let health = Order {
            method: Method::GET,
            path: "/.well-known/spin/health".to_owned(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let begun = Instant::now();
        while load::once(self.address, &health).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server stopped at once ({status})");
            }
            ensure!(begun.elapsed() < START, "the server did not start in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree(self.child.id())
    }

    /// Ends it at once, as a crash does: `kill -9` of all its processes.
    pub(crate) fn crash(mut self) -> Result<()> {
        for pid in self.tree().processes() {
            // A child may have ended by itself.
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status()?;
        }
        self.child.wait()?;
        Ok(())
    }

    /// Store calls so far, by operation; `None` if the server does not count them.
    pub(crate) fn store_calls(&mut self) -> Option<BTreeMap<String, u64>> {
        let (input, output) = self.talk.as_mut()?;
        input.write_all(b"\n").ok()?;
        let mut line = String::new();
        output.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let pid = self.child.id().to_string();
        // Spin's trigger is a child process, which stops when Spin is interrupted but not when it is killed.
        let interrupted = Command::new("kill").args(["-INT", &pid]).status().is_ok_and(|status| status.success());
        let begun = Instant::now();
        while interrupted && begun.elapsed() < Duration::from_secs(5) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn dev_host(setup: &Setup<'_>, files: &Path, port: u16) -> Result<Command> {
    let variables = files.join("variables.json");
    std::fs::write(&variables, serde_json::to_vec(&setup.variables)?)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args([crate::serve::NAME, "--port", &port.to_string()]);
    command.arg("--wasm").arg(setup.wasm).arg("--manifest").arg(setup.component.manifest());
    command.arg("--variables").arg(variables);
    if let Some(redis) = setup.redis {
        command.args(["--redis", &redis.url()]);
    }
    if setup.fresh {
        command.arg("--fresh");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(command)
}

fn spin(program: &Path, setup: &Setup<'_>, files: &Path, address: SocketAddr) -> Result<Command> {
    let wasm = setup.wasm.to_str().context("the path of the component is not UTF-8")?;
    let mut manifest: toml::Table = std::fs::read_to_string(setup.component.manifest())?.parse()?;
    let component = manifest.get_mut("component").and_then(|table| table.get_mut(setup.component.name()));
    let component = component.and_then(toml::Value::as_table_mut).context("the manifest has no such component")?;
    component.insert("source".to_owned(), wasm.into());
    component.remove("build");
    let file = files.join("spin.toml");
    std::fs::write(&file, manifest.to_string())?;
    let mut command = Command::new(program);
    command.arg("up").arg("--from").arg(&file).args(["--listen", &address.to_string(), "--quiet"]);
    command.arg("--state-dir").arg(files.join("state"));
    if let Some(redis) = setup.redis {
        let runtime = files.join("runtime-config.toml");
        std::fs::write(&runtime, format!("[key_value_store.default]\ntype = \"redis\"\nurl = \"{}\"\n", redis.url()))?;
        command.arg("--runtime-config-file").arg(runtime);
    }
    if setup.fresh {
        command.args(["--max-instance-reuse-count", "1"]);
    }
    for (name, value) in &setup.variables {
        command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
    }
    command.current_dir(files).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}
