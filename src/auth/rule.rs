//! What a token allows: verbs, on the keys of a namespace that begin with a prefix, or on the cluster as a whole.
//!
//! As text: `read,write on default prefix user:`, `read on *`, `admin`, `metrics`. A prefix goes on to the end of the
//! text, whatever it holds.

use std::collections::BTreeSet;
use std::fmt;

use raft_store::key::NamespaceId;
use serde::{Deserialize, Serialize};

use crate::limits::TOKEN_RULE_BYTES_MAX;

/// Stands for every namespace, those to come included.
const EVERY: &str = "*";

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Read and list keys.
    Read,
    /// Change keys. What a change tells of the value there was needs `Read` as well.
    Write,
    /// See and change the cluster, and its tokens.
    Admin,
    /// Read the figures.
    Metrics,
}

/// All of them.
const VERBS: [Verb; 4] = [Verb::Read, Verb::Write, Verb::Admin, Verb::Metrics];

impl Verb {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }

    /// Whether it is about keys, and not about the cluster as a whole.
    pub const fn is_about_keys(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }

    fn named(text: &str) -> Option<Self> {
        VERBS.into_iter().find(|verb| verb.name() == text)
    }
}

/// Some keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Keys {
    /// The namespace's name; `*`: every namespace.
    namespace: String,
    /// Its number, so that a namespace that is made anew under an old name is not meant; `None`: every namespace.
    number: Option<NamespaceId>,
    /// What the keys begin with; empty: every key.
    prefix: String,
}

impl Keys {
    /// Whether every key of this namespace that begins with `prefix` is among them.
    fn cover(&self, namespace: NamespaceId, prefix: &[u8]) -> bool {
        self.number.is_none_or(|number| number == namespace) && prefix.starts_with(self.prefix.as_bytes())
    }
}

/// One thing a token allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    verbs: BTreeSet<Verb>,
    /// `None`: the cluster as a whole.
    on: Option<Keys>,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It is too long.
    #[error("a rule has at most {TOKEN_RULE_BYTES_MAX} bytes")]
    TooLong,
    /// It names something else than a verb.
    #[error("`{0}` is none of read, write, admin, metrics")]
    NoVerb(String),
    /// Verbs about keys and such about the cluster stand together.
    #[error("admin and metrics are about the whole cluster: give them a rule without `on`")]
    Mixed,
    /// It does not say which keys are meant.
    #[error("read and write need `on NAMESPACE`, such as `read,write on default prefix user:`")]
    NoKeys,
    /// What follows the namespace is no prefix.
    #[error("after the namespace comes nothing or `prefix TEXT`, not `{0}`")]
    NoPrefix(String),
    /// There is no such namespace.
    #[error("there is no namespace `{0}`")]
    NoNamespace(String),
}

impl Rule {
    /// Reads a rule; `number` knows the namespaces there are.
    ///
    /// # Errors
    /// Why the text is no rule, in words for who wrote it.
    pub fn parse(text: &str, number: impl Fn(&str) -> Option<NamespaceId>) -> Result<Self, RuleError> {
        if text.len() > TOKEN_RULE_BYTES_MAX {
            return Err(RuleError::TooLong);
        }
        let (verbs, rest) = text.split_once(' ').unwrap_or((text, ""));
        let verb = |name: &str| Verb::named(name).ok_or_else(|| RuleError::NoVerb(name.to_owned()));
        let verbs = verbs.split(',').map(verb).collect::<Result<BTreeSet<_>, _>>()?;
        let about_keys = verbs.iter().filter(|verb| verb.is_about_keys()).count();
        match rest.strip_prefix("on ") {
            _ if about_keys != 0 && about_keys != verbs.len() => Err(RuleError::Mixed),
            Some(_) if about_keys == 0 => Err(RuleError::Mixed),
            Some(keys) => Ok(Self { verbs, on: Some(parse_keys(keys, number)?) }),
            None if about_keys == 0 && rest.is_empty() => Ok(Self { verbs, on: None }),
            None if about_keys == 0 => Err(RuleError::Mixed),
            None => Err(RuleError::NoKeys),
        }
    }

    /// Whether it allows `verb` on every key of a namespace that begins with `prefix`; a key is such a prefix too.
    pub fn covers(&self, verb: Verb, namespace: NamespaceId, prefix: &[u8]) -> bool {
        self.verbs.contains(&verb) && self.on.as_ref().is_some_and(|keys| keys.cover(namespace, prefix))
    }

    /// Whether it allows `verb` at all, be it on some keys only.
    pub fn names(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }
}

fn parse_keys(text: &str, number: impl Fn(&str) -> Option<NamespaceId>) -> Result<Keys, RuleError> {
    let (namespace, rest) = text.split_once(' ').unwrap_or((text, ""));
    let prefix = match rest.strip_prefix("prefix ") {
        Some(prefix) => prefix,
        None if rest.is_empty() => "",
        None => return Err(RuleError::NoPrefix(rest.to_owned())),
    };
    let number = match namespace {
        EVERY => None,
        name => Some(number(name).ok_or_else(|| RuleError::NoNamespace(name.to_owned()))?),
    };
    Ok(Keys { namespace: namespace.to_owned(), number, prefix: prefix.to_owned() })
}

impl fmt::Display for Rule {
    /// The text it is read from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verbs: Vec<&str> = self.verbs.iter().map(|verb| verb.name()).collect();
        f.write_str(&verbs.join(","))?;
        let Some(Keys { namespace, prefix, .. }) = &self.on else { return Ok(()) };
        write!(f, " on {namespace}")?;
        if prefix.is_empty() { Ok(()) } else { write!(f, " prefix {prefix}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(name: &str) -> Option<NamespaceId> {
        ["default", "other"].iter().position(|known| *known == name).map(|at| at as NamespaceId)
    }

    fn rule(text: &str) -> Rule {
        Rule::parse(text, number).unwrap()
    }

    #[test]
    fn a_rule_is_shown_as_it_is_written() {
        let texts =
            ["read on default", "read,write on other prefix user:", "write on *", "admin", "admin,metrics"];
        for text in texts {
            assert_eq!(rule(text).to_string(), text);
        }
        assert_eq!(rule("write,read on default prefix a b").to_string(), "read,write on default prefix a b");
    }

    #[test]
    fn what_is_no_rule_says_why() {
        let cases = [
            ("", RuleError::NoVerb(String::new())),
            ("rread on default", RuleError::NoVerb("rread".into())),
            ("read, write on default", RuleError::NoVerb(String::new())),
            ("read", RuleError::NoKeys),
            ("read default", RuleError::NoKeys),
            ("admin on default", RuleError::Mixed),
            ("admin default", RuleError::Mixed),
            ("admin,read on default", RuleError::Mixed),
            ("read,metrics", RuleError::Mixed),
            ("read on none", RuleError::NoNamespace("none".into())),
            ("read on ", RuleError::NoNamespace(String::new())),
            ("read on default user:", RuleError::NoPrefix("user:".into())),
        ];
        for (text, error) in cases {
            assert_eq!(Rule::parse(text, number), Err(error), "{text}");
        }
        assert_eq!(Rule::parse(&"x".repeat(5000), number), Err(RuleError::TooLong));
    }

    #[test]
    fn a_prefix_covers_what_begins_with_it_and_nothing_above_it() {
        let user = rule("read on default prefix user:");
        for covered in ["user:", "user:1", "user:1:x"] {
            assert!(user.covers(Verb::Read, 0, covered.as_bytes()), "{covered}");
        }
        for above in ["", "u", "user", "users", "User:1", "auser:"] {
            assert!(!user.covers(Verb::Read, 0, above.as_bytes()), "{above}");
        }
        assert!(!user.covers(Verb::Write, 0, b"user:1"), "another verb");
        assert!(!user.covers(Verb::Read, 1, b"user:1"), "another namespace");
        assert!(rule("write on *").covers(Verb::Write, 7, b"x"));
        assert!(!rule("admin").covers(Verb::Admin, 0, b""), "it is about no keys");
    }

    #[test]
    fn stored_rules_come_back() {
        let rule = rule("read,write on other prefix a");
        let json = serde_json::to_string(&rule).unwrap();
        assert_eq!(json, r#"{"verbs":["read","write"],"on":{"namespace":"other","number":1,"prefix":"a"}}"#);
        assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
    }
}
