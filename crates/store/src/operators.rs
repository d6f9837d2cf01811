//! The operators and how they log in: an archive keeps at least one who can.

use backissue_model::{Reader, ReaderId, Role};

use crate::database::{Tried, Tx, sql};

/// The result of a change that an archive without operators would follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderChange {
    /// It was made.
    Done,
    /// It was not made: the reader is the only operator, or the only one who can log in.
    LastOperator,
}

/// The operator of an archive with these readers who cannot be closed, deleted or made a reader.
/// Returns `None` if there is another who can log in.
pub fn last_operator(readers: &[Reader]) -> Option<ReaderId> {
    let open = readers.iter().filter(|reader| reader.role == Role::Operator && reader.closed.is_none());
    let operators = Operators(
        open.map(|&Reader { id, has_password, has_openid, .. }| Operator { id, has_password, has_openid })
            .collect(),
    );
    operators.0.iter().map(|operator| operator.id).find(|id| operators.is_last(*id))
}

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogsInBy {
    Password,
    OpenId,
}

/// The operators whose accounts are open.
pub(crate) struct Operators(Vec<Operator>);

struct Operator {
    id: ReaderId,
    has_password: bool,
    has_openid: bool,
}

impl Operator {
    fn logs_in(&self) -> bool {
        self.has_password || self.has_openid
    }
}

impl Operators {
    /// Locks the operators' rows, so that two operators cannot remove each other at the same time.
    pub(crate) async fn lock(tx: &mut Tx) -> Tried<Self> {
        tx.run(sql("UPDATE reader SET version = version + 1 WHERE role = 'operator'")).await?;
        let query = sql("SELECT r.id,
                CASE WHEN r.password IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END AS has_password,
                CASE WHEN EXISTS (SELECT 1 FROM openid_login o WHERE o.reader_id = r.id)
                    THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS has_openid
             FROM reader r WHERE r.role = 'operator' AND r.closed_at IS NULL");
        let mut all = Vec::new();
        for row in tx.rows(query).await? {
            all.push(Operator {
                id: ReaderId(row.int("id")?),
                has_password: row.yes("has_password")?,
                has_openid: row.yes("has_openid")?,
            });
        }
        Ok(Self(all))
    }

    /// Whether the archive would have no operator without this reader, or none who can log in
    /// although this reader can.
    pub(crate) fn is_last(&self, reader: ReaderId) -> bool {
        let Some(own) = self.0.iter().find(|operator| operator.id == reader) else { return false };
        self.0.len() == 1 || (own.logs_in() && !self.another_logs_in(reader))
    }

    /// Whether no operator could log in if this reader did not by this.
    pub(crate) fn need(&self, reader: ReaderId, by: LogsInBy) -> bool {
        let Some(own) = self.0.iter().find(|operator| operator.id == reader) else { return false };
        let has_only_this = match by {
            LogsInBy::Password => own.has_password && !own.has_openid,
            LogsInBy::OpenId => own.has_openid && !own.has_password,
        };
        has_only_this && !self.another_logs_in(reader)
    }

    fn another_logs_in(&self, reader: ReaderId) -> bool {
        self.0.iter().any(|operator| operator.id != reader && operator.logs_in())
    }
}
