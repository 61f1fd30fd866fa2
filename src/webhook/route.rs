//! The routes: one table of paths, methods and the scope each needs.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::config::Scope;
use crate::error::{Error, ErrorCode, FieldError};
use crate::template::is_unfilled;

/// A route's name, for dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Page,
    Health,
    Ready,
    OpenApi,
    OpenApi30,
    Directories,
    Directory,
    DirectorySyncs,
    DirectorySync,
    Syncs,
    Sync,
    Groups,
    VidmHealth,
    VidmDoctor,
    IdentityProviders,
    IdentityProvider,
    IdentitySources,
    IdentitySource,
    SyncClient,
    Prechecks,
    SddcManagerOidc,
    VcfDoctor,
    Hook,
}

/// The longest parameter, in bytes.
const MAX_PARAMETER: usize = 2048;

/// What a method on a route asks of its caller; `None`: nothing.
pub(super) type Access = Option<Scope>;

/// One route.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) path: &'static str,
    pub(super) name: Name,
    pub(super) operations: &'static [Operation],
}

/// One method of a route. The contract (feature `contract`) shows these as they are, so a query parameter that is read and not
/// listed here cannot be sent, and one that is listed and not documented fails the OpenAPI tests.
#[derive(Debug)]
pub(super) struct Operation {
    /// HEAD comes with GET, OPTIONS with all.
    pub(super) method: Method,
    pub(super) scope: Access,
    /// The names of the query parameters it reads. Any other is refused.
    pub(super) query: &'static [&'static str],
}

const fn operation(method: Method, scope: Option<Scope>, query: &'static [&'static str]) -> Operation {
    Operation { method, scope, query }
}

const fn get(scope: Scope, query: &'static [&'static str]) -> Operation {
    operation(Method::GET, Some(scope), query)
}

const fn write_vcf(method: Method, query: &'static [&'static str]) -> Operation {
    operation(method, Some(Scope::VcfWrite), query)
}

const OPEN: &[Operation] = &[operation(Method::GET, None, &[])];
const READ_VIDM: &[Operation] = &[get(Scope::VidmRead, &[])];
const READ_VCF: &[Operation] = &[get(Scope::VcfRead, &[])];
const START: &[Operation] = &[operation(Method::POST, Some(Scope::VidmSync), RUNNING)];
/// `retry` allows one more login after rejected ones; `strict` makes a failed check 503.
const DOCTOR: &[Operation] = &[get(Scope::Admin, &["retry", "strict"])];
/// What a sync that goes on is answered with.
const RUNNING: &[&str] = &["running"];
/// What a PUT is to do with what it finds.
const PUT: &[&str] = &["dryRun", "force"];

/// Every route there is.
pub(super) const ROWS: &[Row] = &[
    Row { path: "/", name: Name::Page, operations: OPEN },
    Row { path: "/healthz", name: Name::Health, operations: OPEN },
    Row { path: "/readyz", name: Name::Ready, operations: OPEN },
    Row { path: "/openapi.json", name: Name::OpenApi, operations: OPEN },
    Row { path: "/openapi-3.0.json", name: Name::OpenApi30, operations: OPEN },
    Row {
        path: "/vidm/{target}/v1/directories",
        name: Name::Directories,
        operations: &[get(Scope::VidmRead, &["name", "type", "domain", "syncable"])],
    },
    Row { path: "/vidm/{target}/v1/directories/{directory}", name: Name::Directory, operations: READ_VIDM },
    Row {
        path: "/vidm/{target}/v1/directories/{directory}/syncs",
        name: Name::DirectorySyncs,
        operations: &[get(Scope::VidmRead, &[]), operation(Method::POST, Some(Scope::VidmSync), RUNNING)],
    },
    Row { path: "/vidm/{target}/v1/directories/{directory}/sync", name: Name::DirectorySync, operations: READ_VIDM },
    Row { path: "/vidm/{target}/v1/syncs", name: Name::Syncs, operations: START },
    Row { path: "/vidm/{target}/v1/syncs/{sync}", name: Name::Sync, operations: &[get(Scope::VidmRead, RUNNING)] },
    Row { path: "/vidm/{target}/v1/groups", name: Name::Groups, operations: &[get(Scope::VidmRead, &["dn", "name"])] },
    Row { path: "/vidm/{target}/v1/health", name: Name::VidmHealth, operations: READ_VIDM },
    Row { path: "/vidm/{target}/v1/doctor", name: Name::VidmDoctor, operations: DOCTOR },
    Row {
        path: "/vcf/{target}/v1/identity-providers",
        name: Name::IdentityProviders,
        operations: &[get(Scope::VcfRead, &[]), write_vcf(Method::POST, &[]), write_vcf(Method::PUT, PUT)],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}",
        name: Name::IdentityProvider,
        operations: &[get(Scope::VcfRead, &[]), write_vcf(Method::PATCH, &[]), write_vcf(Method::DELETE, &[])],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}/identity-sources",
        name: Name::IdentitySources,
        operations: &[write_vcf(Method::POST, &[])],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}/identity-sources/{domainName}",
        name: Name::IdentitySource,
        operations: &[write_vcf(Method::PUT, PUT), write_vcf(Method::PATCH, &[]), write_vcf(Method::DELETE, &[])],
    },
    Row {
        path: "/vcf/{target}/v1/identity-providers/{id}/sync-client",
        name: Name::SyncClient,
        operations: &[write_vcf(Method::POST, &["syncClientTokenTTL"])],
    },
    Row {
        path: "/vcf/{target}/v1/identity-broker/prechecks",
        name: Name::Prechecks,
        operations: &[get(Scope::VcfRead, &["type"])],
    },
    Row {
        path: "/vcf/{target}/v1/identity-broker/sddc-manager-oidc",
        name: Name::SddcManagerOidc,
        operations: READ_VCF,
    },
    Row { path: "/vcf/{target}/v1/doctor", name: Name::VcfDoctor, operations: DOCTOR },
    Row { path: "/hooks/{hook}", name: Name::Hook, operations: START },
];

/// A kind of target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Vidm,
    Vcf,
}

impl Kind {
    /// Its word in paths and in a caller's `targets`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Vidm => "vidm",
            Self::Vcf => "vcf",
        }
    }
}

impl Row {
    /// The kind of target that the path names, by its first segment; `None` where it names none.
    pub(super) fn kind(&self) -> Option<Kind> {
        let is_first = |kind: &Kind| self.path.split('/').nth(1) == Some(kind.as_str());
        [Kind::Vidm, Kind::Vcf].into_iter().find(is_first)
    }

    /// What `method` does here; `None` when it is not taken. HEAD is GET without the body.
    pub(super) fn operation(&self, method: &Method) -> Option<&'static Operation> {
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        self.operations.iter().find(|operation| operation.method == wanted)
    }

    /// The fields of ours that a body may have here, for hints: where they stand in the query they are not read.
    pub(super) fn fields(&self) -> &'static [&'static str] {
        match self.name {
            Name::DirectorySyncs | Name::Syncs => crate::json::fields_of::<super::vidm_routes::StartRequest>(),
            _ => &[],
        }
    }

    /// The `Allow` header.
    pub(super) fn allow(&self) -> String {
        let mut methods: Vec<&str> = self.operations.iter().map(|operation| operation.method.as_str()).collect();
        if self.operation(&Method::GET).is_some() {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    pub(super) fn method_not_allowed(&self, method: &Method) -> Error {
        Error::new(ErrorCode::MethodNotAllowed, format!("{} does not take {method}", self.path))
            .hint(format!("use one of {}", self.allow()))
            .allow(self.allow())
    }
}

/// A path that led somewhere, its parameters decoded once.
#[derive(Debug)]
pub(super) struct Matched {
    pub(super) row: &'static Row,
    parameters: Vec<(&'static str, String)>,
}

impl Matched {
    /// The parameter `name` of the path.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The names of the parameters that a caller's template engine left as they were.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().filter(|(_, value)| is_unfilled(value)).map(|(name, _)| *name)
    }

    /// The target's name, where the route has one.
    pub(super) fn target(&self) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| *key == "target").map(|(_, value)| value.as_str())
    }
}

/// What stands in `path` for the parameters of `pattern`, none of them empty; `None` where it does not fit.
fn fit<'p>(pattern: &'static str, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    let (mut steps, mut parts) = (pattern.split('/'), path.split('/'));
    let mut parameters = Vec::new();
    loop {
        match (steps.next(), parts.next()) {
            (None, None) => return Some(parameters),
            (Some(step), Some(part)) => match step.strip_prefix('{').and_then(|step| step.strip_suffix('}')) {
                Some(name) if !part.is_empty() => parameters.push((name, part)),
                None if step == part => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// Finds the route of a path as it stands in the request line. One trailing slash is forgiven.
pub(super) fn find(path: &str) -> Result<Matched, Error> {
    let trimmed = path.strip_suffix('/').filter(|rest| !matches!(*rest, "" | "/")).unwrap_or(path);
    // No path fits two rows.
    let (row, found) = ROWS.iter().find_map(|row| Some((row, fit(row.path, trimmed)?))).ok_or_else(|| nowhere(path))?;
    let mut parameters = Vec::new();
    for (name, raw) in found {
        let value = percent_decode_str(raw).decode_utf8();
        if let Some(fault) = value.as_deref().map_or(Some("is not UTF-8"), fault) {
            return Err(Error::invalid(vec![FieldError::new("", format!("{{{name}}} in the path {fault}"))]));
        }
        parameters.push((name, value.unwrap_or_default().into_owned()));
    }
    Ok(Matched { row, parameters })
}

/// There is nothing at `path`.
pub(super) fn nowhere(path: &str) -> Error {
    Error::new(ErrorCode::RouteNotFound, format!("there is no route {}", crate::error::excerpt(path)))
        .hint("routes begin with /vidm/{target}/v1/ or /vcf/{target}/v1/; below a path of a proxy set base_path; see the README")
}

/// Why a parameter names nothing.
fn fault(value: &str) -> Option<&'static str> {
    match value {
        _ if value.trim().is_empty() => Some("is empty"),
        "." | ".." => Some("is no name"),
        _ if value.len() > MAX_PARAMETER => Some("is too long"),
        _ if value.chars().any(char::is_control) => Some("holds control characters"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_reached() {
        for row in ROWS {
            let path = row.path.replace(['{', '}'], "");
            assert_eq!(find(&path).unwrap().row.name, row.name, "{path}");
            if path != "/" {
                assert_eq!(find(&format!("{path}/")).unwrap().row.name, row.name, "{path}/");
            }
        }
    }

    #[test]
    fn rows_with_a_target_begin_with_its_kind() {
        for row in ROWS {
            assert_eq!(row.kind().is_some(), row.path.contains("{target}"), "{}", row.path);
        }
    }

    #[test]
    fn parameters_are_decoded_once() {
        let matched = find("/vcf/default/v1/identity-providers/a%2Fb/identity-sources/corp%2520x.example").unwrap();
        assert_eq!(matched.parameter("id"), "a/b");
        assert_eq!(matched.parameter("domainName"), "corp%20x.example");
        assert_eq!(matched.target(), Some("default"));
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        for path in ["", "/nope", "//", "/vidm", "/vidm//v1/directories", "/healthz//"] {
            assert_eq!(find(path).unwrap_err().code(), ErrorCode::RouteNotFound, "{path}");
        }
        for path in [
            "/vidm/%FF/v1/directories",
            "/vidm/%2E%2E/v1/directories",
            "/vidm/a%0Db/v1/directories",
            "/vidm/%20/v1/directories",
        ] {
            assert_eq!(find(path).unwrap_err().code(), ErrorCode::RequestInvalid, "{path}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_parameter_is_said() {
        let told = |parameter: &str| {
            let error = find(&format!("/vidm/default/v1/directories/{parameter}")).unwrap_err();
            (error.code(), error.detail().to_owned())
        };
        for (parameter, fault) in [
            ("%20", "is empty"),
            ("%FF", "not UTF-8"),
            ("a%0Db", "control characters"),
            (&"a".repeat(2049), "too long"),
        ] {
            let (code, detail) = told(parameter);
            assert_eq!(code, ErrorCode::RequestInvalid);
            assert!(detail.contains("{directory}") && detail.contains(fault), "{detail}");
        }
    }

    #[test]
    fn what_a_template_left_is_noticed() {
        for parameter in ["${resource.name}", "%24%7Bresource.name%7D", "a-$%7Bx}"] {
            let matched = find(&format!("/vidm/${{target}}/v1/directories/{parameter}")).unwrap();
            assert_eq!(matched.placeholders().collect::<Vec<_>>(), ["target", "directory"]);
        }
        assert_eq!(find("/vidm/default/v1/directories/$%7Bcorp").unwrap().placeholders().count(), 0);
    }

    #[test]
    fn head_and_options_come_by_themselves() {
        let matched = find("/vcf/x/v1/identity-providers").unwrap();
        assert_eq!(matched.row.allow(), "GET, POST, PUT, HEAD, OPTIONS");
        assert_eq!(matched.row.operation(&Method::HEAD).unwrap().scope, Some(Scope::VcfRead));
        assert!(matched.row.operation(&Method::PATCH).is_none());
    }
}
