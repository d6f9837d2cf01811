//! Readers who log in at an OpenID Connect provider: table `openid_login`.
//!
//! A reader is bound to an issuer and its subject, never to a name or a mail address, which can
//! pass to another person.

use backissue_model::{READER_NAME_MAX, ReaderId, ReaderName, Role};
use jiff::Timestamp;

use crate::database::{Row, Tried, Tx, sql};
use crate::operators::{LogsInBy, Operators};
use crate::sessions::begin_session;
use crate::times::millis;
use crate::{Session, Store, StoreError};

/// Maximum names that are tried for a new reader if the name is taken: `anna`, `anna-2` and so on.
const NAMES_MAX: usize = 100;

/// A person at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenIdLogin<'l> {
    /// The provider.
    pub issuer: &'l str,
    /// The provider's identifier of the person.
    pub subject: &'l str,
}

/// The result of a login by an OpenID provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenIdSession {
    /// The reader's new session.
    Begun(Session),
    /// The reader's account is closed.
    Closed,
    /// No reader is linked with the person.
    Unknown,
}

/// The result of accepting an invitation by an OpenID provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenIdJoined {
    /// The reader is linked with the person; the new session.
    Begun(Session),
    /// The invitation was used, was revoked, or has ended.
    NotInvited,
    /// The person is linked with another reader.
    Taken,
}

/// The result of unlinking a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenIdUnlinked {
    /// The reader was linked.
    Done,
    /// The reader was linked with nobody.
    NotLinked,
    /// Nothing was changed: the reader is the only operator who can log in, and only by this.
    LastOperator,
}

impl Store {
    /// Begins a session of the reader who is linked with this person. `token` is the hash of the
    /// session's token.
    pub async fn log_in_by_openid(
        &self,
        login: OpenIdLogin<'_>,
        token: &str,
        agent: &str,
        now: Timestamp,
    ) -> Result<OpenIdSession, StoreError> {
        self.retry("beginning a session", || async {
            let mut tx = self.database.begin().await?;
            // The row's lock serialises this with closing the account.
            let lock = sql("UPDATE reader SET role = role WHERE id = (
                    SELECT reader_id FROM openid_login WHERE issuer = $1 AND subject = $2)
                 RETURNING id, closed_at");
            let Some(row) = tx.row(lock.bind(login.issuer).bind(login.subject)).await? else {
                tx.abandon().await?;
                return Ok(OpenIdSession::Unknown);
            };
            if row.opt_moment("closed_at")?.is_some() {
                tx.abandon().await?;
                return Ok(OpenIdSession::Closed);
            }
            let session = begin_session(&mut tx, id_in(&row, "id")?, token, agent, now).await?;
            tx.commit().await?;
            Ok(OpenIdSession::Begun(session))
        })
        .await
    }

    /// Adds a reader who is linked with this person, under this name or a similar one, and begins a
    /// session. Returns `None` if a reader was linked with the person meanwhile.
    pub async fn add_reader_by_openid(
        &self,
        login: OpenIdLogin<'_>,
        name: &ReaderName,
        token: &str,
        agent: &str,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        self.retry("adding a reader", || async {
            let mut tx = self.database.begin().await?;
            let Some(reader) = add_named(&mut tx, name).await? else {
                tx.abandon().await?;
                return Ok(None);
            };
            if !link(&mut tx, reader, login, now).await? {
                tx.abandon().await?;
                return Ok(None);
            }
            let session = begin_session(&mut tx, reader, token, agent, now).await?;
            tx.commit().await?;
            Ok(Some(session))
        })
        .await
    }

    /// Uses an invitation: links its reader with this person, opens a closed account, ends the
    /// reader's sessions and begins one. The password stays, if there is one. `invitation` and
    /// `token` are hashes, as in [`Store::accept_invitation`].
    pub async fn accept_invitation_by_openid(
        &self,
        invitation: &str,
        login: OpenIdLogin<'_>,
        token: &str,
        agent: &str,
        now: Timestamp,
    ) -> Result<OpenIdJoined, StoreError> {
        self.retry("accepting an invitation", || async {
            let mut tx = self.database.begin().await?;
            let delete = sql("DELETE FROM invitation WHERE token = $1 AND ends_at > $2 RETURNING reader_id");
            let Some(row) = tx.row(delete.bind(invitation).bind(millis(now))).await? else {
                tx.abandon().await?;
                return Ok(OpenIdJoined::NotInvited);
            };
            let reader = id_in(&row, "reader_id")?;
            let open = sql("UPDATE reader SET closed_at = NULL, version = version + 1 WHERE id = $1");
            tx.run(open.bind(reader.0)).await?;
            if !link(&mut tx, reader, login, now).await? {
                tx.abandon().await?;
                return Ok(OpenIdJoined::Taken);
            }
            tx.run(sql("DELETE FROM session WHERE reader_id = $1").bind(reader.0)).await?;
            let session = begin_session(&mut tx, reader, token, agent, now).await?;
            tx.commit().await?;
            Ok(OpenIdJoined::Begun(session))
        })
        .await
    }

    /// Links a reader with this person. Returns false if the person is linked with another reader.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn link_openid(
        &self,
        reader: ReaderId,
        login: OpenIdLogin<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let linked = self.retry("linking a reader", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let is_linked = link(&mut tx, reader, login, now).await?;
            if is_linked {
                tx.commit().await?
            } else {
                tx.abandon().await?
            }
            Ok(Some(is_linked))
        });
        linked.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Unlinks a reader from all persons, and ends the reader's sessions, unless no operator could
    /// log in then.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn unlink_openid(&self, reader: ReaderId) -> Result<OpenIdUnlinked, StoreError> {
        let unlinked = self.retry("unlinking a reader", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            if Operators::lock(&mut tx).await?.need(reader, LogsInBy::OpenId) {
                tx.abandon().await?;
                return Ok(Some(OpenIdUnlinked::LastOperator));
            }
            let links = tx.run(sql("DELETE FROM openid_login WHERE reader_id = $1").bind(reader.0)).await?;
            if links > 0 {
                tx.run(sql("DELETE FROM session WHERE reader_id = $1").bind(reader.0)).await?;
            }
            tx.commit().await?;
            Ok(Some(if links > 0 { OpenIdUnlinked::Done } else { OpenIdUnlinked::NotLinked }))
        });
        unlinked.await?.ok_or_else(|| self.no_reader(reader))
    }
}

/// Links a reader with a person, and removes the link with another person of the same issuer.
/// Returns false if the person is linked with another reader.
async fn link(tx: &mut Tx, reader: ReaderId, login: OpenIdLogin<'_>, now: Timestamp) -> Tried<bool> {
    let replace = sql("DELETE FROM openid_login WHERE reader_id = $1 AND issuer = $2");
    tx.run(replace.bind(reader.0).bind(login.issuer)).await?;
    let insert = sql("INSERT INTO openid_login (issuer, subject, reader_id, linked_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT (issuer, subject) DO NOTHING");
    let insert = insert.bind(login.issuer).bind(login.subject).bind(reader.0).bind(millis(now));
    Ok(tx.run(insert).await? > 0)
}

/// Adds a reader under the first free name.
async fn add_named(tx: &mut Tx, name: &ReaderName) -> Tried<Option<ReaderId>> {
    for number in 1..=NAMES_MAX {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let begin: String = name.as_str().chars().take(READER_NAME_MAX - suffix.len()).collect();
        let insert = sql("INSERT INTO reader (name, role) VALUES ($1, $2)
             ON CONFLICT (name) DO NOTHING RETURNING id");
        let insert = insert.bind(begin + &suffix).bind(Role::Reader.as_str());
        if let Some(row) = tx.row(insert).await? {
            return Ok(Some(id_in(&row, "id")?));
        }
    }
    Ok(None)
}

fn id_in(row: &Row, column: &str) -> Tried<ReaderId> {
    row.int(column).map(ReaderId)
}
