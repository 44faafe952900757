//! Servers with certificates: what clients and peers get, and what those get who should get nothing.

mod clients;
mod peers;
mod refused;
mod reload;

use std::io;
use std::net::SocketAddr;

use quorate::tls::Dialer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Certs, Cluster};

type Stream = Box<tokio_rustls::TlsStream<TcpStream>>;

/// One node that shows the certificate `node` of these.
async fn single(certs: &Certs) -> Cluster {
    Cluster::single_with(|config| certs.configure(config, "node")).await
}

async fn dial(dialer: &Dialer, to: SocketAddr) -> io::Result<Stream> {
    dialer.dial(TcpStream::connect(to).await?, "127.0.0.1").await
}

/// Sends bytes over TLS and returns what comes back until the server closes.
async fn exchange(dialer: &Dialer, to: SocketAddr, bytes: &[u8]) -> io::Result<String> {
    let mut stream = dial(dialer, to).await?;
    stream.write_all(bytes).await?;
    stream.flush().await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

/// One HTTP request over TLS: the whole reply, head and body.
async fn http(dialer: &Dialer, to: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<String> {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    let request = format!("{head}Content-Length: {length}\r\n\r\n{body}");
    exchange(dialer, to, request.as_bytes()).await
}

/// A figure of `/metrics`, by the whole of its name and labels.
async fn figure(dialer: &Dialer, to: SocketAddr, name: &str) -> u64 {
    let text = http(dialer, to, "GET", "/metrics", "").await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}
