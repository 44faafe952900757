//! The cluster's tokens: stored in the meta group beside the document, followed by every node's gate.
//!
//! Two ways bring them: this node's replica of the meta group, the moment it applies a change (`follow_doc`), and once
//! every `TOKENS_CONFIRM_INTERVAL` a linearizable read, which is what the gate's trust in them rests on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::sleep;

use super::Inner;
use super::meta::to_json;
use crate::auth::{BookError, Gate, NewToken, Rule, Secret, Token, TokenBook, root};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{
    META_CONFLICTS_MAX, TOKEN_NAME_BYTES_MAX, TOKEN_RULES_MAX, TOKEN_SECRET_BYTES, TOKENS_BYTES_MAX,
    TOKENS_CONFIRM_INTERVAL, TOKENS_RETRY,
};
use crate::{clock, random};

/// What a new token is asked to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Its name: 1 to `TOKEN_NAME_BYTES_MAX` letters, digits and `-_.@`.
    pub name: String,
    /// Its user in the Redis protocol, of the same form; `None`: as its name.
    pub user: Option<String>,
    /// Its rules, 1 to `TOKEN_RULES_MAX`, as [`Rule::parse`] reads them.
    pub allow: Vec<String>,
    /// How long it holds; `None`: until it is deleted.
    pub expires_in: Option<Duration>,
}

/// The gate a configuration asks for.
pub(super) fn gate(config: &Config) -> anyhow::Result<Gate> {
    let file = config.root_token_file.as_ref().filter(|_| config.auth);
    let read = |file: &std::path::PathBuf| {
        root::read(file).with_context(|| format!("--root-token-file {}", file.display()))
    };
    let root = file.map(read).transpose()?;
    anyhow::ensure!(root.is_some() || !config.auth, "--auth yes needs --root-token-file");
    Ok(Gate::new(root.as_ref()))
}

impl Inner {
    /// Asks the meta group for the tokens again and again, for ever.
    pub(super) async fn confirm_tokens(self: Arc<Self>) {
        let mut pause = TOKENS_RETRY;
        loop {
            match self.confirm_tokens_once().await {
                Ok(()) => pause = TOKENS_CONFIRM_INTERVAL,
                Err(error) => tracing::debug!(%error, "cannot ask which tokens there are"),
            }
            sleep(pause).await;
        }
    }

    async fn confirm_tokens_once(&self) -> Result<()> {
        let asked_ms = clock::boot_ms();
        let (book, version) = self.read_tokens().await?;
        self.gate.learn(version, &book);
        self.gate.confirm(asked_ms);
        Ok(())
    }

    /// Makes a token.
    pub(super) async fn create_token(&self, request: TokenRequest) -> Result<(Token, Secret)> {
        let (token, secret) =
            self.understood(request)?.issue(random::bits64(), &secret_bytes(), clock::wall_ms());
        self.change_tokens(|book| book.add(token.clone()).map_err(refused)).await?;
        Ok((token, secret))
    }

    /// Deletes a token.
    pub(super) async fn delete_token(&self, id: &str) -> Result<()> {
        let unknown = || Error::not_applied(ErrorKind::UnknownToken, "no token has this id");
        self.change_tokens(|book| book.remove(id).then_some(()).ok_or_else(unknown)).await
    }

    /// Changes the tokens by compare-and-set until nobody else changed them meanwhile; this node knows the result at
    /// once if it can.
    async fn change_tokens(&self, change: impl Fn(&mut TokenBook) -> Result<()>) -> Result<()> {
        for _ in 0..META_CONFLICTS_MAX {
            let read = self.read_tokens().await;
            let (mut book, version) = read.map_err(nothing_written)?;
            change(&mut book)?;
            let json = to_json(&book)?;
            if json.len() > TOKENS_BYTES_MAX {
                return Err(conflict(
                    "the rules of all tokens take too much room; delete some tokens".into(),
                ));
            }
            if self.write_tokens(json, version).await? {
                if let Err(error) = self.confirm_tokens_once().await {
                    tracing::debug!(%error, "the tokens were changed; this node learns of it later");
                }
                return Ok(());
            }
        }
        Err(Error::not_applied(ErrorKind::OperationRunning, "the tokens change too fast; try again"))
    }

    fn understood(&self, request: TokenRequest) -> Result<NewToken> {
        let TokenRequest { name, user, allow, expires_in } = request;
        let user = user.unwrap_or_else(|| name.clone());
        if !is_name(&name) || !is_name(&user) {
            let detail =
                format!("a token's name and user have 1 to {TOKEN_NAME_BYTES_MAX} letters, digits and -_.@");
            return Err(invalid(detail));
        }
        if !(1..=TOKEN_RULES_MAX).contains(&allow.len()) {
            return Err(invalid(format!("a token has 1 to {TOKEN_RULES_MAX} rules")));
        }
        let doc = self.member_doc()?;
        let parse = |text: &String| Rule::parse(text, |name| doc.namespaces.get(name).copied());
        let allow = allow.iter().map(parse).collect::<Result<_, _>>();
        let allow = allow.map_err(|error| invalid(error.to_string()))?;
        let expires_ms = expires_in.map(expiry).transpose()?;
        Ok(NewToken { name, user, allow, expires_ms })
    }
}

/// When a token that is made now ends, ms since 1970.
fn expiry(after: Duration) -> Result<u64> {
    let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    let bound = 1..=raft_store::limits::TTL_MS_MAX;
    if !bound.contains(&after_ms) {
        return Err(invalid("a token holds for 1 ms to 100 years".into()));
    }
    Ok(clock::wall_ms() + after_ms)
}

/// From a generator that is fit for keys: `rand`'s own is ChaCha, seeded by the system.
fn secret_bytes() -> [u8; TOKEN_SECRET_BYTES] {
    let mut bytes = [0; TOKEN_SECRET_BYTES];
    bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&random::bits64().to_be_bytes()));
    bytes
}

fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    (1..=TOKEN_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(known)
}

fn invalid(detail: String) -> Error {
    Error::not_applied(ErrorKind::InvalidValue, detail)
}

fn conflict(detail: String) -> Error {
    Error::not_applied(ErrorKind::Conflict, detail)
}

fn refused(error: BookError) -> Error {
    conflict(error.to_string())
}

/// Nothing is written before it is read.
fn nothing_written(error: Error) -> Error {
    Error { outcome: Some(crate::error::Outcome::NotApplied), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["app", "a.b-c_d@e", &"x".repeat(TOKEN_NAME_BYTES_MAX)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a b", "ä", "a\n", "a:b", &"x".repeat(TOKEN_NAME_BYTES_MAX + 1)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn secrets_differ() {
        assert_ne!(secret_bytes(), secret_bytes());
    }

    #[test]
    fn a_gate_that_asks_for_tokens_has_a_root_token() {
        assert!(!gate(&Config::default()).unwrap().is_on());
        let without = Config { auth: true, ..Config::default() };
        assert!(gate(&without).is_err());
        let missing = Config { root_token_file: Some("/nonexistent".into()), ..without };
        assert!(gate(&missing).is_err());
        assert!(!gate(&Config { auth: false, ..missing }).unwrap().is_on(), "a file alone turns nothing on");
    }
}
