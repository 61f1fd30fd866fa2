//! What a Redis server reports of itself: the commands that it has processed (`INFO commandstats`), its memory and its keys.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Commands of a connecting client, and of the counting itself.
const NOT_COUNTED: [&str; 6] = ["auth", "client", "config", "hello", "info", "ping"];

/// The commands so far.
pub(crate) fn count(url: &str) -> Result<u64> {
    Ok(by_command(url)?.values().sum())
}

/// The same by command.
pub(crate) fn by_command(url: &str) -> Result<BTreeMap<String, u64>> {
    Ok(commands(&info(url, "commandstats")?))
}

/// The commands between two readings.
pub(crate) fn difference(after: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let since = |(name, calls): (&String, &u64)| {
        (name.clone(), calls.saturating_sub(before.get(name).copied().unwrap_or_default()))
    };
    after.iter().map(since).filter(|(_, calls)| *calls > 0).collect()
}

/// The bytes that the values take, and the number of keys.
pub(crate) fn size(url: &str) -> Result<(u64, u64)> {
    let (memory, keyspace) = (info(url, "memory")?, info(url, "keyspace")?);
    let used = field(&memory, "used_memory_dataset")?;
    let keys = keyspace.split_once("keys=").and_then(|(_, rest)| rest.split(',').next()?.parse().ok());
    Ok((used, keys.unwrap_or_default()))
}

/// User and system time of the server so far.
pub(crate) fn cpu(url: &str) -> Result<Duration> {
    let cpu = info(url, "cpu")?;
    Ok(Duration::from_secs_f64(field::<f64>(&cpu, "used_cpu_user")? + field::<f64>(&cpu, "used_cpu_sys")?))
}

/// The value of a line `name:value`.
fn field<T: FromStr>(section: &str, name: &str) -> Result<T> {
    let values = section.lines().filter_map(|line| line.split_once(':'));
    let mut values = values.filter(|(of, _)| *of == name).filter_map(|(_, value)| value.trim().parse().ok());
    values.next().with_context(|| format!("INFO of this Redis has no {name}"))
}

/// One section of `INFO`.
fn info(url: &str, section: &str) -> Result<String> {
    let address = url.trim_start_matches("redis://").split('/').next().unwrap_or_default();
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("INFO {section}\r\n").as_bytes())?;
    let mut answer = BufReader::new(stream);
    let mut head = String::new();
    answer.read_line(&mut head)?;
    // `$<length>`, and that many bytes.
    let length = head.trim().strip_prefix('$').and_then(|length| length.parse().ok()).context("no length")?;
    let mut text = vec![0; length];
    answer.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn commands(stats: &str) -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let (name, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let name = name.split('|').next().unwrap_or_default();
        let calls = figures.split(',').next()?.parse::<u64>().ok()?;
        (!NOT_COUNTED.contains(&name)).then(|| (name.to_owned(), calls))
    };
    stats.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_connecting_are_not_counted() {
        let stats = "# Commandstats\r\ncmdstat_get:calls=3,usec=9\r\ncmdstat_client|setinfo:calls=2,usec=1\r\ncmdstat_incrby:calls=4,usec=2\r\n";
        let commands = commands(stats);
        assert_eq!(commands.values().sum::<u64>(), 7);
        let before = BTreeMap::from([("get".to_owned(), 3)]);
        assert_eq!(difference(&commands, &before), BTreeMap::from([("incrby".to_owned(), 4)]));
    }
}
