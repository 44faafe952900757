//! Ports for nodes: below the range the kernel gives to outgoing connections, so that nobody takes a killed
//! node's port before it is started again.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, anyhow};

const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

/// A port of 127.0.0.1 that nobody listens on and that this process gave to no one before.
pub fn free() -> anyhow::Result<SocketAddr> {
    run(1)
}

/// The first of `count` such ports in a row.
pub fn run(count: u16) -> anyhow::Result<SocketAddr> {
    (0..COUNT)
        .map(|_| next(count))
        .find(|&first| (first..first + count).all(is_free))
        .map(|first| SocketAddr::from((Ipv4Addr::LOCALHOST, first)))
        .ok_or_else(|| anyhow!("no {count} free ports in a row from {FIRST}"))
        .context("find free ports")
}

/// Each process starts at another place, so that two test programs seldom meet.
fn next(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 100) as u16 * (COUNT / 100);
    FIRST + (start.wrapping_add(NEXT.fetch_add(count, Ordering::Relaxed))) % (COUNT - count)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_taken_ones_are_passed_over() {
        let (one, two) = (free().unwrap(), free().unwrap());
        assert_ne!(one, two);
        let row = run(3).unwrap().port();
        assert!((row..row + 3).all(is_free));
        let _held = TcpListener::bind(one).unwrap();
        assert!(!is_free(one.port()));
    }
}
