//! How the texts of settings are read. An error says what was expected.

use std::str::FromStr;
use std::time::Duration;

use super::super::units::duration_or;
use super::LogFormat;
use crate::limits::{DRAIN_TIMEOUT_MAX, DRAIN_TIMEOUT_MIN};

pub(super) fn put<T>(place: &mut T, read: Result<T, String>) -> Result<(), String> {
    *place = read?;
    Ok(())
}

pub(super) fn text(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("it must not be empty".into()) } else { Ok(text.to_owned()) }
}

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not a whole number in its range"))
}

pub(super) fn address<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not an address like 127.0.0.1:7070"))
}

/// An address; nothing or `none` turns off what would listen there.
pub(super) fn address_or_none<T: FromStr>(text: &str) -> Result<Option<T>, String> {
    if text.is_empty() || text == "none" { Ok(None) } else { address(text).map(Some) }
}

pub(super) fn yes_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("`{text}` is neither yes nor no")),
    }
}

pub(super) fn list(text: &str) -> Result<Vec<String>, String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(host_port).collect()
}

pub(super) fn host_port(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
    match port.and_then(|port| port.parse::<u16>().ok()) {
        Some(port) if port > 0 => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is not an address like 127.0.0.1:7170 or node-1:7170")),
    }
}

pub(super) fn fits<T: TryFrom<u64>>(size: u64) -> Result<T, String> {
    size.try_into().map_err(|_| format!("{size} bytes are too many"))
}

pub(super) fn whole_seconds(text: &str) -> Result<u64, String> {
    let ms = duration_or(text, Some(1_000))?;
    if ms % 1_000 == 0 { Ok(ms / 1_000) } else { Err(format!("`{text}` is not a whole number of seconds")) }
}

pub(super) fn plain_url(text: &str) -> Result<String, String> {
    let authority = text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    match authority.map(host_port) {
        Some(Ok(authority)) => Ok(format!("http://{authority}")),
        _ => Err(format!("`{text}` is not a URL like http://127.0.0.1:4318")),
    }
}

/// Milliseconds within the bounds of a stop; a bare number is seconds.
pub(super) fn drain_timeout(text: &str) -> Result<u64, String> {
    let ms = duration_or(text, Some(1_000))?;
    let bounds = DRAIN_TIMEOUT_MIN..=DRAIN_TIMEOUT_MAX;
    match bounds.contains(&Duration::from_millis(ms)) {
        true => Ok(ms),
        false => Err(format!("`{text}` is not between {DRAIN_TIMEOUT_MIN:?} and {DRAIN_TIMEOUT_MAX:?}")),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("`{text}` is neither human nor json")),
    }
}
