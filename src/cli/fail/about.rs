//! What a request is about, and how a shell would name it again.

/// The namespace of keys unless told otherwise.
pub(in crate::cli) const NAMESPACE_DEFAULT: &str = "default";

/// What a request is about: decides the suggested command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum About {
    /// A key.
    Key(KeyName),
    /// A group.
    Group(raft_store::GroupId),
    /// The cluster.
    Cluster,
}

/// A key and its namespace, as the user typed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct KeyName {
    /// Its namespace.
    pub(in crate::cli) ns: String,
    /// The key.
    pub(in crate::cli) key: String,
}

impl KeyName {
    /// The arguments that name it again, the last ones before a value.
    fn arguments(&self) -> String {
        let ns =
            if self.ns == NAMESPACE_DEFAULT { String::new() } else { format!("--ns={} ", quote(&self.ns)) };
        // Without this a key such as `-x` would be taken for a flag.
        let end_of_flags = if self.key.starts_with('-') { "-- " } else { "" };
        format!("{ns}{end_of_flags}{}", quote(&self.key))
    }

    /// The arguments that read it.
    pub(in crate::cli) fn get(&self) -> String {
        format!("get --output json {}", self.arguments())
    }

    /// The arguments that set it.
    pub(in crate::cli) fn set(&self) -> String {
        format!("set {} VALUE", self.arguments())
    }
}

/// `text` as one word of a shell.
pub(in crate::cli) fn quote(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:,=@%+".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        assert_eq!(quote("user:42"), "user:42");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
