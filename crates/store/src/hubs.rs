//! Hubs that notify of changes in feeds (WebSub): table `subscription`.
//!
//! A source whose feed names a hub has a row, which the poll creates. The row is the job: a worker
//! claims it and sends the hub a request. The hub confirms with a request that is identified by the
//! token.

use backissue_model::{PollingHints, SourceId};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::archive::touch;
use crate::database::{Row, Sql, Tried, Tx, sql};
use crate::due::{not_among, of_due};
use crate::times::millis;
use crate::{Store, StoreError};

/// The identifiers of a subscription; both are unguessable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubNames {
    /// The last part of the callback's address.
    pub token: String,
    /// The key of the hub's signatures.
    pub secret: String,
}

/// A claimed subscription. Only this worker may request it until the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedSubscription {
    /// The source.
    pub source: SourceId,
    /// Its hub.
    pub hub: Url,
    /// The feed's address at the hub.
    pub topic: Url,
    /// The hub's host.
    pub host: String,
    /// Its identifiers.
    pub names: HubNames,
    /// Failed requests since the last confirmation.
    pub attempts: u32,
    /// Proof of the lease.
    pub(crate) claim: i64,
}

/// A subscription, for checking requests with its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The source.
    pub source: SourceId,
    /// The feed's address at the hub.
    pub topic: Url,
    /// The key of the hub's signatures.
    pub secret: String,
}

impl Store {
    /// Claims the subscription whose request is due, for `lease`. A new one gets the identifiers
    /// `fresh`.
    pub async fn claim_subscription(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        busy_hosts: &[String],
        fresh: &HubNames,
    ) -> Result<Option<ClaimedSubscription>, StoreError> {
        self.retry("claiming a subscription", || async {
            let candidate = format!(
                "SELECT source_id FROM subscription WHERE due_at <= $1 {}
                 AND (leased_until IS NULL OR leased_until <= $1)
                 AND EXISTS (SELECT 1 FROM source s WHERE s.id = source_id AND s.standing = 'active'
                             AND s.paused_at IS NULL)
                 ORDER BY due_at, source_id LIMIT 1",
                not_among("host", 3, busy_hosts)
            );
            let bound = |text: String| of_due(text, now, lease, busy_hosts);
            let look = format!("SELECT c.source_id, CAST($2 AS BIGINT) AS until FROM ({candidate}) AS c");
            let take = |lock: &str| {
                bound(format!(
                    "UPDATE subscription SET claim = claim + 1, leased_until = $2, asked_at = $1
                     WHERE source_id = ({candidate} {lock})
                     RETURNING source_id, token, secret, hub, topic, host, attempts, claim"
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
                    tx.run(name.bind(source.0).bind(fresh.token.as_str()).bind(fresh.secret.as_str()))
                        .await?;
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
        })
        .await
    }

    /// Records a request to a hub, and its error if it failed. The next request is at `again`,
    /// unless the hub has confirmed in the meantime, which it may do before it responds.
    pub async fn record_subscription(
        &self,
        claimed: &ClaimedSubscription,
        error: Option<&str>,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        self.run("recording that a hub was asked", async {
            let mut tx = self.database.begin().await?;
            let update = sql("UPDATE subscription SET leased_until = NULL, error = $3,
                    due_at = CASE WHEN confirmed_at >= asked_at THEN due_at ELSE $4 END,
                    attempts = CASE WHEN confirmed_at >= asked_at THEN 0 ELSE attempts + 1 END
                 WHERE source_id = $1 AND claim = $2");
            tx.run(update.bind(claimed.source.0).bind(claimed.claim).bind(error).bind(millis(again))).await?;
            touch(&mut tx).await?;
            tx.commit().await
        })
        .await
    }

    /// The subscription with this token.
    pub async fn subscription(&self, token: &str) -> Result<Option<Subscription>, StoreError> {
        let query = sql("SELECT source_id, topic, secret FROM subscription WHERE token = $1").bind(token);
        self.one("looking up a subscription", query, |row| {
            Ok(Subscription {
                source: SourceId(row.int("source_id")?),
                topic: row.parsed("topic")?,
                secret: row.text("secret")?,
            })
        })
        .await
    }

    /// Records that the hub has confirmed. It sends notifications until `ends_at`; the next request
    /// is at `due_at`.
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

    /// Records that the hub has refused, and why. The next request is at `due_at`.
    pub async fn refuse_subscription(
        &self,
        token: &str,
        why: &str,
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let update = sql("UPDATE subscription SET ends_at = NULL, error = $2, due_at = $3 WHERE token = $1");
        self.change_subscription(update.bind(token).bind(why).bind(millis(due_at))).await
    }

    /// Records a notification: the source's next poll is at `poll_at` or earlier.
    pub async fn told_by_hub(
        &self,
        source: SourceId,
        now: Timestamp,
        poll_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.run("recording what a hub told", async {
            let mut tx = self.database.begin().await?;
            let update = sql("UPDATE subscription SET told_at = $2 WHERE source_id = $1");
            tx.run(update.bind(source.0).bind(millis(now))).await?;
            let sooner = sql("UPDATE source SET next_poll = $2
                 WHERE id = $1 AND standing = 'active' AND next_poll > $2");
            tx.run(sooner.bind(source.0).bind(millis(poll_at))).await?;
            touch(&mut tx).await?;
            tx.commit_work().await
        })
        .await
    }

    async fn change_subscription(&self, update: Sql) -> Result<(), StoreError> {
        self.run("recording what a hub said", async {
            let mut tx = self.database.begin().await?;
            tx.run(update).await?;
            touch(&mut tx).await?;
            tx.commit().await
        })
        .await
    }
}

/// Makes the subscription match the feed's hub. A change of hub or topic starts a new one.
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

/// The fields of a hub in a list of sources.
pub(crate) fn hub_of_row(row: &Row) -> Tried<Option<backissue_model::Hub>> {
    let Some(url) = row.opt_parsed("hub_url")? else { return Ok(None) };
    Ok(Some(backissue_model::Hub {
        url,
        ends_at: row.opt_moment("hub_ends_at")?,
        told_at: row.opt_moment("hub_told_at")?,
        error: row.opt_text("hub_error")?,
    }))
}
