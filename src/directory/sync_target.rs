//! The products with directory syncs, and their targets.

use std::fmt;

/// A product whose directories idhook syncs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    /// vIDM (Workspace ONE Access).
    #[default]
    Vidm,
    /// VCF Operations.
    Fleet,
}

impl Product {
    const ALL: [Self; 2] = [Self::Vidm, Self::Fleet];

    /// Its word in paths, scopes and names of targets.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Vidm => "vidm",
            Self::Fleet => "fleet",
        }
    }
}

/// The product's name, as in messages.
impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vidm => "vIDM",
            Self::Fleet => "VCF Operations",
        })
    }
}

/// A configured target with directory syncs.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyncTarget {
    /// The product.
    pub product: Product,
    /// The target's name in the configuration.
    pub name: String,
}

impl SyncTarget {
    /// Reads `NAME`, which is a vIDM target, or a name with its kind: `vidm/NAME`, `fleet/NAME`.
    ///
    /// ```
    /// use idhook::directory::{Product, SyncTarget};
    ///
    /// assert_eq!(SyncTarget::parse("prod").product, Product::Vidm);
    /// assert_eq!(SyncTarget::parse("fleet/prod").short(), "fleet/prod");
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let with_kind = text.split_once('/').and_then(|(kind, name)| {
            let product = Product::ALL.into_iter().find(|product| product.kind() == kind)?;
            Some(Self { product, name: name.to_owned() })
        });
        with_kind.unwrap_or_else(|| Self { product: Product::Vidm, name: text.to_owned() })
    }

    /// The shortest text that [`parse`](Self::parse) reads as this target. It distinguishes targets in ids and in the store.
    #[must_use]
    pub fn short(&self) -> String {
        match self.product {
            Product::Vidm => self.name.clone(),
            Product::Fleet => format!("{}/{}", self.product.kind(), self.name),
        }
    }
}
