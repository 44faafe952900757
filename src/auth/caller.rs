//! What the sender of a request may do.

use std::sync::Arc;

use raft_store::command::Command;
use raft_store::key::{Key, NamespaceId};

use super::needs::permits;
use super::{Denied, Digest, Rule, Token, Verb};

/// What a right token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The token's id.
    pub id: String,
    /// The name its user has in the Redis protocol.
    pub user: String,
    /// When it ends, ms since 1970; `None`: never.
    pub expires_ms: Option<u64>,
    pub(super) digest: Digest,
    /// `None`: everything is allowed.
    rules: Option<Vec<Rule>>,
}

impl Grant {
    /// What a stored token allows.
    pub fn of(token: &Token) -> Self {
        let Token { id, user, digest, allow, expires_ms, .. } = token.clone();
        Self { id, user, expires_ms, digest, rules: Some(allow) }
    }

    /// What the root token allows: everything, for ever.
    pub(super) fn root(digest: Digest) -> Self {
        let name = super::root::USER.to_owned();
        Self { id: name.clone(), user: name, expires_ms: None, digest, rules: None }
    }

    /// Whether it is the root token's.
    pub fn is_root(&self) -> bool {
        self.rules.is_none()
    }

    /// Whether it has ended.
    pub fn is_over(&self, wall_ms: u64) -> bool {
        self.expires_ms.is_some_and(|expires_ms| expires_ms <= wall_ms)
    }

    /// Whether `verb` is allowed on every key of a namespace that begins with `prefix`.
    pub fn allows(&self, verb: Verb, namespace: NamespaceId, prefix: &[u8]) -> bool {
        self.any(|rule| rule.covers(verb, namespace, prefix))
    }

    /// Whether `verb` is allowed on a key.
    pub fn allows_key(&self, verb: Verb, key: &Key) -> bool {
        self.allows(verb, key.namespace(), key.user_key())
    }

    /// Whether a verb about the cluster as a whole is allowed.
    pub fn allows_cluster(&self, verb: Verb) -> bool {
        !verb.is_about_keys() && self.any(|rule| rule.names(verb))
    }

    /// Whether any key may be read or written.
    pub fn allows_some_keys(&self) -> bool {
        self.any(|rule| rule.names(Verb::Read) || rule.names(Verb::Write))
    }

    fn any(&self, allows: impl Fn(&Rule) -> bool) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.iter().any(allows))
    }
}

/// The sender of a request.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody is asked for a token.
    Trusted,
    /// The holder of a token.
    Granted(Arc<Grant>),
}

impl Caller {
    /// Whether a command of the store may be carried out.
    ///
    /// # Errors
    /// `Denied::Forbidden`.
    pub fn command(&self, command: &Command) -> Result<(), Denied> {
        self.check(|grant| permits(grant, command), "this token does not allow that of this key")
    }

    /// Whether every key of a namespace that begins with `prefix` (a key itself, say) may be used so.
    ///
    /// # Errors
    /// `Denied::Forbidden`.
    pub fn keys(&self, verb: Verb, namespace: NamespaceId, prefix: &[u8]) -> Result<(), Denied> {
        self.check(|grant| grant.allows(verb, namespace, prefix), forbidden_keys(verb))
    }

    /// Whether a key may be used so.
    ///
    /// # Errors
    /// `Denied::Forbidden`.
    pub fn key(&self, verb: Verb, key: &Key) -> Result<(), Denied> {
        self.keys(verb, key.namespace(), key.user_key())
    }

    /// Whether any key may be read or written.
    ///
    /// # Errors
    /// `Denied::Forbidden`.
    pub fn some_keys(&self) -> Result<(), Denied> {
        self.check(Grant::allows_some_keys, "this token allows neither to read nor to write any key")
    }

    /// Whether the cluster as a whole may be used so.
    ///
    /// # Errors
    /// `Denied::Forbidden`.
    pub fn cluster(&self, verb: Verb) -> Result<(), Denied> {
        let why = match verb {
            Verb::Metrics => "this needs a token that allows `metrics`",
            Verb::Read | Verb::Write | Verb::Admin => "this needs a token that allows `admin`",
        };
        self.check(|grant| grant.allows_cluster(verb), why)
    }

    fn check(&self, allows: impl FnOnce(&Grant) -> bool, why: &'static str) -> Result<(), Denied> {
        match self {
            Self::Granted(grant) if !allows(grant) => Err(Denied::Forbidden(why)),
            Self::Trusted | Self::Granted(_) => Ok(()),
        }
    }
}

const fn forbidden_keys(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "this token does not allow to read these keys",
        Verb::Write | Verb::Admin | Verb::Metrics => "this token does not allow to write this key",
    }
}
