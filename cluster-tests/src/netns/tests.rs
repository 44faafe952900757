//! Real namespaces and real packets. Left out, and said so, where networks cannot be made.

use std::io::{ErrorKind, Read, Write, stderr};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::link::{Conditions, Cut};
use super::weather::Links;
use super::*;

const NODE: u64 = 1;
/// What a wire without faults never takes, on a busy machine.
const LONG: Duration = Duration::from_secs(10);
/// How long a cut wire is listened to.
const SILENCE: Duration = Duration::from_millis(500);

/// A network with one node, in which a program sends back whatever it is sent.
struct Echo {
    stream: TcpStream,
    program: Child,
    network: Network,
}

impl Echo {
    fn start() -> Option<Self> {
        if let Err(why) = available() {
            writeln!(stderr(), "LEFT OUT: {why}").unwrap();
            return None;
        }
        let mut network = Network::new(1).unwrap();
        network.add(NODE).unwrap();
        let listener = TcpListener::bind((network.address(CLIENTS), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let script =
            format!("exec 3<>/dev/tcp/{}/{}; echo up >&3; cat <&3 >&3", address.ip(), address.port());
        let enter = network.enter(NODE);
        let mut program = Command::new(&enter[0]);
        program.args(&enter[1..]).args(["bash", "-c", &script]).stderr(Stdio::null());
        let program = program.spawn().unwrap();
        let (mut stream, from) = listener.accept().unwrap();
        assert_eq!(from.ip(), network.address(NODE));
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).unwrap();
        assert_eq!(&greeting, b"up\n");
        Some(Self { stream, program, network })
    }

    fn put_on(&self, links: &[(End, End)], conditions: Conditions) {
        self.network
            .weather(|weather| weather.put_on(7, Links::from_iter(links.iter().copied()), conditions));
    }

    fn round_trip(&mut self) -> std::io::Result<Duration> {
        let began = Instant::now();
        self.stream.write_all(b"x")?;
        self.stream.read_exact(&mut [0])?;
        Ok(began.elapsed())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }
}

#[test]
fn a_cut_wire_is_silent_and_goes_on_when_it_is_mended() {
    let Some(mut echo) = Echo::start() else { return };
    echo.round_trip().unwrap();
    for link in [(NODE, CLIENTS), (CLIENTS, NODE)] {
        echo.put_on(&[link], Conditions::cut(Cut::Silent));
        echo.stream.set_read_timeout(Some(SILENCE)).unwrap();
        let failed = echo.round_trip().unwrap_err();
        assert!(matches!(failed.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{failed}");
        echo.network.weather(Weather::clear);
        echo.stream.set_read_timeout(Some(LONG)).unwrap();
        echo.stream.read_exact(&mut [0]).unwrap();
    }
}

#[test]
fn a_slow_wire_takes_its_time_one_way_only() {
    let Some(mut echo) = Echo::start() else { return };
    let delay = Duration::from_millis(120);
    echo.put_on(&[(NODE, CLIENTS)], Conditions { delay, ..Conditions::default() });
    let took = echo.round_trip().unwrap();
    assert!(took >= delay, "{took:?}");
    echo.network.weather(|weather| weather.take_off(7));
    // Ten at once take less than two did.
    let took: Duration = (0..10).map(|_| echo.round_trip().unwrap()).min().unwrap();
    assert!(took < delay, "{took:?}");
}

#[test]
fn bytes_survive_a_wire_that_loses_repeats_and_reorders_packets() {
    let Some(mut echo) = Echo::start() else { return };
    let bad = Conditions { loss: 0.05, duplicate: 0.2, reorder: 0.2, ..Conditions::default() };
    echo.put_on(&[(NODE, CLIENTS), (CLIENTS, NODE)], bad);
    let sent: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
    let mut back = vec![0; sent.len()];
    let mut writer = echo.stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| writer.write_all(&sent).unwrap());
        echo.stream.read_exact(&mut back).unwrap();
    });
    assert_eq!(back, sent);
}

#[test]
fn a_reset_ends_the_connection_of_its_sender() {
    let Some(mut echo) = Echo::start() else { return };
    echo.put_on(&[(CLIENTS, NODE)], Conditions::cut(Cut::Reset));
    let failed = echo.round_trip().unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn nothing_is_left_of_a_dropped_network() {
    let Some(echo) = Echo::start() else { return };
    let (name, device) = (echo.network.name(NODE), echo.network.device(CLIENTS));
    let names = |list: String| list.lines().filter(|line| line.split(' ').next() == Some(&name)).count();
    assert_eq!(names(shell::run("ip", &["netns", "list"], "").unwrap()), 1);
    drop(echo);
    assert_eq!(names(shell::run("ip", &["netns", "list"], "").unwrap()), 0);
    assert!(!shell::run("ip", &["link"], "").unwrap().contains(&device));
}
