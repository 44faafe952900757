//! One entry, one form: fixed, reversible, and nothing else is read.

use proptest::prelude::*;

use super::*;
use crate::command::arbitrary::{self, cases};
use crate::key::Key;

fn key() -> Key {
    Key::new(3, b"k{tag}").unwrap()
}

fn written(stamp: &Stamp, content: &Content, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_head(&mut out, stamp, (&key()).into(), content, value.len());
    out.extend_from_slice(value);
    out
}

fn stamp() -> impl Strategy<Value = Stamp> {
    let time = || prop_oneof![0..1000u64, any::<u64>()];
    let deadline = prop::option::of(prop_oneof![0..2000u64, 0..=DEADLINE_MS_MAX]);
    (any::<u64>(), time(), time(), deadline).prop_map(|(version, a, b, deadline)| Stamp {
        version,
        deadline,
        created_ms: a.min(b),
        modified_ms: a.max(b),
    })
}

fn content() -> impl Strategy<Value = Content> {
    arbitrary::content().prop_filter("checked before it is stored", |content| content.check().is_ok())
}

/// Pages and snapshots outlive the program that wrote them: a change of these bytes needs a new format
/// number.
#[test]
fn the_bytes_of_a_record_are_fixed() {
    let bare = Stamp { version: 5, deadline: None, created_ms: 300, modified_ms: 300 };
    assert_eq!(written(&bare, &Content::Text, b"v"), b"\x12\x03\0\x06k{tag}\x05\xac\x02\x01v");
    let full = Stamp { version: 1 << 20, deadline: Some(1_000), created_ms: 300, modified_ms: 301 };
    let media = Content::Media(Bytes::from_static(b"a/b"));
    let bytes = b"\x1f\x03\0\x06k{tag}\x80\x80\x40\xac\x02\x01\xbb\x05\x03a/b\x02vw";
    assert_eq!(written(&full, &media, b"vw"), bytes);
}

#[test]
fn what_no_map_writes_is_refused() {
    let cases: [(&[u8], &str); 11] = [
        (b"\x10\0\0\x01k\x01\x01\0", "a namespace that needs no bytes"),
        (b"\x20\x01k\x01\x01\0", "an unknown flag"),
        (b"\0\0\x01\x01\0", "an empty key"),
        (b"\0\x81\0k\x01\x01\0", "a longer varint than needed"),
        (b"\0\x01k\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x01\0", "a varint of 65 bits"),
        (b"\x08\x01k\x01\x01\0\0", "a modification that is none"),
        (b"\x08\x01k\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0", "a modification past all time"),
        (b"\x04\x01k\x01\x01\xff\xff\xff\xff\xff\xff\x7f\0", "a deadline past the last one"),
        (b"\x03\x01k\x01\x01\0\0", "an empty media type"),
        (b"\x03\x01k\x01\x01\x01\xe9\0", "a media type that is no ASCII"),
        (b"\0\x01k\x01\x01\xff\xff\xff\xff\x0f", "a value longer than any"),
    ];
    for (bytes, what) in cases {
        assert!(Record::read(bytes).is_err(), "{what}");
    }
    let good = b"\x0b\x01k\x01\x01\x01\x03a/b\0";
    assert!(Record::read(good).is_ok());
    (0..good.len()).for_each(|len| assert!(Record::read(&good[..len]).is_err(), "{len} bytes of it"));
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn keeps_every_part(stamp in stamp(), content in content(), value in prop::collection::vec(any::<u8>(), 0..20)) {
        let bytes = written(&stamp, &content, &value);
        let record = Record::read(&bytes).unwrap();
        prop_assert!(record.key == KeyRef::from(&key()));
        prop_assert_eq!((record.stamp, record.content()), (stamp, content));
        prop_assert_eq!((record.value_len, record.behind), (value.len(), &value[..]));
        prop_assert_eq!([record.head, record.behind].concat(), bytes);
    }

    /// No two forms of one entry: what is read at all is written again to the byte.
    #[test]
    fn has_one_form_only(stamp in stamp(), content in content(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = written(&stamp, &content, b"");
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(record) = Record::read(&bytes) {
            let mut again = Vec::new();
            put_head(&mut again, &record.stamp, record.key, &record.content(), record.value_len);
            prop_assert_eq!(again, record.head);
        }
    }
}
