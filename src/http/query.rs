//! Query strings: known names only, each at most once, values with units.

use std::time::Duration;

use tokio::time::Instant;

use super::{duration, path};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{REQUEST_TIMEOUT_DEFAULT, REQUEST_TIMEOUT_MAX};
use crate::node::Consistency;

/// A request's query, decoded.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes a query apart; a name that is not `known` or comes twice is an error, so that no typo goes unseen.
    pub(super) fn parse(raw: Option<&str>, known: &[&str]) -> Result<Self> {
        let mut query = Self::default();
        for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !known.contains(&name.as_str()) {
                return Err(refused(format!("unknown query parameter {name:?}")));
            }
            if query.get(&name).is_some() {
                return Err(refused(format!("query parameter {name:?} is given twice")));
            }
            query.0.push((name, value));
        }
        Ok(query)
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A switch: `?x` and `?x=true` are on; `?x=false` and nothing are off.
    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("" | "true") => Ok(true),
            Some(other) => Err(refused(format!("{name} is true or false, not {other:?}"))),
        }
    }

    /// A duration with its unit.
    pub(super) fn duration(&self, name: &str) -> Result<Option<Duration>> {
        let parse = |text| duration::parse(text).map_err(|error| refused(format!("{name}: {error}")));
        self.get(name).map(parse).transpose()
    }

    /// When the request must be answered: `?timeout=`, else `REQUEST_TIMEOUT_DEFAULT` from now.
    pub(super) fn deadline(&self) -> Result<Instant> {
        Ok(Instant::now() + self.wait("timeout")?.unwrap_or(REQUEST_TIMEOUT_DEFAULT))
    }

    /// How long the client wants to wait: more than nothing, at most `REQUEST_TIMEOUT_MAX`.
    pub(super) fn wait(&self, name: &str) -> Result<Option<Duration>> {
        let Some(wait) = self.duration(name)? else { return Ok(None) };
        if wait.is_zero() || wait > REQUEST_TIMEOUT_MAX {
            return Err(refused(format!("{name} is from 1ms to {}s", REQUEST_TIMEOUT_MAX.as_secs())));
        }
        Ok(Some(wait))
    }

    /// How fresh a read must be, and for local reads how stale it may be.
    pub(super) fn freshness(&self) -> Result<(Consistency, Option<Duration>)> {
        let consistency = match self.get("consistency") {
            None | Some("linearizable") => Consistency::Linearizable,
            Some("lease") => Consistency::Lease,
            Some("local") => Consistency::Local,
            Some(other) => {
                return Err(refused(format!("consistency is linearizable, lease or local, not {other:?}")));
            }
        };
        let max_staleness = self.duration("max_staleness")?;
        if max_staleness.is_some() && consistency != Consistency::Local {
            return Err(refused("max_staleness goes with consistency=local only"));
        }
        Ok((consistency, max_staleness))
    }
}

fn decode(text: &str) -> Result<String> {
    let decoded = path::decode(text).and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| refused("the query is not valid percent-encoded UTF-8"))
}

fn refused(detail: impl Into<String>) -> Error {
    Error::not_applied(ErrorKind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["consistency", "max_staleness", "timeout", "local", "ttl"];

    fn parse(raw: &str) -> Result<Query> {
        Query::parse(Some(raw), &KNOWN)
    }

    #[test]
    fn parameters_are_decoded() {
        let query = parse("consistency=local&max%5Fstaleness=200m%73&&local").unwrap();
        assert_eq!(query.freshness().unwrap(), (Consistency::Local, Some(Duration::from_millis(200))));
        assert!(query.flag("local").unwrap());
        assert!(Query::parse(None, &KNOWN).unwrap().get("ttl").is_none());
    }

    #[test]
    fn unknown_doubled_and_badly_encoded_parameters_are_refused() {
        for raw in ["x=1", "ttl=1s&ttl=2s", "ttl=%zz", "ttl=%ff", "=1", "TTL=1s"] {
            assert_eq!(parse(raw).unwrap_err().kind, ErrorKind::BadRequest, "{raw}");
        }
    }

    #[test]
    fn bad_values_are_refused() {
        assert!(parse("consistency=strong").unwrap().freshness().is_err());
        assert!(parse("max_staleness=1s").unwrap().freshness().is_err());
        assert!(parse("consistency=local&max_staleness=200").unwrap().freshness().is_err());
        assert!(parse("local=yes").unwrap().flag("local").is_err());
        for timeout in ["0s", "61s", "5", "-1s"] {
            assert!(parse(&format!("timeout={timeout}")).unwrap().deadline().is_err(), "{timeout}");
        }
        assert!(parse("timeout=60s").unwrap().deadline().is_ok());
    }
}
