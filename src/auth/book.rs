//! All tokens of a cluster: what the meta group stores, and how it changes; pure.

use serde::{Deserialize, Serialize};

use super::Token;
use crate::limits::TOKENS_MAX;

/// Every token there is, in the order they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenBook {
    tokens: Vec<Token>,
}

/// Why a token cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// Another one has its name.
    #[error("there is a token called `{0}`; delete it, or choose another name")]
    NameTaken(String),
    /// Another one has its id: chance, so try again.
    #[error("two tokens drew the same id; try again")]
    IdTaken,
    /// There are too many.
    #[error("there are {TOKENS_MAX} tokens already, as many as there may be; delete some")]
    Full,
}

impl TokenBook {
    /// Every token.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Adds a token.
    ///
    /// # Errors
    /// Its name or id is taken, or there are too many.
    pub fn add(&mut self, token: Token) -> Result<(), BookError> {
        if self.tokens.iter().any(|known| known.name == token.name) {
            return Err(BookError::NameTaken(token.name));
        }
        if self.tokens.iter().any(|known| known.id == token.id) {
            return Err(BookError::IdTaken);
        }
        if self.tokens.len() >= TOKENS_MAX {
            return Err(BookError::Full);
        }
        self.tokens.push(token);
        Ok(())
    }

    /// Takes a token out; whether it was there.
    pub fn remove(&mut self, id: &str) -> bool {
        let before = self.tokens.len();
        self.tokens.retain(|token| token.id != id);
        self.tokens.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::NewToken;

    fn token(number: u64) -> Token {
        let name = format!("t{number}");
        let new = NewToken { user: name.clone(), name, allow: Vec::new(), expires_ms: None };
        new.issue(number, &[0; 32], 0).0
    }

    #[test]
    fn names_and_ids_are_unique_and_the_number_has_a_bound() {
        let mut book = TokenBook::default();
        (0..TOKENS_MAX as u64).for_each(|number| book.add(token(number)).unwrap());
        assert_eq!(book.add(token(5)), Err(BookError::NameTaken("t5".into())));
        assert_eq!(book.add(Token { name: "new".into(), ..token(5) }), Err(BookError::IdTaken));
        assert_eq!(book.add(token(5000)), Err(BookError::Full));
        assert!(book.remove(&token(5).id));
        assert!(!book.remove(&token(5).id), "it was gone");
        assert_eq!(book.add(token(5000)), Ok(()));
    }
}
