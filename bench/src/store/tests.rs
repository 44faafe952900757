use super::*;

use std::path::Path;
use std::time::Duration;

fn in_temp() -> (tempfile::TempDir, Option<std::path::PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    (dir, Some(path))
}

#[test]
fn the_map_is_measured_for_every_operation() {
    let arguments = map::MapArguments { keys: 500, value_bytes: 10, operations: 200, ttl: true };
    let tables = map::run(&arguments).unwrap();
    assert_eq!(tables[0].len(), 7);
    assert!((0..7).all(|row| tables[0].cell(row, "best_ns").as_f64().unwrap() > 0.0));
}

#[test]
fn a_snapshot_is_measured_at_each_rate() {
    let (_dir, dir) = in_temp();
    let before = Duration::from_millis(100);
    let arguments =
        snapshot::SnapshotArguments { keys: 3000, value_bytes: 100, rate: vec![500, 1000], before, dir };
    let [writes, costs] = &snapshot::run(&arguments).unwrap()[..] else { panic!("two tables") };
    assert_eq!((writes.len(), costs.len()), (4, 2));
    let number = |column| writes.cell(0, column).as_f64().unwrap();
    // What came due during the last step is not written yet.
    let (count, seconds, late) = (number("writes"), number("seconds"), number("max_us") / 1e6);
    let most = 500.0 * (seconds + late) + 2.0;
    assert!(
        count <= most && count >= 500.0 * (seconds - late) - 2.0,
        "{count} writes in {seconds} s, {late} s late"
    );
    let raw = costs.cell(0, "raw_mib").as_f64().unwrap() * f64::from(1 << 20);
    assert!(raw > 3000.0 * 116.0, "{raw} bytes of chunks");
}

fn start_arguments(dir: Option<std::path::PathBuf>) -> start::StartArguments {
    start::StartArguments {
        bytes: 232_000,
        value_bytes: vec![100],
        tail: 30_000,
        groups: 2,
        parallel: false,
        dir,
    }
}

fn start_in(dir: &Path, parallel: bool) -> (start::Phases, Vec<replica::Replica>) {
    start::measure(&start::OneArguments { data_dir: dir.to_owned(), parallel }).unwrap()
}

#[test]
fn a_start_loads_every_group_and_its_tail() {
    let (dir, path) = in_temp();
    start_arguments(path).build(dir.path(), 100).unwrap();
    for parallel in [false, true] {
        let (phases, replicas) = start_in(dir.path(), parallel);
        assert_eq!((phases.items, phases.entries), (2000, 128));
        // Every command of snapshot and tail took one version.
        let versions: u64 = replicas.iter().map(|replica| replica.map().read().version()).sum();
        assert_eq!(versions, 2000 + 128 * fill::FILL_BATCH);
    }
}

#[test]
fn replicas_agree_after_keys_expired() {
    let (_dir, dir) = in_temp();
    let arguments = expiry::ExpiryArguments { keys: 3000, expire: 1000, value_bytes: 20, rate: 500, dir };
    let [writes, ends] = &expiry::run(&arguments).unwrap()[..] else { panic!("two tables") };
    assert_eq!(writes.len(), 4);
    assert_eq!(
        (ends.cell(0, "same_digest"), ends.cell(0, "same_from_snapshot")),
        (&true.into(), &true.into())
    );
    assert!((1..=1000).contains(&ends.cell(0, "pending_max").as_u64().unwrap()));
}

fn log_arguments(rate: Option<u64>, lagging: Option<u64>) -> (tempfile::TempDir, log::LogArguments) {
    let (kept, dir) = in_temp();
    let arguments = log::LogArguments {
        groups: 2,
        appenders: 8,
        payload: 116,
        duration: Duration::from_millis(400),
        rate,
        lagging,
        segment_bytes: 256 << 10,
        dir,
    };
    (kept, arguments)
}

#[test]
fn appends_are_counted_in_a_closed_loop() {
    let (_dir, arguments) = log_arguments(None, Some(1 << 20));
    let [summary, space] = &log::run(&arguments).unwrap()[..] else { panic!("two tables") };
    let appends = summary.cell(0, "count").as_u64().unwrap();
    let syncs = summary.cell(1, "count").as_u64().unwrap();
    assert!(appends >= syncs && syncs > 0, "{appends} appends, {syncs} syncs");
    assert!(space.cell(0, "live_mib").as_f64().unwrap() >= 1.0);
}

#[test]
fn appends_keep_to_a_rate() {
    let (_dir, arguments) = log_arguments(Some(200), None);
    let [summary, _] = &log::run(&arguments).unwrap()[..] else { panic!("two tables") };
    let number = |column| summary.cell(0, column).as_f64().unwrap();
    assert!(number("per_second") <= 210.0, "{} appends each second", number("per_second"));
    assert!(number("count") >= 80.0, "{} appends of what came due in 400 ms", number("count"));
}
