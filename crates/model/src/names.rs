//! What values with a name share, by one table or line per type.

/// Gives an enum `ALL`, `as_str`, `Display` and `FromStr`. The error of `FromStr` is a tuple struct
/// with the unknown text, or what a closure makes of the text.
#[macro_export]
macro_rules! names {
    ($type:ident, $unknown:ident: $($variant:ident = $name:literal),+ $(,)?) => {
        $crate::names! { $type, $unknown, |text| $unknown(text.to_owned()), $($variant = $name),+ }
    };
    ($type:ident, $error:ty, $unknown:expr, $($variant:ident = $name:literal),+ $(,)?) => {
        impl $type {
            /// All values, in order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its name in addresses, settings and data.
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
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                let unknown: fn(&str) -> $error = $unknown;
                Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or_else(|| unknown(text))
            }
        }
    };
}

/// Gives a tuple struct with a text `as_str` and `Display`, and makes a `String` of it. With
/// `checked`, serde can make it of a `String`, which `FromStr` checks.
macro_rules! text {
    ($type:ident) => {
        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        }
    };
    ($type:ident, checked) => {
        $crate::names::text!($type);

        impl TryFrom<String> for $type {
            type Error = <Self as std::str::FromStr>::Err;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

pub(crate) use {names, text};
