//! The location of the database.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

/// The location of the database.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file. It and its folder are created if missing.
    Sqlite(PathBuf),
    /// The `postgres://` address of an existing PostgreSQL database. Its tables are created.
    Postgres(String),
}

/// The text is no `postgres://` address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not the address of a PostgreSQL database; write it as postgres://USER:PASSWORD@HOST:5432/DATABASE"
)]
pub struct LocationError;

impl FromStr for Location {
    type Err = LocationError;

    /// Parses a `postgres://` or `postgresql://` address.
    fn from_str(text: &str) -> Result<Self, LocationError> {
        let url = Url::parse(text).map_err(|_| LocationError)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(LocationError);
        }
        Ok(Self::Postgres(text.to_owned()))
    }
}

impl fmt::Display for Location {
    /// The path, or the address without its password and its parameters, which may contain another
    /// password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(text) => match Url::parse(text) {
                Ok(mut url) => {
                    if url.password().is_some() {
                        // Cannot fail on an address with a host. Without a host there is no
                        // password.
                        let _ = url.set_password(Some("***"));
                    }
                    url.set_query(None);
                    url.fmt(f)
                }
                Err(_) => f.write_str("a PostgreSQL database"),
            },
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_never_shown() {
        let location: Location =
            "postgres://ann:s3cret@db.example:5432/reads?password=other".parse().unwrap();
        assert_eq!(location.to_string(), "postgres://ann:***@db.example:5432/reads");
        assert!(!format!("{location:?}").contains("s3cret"));
    }

    #[test]
    fn only_postgres_addresses_are_accepted() {
        for text in ["mysql://host/db", "reads.sqlite", "", "https://host/"] {
            assert_eq!(text.parse::<Location>(), Err(LocationError), "{text}");
        }
    }
}
