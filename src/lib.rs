//! Quorate, a strongly consistent, sharded cache: the server's library.
//!
//! Layers, each relying only on those below it (`ARCHITECTURE.md` draws them):
//! [`http`], [`resp`] → [`node`] → [`group`] → [`transport`]; [`config`], [`clock`], [`random`], [`ring`], [`error`], [`limits`],
//! [`tls`], [`trace`], [`version`] and [`views`] are leaves, and so is [`auth`], which decides who may do what. [`cli`]
//! starts them and speaks to them over HTTP.

mod accept;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
pub mod group;
pub mod http;
pub mod limits;
pub mod node;
pub mod random;
pub mod resp;
pub mod ring;
pub mod tls;
pub mod trace;
pub mod transport;
pub mod version;
pub mod views;
