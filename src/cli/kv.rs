//! What the commands on one key share.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::client::Request;
use super::fail::{About, Exit, Failure, KeyName, NAMESPACE_DEFAULT};

/// All but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A key and its namespace.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct KeyArgs {
    /// The key
    key: String,
    /// Its namespace
    #[arg(long, value_name = "NAME", default_value = NAMESPACE_DEFAULT)]
    ns: String,
}

impl KeyArgs {
    /// A request on this key; `query` may be empty.
    pub(super) fn request(&self, method: hyper::Method, query: &str) -> Request {
        let mark = if query.is_empty() { "" } else { "?" };
        let (ns, key) = (encode(&self.ns), encode(&self.key));
        Request::new(method, format!("/v1/kv/{ns}/{key}{mark}{query}"), About::Key(self.name()))
    }

    /// The failure of a key that is not there.
    pub(super) fn missing(&self) -> Failure {
        Failure::new(Exit::NotFound, "Key not found", format!("`{}` is absent or expired", self.key))
            .ask(self.name().set())
    }

    fn name(&self) -> KeyName {
        KeyName { ns: self.ns.clone(), key: self.key.clone() }
    }
}

/// Percent-encodes all that may mean something in a URL.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Milliseconds as the API takes them.
pub(super) fn ms(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_whole() {
        assert_eq!(encode("user:42/a b?é~"), "user%3A42%2Fa%20b%3F%C3%A9~");
    }
}
