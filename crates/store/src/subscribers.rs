//! Subscribers to the week by mail: table `subscriber`.
//!
//! An address counts once its owner has opened a link that was mailed to it (`mailed_links`).
//! Limits hold for each address, and for all that are not confirmed.

use backissue_model::SubscriberAddress;
use jiff::{SignedDuration, Timestamp};

use crate::database::{Row, Tried, sql, sql_of};
use crate::mailed_links::{LINK_LASTS, LINKS_MAX, before, note_stopped, works};
use crate::sendings::forget_recipient;
use crate::times::millis;
use crate::{Store, StoreError};

/// The shortest pause between two mails with a link to one address.
const PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// Most addresses that wait for their owners.
const WAITING_MAX: i64 = 1_000;

/// A person who gets the week by mail, or who was asked to confirm this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// Its row.
    pub id: i64,
    /// The mail address.
    pub address: String,
    /// The secret part of the link that confirms, or that unsubscribes.
    pub token: String,
    /// Whether the owner of the address confirmed it.
    pub is_confirmed: bool,
}

impl Subscriber {
    /// The name of the subscriber as a recipient.
    pub fn name(&self) -> String {
        format!("subscriber/{}", self.id)
    }
}

const SUBSCRIBER: &str = "SELECT id, address, token, confirmed_at FROM subscriber";

impl Store {
    /// Records that somebody entered this address, and makes a mail with a link due. `token` is for
    /// a new link. Returns false if no mail is due, because the address is confirmed, had such a
    /// mail recently or too often, or because too many addresses are not confirmed yet.
    pub async fn ask_subscriber(
        &self,
        address: &SubscriberAddress,
        token: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.retry("subscribing an address", || async {
            let mut tx = self.database.begin().await?;
            let ended = sql("DELETE FROM subscriber WHERE confirmed_at IS NULL AND asked_at < $1");
            tx.run(ended.bind(before(now, LINK_LASTS))).await?;
            let again = sql("UPDATE subscriber SET asked_at = $2, due_at = $2
                 WHERE address = $1 AND confirmed_at IS NULL AND due_at IS NULL AND mails < $3 AND asked_at <= $4");
            let again =
                again.bind(address.as_str()).bind(millis(now)).bind(LINKS_MAX).bind(before(now, PAUSE));
            let mut is_due = tx.run(again).await? > 0;
            if !is_due {
                let new = sql("INSERT INTO subscriber (address, token, asked_at, mails, due_at)
                     SELECT $1, $2, $3, 0, $3
                     WHERE (SELECT count(*) FROM subscriber WHERE confirmed_at IS NULL) < $4
                     ON CONFLICT (address) DO NOTHING");
                let new = new.bind(address.as_str()).bind(token).bind(millis(now)).bind(WAITING_MAX);
                is_due = tx.run(new).await? > 0;
            }
            tx.commit().await?;
            Ok(is_due)
        })
        .await
    }

    /// Takes a due mail with a link. It is attempted once, unless [`Store::retry_subscriber`] makes
    /// it due again.
    pub async fn take_subscriber_due(&self, now: Timestamp) -> Result<Option<Subscriber>, StoreError> {
        let due = sql_of(format!(
            "{SUBSCRIBER} WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT 1"
        ));
        let found = self.one("looking for links to mail", due.bind(millis(now)), subscriber_of_row).await?;
        let Some(found) = found else { return Ok(None) };
        Ok(self.take_link("subscriber", &found.token, now).await?.then_some(found))
    }

    /// Makes the mail with this link due again at this moment, unless too many were attempted.
    pub async fn retry_subscriber(&self, token: &str, at: Timestamp) -> Result<(), StoreError> {
        self.retry_link("subscriber", token, at).await
    }

    /// The subscriber whose link has this token. A link that confirms has ended after two days.
    pub async fn subscriber(&self, token: &str, now: Timestamp) -> Result<Option<Subscriber>, StoreError> {
        let query = sql_of(format!("{SUBSCRIBER} WHERE {}", works("subscriber")));
        let query = query.bind(token).bind(before(now, LINK_LASTS));
        self.one("looking up a subscriber", query, subscriber_of_row).await
    }

    /// Confirms the address whose link has this token, and replaces the token. Returns false if the
    /// link has ended or was used.
    pub async fn confirm_subscriber(
        &self,
        token: &str,
        new_token: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let confirm = sql("UPDATE subscriber SET confirmed_at = $2, token = $3, due_at = NULL
             WHERE token = $1 AND confirmed_at IS NULL AND asked_at >= $4");
        let confirm = confirm.bind(token).bind(millis(now)).bind(new_token).bind(before(now, LINK_LASTS));
        Ok(self.change("confirming a subscriber", confirm).await? > 0)
    }

    /// Deletes the confirmed subscriber whose mails have this token, with everything about it. Only
    /// the token stays, for a year ([`Store::was_stopped`]).
    pub async fn remove_subscriber(&self, token: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.retry("removing a subscriber", || async {
            let mut tx = self.database.begin().await?;
            let query = format!("{SUBSCRIBER} WHERE token = $1 AND confirmed_at IS NOT NULL");
            let Some(row) = tx.row(sql_of(query).bind(token)).await? else {
                tx.abandon().await?;
                return Ok(false);
            };
            let found = subscriber_of_row(&row)?;
            forget_recipient(&mut tx, &found.name()).await?;
            tx.run(sql("DELETE FROM subscriber WHERE id = $1").bind(found.id)).await?;
            note_stopped(&mut tx, token, now).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// The subscribers that are confirmed.
    pub async fn subscribers(&self) -> Result<Vec<Subscriber>, StoreError> {
        let query = format!("{SUBSCRIBER} WHERE confirmed_at IS NOT NULL ORDER BY id");
        self.list("listing subscribers", sql_of(query), subscriber_of_row).await
    }
}

fn subscriber_of_row(row: &Row) -> Tried<Subscriber> {
    Ok(Subscriber {
        id: row.int("id")?,
        address: row.text("address")?,
        token: row.text("token")?,
        is_confirmed: row.opt_int("confirmed_at")?.is_some(),
    })
}
