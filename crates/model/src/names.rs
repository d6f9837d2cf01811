//! The names of values in addresses and data, by one table for each enum.

/// Gives an enum `ALL`, `as_str`, `Display` and `FromStr`. The error of `FromStr` is a tuple struct
/// with the unknown text.
macro_rules! names {
    ($type:ident, $unknown:ident: $($variant:ident = $name:literal),+ $(,)?) => {
        impl $type {
            /// All values, in order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its name in addresses and data.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $unknown;

            fn from_str(text: &str) -> Result<Self, $unknown> {
                Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or_else(|| $unknown(text.to_owned()))
            }
        }
    };
}

pub(crate) use names;
