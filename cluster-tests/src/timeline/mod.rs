//! A failing history drawn for people: one HTML file, nothing else needed to read it.
//!
//! A lane for each process, a bar from each call to its return. The scale is the order of events and not time, so
//! that what is concurrent is seen and pauses take no room; times stand at the bars. The longest order that the
//! search found is numbered, and what it could not explain next is marked.

mod lanes;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use self::lanes::Lanes;
use crate::checker::{Stuck, Violation, describe};
use crate::history::{Operation, Outcome, Output};

/// Width of the time between two events, px.
const STEP_PX: usize = 56;
/// Height of a lane, px.
const LANE_PX: usize = 40;
/// Room for the names of lanes, px.
const LEFT_PX: usize = 110;
/// Longest label of a bar, characters.
const LABEL_CHARS_MAX: usize = 28;

/// What is drawn of one failing key.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// What is wrong.
    pub violation: Violation,
    /// Operations of the key: those that matter.
    pub operations: Vec<Operation>,
    /// Where the search stood, if it was the search that failed: indices into `operations`.
    pub stuck: Option<Stuck>,
}

/// The page, with a section for each drawing.
pub fn page(title: &str, drawings: &[Drawing]) -> String {
    let mut page = String::new();
    let title = escape(title);
    let _ = write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>{}</style><h1>{title}</h1>\
         <p class=legend><span class=\"box ok\"></span>acknowledged <span class=\"box unknown\"></span>outcome \
         unknown: at any time from its call on, or never <span class=\"box fail\"></span>certainly not carried out \
         <span class=\"box stuck\"></span>not explained. ① … is the longest order that explains every answer.</p>",
        include_str!("style.css")
    );
    for drawing in drawings {
        section(&mut page, drawing);
    }
    page
}

fn section(page: &mut String, drawing: &Drawing) {
    let Violation { key, kind, detail } = &drawing.violation;
    let (key, detail) = (escape(key), escape(detail));
    let _ = write!(page, "<section><h2>{kind:?} on key {key}</h2><p>{detail}</p><div class=scroll>");
    svg(page, drawing);
    page.push_str("</div>");
    if let Some(stuck) = &drawing.stuck {
        let state = escape(&stuck.state);
        let _ =
            write!(page, "<p>After {} operations in this order the key is {state}.</p>", stuck.placed.len());
    }
    page.push_str("<table><tr><th>#<th>process<th>called … returned, µs<th>operation<th>group time, ms</tr>");
    for (at, op) in drawing.operations.iter().enumerate() {
        let rank = rank(drawing, at);
        let time = op.time_ms.map_or(String::new(), |ms| ms.to_string());
        let (what, class) = (escape(&describe(op)), class(drawing, at));
        let _ = write!(
            page,
            "<tr class=\"{class}\"><td>{rank}<td>{}<td>{} … {}<td>{what}<td>{time}</tr>",
            op.process,
            op.call_ns / 1000,
            op.return_ns / 1000
        );
    }
    page.push_str("</table></section>");
}

fn svg(page: &mut String, drawing: &Drawing) {
    let lanes = Lanes::of(&drawing.operations);
    let width = LEFT_PX + (lanes.events + 1) * STEP_PX;
    let height = lanes.processes.len() * LANE_PX + 10;
    let _ = write!(page, "<svg width={width} height={height} viewBox=\"0 0 {width} {height}\" role=img>");
    for (lane, process) in lanes.processes.iter().enumerate() {
        let y = lane * LANE_PX + LANE_PX / 2 + 4;
        let line = lane * LANE_PX + LANE_PX - 2;
        let _ = write!(
            page,
            "<text class=lane x=4 y={y}>process {process}</text>\
             <line class=lane x1=0 x2={width} y1={line} y2={line} />"
        );
    }
    for at in 0..drawing.operations.len() {
        bar(page, drawing, &lanes, at);
    }
    page.push_str("</svg>");
}

fn bar(page: &mut String, drawing: &Drawing, lanes: &Lanes, at: usize) {
    let op = &drawing.operations[at];
    let bar = lanes.bars[at];
    let x = LEFT_PX + bar.from * STEP_PX;
    let width = (bar.to - bar.from) * STEP_PX - 4;
    let y = bar.lane * LANE_PX + 4;
    let (hover, class, rank) = (escape(&describe(op)), class(drawing, at), rank(drawing, at));
    let label = escape(&label(op).chars().take(LABEL_CHARS_MAX).collect::<String>());
    let (text_y, high) = (LANE_PX / 2, LANE_PX - 10);
    let _ = write!(
        page,
        "<g class=\"{class}\"><title>{hover}</title><rect x={x} y={y} width={width} height={high} rx=4 />\
         <svg x={x} y={y} width={width} height={high}><text x=6 y={}>{rank} {label}</text></svg></g>",
        text_y
    );
}

/// The place in the longest order; `✗` for what it could not explain.
fn rank(drawing: &Drawing, at: usize) -> String {
    let Some(stuck) = &drawing.stuck else { return String::new() };
    let place = stuck.placed.iter().position(|placed| *placed == at);
    match place {
        _ if stuck.blocked == at => "✗".into(),
        Some(place @ 0..20) => char::from_u32('①' as u32 + place as u32).map_or(String::new(), String::from),
        Some(place) => format!("({})", place + 1),
        None => String::new(),
    }
}

fn class(drawing: &Drawing, at: usize) -> String {
    let outcome = match drawing.operations[at].outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Unknown => "unknown",
    };
    let stuck = drawing.stuck.as_ref().is_some_and(|stuck| stuck.blocked == at);
    if stuck { format!("{outcome} stuck") } else { outcome.to_owned() }
}

/// What was asked and answered, in few words.
fn label(op: &Operation) -> String {
    use crate::history::Input as I;
    let asked = match &op.input {
        I::Get(_) => "get".to_owned(),
        I::Set { value, .. } => format!("set {value}"),
        I::Delete => "delete".to_owned(),
        I::Cas { value, .. } => format!("cas {value}"),
        I::Incr { by } => format!("incr {by}"),
        I::Append { value } => format!("append {value}"),
        I::Touch { ttl_ms } => format!("touch {ttl_ms}"),
        I::Persist => "persist".to_owned(),
    };
    let answered = match &op.output {
        None => String::new(),
        Some(Output::Read(None) | Output::Missing) => " → absent".to_owned(),
        Some(Output::Read(Some(seen))) => format!(" → {}", seen.value),
        Some(Output::Written { value: Some(value), .. }) => format!(" → {value}"),
        Some(Output::Written { .. }) => String::new(),
        Some(Output::Mismatch { .. }) => " → refused".to_owned(),
        Some(Output::NotANumber) => " → no number".to_owned(),
        Some(Output::Deleted { deleted, .. }) => format!(" → {deleted}"),
    };
    asked + &answered
}

/// Text that means itself in HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push('·'),
            c => escaped.push(c),
        }
    }
    escaped
}
