//! Clusters that ask for tokens.

use std::os::unix::fs::PermissionsExt;

use quorate::config::Config;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{Cluster, Redis, Reply};

/// The root token of every such cluster.
const ROOT: &str = "root-token-of-the-tests-0123456789abcdef";

/// Nodes that ask for tokens.
pub(crate) struct Guarded {
    pub(crate) cluster: Cluster,
    _root: NamedTempFile,
}

impl Guarded {
    /// One node that is a cluster of its own.
    pub(crate) async fn single() -> Self {
        let root = root_file();
        let cluster = Cluster::single_with(|config| ask_for_tokens(config, &root)).await;
        Self { cluster, _root: root }
    }

    /// A cluster of `nodes` nodes.
    pub(crate) async fn of(nodes: u64) -> Self {
        let root = root_file();
        let cluster = Cluster::of_with(nodes, |config| ask_for_tokens(config, &root)).await;
        Self { cluster, _root: root }
    }

    /// Calls the first node with a token; `None`: without.
    pub(crate) async fn call(&self, token: Option<&str>, method: &str, path: &str, body: &str) -> Reply {
        self.call_at(0, token, method, path, body).await
    }

    /// Calls a node, by place.
    pub(crate) async fn call_at(
        &self,
        place: usize,
        token: Option<&str>,
        method: &str,
        path: &str,
        body: &str,
    ) -> Reply {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|b| ("authorization", b.as_str())).collect();
        self.cluster.client(place).send(method, path, &headers, body.to_owned()).await
    }

    /// Calls the first node as root.
    pub(crate) async fn as_root(&self, method: &str, path: &str, body: &str) -> Reply {
        self.call(Some(ROOT), method, path, body).await
    }

    /// Makes a token: its id and its text.
    pub(crate) async fn token(&self, name: &str, allow: &[&str]) -> (String, String) {
        self.made(&json!({"name": name, "allow": allow})).await
    }

    /// Makes a token as the body says.
    pub(crate) async fn made(&self, body: &Value) -> (String, String) {
        let made = self.as_root("POST", "/v1/tokens", &body.to_string()).await.json(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }

    /// A connection of the Redis protocol that showed a token.
    pub(crate) async fn redis(&self, token: &str) -> Redis {
        let mut redis = Redis::connect(self.cluster.servers[0].resp).await;
        assert_eq!(redis.ask(&format!("AUTH {token}")).await, "+OK");
        redis
    }

    /// The root token.
    pub(crate) fn root() -> &'static str {
        ROOT
    }

    /// Stops every node.
    pub(crate) async fn stop(self) {
        self.cluster.stop().await;
    }
}

fn root_file() -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{ROOT}\n")).unwrap();
    std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o600)).unwrap();
    file
}

fn ask_for_tokens(config: &mut Config, root: &NamedTempFile) {
    config.auth = true;
    config.root_token_file = Some(root.path().to_owned());
}
