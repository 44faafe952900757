//! The page shows every operation, marks the stuck point, needs nothing from outside, and quotes what it shows.

use super::lanes::Bar;
use super::*;
use crate::checker::register::Register;
use crate::checker::sample::{read, set, set_unknown};
use crate::checker::{Kind, explain};

fn drawing() -> Drawing {
    let operations =
        vec![set(0, 3, "<a&\"", 1), set_unknown(1, "c"), set(4, 5, "b", 2), read(6, 8, Some(("<a&\"", 1)))];
    let violation = Violation { key: "k<".into(), kind: Kind::StaleRead, detail: "stale".into() };
    let stuck = explain(&Register::default(), &operations);
    Drawing { violation, operations, stuck }
}

#[test]
fn stuck_point_is_marked_and_the_order_numbered() {
    let page = page("history", &[drawing()]);
    assert_eq!(page.matches("class=\"ok stuck\"").count(), 2, "bar and row");
    assert!(page.contains("① set") && page.contains("② set") && page.contains("✗ get"));
    assert_eq!(page.matches("<rect").count(), 4);
}

#[test]
fn page_stands_alone_and_quotes() {
    let page = page("a < b", &[drawing()]);
    for outside in ["http://", "https://", "<script", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("a &lt; b") && page.contains("key k&lt;") && !page.contains("<a&"));
}

#[test]
fn bars_go_from_call_to_return_and_unknown_ones_to_the_end() {
    let lanes = Lanes::of(&drawing().operations);
    assert_eq!(lanes.events, 8);
    let spans: Vec<(usize, usize)> = lanes.bars.iter().map(|Bar { from, to, .. }| (*from, *to)).collect();
    assert_eq!(spans, [(0, 3), (1, 8), (4, 5), (6, 7)]);
}
