//! Tokens, with which programs act for a reader: table `token`.

use backissue_model::{ReaderId, Role, Scope, TokenName};
use jiff::{SignedDuration, Timestamp};

use crate::database::{Row, Tried, sql, sql_of};
use crate::times::millis;
use crate::{Store, StoreError};

/// Maximum tokens of a reader.
pub const TOKENS_MAX: u64 = 50;
/// The last use of a token is stored at most this often, so that not every request writes.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// The columns of a [`Token`].
const TOKEN: &str = "SELECT t.id, t.reader_id, r.role, t.name, t.scope, t.made_at, t.used_at, t.ends_at
     FROM token t JOIN reader r ON r.id = t.reader_id";

/// A token, with which a program authenticates instead of a password. It does not contain the
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: i64,
    /// The reader for whom the program acts.
    pub reader: ReaderId,
    /// What this reader may do.
    pub role: Role,
    /// The reader's name for it.
    pub name: TokenName,
    /// What the program may do.
    pub scope: Scope,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was last used, to within an hour. `None` if never.
    pub used_at: Option<Timestamp>,
    /// When it expires. `None` if it does not expire.
    pub ends_at: Option<Timestamp>,
}

/// A token to add.
#[derive(Clone, Copy)]
pub struct NewToken<'t> {
    /// What the reader calls it.
    pub name: &'t TokenName,
    /// What the program may do.
    pub scope: Scope,
    /// The hash of its secret.
    pub hash: &'t str,
    /// The hash of the key that an app with the Fever API sends instead.
    pub fever_key: &'t str,
    /// From when on it is not accepted. `None` if there is no end.
    pub ends_at: Option<Timestamp>,
}

/// The result of adding a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenAdded {
    /// It was added.
    Added(Box<Token>),
    /// Another token of the reader has this name.
    NameTaken,
    /// The reader has [`TOKENS_MAX`] tokens.
    TooMany,
}

impl Token {
    /// Whether it has expired.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }
}

impl Store {
    /// Adds a token of the reader.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn add_token(
        &self,
        reader: ReaderId,
        new: NewToken<'_>,
        now: Timestamp,
    ) -> Result<TokenAdded, StoreError> {
        let added = self.retry("adding a token", || async {
            // The reader's row is locked, so that two programs cannot exceed the maximum together.
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let rows = tx.rows(sql_of(format!("{TOKEN} WHERE t.reader_id = $1")).bind(reader.0)).await?;
            let there = rows.iter().map(token_of_row).collect::<Tried<Vec<_>>>()?;
            let refused = if there.iter().any(|token| token.name == *new.name) {
                Some(TokenAdded::NameTaken)
            } else {
                (there.len() as u64 >= TOKENS_MAX).then_some(TokenAdded::TooMany)
            };
            if let Some(refused) = refused {
                tx.abandon().await?;
                return Ok(Some(refused));
            }
            let insert = sql("INSERT INTO token (reader_id, token, name, scope, made_at, ends_at, fever_key)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)");
            let insert =
                insert.bind(reader.0).bind(new.hash).bind(new.name.as_str()).bind(new.scope.as_str());
            let insert = insert.bind(millis(now)).bind(new.ends_at.map(millis)).bind(new.fever_key);
            tx.run(insert).await?;
            let row = tx.row(sql_of(format!("{TOKEN} WHERE t.token = $1")).bind(new.hash)).await?;
            let token = row.as_ref().map(token_of_row).transpose()?;
            tx.commit().await?;
            Ok(token.map(|token| TokenAdded::Added(Box::new(token))))
        });
        added.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// The reader's tokens, newest first, including expired ones.
    pub async fn tokens(&self, reader: ReaderId) -> Result<Vec<Token>, StoreError> {
        let query = sql_of(format!("{TOKEN} WHERE t.reader_id = $1 ORDER BY t.made_at DESC, t.id DESC"));
        self.list("listing tokens", query.bind(reader.0), token_of_row).await
    }

    /// Removes a token of the reader. Returns false if the reader has no such token.
    pub async fn remove_token(&self, reader: ReaderId, id: i64) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM token WHERE reader_id = $1 AND id = $2");
        Ok(self.change("removing a token", delete.bind(reader.0).bind(id)).await? > 0)
    }

    /// The token whose secret has this hash. Returns `None` if it has expired or the reader's
    /// account is closed.
    pub async fn use_token(&self, hash: &str, now: Timestamp) -> Result<Option<Token>, StoreError> {
        self.use_token_with("token", hash, now).await
    }

    /// The token whose key for the Fever API has this hash, under the same conditions.
    pub async fn use_fever_key(&self, hash: &str, now: Timestamp) -> Result<Option<Token>, StoreError> {
        self.use_token_with("fever_key", hash, now).await
    }

    async fn use_token_with(
        &self,
        column: &str,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<Token>, StoreError> {
        const USING: &str = "looking up a token";
        let query = sql_of(format!(
            "{TOKEN} WHERE t.{column} = $1 AND r.closed_at IS NULL AND (t.ends_at IS NULL OR t.ends_at > $2)"
        ));
        let query = query.bind(hash).bind(millis(now));
        let Some(token) = self.one(USING, query, token_of_row).await? else { return Ok(None) };
        if token.used_at.is_some_and(|used| now.duration_since(used) < NOTED_EVERY) {
            return Ok(Some(token));
        }
        let update = sql("UPDATE token SET used_at = $2 WHERE id = $1");
        self.change(USING, update.bind(token.id).bind(millis(now))).await?;
        Ok(Some(Token { used_at: Some(now), ..token }))
    }
}

fn token_of_row(row: &Row) -> Tried<Token> {
    Ok(Token {
        id: row.int("id")?,
        reader: ReaderId(row.int("reader_id")?),
        role: row.parsed("role")?,
        name: row.parsed("name")?,
        scope: row.parsed("scope")?,
        made_at: row.moment("made_at")?,
        used_at: row.opt_moment("used_at")?,
        ends_at: row.opt_moment("ends_at")?,
    })
}
