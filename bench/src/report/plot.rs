//! Lines on axes, as SVG that stands in a page by itself.

use std::fmt::Write;

/// Size of a plot and room for its numbers, in its own units; it is shown as wide as the page.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const ABOVE: f64 = 10.0;
const BELOW: f64 = 45.0;
/// Marks of a linear axis, about.
const TICKS: f64 = 6.0;
/// Classes of lines; the page has a colour for each.
const COLOURS: usize = 6;

/// How numbers become places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// From zero on.
    Linear,
    /// By powers of ten.
    Log,
}

/// One axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) title: &'static str,
    pub(super) scale: Scale,
}

/// One line: its name and its points.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// The plot.
pub(super) fn plot(x: Axis, y: Axis, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let x_range = Range::of(x.scale, points().map(|point| point.0));
    let y_range = Range::of(y.scale, points().map(|point| point.1));
    let at_x = |value| LEFT + (WIDTH - LEFT - RIGHT) * x_range.share(value);
    let at_y = |value| HEIGHT - BELOW - (HEIGHT - ABOVE - BELOW) * y_range.share(value);
    let mut svg = format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">"#);
    for tick in x_range.ticks() {
        svg += &mark(at_x(tick), ABOVE, at_x(tick), HEIGHT - BELOW);
        svg += &words(at_x(tick), HEIGHT - BELOW + 16.0, "middle", &short(tick));
    }
    for tick in y_range.ticks() {
        svg += &mark(LEFT, at_y(tick), WIDTH - RIGHT, at_y(tick));
        svg += &words(LEFT - 6.0, at_y(tick) + 4.0, "end", &short(tick));
    }
    svg += &words((LEFT + WIDTH) / 2.0, HEIGHT - 8.0, "middle", x.title);
    svg += &words(LEFT + 6.0, ABOVE + 12.0, "start", y.title);
    for (number, line) in lines.iter().enumerate() {
        svg += &drawn(line, number % COLOURS, at_x, at_y);
    }
    svg + "</svg>" + &legend(lines)
}

fn drawn(line: &Line, colour: usize, at_x: impl Fn(f64) -> f64, at_y: impl Fn(f64) -> f64) -> String {
    let places: Vec<String> =
        line.points.iter().map(|(x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y))).collect();
    let mut svg = format!(r#"<polyline class="c{colour}" points="{}"/>"#, places.join(" "));
    for (x, y) in &line.points {
        let name = escape(&line.name);
        let _ = write!(
            svg,
            r#"<circle class="c{colour}" cx="{:.1}" cy="{:.1}" r="2.5"><title>{name}: {} at {}</title></circle>"#,
            at_x(*x),
            at_y(*y),
            short(*y),
            short(*x)
        );
    }
    svg
}

fn legend(lines: &[Line]) -> String {
    let item = |(number, line): (usize, &Line)| {
        format!(r#"<i class="c{}"></i>{} "#, number % COLOURS, escape(&line.name))
    };
    format!("<p class=\"legend\">{}</p>", lines.iter().enumerate().map(item).collect::<String>())
}

fn mark(x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    format!(r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#)
}

fn words(x: f64, y: f64, anchor: &str, words: &str) -> String {
    format!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#, escape(words))
}

/// From where to where an axis goes.
#[derive(Debug, Clone, Copy)]
struct Range {
    scale: Scale,
    low: f64,
    high: f64,
}

impl Range {
    /// Wide enough for all values; never empty.
    fn of(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let shown = values.filter(|value| value.is_finite() && (scale == Scale::Linear || *value > 0.0));
        let (low, high) =
            shown.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = if low > high { (1.0, 10.0) } else { (low, high) };
        match scale {
            Scale::Linear => Self { scale, low: 0.0, high: if high > 0.0 { high } else { 1.0 } },
            Scale::Log => {
                let (low, high) = (low.log10().floor(), high.log10().ceil());
                Self { scale, low, high: if high > low { high } else { low + 1.0 } }
            }
        }
    }

    /// Where a value lies, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let value = if self.scale == Scale::Log { value.log10() } else { value };
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.scale == Scale::Log {
            return (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power)).collect();
        }
        let decade = 10_f64.powf((self.high / TICKS).log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|digit| digit * decade).into_iter().find(|s| self.high / s <= TICKS);
        let step = step.unwrap_or(self.high);
        (0..=(self.high / step) as u64).map(|number| number as f64 * step).collect()
    }
}

/// A number in few signs.
fn short(value: f64) -> String {
    match value.abs() {
        1e6.. => format!("{}M", trimmed(value / 1e6)),
        1e3.. => format!("{}k", trimmed(value / 1e3)),
        _ => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text in a page.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_values_and_have_marks() {
        let linear = Range::of(Scale::Linear, [3.0, 47.0].into_iter());
        assert_eq!((linear.share(0.0), linear.share(47.0)), (0.0, 1.0));
        assert_eq!(linear.ticks(), [0.0, 10.0, 20.0, 30.0, 40.0]);
        let log = Range::of(Scale::Log, [0.0, 20.0, 900.0].into_iter());
        assert_eq!((log.share(10.0), log.share(100.0), log.share(1000.0)), (0.0, 0.5, 1.0));
        assert_eq!(log.ticks(), [10.0, 100.0, 1000.0]);
        for scale in [Scale::Linear, Scale::Log] {
            let nothing = Range::of(scale, std::iter::empty());
            assert!(nothing.high > nothing.low && nothing.share(0.0) >= 0.0 && !nothing.ticks().is_empty());
        }
    }

    #[test]
    fn a_plot_has_each_line_and_no_markup_of_others() {
        let axis = |title| Axis { title, scale: Scale::Linear };
        let line = Line { name: "<p99>".into(), points: vec![(0.0, 1.0), (1.0, 2.0)] };
        let svg = plot(axis("s"), axis("µs"), &[line.clone(), line]);
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("&lt;p99&gt;") && !svg.contains("<p99>"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.1, 5.0, 1500.0, 2e6].map(short), ["0.1", "5", "1.5k", "2M"]);
    }
}
