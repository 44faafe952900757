//! A token as it is stored, and how one is made.
//!
//! Its text is `qrt_<id>_<secret>`: the id, 16 hexadecimal digits, finds it; the secret, 32 random bytes in base64url,
//! proves it. Only the hash of the secret is kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use serde::{Deserialize, Serialize};

use super::{Digest, Rule, Secret};
use crate::limits::TOKEN_SECRET_BYTES;

/// What every token begins with, so that scanners for leaked secrets know it.
const MARK: &str = "qrt_";

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Random, and no secret.
    pub id: String,
    /// What people call it; no two tokens share one.
    pub name: String,
    /// The name its user has in the Redis protocol; several tokens may share one.
    pub user: String,
    /// SHA-256 of the secret's bytes.
    pub digest: Digest,
    /// What it allows.
    pub allow: Vec<Rule>,
    /// When it was made, ms since 1970.
    pub created_ms: u64,
    /// When it ends, ms since 1970; `None`: never.
    pub expires_ms: Option<u64>,
}

/// What a new token is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// Its user.
    pub user: String,
    /// What it allows.
    pub allow: Vec<Rule>,
    /// When it ends, ms since 1970; `None`: never.
    pub expires_ms: Option<u64>,
}

impl NewToken {
    /// The token, and the text that its holder shows. `id` and `secret` are random.
    pub fn issue(self, id: u64, secret: &[u8; TOKEN_SECRET_BYTES], created_ms: u64) -> (Token, Secret) {
        let Self { name, user, allow, expires_ms } = self;
        let (id, digest) = (format!("{id:016x}"), Digest::of(secret));
        let text = Secret::new(format!("{MARK}{id}_{}", BASE64_URL.encode(secret)));
        (Token { id, name, user, digest, allow, created_ms, expires_ms }, text)
    }
}

/// The id a shown text names and the hash of the secret it shows; `None`: it is no token.
pub(super) fn read(shown: &[u8]) -> Option<(&str, Digest)> {
    let (id, secret) = std::str::from_utf8(shown).ok()?.strip_prefix(MARK)?.split_once('_')?;
    let secret = BASE64_URL.decode(secret).ok()?;
    (secret.len() == TOKEN_SECRET_BYTES).then(|| (id, Digest::of(&secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_issued_and_does_not_hold_its_secret() {
        let new = NewToken { name: "app".into(), user: "app".into(), allow: Vec::new(), expires_ms: None };
        // Bytes that come out as `_` and `-` in base64url.
        let (token, text) = new.issue(0x1f, &[0xff; TOKEN_SECRET_BYTES], 5);
        assert!(text.expose().starts_with("qrt_000000000000001f___"), "{}", text.expose());
        assert_eq!(read(text.expose().as_bytes()), Some((token.id.as_str(), token.digest)));
        let stored = serde_json::to_string(&token).unwrap();
        let secret = &text.expose()[text.expose().len() - 43..];
        assert!(!stored.contains(secret), "{stored}");
    }

    #[test]
    fn what_is_no_token_is_none() {
        let long = format!("qrt_1_{}", "A".repeat(44));
        for bad in ["", "qrt_", "qrt_1", "qrt_1_", "qrt_1_AAAA", "QRT_1_x", "root", long.as_str()] {
            assert!(read(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(read(b"qrt_\xff_").is_none());
    }
}
