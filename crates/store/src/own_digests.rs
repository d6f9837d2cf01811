//! Digests that readers chose for themselves: table `own_digest`.
//!
//! As with `subscribers`, an address counts once its owner has opened a link that was mailed to it
//! (`mailed_links`). A reader who stops the mails has no row. If the mailbox does not exist, the
//! row stays with what the mail server said.

use backissue_model::{DigestChoice, ReaderId, ReaderName, SearchName, SubscriberAddress};
use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp};

use crate::database::{Row, Tried, Tx, sql, sql_of};
use crate::error::Failure;
use crate::mailed_links::{LINK_LASTS, LINKS_MAX, before, note_stopped, works};
use crate::sendings::forget_recipient;
use crate::times::millis;
use crate::{Store, StoreError};

/// The time in which a reader causes at most [`LINKS_MAX`] mails with a link, to any address.
const LINKS_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// A reader's own digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnDigest {
    /// Whose it is.
    pub reader: ReaderId,
    /// That reader's name.
    pub reader_name: ReaderName,
    /// Where it goes.
    pub address: String,
    /// What is sent and when.
    pub choice: DigestChoice,
    /// The name of the saved search, if the choice has one.
    pub search: Option<SearchName>,
    /// The secret part of the address that confirms, or that unsubscribes.
    pub token: String,
    /// Whether the owner of the address confirmed it.
    pub is_confirmed: bool,
    /// What the mail server said when it knew no such mailbox. Nothing is sent then.
    pub trouble: Option<String>,
}

impl OwnDigest {
    /// Its name as a recipient.
    pub fn name(&self) -> String {
        recipient_of(self.reader)
    }

    /// For the operator: that nothing is sent, and why. `None` if the mailbox exists.
    pub fn failure(&self) -> Option<String> {
        let said = self.trouble.as_ref()?;
        Some(format!(
            "{}: the mail server knows no mailbox {} ({said}); nothing more is sent there, and the reader is told on /account",
            self.name(),
            self.address
        ))
    }
}

fn recipient_of(reader: ReaderId) -> String {
    format!("reader/{reader}")
}

/// The result of storing a reader's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnDigestSaved {
    /// The address is confirmed.
    Confirmed,
    /// A mail with a link is due.
    LinkDue,
    /// Nothing was stored: the reader caused too many mails with a link within a day.
    TooManyLinks,
}

const OWN_DIGEST: &str = "SELECT d.reader_id, d.address, d.part, d.search_id, d.most, d.weekday, d.hour,
        d.time_zone, d.token, d.confirmed_at, d.trouble, r.name AS reader_name, s.name AS search
     FROM own_digest d JOIN reader r ON r.id = d.reader_id LEFT JOIN saved_search s ON s.id = d.search_id";

impl Store {
    /// The reader's own digest.
    pub async fn own_digest(&self, reader: ReaderId) -> Result<Option<OwnDigest>, StoreError> {
        let query = sql_of(format!("{OWN_DIGEST} WHERE d.reader_id = $1"));
        self.one("looking up a reader's digest", query.bind(reader.0), digest_of_row).await
    }

    /// The digests whose addresses are confirmed, of readers with an open account.
    pub async fn own_digests(&self) -> Result<Vec<OwnDigest>, StoreError> {
        let query = format!(
            "{OWN_DIGEST} WHERE d.confirmed_at IS NOT NULL AND r.closed_at IS NULL ORDER BY d.reader_id"
        );
        self.list("listing readers' digests", sql_of(query), digest_of_row).await
    }

    /// The digests whose mailboxes do not exist, of readers with an open account.
    pub async fn failed_own_digests(&self) -> Result<Vec<OwnDigest>, StoreError> {
        let query =
            format!("{OWN_DIGEST} WHERE d.trouble IS NOT NULL AND r.closed_at IS NULL ORDER BY d.reader_id");
        self.list("listing readers' digests", sql_of(query), digest_of_row).await
    }

    /// The digest whose link has this token. A link that confirms has ended after two days.
    pub async fn own_digest_of(&self, token: &str, now: Timestamp) -> Result<Option<OwnDigest>, StoreError> {
        let query = sql_of(format!("{OWN_DIGEST} WHERE {}", works("d")));
        let query = query.bind(token).bind(before(now, LINK_LASTS));
        self.one("looking up a reader's digest", query, digest_of_row).await
    }

    /// Stores where a reader's digest goes, and what it has. Makes a mail with a link due unless
    /// this address is confirmed; `token` is for it. A saved search of another reader counts as
    /// none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn set_own_digest(
        &self,
        reader: ReaderId,
        address: &SubscriberAddress,
        choice: &DigestChoice,
        token: &str,
        now: Timestamp,
    ) -> Result<OwnDigestSaved, StoreError> {
        let saved = self.retry("storing a reader's digest", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let saved = put(&mut tx, reader, address, choice, token, now).await?;
            match saved {
                OwnDigestSaved::TooManyLinks => tx.abandon().await?,
                _ => tx.commit().await?,
            }
            Ok(Some(saved))
        });
        saved.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Takes a mail with a link that is due. It is attempted once, unless
    /// [`Store::retry_own_digest`] makes it due again.
    pub async fn take_own_digest_due(&self, now: Timestamp) -> Result<Option<OwnDigest>, StoreError> {
        let due = sql_of(format!(
            "{OWN_DIGEST} WHERE d.due_at IS NOT NULL AND d.due_at <= $1 AND r.closed_at IS NULL
             ORDER BY d.due_at, d.reader_id LIMIT 1"
        ));
        let found = self.one("looking for links to mail", due.bind(millis(now)), digest_of_row).await?;
        let Some(found) = found else { return Ok(None) };
        Ok(self.take_link("own_digest", &found.token, now).await?.then_some(found))
    }

    /// Makes the mail with this link due again at this moment, unless too many were attempted.
    pub async fn retry_own_digest(&self, token: &str, at: Timestamp) -> Result<(), StoreError> {
        self.retry_link("own_digest", token, at).await
    }

    /// Confirms the address whose link has this token, and replaces the token. What was due before
    /// is not sent. Returns false if the link has ended or was used.
    pub async fn confirm_own_digest(
        &self,
        token: &str,
        new_token: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.retry("confirming a reader's digest", || async {
            let mut tx = self.database.begin().await?;
            let confirm =
                sql("UPDATE own_digest SET confirmed_at = $2, token = $3, due_at = NULL, trouble = NULL
                 WHERE token = $1 AND confirmed_at IS NULL AND asked_at >= $4 RETURNING reader_id");
            let confirm = confirm.bind(token).bind(millis(now)).bind(new_token).bind(before(now, LINK_LASTS));
            let Some(row) = tx.row(confirm).await? else {
                tx.abandon().await?;
                return Ok(false);
            };
            let since =
                sql("INSERT INTO recipient (name, since) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
            let name = recipient_of(ReaderId(row.int("reader_id")?));
            tx.run(since.bind(name).bind(millis(now))).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Stops the digest whose mails have this token, since its mailbox does not exist. Keeps what
    /// the mail server said, for the reader. What could not be sent is due again once another
    /// address is confirmed.
    pub async fn fail_own_digest(&self, token: &str, said: &str) -> Result<bool, StoreError> {
        self.retry("stopping a reader's digest", || async {
            let mut tx = self.database.begin().await?;
            let fail = sql("UPDATE own_digest SET confirmed_at = NULL, trouble = $2 WHERE token = $1
                 RETURNING reader_id");
            let Some(row) = tx.row(fail.bind(token).bind(said)).await? else {
                tx.abandon().await?;
                return Ok(false);
            };
            let name = recipient_of(ReaderId(row.int("reader_id")?));
            tx.run(sql("DELETE FROM sending WHERE recipient = $1 AND sent_at IS NULL").bind(name)).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Deletes a reader's digest with everything about it. Only the token of a confirmed one stays,
    /// for a year ([`Store::was_stopped`]). Returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn remove_own_digest(&self, reader: ReaderId, now: Timestamp) -> Result<bool, StoreError> {
        let removed = self.retry("removing a reader's digest", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let removed = remove(&mut tx, reader, now).await?;
            tx.commit().await?;
            Ok(Some(removed))
        });
        removed.await?.ok_or_else(|| self.no_reader(reader))
    }
}

async fn put(
    tx: &mut Tx,
    reader: ReaderId,
    address: &SubscriberAddress,
    choice: &DigestChoice,
    token: &str,
    now: Timestamp,
) -> Tried<OwnDigestSaved> {
    let query = sql("SELECT address, token, mails, mails_since, due_at, confirmed_at FROM own_digest
         WHERE reader_id = $1");
    let row = tx.row(query.bind(reader.0)).await?;
    let (mut mails, mut since) = (0, millis(now));
    let (mut is_confirmed, mut is_due) = (false, false);
    if let Some(row) = &row {
        let is_same = row.text("address")? == address.as_str();
        let was_confirmed = row.opt_int("confirmed_at")?.is_some();
        is_confirmed = is_same && was_confirmed;
        if was_confirmed && !is_same {
            note_stopped(tx, &row.text("token")?, now).await?;
        }
        is_due = row.opt_int("due_at")?.is_some();
        if row.int("mails_since")? > before(now, LINKS_WITHIN) {
            (mails, since) = (row.int("mails")?, row.int("mails_since")?);
        }
    }
    // A mail that is due already costs nothing more.
    if !is_confirmed && !is_due && mails >= LINKS_MAX {
        return Ok(OwnDigestSaved::TooManyLinks);
    }
    let upsert =
        sql("INSERT INTO own_digest (reader_id, address, part, search_id, most, weekday, hour, time_zone,
            token, asked_at, mails, mails_since, due_at)
         VALUES ($1, $2, $3, (SELECT id FROM saved_search WHERE id = $4 AND reader_id = $1), $5, $6, $7, $8,
            $9, $10, $11, $12, $10)
         ON CONFLICT (reader_id) DO UPDATE SET address = excluded.address, part = excluded.part,
            search_id = excluded.search_id, most = excluded.most, weekday = excluded.weekday,
            hour = excluded.hour, time_zone = excluded.time_zone");
    let upsert = upsert
        .bind(reader.0)
        .bind(address.as_str())
        .bind(choice.part.as_str())
        .bind(choice.search)
        .bind(choice.most)
        .bind(i64::from(choice.weekday.to_monday_one_offset()))
        .bind(i64::from(choice.hour))
        .bind(choice.time_zone.as_str())
        .bind(token)
        .bind(millis(now))
        .bind(mails)
        .bind(since);
    tx.run(upsert).await?;
    if is_confirmed {
        return Ok(OwnDigestSaved::Confirmed);
    }
    let ask =
        sql("UPDATE own_digest SET token = $2, asked_at = $3, mails = $4, mails_since = $5, due_at = $3,
            confirmed_at = NULL, trouble = NULL
         WHERE reader_id = $1");
    let ask = ask.bind(reader.0).bind(token).bind(millis(now)).bind(mails).bind(since);
    tx.run(ask).await?;
    Ok(OwnDigestSaved::LinkDue)
}

/// Deletes a reader's digest. Returns whether there was one.
pub(crate) async fn remove(tx: &mut Tx, reader: ReaderId, now: Timestamp) -> Tried<bool> {
    let delete = sql("DELETE FROM own_digest WHERE reader_id = $1 RETURNING token, confirmed_at");
    let Some(row) = tx.row(delete.bind(reader.0)).await? else { return Ok(false) };
    if row.opt_int("confirmed_at")?.is_some() {
        note_stopped(tx, &row.text("token")?, now).await?;
    }
    forget_recipient(tx, &recipient_of(reader)).await?;
    Ok(true)
}

fn digest_of_row(row: &Row) -> Tried<OwnDigest> {
    let weekday = i8::try_from(row.int("weekday")?).ok();
    let weekday = weekday.and_then(|day| Weekday::from_monday_one_offset(day).ok());
    Ok(OwnDigest {
        reader: ReaderId(row.int("reader_id")?),
        reader_name: row.parsed("reader_name")?,
        address: row.text("address")?,
        choice: DigestChoice {
            part: row.parsed("part")?,
            search: row.opt_int("search_id")?,
            most: row.small("most")?,
            weekday: weekday.ok_or_else(|| Failure::Unreadable("no day of the week".into()))?,
            hour: i8::try_from(row.int("hour")?).unwrap_or(0).clamp(0, 23),
            time_zone: row.text("time_zone")?,
        },
        search: row.opt_parsed("search")?,
        token: row.text("token")?,
        is_confirmed: row.opt_int("confirmed_at")?.is_some(),
        trouble: row.opt_text("trouble")?,
    })
}
