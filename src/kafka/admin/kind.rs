//! Numbers with a name: enums that keep what they do not know.

/// An enum over Kafka's one-byte numbers; a number without a name here survives as `Unknown` and
/// displays as `UNKNOWN(number)`.
macro_rules! kinds {
    ($( $(#[$meta:meta])* pub enum $name:ident { $( $(#[$doc:meta])* $variant:ident = $number:literal $shown:literal, )* } )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$doc])* $variant, )*
            /// A number this client has no name for; made by [`Self::from_number`] only.
            Unknown(i8),
        }

        impl $name {
            /// The kind with this number in the Kafka protocol.
            pub fn from_number(number: i8) -> Self {
                match number {
                    $( $number => Self::$variant, )*
                    other => Self::Unknown(other),
                }
            }

            /// Its number in the Kafka protocol.
            pub fn number(self) -> i8 {
                match self {
                    $( Self::$variant => $number, )*
                    Self::Unknown(number) => number,
                }
            }

            /// Whether this client has a name for it.
            pub fn is_known(self) -> bool {
                !matches!(self, Self::Unknown(_))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $( Self::$variant => f.write_str($shown), )*
                    Self::Unknown(number) => write!(f, "UNKNOWN({number})"),
                }
            }
        }
    )*};
}
pub(crate) use kinds;
