//! Macros for types whose values have a name.

/// Implements `ALL`, `as_str`, `Display` and `FromStr` for an enum. The error of `FromStr` is a
/// tuple struct with the unknown text, or the result of a closure on that text.
#[macro_export]
macro_rules! names {
    ($type:ident, $unknown:ident: $($variant:ident = $name:literal),+ $(,)?) => {
        $crate::names! { $type, $unknown, |text| $unknown(text.to_owned()), $($variant = $name),+ }
    };
    ($type:ident, $error:ty, $unknown:expr, $($variant:ident = $name:literal),+ $(,)?) => {
        impl $type {
            /// All values, in order of declaration.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The value's name in addresses, settings and data.
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

/// Implements `as_str`, `Display` and conversion to `String` for a tuple struct that holds a text.
/// With `checked`, serde can also deserialise it from a `String`, by `FromStr`.
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
