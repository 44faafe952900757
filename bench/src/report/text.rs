//! The report as a table.

use super::summary::{Latencies, Load, Report, Run};

/// Columns: name, count, rate, five latencies.
const HEAD: [&str; 8] = ["OP", "COUNT", "OPS/S", "P50 µs", "P90 µs", "P99 µs", "P99.9 µs", "MAX µs"];

/// All runs, one after the other.
pub(crate) fn table(report: &Report) -> String {
    report.runs.iter().fold(head(&report.load), |text, run| text + &of_run(run))
}

fn head(load: &Load) -> String {
    let Load { protocol, connections, pipeline, duration_s, warmup_s, mix, .. } = load;
    let Load { distribution, keys, key_bytes, value_bytes, .. } = load;
    let consistency = load.consistency.as_ref().map_or(String::new(), |name| format!(", {name}"));
    let pipeline = if *pipeline == 1 { String::new() } else { format!(" of {pipeline} requests") };
    format!(
        "{protocol}{consistency}: {mix}; {connections} connections{pipeline}, {duration_s} s after {warmup_s} s\n\
         {keys} keys of {key_bytes} B, {distribution}; values of {value_bytes} B\n"
    )
}

fn of_run(run: &Run) -> String {
    let mut text = match run.rate {
        Some(rate) => format!("\nopen loop, {rate} operations due each second\n"),
        None => "\nclosed loop\n".into(),
    };
    text += &line(HEAD.map(str::to_owned));
    for row in &run.operations {
        let numbers = [row.operation.clone(), row.count.to_string(), format!("{:.0}", row.per_second)];
        text += &line(cells(numbers, &row.latencies));
    }
    if let Some(wait) = &run.wait {
        text += &line(cells(["wait".into(), String::new(), String::new()], wait));
    }
    if run.unsent > 0 {
        text += &format!("never begun, as no connection was free: {}\n", run.unsent);
    }
    text += &format!("errors: {}\n", run.errors);
    run.error_samples.iter().fold(text, |text, sample| format!("{text}  {sample}\n"))
}

fn cells(first: [String; 3], latencies: &Latencies) -> [String; 8] {
    let Latencies { p50_us, p90_us, p99_us, p999_us, max_us, .. } = latencies;
    let [name, count, rate] = first;
    let [p50, p90, p99, p999, max] = [p50_us, p90_us, p99_us, p999_us, max_us].map(|us| format!("{us:.0}"));
    [name, count, rate, p50, p90, p99, p999, max]
}

fn line(cells: [String; 8]) -> String {
    let [name, rest @ ..] = cells;
    rest.iter().fold(format!("{name:<6}"), |line, cell| format!("{line}{cell:>11}")) + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::summary::sample;
    use super::*;

    #[test]
    fn a_table_has_rate_and_quantiles() {
        let table = table(&sample("quorate", "set", 10.0, None));
        let row = table.lines().find(|line| line.starts_with("set")).unwrap();
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells, ["set", "20", "10", "1", "2", "3", "4", "5"]);
        assert!(table.contains("closed loop") && table.contains("errors: 1\n  <busy>"));
        assert!(!table.contains("wait"));
    }

    #[test]
    fn an_open_loop_tells_what_was_due_and_what_waited() {
        let table = table(&sample("quorate", "set", 10.0, Some(15)));
        assert!(table.contains("15 operations due each second"), "{table}");
        assert!(table.lines().any(|line| line.starts_with("wait")), "{table}");
    }
}
