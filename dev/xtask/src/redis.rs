//! A private Redis server for tests: on a free loopback port, without files.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::ports::free_port;

/// The longest that the server may take to start.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A running `redis-server`; dropping it ends it.
#[derive(Debug)]
pub struct Redis {
    server: Child,
    address: SocketAddr,
}

impl Redis {
    /// Starts one; `None` when `redis-server` is not installed.
    ///
    /// # Errors
    /// When it is installed and does not start.
    pub fn start() -> Result<Option<Self>> {
        Self::start_at(free_port()?)
    }

    /// Starts one at this port of 127.0.0.1; `None` when `redis-server` is not installed.
    ///
    /// # Errors
    /// When it is installed and does not start.
    pub fn start_at(port: u16) -> Result<Option<Self>> {
        let started = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = match started {
            Ok(server) => server,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).context("cannot start redis-server"),
        };
        let mut redis = Self { server, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
        let begun = Instant::now();
        while TcpStream::connect_timeout(&redis.address, TIMEOUT).is_err() {
            if let Some(status) = redis.server.try_wait()? {
                bail!("redis-server ended during its start ({status}); check whether port {port} is in use");
            }
            if begun.elapsed() > TIMEOUT {
                bail!("redis-server does not listen on {} in time", redis.address);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Some(redis))
    }

    /// Starts one for a test. Where `redis-server` is not installed, says how to install it and gives `None`; with `CI` set
    /// in the environment that is an error, so that no test is skipped there unseen.
    ///
    /// # Errors
    /// As [`Redis::start`], and when a test may not be skipped.
    pub fn for_test() -> Result<Option<Self>> {
        const HOW: &str =
            "redis-server is not installed (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)";
        let redis = Self::start()?;
        if redis.is_none() {
            if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
                bail!(HOW);
            }
            crate::terminal::say(format!("SKIPPED: {HOW}"));
        }
        Ok(redis)
    }

    /// From now on it is full: it refuses what needs memory, and still answers reads.
    ///
    /// # Errors
    /// When it does not accept that.
    pub fn fill(&self) -> Result<()> {
        let mut connection = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        connection.write_all(b"CONFIG SET maxmemory 1\r\n")?;
        let mut answer = String::new();
        BufReader::new(connection).read_line(&mut answer)?;
        if answer.trim() != "+OK" {
            bail!("redis-server does not accept maxmemory: {answer}");
        }
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
