//! Limits for stored articles: how long their HTML is kept, and how much of it.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A number of days, written as `90d`, `26w` or `2y`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days(pub u32);

/// The units of [`Days`], longest first. A year has 365 days.
const UNITS: [(char, u32); 3] = [('y', 365), ('w', 7), ('d', 1)];

/// The text is not a number of days.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no number of days; write for example 90d, 26w or 2y")]
pub struct DaysError(String);

impl FromStr for Days {
    type Err = DaysError;

    fn from_str(text: &str) -> Result<Self, DaysError> {
        let parsed = UNITS.into_iter().find_map(|(unit, days)| {
            let number: u32 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(days).filter(|days| (1..=36_500).contains(days))
        });
        parsed.map(Self).ok_or_else(|| DaysError(text.to_owned()))
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.into_iter().find(|(_, days)| self.0.is_multiple_of(*days));
        let (unit, days) = whole.unwrap_or(('d', 1));
        write!(f, "{}{unit}", self.0 / days)
    }
}

/// A number of bytes, written as `800 kB`, `500 MB` or `2 GB`, in powers of a thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size(pub u64);

/// Units of size, the largest first.
const SIZES: [(&str, u64); 4] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("B", 1)];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |(unit, bytes): &(&str, u64)| {
            let (number, end) = text.split_at_checked(text.len().checked_sub(unit.len())?)?;
            let number: u64 = number.trim().parse().ok().filter(|_| end.eq_ignore_ascii_case(unit))?;
            number.checked_mul(*bytes)
        };
        let size = SIZES.iter().find_map(read);
        size.map(Self).ok_or_else(|| format!("`{text}` is no size; write for example 500 MB or 2 GB"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, bytes): &&(&str, u64)| self.0.is_multiple_of(*bytes);
        let (unit, bytes) = SIZES.iter().find(whole).unwrap_or(&SIZES[3]);
        write!(f, "{} {unit}", self.0 / bytes)
    }
}

/// A limit of one source, which replaces the archive's limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit<T> {
    /// The archive's limit applies.
    #[default]
    AsArchive,
    /// Without a limit.
    Unlimited,
    /// This limit applies.
    At(T),
}

impl<T> Limit<T> {
    /// Converts the value of the limit.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Limit<U> {
        match self {
            Self::AsArchive => Limit::AsArchive,
            Self::Unlimited => Limit::Unlimited,
            Self::At(limit) => Limit::At(change(limit)),
        }
    }

    /// The limit that applies to the source, given the archive's limit. `None` means unlimited.
    pub fn in_force(self, of_archive: Option<T>) -> Option<T> {
        match self {
            Self::AsArchive => of_archive,
            Self::Unlimited => None,
            Self::At(limit) => Some(limit),
        }
    }
}

impl<T: FromStr<Err: fmt::Display> + Default + PartialEq> FromStr for Limit<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" | "default" => Ok(Self::AsArchive),
            "unlimited" => Ok(Self::Unlimited),
            other => match other.parse() {
                Ok(limit) if limit == T::default() => Err(format!(
                    "`{other}` would keep nothing; write more, or `unlimited` to keep everything"
                )),
                Ok(limit) => Ok(Self::At(limit)),
                Err(why) => Err(format!("{why}, `unlimited`, or `default` for the archive's own limit")),
            },
        }
    }
}

impl<T: fmt::Display> fmt::Display for Limit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsArchive => f.write_str("default"),
            Self::Unlimited => f.write_str("unlimited"),
            Self::At(limit) => limit.fmt(f),
        }
    }
}

impl<T: fmt::Display> Serialize for Limit<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_limits_are_read_as_they_are_written() {
        for (text, days) in [("90d", 90), ("2w", 14), ("2y", 730), (" 1 d ", 1)] {
            assert_eq!(text.parse::<Days>().unwrap(), Days(days), "{text}");
        }
        for (days, text) in [(90, "90d"), (14, "2w"), (730, "2y"), (1, "1d")] {
            assert_eq!(Days(days).to_string(), text);
        }
        for wrong in ["", "0d", "d", "2", "2 months", "-1d", "4294967295y", "101y"] {
            assert!(wrong.parse::<Days>().unwrap_err().to_string().contains("90d"), "{wrong}");
        }
        for (text, limit) in
            [("default", Limit::AsArchive), ("unlimited", Limit::Unlimited), ("2y", Limit::At(Days(730)))]
        {
            assert_eq!(text.parse::<Limit<Days>>().unwrap(), limit);
            assert_eq!(limit.to_string(), text);
        }
        assert!("0 MB".parse::<Limit<Size>>().unwrap_err().contains("unlimited"));
        assert!("soon".parse::<Limit<Days>>().unwrap_err().contains("unlimited"));
        let archive = Some(Days(7));
        assert_eq!(Limit::AsArchive.in_force(archive), archive);
        assert_eq!(Limit::Unlimited.in_force(archive), None);
        assert_eq!(Limit::At(Days(1)).in_force(archive), Some(Days(1)));
    }
}
