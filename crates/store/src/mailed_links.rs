//! Links that are mailed to an address, so that its owner confirms it: the columns `token`,
//! `asked_at`, `mails`, `due_at` and `confirmed_at` of tables `subscriber` and `own_digest`.
//!
//! A link that confirms works once. Its new token stands in the mails, to unsubscribe. Who
//! unsubscribes is deleted; table `stopped_link` has only the token.

use jiff::{SignedDuration, Timestamp};

use crate::database::{Tried, Tx, sql, sql_of};
use crate::times::millis;
use crate::{Store, StoreError};

/// How long a link for confirming works.
pub const LINK_LASTS: SignedDuration = SignedDuration::from_hours(48);
/// Most mails with a link to one address, until its link ends.
pub(crate) const LINKS_MAX: i64 = 3;
/// How long a link that unsubscribed somebody is remembered.
const STOPPED_LASTS: SignedDuration = SignedDuration::from_hours(365 * 24);

impl Store {
    /// Takes the due mail with this link. Returns false if another process has taken it.
    pub(crate) async fn take_link(
        &self,
        table: &'static str,
        token: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let take = sql_of(format!(
            "UPDATE {table} SET due_at = NULL, mails = mails + 1
             WHERE token = $1 AND due_at IS NOT NULL AND due_at <= $2"
        ));
        Ok(self.change("taking a link to mail", take.bind(token).bind(millis(now))).await? > 0)
    }

    /// Makes the mail with this link due again at this moment, unless too many were attempted.
    pub(crate) async fn retry_link(
        &self,
        table: &'static str,
        token: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let retry = sql_of(format!(
            "UPDATE {table} SET due_at = $2 WHERE token = $1 AND confirmed_at IS NULL AND mails < $3"
        ));
        let retry = retry.bind(token).bind(millis(at)).bind(LINKS_MAX);
        self.change("mailing a link again", retry).await.map(drop)
    }

    /// Whether a link with this token unsubscribed somebody within the last year.
    pub async fn was_stopped(&self, token: &str) -> Result<bool, StoreError> {
        let query = sql("SELECT stopped_at FROM stopped_link WHERE token = $1");
        let stopped =
            self.one("looking up an unsubscription", query.bind(token), |row| row.int("stopped_at"));
        Ok(stopped.await?.is_some())
    }
}

/// The condition that a row has the token `$1`, and that its link confirms and was asked for at
/// `$2` or later, or unsubscribes.
pub(crate) fn works(row: &str) -> String {
    format!("{row}.token = $1 AND ({row}.confirmed_at IS NOT NULL OR {row}.asked_at >= $2)")
}

/// Remembers that a link unsubscribed somebody.
pub(crate) async fn note_stopped(tx: &mut Tx, token: &str, now: Timestamp) -> Tried<()> {
    tx.run(sql("DELETE FROM stopped_link WHERE stopped_at < $1").bind(before(now, STOPPED_LASTS))).await?;
    let insert =
        sql("INSERT INTO stopped_link (token, stopped_at) VALUES ($1, $2) ON CONFLICT (token) DO NOTHING");
    tx.run(insert.bind(token).bind(millis(now))).await.map(drop)
}

/// A time ago, as it is stored.
pub(crate) fn before(now: Timestamp, time: SignedDuration) -> i64 {
    millis(now.saturating_sub(time).unwrap_or(Timestamp::MIN))
}
