//! The table of routes.

use http::Method;

use super::{Action, Fleet, FleetProvider, Gate, Operation, Public, Row, Syncs, Vcf, Vidm, Work};
use crate::config::Scope;
use crate::directory::Product;

const fn open(action: Public) -> Operation {
    let conditions: &[&str] = match action {
        Public::Page | Public::OpenApi | Public::OpenApi30 => &["if-none-match"],
        Public::Health | Public::Ready => &[],
    };
    Operation { method: Method::GET, action: Action::Public(action), scope: None, query: &[], conditions }
}

/// An action on syncs, with the product's scope for reading or starting.
const fn syncs(method: Method, product: Product, action: Syncs, query: &'static [&'static str]) -> Operation {
    let scope = match (product, action) {
        (Product::Vidm, Syncs::Start | Syncs::StartOfDirectory | Syncs::Advance) => Scope::VidmSync,
        (Product::Vidm, Syncs::History | Syncs::Latest | Syncs::State) => Scope::VidmRead,
        (Product::Fleet, Syncs::Start | Syncs::StartOfDirectory | Syncs::Advance) => Scope::FleetSync,
        (Product::Fleet, Syncs::History | Syncs::Latest | Syncs::State) => Scope::FleetRead,
    };
    Operation { method, action: Action::Work(Work::Syncs(product, action)), scope: Some(scope), query, conditions: &[] }
}

const fn vidm(method: Method, action: Vidm, scope: Scope, query: &'static [&'static str]) -> Operation {
    Operation { method, action: Action::Work(Work::Vidm(action)), scope: Some(scope), query, conditions: &[] }
}

const fn read_vidm(action: Vidm, query: &'static [&'static str]) -> Operation {
    vidm(Method::GET, action, Scope::VidmRead, query)
}

const fn start(product: Product, action: Syncs) -> Operation {
    syncs(Method::POST, product, action, RUNNING)
}

const fn fleet(method: Method, action: Fleet, scope: Scope, query: &'static [&'static str]) -> Operation {
    Operation { method, action: Action::Work(Work::Fleet(action)), scope: Some(scope), query, conditions: &[] }
}

const fn read_fleet(action: Fleet, query: &'static [&'static str]) -> Operation {
    fleet(Method::GET, action, Scope::FleetRead, query)
}

const fn read_provider(action: FleetProvider) -> Operation {
    read_fleet(Fleet::Provider(action), &[])
}

const fn write_provider(method: Method, action: FleetProvider, query: &'static [&'static str]) -> Operation {
    fleet(method, Fleet::Provider(action), Scope::FleetWrite, query)
}

const fn vcf(method: Method, action: Vcf, scope: Scope, query: &'static [&'static str]) -> Operation {
    Operation { method, action: Action::Work(Work::Vcf(action)), scope: Some(scope), query, conditions: &[] }
}

const fn read_vcf(action: Vcf, query: &'static [&'static str]) -> Operation {
    vcf(Method::GET, action, Scope::VcfRead, query)
}

const fn write_vcf(method: Method, action: Vcf, query: &'static [&'static str]) -> Operation {
    vcf(method, action, Scope::VcfWrite, query)
}

/// A read of an object that has an `ETag`.
const fn read_versioned(work: Work, scope: Scope) -> Operation {
    let (action, scope) = (Action::Work(work), Some(scope));
    Operation { method: Method::GET, action, scope, query: &[], conditions: &["if-none-match"] }
}

/// A change of an object that has an `ETag`.
const fn write_versioned(method: Method, work: Work, scope: Scope, query: &'static [&'static str]) -> Operation {
    Operation { method, action: Action::Work(work), scope: Some(scope), query, conditions: &["if-match"] }
}

const fn read_vcf_object(action: Vcf) -> Operation {
    read_versioned(Work::Vcf(action), Scope::VcfRead)
}

const fn write_vcf_object(method: Method, action: Vcf, query: &'static [&'static str]) -> Operation {
    write_versioned(method, Work::Vcf(action), Scope::VcfWrite, query)
}

const fn write_present_provider(method: Method, action: FleetProvider, query: &'static [&'static str]) -> Operation {
    write_versioned(method, Work::Fleet(Fleet::Provider(action)), Scope::FleetWrite, query)
}

const fn gate(method: Method, action: Gate) -> Operation {
    Operation { method, action: Action::Gate(action), scope: None, query: &[], conditions: &[] }
}

/// `retry` allows one more login after rejected ones; `strict` makes a failed check 503.
const DOCTOR: &[&str] = &["retry", "strict"];
/// The same where directories have syncs: `staleAfter` is the period within which each needs a successful one.
const DOCTOR_OF_SYNCS: &[&str] = &["retry", "strict", "staleAfter"];
/// The status of the response while a sync is running.
const RUNNING: &[&str] = &["running"];
/// Options of a PUT.
const PUT: &[&str] = &["dryRun", "force"];

/// Every route.
pub(in crate::webhook) const ROWS: &[Row] = &[
    Row { path: "/", operations: &[open(Public::Page)] },
    Row { path: "/healthz", operations: &[open(Public::Health)] },
    Row { path: "/readyz", operations: &[open(Public::Ready)] },
    Row {
        path: "/metrics",
        operations: &[Operation {
            method: Method::GET,
            action: Action::Work(Work::Metrics),
            scope: Some(Scope::Metrics),
            query: &[],
            conditions: &[],
        }],
    },
    Row { path: "/openapi.json", operations: &[open(Public::OpenApi)] },
    Row { path: "/openapi-3.0.json", operations: &[open(Public::OpenApi30)] },
    Row {
        path: "/vidm/{target}/v1/directories",
        operations: &[read_vidm(Vidm::ListDirectories, &["name", "type", "domain", "syncable", "staleAfter"])],
    },
    Row { path: "/vidm/{target}/v1/directories/{directory}", operations: &[read_vidm(Vidm::FindDirectory, &[])] },
    Row {
        path: "/vidm/{target}/v1/directories/{directory}/syncs",
        operations: &[
            syncs(Method::GET, Product::Vidm, Syncs::History, &[]),
            start(Product::Vidm, Syncs::StartOfDirectory),
        ],
    },
    Row {
        path: "/vidm/{target}/v1/directories/{directory}/sync",
        operations: &[syncs(Method::GET, Product::Vidm, Syncs::Latest, &[])],
    },
    Row { path: "/vidm/{target}/v1/syncs", operations: &[start(Product::Vidm, Syncs::Start)] },
    Row {
        path: "/vidm/{target}/v1/syncs/{sync}",
        operations: &[syncs(Method::GET, Product::Vidm, Syncs::State, RUNNING)],
    },
    Row { path: "/vidm/{target}/v1/advance", operations: &[syncs(Method::POST, Product::Vidm, Syncs::Advance, &[])] },
    Row { path: "/vidm/{target}/v1/groups", operations: &[read_vidm(Vidm::FindGroups, &["dn", "name"])] },
    Row { path: "/vidm/{target}/v1/health", operations: &[read_vidm(Vidm::Health, &[])] },
    Row {
        path: "/vidm/{target}/v1/doctor",
        operations: &[vidm(Method::GET, Vidm::Doctor, Scope::Admin, DOCTOR_OF_SYNCS)],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers",
        operations: &[
            read_vcf(Vcf::ListProviders, &[]),
            write_vcf(Method::POST, Vcf::AddProvider, &[]),
            write_vcf_object(Method::PUT, Vcf::PutProvider, &["dryRun", "force", "replace", "confirm"]),
        ],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}",
        operations: &[
            read_vcf_object(Vcf::GetProvider),
            write_vcf_object(Method::PATCH, Vcf::UpdateProvider, &[]),
            write_vcf_object(Method::DELETE, Vcf::DeleteProvider, &["absent"]),
        ],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}/identity-sources",
        operations: &[write_vcf(Method::POST, Vcf::AddSource, &[])],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}/identity-sources/{domainName}",
        operations: &[
            read_vcf_object(Vcf::GetSource),
            write_vcf_object(Method::PUT, Vcf::PutSource, PUT),
            write_vcf_object(Method::PATCH, Vcf::UpdateSource, &[]),
            write_vcf_object(Method::DELETE, Vcf::DeleteSource, &["absent"]),
        ],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}/identity-sources/{domainName}/credentials",
        operations: &[write_vcf_object(Method::POST, Vcf::SetCredentials, &["dryRun"])],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}/identity-sources/{domainName}/certificates",
        operations: &[write_vcf_object(Method::POST, Vcf::SetCertificates, &["dryRun"])],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}/client-secret",
        operations: &[write_vcf_object(Method::POST, Vcf::SetClientSecret, &["dryRun"])],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}/sync-client",
        operations: &[write_vcf(Method::POST, Vcf::GenerateSyncClientToken, &["syncClientTokenTTL"])],
    },
    Row { path: "/vcf/{target}/v1/identity-broker/prechecks", operations: &[read_vcf(Vcf::Prechecks, &["type"])] },
    Row {
        path: "/vcf/{target}/v1/identity-broker/sddc-manager-oidc",
        operations: &[read_vcf(Vcf::SddcManagerOidc, &[])],
    },
    Row { path: "/vcf/{target}/v1/tokens", operations: &[gate(Method::POST, Gate::Create)] },
    Row { path: "/vcf/{target}/v1/tokens/access-token/refresh", operations: &[gate(Method::PATCH, Gate::Refresh)] },
    Row { path: "/vcf/{target}/v1/tokens/refresh-token", operations: &[gate(Method::DELETE, Gate::Revoke)] },
    Row { path: "/vcf/{target}/v1/sddc-managers", operations: &[read_vcf(Vcf::SddcManagers, &[])] },
    Row { path: "/vcf/{target}/v1/apply", operations: &[write_vcf_object(Method::POST, Vcf::Apply, PUT)] },
    Row { path: "/vcf/{target}/v1/doctor", operations: &[vcf(Method::GET, Vcf::Doctor, Scope::Admin, DOCTOR)] },
    Row {
        path: "/fleet/{target}/v1/directories",
        operations: &[read_fleet(Fleet::ListDirectories, &["name", "domain", "realm", "syncable", "staleAfter"])],
    },
    Row { path: "/fleet/{target}/v1/directories/{directory}", operations: &[read_fleet(Fleet::FindDirectory, &[])] },
    Row {
        path: "/fleet/{target}/v1/directories/{directory}/syncs",
        operations: &[
            syncs(Method::GET, Product::Fleet, Syncs::History, &[]),
            start(Product::Fleet, Syncs::StartOfDirectory),
        ],
    },
    Row {
        path: "/fleet/{target}/v1/directories/{directory}/sync",
        operations: &[syncs(Method::GET, Product::Fleet, Syncs::Latest, &[])],
    },
    Row { path: "/fleet/{target}/v1/syncs", operations: &[start(Product::Fleet, Syncs::Start)] },
    Row {
        path: "/fleet/{target}/v1/syncs/{sync}",
        operations: &[syncs(Method::GET, Product::Fleet, Syncs::State, RUNNING)],
    },
    Row { path: "/fleet/{target}/v1/advance", operations: &[syncs(Method::POST, Product::Fleet, Syncs::Advance, &[])] },
    Row { path: "/fleet/{target}/v1/groups", operations: &[read_fleet(Fleet::FindGroups, &["dn", "name"])] },
    Row {
        path: "/fleet/{target}/v1/identity-providers",
        operations: &[
            read_provider(FleetProvider::List),
            write_provider(Method::POST, FleetProvider::Create, &[]),
            write_present_provider(Method::PUT, FleetProvider::Put, PUT),
        ],
    },
    Row {
        path: "/fleet/{target}/v1/identity-providers/{id}",
        operations: &[
            read_versioned(Work::Fleet(Fleet::Provider(FleetProvider::Get)), Scope::FleetRead),
            write_present_provider(Method::DELETE, FleetProvider::Delete, &["force"]),
        ],
    },
    Row {
        path: "/fleet/{target}/v1/identity-providers/{id}/sync-client",
        operations: &[
            read_provider(FleetProvider::SyncClient),
            write_provider(Method::POST, FleetProvider::GenerateSyncClient, &["tokenTtl"]),
        ],
    },
    Row { path: "/fleet/{target}/v1/tasks/{task}", operations: &[read_provider(FleetProvider::Task)] },
    Row {
        path: "/fleet/{target}/v1/saml-metadata/validate",
        operations: &[fleet(Method::POST, Fleet::Provider(FleetProvider::CheckSamlMetadata), Scope::FleetWrite, &[])],
    },
    Row {
        path: "/fleet/{target}/v1/doctor",
        operations: &[fleet(Method::GET, Fleet::Doctor, Scope::Admin, DOCTOR_OF_SYNCS)],
    },
    Row {
        path: "/hooks/{hook}",
        operations: &[Operation {
            method: Method::POST,
            action: Action::Work(Work::Hook),
            scope: Some(Scope::VidmSync),
            query: RUNNING,
            conditions: &[],
        }],
    },
];
