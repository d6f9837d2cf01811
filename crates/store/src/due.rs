//! Parts of statements that claim due sources, backfills, hubs and reads on hosts that are not
//! busy.

use jiff::{SignedDuration, Timestamp};

use crate::database::{Sql, sql_listing};
use crate::times::millis;

/// A condition that a host is not one of these. `*.acme.example` stands for that domain and all its
/// hosts.
pub(crate) fn not_among(column: &str, from: usize, hosts: &[String]) -> String {
    let (mut exact, mut condition) = (Vec::new(), String::new());
    for (at, host) in (from..).zip(hosts) {
        if host.starts_with("*.") {
            condition.push_str(&format!(" AND '.' || {column} NOT LIKE '%' || substr(${at}, 2)"));
        } else {
            exact.push(format!("${at}"));
        }
    }
    if !exact.is_empty() {
        condition.push_str(&format!(" AND {column} NOT IN ({})", exact.join(", ")));
    }
    condition
}

/// Binds a statement about a due row: `$1` is now, `$2` the end of the lease, and from `$3` on the
/// busy hosts.
pub(crate) fn of_due(text: String, now: Timestamp, lease: SignedDuration, busy: &[String]) -> Sql {
    let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    sql_listing(text, busy.len()).bind(millis(now)).bind(millis(until)).bind_all(busy.iter().cloned())
}
