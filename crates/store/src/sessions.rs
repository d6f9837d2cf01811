//! Passwords and sessions of readers: column `reader.password`, table `session`.
//!
//! Hashes of passwords do not leave this file. Hashing takes tens of milliseconds and 19 MiB, so it
//! runs on a blocking thread; the caller limits how many run at once.

use std::sync::LazyLock;

use backissue_model::{Password, ReaderId, Role, password_forms};
use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use crate::database::{Row, Tried, Tx, sql, sql_of};
use crate::error::Failure;
use crate::operators::{LogsInBy, Operators};
use crate::times::millis;
use crate::{Store, StoreError};

/// How long a session lasts after it was last used.
pub const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A session is extended at most this often, so that not every request writes.
const EXTENDED_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Maximum sessions of a reader. The one that was not used for longest is dropped for a new one.
const SESSIONS_MAX: i64 = 50;
/// Maximum characters of a browser's `User-Agent`.
const AGENT_MAX: usize = 200;
/// A hash that is compared if a reader has no password or does not exist, so that a login with an
/// unknown name takes as long as one with a wrong password.
static NOBODYS: LazyLock<String> = LazyLock::new(|| password_auth::generate_hash("nobody's password"));
/// The columns of a [`Session`].
const SESSION: &str = "SELECT s.id, s.reader_id, r.role, s.agent, s.made_at, s.used_at, s.ends_at
     FROM session s JOIN reader r ON r.id = s.reader_id";
/// The name of the look-up of a password's hash, for errors.
const LOOKING_UP: &str = "looking up a password";

/// A browser that is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: i64,
    /// The reader who is logged in.
    pub reader: ReaderId,
    /// What this reader may do.
    pub role: Role,
    /// The browser's `User-Agent` at the login.
    pub agent: String,
    /// When it began.
    pub made_at: Timestamp,
    /// When it was last used, to within an hour.
    pub used_at: Timestamp,
    /// When it ends if it is not used.
    pub ends_at: Timestamp,
}

impl Store {
    /// Whether anybody can log in with a password. Each request asks this: the answer may be 10 ms
    /// old, but is never older than the last commit of this process.
    pub async fn has_passwords(&self) -> Result<bool, StoreError> {
        let ask = async {
            let query = sql("SELECT id FROM reader WHERE password IS NOT NULL AND closed_at IS NULL LIMIT 1");
            Ok(self.one(LOOKING_UP, query, |row| row.int("id")).await?.is_some())
        };
        self.recent_passwords.or_ask(None, ask).await
    }

    /// Whether the reader has a password. As recent as [`Store::has_passwords`].
    pub async fn has_password(&self, reader: ReaderId) -> Result<bool, StoreError> {
        let ask = async { Ok(self.run(LOOKING_UP, self.password_of(reader)).await?.is_some()) };
        self.recent_passwords.or_ask(Some(reader), ask).await
    }

    /// The hash of the password of a reader whose account is open.
    pub(crate) async fn password_of(&self, reader: ReaderId) -> Tried<Option<String>> {
        let query = sql("SELECT password FROM reader WHERE id = $1 AND closed_at IS NULL");
        let row = self.database.row(query.bind(reader.0)).await?;
        Ok(row.map(|row| row.opt_text("password")).transpose()?.flatten())
    }

    /// Sets or removes the reader's password, and ends the reader's sessions except `but`. A new
    /// password opens a closed account. Returns the number of sessions that ended.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn set_password(
        &self,
        reader: ReaderId,
        password: Option<&Password>,
        but: Option<i64>,
    ) -> Result<u64, StoreError> {
        let hash = match password {
            Some(password) => Some(hash_of(password).await),
            None => None,
        };
        let set = self.retry("setting a password", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let ended = change_password(&mut tx, reader, hash.as_deref(), but).await?;
            tx.commit().await?;
            Ok(Some(ended))
        });
        set.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Removes the reader's password like [`Store::set_password`], unless no operator could log in
    /// without it. Then it returns `None`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn remove_password(&self, reader: ReaderId) -> Result<Option<u64>, StoreError> {
        let removed = self.retry("removing a password", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            if Operators::lock(&mut tx).await?.need(reader, LogsInBy::Password) {
                tx.abandon().await?;
                return Ok(Some(None));
            }
            let ended = change_password(&mut tx, reader, None, None).await?;
            tx.commit().await?;
            Ok(Some(Some(ended)))
        });
        removed.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Sets the reader's password if there is none. Returns false if there is one.
    pub async fn set_first_password(
        &self,
        reader: ReaderId,
        password: &Password,
    ) -> Result<bool, StoreError> {
        let hash = hash_of(password).await;
        let update = sql("UPDATE reader SET password = $2
             WHERE id = $1 AND password IS NULL AND closed_at IS NULL");
        let set = self.change("setting the first password", update.bind(reader.0).bind(hash.as_str()));
        Ok(set.await? > 0)
    }

    /// Whether this is the reader's password. Takes as long for nobody, and for a reader without
    /// a password.
    pub async fn is_password(&self, reader: Option<ReaderId>, password: &str) -> Result<bool, StoreError> {
        Ok(self.hash_matching(reader, password).await?.is_some())
    }

    /// The hash of the reader's password, if this is the password.
    async fn hash_matching(
        &self,
        reader: Option<ReaderId>,
        password: &str,
    ) -> Result<Option<String>, StoreError> {
        // No reader has the number 0.
        let reader = reader.unwrap_or(ReaderId(0));
        let known = self.run(LOOKING_UP, self.password_of(reader)).await?;
        let forms = password_forms(password);
        let compared = move || {
            let nobodys = NOBODYS.as_str();
            let hash = known.as_deref().unwrap_or(nobodys);
            let matches = forms.iter().any(|form| password_auth::verify_password(form, hash).is_ok());
            known.filter(|_| matches)
        };
        Ok(hashing(compared).await)
    }

    /// Begins a session if this is the reader's password. `token` is the hash of the session's
    /// token. Returns `None` if the password is wrong, or if there is none. Takes as long for
    /// nobody.
    pub async fn log_in(
        &self,
        reader: Option<ReaderId>,
        password: &str,
        token: &str,
        agent: &str,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let hash = self.hash_matching(reader, password).await?;
        let (Some(hash), Some(reader)) = (hash, reader) else { return Ok(None) };
        let begin = || self.try_begin_session(reader, &hash, token, agent, now);
        self.retry("beginning a session", begin).await
    }

    /// Begins a session unless the password was changed since it was verified.
    pub(crate) async fn try_begin_session(
        &self,
        reader: ReaderId,
        hash: &str,
        token: &str,
        agent: &str,
        now: Timestamp,
    ) -> Tried<Option<Session>> {
        let mut tx = self.database.begin().await?;
        // The row's lock serialises this with a change of the password.
        let lock = sql("UPDATE reader SET password = password
             WHERE id = $1 AND password = $2 AND closed_at IS NULL");
        if tx.run(lock.bind(reader.0).bind(hash)).await? == 0 {
            tx.abandon().await?;
            return Ok(None);
        }
        let session = begin_session(&mut tx, reader, token, agent, now).await?;
        tx.commit().await?;
        Ok(Some(session))
    }

    /// The session with this hash of a token, if it has not ended. Using it extends it; the second
    /// value tells whether it was extended now.
    pub async fn use_session(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(Session, bool)>, StoreError> {
        const USING: &str = "looking up a session";
        let query = sql_of(format!("{SESSION} WHERE s.token = $1 AND s.ends_at > $2"));
        let query = query.bind(token).bind(millis(now));
        let Some(session) = self.one(USING, query, session_of_row).await? else { return Ok(None) };
        if now.duration_since(session.used_at) < EXTENDED_EVERY {
            return Ok(Some((session, false)));
        }
        let update = sql("UPDATE session SET used_at = $2, ends_at = $3 WHERE id = $1");
        self.change(USING, update.bind(session.id).bind(millis(now)).bind(end(now))).await?;
        Ok(Some((Session { used_at: now, ends_at: now + SESSION_LASTS, ..session }, true)))
    }

    /// The reader's sessions, last used first.
    pub async fn sessions(&self, reader: ReaderId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let query = sql_of(format!(
            "{SESSION} WHERE s.reader_id = $1 AND s.ends_at > $2 ORDER BY s.used_at DESC, s.id DESC"
        ));
        self.list("listing sessions", query.bind(reader.0).bind(millis(now)), session_of_row).await
    }

    /// Ends a session of the reader. One that ended already is fine.
    pub async fn end_session(&self, reader: ReaderId, id: i64) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM session WHERE reader_id = $1 AND id = $2");
        self.change("ending a session", delete.bind(reader.0).bind(id)).await.map(|_| ())
    }

    /// Ends all sessions of the reader but one.
    pub async fn end_other_sessions(&self, reader: ReaderId, but: i64) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM session WHERE reader_id = $1 AND id <> $2");
        self.change("ending sessions", delete.bind(reader.0).bind(but)).await.map(|_| ())
    }
}

/// Sets or removes a password, and ends the reader's sessions except `but`. Returns their number.
async fn change_password(tx: &mut Tx, reader: ReaderId, hash: Option<&str>, but: Option<i64>) -> Tried<u64> {
    let update = sql("UPDATE reader SET password = $2,
            closed_at = CASE WHEN $3 = 1 THEN NULL ELSE closed_at END WHERE id = $1");
    tx.run(update.bind(reader.0).bind(hash).bind(i64::from(hash.is_some()))).await?;
    tx.run(sql("DELETE FROM invitation WHERE reader_id = $1").bind(reader.0)).await?;
    let end = sql("DELETE FROM session WHERE reader_id = $1 AND id <> $2");
    tx.run(end.bind(reader.0).bind(but.unwrap_or(0))).await
}

/// Adds a session, and removes the oldest ones above the maximum.
pub(crate) async fn begin_session(
    tx: &mut Tx,
    reader: ReaderId,
    token: &str,
    agent: &str,
    now: Timestamp,
) -> Tried<Session> {
    let agent: String = agent.chars().filter(|c| !c.is_control()).take(AGENT_MAX).collect();
    // Not counted, since the page of sessions shows it: the hash of a random token is random.
    let number = xxh3_64(token.as_bytes()) >> 12;
    let insert = sql("INSERT INTO session (reader_id, token, agent, made_at, used_at, ends_at, id)
         VALUES ($1, $2, $3, $4, $4, $5, $6)");
    let insert = insert.bind(reader.0).bind(token).bind(agent).bind(millis(now)).bind(end(now));
    tx.run(insert.bind(i64::try_from(number).unwrap_or(1))).await?;
    let row = tx.row(sql_of(format!("{SESSION} WHERE s.token = $1")).bind(token)).await?;
    let row = row.ok_or_else(|| Failure::Unreadable("a session without a row".into()))?;
    let session = session_of_row(&row)?;
    tx.run(sql("DELETE FROM session WHERE ends_at <= $1").bind(millis(now))).await?;
    let oldest = sql("DELETE FROM session WHERE reader_id = $1 AND id NOT IN (
            SELECT id FROM session WHERE reader_id = $1 ORDER BY used_at DESC, id DESC LIMIT $2)");
    tx.run(oldest.bind(reader.0).bind(SESSIONS_MAX)).await?;
    Ok(session)
}

/// The hash of a password.
pub(crate) async fn hash_of(password: &Password) -> String {
    let password = password.clone();
    hashing(move || password_auth::generate_hash(password.as_str())).await
}

/// Runs work of Argon2 on a blocking thread.
async fn hashing<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn end(now: Timestamp) -> i64 {
    millis(now.saturating_add(SESSION_LASTS).unwrap_or(Timestamp::MAX))
}

fn session_of_row(row: &Row) -> Tried<Session> {
    Ok(Session {
        id: row.int("id")?,
        reader: ReaderId(row.int("reader_id")?),
        role: row.parsed("role")?,
        agent: row.text("agent")?,
        made_at: row.moment("made_at")?,
        used_at: row.moment("used_at")?,
        ends_at: row.moment("ends_at")?,
    })
}
