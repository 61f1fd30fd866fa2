//! The resources of a process and its children, from `/proc`. Only Linux has it; elsewhere the figures are missing.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// `/proc` counts time in these: on all common platforms Linux reports hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// A process tree by the id of its root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree(pub(crate) u32);

/// One process as `/proc/PID/stat` shows it.
struct Stat {
    parent: u32,
    /// User and system time, its own and that of finished children.
    ticks: u64,
}

impl Tree {
    /// User and system time of the whole tree so far.
    pub(crate) fn cpu(self) -> Option<Duration> {
        let ticks: u64 = self.members().values().map(|stat| stat.ticks).sum();
        TICK.checked_mul(u32::try_from(ticks).ok()?).filter(|time| !time.is_zero())
    }

    /// Resident memory of the whole tree, in bytes.
    pub(crate) fn memory(self) -> Option<u64> {
        self.members().keys().map(|pid| memory(*pid)).sum()
    }

    /// The ids of its processes.
    pub(crate) fn processes(self) -> Vec<u32> {
        self.members().into_keys().collect()
    }

    fn members(self) -> BTreeMap<u32, Stat> {
        let mut rest = BTreeMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some((pid, stat)) = pid.and_then(|pid| Some((pid, stat(pid)?))) {
                rest.insert(pid, stat);
            }
        }
        let mut members = BTreeMap::new();
        let mut next = vec![self.0];
        while let Some(pid) = next.pop() {
            next.extend(rest.iter().filter(|(_, stat)| stat.parent == pid).map(|(pid, _)| *pid));
            if let Some(stat) = rest.remove(&pid) {
                members.insert(pid, stat);
            }
        }
        members
    }
}

/// User and system time of this process's finished children.
pub(crate) fn children() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: u32 = fields.get(13..15)?.iter().map(|ticks| ticks.parse::<u32>().unwrap_or_default()).sum();
    Some(TICK * ticks)
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may contain any character.
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks: number(11)? + number(12)? + number(13)? + number(14)? })
}

fn memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    #[cfg(target_os = "linux")]
    fn own_process_has_memory() {
        assert!(Tree(std::process::id()).memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
