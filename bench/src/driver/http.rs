//! The HTTP JSON API over kept HTTP/1.1 connections, one hyper connection each and no pool between.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};

use super::{Connection, Driver, Request};
use crate::keys;
use crate::load::LoadArguments;

/// Where to, and how fresh.
#[derive(Debug, Clone, Args)]
pub(crate) struct HttpArguments {
    /// HTTP address of a node; given several times, connections are spread over all.
    #[arg(long = "endpoint", default_value = "http://127.0.0.1:7070")]
    endpoints: Vec<Uri>,
    /// How fresh reads must be.
    #[arg(long, value_enum, default_value_t = Consistency::Linearizable)]
    consistency: Consistency,
}

/// How fresh reads must be.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Consistency {
    Linearizable,
    Lease,
    Local,
}

/// Opens HTTP connections.
#[derive(Debug, Clone)]
pub(crate) struct HttpDriver {
    authorities: Vec<String>,
    query: &'static str,
    key_size: usize,
    body: Bytes,
}

impl HttpDriver {
    /// A driver for these endpoints.
    pub(crate) fn new(arguments: HttpArguments, load: &LoadArguments) -> anyhow::Result<Self> {
        let authority = |endpoint: Uri| match (endpoint.scheme_str(), endpoint.authority()) {
            (Some("http"), Some(authority)) => Ok(authority.to_string()),
            _ => bail!("{endpoint} is not like http://127.0.0.1:7070"),
        };
        let value = keys::value(load.value_size as usize);
        let body = [b"{\"value\":\"", &value[..], b"\"}"].concat();
        Ok(Self {
            authorities: arguments.endpoints.into_iter().map(authority).collect::<anyhow::Result<_>>()?,
            query: match arguments.consistency {
                Consistency::Linearizable => "?consistency=linearizable",
                Consistency::Lease => "?consistency=lease",
                Consistency::Local => "?consistency=local",
            },
            key_size: usize::from(load.key_size),
            body: body.into(),
        })
    }
}

impl Driver for HttpDriver {
    type Connection = HttpConnection;

    async fn connect(&self, index: u64) -> anyhow::Result<HttpConnection> {
        let authority = &self.authorities[index as usize % self.authorities.len()];
        let address: SocketAddr =
            lookup_host(authority).await?.next().with_context(|| format!("no address of {authority}"))?;
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its errors reach the sender.
        tokio::spawn(connection);
        Ok(HttpConnection { driver: self.clone(), host: HeaderValue::try_from(authority.as_str())?, sender })
    }
}

/// One HTTP connection.
#[derive(Debug)]
pub(crate) struct HttpConnection {
    driver: HttpDriver,
    host: HeaderValue,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection for HttpConnection {
    async fn request(&mut self, request: Request) -> anyhow::Result<()> {
        self.sender.ready().await?;
        let request = self.to_http(request)?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{status} {}", String::from_utf8_lossy(&body));
        Ok(())
    }
}

impl HttpConnection {
    fn to_http(&self, request: Request) -> anyhow::Result<hyper::Request<Full<Bytes>>> {
        let (method, number, query, body) = match request {
            Request::Get(number) => (Method::GET, number, self.driver.query, Bytes::new()),
            Request::Set(number) => (Method::PUT, number, "", self.driver.body.clone()),
        };
        let path = format!("/v1/kv/default/{}{query}", keys::key(number, self.driver.key_size));
        let mut http = hyper::Request::new(Full::new(body));
        *http.method_mut() = method;
        *http.uri_mut() = Uri::try_from(path)?;
        http.headers_mut().insert(HOST, self.host.clone());
        if matches!(request, Request::Set(_)) {
            http.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(http)
    }
}
