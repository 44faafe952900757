//! Charts as SVG: what happened over one axis of time, with the faults behind it.

use std::fmt::Write;

use super::band::{Band, lanes};
use super::page::escape;
use super::series::{Latency, Point};

/// Width of a drawing, in its own units; it is shown as wide as the page.
const WIDTH: f64 = 1000.0;
/// Height of a chart.
const HEIGHT: f64 = 220.0;
/// Left of the axis: room for its numbers.
const LEFT: f64 = 56.0;
/// Right of the last second: room for half its mark.
const RIGHT: f64 = 20.0;
/// Below the chart: room for the seconds.
const BELOW: f64 = 22.0;
/// Above the chart.
const ABOVE: f64 = 8.0;
/// Height of a fault's lane.
const LANE: f64 = 16.0;
/// A fault that lasts shorter is drawn as wide as this.
const FAULT_WIDTH_MIN: f64 = 3.0;
/// Room a fault's words may take before the next fault in its lane.
const LABEL_WIDTH: f64 = 130.0;
/// Seconds between marks of the axis: the first that leaves few enough.
const TICKS_S: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0];
/// Most marks of the axis of time.
const TICKS_MAX: f64 = 16.0;
/// Lines across a chart, about.
const LEVELS: f64 = 4.0;
/// Lowest latency drawn, ms.
const LATENCY_MS_MIN: f64 = 0.1;

/// The axis of time that all charts of a report share.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    end_s: f64,
    point_s: f64,
}

impl Axis {
    /// Of a run: long enough for the last point and the last fault.
    pub fn of(points: &[Point], bands: &[Band]) -> Self {
        let point_s = points.get(1).map_or(1.0, |second| second.t_s as f64);
        let last = points.last().map_or(1.0, |last| last.t_s as f64 + point_s);
        Self { end_s: bands.iter().map(Band::end_s).fold(last, f64::max), point_s }
    }

    fn x(&self, t_s: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * t_s / self.end_s
    }

    fn s_of_width(&self, width: f64) -> f64 {
        width * self.end_s / (WIDTH - LEFT - RIGHT)
    }

    /// The marks of the axis, with lines over `height`.
    fn ticks(&self, height: f64) -> String {
        let fits = |step: &&f64| self.end_s / **step <= TICKS_MAX;
        let step = TICKS_S.iter().find(fits).copied().unwrap_or(self.end_s / TICKS_MAX);
        let mut out = String::new();
        for tick in 0..=(self.end_s / step) as u64 {
            let (t_s, x) = (tick as f64 * step, self.x(tick as f64 * step));
            let _ = write!(
                out,
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{ABOVE}" y2="{height:.1}"/><text x="{x:.1}" y="{:.1}" text-anchor="middle">{t_s:.0} s</text>"#,
                height + 15.0
            );
        }
        out
    }

    /// The faults as shadows over `height`.
    fn shadows(&self, bands: &[Band], height: f64) -> String {
        let mut out = String::new();
        for band in bands {
            let (x, width) = self.extent(band);
            let _ = write!(
                out,
                r#"<rect class="shadow" x="{x:.1}" y="{ABOVE}" width="{width:.1}" height="{:.1}"><title>{}</title></rect>"#,
                height - ABOVE,
                escape(&told(band))
            );
        }
        out
    }

    /// Where a band begins and how wide it is.
    fn extent(&self, band: &Band) -> (f64, f64) {
        let x = self.x(band.from_s);
        (x, (self.x(band.end_s()) - x).max(FAULT_WIDTH_MIN))
    }
}

fn told(band: &Band) -> String {
    match band.to_s {
        Some(to_s) => format!("{}, {:.1} s to {to_s:.1} s", band.label(), band.from_s),
        None => format!("{}, at {:.1} s", band.label(), band.from_s),
    }
}

fn drawing(height: f64, title: &str, inside: &str) -> String {
    let whole = height + BELOW;
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {whole:.0}" role="img" aria-label="{}">{inside}</svg>"#,
        escape(title)
    )
}

/// The faults by name, each in a lane of its own while it lasts.
pub fn faults(axis: &Axis, bands: &[Band]) -> String {
    let lanes = lanes(bands, axis.s_of_width(LABEL_WIDTH));
    let height = ABOVE + LANE * (lanes.iter().max().map_or(1, |most| most + 1)) as f64;
    let mut inside = axis.ticks(height);
    for (band, lane) in bands.iter().zip(lanes) {
        let (x, width) = axis.extent(band);
        let y = ABOVE + LANE * lane as f64;
        // Words at the right edge grow to the left.
        let (at, anchor) = if x + LABEL_WIDTH > WIDTH { (x - 3.0, "end") } else { (x + 4.0, "start") };
        let _ = write!(
            inside,
            r#"<g><rect class="fault" x="{x:.1}" y="{:.1}" width="{width:.1}" height="{:.1}"/><text class="label" x="{at:.1}" y="{:.1}" text-anchor="{anchor}">{}</text><title>{}</title></g>"#,
            y + 1.0,
            LANE - 2.0,
            y + 12.0,
            escape(&band.label()),
            escape(&told(band))
        );
    }
    drawing(height, "Faults over time", &inside)
}

/// Operations a second, by outcome, one on the other.
pub fn throughput(axis: &Axis, points: &[Point], bands: &[Band]) -> String {
    let most = points.iter().map(|p| p.ok + p.fail + p.unknown).fold(1.0, f64::max);
    let y = |rate: f64| HEIGHT - (HEIGHT - ABOVE) * rate / most;
    let mut inside = axis.ticks(HEIGHT);
    let step = round_step(most / LEVELS);
    for number in 1..=(most / step) as u64 {
        inside += &level(y(number as f64 * step), &format!("{}", number as f64 * step));
    }
    for point in points {
        let mut below = 0.0;
        let (x, width) = (axis.x(point.t_s as f64), axis.x(axis.point_s) - LEFT);
        for (class, rate) in [("ok", point.ok), ("fail", point.fail), ("unknown", point.unknown)] {
            if rate > 0.0 {
                let (top, height) = (y(below + rate), y(below) - y(below + rate));
                let _ = write!(
                    inside,
                    r#"<rect class="{class}" x="{x:.2}" y="{top:.2}" width="{width:.2}" height="{height:.2}"/>"#
                );
            }
            below += rate;
        }
    }
    inside += &axis.shadows(bands, HEIGHT);
    drawing(HEIGHT, "Operations per second by outcome", &inside)
}

/// The next larger 1, 2 or 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let decade = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0]
        .map(|digit| digit * decade)
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(10.0 * decade)
}

/// How long good operations took: half, 99 of 100, all. By orders of magnitude.
pub fn latency(axis: &Axis, points: &[Point], bands: &[Band]) -> String {
    let most = points.iter().filter_map(|p| p.latency).map(|l| l.max_ms).fold(1.0, f64::max);
    let decades = (most / LATENCY_MS_MIN).log10();
    let y = |ms: f64| {
        let share = (ms.max(LATENCY_MS_MIN) / LATENCY_MS_MIN).log10() / decades;
        HEIGHT - (HEIGHT - ABOVE) * share
    };
    let mut inside = axis.shadows(bands, HEIGHT) + &axis.ticks(HEIGHT);
    for decade in 0..=decades as i32 {
        let ms = LATENCY_MS_MIN * 10f64.powi(decade);
        inside += &level(y(ms), &format!("{ms} ms"));
    }
    type Of = fn(&Latency) -> f64;
    let lines: [(&str, Of); 3] = [("max", |l| l.max_ms), ("p99", |l| l.p99_ms), ("p50", |l| l.p50_ms)];
    for (class, of) in lines {
        let mut path = String::new();
        let mut pen_up = true;
        for point in points {
            // A stretch without a good operation is a gap in the line.
            let Some(latency) = &point.latency else {
                pen_up = true;
                continue;
            };
            let x = axis.x(point.t_s as f64 + axis.point_s / 2.0);
            let _ = write!(path, "{}{x:.1},{:.1}", if pen_up { 'M' } else { 'L' }, y(of(latency)));
            pen_up = false;
        }
        let _ = write!(inside, r#"<path class="line {class}" d="{path}"/>"#);
    }
    drawing(HEIGHT, "Latency over time", &inside)
}

/// A line across, with its number.
fn level(y: f64, label: &str) -> String {
    format!(
        r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
        WIDTH - RIGHT,
        LEFT - 4.0,
        y + 4.0
    )
}
