//! The schemas of what the JSON variables hold, for the reference.

use schemars::{Schema, SchemaGenerator};

use super::{
    FleetSettings, VcfSettings, VidmSettings, callbacks, certificate_callers, hooks, keys, oidc_callers, senders,
};

/// The schema of an entry of each JSON variable, by the variable's name; of each kind of target in `targets`.
pub(crate) fn entry_schemas(generator: &mut SchemaGenerator) -> [(&'static str, Schema); 9] {
    [
        ("targets.vidm", generator.subschema_for::<VidmSettings>()),
        ("targets.vcf", generator.subschema_for::<VcfSettings>()),
        ("targets.fleet", generator.subschema_for::<FleetSettings>()),
        ("api_keys", generator.subschema_for::<keys::Entry>()),
        ("oidc_callers", generator.subschema_for::<oidc_callers::Entry>()),
        ("certificate_callers", generator.subschema_for::<certificate_callers::Entry>()),
        ("webhook_secrets", generator.subschema_for::<senders::Entry>()),
        ("hooks", generator.subschema_for::<hooks::Entry>()),
        ("callbacks", generator.subschema_for::<callbacks::Entry>()),
    ]
}
