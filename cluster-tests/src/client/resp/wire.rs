//! One connection: commands out, answers in. As much of RESP2 as the commands of [`super::Resp`] are answered with.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

/// Longest value read, bytes: more than any workload writes.
const VALUE_BYTES_MAX: usize = 16 << 20;
/// Longest line read, bytes.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Simple(String),
    Error(String),
    Int(i64),
    Bulk(String),
    Null,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Wire(BufStream<TcpStream>);

impl Wire {
    /// Opens one.
    pub(super) async fn connect(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufStream::new(stream)))
    }

    /// Sends a command and reads its answer. After an error the connection is of no use.
    pub(super) async fn ask(&mut self, words: &[String]) -> io::Result<Reply> {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.0.write_all(command.as_bytes()).await?;
        self.0.flush().await?;
        let line = self.line().await?;
        let Some((kind, rest)) = line.split_at_checked(1) else { return Err(garbled(&line)) };
        match kind {
            "+" => Ok(Reply::Simple(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            ":" => rest.parse().map(Reply::Int).map_err(|_| garbled(&line)),
            "$" if rest == "-1" => Ok(Reply::Null),
            "$" => self.bulk(rest.parse().map_err(|_| garbled(&line))?).await,
            _ => Err(garbled(&line)),
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        (&mut self.0).take(LINE_BYTES_MAX).read_line(&mut line).await?;
        // Cut off in the middle it is no answer.
        let whole = line.strip_suffix("\r\n").ok_or(ErrorKind::UnexpectedEof)?;
        Ok(whole.to_owned())
    }

    async fn bulk(&mut self, bytes: usize) -> io::Result<Reply> {
        if bytes > VALUE_BYTES_MAX {
            return Err(garbled("a value beyond all that was written"));
        }
        let mut value = vec![0; bytes + 2];
        self.0.read_exact(&mut value).await?;
        value.truncate(bytes);
        String::from_utf8(value).map(Reply::Bulk).map_err(|_| garbled("a value that nobody wrote"))
    }
}

fn garbled(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("not understood: {what}"))
}
