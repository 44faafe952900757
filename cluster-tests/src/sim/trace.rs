//! What happened, as one running hash, and as text when somebody wants to read it.
//!
//! Everything that the rest of a simulation depends on is noted here: scheduling, deliveries, steps of disks, faults,
//! answers. Two runs of one seed that differ anywhere therefore end with different hashes.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::seed::mix;

/// The trace of one simulation. Clones are the same trace.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    hash: u64,
    now_ns: u64,
    out: Option<Box<dyn Write + Send>>,
}

impl Inner {
    fn add(&mut self, number: u64) {
        self.hash = mix(self.hash ^ number);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        self.add(bytes.len() as u64);
        let chunks = bytes.chunks_exact(size_of::<u64>());
        let rest = number(chunks.remainder());
        chunks.for_each(|chunk| self.add(number(chunk)));
        self.add(rest);
    }
}

impl Trace {
    /// A trace whose events also go to `out`.
    pub fn printing(out: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(Inner { out: Some(out), ..Inner::default() })))
    }

    /// The hash so far.
    pub fn hash(&self) -> u64 {
        self.lock().hash
    }

    /// Notes the time, ns of simulated true time.
    pub fn at(&self, now_ns: u64) {
        let mut inner = self.lock();
        inner.now_ns = now_ns;
        inner.add(now_ns);
    }

    /// Notes a number.
    pub fn add(&self, number: u64) {
        self.lock().add(number);
    }

    /// Notes bytes.
    pub fn bytes(&self, bytes: &[u8]) {
        self.lock().bytes(bytes);
    }

    /// Notes an event in words, which whoever asked for it can read.
    pub fn event(&self, words: impl AsRef<str>) {
        let words = words.as_ref();
        let mut inner = self.lock();
        inner.bytes(words.as_bytes());
        let now = inner.now_ns;
        if let Some(out) = inner.out.as_mut() {
            // A reader who went away (a closed pipe) does not end the run.
            let _ = writeln!(out, "{:>6}.{:06} {words}", now / 1_000_000_000, now / 1000 % 1_000_000);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_content_and_time_all_count() {
        let hash = |notes: &dyn Fn(&Trace)| {
            let trace = Trace::default();
            notes(&trace);
            trace.hash()
        };
        let ab = hash(&|t| {
            t.add(1);
            t.add(2);
        });
        let ba = hash(&|t| {
            t.add(2);
            t.add(1);
        });
        assert_ne!(ab, ba);
        assert_ne!(hash(&|t| t.bytes(b"123456789")), hash(&|t| t.bytes(b"12345678")));
        assert_ne!(hash(&|t| t.at(5)), hash(&|t| t.at(6)));
        assert_eq!(hash(&|t| t.event("x")), hash(&|t| t.event("x")));
    }
}
