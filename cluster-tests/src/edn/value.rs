//! Extensible data notation, as much of it as histories use: <https://github.com/edn-format/edn>.
//!
//! Read: nil, booleans, integers, strings, keywords, symbols, vectors, lists, sets, maps; comments and discarded
//! forms are skipped, tags and commas mean nothing. Other numbers and characters are read as symbols.

use std::fmt;

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 64;

/// One form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A string.
    Text(String),
    /// A keyword, without its colon.
    Keyword(String),
    /// Anything else that is one word.
    Symbol(String),
    /// A vector or a list.
    List(Vec<Value>),
    /// A set.
    Set(Vec<Value>),
    /// A map.
    Map(Vec<(Value, Value)>),
}

/// Why a text is not read, with the byte it happened at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {what}")]
pub struct EdnError {
    at: usize,
    what: &'static str,
}

impl Value {
    /// What a map has under this keyword; nil if nothing.
    pub(super) fn get(&self, keyword: &str) -> &Self {
        let Self::Map(pairs) = self else { return &Self::Nil };
        let named = |key: &Self| matches!(key, Self::Keyword(name) if name == keyword);
        pairs.iter().find(|(key, _)| named(key)).map_or(&Self::Nil, |(_, value)| value)
    }

    pub(super) fn keyword(name: impl Into<String>) -> Self {
        Self::Keyword(name.into())
    }

    pub(super) fn as_u64(&self) -> Option<u64> {
        if let Self::Int(number) = self { u64::try_from(*number).ok() } else { None }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    pub(super) fn as_name(&self) -> &str {
        if let Self::Keyword(name) = self { name } else { "" }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |f: &mut fmt::Formatter<'_>, values: &[Self]| {
            values.iter().enumerate().try_for_each(|(i, value)| {
                let space = if i > 0 { " " } else { "" };
                write!(f, "{space}{value}")
            })
        };
        match self {
            Self::Nil => write!(f, "nil"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write_text(f, text),
            Self::Keyword(name) => write!(f, ":{name}"),
            Self::Symbol(name) => write!(f, "{name}"),
            Self::List(values) => write!(f, "[").and_then(|()| all(f, values)).and_then(|()| write!(f, "]")),
            Self::Set(values) => {
                write!(f, "#{{").and_then(|()| all(f, values)).and_then(|()| write!(f, "}}"))
            }
            Self::Map(pairs) => {
                write!(f, "{{")?;
                for (i, (key, value)) in pairs.iter().enumerate() {
                    write!(f, "{}{key} {value}", if i > 0 { ", " } else { "" })?;
                }
                write!(f, "}}")
            }
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"")?;
    for c in text.chars() {
        match c {
            '"' => write!(f, "\\\"")?,
            '\\' => write!(f, "\\\\")?,
            '\n' => write!(f, "\\n")?,
            '\r' => write!(f, "\\r")?,
            '\t' => write!(f, "\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    write!(f, "\"")
}

/// Reads every form of a text.
pub(super) fn parse(text: &str) -> Result<Vec<Value>, EdnError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let mut forms = Vec::new();
    while let Some(form) = parser.form()? {
        forms.push(form);
    }
    if parser.at < text.len() { Err(parser.error("a bracket that closes nothing")) } else { Ok(forms) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn error(&self, what: &'static str) -> EdnError {
        EdnError { at: self.at, what }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        self.at += if found { prefix.len() } else { 0 };
        found
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',').len();
            self.at += blank;
            if !self.rest().starts_with(';') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// The next form; `None` at the end, and before a closing bracket.
    fn form(&mut self) -> Result<Option<Value>, EdnError> {
        self.skip_blank();
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        if matches!(first, ')' | ']' | '}') {
            return Ok(None);
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("nested too deeply"));
        }
        let form = self.begin(first)?;
        self.depth -= 1;
        Ok(form)
    }

    fn begin(&mut self, first: char) -> Result<Option<Value>, EdnError> {
        if first == '"' {
            return self.string().map(Some);
        }
        if self.eat("[") {
            return self.until("]").map(|values| Some(Value::List(values)));
        }
        if self.eat("(") {
            return self.until(")").map(|values| Some(Value::List(values)));
        }
        if self.eat("#{") {
            return self.until("}").map(|values| Some(Value::Set(values)));
        }
        if self.eat("{") {
            return self.map().map(Some);
        }
        if self.eat("#_") {
            self.form()?.ok_or_else(|| self.error("nothing to discard"))?;
            return self.form();
        }
        if self.eat("#") {
            self.word();
            return self.form()?.ok_or_else(|| self.error("a tag of nothing")).map(Some);
        }
        let word = self.word();
        if word.is_empty() {
            Err(self.error("a character that begins nothing"))
        } else {
            Ok(Some(atom(word)))
        }
    }

    fn until(&mut self, close: &str) -> Result<Vec<Value>, EdnError> {
        let mut values = Vec::new();
        while let Some(value) = self.form()? {
            values.push(value);
        }
        if self.eat(close) { Ok(values) } else { Err(self.error("not closed")) }
    }

    fn map(&mut self) -> Result<Value, EdnError> {
        let mut values = self.until("}")?.into_iter();
        let mut pairs = Vec::new();
        while let Some(key) = values.next() {
            let value = values.next().ok_or_else(|| self.error("a key without a value"))?;
            pairs.push((key, value));
        }
        Ok(Value::Map(pairs))
    }

    fn word(&mut self) -> &str {
        let ends =
            |c: char| c.is_whitespace() || matches!(c, ',' | '"' | '(' | ')' | '[' | ']' | '{' | '}' | ';');
        let from = self.at;
        self.at += self.rest().find(ends).unwrap_or(self.rest().len());
        &self.text[from..self.at]
    }

    fn string(&mut self) -> Result<Value, EdnError> {
        let mut text = String::new();
        let begin = self.at + 1;
        let mut chars = self.text[begin..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = begin + at + 1;
                    return Ok(Value::Text(text));
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('u') => {
                        let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                        let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                        text.push(code.ok_or_else(|| self.error("no such character"))?);
                    }
                    Some(c @ ('"' | '\\')) => text.push(c),
                    _ => return Err(self.error("an unknown escape")),
                },
                c => text.push(c),
            }
        }
        Err(self.error("a string without an end"))
    }
}

fn atom(word: &str) -> Value {
    match word {
        "nil" => Value::Nil,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match (word.strip_prefix(':'), word.trim_end_matches('N').parse()) {
            (Some(name), _) => Value::keyword(name),
            (None, Ok(number)) => Value::Int(number),
            (None, Err(_)) => Value::Symbol(word.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_and_written() {
        let text = r#"{:a nil, :b [true -7 "q\"\\\n"], :c #{:x/y}} sym"#;
        let forms = parse(text).unwrap();
        let written: Vec<String> = forms.iter().map(Value::to_string).collect();
        assert_eq!(written.join(" "), text);
    }

    #[test]
    fn what_means_nothing_is_skipped() {
        let forms = parse("; history\n#jepsen.history.Op{:a 1N},, #_ (2 3) ( 4 )").unwrap();
        let one = Value::Map(vec![(Value::keyword("a"), Value::Int(1))]);
        assert_eq!(forms, [one, Value::List(vec![Value::Int(4)])]);
    }

    #[test]
    fn broken_texts_are_refused() {
        let deep = "[".repeat(DEPTH_MAX + 1);
        for text in ["{:a}", "[1", "]", "\"a", "\"\\x\"", "\"\\ud800\"", "#", "#_", "[1)", &deep] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
