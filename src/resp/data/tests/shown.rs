//! Answers as `redis-cli --no-raw` prints them.

use super::super::super::value::Value;

pub(super) fn shown(value: &Value) -> String {
    shown_below(value, "")
}

fn shown_below(value: &Value, indent: &str) -> String {
    match value {
        Value::Simple(text) => format!("{text}\n"),
        Value::Error(text) => format!("(error) {text}\n"),
        Value::Int(number) => format!("(integer) {number}\n"),
        Value::Bulk(bytes) => format!("\"{}\"\n", escaped(bytes)),
        Value::Null | Value::NullArray => "(nil)\n".to_owned(),
        Value::Array(values) => list(values.iter(), indent),
        Value::Map(pairs) => list(pairs.iter().flat_map(|(key, value)| [key, value]), indent),
        other => panic!("no command answers {other:?}"),
    }
}

fn list<'a>(values: impl Iterator<Item = &'a Value>, indent: &str) -> String {
    let values: Vec<_> = values.collect();
    if values.is_empty() {
        return "(empty array)\n".to_owned();
    }
    let width = values.len().to_string().len();
    let below = format!("{indent}{}", " ".repeat(width + 2));
    let lines = values.iter().enumerate().map(|(at, value)| {
        let before = if at == 0 { "" } else { indent };
        format!("{before}{:>width$}) {}", at + 1, shown_below(value, &below))
    });
    lines.collect()
}

fn escaped(bytes: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b'\n' => "\\n".to_owned(),
        byte if byte.is_ascii_graphic() || *byte == b' ' => char::from(*byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    };
    bytes.iter().map(one).collect()
}
