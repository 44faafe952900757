//! That every setting is read, told and refused alike.

use super::read::{drain_timeout, plain_url};
use super::*;
use crate::config::Config;

#[test]
fn every_field_of_the_configuration_is_a_setting() {
    let json = serde_json::to_value(Config::default()).unwrap();
    let mut fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    fields.extend(["log", "log-format", "threads", "drain-timeout", "otlp-endpoint"]);
    fields.sort_unstable();
    let mut names: Vec<&str> = SETTINGS.iter().map(|s| s.name).collect();
    names.sort_unstable();
    assert_eq!(names, fields);
}

#[test]
fn the_defaults_shown_are_the_defaults() {
    for setting in SETTINGS {
        let mut settings = Settings::default();
        if let Some(text) = setting.default {
            setting.apply(&mut settings, text).unwrap();
        }
        assert_eq!(settings, Settings::default(), "{}", setting.name);
    }
}

#[test]
fn lists_and_addresses() {
    assert_eq!(list("a:1, b:2,").unwrap(), ["a:1", "b:2"]);
    for bad in ["a", ":1", "a:", "a:0", "a:70000"] {
        assert!(host_port(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_stop_and_a_collector_have_their_bounds_and_forms() {
    assert_eq!((drain_timeout("2500ms"), drain_timeout("30")), (Ok(2_500), Ok(30_000)));
    for bad in ["0", "999ms", "61m", "soon"] {
        assert!(drain_timeout(bad).is_err(), "{bad}");
    }
    assert_eq!(plain_url("http://a:4318/"), Ok("http://a:4318".to_owned()));
    for bad in ["a:4318", "https://a:4318", "http://a", "http://a:4318/v1/traces", ""] {
        assert!(plain_url(bad).is_err(), "{bad}");
    }
}
