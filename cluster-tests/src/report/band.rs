//! Faults as stretches of time, made of their begins and ends.

use serde::Serialize;

use super::fault::{At, FaultEvent};

/// Nanoseconds in a second.
const NS_PER_S: f64 = 1e9;

/// One fault, from begin to end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// The kind.
    pub kind: String,
    /// What exactly.
    pub what: String,
    /// The nodes it was done to.
    pub nodes: Vec<u64>,
    /// When it began, s since the run began.
    pub from_s: f64,
    /// When it was over, s; `None`: it happened at once, or nobody wrote down its end.
    pub to_s: Option<f64>,
}

impl Band {
    fn from(begin: &FaultEvent, from_s: f64) -> Self {
        let FaultEvent { kind, what, nodes, .. } = begin;
        Self { kind: kind.clone(), what: what.clone(), nodes: nodes.clone(), from_s, to_s: None }
    }

    /// What it was, for people.
    pub fn label(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(u64::to_string).collect();
        let named = self.nodes.iter().all(|node| self.what.contains(&node.to_string()));
        let on = if named { String::new() } else { format!(" [{}]", nodes.join(", ")) };
        let what = if self.what.is_empty() { String::new() } else { format!(": {}", self.what) };
        format!("{}{what}{on}", self.kind)
    }

    /// The second it ends in what is drawn.
    pub fn end_s(&self) -> f64 {
        self.to_s.unwrap_or(self.from_s)
    }
}

/// Every fault, by its begin. An end belongs to the oldest fault that is not over and has its number, or, where there
/// are none, its kind and words.
pub fn bands(events: &[FaultEvent]) -> Vec<Band> {
    let mut sorted: Vec<&FaultEvent> = events.iter().collect();
    sorted.sort_by_key(|event| event.t_ns);
    let mut bands: Vec<(&FaultEvent, Band)> = Vec::new();
    for event in sorted {
        let t_s = event.t_ns as f64 / NS_PER_S;
        match event.at {
            At::Begin => bands.push((event, Band::from(event, t_s))),
            At::End => {
                let over = bands.iter_mut().find(|(begin, b)| b.to_s.is_none() && same(begin, event));
                if let Some((_, band)) = over {
                    band.to_s = Some(t_s);
                }
            }
        }
    }
    bands.into_iter().map(|(_, band)| band).collect()
}

fn same(begin: &FaultEvent, end: &FaultEvent) -> bool {
    match (begin.fault, end.fault) {
        (None, None) => begin.kind == end.kind && begin.what == end.what,
        (one, other) => one == other,
    }
}

/// The lane each band is drawn in, so that none covers another: the first that is free. `width_s` is what the
/// shortest band takes.
pub fn lanes(bands: &[Band], width_s: f64) -> Vec<usize> {
    let mut free_from: Vec<f64> = Vec::new();
    let mut lanes = Vec::with_capacity(bands.len());
    for band in bands {
        let end = band.end_s().max(band.from_s + width_s);
        let lane = free_from.iter().position(|free| *free <= band.from_s).unwrap_or(free_from.len());
        match free_from.get_mut(lane) {
            Some(free) => *free = end,
            None => free_from.push(end),
        }
        lanes.push(lane);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(t_s: u64, at: At, kind: &str, what: &str) -> FaultEvent {
        let t_ns = t_s * 1_000_000_000;
        FaultEvent { t_ns, at, fault: None, kind: kind.into(), what: what.into(), nodes: vec![2] }
    }

    #[test]
    fn numbers_tell_faults_of_one_kind_apart() {
        let numbered = |t_s, at, fault| FaultEvent {
            fault: Some(fault),
            ..event(t_s, at, "pause", if t_s > 2 { "late" } else { "" })
        };
        let events = [numbered(1, At::Begin, 8), numbered(2, At::Begin, 9), numbered(3, At::End, 9)];
        let ends = |events: &[FaultEvent]| -> Vec<_> { bands(events).iter().map(|band| band.to_s).collect() };
        assert_eq!(ends(&events), [None, Some(3.0)]);
        let alike =
            [(1, At::Begin), (2, At::Begin), (3, At::End)].map(|(t_s, at)| event(t_s, at, "pause", ""));
        assert_eq!(ends(&alike), [Some(3.0), None], "without numbers the oldest is over first");
    }

    #[test]
    fn begins_find_their_ends() {
        let events = [
            event(1, At::Begin, "partition", "isolate 2"),
            event(2, At::Begin, "partition", "halves"),
            event(3, At::Begin, "kill", ""),
            event(4, At::End, "partition", "isolate 2"),
            event(5, At::Begin, "partition", "isolate 2"),
            event(9, At::End, "partition", "isolate 2"),
            event(9, At::End, "partition", "never begun"),
        ];
        let bands = bands(&events);
        let times: Vec<_> = bands.iter().map(|b| (b.label(), b.from_s, b.to_s)).collect();
        let wanted = [
            ("partition: isolate 2", 1.0, Some(4.0)),
            ("partition: halves [2]", 2.0, None),
            ("kill [2]", 3.0, None),
            ("partition: isolate 2", 5.0, Some(9.0)),
        ];
        assert_eq!(times, wanted.map(|(label, from, to)| (label.to_owned(), from, to)));
        assert_eq!(lanes(&bands, 2.0), [0, 1, 2, 0]);
    }
}
