//! The index is a sorted bag of items, and small.

use proptest::prelude::*;

use super::*;
use crate::command::arbitrary::cases;

#[derive(Debug, Clone)]
enum Step {
    Insert(Due),
    Remove(Due),
    TakeDue(u64, usize),
    Retain(Slot),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let due = || {
        let deadline = prop_oneof![9 => 0..40u64, 1 => Just(DEADLINE_MS_MAX)];
        (deadline, prop_oneof![0..3u16, Just(SLOTS - 1)], 0..3u32).prop_map(|(d, s, h)| Due::new(d, s, h))
    };
    let step = prop_oneof![
        12 => due().prop_map(Step::Insert),
        8 => due().prop_map(Step::Remove),
        1 => (0..40u64, 0..30usize).prop_map(|(now, max)| Step::TakeDue(now, max)),
        1 => (0..12u16).prop_map(Step::Retain),
    ];
    prop::collection::vec(step, 0..400)
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn is_a_sorted_bag(steps in steps()) {
        let (mut index, mut model) = (DueIndex::default(), Vec::<Due>::new());
        for step in steps {
            match step {
                Step::Insert(due) => {
                    index.insert(due);
                    model.push(due);
                }
                Step::Remove(due) => {
                    index.remove(due);
                    if let Some(at) = model.iter().position(|other| *other == due) {
                        model.remove(at);
                    }
                }
                Step::TakeDue(now_ms, max) => {
                    let due = model.iter().take_while(|due| due.deadline_ms() <= now_ms).count();
                    prop_assert_eq!(index.count_due(now_ms), due);
                    let expected: Vec<Due> = model.drain(..due.min(max)).collect();
                    prop_assert_eq!(index.take_due(now_ms, max), expected);
                }
                Step::Retain(slot) => {
                    index.retain(|due| due.slot() != slot);
                    model.retain(|due| due.slot() != slot);
                }
            }
            model.sort();
            prop_assert_eq!(index.validate(), Ok(()));
            prop_assert!(index.iter().eq(model.iter().copied()));
            prop_assert_eq!(index.next_deadline(), model.first().map(|due| due.deadline_ms()));
        }
        model.sort_by_key(|due| (due.slot(), due.hash()));
        let rebuilt = DueIndex::of(model);
        prop_assert_eq!(rebuilt.validate(), Ok(()));
        prop_assert!(rebuilt.iter().eq(index.iter()));
    }
}

#[test]
fn an_item_keeps_its_parts() {
    let due = Due::new(DEADLINE_MS_MAX, SLOTS - 1, u32::MAX - 1);
    assert_eq!((due.deadline_ms(), due.slot(), due.hash()), (DEADLINE_MS_MAX, SLOTS - 1, u32::MAX - 1));
    assert!(Due::new(1, 0, 0) > Due::new(0, SLOTS - 1, u32::MAX));
    assert_eq!(size_of::<Due>(), 12);
}

#[test]
fn deadlines_in_order_fill_their_runs() {
    let mut index = DueIndex::default();
    (0..10_000).for_each(|n| index.insert(Due::new(n, 0, 0)));
    assert_eq!(index.runs.len(), 10_000 / RUN_ITEMS_MAX);
    (0..10_000).filter(|n| n % 100 != 0).for_each(|n| index.remove(Due::new(n, 0, 0)));
    assert!(index.runs.len() <= 2 * 100 / (RUN_ITEMS_MAX / 2), "{} runs for 100 items", index.runs.len());
    let room: usize = index.runs.iter().map(|run| run.items.capacity()).sum();
    assert!(room <= 100 + index.runs.len() * 2 * RUN_ITEMS_STEP, "room for {room} items");
}
