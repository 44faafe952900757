//! How long an entry lives, as the API says it.
//!
//! | Given | Meaning |
//! |---|---|
//! | nothing | the namespace's default; of `default` that is never |
//! | `"ttl_ms": null` | never expires |
//! | a whole number of ms from 1 to `TTL_MS_MAX` | expires so long after it was written |
//! | 0, negative, fractional, larger, or no number | 422 `invalid-value`; nothing changes |
//!
//! The same bounds hold for `?ttl=30s` and `Cache-Control: max-age=30`.

use axum::http::{HeaderMap, header};
use raft_store::command::Expiry;
use raft_store::limits::TTL_MS_MAX;
use serde_json::value::RawValue;

use super::duration::{self, DurationError};
use crate::error::{Error, ErrorKind, Result};

/// The expiry a body's `ttl_ms` asks for; `None`: it was left out.
pub(super) fn from_json(ttl_ms: Option<&RawValue>) -> Result<Expiry> {
    match ttl_ms.map(RawValue::get) {
        None | Some("null") => Ok(Expiry::Never),
        Some(number) => checked(number.parse().ok()).map(Expiry::AfterMs),
    }
}

/// The `ttl_ms` of `touch`, which cannot be left out or `null` (that is `persist`).
pub(super) fn required(ttl_ms: Option<&RawValue>) -> Result<u64> {
    match ttl_ms {
        None => Err(Error::not_applied(ErrorKind::BadRequest, "touch needs ttl_ms")),
        Some(number) => checked(number.get().parse().ok()),
    }
}

/// The expiry `?ttl=` asks for.
pub(super) fn from_query(text: &str) -> Result<Expiry> {
    let ms = match duration::parse(text) {
        Ok(duration) => u64::try_from(duration.as_millis()).ok(),
        Err(DurationError::OutOfRange) => None,
        Err(error) => return Err(Error::not_applied(ErrorKind::BadRequest, format!("ttl: {error}"))),
    };
    checked(ms).map(Expiry::AfterMs)
}

/// The expiry `Cache-Control: max-age=` asks for; other directives are the business of caches. A `max-age` that
/// cannot be understood is refused: to ignore it would keep the entry for ever.
pub(super) fn from_cache_control(headers: &HeaderMap) -> Result<Option<Expiry>> {
    for value in headers.get_all(header::CACHE_CONTROL) {
        for directive in String::from_utf8_lossy(value.as_bytes()).split(',') {
            let (name, age) = directive.trim().split_once('=').unwrap_or((directive, ""));
            if name.trim().eq_ignore_ascii_case("max-age") {
                // There are no blanks around the `=` of a directive.
                let ms = age_ms(age).filter(|_| name == name.trim());
                return checked(ms).map(Expiry::AfterMs).map(Some);
            }
        }
    }
    Ok(None)
}

/// The milliseconds of a `max-age` in whole seconds, bare or in quotes (RFC 9111 section 5.2).
fn age_ms(age: &str) -> Option<u64> {
    let bare = age.strip_prefix('"').and_then(|age| age.strip_suffix('"')).unwrap_or(age);
    let digits = bare.bytes().all(|byte| byte.is_ascii_digit());
    bare.parse::<u64>().ok().filter(|_| digits)?.checked_mul(1000)
}

fn checked(ms: Option<u64>) -> Result<u64> {
    ms.filter(|ms| (1..=TTL_MS_MAX).contains(ms)).ok_or_else(|| {
        let detail = format!("a time to live is a whole number of milliseconds from 1 to {TTL_MS_MAX}");
        Error::not_applied(ErrorKind::InvalidValue, detail)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn json(text: &str) -> Result<Expiry> {
        from_json(Some(serde_json::from_str(text).unwrap()))
    }

    fn cache_control(text: &'static str) -> Result<Option<Expiry>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(text));
        from_cache_control(&headers)
    }

    #[test]
    fn left_out_and_null_mean_never() {
        assert_eq!(from_json(None), Ok(Expiry::Never));
        assert_eq!(json("null"), Ok(Expiry::Never));
    }

    #[test]
    fn whole_positive_numbers_up_to_the_limit_are_taken() {
        assert_eq!(json("1"), Ok(Expiry::AfterMs(1)));
        assert_eq!(json(&TTL_MS_MAX.to_string()), Ok(Expiry::AfterMs(TTL_MS_MAX)));
        assert_eq!(from_query("30s"), Ok(Expiry::AfterMs(30_000)));
        assert_eq!(cache_control("no-cache, Max-Age=\"30\""), Ok(Some(Expiry::AfterMs(30_000))));
        assert_eq!(cache_control("no-store, s-maxage=5"), Ok(None));
    }

    #[test]
    fn everything_else_is_an_invalid_value() {
        let too_long = (TTL_MS_MAX + 1).to_string();
        for text in ["0", "-1", "1.5", "1e3", "\"30s\"", "true", "[]", "99999999999999999999999", &too_long] {
            assert_eq!(json(text).unwrap_err().kind, ErrorKind::InvalidValue, "{text}");
        }
        for text in ["0s", "-5s", "1.5s", "36501d", "99999999999999999999d"] {
            assert_eq!(from_query(text).unwrap_err().kind, ErrorKind::InvalidValue, "{text}");
        }
    }

    #[test]
    fn a_max_age_that_makes_no_sense_is_an_invalid_value() {
        let bad = [
            "max-age=0",
            "max-age=-1",
            "max-age=+1",
            "max-age=x",
            "max-age=",
            "max-age=\"30",
            "max-age=18446744073709551615",
            "max-age",
            "public, MAX-AGE , no-cache",
            "max-age = 30, public",
            "max-age =30",
            "max-age= 30",
        ];
        for text in bad {
            assert_eq!(cache_control(text).unwrap_err().kind, ErrorKind::InvalidValue, "{text}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_bytes(b"x=\xff, max-age=3\xff").unwrap());
        assert_eq!(from_cache_control(&headers).unwrap_err().kind, ErrorKind::InvalidValue);
    }

    #[test]
    fn a_bare_number_in_a_query_is_a_bad_request() {
        assert_eq!(from_query("30").unwrap_err().kind, ErrorKind::BadRequest);
        assert_eq!(required(None).unwrap_err().kind, ErrorKind::BadRequest);
    }
}
