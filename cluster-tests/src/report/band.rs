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

/// Every fault, by its begin. An end belongs to the oldest fault of the same kind and words that is not over.
pub fn bands(events: &[FaultEvent]) -> Vec<Band> {
    let mut sorted: Vec<&FaultEvent> = events.iter().collect();
    sorted.sort_by_key(|event| event.t_ns);
    let mut bands: Vec<Band> = Vec::new();
    for FaultEvent { t_ns, at, kind, what, nodes } in sorted {
        let t_s = *t_ns as f64 / NS_PER_S;
        let mut begun = bands.iter_mut().filter(|b| b.to_s.is_none() && b.kind == *kind && b.what == *what);
        match at {
            At::Begin => bands.push(Band {
                kind: kind.clone(),
                what: what.clone(),
                nodes: nodes.clone(),
                from_s: t_s,
                to_s: None,
            }),
            At::End => {
                if let Some(band) = begun.next() {
                    band.to_s = Some(t_s);
                }
            }
        }
    }
    bands
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
        FaultEvent { t_ns: t_s * 1_000_000_000, at, kind: kind.into(), what: what.into(), nodes: vec![2] }
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
