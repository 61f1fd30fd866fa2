//! The number of commands that a Redis server has processed, from `INFO commandstats`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result};

/// Commands of a connecting client, and of the counting itself.
const NOT_COUNTED: [&str; 6] = ["auth", "client", "config", "hello", "info", "ping"];

/// The commands so far.
pub(crate) fn count(url: &str) -> Result<u64> {
    let address = url.trim_start_matches("redis://").split('/').next().unwrap_or_default();
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"INFO commandstats\r\n")?;
    let mut answer = BufReader::new(stream);
    let mut head = String::new();
    answer.read_line(&mut head)?;
    // `$<length>`, and that many bytes.
    let length = head.trim().strip_prefix('$').and_then(|length| length.parse().ok()).context("no length")?;
    let mut text = vec![0; length];
    answer.read_exact(&mut text)?;
    Ok(sum(&String::from_utf8_lossy(&text)))
}

fn sum(stats: &str) -> u64 {
    let line = |line: &str| {
        let (name, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let name = name.split('|').next().unwrap_or_default();
        if NOT_COUNTED.contains(&name) { None } else { figures.split(',').next()?.parse::<u64>().ok() }
    };
    stats.lines().filter_map(line).sum()
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn commands_of_connecting_are_not_counted() {
        let stats = "# Commandstats\r\ncmdstat_get:calls=3,usec=9\r\ncmdstat_client|setinfo:calls=2,usec=1\r\ncmdstat_incrby:calls=4,usec=2\r\n";
        assert_eq!(sum(stats), 7);
    }
}
