//! How many threads a node runs on.
//!
//! A request passes through many tasks, each of which does little. Between threads each step costs a wake-up, 10 µs and
//! more on a virtual machine; within one thread next to nothing. So there are few threads, and one where that is enough.

use std::io;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

/// The runtime of a node, on so many threads; 0: on half as many as there are cores. The others are for the log's
/// threads, which write while these go on, and for the kernel.
pub(super) fn runtime(threads: usize) -> io::Result<Runtime> {
    let threads = match threads {
        0 => suited_to(available_parallelism().map_or(1, usize::from)),
        given => given,
    };
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(threads).enable_all().build()
}

fn suited_to(cores: usize) -> usize {
    (cores / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_cores_and_at_least_one_thread() {
        assert_eq!([1, 2, 3, 4, 16].map(suited_to), [1, 1, 1, 2, 8]);
    }
}
