//! Ports for the servers that tests start as processes.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail};

/// Below the ports that the operating system gives to a socket that asks for any: 32768 to 60999 on Linux, from 49152 on macOS and
/// Windows. So neither a listener at port 0 nor an outgoing connection takes one of these between the answer and its use.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// A port of 127.0.0.1 that nothing listens on: another one with each call, and nobody else is given it.
///
/// # Errors
/// When all of them are in use.
pub fn free_port() -> Result<u16> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    // Two processes begin far apart.
    let begin = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + begin.wrapping_add(call) % COUNT)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("each of the ports {FIRST} to {} is in use: stop what listens there", FIRST + COUNT - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_call_gives_another_port_that_can_be_listened_on() {
        let ports: BTreeSet<_> = (0..200).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.len(), 200);
        let held: Vec<_> =
            ports.iter().filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).ok()).collect();
        assert_eq!(held.len(), 200);
    }
}
