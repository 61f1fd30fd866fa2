//! An SDDC Manager for the scenarios.

/// Its list of providers: the Embedded one, [`ID`], and an external one, [`ADFS`].
pub(crate) const LIST: &str = include_str!("../../fixtures/vcf/identity-providers.answer.json");
/// A new identity source, as a caller sends it.
pub(crate) const SOURCE: &str = include_str!("../../fixtures/vcf/identity-source-add.request.json");
/// A new external provider, as a caller sends it.
pub(crate) const PROVIDER: &str = include_str!("../../fixtures/vcf/identity-provider-add.request.json");
/// SDDC Manager's call.
pub(crate) const ROOT: &str = "https://sddc.corp.example/v1/identity-providers";
/// idhook's route.
pub(crate) const PATH: &str = "/vcf/default/v1/identity-providers";
pub(crate) const ID: &str = "b9103988-c8a4-4f66-8076-42c93d480bbe";
pub(crate) const ADFS: &str = "bb7a3e9b-8322-4b0e-9431-3ed00b17a821";
