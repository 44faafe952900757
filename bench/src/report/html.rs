//! The report as one page that needs nothing else: the table, latency and rate over time, latencies by percentile,
//! and for a sweep throughput against latency.

use std::io::Write;

use super::plot::{Axis, Line, Scale, escape, plot};
use super::summary::{Report, Run};
use super::text;

/// How the page looks, by day and by night.
const STYLE: &str = "
body{font:15px system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
pre{overflow-x:auto;background:#8881;padding:1rem}svg{width:100%}svg line{stroke:#8884}svg text{font-size:12px;fill:#777}
polyline{fill:none;stroke-width:2}.legend{font-size:13px;margin:0 0 1rem 4rem}
.legend i{display:inline-block;width:.8em;height:.8em;margin:0 .4em 0 1em}
polyline.c0{stroke:#2b6cb0}circle.c0{fill:#2b6cb0}i.c0{background:#2b6cb0}
polyline.c1{stroke:#dd6b20}circle.c1{fill:#dd6b20}i.c1{background:#dd6b20}
polyline.c2{stroke:#c53030}circle.c2{fill:#c53030}i.c2{background:#c53030}
polyline.c3{stroke:#2f855a}circle.c3{fill:#2f855a}i.c3{background:#2f855a}
polyline.c4{stroke:#6b46c1}circle.c4{fill:#6b46c1}i.c4{background:#6b46c1}
polyline.c5{stroke:#718096}circle.c5{fill:#718096}i.c5{background:#718096}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}";

/// Latencies of a figure, each with its name.
type Latency<T> = (&'static str, fn(&T) -> f64);

/// Writes the page.
pub(crate) fn write(report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
    let machine = &report.machine;
    let label = report.label.as_ref().map(|label| format!(": {} {}", label.system, label.workload));
    let title = escape(&format!("quorate-bench{}", label.unwrap_or_default()));
    let plots: String = sweep(&report.runs) + &report.runs.iter().map(of_run).collect::<String>();
    write!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style>\n\
         <h1>{title}</h1><p>{} cores, {}, Linux {}; quorate-bench {}</p><pre>{}</pre>\n{plots}</html>\n",
        machine.cores,
        escape(&machine.cpu),
        escape(&machine.kernel),
        escape(&report.version),
        escape(&text::table(report)),
    )?;
    Ok(())
}

/// Throughput against latency, a point for each run that answered anything; nothing for a single run.
fn sweep(runs: &[Run]) -> String {
    let rows: Vec<_> = runs.iter().filter_map(Run::whole).collect();
    if rows.len() < 2 {
        return String::new();
    }
    let latencies: [Latency<super::summary::Latencies>; 3] =
        [("p50", |l| l.p50_us), ("p99", |l| l.p99_us), ("p99.9", |l| l.p999_us)];
    let lines = latencies.map(|(name, of)| Line {
        name: name.into(),
        points: rows.iter().map(|row| (row.per_second, of(&row.latencies))).collect(),
    });
    section("Throughput against latency", axis("operations a second", Scale::Linear), lines.as_slice())
}

fn of_run(run: &Run) -> String {
    let title = run.rate.map_or("Closed loop".into(), |rate| format!("{rate} operations due each second"));
    let latencies: [Latency<crate::load::series::Sample>; 3] =
        [("p50", |s| s.p50_us), ("p99", |s| s.p99_us), ("max", |s| s.max_us)];
    // An interval without a good answer has no latency.
    let answered = || run.series.iter().filter(|sample| sample.per_second > 0.0);
    let over_time = latencies.map(|(name, of)| Line {
        name: name.into(),
        points: answered().map(|sample| (sample.at_s, of(sample))).collect(),
    });
    let rate = Line {
        name: "answers".into(),
        points: run.series.iter().map(|sample| (sample.at_s, sample.per_second)).collect(),
    };
    let percentiles = Line { name: "latency".into(), points: run.distribution.iter().map(tail).collect() };
    let rate_plot = plot(axis("s", Scale::Linear), axis("operations a second", Scale::Linear), &[rate]);
    format!("<h2>{title}</h2>\n")
        + &section("Latency over time", axis("s", Scale::Linear), &over_time)
        + &format!("<h3>Rate over time</h3>{rate_plot}\n")
        + &section("Latency by percentile", axis("one in so many is slower", Scale::Log), &[percentiles])
}

/// A percentile as one in how many, as far as the distribution goes; and its latency.
fn tail((percentile, us): &(f64, f64)) -> (f64, f64) {
    const LAST: f64 = 99.9999;
    (100.0 / (100.0 - percentile.min(LAST)), *us)
}

fn section(title: &str, x: Axis, lines: &[Line]) -> String {
    format!("<h3>{title}</h3>{}\n", plot(x, axis("µs", Scale::Log), lines))
}

fn axis(title: &'static str, scale: Scale) -> Axis {
    Axis { title, scale }
}

#[cfg(test)]
mod tests {
    use super::super::summary::sample;
    use super::*;

    fn page(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_page_stands_by_itself() {
        let page = page(&sample("a<b", "set", 10.0, None));
        assert_eq!(page.matches("<svg").count(), 3);
        assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("http"));
        assert!(page.contains("a&lt;b set") && page.contains("&lt;busy&gt;"));
    }

    #[test]
    fn a_sweep_is_drawn_as_throughput_against_latency() {
        let mut report = sample("a", "set", 10.0, Some(12));
        report.runs.push(report.runs[0].clone());
        let page = page(&report);
        assert_eq!(page.matches("<svg").count(), 7);
        assert!(page.contains("Throughput against latency"));
    }

    #[test]
    fn percentiles_go_as_far_as_they_say() {
        assert_eq!((tail(&(0.0, 1.0)).0, tail(&(50.0, 1.0)).0), (1.0, 2.0));
        assert!((tail(&(99.9, 7.0)).0 - 1000.0).abs() < 0.1 && tail(&(100.0, 7.0)).0.is_finite());
    }
}
