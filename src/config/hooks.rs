//! Hooks: which sync a webhook starts whose body cannot be changed, and where its values are in the request.

use http::HeaderName;
use serde::Deserialize;
use serde_json::Value;

use super::Reader;
use super::error::Place as At;
use super::targets::Targets;
use super::words::meant;
use crate::directory::{GroupQuery, SyncTarget};

/// The variable.
const NAME: &str = "hooks";

/// A sync that is started by another system's webhook.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Its name in the path.
    pub name: String,
    /// The names of the callers that may use it.
    pub senders: Vec<String>,
    /// The target.
    pub target: SyncTarget,
    /// The directory's id or name.
    pub directory: Source,
    /// The groups that must exist after the sync.
    pub groups: Vec<Source>,
    /// Whether groups that no run would import are added to the profile.
    pub add_to_profile: bool,
    /// The conditions. If one does not hold, the request is skipped.
    pub on: Vec<Condition>,
    /// The CloudEvents senders whose delivery `OPTIONS` permits, by `WebHook-Request-Origin`, or `*`.
    pub origins: Vec<String>,
}

/// The source of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A constant in the hook.
    Fixed(String),
    /// The value at this JSON Pointer (RFC 6901) in the body.
    Pointer(String),
}

/// A condition on the request.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The part of the request to compare.
    pub place: Place,
    /// The accepted values.
    pub equals: Vec<Value>,
}

/// A part of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A header.
    Header(HeaderName),
    /// A value in the body.
    Pointer(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Entry {
    /// The name in the path `/hooks/NAME`: 1 to 63 letters, digits, dots, dashes or underscores.
    name: String,
    /// The names of the callers of `api_keys`, `oidc_callers`, `certificate_callers` and `webhook_secrets` that may call the hook.
    senders: Vec<String>,
    /// The target: the name of a vIDM target, or `fleet/NAME`. Without it: `default`.
    target: Option<String>,
    /// The directory's id or name as a text, or `{"pointer": "/…"}`: where it stands in the request's body.
    directory: Value,
    /// The groups, as `groups` of a start: a list of texts and pointers, or one of them. A pointer to a list gives several groups.
    groups: Option<Value>,
    /// Whether groups that no run would bring are added to the sync profile. Without it: `false`.
    #[serde(default)]
    add_to_profile: bool,
    /// Conditions, all of which must hold: `{"pointer" or "header": …, "equals": …}`; a list in `equals` means any of these.
    #[serde(default)]
    on: Vec<Value>,
    /// Senders of CloudEvents that `OPTIONS` permits to deliver (`WebHook-Request-Origin`), or `*`.
    #[serde(default)]
    origins: Vec<String>,
}

/// Reads the hooks. `callers` are the names of all callers; `None`, like `targets`, if a mistake leaves them incomplete.
pub(super) fn read(reader: &mut Reader<'_>, callers: Option<&[String]>, targets: Option<&Targets>) -> Vec<Hook> {
    let syncable = targets.map(Targets::with_syncs);
    let mut hooks: Vec<Hook> = Vec::new();
    for (at, entry) in reader.json::<Vec<Entry>>(NAME).unwrap_or_default().into_iter().enumerate() {
        let mut errors = EntryErrors { reader, at };
        if !super::targets::is_name(&entry.name) {
            let place = At::in_entry(NAME, at, ".name");
            errors.reader.wrong(place, &entry.name, "; use 1 to 63 letters, digits, dots, dashes or underscores");
        }
        if hooks.iter().any(|hook| hook.name == entry.name) {
            errors.problem(".name", "is the name of another hook; use a different name");
        }
        if entry.senders.is_empty() {
            errors.problem(
                ".senders",
                "is an empty list, so no caller may use the hook; list callers of api_keys or webhook_secrets",
            );
        }
        if let Some(callers) = callers {
            for (which, sender) in entry.senders.iter().enumerate().filter(|(_, sender)| !callers.contains(sender)) {
                errors.no_such(&format!(".senders[{which}]"), sender, "caller of api_keys or webhook_secrets", callers);
            }
        }
        let named = entry.target.unwrap_or_else(|| super::targets::DEFAULT.to_owned());
        let target = SyncTarget::parse(&named);
        if let Some(known) = syncable.as_ref().filter(|known| !known.contains(&target)) {
            let known: Vec<_> = known.iter().map(SyncTarget::short).collect();
            errors.no_such(".target", &named, "target with directory syncs", &known);
        }
        let is_origin = |text: &String| {
            !text.is_empty() && text.len() <= 253 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
        };
        if let Some(which) = entry.origins.iter().position(|origin| !is_origin(origin)) {
            errors.problem(
                &format!(".origins[{which}]"),
                "is not a host name; use the sender's host name, such as eventgrid.azure.net, or *",
            );
        }
        let hook = Hook {
            origins: entry.origins,
            directory: Source::of(&entry.directory, ".directory", &mut errors),
            groups: groups(entry.groups.as_ref(), entry.add_to_profile, &mut errors),
            on: conditions(&entry.on, &mut errors),
            name: entry.name,
            senders: entry.senders,
            target,
            add_to_profile: entry.add_to_profile,
        };
        hooks.push(hook);
    }
    hooks
}

/// Reports the mistakes of one entry.
struct EntryErrors<'t, 'r> {
    reader: &'t mut Reader<'r>,
    at: usize,
}

impl EntryErrors<'_, '_> {
    fn problem(&mut self, path: &str, text: impl AsRef<str>) {
        self.reader.problem(At::in_entry(NAME, self.at, path), text);
    }

    fn no_such(&mut self, path: &str, name: &str, what: &str, known: &[String]) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let fix = match meant(name, &known) {
            Some(meant) => format!("did you mean {meant:?}?"),
            None if known.is_empty() => format!("no {what} is configured"),
            None => format!("use one of {}", known.join(", ")),
        };
        let place = At::in_entry(NAME, self.at, path);
        self.reader.wrong(place, name, format!(", which is not a {what}; {fix}"));
    }
}

impl Source {
    fn of(value: &Value, place: &str, errors: &mut EntryErrors<'_, '_>) -> Self {
        let pointer = value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.get("pointer"));
        match (value, pointer) {
            (Value::String(text), _) if !text.trim().is_empty() => Self::Fixed(text.trim().to_owned()),
            (_, Some(Value::String(text))) if is_pointer(text) => Self::Pointer(text.clone()),
            _ => {
                errors.problem(
                    place,
                    "is neither a string nor a pointer; use a string, or {\"pointer\": \"/…\"} with a JSON Pointer (RFC 6901)",
                );
                Self::Fixed(String::new())
            }
        }
    }
}

/// The groups: a list, or a pointer to one.
fn groups(value: Option<&Value>, add_to_profile: bool, errors: &mut EntryErrors<'_, '_>) -> Vec<Source> {
    let items = match value {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    if items.is_empty() && add_to_profile {
        errors.problem(".addToProfile", "is set, but there are no groups to add; add groups");
    }
    let mut groups = Vec::new();
    for (which, item) in items.iter().enumerate() {
        let place = format!(".groups[{which}]");
        let group = Source::of(item, &place, errors);
        if let Source::Fixed(text) = &group
            && !text.is_empty()
        {
            match GroupQuery::parse(text) {
                Err(why) => errors.problem(&place, why),
                Ok(GroupQuery::Name(_)) if add_to_profile => {
                    errors.problem(&place, "is not a DN, which addToProfile requires; use CN=…,DC=…");
                }
                Ok(_) => {}
            }
        }
        groups.push(group);
    }
    groups
}

fn conditions(entries: &[Value], errors: &mut EntryErrors<'_, '_>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (which, entry) in entries.iter().enumerate() {
        let field = |name| entry.get(name);
        let place = match (field("pointer"), field("header")) {
            (Some(Value::String(pointer)), None) if is_pointer(pointer) => Some(Place::Pointer(pointer.clone())),
            (None, Some(Value::String(header))) => header.parse().map(Place::Header).ok(),
            _ => None,
        };
        let equals = match field("equals") {
            Some(Value::Array(any)) => any.clone(),
            one => one.cloned().into_iter().collect(),
        };
        let Some(place) = place.filter(|_| !equals.is_empty() && entry.as_object().is_some_and(|all| all.len() == 2))
        else {
            errors.problem(
                &format!(".on[{which}]"),
                "is not a condition; use {\"pointer\": \"/…\", \"equals\": …} or {\"header\": \"…\", \"equals\": …}",
            );
            continue;
        };
        if matches!(place, Place::Header(_)) && !equals.iter().all(Value::is_string) {
            errors.problem(
                &format!(".on[{which}].equals"),
                "contains a value that is not a string; use strings to compare with headers",
            );
        }
        conditions.push(Condition { place, equals });
    }
    conditions
}

/// Whether `text` is a JSON Pointer (RFC 6901) to a part of a document.
fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};
    use serde_json::json;

    fn parse(hooks: &Value) -> Result<Config, Vec<ConfigError>> {
        let senders =
            r#"[{"name":"ci","scheme":"github","secrets":["a secret of some length"],"scopes":["vidm:sync"]}]"#;
        let keys = r#"[{"name":"aria","sha256":"6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090","scopes":["vidm:sync"]}]"#;
        Config::parse(|name| {
            match name {
            "vidm_url" | "vcf_url" => Some("https://s".to_owned()),
            "vidm_username" | "vidm_password" | "vcf_username" | "vcf_password" => Some("user@corp.example".to_owned()),
            "targets" => Some(r#"{"vidm":{"lab":{"url":"https://l","username":"u","password":"p"}},"vcf":{"mgmt":{"url":"https://b","username":"u@vsphere.local","password":"p"}},"fleet":{"ops":{"url":"https://o","apiToken":"t"}}}"#.to_owned()),
            "api_keys" => Some(keys.to_owned()),
            "webhook_secrets" => Some(senders.to_owned()),
            "hooks" => Some(hooks.to_string()),
            _ => None,
        }
        })
    }

    fn hook(more: &Value) -> Value {
        let mut hook = json!({"name": "infra", "senders": ["ci"], "directory": "corp.example"});
        for (name, value) in more.as_object().unwrap() {
            hook[name] = value.clone();
        }
        hook
    }

    #[test]
    fn hook_is_read_in_all_its_forms() {
        let least = &parse(&json!([hook(&json!({}))])).unwrap().hooks[0];
        assert_eq!(
            (least.target.short().as_str(), &least.directory),
            ("default", &Source::Fixed("corp.example".into()))
        );
        assert!(least.groups.is_empty() && least.on.is_empty() && !least.add_to_profile);
        let config = parse(&json!([
            hook(&json!({"senders": ["ci", "aria"], "target": "lab", "directory": {"pointer": "/repository/na~1me"},
                "groups": ["CN=a,DC=b", {"pointer": "/group"}], "addToProfile": true,
                "on": [{"pointer": "/ref", "equals": "refs/heads/main"}, {"header": "X-GitHub-Event", "equals": ["push", "create"]},
                       {"pointer": "/forced", "equals": false}]})),
            hook(&json!({"name": "other", "groups": {"pointer": "/groups"}})),
        ]))
        .unwrap();
        let [first, second] = config.hooks.as_slice() else { panic!("{config:?}") };
        assert_eq!(first.directory, Source::Pointer("/repository/na~1me".into()));
        assert_eq!(first.groups, [Source::Fixed("CN=a,DC=b".into()), Source::Pointer("/group".into())]);
        assert_eq!(first.on[1].place, Place::Header(HeaderName::from_static("x-github-event")));
        assert_eq!(
            (first.on[0].equals.len(), first.on[1].equals.len(), &first.on[2].equals),
            (1, 2, &vec![json!(false)])
        );
        assert_eq!(second.groups, [Source::Pointer("/groups".into())]);
    }

    #[test]
    fn target_may_name_its_kind() {
        for (target, read) in [("default", "default"), ("vidm/lab", "lab"), ("fleet/ops", "fleet/ops")] {
            let config = parse(&json!([hook(&json!({"target": target}))])).unwrap();
            assert_eq!(config.hooks[0].target.short(), read);
        }
    }

    #[test]
    fn mistakes_are_reported_with_their_place() {
        for (more, place) in [
            (json!({"name": "a/b"}), "[0].name"),
            (json!({"origins": ["eventgrid.azure.net", "a b"]}), "[0].origins[1]"),
            (json!({"origins": [""]}), "[0].origins[0]"),
            (json!({"senders": []}), "[0].senders is an empty list"),
            (json!({"senders": ["ci", "nobody"]}), "[0].senders[1]"),
            (json!({"target": "prod"}), "[0].target"),
            (json!({"target": "mgmt"}), "[0].target"),
            (json!({"target": "vcf/mgmt"}), "[0].target"),
            (json!({"target": "ops"}), "[0].target"),
            (json!({"directory": " "}), "[0].directory"),
            (json!({"directory": 5}), "[0].directory"),
            (json!({"directory": {"pointer": "repository"}}), "[0].directory"),
            (json!({"directory": {"pointer": ""}}), "[0].directory"),
            (json!({"directory": {"pointer": "/a~2b"}}), "[0].directory"),
            (json!({"directory": {"pointer": "/a~"}}), "[0].directory"),
            (json!({"directory": {"pointer": "/a", "default": "b"}}), "[0].directory"),
            (json!({"groups": ["CN=a,DC=b", 7]}), "[0].groups[1]"),
            (json!({"groups": {"pointer": "x"}}), "[0].groups[0] is neither"),
            (json!({"groups": ["CN=a"], "addToProfile": "yes"}), "[0].addToProfile"),
            (json!({"addToProfile": true}), "[0].addToProfile is set, but there are no groups"),
            (json!({"groups": ["gg@corp.example"], "addToProfile": true}), "[0].groups[0] is not a DN"),
            (json!({"groups": ["a\u{7}b"]}), "[0].groups[0] contains a control character"),
            (json!({"on": [{"equals": "x"}]}), "[0].on[0] is not a condition"),
            (json!({"on": [{"pointer": "/a", "header": "b", "equals": "x"}]}), "[0].on[0] is not a condition"),
            (json!({"on": [{"pointer": "a", "equals": "x"}]}), "[0].on[0] is not a condition"),
            (json!({"on": [{"header": "a b", "equals": "x"}]}), "[0].on[0] is not a condition"),
            (json!({"on": [{"header": "a", "equals": ["x", 5]}]}), "[0].on[0].equals"),
            (json!({"on": [{"pointer": "/a", "equals": []}]}), "[0].on[0] is not a condition"),
            (json!({"on": ["/a"]}), "[0].on[0] is not a condition"),
            (json!({"on": [{"pointer": "/a", "equals": "b", "not": true}]}), "[0].on[0] is not a condition"),
            (json!({"on": [{"pointer": "/a"}]}), "[0].on[0] is not a condition"),
            (json!({"ignoreSafeguards": true}), "[0].ignoreSafeguards is an unknown field"),
        ] {
            let problems = parse(&json!([hook(&more)])).unwrap_err();
            assert!(problems.len() == 1 && problems[0].variable == NAME, "{problems:?}");
            assert!(problems[0].to_string().contains(place), "{more}: {problems:?}");
        }
        // A mistake in api_keys leaves the callers unknown.
        let config = Config::parse(|name| match name {
            "hooks" => Some(json!([hook(&json!({}))]).to_string()),
            "api_keys" => Some("[{".to_owned()),
            _ => None,
        });
        assert!(config.unwrap_err().iter().all(|problem| problem.variable != NAME));
        let twice = parse(&json!([hook(&json!({})), hook(&json!({}))])).unwrap_err();
        assert!(twice[0].to_string().contains("[1].name is the name of another"), "{twice:?}");
    }
}
