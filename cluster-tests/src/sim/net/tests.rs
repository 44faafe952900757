use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use super::*;
use crate::sim::clock::MS;
use crate::sim::seed::Seed;

/// Two machines; time passes by hand.
struct Rig {
    wire: Wire,
    runtime: Runtime,
    now_ns: u64,
}

type Slot<T> = Arc<Mutex<Option<T>>>;

impl Rig {
    fn new() -> Self {
        let wire = Wire::new(Seed(3).stream("net"), Trace::default());
        wire.listen(2).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        Self { wire, runtime: runtime.unwrap(), now_ns: 0 }
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now_ns += MS;
            self.wire.advance(self.now_ns);
            self.runtime.block_on(tokio::task::yield_now());
            self.runtime.block_on(tokio::time::advance(std::time::Duration::from_millis(1)));
        }
    }

    fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Slot<T> {
        let slot: Slot<T> = Arc::default();
        let filled = slot.clone();
        self.runtime.spawn(async move {
            let done = work.await;
            *filled.lock().unwrap() = Some(done);
        });
        slot
    }

    fn connected(&mut self) -> (End, End) {
        let wire = self.wire.clone();
        let near = self.spawn(wire.connect(1, &address(2)));
        let far = self.spawn(async move { poll_fn(|context| wire.poll_accept(2, context)).await });
        self.pass(5);
        let near = near.lock().unwrap().take().expect("connected").unwrap();
        let (far, from) = far.lock().unwrap().take().expect("accepted").unwrap();
        assert_eq!(from, 1);
        (near, far)
    }

    fn read(&self, mut end: End) -> Slot<(io::Result<Vec<u8>>, End)> {
        self.spawn(async move {
            let mut buffer = vec![0; 1 << 20];
            let read = end.read(&mut buffer).await.map(|count| buffer[..count].to_vec());
            (read, end)
        })
    }

    fn write(&self, mut end: End, bytes: &'static [u8]) -> Slot<(io::Result<()>, End)> {
        self.spawn(async move { (end.write_all(bytes).await, end) })
    }
}

fn taken<T>(slot: &Slot<T>) -> Option<T> {
    slot.lock().unwrap().take()
}

fn cut() -> Link {
    Link { cut: true, ..Link::default() }
}

#[test]
fn bytes_arrive_in_order_and_after_the_latency() {
    let mut rig = Rig::new();
    let slow = Link { latency_ns: 10 * MS, jitter_ns: 0, ..Link::default() };
    let (near, far) = rig.connected();
    rig.wire.set_link(1, 2, slow);
    let near = rig.write(near, b"one");
    rig.pass(1);
    let (_, near) = taken(&near).unwrap();
    rig.wire.set_link(1, 2, Link { latency_ns: 0, ..slow });
    let _near = rig.write(near, b"two");
    let read = rig.read(far);
    rig.pass(8);
    assert!(taken(&read).is_none(), "too early");
    rig.pass(5);
    assert_eq!(taken(&read).unwrap().0.unwrap(), b"onetwo");
}

#[test]
fn a_cut_cable_holds_bytes_back_in_its_direction_only() {
    let mut rig = Rig::new();
    let (near, far) = rig.connected();
    rig.wire.set_link(1, 2, cut());
    let near = rig.write(near, b"held");
    let far = rig.write(far, b"free");
    rig.pass(100);
    let (near, far) = (taken(&near).unwrap().1, taken(&far).unwrap().1);
    let (back, there) = (rig.read(near), rig.read(far));
    rig.pass(100);
    assert_eq!(taken(&back).unwrap().0.unwrap(), b"free");
    assert!(taken(&there).is_none());
    rig.wire.set_link(1, 2, Link::default());
    rig.pass(250);
    assert_eq!(taken(&there).unwrap().0.unwrap(), b"held");
}

#[test]
fn a_writer_waits_once_the_window_is_full() {
    let mut rig = Rig::new();
    let (near, far) = rig.connected();
    let writing = rig.write(near, &[7; 1 << 20]);
    // What arrives is acknowledged even if nobody reads it; without acknowledgements the window stays full.
    rig.wire.set_link(2, 1, cut());
    rig.pass(100);
    assert!(taken(&writing).is_none());
    rig.wire.set_link(2, 1, Link::default());
    rig.pass(300);
    assert!(taken(&writing).is_some());
    drop(far);
}

#[test]
fn nobody_listens_is_refused_and_a_dark_machine_is_silence() {
    let mut rig = Rig::new();
    let refused = rig.spawn(rig.wire.connect(1, &address(3)));
    rig.pass(5);
    assert_eq!(taken(&refused).unwrap().err().unwrap().kind(), io::ErrorKind::ConnectionRefused);
    rig.wire.crash(2, true);
    let silence = rig.spawn(rig.wire.connect(1, &address(2)));
    rig.pass(500);
    assert!(taken(&silence).is_none());
    rig.wire.power_on(2);
    rig.wire.listen(2).unwrap();
    rig.pass(5);
    assert!(taken(&silence).unwrap().is_ok());
}

#[test]
fn a_killed_peer_is_heard_of_and_one_that_lost_power_is_not() {
    for power_lost in [false, true] {
        let mut rig = Rig::new();
        let (near, far) = rig.connected();
        rig.wire.crash(2, power_lost);
        drop(far);
        let read = rig.read(near);
        rig.pass(500);
        let heard = taken(&read).map(|(read, _)| read.is_err() || read.is_ok_and(|bytes| bytes.is_empty()));
        assert_eq!(heard, (!power_lost).then_some(true));
    }
}

#[test]
fn a_half_open_connection_is_reset_when_the_machine_is_back() {
    let mut rig = Rig::new();
    let (near, _far) = rig.connected();
    rig.wire.crash(2, true);
    let near = rig.write(near, b"hello?");
    rig.pass(100);
    let read = rig.read(taken(&near).unwrap().1);
    rig.pass(400);
    assert!(taken(&read).is_none());
    rig.wire.power_on(2);
    rig.pass(300);
    assert!(taken(&read).unwrap().0.is_err());
}

#[test]
fn a_broken_connection_fails_at_both_ends() {
    let mut rig = Rig::new();
    let (near, far) = rig.connected();
    assert!(rig.wire.reset_one(&mut Seed(1).stream("reset")));
    let (near, far) = (rig.read(near), rig.write(far, b"x"));
    rig.pass(2);
    assert!(taken(&near).unwrap().0.is_err() && taken(&far).unwrap().0.is_err());
}

#[test]
fn a_link_that_refuses_ends_what_stood_and_speaks_for_a_machine_that_listens() {
    let mut rig = Rig::new();
    let (near, far) = rig.connected();
    rig.wire.set_link(1, 2, Link { refuses: true, ..Link::default() });
    let (near, far) = (rig.read(near), rig.read(far));
    let refused = rig.spawn(rig.wire.connect(1, &address(2)));
    rig.pass(5);
    assert!(taken(&near).unwrap().0.is_err() && taken(&far).unwrap().0.is_err());
    assert_eq!(taken(&refused).unwrap().err().unwrap().kind(), io::ErrorKind::ConnectionRefused);
    rig.wire.set_link(1, 2, Link::default());
    let welcome = rig.spawn(rig.wire.connect(1, &address(2)));
    rig.pass(5);
    assert!(taken(&welcome).unwrap().is_ok());
}
