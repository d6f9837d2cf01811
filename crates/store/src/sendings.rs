//! Weeks and alerts on their way to recipients: tables `recipient` and `sending`.
//!
//! The claim of a sending commits before the message leaves, the result afterwards. Only the holder
//! of the last lease can store a result.

use std::fmt;

use backissue_model::Week;
use jiff::{SignedDuration, Timestamp};

use crate::database::{Row, Tried, Tx, sql, sql_of};
use crate::error::Failure;
use crate::times::millis;
use crate::{Store, StoreError};

/// What is sent to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// The digest of a week.
    Week(Week),
    /// The alert with this number: new answers to saved searches.
    Alert(i64),
}

/// The prefix of the name of an alert.
const ALERT: &str = "alert-";

impl fmt::Display for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Week(week) => write!(f, "{week}"),
            Self::Alert(number) => write!(f, "{ALERT}{number}"),
        }
    }
}

/// The claim of sending something to a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The recipient's name.
    pub recipient: String,
    /// What is sent.
    pub dispatch: Dispatch,
    /// Number of attempts, including this one.
    pub attempts: u32,
    /// Number of earlier attempts that may have arrived, because the process died or no response
    /// came.
    pub unanswered: u32,
    /// How often a person had it sent again after it was sent or given up.
    pub round: u32,
    claim: i64,
}

/// The result of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendingClaim {
    /// The caller holds it until the lease ends.
    Claimed(Sending),
    /// It was sent at this moment.
    Sent(Timestamp),
    /// Another process holds it, or it is not due before this moment.
    NotBefore(Timestamp),
    /// It was given up, for this reason.
    GivenUp(String),
    /// The recipient unsubscribed at this moment.
    Unsubscribed(Timestamp),
}

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendingResult {
    /// It was sent.
    Sent,
    /// It failed and is due again at this moment.
    Again(Timestamp, String),
    /// No response came, so it may have arrived. It is due again at this moment.
    Unanswered(Timestamp, String),
    /// It failed and is given up.
    GivenUp(String),
}

/// Whether a sending is claimed although it was sent or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// It is claimed only if it was neither sent nor given up, and only when it is due.
    No,
    /// It is claimed again, even after it was sent or given up, but not while another process holds
    /// it.
    Yes,
}

/// The state of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecipientState {
    /// When the archive first saw it.
    pub since: Timestamp,
    /// When it unsubscribed.
    pub unsubscribed_at: Option<Timestamp>,
}

impl SendingState {
    /// What the recipient of this name did not get, why, and the remedy. `None` if nothing failed.
    pub fn trouble(&self, name: &str) -> Option<String> {
        self.failure(name).map(|failure| format!("{name} of {failure}"))
    }

    /// The same without the recipient's name.
    pub fn failure(&self, name: &str) -> Option<String> {
        let (week, error) = (self.week, self.error.as_ref()?);
        let remedy = match self.next {
            Some(next) => format!("`serve` or `work` tries again after {next:.0}"),
            None => format!("`backissue send --to {name} --week {week} --again` sends it again"),
        };
        Some(format!("{week}: {error}; {remedy}"))
    }

    /// The last week in words, with the remedy if its sending failed.
    pub fn told(&self, name: &str) -> String {
        let week = self.week;
        self.failure(name).unwrap_or_else(|| match (self.sent_at, self.next) {
            (Some(at), _) => format!("{week} was sent {at}"),
            (None, Some(next)) => format!(
                "{week} is being sent, or its process ended while it was; `serve` or `work` tries again after {next:.0}"
            ),
            (None, None) => format!("{week} was not sent"),
        })
    }
}

/// A week on its way to a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendingState {
    /// The week.
    pub week: Week,
    /// When it was sent; `None` if it was not.
    pub sent_at: Option<Timestamp>,
    /// When it is tried again. `None` if it was sent or given up.
    pub next: Option<Timestamp>,
    /// The last failure.
    pub error: Option<String>,
}

impl Store {
    /// The state of a recipient. Stores a new recipient.
    pub async fn recipient(&self, name: &str, now: Timestamp) -> Result<RecipientState, StoreError> {
        self.retry("looking up a recipient", || self.try_recipient(name, now)).await
    }

    async fn try_recipient(&self, name: &str, now: Timestamp) -> Tried<RecipientState> {
        const KNOWN: &str = "SELECT since, unsubscribed_at FROM recipient WHERE name = $1";
        let mut row = self.database.row(sql(KNOWN).bind(name)).await?;
        if row.is_none() {
            let mut tx = self.database.begin().await?;
            let insert =
                sql("INSERT INTO recipient (name, since) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
            tx.run(insert.bind(name).bind(millis(now))).await?;
            row = tx.row(sql(KNOWN).bind(name)).await?;
            tx.commit().await?;
        }
        let row = row.ok_or_else(|| Failure::Unreadable("a recipient is gone".into()))?;
        Ok(RecipientState {
            since: row.moment("since")?,
            unsubscribed_at: row.opt_moment("unsubscribed_at")?,
        })
    }

    /// The sending of a week to a recipient, or of the newest week.
    pub async fn sending(
        &self,
        recipient: &str,
        week: Option<Week>,
    ) -> Result<Option<SendingState>, StoreError> {
        const STATE: &str =
            "SELECT dispatch AS week, due_at, sent_at, given_up, error FROM sending WHERE recipient = $1";
        let query = match week {
            Some(week) => sql_of(format!("{STATE} AND dispatch = $2")).bind(recipient).bind(week.to_string()),
            None => {
                sql_of(format!("{STATE} AND dispatch NOT LIKE '{ALERT}%' ORDER BY dispatch DESC LIMIT 1"))
                    .bind(recipient)
            }
        };
        self.one("looking up a sending", query, state_of_row).await
    }

    /// The newest week on its way to each subscriber and each reader, with their names as
    /// recipients.
    /// With `only_failed` those whose last attempt failed.
    pub async fn weeks_of_people(
        &self,
        only_failed: bool,
        limit: u32,
    ) -> Result<Vec<(String, SendingState)>, StoreError> {
        let failed = if only_failed { "AND d.error IS NOT NULL" } else { "" };
        let query = sql_of(format!(
            "SELECT d.recipient, d.dispatch AS week, d.due_at, d.sent_at, d.given_up, d.error FROM sending d
             WHERE (d.recipient LIKE 'subscriber/%' OR d.recipient LIKE 'reader/%') {failed}
                AND d.dispatch = (SELECT max(o.dispatch) FROM sending o
                    WHERE o.recipient = d.recipient AND o.dispatch NOT LIKE '{ALERT}%')
             ORDER BY d.recipient LIMIT $1"
        ));
        let of_row = |row: &Row| Ok((row.text("recipient")?, state_of_row(row)?));
        self.list("listing what people get", query.bind(limit), of_row).await
    }

    /// The weeks since `first` whose sending to a recipient has begun and is due again: an attempt
    /// failed, or its process died. The oldest first.
    pub async fn begun_weeks(
        &self,
        recipient: &str,
        first: Week,
        now: Timestamp,
    ) -> Result<Vec<Week>, StoreError> {
        let query = sql_of(format!(
            "SELECT dispatch FROM sending
             WHERE recipient = $1 AND dispatch >= $2 AND dispatch NOT LIKE '{ALERT}%' AND due_at <= $3
                AND sent_at IS NULL AND given_up = 0 ORDER BY dispatch"
        ));
        let query = query.bind(recipient).bind(first.to_string()).bind(millis(now));
        self.list("looking for weeks to send again", query, |row| row.parsed("dispatch")).await
    }

    /// Stores that a recipient unsubscribed, or subscribed again.
    pub async fn set_unsubscribed(&self, name: &str, stop: bool, now: Timestamp) -> Result<(), StoreError> {
        let upsert = sql("INSERT INTO recipient (name, since, unsubscribed_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET unsubscribed_at =
                CASE WHEN $3 IS NULL THEN NULL ELSE coalesce(recipient.unsubscribed_at, $3) END");
        let upsert = upsert.bind(name).bind(millis(now)).bind(stop.then(|| millis(now)));
        self.change("storing an unsubscription", upsert).await.map(|_| ())
    }

    /// Claims the sending of a week or an alert to a recipient for `lease`.
    pub async fn claim_sending(
        &self,
        recipient: &str,
        dispatch: Dispatch,
        resend: Resend,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<SendingClaim, StoreError> {
        self.retry("claiming a sending", || async {
            let known = self.try_recipient(recipient, now).await?;
            if let Some(since) = known.unsubscribed_at {
                return Ok(SendingClaim::Unsubscribed(since));
            }
            let mut tx = self.database.begin().await?;
            // The transaction writes first, so that a second process waits. It is rolled back if
            // nothing is claimed.
            let insert = sql("INSERT INTO sending (recipient, dispatch, due_at) VALUES ($1, $2, $3)
                 ON CONFLICT (recipient, dispatch) DO UPDATE SET claim = sending.claim + 1");
            tx.run(insert.bind(recipient).bind(dispatch.to_string()).bind(millis(now))).await?;
            let row =
                sql("SELECT claim, attempts, unanswered, round, held, due_at, sent_at, given_up, error FROM sending
                 WHERE recipient = $1 AND dispatch = $2");
            let row = tx.row(row.bind(recipient).bind(dispatch.to_string())).await?;
            let row = row.ok_or_else(|| Failure::Unreadable("a sending is gone".into()))?;
            let (due_at, is_held) = (row.moment("due_at")?, row.yes("held")?);
            let is_over = row.opt_moment("sent_at")?.is_some() || row.yes("given_up")?;
            let not_claimed = if is_held && due_at > now {
                Some(SendingClaim::NotBefore(due_at))
            } else if resend == Resend::Yes {
                None
            } else if let Some(at) = row.opt_moment("sent_at")? {
                Some(SendingClaim::Sent(at))
            } else if row.yes("given_up")? {
                Some(SendingClaim::GivenUp(row.opt_text("error")?.unwrap_or_default()))
            } else {
                (due_at > now).then_some(SendingClaim::NotBefore(due_at))
            };
            if let Some(not_claimed) = not_claimed {
                tx.abandon().await?;
                return Ok(not_claimed);
            }
            let attempts = if is_over { 1 } else { row.small("attempts")? + 1 };
            // A person who sends it again knows what arrived.
            let unanswered =
                if resend == Resend::Yes { 0 } else { row.small("unanswered")? + u32::from(is_held) };
            let round = row.small("round")? + u32::from(is_over);
            let claim = row.int("claim")?;
            let hold = sql("UPDATE sending
                 SET attempts = $3, unanswered = $4, held = 1, due_at = $5, round = $6, sent_at = NULL, given_up = 0
                 WHERE recipient = $1 AND dispatch = $2");
            let hold = hold.bind(recipient).bind(dispatch.to_string()).bind(attempts).bind(unanswered);
            tx.run(hold.bind(millis(now + lease)).bind(round)).await?;
            tx.commit().await?;
            Ok(SendingClaim::Claimed(Sending {
                recipient: recipient.to_owned(),
                dispatch,
                attempts,
                unanswered,
                round,
                claim,
            }))
        })
        .await
    }

    /// Stores the result of an attempt. Returns false and stores nothing if the lease was lost.
    pub async fn finish_sending(
        &self,
        sending: &Sending,
        result: &SendingResult,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (sent_at, due_at, error) = match result {
            SendingResult::Sent => (Some(millis(now)), millis(now), None),
            SendingResult::Again(at, error) | SendingResult::Unanswered(at, error) => {
                (None, millis(*at), Some(error.as_str()))
            }
            SendingResult::GivenUp(error) => (None, millis(now), Some(error.as_str())),
        };
        let is_given_up = i64::from(matches!(result, SendingResult::GivenUp(_)));
        let unanswered = i64::from(matches!(result, SendingResult::Unanswered(..)));
        let update = sql("UPDATE sending SET held = 0, sent_at = $4, due_at = $5, error = $6, given_up = $7,
                unanswered = unanswered + $8
             WHERE recipient = $1 AND dispatch = $2 AND claim = $3 AND held = 1");
        let update = update
            .bind(sending.recipient.as_str())
            .bind(sending.dispatch.to_string())
            .bind(sending.claim)
            .bind(sent_at)
            .bind(due_at)
            .bind(error)
            .bind(is_given_up)
            .bind(unanswered);
        Ok(self.change("storing the result of a sending", update).await? > 0)
    }
}

/// Deletes what was sent to a recipient, and since when it is one.
pub(crate) async fn forget_recipient(tx: &mut Tx, name: &str) -> Tried<()> {
    tx.run(sql("DELETE FROM sending WHERE recipient = $1").bind(name)).await?;
    tx.run(sql("DELETE FROM recipient WHERE name = $1").bind(name)).await?;
    Ok(())
}

fn state_of_row(row: &Row) -> Tried<SendingState> {
    let sent_at = row.opt_moment("sent_at")?;
    let is_over = sent_at.is_some() || row.yes("given_up")?;
    let due_at = row.moment("due_at")?;
    Ok(SendingState {
        week: row.parsed("week")?,
        sent_at,
        next: (!is_over).then_some(due_at),
        error: row.opt_text("error")?,
    })
}
