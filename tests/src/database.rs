//! A separate PostgreSQL database for a test, on the server that `cargo xtask test` has started.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

static MADE: AtomicU32 = AtomicU32::new(0);

/// An empty database. It is deleted when the value is dropped.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
    /// Whether the database stays when the value is dropped.
    is_kept: bool,
}

impl Database {
    /// Creates a database on the server in `BACKISSUE_TEST_POSTGRES`.
    ///
    /// # Errors
    /// If the variable is not set, or the server cannot be reached.
    pub fn create() -> anyhow::Result<Self> {
        Self::create_on(&backissue_needs::postgres()?)
    }

    /// Creates a database on this server.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub fn create_on(server: &str) -> anyhow::Result<Self> {
        let name = format!("program_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        statement(server, format!("CREATE DATABASE {name}"))?;
        Ok(Self { server: server.to_owned(), name, is_kept: false })
    }

    /// A database with this name on this server, which stays. Creates it if it is missing.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub fn kept_on(server: &str, name: &str) -> anyhow::Result<Self> {
        let database = Self { server: server.to_owned(), name: name.to_owned(), is_kept: true };
        if statement(&database.url(), "SELECT 1".to_owned()).is_err() {
            statement(server, format!("CREATE DATABASE {name}"))?;
        }
        Ok(database)
    }

    /// The database's address.
    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap_or((&self.server, ""));
        format!("{server}/{}", self.name)
    }

    /// Runs a statement in the database.
    ///
    /// # Errors
    /// If the database refuses it.
    pub fn run(&self, sql: &str) -> anyhow::Result<()> {
        statement(&self.url(), sql.to_owned())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // The server is removed after the tests, with all databases that could not be dropped.
        let _ = statement(&self.server, format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// Runs one statement in a database, on a separate thread, so that it works inside and outside a
/// runtime.
pub(crate) fn statement(database: &str, sql: String) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let work = || -> anyhow::Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(database).await?;
                connection.execute(AssertSqlSafe(sql)).await?;
                Ok(connection.close().await?)
            })
        };
        scope.spawn(work).join().map_err(|_| anyhow::anyhow!("the statement's thread stopped"))?
    })
}
