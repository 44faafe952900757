//! Protocols in which answers come in the order of the requests, in one stream of bytes each way: HTTP/1.1, RESP,
//! memcached. A batch is written at once; answers are read while it is written, so that neither side can wait for
//! the other to make room.

use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::target::Endpoint;
use super::{Answer, Answered, Connection, Request};

/// Room made for one read, bytes.
const READ_BYTES: usize = 16 * 1024;
/// Longest answer, bytes: a scan of the largest values.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// A pure codec.
pub(crate) trait Protocol: Clone + Send + Sync + 'static {
    /// Appends a request's bytes.
    fn encode(&self, request: Request, out: &mut Vec<u8>);

    /// The answer to `request` that `input` begins with and how many bytes it takes; none while it is not whole.
    fn decode(&self, request: Request, input: &[u8]) -> anyhow::Result<Option<(Answer, usize)>>;
}

/// One connection of such a protocol.
#[derive(Debug)]
pub(crate) struct StreamConnection<P> {
    stream: TcpStream,
    protocol: P,
    output: Vec<u8>,
    input: BytesMut,
}

impl<P: Protocol> StreamConnection<P> {
    /// Connects.
    pub(crate) async fn open(endpoint: &Endpoint, protocol: P) -> anyhow::Result<Self> {
        Ok(Self::over(endpoint.connect().await?, protocol))
    }

    /// On a stream that is connected, and greeted where the protocol wants that.
    pub(crate) fn over(stream: TcpStream, protocol: P) -> Self {
        Self { stream, protocol, output: Vec::new(), input: BytesMut::new() }
    }
}

impl<P: Protocol> Connection for StreamConnection<P> {
    async fn carry_out(&mut self, requests: &[Request], answers: &mut Vec<Answered>) -> anyhow::Result<()> {
        self.output.clear();
        requests.iter().for_each(|request| self.protocol.encode(*request, &mut self.output));
        let (reader, writer) = self.stream.split();
        tokio::try_join!(
            write(writer, &self.output),
            read(reader, &mut self.input, &self.protocol, requests, answers)
        )?;
        Ok(())
    }
}

async fn write(mut writer: WriteHalf<'_>, bytes: &[u8]) -> anyhow::Result<()> {
    writer.write_all(bytes).await.context("send requests")
}

async fn read<P: Protocol>(
    mut reader: ReadHalf<'_>,
    input: &mut BytesMut,
    protocol: &P,
    requests: &[Request],
    answers: &mut Vec<Answered>,
) -> anyhow::Result<()> {
    let mut index = 0;
    while index < requests.len() {
        input.reserve(READ_BYTES);
        let count = reader.read_buf(input).await.context("read answers")?;
        ensure!(count > 0, "the server closed the connection");
        let at = Instant::now();
        while let Some(request) = requests.get(index)
            && let Some((answer, used)) = protocol.decode(*request, input)?
        {
            answers.push(Answered { index, answer, at });
            input.advance(used);
            index += 1;
        }
        ensure!(input.len() <= ANSWER_BYTES_MAX, "an answer is longer than {ANSWER_BYTES_MAX} bytes");
    }
    ensure!(input.is_empty(), "{} bytes more than the answers", input.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;

    /// A byte for each request, a byte for each answer: `x` is a miss.
    #[derive(Clone)]
    struct Letters;

    impl Protocol for Letters {
        fn encode(&self, request: Request, out: &mut Vec<u8>) {
            out.push(if matches!(request, Request::Get(_)) { b'g' } else { b's' });
        }

        fn decode(&self, _: Request, input: &[u8]) -> anyhow::Result<Option<(Answer, usize)>> {
            ensure!(input.first() != Some(&b'?'), "not an answer");
            let answer = |byte: &u8| (if *byte == b'x' { Answer::Miss } else { Answer::Done }, 1);
            Ok(input.first().map(answer))
        }
    }

    /// Sends a batch of three to a server that answers with `parts`, one after the other.
    async fn asked(parts: &'static [&'static [u8]]) -> (anyhow::Result<()>, Vec<Answered>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint: Endpoint = listener.local_addr().unwrap().to_string().parse().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut batch = [0; 3];
            stream.read_exact(&mut batch).await.unwrap();
            assert_eq!(&batch, b"gsg");
            for part in parts {
                stream.write_all(part).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut connection = StreamConnection::open(&endpoint, Letters).await.unwrap();
        let mut answers = Vec::new();
        let requests = [Request::Get(1), Request::Set(1), Request::Get(2)];
        let result = connection.carry_out(&requests, &mut answers).await;
        server.await.unwrap();
        (result, answers)
    }

    #[tokio::test]
    async fn answers_are_counted_when_they_come() {
        let (result, answers) = asked(&[b"o", b"ox"]).await;
        result.unwrap();
        let of = |answer: &Answered| (answer.index, answer.answer.clone());
        let all: Vec<_> = answers.iter().map(of).collect();
        assert_eq!(all, [(0, Answer::Done), (1, Answer::Done), (2, Answer::Miss)]);
        assert!(answers[1].at - answers[0].at >= Duration::from_millis(10));
        assert_eq!(answers[1].at, answers[2].at);
    }

    #[tokio::test]
    async fn what_is_no_answer_ends_the_connection() {
        const CASES: [(&[&[u8]], usize); 3] = [(&[b"oo?"], 2), (&[b"ooo!"], 3), (&[b"o"], 1)];
        for (parts, answered) in CASES {
            let (result, answers) = asked(parts).await;
            assert!(result.is_err(), "{parts:?}");
            assert_eq!(answers.len(), answered, "{parts:?}");
        }
    }
}
