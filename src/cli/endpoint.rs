//! Addresses of a node's HTTP API as users write them; pure.

/// Where a node listens unless told otherwise.
pub(super) const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:7070";
const PORT_DEFAULT: u16 = 7070;

/// `http://HOST[:PORT]`, `HOST:PORT` or `HOST` as `http://HOST:PORT`; `https://` stays.
///
/// # Errors
/// A sentence for the user when it is no such address.
pub(super) fn parse(text: &str) -> Result<String, String> {
    let text = text.trim();
    let (scheme, authority) = match text.strip_prefix("https://") {
        Some(authority) => ("https", authority),
        None => ("http", text.strip_prefix("http://").unwrap_or(text)),
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let wrong = || format!("`{text}` is not an endpoint like http://127.0.0.1:7070 or node-1:7070");
    let parsed: hyper::http::uri::Authority = authority.parse().map_err(|_| wrong())?;
    let bad_port = parsed.port().is_none() && has_port(authority);
    if parsed.host().is_empty() || authority.contains('@') || bad_port || parsed.port_u16() == Some(0) {
        return Err(wrong());
    }
    Ok(format!("{scheme}://{}:{}", parsed.host(), parsed.port_u16().unwrap_or(PORT_DEFAULT)))
}

/// Whether something follows a colon that is not inside `[…]`.
fn has_port(authority: &str) -> bool {
    let after_v6 = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    after_v6.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_becomes_one_form() {
        let good = [
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070"),
            ("http://node-1:80/", "http://node-1:80"),
            ("127.0.0.1:7071", "http://127.0.0.1:7071"),
            ("node-1", "http://node-1:7070"),
            ("[::1]:7070", "http://[::1]:7070"),
            ("[::1]", "http://[::1]:7070"),
            ("https://node-1", "https://node-1:7070"),
            ("https://10.0.0.1:1/", "https://10.0.0.1:1"),
        ];
        for (text, endpoint) in good {
            assert_eq!(parse(text).as_deref(), Ok(endpoint), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            "ftp://a:1",
            "https://",
            "a:b",
            "a:0",
            "a:70000",
            "a:",
            "http://a:1/v1",
            "u@a:1",
            ":7070",
            "a b",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_default_is_in_that_form() {
        assert_eq!(parse(ENDPOINT_DEFAULT).as_deref(), Ok(ENDPOINT_DEFAULT));
    }
}
