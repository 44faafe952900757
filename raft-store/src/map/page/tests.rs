//! A record that is replaced in its page leaves the others as they are.

use super::*;

fn page(records: &[&[u8]]) -> Page {
    let pieces: Vec<_> = (0..).zip(records).map(|(hash, record)| Piece::One(hash << 16, record)).collect();
    Page::grown(&pieces, Some(1))
}

fn records(page: &Page) -> Vec<&[u8]> {
    (0..page.count()).map(|at| page.bytes_of(at)).collect()
}

fn spare(page: &Page) -> usize {
    page.len() - page.start(page.count())
}

#[test]
fn a_record_grows_and_shrinks_in_its_page() {
    for at in 0..3 {
        let mut expected = [b"first".to_vec(), b"second one".to_vec(), b"third".to_vec()];
        let mut page = page(&expected.each_ref().map(|record| &record[..]));
        let stands = page.0.as_ptr();
        let room = expected[at].len() + spare(&page);
        for len in [room, 1, room - 1, expected[at].len()] {
            expected[at] = vec![len as u8; len];
            assert!(page.overwrite(at, &expected[at]), "{len} bytes at {at}");
            assert_eq!(records(&page), expected);
            assert_eq!(page.0.as_ptr(), stands);
        }
    }
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let expected: [&[u8]; 2] = [&[7; 100], b"second"];
    let mut page = page(&expected);
    let room = spare(&page);
    assert!((SPARE_BYTES..SPARE_BYTES + ALLOCATED_BYTES_STEP).contains(&room));
    assert!(!page.overwrite(0, &vec![8; 100 + room + 1]), "it is too long");
    assert!(!page.overwrite(0, &vec![8; 100 - (SPARE_BYTES_MAX - room) - 1]), "too much would be spare");
    let shared = page.clone();
    assert!(!page.overwrite(1, b"SECOND") && !page.overwrite(1, b"longer"), "somebody else sees it");
    drop(shared);
    assert_eq!(records(&page), expected);
    assert!(page.overwrite(0, &vec![8; 100 - (SPARE_BYTES_MAX - room)]));
    assert_eq!(spare(&page), SPARE_BYTES_MAX);
}

#[test]
fn a_page_takes_all_that_is_allocated_for_it() {
    for len in 1..40 {
        let page = Page::of(&[Piece::One(0, &vec![1; len])]);
        assert!(spare(&page) < ALLOCATED_BYTES_STEP);
        assert_eq!((page.len() + ALLOCATION_HEAD_BYTES) % ALLOCATED_BYTES_STEP, 0);
    }
}

#[test]
fn only_little_growth_is_taken_for_a_habit() {
    for (by, much) in
        [(None, false), (Some(1), true), (Some(SPARE_BYTES), true), (Some(SPARE_BYTES + 1), false)]
    {
        let page = Page::grown(&[Piece::One(0, &[1; 50])], by);
        assert_eq!(spare(&page) >= SPARE_BYTES, much, "{by:?}");
    }
}

#[test]
fn a_loaded_page_has_room_for_the_first_change_of_its_records() {
    let mut builder = PageBuilder::default();
    let count = ALLOCATED_BYTES_STEP + 4;
    (0..count).for_each(|at| builder.push((at as KeyHash) << 16, &[b"re", b"cord"]));
    let (_, mut page) = builder.finish().unwrap();
    let stands = page.0.as_ptr();
    assert!((0..count).all(|at| page.overwrite(at, b"records")));
    assert_eq!((page.0.as_ptr(), records(&page)), (stands, vec![&b"records"[..]; count]));
    (0..4 * SPARE_BYTES).for_each(|at| builder.push((at as KeyHash) << 16, &[b"record"]));
    let (_, page) = builder.finish().unwrap();
    assert!(spare(&page) <= SPARE_BYTES_MAX, "what a change of the same length would have to take away");
}
