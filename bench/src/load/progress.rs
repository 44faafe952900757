//! What a person sees while it runs: one line on stderr, if that is a terminal.

use std::io::{IsTerminal, Write};

use super::series::Sample;

/// Begins the line anew.
const ANEW: &str = "\r\x1b[K";

/// The line.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
}

impl Progress {
    /// A line, if somebody may be looking.
    pub(crate) fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    /// Shows some words in place of what stood there.
    pub(crate) fn say(&self, words: &str) {
        if self.shown {
            let mut out = std::io::stderr().lock();
            // What a terminal does not take is nobody's loss.
            let _ = write!(out, "{ANEW}{words}").and_then(|()| out.flush());
        }
    }

    /// Shows what was seen last.
    pub(crate) fn sample(&self, rate: Option<u64>, sample: Option<Sample>) {
        if let Some(sample) = sample {
            self.say(&line(rate, &sample));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.say("");
    }
}

fn line(rate: Option<u64>, sample: &Sample) -> String {
    let Sample { at_s, per_second, errors, p50_us, p99_us, max_us } = sample;
    let wanted = rate.map_or(String::new(), |rate| format!(" of {rate}"));
    format!(
        "{at_s:4.0} s  {per_second:.0}{wanted} ops/s  p50 {p50_us:.0} µs  p99 {p99_us:.0} µs  max {max_us:.0} µs  {errors} errors"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_rate_and_latencies() {
        let sample =
            Sample { at_s: 3.0, per_second: 999.6, errors: 2, p50_us: 10.4, p99_us: 20.0, max_us: 30.0 };
        let text = line(Some(1500), &sample);
        assert_eq!(text, "   3 s  1000 of 1500 ops/s  p50 10 µs  p99 20 µs  max 30 µs  2 errors");
    }
}
