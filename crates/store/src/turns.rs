//! Turns of hosts, robots.txt files and notifications, for several processes that fetch into one
//! archive (tables `host_turn` and `robots`).
//!
//! Times are by the database's clock, because the clocks of two machines may differ by more than
//! the pause between two requests. A process that dies loses its turns when their leases end.

use std::time::Duration;

use sqlx::postgres::PgListener;

use crate::database::{Database, Tried, Tx, sql, sql_of};
use crate::error::Failure;
use crate::{Store, StoreError};

/// The channel on which workers are notified of new work.
const WORK: &str = "backissue_work";

/// How long hosts and files are stored after their last use, in milliseconds.
const FORGOTTEN_AFTER: i64 = 24 * 3600 * 1000;

/// Maximum hosts that are left out of claims because other processes use them.
const BUSY_MAX: i64 = 500;

/// The result of requesting a host's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostTurn {
    /// The caller may send one request.
    Taken,
    /// Another request is running. Its lease ends after this time at the latest.
    InUse(Duration),
    /// The pause after the last request continues for this time.
    Pause(Duration),
    /// The pause that the host demanded continues for this time.
    Held(Duration),
}

/// A host to which no request may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusyHost {
    /// The host's name.
    pub host: String,
    /// The time until it is free. `None` while a request is running.
    pub free_in: Option<Duration>,
}

/// A site's robots.txt, as one of the processes has fetched it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedRobots {
    /// The file. `None` if it could not be fetched.
    pub rules: Option<String>,
    /// Why it could not be fetched.
    pub reason: String,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
    /// How long it is still valid.
    pub lasts: Duration,
}

/// The result of looking up a site's robots.txt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RobotsTurn {
    /// The stored file is valid.
    Known(SharedRobots),
    /// The caller must fetch the file. Holds the expired one, if there is one.
    Fetch(Option<SharedRobots>),
    /// Another process is fetching the file.
    Wait,
}

/// A receiver of notifications of new work from other processes.
#[derive(Debug)]
pub struct Wakeups(PgListener);

impl Wakeups {
    /// Waits for new work. A connection that breaks is opened again.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        let heard = self.0.recv().await.map(|_| ());
        heard.map_err(|error| StoreError::Wakeups { reason: error.to_string() })
    }
}

impl Store {
    /// Whether several processes may fetch into this archive.
    pub fn is_shared(&self) -> bool {
        matches!(self.database, Database::Postgres(_))
    }

    /// Listens for new work that other processes make. Returns `None` on SQLite, where there is
    /// only one process that works.
    pub async fn wakeups(&self) -> Result<Option<Wakeups>, StoreError> {
        let Database::Postgres(pool) = &self.database else { return Ok(None) };
        self.run("listening for new work", async {
            let mut listener = PgListener::connect_with(pool).await?;
            listener.listen(WORK).await?;
            Ok(Some(Wakeups(listener)))
        })
        .await
    }

    /// Takes a host's turn for one request, for at most `lease`. `pause` is the minimum pause after
    /// the last request. If another process has stored a longer one, that applies.
    pub async fn take_turn(
        &self,
        host: &str,
        turn: i64,
        pause: Duration,
        lease: Duration,
    ) -> Result<HostTurn, StoreError> {
        let now = self.database.clock();
        let ready = "host_turn.ended_at + CASE WHEN host_turn.pause > $4 THEN host_turn.pause ELSE $4 END";
        let take = format!(
            "INSERT INTO host_turn (host, turn, leased_until) VALUES ($1, $2, {now} + $3)
             ON CONFLICT (host) DO UPDATE SET turn = excluded.turn, leased_until = excluded.leased_until
             WHERE host_turn.leased_until <= {now} AND host_turn.held_until <= {now} AND {ready} <= {now}"
        );
        let look = format!(
            "SELECT leased_until - {now} AS lease, held_until - {now} AS hold,
                ended_at + CASE WHEN pause > $2 THEN pause ELSE $2 END - {now} AS rest
             FROM host_turn WHERE host = $1"
        );
        self.retry("taking a host's turn", || async {
            let take = sql_of(take.clone()).bind(host).bind(turn).bind(whole(lease)).bind(whole(pause));
            if self.database.run_alone(take).await? > 0 {
                return Ok(HostTurn::Taken);
            }
            let row = self.database.row(sql_of(look.clone()).bind(host).bind(whole(pause))).await?;
            // A row that is gone was not in use for a day.
            let Some(row) = row else { return Ok(HostTurn::Pause(Duration::ZERO)) };
            let left = |column| Ok::<_, Failure>(left(row.int(column)?));
            Ok(match (left("hold")?, left("lease")?, left("rest")?) {
                (Some(hold), ..) => HostTurn::Held(hold),
                (None, Some(lease), _) => HostTurn::InUse(lease),
                (None, None, rest) => HostTurn::Pause(rest.unwrap_or_default()),
            })
        })
        .await
    }

    /// Ends a turn. The next request waits for `pause`, and for `hold` if the host demanded it.
    /// Does nothing if the lease has ended and another process has the turn.
    pub async fn end_turn(
        &self,
        host: &str,
        turn: i64,
        pause: Duration,
        hold: Duration,
    ) -> Result<(), StoreError> {
        let now = self.database.clock();
        let end = sql_of(format!(
            "UPDATE host_turn SET leased_until = 0, ended_at = {now}, pause = $3,
                held_until = CASE WHEN $4 > 0 AND {now} + $4 > held_until THEN {now} + $4 ELSE held_until END
             WHERE host = $1 AND turn = $2 AND leased_until > 0"
        ));
        let end = end.bind(host).bind(turn).bind(whole(pause)).bind(whole(hold));
        self.change("ending a host's turn", end).await.map(|_| ())
    }

    /// Hosts to which no request may be sent now.
    pub async fn busy_hosts(&self) -> Result<Vec<BusyHost>, StoreError> {
        let now = self.database.clock();
        let query = sql_of(format!(
            "SELECT host, CASE WHEN leased_until > {now} THEN NULL
                    WHEN held_until > ended_at + pause THEN held_until - {now}
                    ELSE ended_at + pause - {now} END AS free_in
             FROM host_turn
             WHERE leased_until > {now} OR held_until > {now} OR ended_at + pause > {now}
             ORDER BY ended_at DESC LIMIT {BUSY_MAX}"
        ));
        self.list("looking for busy hosts", query, |row| {
            let free_in = row.opt_int("free_in")?.map(|millis| left(millis).unwrap_or_default());
            Ok(BusyHost { host: row.text("host")?, free_in })
        })
        .await
    }

    /// Looks up a site's robots.txt. If it is not valid, one caller fetches it, within `lease`.
    pub async fn robots(&self, site: &str, lease: Duration) -> Result<RobotsTurn, StoreError> {
        let now = self.database.clock();
        let look = format!(
            "SELECT rules, reason, etag, last_modified, valid_until - {now} AS lasts,
                fetching_until - {now} AS fetching FROM robots WHERE site = $1"
        );
        let claim = format!(
            "INSERT INTO robots (site, reason, valid_until, fetching_until) VALUES ($1, '', 0, {now} + $2)
             ON CONFLICT (site) DO UPDATE SET fetching_until = excluded.fetching_until
             WHERE robots.fetching_until <= {now} AND robots.valid_until <= {now}"
        );
        self.retry("looking up a robots.txt", || async {
            let row = self.database.row(sql_of(look.clone()).bind(site)).await?;
            let mut known = None;
            if let Some(row) = row {
                let lasts = left(row.int("lasts")?);
                let robots = SharedRobots {
                    rules: row.opt_text("rules")?,
                    reason: row.text("reason")?,
                    etag: row.opt_text("etag")?,
                    last_modified: row.opt_text("last_modified")?,
                    lasts: lasts.unwrap_or_default(),
                };
                if lasts.is_some() {
                    return Ok(RobotsTurn::Known(robots));
                }
                if left(row.int("fetching")?).is_some() {
                    return Ok(RobotsTurn::Wait);
                }
                known = Some(robots);
            }
            let claim = sql_of(claim.clone()).bind(site).bind(whole(lease));
            let claimed = self.database.run_alone(claim).await? > 0;
            Ok(if claimed { RobotsTurn::Fetch(known) } else { RobotsTurn::Wait })
        })
        .await
    }

    /// Stores a site's robots.txt, and the pause between requests to its host that it demands.
    pub async fn keep_robots(
        &self,
        site: &str,
        host: &str,
        robots: &SharedRobots,
        pause: Duration,
    ) -> Result<(), StoreError> {
        let now = self.database.clock();
        let keep = format!(
            "UPDATE robots SET rules = $2, reason = $3, etag = $4, last_modified = $5, valid_until = {now} + $6,
                fetching_until = 0 WHERE site = $1"
        );
        self.retry("storing a robots.txt", || async {
            let mut tx = self.database.begin().await?;
            let keep = sql_of(keep.clone())
                .bind(site)
                .bind(robots.rules.as_deref())
                .bind(robots.reason.as_str())
                .bind(robots.etag.as_deref())
                .bind(robots.last_modified.as_deref())
                .bind(whole(robots.lasts));
            tx.run(keep).await?;
            let slower = sql("UPDATE host_turn SET pause = $2 WHERE host = $1 AND pause < $2");
            tx.run(slower.bind(host).bind(whole(pause))).await?;
            tx.commit().await
        })
        .await
    }

    /// Deletes hosts and files that were not used for a day.
    pub async fn forget_turns(&self) -> Result<(), StoreError> {
        let now = self.database.clock();
        self.retry("forgetting unused hosts", || async {
            let mut tx = self.database.begin().await?;
            let hosts = format!(
                "DELETE FROM host_turn WHERE leased_until + {FORGOTTEN_AFTER} < {now}
                    AND ended_at + {FORGOTTEN_AFTER} < {now} AND held_until < {now}"
            );
            tx.run(sql_of(hosts)).await?;
            let files = format!(
                "DELETE FROM robots WHERE valid_until + {FORGOTTEN_AFTER} < {now} AND fetching_until < {now}"
            );
            tx.run(sql_of(files)).await?;
            tx.commit().await
        })
        .await
    }
}

impl Tx {
    /// Commits, and notifies other processes of new work.
    pub(crate) async fn commit_work(mut self) -> Tried<()> {
        if let Self::Postgres(_) = self {
            self.row(sql("SELECT CAST(pg_notify($1, '') AS TEXT) AS told").bind(WORK)).await?;
        }
        self.commit().await
    }
}

/// The duration in milliseconds, for a statement.
fn whole(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// The remaining time. `None` if it is over.
fn left(millis: i64) -> Option<Duration> {
    u64::try_from(millis).ok().filter(|millis| *millis > 0).map(Duration::from_millis)
}
