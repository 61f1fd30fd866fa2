//! The routes: one table of paths, methods and the scope each needs.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::config::Scope;
use crate::directory::Product;
use crate::error::{Error, ErrorCode, FieldError};
use crate::template::is_unfilled;

mod nearest;
mod rows;

use nearest::nearest;
pub(super) use rows::ROWS;

/// The action of a method on a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Needs no caller.
    Public(Public),
    /// Needs a caller.
    Work(Work),
    /// A token call, whose body has the caller's key or token.
    Gate(Gate),
}

/// An action that needs a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A sync of this product's directories.
    Syncs(Product, Syncs),
    /// Below `/vidm/{target}`, besides syncs.
    Vidm(Vidm),
    /// Below `/fleet/{target}`, besides syncs.
    Fleet(Fleet),
    /// Below `/vcf/{target}`.
    Vcf(Vcf),
    /// A hook's sync.
    Hook,
    /// The metrics.
    Metrics,
}

impl Work {
    /// Whether it waits if the caller prefers that: for the end of a sync, a deletion or a whole job.
    pub(super) fn can_wait(self) -> bool {
        let of_sync = matches!(self, Self::Syncs(_, Syncs::State | Syncs::Start | Syncs::StartOfDirectory));
        of_sync || self == Self::Fleet(Fleet::Provider(FleetProvider::Delete)) || self == Self::Vcf(Vcf::Apply)
    }

    /// Whether it is an event stream if the caller wants one.
    pub(super) fn can_stream(self) -> bool {
        matches!(self, Self::Syncs(_, Syncs::State))
    }
}

/// An action that needs no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Public {
    Page,
    Health,
    Ready,
    OpenApi,
    OpenApi30,
}

/// A token call of SDDC Manager's API, which idhook answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Create,
    Refresh,
    Revoke,
}

/// An action on syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syncs {
    /// The body names the directory.
    Start,
    /// The path names the directory.
    StartOfDirectory,
    History,
    Latest,
    State,
    /// All syncs whose state has to be read again.
    Advance,
}

/// An action at a vIDM, besides syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vidm {
    ListDirectories,
    FindDirectory,
    FindGroups,
    Health,
    Doctor,
}

/// An action at a VCF Operations, besides syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fleet {
    Provider(FleetProvider),
    ListDirectories,
    FindDirectory,
    FindGroups,
    Doctor,
}

/// An action at an SDDC Manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vcf {
    ListProviders,
    AddProvider,
    PutProvider,
    GetProvider,
    UpdateProvider,
    DeleteProvider,
    GetSource,
    AddSource,
    PutSource,
    UpdateSource,
    DeleteSource,
    SetCredentials,
    SetCertificates,
    SetClientSecret,
    GenerateSyncClientToken,
    Prechecks,
    SddcManagerOidc,
    SddcManagers,
    Apply,
    Doctor,
}

/// An action at a VCF Operations on its identity providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FleetProvider {
    List,
    Create,
    Put,
    Get,
    Delete,
    SyncClient,
    GenerateSyncClient,
    Task,
    CheckSamlMetadata,
}

/// The longest parameter, in bytes.
const MAX_PARAMETER: usize = 2048;

/// The scope that a method requires; `None`: none.
pub(super) type Access = Option<Scope>;

/// One route.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) path: &'static str,
    pub(super) operations: &'static [Operation],
}

/// One method of a route. The contract (feature `contract`) lists these rows, so a query parameter or a condition that is
/// missing here is rejected, and one that is listed but not documented fails the OpenAPI tests.
#[derive(Debug)]
pub(super) struct Operation {
    /// HEAD is served wherever GET is, OPTIONS everywhere.
    pub(super) method: Method,
    pub(super) action: Action,
    pub(super) scope: Access,
    /// The names of its query parameters. Others are rejected.
    pub(super) query: &'static [&'static str],
    /// The conditional headers that it evaluates. A change with another one is rejected.
    pub(super) conditions: &'static [&'static str],
}

/// A kind of target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Vidm,
    Vcf,
    Fleet,
}

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Self; 3] = [Self::Vidm, Self::Vcf, Self::Fleet];

    /// Its word in paths and in a caller's `targets`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Vidm => "vidm",
            Self::Vcf => "vcf",
            Self::Fleet => "fleet",
        }
    }
}

impl From<Product> for Kind {
    fn from(product: Product) -> Self {
        match product {
            Product::Vidm => Self::Vidm,
            Product::Fleet => Self::Fleet,
        }
    }
}

impl Row {
    /// The kind of target in the path; `None` without one.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.operations.iter().find_map(|operation| match operation.action {
            Action::Work(Work::Vidm(_)) => Some(Kind::Vidm),
            Action::Work(Work::Fleet(_)) => Some(Kind::Fleet),
            Action::Work(Work::Syncs(product, _)) => Some(product.into()),
            Action::Work(Work::Vcf(_)) | Action::Gate(_) => Some(Kind::Vcf),
            Action::Work(Work::Hook | Work::Metrics) | Action::Public(_) => None,
        })
    }

    /// Whether it needs no caller.
    pub(super) fn is_public(&self) -> bool {
        self.operations.iter().all(|operation| matches!(operation.action, Action::Public(_)))
    }

    /// The action of `method` here; `None` if it is not accepted. HEAD is GET without the body.
    pub(super) fn operation(&self, method: &Method) -> Option<&'static Operation> {
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        self.operations.iter().find(|operation| operation.method == wanted)
    }

    /// The body fields of this route, for hints when a caller sends one in the query.
    pub(super) fn fields(&self) -> &'static [&'static str] {
        let is_start = |operation: &Operation| {
            matches!(operation.action, Action::Work(Work::Syncs(_, Syncs::Start | Syncs::StartOfDirectory)))
        };
        match self.operations.iter().any(is_start) {
            true => crate::json::fields_of::<super::sync_routes::StartRequest>(),
            false => &[],
        }
    }

    /// Whether one of its methods does this.
    pub(super) fn does(&self, action: Action) -> bool {
        self.operations.iter().any(|operation| operation.action == action)
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
        Error::new(ErrorCode::MethodNotAllowed, format!("{} does not accept {method}", self.path))
            .hint(format!("use one of {}", self.allow()))
            .allow(self.allow())
    }
}

/// A matched path with its parameters, each decoded once.
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

    /// The names of the parameters that contain unreplaced placeholders.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().filter(|(_, value)| is_unfilled(value)).map(|(name, _)| *name)
    }

    /// The target's name, if the route has one.
    pub(super) fn target(&self) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| *key == "target").map(|(_, value)| value.as_str())
    }
}

/// The values in `path` for the parameters of `pattern`, none of them empty; `None` if it does not match.
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

/// Finds the route of a path as in the request line. One trailing slash is allowed.
pub(super) fn find(path: &str) -> Result<Matched, Error> {
    let trimmed = path.strip_suffix('/').filter(|rest| !matches!(*rest, "" | "/")).unwrap_or(path);
    // No path matches two rows.
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

/// The error for an unknown path.
pub(super) fn nowhere(path: &str) -> Error {
    let hint = match nearest(path) {
        _ if path.starts_with("//") => {
            "the path begins with two slashes: write idhook's address without a slash at its end".to_owned()
        }
        Some(meant) => format!("did you mean {}?", crate::error::excerpt(&meant)),
        None => "routes begin with /vidm/{target}/v1/, /vcf/{target}/v1/ or /fleet/{target}/v1/; if a proxy serves idhook below a path, \
                 set base_path"
            .to_owned(),
    };
    Error::new(ErrorCode::RouteNotFound, format!("no route {}", crate::error::excerpt(path))).hint(hint)
}

/// Why a parameter is not a valid name.
fn fault(value: &str) -> Option<&'static str> {
    match value {
        _ if value.trim().is_empty() => Some("is empty"),
        "." | ".." => Some("is not a name"),
        _ if value.len() > MAX_PARAMETER => Some("is too long"),
        _ if value.chars().any(char::is_control) => Some("contains control characters"),
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
            assert_eq!(find(&path).unwrap().row.path, row.path, "{path}");
            if path != "/" {
                assert_eq!(find(&format!("{path}/")).unwrap().row.path, row.path, "{path}/");
            }
        }
    }

    #[test]
    fn rows_with_a_target_begin_with_its_kind() {
        for row in ROWS {
            assert_eq!(row.kind().is_some(), row.path.contains("{target}"), "{}", row.path);
            let first = row.path.split('/').nth(1);
            assert!(row.kind().is_none_or(|kind| first == Some(kind.as_str())), "{}", row.path);
        }
    }

    #[test]
    fn no_base_path_begins_like_a_row() {
        let roots = ROWS.iter().filter_map(|row| row.path.split('/').nth(1)).filter(|root| !root.is_empty());
        for root in roots.chain(["v1"]) {
            let read = |name: &str| (name == "base_path").then(|| format!("/{root}"));
            let mistakes = crate::config::Config::parse(read).unwrap_err();
            assert!(mistakes.iter().any(|mistake| mistake.variable == "base_path"), "{root}");
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
    fn unknown_and_invalid_paths_are_rejected() {
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
    fn invalid_parameters_are_named_with_their_fault() {
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
    fn unfilled_placeholders_are_found() {
        for parameter in ["${resource.name}", "%24%7Bresource.name%7D", "a-$%7Bx}"] {
            let matched = find(&format!("/vidm/${{target}}/v1/directories/{parameter}")).unwrap();
            assert_eq!(matched.placeholders().collect::<Vec<_>>(), ["target", "directory"]);
        }
        assert_eq!(find("/vidm/default/v1/directories/$%7Bcorp").unwrap().placeholders().count(), 0);
    }

    #[test]
    fn head_and_options_need_no_row() {
        let matched = find("/vcf/x/v1/identity-providers").unwrap();
        assert_eq!(matched.row.allow(), "GET, POST, PUT, HEAD, OPTIONS");
        assert_eq!(matched.row.operation(&Method::HEAD).unwrap().scope, Some(Scope::VcfRead));
        assert!(matched.row.operation(&Method::PATCH).is_none());
    }
}
