//! The parser against lists of good and bad requests, and against bytes of any kind cut anywhere.

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { arguments: 100, bulk_bytes: 10_000, line_bytes: 200, command_bytes: 20_000 };

/// Every command of `pieces`, given one after another, and how it ended.
fn parse(pieces: &[&[u8]]) -> (Vec<Frame>, Option<ProtocolError>) {
    let (mut parser, mut buffer, mut frames) = (Parser::new(LIMITS), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match parser.next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

#[track_caller]
fn assert_error(bytes: &[u8], text: &str) {
    let (_, error) = parse(&[bytes]);
    let error = error.map(|error| error.to_string());
    assert_eq!(
        error.as_deref(),
        Some(format!("Protocol error: {text}").as_str()),
        "{}",
        bytes.escape_ascii()
    );
}

#[test]
fn requests_of_both_kinds_come_in_order() {
    let bytes = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n\r\n*0\r\n*-1\r\n*1\r\n$0\r\n\r\nSET b 'c d'\n";
    let expected: [&[&[u8]]; 4] = [&[b"GET", b"a"], &[b"PING"], &[b""], &[b"SET", b"b", b"c d"]];
    let (frames, error) = parse(&[bytes]);
    assert_eq!((frames.len(), error), (expected.len(), None));
    frames.iter().zip(expected).for_each(|(frame, expected)| assert_eq!(frame, expected));
}

#[test]
fn what_is_no_request_is_refused_in_the_words_of_redis() {
    assert_error(b"*3000000000\r\n", "invalid multibulk length");
    assert_error(b"*101\r\n", "invalid multibulk length");
    assert_error(b"*x\r\n", "invalid multibulk length");
    assert_error(b"*\r\n", "invalid multibulk length");
    assert_error(b"*1\r\n$-1\r\n", "invalid bulk length");
    assert_error(b"*1\r\n$10001\r\n", "invalid bulk length");
    assert_error(b"*1\r\n$+1\r\n", "invalid bulk length");
    assert_error(b"*1\r\n$01\r\n", "invalid bulk length");
    assert_error(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "expected '$', got 'f'");
    assert_error(&[b"*", &[b'1'; 300][..]].concat(), "too big mbulk count string");
    assert_error(&[b"*1\r\n$", &[b'1'; 300][..]].concat(), "too big bulk count string");
    assert_error(&[b'A'; 300], "too big inline request");
    assert_error(&[&[b'A'; 300][..], b"\r\n"].concat(), "too big inline request");
    assert_error(b"GET \"a\r\n", "unbalanced quotes in request");
    let large = [&b"$9000\r\n"[..], &[b'v'; 9000], b"\r\n"].concat();
    assert_error(&[b"*3\r\n", &large[..], &large, &large].concat(), "too big request");
}

#[test]
fn commands_before_an_error_are_still_given() {
    let (frames, error) = parse(&[b"PING\r\n*1\r\n$4\r\nPING\r\n*1\r\n!"]);
    assert_eq!((frames.len(), error), (2, Some(ProtocolError::NoBulk(b'!'))));
}

#[test]
fn a_small_argument_keeps_no_large_buffer_alive_and_a_large_one_is_not_copied() {
    let value = vec![b'v'; 9000];
    let bytes = [b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9000\r\n", &value[..], b"\r\n"].concat();
    let mut buffer = BytesMut::from(&bytes[..]);
    let whole = buffer.as_ptr_range();
    let frame = Parser::new(LIMITS).next(&mut buffer).unwrap().unwrap();
    let shares: Vec<bool> = frame.iter().map(|argument| whole.contains(&argument.as_ptr())).collect();
    assert_eq!(shares, [false, false, true]);
}

#[test]
fn a_half_sent_command_says_how_much_is_missing() {
    let (mut parser, mut buffer) = (Parser::new(LIMITS), BytesMut::from(&b"*1\r\n$9000\r\nabc"[..]));
    assert_eq!(parser.next(&mut buffer), Ok(None));
    assert_eq!((parser.missing_bytes(&buffer), parser.is_within_command()), (9000 + 2 - 3, true));
}

fn bulk(argument: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", argument.len()).as_bytes(), argument, b"\r\n"].concat()
}

fn multibulk(frame: &[Vec<u8>]) -> Vec<u8> {
    let arguments: Vec<u8> = frame.iter().flat_map(|argument| bulk(argument)).collect();
    [format!("*{}\r\n", frame.len()).as_bytes(), &arguments].concat()
}

/// Bytes that look like the protocol more often than not.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        Just(b"\r\n".to_vec()),
        (0..12i64).prop_map(|count| format!("*{}\r\n", count - 2).into_bytes()),
        (0..700i64).prop_map(|len| format!("${}\r\n", len - 2).into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..600).prop_map(|argument| bulk(&argument)),
        Just(b"\"'\\x".to_vec()),
    ];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn cut<'a>(bytes: &'a [u8], cuts: &[proptest::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whole_commands_come_out_as_they_went_in(
        frames in proptest::collection::vec(
            proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..800), 1..8), 0..8),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| multibulk(frame)).collect();
        let (parsed, error) = parse(&cut(&bytes, &cuts));
        prop_assert_eq!(error, None);
        prop_assert_eq!(parsed, frames);
    }

    #[test]
    fn any_bytes_mean_the_same_wherever_they_are_cut(
        bytes in likely_bytes(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let whole = parse(&[&bytes]);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&parse(&cut(&bytes, &cuts)), &whole);
        prop_assert_eq!(parse(&single), whole);
    }
}
