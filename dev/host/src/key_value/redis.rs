//! A store on a Redis server, as in Spin with `type = "redis"` in its runtime configuration: keys are unchanged, a counter
//! is decimal text, and the first use waits for the connection, with the client's own retries.

use anyhow::{Context as _, Result};
use redis::aio::ConnectionManager;
use redis::{AsyncCommands as _, Client, RedisError};
use tokio::sync::OnceCell;

/// One database of a server.
pub(crate) struct Redis {
    client: Client,
    connection: OnceCell<ConnectionManager>,
}

impl Redis {
    /// Does not connect yet.
    pub(crate) fn new(url: &str) -> Result<Self> {
        // The URL may contain a password.
        let client =
            Client::open(url).context("not a Redis URL; use redis://[user:password@]host[:port][/database]")?;
        Ok(Self { client, connection: OnceCell::new() })
    }

    /// The connection, made on first use.
    pub(crate) async fn connect(&self) -> Result<ConnectionManager, RedisError> {
        self.connection.get_or_try_init(|| self.client.get_connection_manager()).await.cloned()
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        self.connect().await?.get(key).await
    }

    pub(crate) async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), RedisError> {
        self.connect().await?.set(key, value).await
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), RedisError> {
        self.connect().await?.del(key).await
    }

    pub(crate) async fn exists(&self, key: &str) -> Result<bool, RedisError> {
        self.connect().await?.exists(key).await
    }

    pub(crate) async fn keys(&self) -> Result<Vec<String>, RedisError> {
        self.connect().await?.keys("*").await
    }

    pub(crate) async fn increment(&self, key: &str, delta: i64) -> Result<i64, RedisError> {
        self.connect().await?.incr(key, delta).await
    }
}
