//! Enums whose variants are the rows of a table, so that each variant stands in one place.

/// Defines an enum from rows `Variant => value`, with `ALL`, its variants in the order of the rows, and `row`, the value of one.
macro_rules! table {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident -> $row:ty {
            $($(#[$documentation:meta])* $variant:ident => $value:expr,)+
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $name {
            $($(#[$documentation])* $variant,)+
        }

        impl $name {
            /// Every variant.
            $visibility const ALL: &'static [Self] = &[$(Self::$variant),+];

            const fn row(self) -> $row {
                match self {
                    $(Self::$variant => $value,)+
                }
            }
        }
    };
}
