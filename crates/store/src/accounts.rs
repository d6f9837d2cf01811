//! Readers and their invitations: tables `reader` and `invitation`. Passwords and sessions are in
//! `sessions`, logins by OpenID Connect in `openid`.

use backissue_model::{Password, Reader, ReaderId, ReaderName, Role};
use jiff::{SignedDuration, Timestamp};

use crate::database::{Row, Tried, sql, sql_of};
use crate::operators::{Operators, ReaderChange};
use crate::sessions::{begin_session, hash_of};
use crate::times::millis;
use crate::{Session, Store, StoreError, own_digests};

/// How long an invitation can be used.
pub const INVITATION_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The query for a [`Reader`]. `$1` is the current time.
const READER: &str = "SELECT r.id, r.name, r.role, r.closed_at, r.opening_is_done,
        CASE WHEN r.password IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END AS has_password,
        CASE WHEN EXISTS (SELECT 1 FROM openid_login o WHERE o.reader_id = r.id)
            THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS has_openid,
        (SELECT i.ends_at FROM invitation i WHERE i.reader_id = r.id AND i.ends_at > $1) AS invited_until
     FROM reader r";

/// What happens to a reader whose account ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The account is closed, and everything that the reader wrote stays.
    KeepData,
    /// The account is deleted, with everything that the reader did and wrote.
    DropData,
}

impl Store {
    /// All readers, in the order of their admission.
    pub async fn readers(&self, now: Timestamp) -> Result<Vec<Reader>, StoreError> {
        let query = sql_of(format!("{READER} ORDER BY r.id"));
        self.list("listing readers", query.bind(millis(now)), reader_of_row).await
    }

    /// The reader with this number.
    pub async fn reader(&self, reader: ReaderId, now: Timestamp) -> Result<Option<Reader>, StoreError> {
        let query = sql_of(format!("{READER} WHERE r.id = $2"));
        self.one("looking up a reader", query.bind(millis(now)).bind(reader.0), reader_of_row).await
    }

    /// The reader with this name.
    pub async fn reader_named(
        &self,
        name: &ReaderName,
        now: Timestamp,
    ) -> Result<Option<Reader>, StoreError> {
        let query = sql_of(format!("{READER} WHERE r.name = $2"));
        self.one("looking up a reader", query.bind(millis(now)).bind(name.as_str()), reader_of_row).await
    }

    /// The operator whose row is the oldest. Commands act for this reader.
    pub async fn first_operator(&self) -> Result<ReaderId, StoreError> {
        let query =
            sql("SELECT id FROM reader WHERE role = 'operator' AND closed_at IS NULL ORDER BY id LIMIT 1");
        let found = self.one("looking up the operator", query, |row| Ok(ReaderId(row.int("id")?))).await?;
        found.ok_or_else(|| self.not_found("operator".to_owned()))
    }

    /// Adds a reader without a password. Returns `None` if there is one with this name.
    pub async fn add_reader(&self, name: &ReaderName, role: Role) -> Result<Option<ReaderId>, StoreError> {
        self.retry("adding a reader", || async {
            let mut tx = self.database.begin().await?;
            let insert = sql("INSERT INTO reader (name, role) VALUES ($1, $2)
                 ON CONFLICT (name) DO NOTHING RETURNING id");
            let row = tx.row(insert.bind(name.as_str()).bind(role.as_str())).await?;
            let id = row.map(|row| row.int("id").map(ReaderId)).transpose()?;
            tx.commit().await?;
            Ok(id)
        })
        .await
    }

    /// Invites a reader to set a password, with the hash of the link's token. A former invitation
    /// of this reader becomes invalid. Opens a closed account. Returns when the invitation ends.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn invite(
        &self,
        reader: ReaderId,
        token: &str,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let ends = now.saturating_add(INVITATION_LASTS).unwrap_or(Timestamp::MAX);
        let invited = self.retry("inviting a reader", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let upsert = sql("INSERT INTO invitation (reader_id, token, made_at, ends_at)
                 VALUES ($1, $2, $3, $4) ON CONFLICT (reader_id) DO UPDATE SET
                    token = excluded.token, made_at = excluded.made_at, ends_at = excluded.ends_at");
            let upsert = upsert.bind(reader.0).bind(token).bind(millis(now)).bind(millis(ends));
            tx.run(upsert).await?;
            tx.run(sql("UPDATE reader SET closed_at = NULL WHERE id = $1").bind(reader.0)).await?;
            tx.run(sql("DELETE FROM invitation WHERE ends_at <= $1").bind(millis(now))).await?;
            tx.commit().await?;
            Ok(Some(ends))
        });
        invited.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Makes the reader's invitation invalid, if there is one.
    pub async fn revoke_invitation(&self, reader: ReaderId) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM invitation WHERE reader_id = $1");
        self.change("revoking an invitation", delete.bind(reader.0)).await.map(|_| ())
    }

    /// The reader for whom the invitation is whose token has this hash.
    pub async fn invited(&self, token: &str, now: Timestamp) -> Result<Option<Reader>, StoreError> {
        let query = sql_of(format!(
            "{READER} JOIN invitation v ON v.reader_id = r.id WHERE v.token = $2 AND v.ends_at > $1"
        ));
        self.one("looking up an invitation", query.bind(millis(now)).bind(token), reader_of_row).await
    }

    /// Uses an invitation: sets the password, opens a closed account, ends the reader's sessions
    /// and begins one. `token` is the hash of the invitation's token, `session` the one of the
    /// session's. Returns `None` if the invitation was used, was revoked, or has ended.
    pub async fn accept_invitation(
        &self,
        token: &str,
        password: &Password,
        session: &str,
        agent: &str,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        if self.invited(token, now).await?.is_none() {
            return Ok(None);
        }
        let hash = hash_of(password).await;
        self.retry("accepting an invitation", || async {
            let mut tx = self.database.begin().await?;
            let delete = sql("DELETE FROM invitation WHERE token = $1 AND ends_at > $2 RETURNING reader_id");
            let Some(row) = tx.row(delete.bind(token).bind(millis(now))).await? else {
                tx.abandon().await?;
                return Ok(None);
            };
            let reader = ReaderId(row.int("reader_id")?);
            let update = sql("UPDATE reader SET password = $2, closed_at = NULL, version = version + 1
                 WHERE id = $1");
            tx.run(update.bind(reader.0).bind(hash.as_str())).await?;
            tx.run(sql("DELETE FROM session WHERE reader_id = $1").bind(reader.0)).await?;
            let session = begin_session(&mut tx, reader, session, agent, now).await?;
            tx.commit().await?;
            Ok(Some(session))
        })
        .await
    }

    /// Sets whether opening a read marks it done for this reader.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn set_opening_is_done(&self, reader: ReaderId, is_done: bool) -> Result<(), StoreError> {
        let set = self.retry("changing what opening a read does", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let update = sql("UPDATE reader SET opening_is_done = $2 WHERE id = $1");
            tx.run(update.bind(reader.0).bind(i64::from(is_done))).await?;
            tx.commit().await?;
            Ok(Some(()))
        });
        set.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Gives a reader a role.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn set_role(&self, reader: ReaderId, role: Role) -> Result<ReaderChange, StoreError> {
        let changed = self.retry("changing a reader's role", || async {
            let mut tx = self.database.begin().await?;
            if role != Role::Operator && Operators::lock(&mut tx).await?.is_last(reader) {
                tx.abandon().await?;
                return Ok(Some(ReaderChange::LastOperator));
            }
            let update = sql("UPDATE reader SET role = $2, version = version + 1 WHERE id = $1");
            let changed = tx.run(update.bind(reader.0).bind(role.as_str())).await?;
            tx.commit().await?;
            Ok((changed > 0).then_some(ReaderChange::Done))
        });
        changed.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Ends a reader's account: all sessions and tokens, the password, the invitation, the address
    /// of the shelf, the digest by mail, and with [`Leaving::DropData`] everything else.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn remove_reader(
        &self,
        reader: ReaderId,
        leaving: Leaving,
        now: Timestamp,
    ) -> Result<ReaderChange, StoreError> {
        let removed = self.retry("removing a reader", || async {
            let mut tx = self.database.begin().await?;
            if Operators::lock(&mut tx).await?.is_last(reader) {
                tx.abandon().await?;
                return Ok(Some(ReaderChange::LastOperator));
            }
            for statement in [
                "DELETE FROM session WHERE reader_id = $1",
                "DELETE FROM token WHERE reader_id = $1",
                "DELETE FROM invitation WHERE reader_id = $1",
                "DELETE FROM shelf_address WHERE reader_id = $1",
            ] {
                tx.run(sql(statement).bind(reader.0)).await?;
            }
            own_digests::remove(&mut tx, reader, now).await?;
            let end = match leaving {
                Leaving::KeepData => sql("UPDATE reader SET password = NULL, version = version + 1,
                        closed_at = coalesce(closed_at, $2) WHERE id = $1")
                .bind(reader.0)
                .bind(millis(now)),
                Leaving::DropData => sql("DELETE FROM reader WHERE id = $1").bind(reader.0),
            };
            let changed = tx.run(end).await?;
            tx.commit().await?;
            Ok((changed > 0).then_some(ReaderChange::Done))
        });
        removed.await?.ok_or_else(|| self.no_reader(reader))
    }
}

fn reader_of_row(row: &Row) -> Tried<Reader> {
    Ok(Reader {
        id: ReaderId(row.int("id")?),
        name: row.parsed("name")?,
        role: row.parsed("role")?,
        has_password: row.yes("has_password")?,
        has_openid: row.yes("has_openid")?,
        opening_is_done: row.yes("opening_is_done")?,
        closed: row.opt_moment("closed_at")?,
        invited_until: row.opt_moment("invited_until")?,
    })
}
