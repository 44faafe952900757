//! What earlier versions wrote stays readable: `fixtures/snapshots-v1` is a folder of the first format, made by
//! the program as it was then.

use super::*;

#[test]
fn the_first_format_is_read_as_it_was_written() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/snapshots-v1");
    let dir = tempfile::tempdir().unwrap();
    copy_folder(&fixture, dir.path());
    let home = Home::Folder(dir);
    for _ in 0..2 {
        let store = home.open();
        assert_eq!(store.groups(), [0, 7]);
        let meta = current(&store, 0);
        assert_eq!(meta.covers().last, Some(Position { term: 3, node: 2, index: 41 }));
        assert_eq!(chunks(&meta), [b"meta".as_slice(), &[]]);
        let data = current(&store, 7);
        assert_eq!(data.covers().last, Some(Position { term: 5, node: 1, index: 1_000 }));
        assert_eq!(data.covers().rest[..], MEMBERS);
        assert_eq!(chunks(&data), [b"first".as_slice(), &[7; 10_000], b"last"]);
        assert_eq!(stored(&store), [meta.id(), data.id()], "nothing else is there");
    }
    let store = home.open();
    write_current(&store, 9, 2_000, &[b"by this version"]);
    drop(store);
    assert_eq!(chunks(&current(&home.open(), 9)), [b"by this version"]);
}

/// A membership at log id 4/2/9 with voters 1 to 3 and a learner 4.
const MEMBERS: [u8; 84] = {
    let mut bytes = [0; 84];
    let ids: [(usize, u8); 10] =
        [(1, 4), (9, 2), (17, 9), (27, 1), (35, 2), (43, 3), (52, 1), (60, 2), (68, 3), (76, 4)];
    let mut at = 0;
    while at < ids.len() {
        bytes[ids[at].0] = ids[at].1;
        at += 1;
    }
    (bytes[0], bytes[25], bytes[26], bytes[51]) = (1, 1, 3, 4);
    bytes
};
