//! Hubs that tell when feeds have changed (WebSub): table `subscription`.
//!
//! A source whose feed names a hub has a row, made with the poll that read the name. The row is the job: a worker claims it and
//! asks the hub; the hub confirms by a call of its own, which is found by its token.

use backissue_model::{PollingHints, SourceId};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::archive::touch;
use crate::database::{Row, Sql, Tried, Tx, retried, sql};
use crate::error::Failure;
use crate::sources::{not_among, of_due};
use crate::times::millis;
use crate::{Store, StoreError};

/// What a subscription is called at its hub, both unguessable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubNames {
    /// The last part of the address at which the hub calls.
    pub token: String,
    /// What the hub signs with.
    pub secret: String,
}

/// A subscription that this worker alone may ask for until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedSubscription {
    /// The source.
    pub source: SourceId,
    /// Its hub.
    pub hub: Url,
    /// What the hub knows the feed by.
    pub topic: Url,
    /// The hub's host.
    pub host: String,
    /// What it is called at the hub.
    pub names: HubNames,
    /// How often it was asked in vain since it confirmed last.
    pub attempts: u32,
    /// Proof of the lease.
    pub(crate) claim: i64,
}

/// A subscription as who calls with its token is to be judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The source.
    pub source: SourceId,
    /// What the hub knows the feed by.
    pub topic: Url,
    /// What the hub signs with.
    pub secret: String,
}

impl Store {
    /// Takes the subscription that is to be asked for next and holds it for `lease`. One that is asked for the first time is
    /// called by `fresh`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn claim_subscription(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        busy_hosts: &[String],
        fresh: &HubNames,
    ) -> Result<Option<ClaimedSubscription>, StoreError> {
        let claimed = retried(|| self.try_claim_subscription(now, lease, busy_hosts, fresh)).await;
        claimed.map_err(|f| f.at(&self.location, "claiming a subscription"))
    }

    async fn try_claim_subscription(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        busy: &[String],
        fresh: &HubNames,
    ) -> Tried<Option<ClaimedSubscription>> {
        let candidate = format!(
            "SELECT source_id FROM subscription WHERE due_at <= $1 {}
             AND (leased_until IS NULL OR leased_until <= $1)
             AND EXISTS (SELECT 1 FROM source s WHERE s.id = source_id AND s.standing = 'active'
                         AND s.paused_at IS NULL)
             ORDER BY due_at, source_id LIMIT 1",
            not_among("host", 3, busy)
        );
        let bound = |text: String| of_due(text, now, lease, busy);
        let look = format!("SELECT c.source_id, CAST($2 AS BIGINT) AS until FROM ({candidate}) AS c");
        let take = |lock: &str| {
            bound(format!(
                "UPDATE subscription SET claim = claim + 1, leased_until = $2, asked_at = $1
                 WHERE source_id = ({candidate} {lock}) RETURNING *"
            ))
        };
        let Some((mut tx, taken)) = self.database.begin_claim(bound(look), take).await? else {
            return Ok(None);
        };
        let source = SourceId(taken.int("source_id")?);
        let names = match (taken.opt_text("token")?, taken.opt_text("secret")?) {
            (Some(token), Some(secret)) => HubNames { token, secret },
            _ => {
                let name = sql("UPDATE subscription SET token = $2, secret = $3 WHERE source_id = $1");
                tx.run(name.bind(source.0).bind(fresh.token.as_str()).bind(fresh.secret.as_str())).await?;
                fresh.clone()
            }
        };
        let claimed = ClaimedSubscription {
            source,
            hub: taken.parsed("hub")?,
            topic: taken.parsed("topic")?,
            host: taken.text("host")?,
            names,
            attempts: taken.small("attempts")?,
            claim: taken.int("claim")?,
        };
        tx.commit().await?;
        Ok(Some(claimed))
    }

    /// Records that a hub was asked, with what went wrong if anything did. It is asked again at `again` unless it has confirmed
    /// meanwhile, which it may do before it answers.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn record_subscription(
        &self,
        claimed: &ClaimedSubscription,
        error: Option<&str>,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        let recorded = async {
            let mut tx = self.database.begin().await?;
            let update = sql("UPDATE subscription SET leased_until = NULL, error = $3,
                    due_at = CASE WHEN confirmed_at >= asked_at THEN due_at ELSE $4 END,
                    attempts = CASE WHEN confirmed_at >= asked_at THEN 0 ELSE attempts + 1 END
                 WHERE source_id = $1 AND claim = $2");
            tx.run(update.bind(claimed.source.0).bind(claimed.claim).bind(error).bind(millis(again))).await?;
            touch(&mut tx).await?;
            tx.commit().await
        };
        recorded.await.map_err(|f| f.at(&self.location, "recording that a hub was asked"))
    }

    /// The subscription whose hub calls with this token.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn subscription(&self, token: &str) -> Result<Option<Subscription>, StoreError> {
        let query = sql("SELECT source_id, topic, secret FROM subscription WHERE token = $1").bind(token);
        let found = async {
            let row = self.database.row(query).await?;
            row.map(|row| {
                Ok(Subscription {
                    source: SourceId(row.int("source_id")?),
                    topic: row.parsed("topic")?,
                    secret: row.text("secret")?,
                })
            })
            .transpose()
        };
        found.await.map_err(|f: Failure| f.at(&self.location, "looking up a subscription"))
    }

    /// Records that the hub has confirmed: it tells of changes until `ends_at`, and is to be asked again at `due_at`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn confirm_subscription(
        &self,
        token: &str,
        now: Timestamp,
        ends_at: Timestamp,
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let update = sql(
            "UPDATE subscription SET confirmed_at = $2, ends_at = $3, due_at = $4, attempts = 0, error = NULL
             WHERE token = $1",
        );
        let update = update.bind(token).bind(millis(now)).bind(millis(ends_at)).bind(millis(due_at));
        self.change_subscription(update).await
    }

    /// Records that the hub will not tell of changes, and why; it is asked again at `due_at`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn refuse_subscription(
        &self,
        token: &str,
        why: &str,
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let update = sql("UPDATE subscription SET ends_at = NULL, error = $2, due_at = $3 WHERE token = $1");
        self.change_subscription(update.bind(token).bind(why).bind(millis(due_at))).await
    }

    /// Records that a hub has told of a change: the source's next poll is at `poll_at` at the latest.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn told_by_hub(
        &self,
        source: SourceId,
        now: Timestamp,
        poll_at: Timestamp,
    ) -> Result<(), StoreError> {
        let told = async {
            let mut tx = self.database.begin().await?;
            let update = sql("UPDATE subscription SET told_at = $2 WHERE source_id = $1");
            tx.run(update.bind(source.0).bind(millis(now))).await?;
            let sooner = sql("UPDATE source SET next_poll = $2
                 WHERE id = $1 AND standing = 'active' AND next_poll > $2");
            tx.run(sooner.bind(source.0).bind(millis(poll_at))).await?;
            touch(&mut tx).await?;
            tx.commit().await
        };
        told.await.map_err(|f| f.at(&self.location, "recording what a hub told"))
    }

    async fn change_subscription(&self, update: Sql) -> Result<(), StoreError> {
        let changed = async {
            let mut tx = self.database.begin().await?;
            tx.run(update).await?;
            touch(&mut tx).await?;
            tx.commit().await
        };
        changed.await.map_err(|f| f.at(&self.location, "recording what a hub said"))
    }
}

/// Has a subscription to the hub that a source's feed names, and to no other. One to another hub, or under another name, begins
/// anew.
pub(crate) async fn settle_hub(
    tx: &mut Tx,
    source: SourceId,
    polling_hints: &PollingHints,
    now: Timestamp,
) -> Tried<()> {
    let (Some(hub), Some(topic)) = (&polling_hints.hub, &polling_hints.topic) else {
        tx.run(sql("DELETE FROM subscription WHERE source_id = $1").bind(source.0)).await?;
        return Ok(());
    };
    let settle = sql(
        "INSERT INTO subscription (source_id, hub, topic, host, due_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (source_id) DO UPDATE SET hub = excluded.hub, topic = excluded.topic, host = excluded.host,
            due_at = excluded.due_at, token = NULL, secret = NULL, asked_at = NULL, confirmed_at = NULL, ends_at = NULL,
            attempts = 0, claim = subscription.claim + 1, leased_until = NULL, error = NULL
         WHERE subscription.hub <> excluded.hub OR subscription.topic <> excluded.topic",
    );
    let settle = settle.bind(source.0).bind(hub.as_str()).bind(topic.as_str());
    tx.run(settle.bind(hub.host_str().unwrap_or_default()).bind(millis(now))).await?;
    Ok(())
}

/// What a list of sources says of a hub.
pub(crate) fn hub_of_row(row: &Row) -> Tried<Option<backissue_model::Hub>> {
    let Some(url) = row.opt_parsed("hub_url")? else { return Ok(None) };
    Ok(Some(backissue_model::Hub {
        url,
        ends_at: row.opt_moment("hub_ends_at")?,
        told_at: row.opt_moment("hub_told_at")?,
        error: row.opt_text("hub_error")?,
    }))
}
