//! A small client of the Redis protocol that shows answers as text: `+OK`, `:1`, `"bulk"`, `nil`, `[a, b]`, `{k: v}`,
//! `-ERR …`.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection.
#[derive(Debug)]
pub(crate) struct Redis {
    stream: BufReader<TcpStream>,
}

impl Redis {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self { stream: BufReader::new(TcpStream::connect(addr).await.unwrap()) }
    }

    /// Sends a command given as words and reads its answer.
    pub(crate) async fn ask(&mut self, command: &str) -> String {
        self.send(&request(command)).await;
        self.answer().await
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> String {
        self.try_answer().await.expect("the connection is open")
    }

    /// The next answer; `None`: the server closed.
    pub(crate) async fn try_answer(&mut self) -> Option<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        let line = line.trim_end();
        let count = || line[1..].parse::<i64>().unwrap();
        Some(match &line[..1] {
            "$" | "=" if count() >= 0 => {
                let mut bytes = vec![0; count() as usize + 2];
                self.stream.read_exact(&mut bytes).await.unwrap();
                format!("\"{}\"", bytes[..bytes.len() - 2].escape_ascii())
            }
            "*" | "~" if count() >= 0 => format!("[{}]", self.many(count(), ", ").await),
            "%" => format!("{{{}}}", self.many(2 * count(), " ").await),
            "$" | "*" | "_" => "nil".to_owned(),
            _ => line.to_owned(),
        })
    }

    async fn many(&mut self, count: i64, between: &str) -> String {
        let mut parts = Vec::new();
        for _ in 0..count {
            parts.push(Box::pin(self.answer()).await);
        }
        parts.join(between)
    }

    /// Whatever still comes until the server closes.
    pub(crate) async fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset ends it as well.
        let _ = self.stream.read_to_end(&mut rest).await;
        rest
    }
}

/// Words as an array of bulk strings.
pub(crate) fn request(command: &str) -> Vec<u8> {
    let words: Vec<&str> = command.split(' ').collect();
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}
