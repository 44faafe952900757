//! That every setting is read, told and refused alike.

use super::*;
use crate::config::Config;

#[test]
fn every_field_of_the_configuration_is_a_setting() {
    let json = serde_json::to_value(Config::default()).unwrap();
    let mut fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    fields.extend(["log", "log-format", "threads", "drain-timeout"]);
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
