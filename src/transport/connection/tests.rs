//! How frames are packed, cut and sent.

use super::*;
use crate::transport::net::Net;
use crate::transport::tuning::Tuning;

#[tokio::test]
async fn packed_frames_of_all_sizes_come_out_as_they_went_in() {
    let sizes = [0, 1, COPY_BYTES_MAX, COPY_BYTES_MAX + 1, 3 * COPY_BYTES_MAX, 5, 100_000, 0];
    let frames: Vec<_> = sizes
        .iter()
        .zip(0..)
        .map(|(&size, call)| {
            let body = Bytes::from(vec![call as u8; size]);
            Frame { kind: Kind::Call, service: 1, call, body }
        })
        .collect();
    let mut pack = Pack::default();
    frames.iter().cloned().for_each(|frame| pack.add(frame));
    pack.seal();
    assert_eq!(pack.remaining(), frames.iter().map(Frame::wire_bytes).sum::<usize>());
    let (mut near, mut far) = tokio::io::duplex(1000);
    let writing = tokio::spawn(async move { near.write_all_buf(&mut pack).await });
    let mut reader = FrameReader::default();
    for frame in frames {
        assert_eq!(reader.read(&mut far, FRAME_BYTES_MAX).await.unwrap(), frame);
    }
    writing.await.unwrap().unwrap();
    assert!(matches!(reader.read(&mut far, FRAME_BYTES_MAX).await, Err(Ended::Closed)));
}

/// Sends one frame, takes none.
struct Once {
    frame: parking_lot::Mutex<Option<Frame>>,
    wake: Notify,
}

impl End for Once {
    fn wake(&self) -> &Notify {
        &self.wake
    }

    fn take(&self, batch: &mut Vec<Frame>) -> Result<(), Ended> {
        batch.extend(self.frame.lock().take());
        Ok(())
    }

    fn beat(&self) {}

    fn heard(&self) {}

    fn receive(&self, frame: Frame) -> Result<(), Ended> {
        Err(Ended::Unexpected(frame.kind))
    }
}

/// As TLS may: nothing leaves this writer before it is told to let it go.
#[tokio::test]
async fn what_a_stream_holds_back_is_let_go_at_once() {
    let frame = Frame { kind: Kind::Call, service: 1, call: 1, body: Bytes::from_static(b"held") };
    let end = Once { frame: parking_lot::Mutex::new(Some(frame.clone())), wake: Notify::new() };
    let context = Context::new(1, Net::Tcp, crate::limits::pulse(50), Tuning::default());
    let (near, mut far) = tokio::io::duplex(1000);
    let (mut input, output) = tokio::io::split(near);
    let mut output = tokio::io::BufWriter::new(output);
    let (mut ours, mut theirs) = (FrameReader::default(), FrameReader::default());
    tokio::select! {
        ended = drive_both(&mut input, &mut output, &mut ours, &end, &context) => panic!("{ended}"),
        read = theirs.read(&mut far, FRAME_BYTES_MAX) => assert_eq!(read.unwrap(), frame),
    }
}
