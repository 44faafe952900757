//! Where connections go.

use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::Context;
use tokio::net::{TcpStream, lookup_host};

/// Schemes an endpoint may be written with; they say nothing the driver does not know.
const SCHEMES: [&str; 2] = ["http://", "redis://"];

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(String);

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        match bare.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok() => {
                Ok(Self(bare.to_owned()))
            }
            _ => Err("an endpoint is like 127.0.0.1:7070 or http://127.0.0.1:7070".into()),
        }
    }
}

impl Endpoint {
    /// `host:port`.
    pub(crate) fn authority(&self) -> &str {
        &self.0
    }

    /// Connects, with small writes sent at once.
    pub(crate) async fn connect(&self) -> anyhow::Result<TcpStream> {
        let mut addresses = lookup_host(&self.0).await.with_context(|| format!("look up {}", self.0))?;
        let address: SocketAddr = addresses.next().with_context(|| format!("no address of {}", self.0))?;
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Several endpoints that connections are spread over.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints(Vec<Endpoint>);

impl Endpoints {
    /// These, or `default` where there is none.
    pub(crate) fn new(given: &[Endpoint], default: &str) -> anyhow::Result<Self> {
        let default = || default.parse().map(|endpoint| vec![endpoint]).map_err(anyhow::Error::msg);
        Ok(Self(if given.is_empty() { default()? } else { given.to_vec() }))
    }

    /// That of connection number `index`.
    pub(crate) fn of(&self, index: u64) -> &Endpoint {
        &self.0[index as usize % self.0.len()]
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_host_and_port() {
        for text in ["127.0.0.1:7070", "http://127.0.0.1:7070", "http://127.0.0.1:7070/"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().authority(), "127.0.0.1:7070");
        }
        for text in ["7070", ":7070", "127.0.0.1", "https://127.0.0.1:7070", "a:b", "http://a:1/v1"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn connections_are_spread_evenly() {
        let given: Vec<Endpoint> = ["a:1", "b:1"].iter().map(|text| text.parse().unwrap()).collect();
        let endpoints = Endpoints::new(&given, "c:1").unwrap();
        assert_eq!((endpoints.of(2), endpoints.of(3)), (&given[0], &given[1]));
        assert_eq!(Endpoints::new(&[], "c:1").unwrap().of(7).authority(), "c:1");
    }
}
