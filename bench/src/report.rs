//! The figures, as a table or as JSON.

use std::io::Write;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::load::{LoadArguments, Measured};

/// One row: one kind of request.
#[derive(Debug, Serialize)]
struct Row {
    operation: &'static str,
    count: u64,
    per_second: f64,
    p50_us: u64,
    p99_us: u64,
    p999_us: u64,
    max_us: u64,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    connections: u64,
    duration_s: f64,
    read_ratio: f64,
    keys: u64,
    key_bytes: u16,
    value_bytes: u32,
    errors: u64,
    error_samples: &'a [String],
    operations: Vec<Row>,
}

/// Prints what was measured to stdout.
pub(crate) fn print(measured: &Measured, load: &LoadArguments, json: bool) -> anyhow::Result<()> {
    let report = Report {
        connections: load.connections,
        duration_s: measured.elapsed.as_secs_f64(),
        read_ratio: load.read_ratio,
        keys: load.keys,
        key_bytes: load.key_size,
        value_bytes: load.value_size,
        errors: measured.errors,
        error_samples: &measured.error_samples,
        operations: rows(measured),
    };
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        out.write_all(table(&report).as_bytes())?;
    }
    Ok(())
}

fn rows(measured: &Measured) -> Vec<Row> {
    let row = |operation, histogram: &Histogram<u64>| Row {
        operation,
        count: histogram.len(),
        per_second: histogram.len() as f64 / measured.elapsed.as_secs_f64(),
        p50_us: histogram.value_at_quantile(0.5),
        p99_us: histogram.value_at_quantile(0.99),
        p999_us: histogram.value_at_quantile(0.999),
        max_us: histogram.max(),
    };
    let both = [row("get", &measured.reads), row("set", &measured.writes)];
    both.into_iter().filter(|row| row.count > 0).collect()
}

fn table(report: &Report<'_>) -> String {
    let Report { connections, duration_s, keys, key_bytes, value_bytes, errors, .. } = report;
    let mut text = format!(
        "{connections} connections, {duration_s} s, {keys} keys of {key_bytes} B, values of {value_bytes} B\n"
    );
    let head = ["OP", "COUNT", "OPS/S", "P50 µs", "P99 µs", "P99.9 µs", "MAX µs"];
    let line = |c: [String; 7]| {
        let [operation, rest @ ..] = c;
        rest.iter().fold(format!("{operation:<4}"), |line, cell| format!("{line}{cell:>11}")) + "\n"
    };
    text += &line(head.map(str::to_owned));
    for row in &report.operations {
        let Row { operation, count, per_second, p50_us, p99_us, p999_us, max_us } = row;
        let numbers = [p50_us, p99_us, p999_us, max_us].map(ToString::to_string);
        let [p50, p99, p999, max] = numbers;
        text +=
            &line([(*operation).into(), count.to_string(), format!("{per_second:.0}"), p50, p99, p999, max]);
    }
    text += &format!("errors: {errors}\n");
    report.error_samples.iter().fold(text, |text, sample| format!("{text}  {sample}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_rate_and_quantiles() {
        let row = Row {
            operation: "set",
            count: 20,
            per_second: 10.0,
            p50_us: 1,
            p99_us: 2,
            p999_us: 3,
            max_us: 4,
        };
        let report = Report {
            connections: 1,
            duration_s: 2.0,
            read_ratio: 0.0,
            keys: 1,
            key_bytes: 16,
            value_bytes: 100,
            errors: 1,
            error_samples: &["503 no-leader".to_owned()],
            operations: vec![row],
        };
        let table = table(&report);
        let cells: Vec<&str> = table.lines().nth(2).unwrap().split_whitespace().collect();
        assert_eq!(cells, ["set", "20", "10", "1", "2", "3", "4"]);
        assert!(table.contains("errors: 1\n  503 no-leader"));
    }
}
