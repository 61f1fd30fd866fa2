//! Whole configurations: which are valid, and which mistakes are reported.

use super::*;
use std::collections::BTreeMap;

const KEYS: &str = r#"[{"name":"ci","sha256":"6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090","scopes":["vidm:read"]}]"#;

fn parse(pairs: &[(&str, &str)]) -> Result<Config, Vec<ConfigError>> {
    let map: BTreeMap<_, _> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::parse(|name| map.get(name).cloned())
}

fn mistakes(pairs: &[(&str, &str)]) -> String {
    let problems = parse(pairs).unwrap_err();
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn plain_variables_make_the_default_targets() {
    let config = parse(&[
        ("vidm_url", "https://vidm.corp.example/"),
        ("vidm_username", "svc"),
        ("vidm_password", "p"),
        ("vcf_url", "https://sddc.corp.example"),
        ("vcf_username", "svc@vsphere.local"),
        ("vcf_password", "p"),
        ("api_keys", KEYS),
    ])
    .unwrap();
    assert_eq!(config.vidm.get("default").unwrap().url.as_str(), "https://vidm.corp.example");
    assert!(matches!(
        config.vidm.get("default").unwrap().credentials,
        vidm::Credentials::System { scheme: crate::secret::Scheme::Hzn, .. }
    ));
    assert_eq!(vcf_username(&config), "svc@vsphere.local");
    assert_eq!(config.request_timeout, Duration::from_secs(25));
}

#[test]
fn credentials_decide_which_login_is_used() {
    let with = |more: &[(&'static str, &'static str)]| {
        let mut pairs = vec![("vidm_url", "https://v"), ("api_keys", KEYS)];
        pairs.extend_from_slice(more);
        parse(&pairs).map(|mut config| config.vidm.remove("default").unwrap().credentials.clone())
    };
    let client = [("vidm_client_id", "idhook"), ("vidm_client_secret", "s")];
    assert!(matches!(with(&client).unwrap(), vidm::Credentials::Client { .. }));
    let account = [("vidm_username", "svc"), ("vidm_password", "p"), ("vidm_domain", "corp.example")];
    assert!(matches!(with(&[account.as_slice(), &client].concat()).unwrap(), vidm::Credentials::Password { .. }));
    assert!(matches!(with(&account[..2]).unwrap(), vidm::Credentials::System { .. }));
    assert!(with(&account).is_err(), "a domain requires a client");
    assert!(with(&[]).is_err());
}

#[test]
fn names_of_callers_are_visible_in_the_log() {
    let vidm = [("vidm_url", "https://v"), ("vidm_username", "u"), ("vidm_password", "p")];
    for name in ["ci\\u0007", "ci\\u200b", "\\u202eci"] {
        let keys = KEYS.replace("\"ci\"", &format!("\"{name}\""));
        let told = mistakes(&[&vidm[..], &[("api_keys", &keys)]].concat());
        assert!(told.contains("api_keys[0].name contains an invisible character"), "{name}: {told}");
    }
}

#[test]
fn placeholder_url_counts_as_unset() {
    let unset = ("vidm_url", "https://unset.invalid/");
    assert!(mistakes(&[unset, ("api_keys", KEYS)]).contains("there is no target"));
    let vcf = [("vcf_url", "https://s"), ("vcf_username", "u@local"), ("vcf_password", "p"), ("api_keys", KEYS)];
    let config = parse(&[&vcf[..], &[unset]].concat()).unwrap();
    assert_eq!((config.vidm.len(), config.vcf.len()), (0, 1));
}

#[test]
fn docs_url_is_a_website_without_secrets() {
    let vcf = [("vcf_url", "https://s"), ("vcf_username", "u@v"), ("vcf_password", "pw-of-vcf"), ("api_keys", KEYS)];
    let docs = |text| parse(&[&vcf[..], &[("docs_url", text)]].concat()).map(|config| config.docs_url);
    for (text, read) in [
        ("", ""),
        (" https://docs.corp.example/ ", "https://docs.corp.example"),
        ("https://docs.corp.example:8443/idhook/", "https://docs.corp.example:8443/idhook"),
        ("http://127.0.0.1:3000/a/b", "http://127.0.0.1:3000/a/b"),
    ] {
        assert_eq!(docs(text).unwrap(), read, "{text}");
    }
    for wrong in [
        "docs.corp.example",
        "ftp://docs.corp.example",
        "https://user:word@docs.corp.example",
        "https://docs.corp.example/?token=x",
        "https://docs.corp.example/#errors",
        "https://docs.corp.example/pw-of-vcf",
        "\"https://docs.corp.example\"",
    ] {
        let mistakes = docs(wrong).unwrap_err();
        assert_eq!(mistakes[0].variable, "docs_url", "{wrong}");
        assert!(
            !mistakes[0].to_string().contains("pw-of-vcf") && !mistakes[0].to_string().contains("token"),
            "{wrong}"
        );
    }
    assert_eq!(Config::wanted_docs_url(|name| (name == "docs_url").then(|| "https://d/x".to_owned())), "https://d/x");
}

#[test]
fn base_path_is_checked_against_the_routes() {
    let base = |text: &str| {
        let vcf = [("vcf_url", "https://s"), ("vcf_username", "u@v"), ("vcf_password", "p"), ("api_keys", KEYS)];
        parse(&[&vcf[..], &[("base_path", text)]].concat()).map(|config| config.base_path)
    };
    for (text, path) in [("", ""), ("/", ""), ("/idhook", "/idhook"), (" /a/b-c.d/ ", "/a/b-c.d"), ("/vidmx", "/vidmx")]
    {
        assert_eq!(base(text).unwrap(), path, "{text}");
    }
    for wrong in
        ["idhook", "//idhook", "/a//b", "/a b", "/..", "/a/../b", "/%2e", "/vidm", "/vcf/x", "/hooks", "https://h/i"]
    {
        assert!(base(wrong).unwrap_err()[0].variable == "base_path", "{wrong}");
    }
    assert_eq!(Config::wanted_base_path(|name| (name == "base_path").then(|| "/x".to_owned())), "/x");
}

#[test]
fn empty_configuration_is_reported() {
    let told = mistakes(&[]);
    assert!(told.contains("vidm_url") && told.contains("api_keys"), "{told}");
}

#[test]
fn each_mistake_is_listed_and_no_secret_is_shown() {
    let problems = parse(&[
        ("vidm_url", "https://v/SAAS?pw=hunter2"),
        ("vidm_profile", "horzon"),
        ("connect_timeout", "10s"),
        ("request_body_limit", "-1"),
        ("wait_limit", "hunter2"),
        ("state_key", "hunter2"),
        ("log_level", "debug"),
        ("targets", r#"{"vidm":{"prod":{"url":"https://v","pasword":"hunter2"},"lab":{"syncApi":5}}}"#),
        ("callbacks", r#"[{"name":"a b","url":"hunter2","secret":"whsec_hunter2"},{"name":"x","more":"hunter2"}]"#),
        ("api_keys", r#"[{"name":"x","sha256":"hunter2","scopes":["vidm:reed","hunter2"]}]"#),
    ])
    .unwrap_err();
    let found: Vec<_> = problems
        .iter()
        .map(|problem| (problem.place(), problem.detail.as_str(), problem.hint.as_deref().unwrap_or_default()))
        .collect();
    for (place, detail, hint) in [
        ("vidm_url", "has a path", "use only"),
        ("vidm_profile", "is \"horzon\"", "did you mean \"horizon\"?"),
        ("connect_timeout", "is \"10s\"", "without a unit"),
        ("request_body_limit", "is \"-1\"", "from 1 to 16777216"),
        ("wait_limit", "is not valid", "use a number"),
        ("state_key", "has 7 characters", "openssl rand"),
        ("log_level", "is \"debug\"", "use one of info, error"),
        ("targets.vidm.prod.pasword", "is an unknown field", "did you mean \"password\"?"),
        ("targets.vidm.lab.syncApi", "has the wrong type", "use a string"),
        ("callbacks[1].more", "is an unknown field", "use one of name, targets, url, secret"),
        ("api_keys[0].sha256", "is not 64 hexadecimal digits", "sha256sum"),
        ("api_keys[0].scopes[0]", "is not valid", "did you mean \"vidm:read\"?"),
        ("api_keys[0].scopes[1]", "is not valid", "use one of vidm:read"),
    ] {
        let fits = |one: &&(String, &str, &str)| one.0 == place && one.1.contains(detail) && one.2.contains(hint);
        assert_eq!(found.iter().filter(fits).count(), 1, "{place} {detail} {hint}\n{found:#?}");
    }
    let all = mistakes(&[("callbacks", r#"[{"name":"a b","url":"hunter2","secret":"whsec_hunter2"}]"#)]);
    for place in ["callbacks[0].name", "callbacks[0].url", "callbacks[0].secret"] {
        assert!(all.contains(place), "{all}");
    }
    assert!(!format!("{found:?}{all}").contains("hunter2"), "{found:#?}");
}

/// A valid configuration with a target of each kind, changed by `more`.
fn with(more: &[(&str, &str)]) -> Result<Config, Vec<ConfigError>> {
    let base = [
        ("vidm_url", "https://v"),
        ("vidm_username", "svc"),
        ("vidm_password", "p"),
        ("vcf_url", "https://s"),
        ("vcf_username", "svc@local"),
        ("vcf_password", "p"),
        ("api_keys", KEYS),
    ];
    let mut all: BTreeMap<_, _> = base.into_iter().collect();
    all.extend(more.iter().copied());
    parse(&all.into_iter().collect::<Vec<_>>())
}

#[test]
fn subtle_mistakes_are_rejected() {
    let key = |fields: &str| format!(r#"[{{"name":"ci","sha256":"{}",{fields}}}]"#, "ab".repeat(32));
    for (variable, value, detail, hint) in [
        ("vidm_url", "https://v:65536", "is \"https://v:65536\": has a port", "use https://host"),
        ("vidm_url", "https://v:0", "has a port", "use https://"),
        ("vidm_url", "https://v:", "has a port", "use https://"),
        ("vidm_url", "https://[::1]:99999", "has a port", "use https://"),
        ("vidm_url", "\"https://v\"", "is in quotes", "remove the quotes"),
        ("vidm_url", "https://${host}", "placeholder", "check how"),
        ("vidm_url", "vidm.corp.example", "is not an absolute URL", "use https://host"),
        ("vidm_tenant", "corp/x", "is \"corp/x\", with a slash", "/SAAS/t/NAME"),
        ("vidm_tenant", "/SAAS/t/corp", "with a slash", "/SAAS/t/NAME"),
        ("vidm_tenant", "a b", "not a tenant name", "/SAAS/t/NAME"),
        ("vcf_username", "administrator", "has no domain", "user@domain"),
        ("vcf_username", "administrator@", "has no domain", "user@domain"),
        ("vcf_username", "@local", "has no domain", "user@domain"),
        ("api_keys", &key(r#""scopes":[]"#), "empty list, so this caller may do nothing", "vidm:read"),
        ("api_keys", &key(r#""scope":["admin"]"#), "unknown field", "did you mean \"scopes\"?"),
        ("api_keys", &key(r#""scopes":["admin"],"targets":[]"#), "may use no target", "omit targets"),
        ("api_keys", &key(r#""scopes":["admin"],"targets":["defualt"]"#), "not a target", "did you mean \"default\"?"),
        ("api_keys", &key(r#""scopes":["admin"],"notAfter":"soon""#), "is not valid", "RFC 3339"),
        ("api_keys", "'[]'", "in quotes", "remove the quotes"),
        ("api_keys", "idh_0123456789", "not valid JSON", "this is a key"),
        ("api_keys", "[{name:x}]", "not valid JSON", "double quotes"),
        ("page", "\"true\"", "quotes around it", "remove the quotes"),
        ("request_timeout", "'5'", "quotes around it", "use a number of seconds"),
        ("store", "none\u{200b}", "is \"none<U+200B>\"", "did you mean"),
    ] {
        let problems = with(&[(variable, value)]).unwrap_err();
        let found = problems.iter().any(|problem| {
            problem.variable == variable
                && problem.detail.contains(detail)
                && problem.hint.as_deref().unwrap_or_default().contains(hint)
        });
        assert!(found, "{variable}={value}: {problems:#?}");
    }
}

#[test]
fn invisible_characters_around_credentials_are_not_sent() {
    let client = [("vidm_client_id", "id"), ("vidm_client_secret", "cs"), ("vidm_domain", "corp.example")];
    let names = ["vidm_username", "vidm_domain", "vidm_tenant", "vidm_client_id", "vcf_username"];
    let secrets = ["vidm_password", "vidm_client_secret", "vcf_password"];
    for variable in names.into_iter().chain(secrets) {
        let good = if variable == "vcf_username" { "svc@local" } else { "hunter2" };
        for (around, called) in [
            ("\n", "line break (U+000A)"),
            ("\r\n", "(U+000A)"),
            ("\r", "carriage return (U+000D)"),
            ("\t", "tab (U+0009)"),
            ("\0", "null character (U+0000)"),
            ("\u{feff}", "byte order mark (U+FEFF)"),
            ("\u{200b}", "invisible character (U+200B)"),
            ("\u{202e}", "invisible character (U+202E)"),
            ("\u{85}", "control character (U+0085)"),
        ] {
            for value in [format!("{good}{around}"), format!("{around}{good}")] {
                let mut all = client.to_vec();
                all.retain(|(name, _)| *name != variable);
                all.push((variable, &value));
                let problems = with(&all).unwrap_err();
                let [problem] = problems.as_slice() else { panic!("{variable} {value:?}: {problems:#?}") };
                let called = if value.starts_with("\r\n") { "carriage return (U+000D)" } else { called };
                assert!(problem.variable == variable && problem.detail.contains(called), "{problem}");
                assert!(!problem.to_string().contains("hunter2"), "{problem}");
                // The same within `targets`.
                let (kind, field) = variable.split_once('_').unwrap();
                let mut target: BTreeMap<&str, &str> = [("url", "https://x"), ("password", "p")].into();
                target.extend([("username", "svc@local")]);
                if kind == "vidm" {
                    target.extend([("client_id", "id"), ("client_secret", "cs"), ("domain", "d")]);
                }
                target.insert(field, &value);
                let targets = serde_json::json!({ kind: { "prod": target } }).to_string();
                let problems = with(&[("targets", &targets)]).unwrap_err();
                let [problem] = problems.as_slice() else { panic!("{targets}: {problems:#?}") };
                assert_eq!(
                    (problem.variable.as_str(), problem.pointer.as_str()),
                    ("targets", format!("/{kind}/prod/{field}").as_str())
                );
                assert!(problem.detail.contains(called) && !problem.to_string().contains("hunter2"), "{problem}");
            }
        }
    }
    let all = [("vidm_username", " svc "), ("vidm_tenant", "\u{a0}corp"), ("vcf_username", "svc@local  ")];
    let config = with(&all).unwrap();
    assert_eq!(config.vidm.get("default").unwrap().tenant.as_deref(), Some("corp"));
    assert!(
        matches!(&config.vidm.get("default").unwrap().credentials, vidm::Credentials::System { username, .. } if username == "svc")
    );
    assert_eq!((vcf_username(&config), config.warnings.len()), ("svc@local", 0));
}

fn vcf_username(config: &Config) -> &str {
    match &config.vcf.get("default").unwrap().credentials {
        crate::vcf::Credentials::Account { username, .. } => username,
        crate::vcf::Credentials::RefreshToken(_) => panic!("no account"),
    }
}

#[test]
fn sddc_manager_takes_an_account_or_a_refresh_token() {
    const VCF_KEYS: &str = r#"[{"name":"ci","sha256":"6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090","scopes":["vcf:read"]}]"#;
    const ID: &str = "3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e";
    let with = |more: &[(&'static str, &'static str)]| {
        let pairs = [("vcf_url", "https://sddc.corp.example"), ("api_keys", VCF_KEYS)];
        parse(&[&pairs, more].concat())
    };
    let config = with(&[("vcf_refresh_token", ID)]).unwrap();
    assert!(matches!(
        &config.vcf.get("default").unwrap().credentials,
        crate::vcf::Credentials::RefreshToken(token) if token.expose() == ID
    ));
    assert!(!format!("{config:?}").contains(ID));
    let (account, password) = (("vcf_username", "svc@local"), ("vcf_password", "hunter2"));
    for (more, variable, words) in [
        (vec![account, password, ("vcf_refresh_token", ID)], "vcf_refresh_token", "beside username and password"),
        (vec![account, ("vcf_refresh_token", ID)], "vcf_refresh_token", "beside username;"),
        (vec![password, ("vcf_refresh_token", ID)], "vcf_refresh_token", "beside password;"),
        (vec![], "vcf_username", "nor is refresh_token"),
        (vec![password], "vcf_username", "is not set"),
        (vec![account], "vcf_password", "is not set"),
        (vec![("vcf_refresh_token", "{\"id\": \"hunter2\"}")], "vcf_refresh_token", "refreshToken.id"),
        (vec![("vcf_refresh_token", "hunter2\n")], "vcf_refresh_token", "line break"),
    ] {
        let problems = with(&more).unwrap_err();
        let problem = problems.first().unwrap();
        assert!(problem.variable == variable && problem.to_string().contains(words), "{more:?}: {problem}");
        assert!(!format!("{problems:?}").contains("hunter2") && !format!("{problems:?}").contains(ID), "{problems:?}");
    }
    // The same within `targets`, in either spelling.
    for field in ["refresh_token", "refreshToken"] {
        let targets = serde_json::json!({"vcf": {"prod": {"url": "https://x", field: ID}}}).to_string();
        assert!(parse(&[("targets", &targets), ("api_keys", VCF_KEYS)]).is_ok(), "{field}");
    }
}

#[test]
fn suspicious_values_are_warned_about_but_not_shown() {
    for (variable, value, detail) in [
        ("vidm_password", "\"hunter2\"", "is in quotes"),
        ("vcf_password", "'hunter2'", "is in quotes"),
        ("vidm_username", "“svc”", "is in quotes"),
        ("vidm_password", " hunter2", "begins or ends with a blank"),
        ("vidm_password", "${VIDM_PASSWORD}", "placeholder"),
        ("vidm_password", "{{ vidm_password }}", "placeholder"),
        ("vidm_password", "$(cat hunter2)", "placeholder"),
        ("vidm_password", "<password>", "example"),
        ("vidm_password", "changeme", "example"),
        ("vidm_password", "********", "example"),
        ("vidm_password", "your password here", "example"),
        ("vidm_url", "http://vidm.corp.example", "is http://"),
        ("vcf_url", "http://10.0.0.1:8080", "is http://"),
        ("vcf_url", "http://127.0.0.1.corp.example", "is http://"),
    ] {
        let config = with(&[(variable, value)]).unwrap();
        let [warning] = config.warnings.as_slice() else { panic!("{value}: {:?}", config.warnings) };
        assert!(warning.variable == variable && warning.detail.contains(detail), "{warning}");
        assert!(warning.hint.is_some() && !warning.to_string().contains("hunter2"), "{warning}");
    }
    for (variable, value) in [
        ("vidm_url", "http://127.0.0.1:8180"),
        ("vidm_url", "http://[::1]:8180"),
        ("vidm_url", "http://localhost"),
        ("vidm_url", "http://LOCALHOST.:80"),
        ("vidm_url", "http://vidm.localhost"),
        ("vidm_password", "pa\"ss"),
        ("vidm_password", "\"x"),
        ("vidm_password", "\""),
        ("vidm_password", "50% off"),
        ("vidm_password", "pass word"),
    ] {
        assert_eq!(with(&[(variable, value)]).unwrap().warnings, [], "{value}");
    }
}

#[test]
fn caller_may_have_several_keys() {
    let (one, two) = ("ab".repeat(32), "cd".repeat(32));
    let keys = |sha256: &str| {
        format!(r#"[{{"name":"ci","sha256":{sha256},"scopes":["admin"],"notAfter":"2027-01-31T00:00:00+01:00"}}]"#)
    };
    let config = with(&[("api_keys", &keys(&format!(r#"["{one}","{two}"]"#)))]).unwrap();
    assert_eq!(config.api_keys.len(), 1);
    assert!(config.api_keys[0].not_after.is_some());
    for (sha256, told) in [
        (format!(r#"["{one}","{one}"]"#), "api_keys[0].sha256[1] repeats another key"),
        (format!(r#"["{one}","x"]"#), "api_keys[0].sha256[1] is not 64 hexadecimal digits"),
        ("[]".to_owned(), "api_keys[0].sha256 has 0 digests"),
        ("5".to_owned(), "api_keys[0].sha256 is not 64 hexadecimal digits"),
        ("null".to_owned(), "api_keys[0].sha256 is null"),
    ] {
        let problems = with(&[("api_keys", &keys(&sha256))]).unwrap_err();
        assert!(problems[0].to_string().starts_with(told), "{sha256}: {problems:?}");
    }
}

#[test]
fn unknown_targets_and_empty_digests_are_rejected() {
    let with = |targets: &str, sha256: &str| {
        let keys = format!(r#"[{{"name":"ci","sha256":"{sha256}","scopes":["vidm:read"],"targets":{targets}}}]"#);
        let more = r#"{"vidm":{"lab":{"url":"https://l","username":"u","password":"p"}}}"#;
        parse(&[
            ("vcf_url", "https://s"),
            ("vcf_username", "u@local"),
            ("vcf_password", "p"),
            ("targets", more),
            ("api_keys", keys.as_str()),
        ])
    };
    let digest = "6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";
    assert!(with(r#"["default","lab","vidm/lab","vcf/default"]"#, digest).is_ok());
    for wrong in ["prod", "vidm/default", "vcf/lab", "other/lab", ""] {
        let problems = with(&format!(r#"["lab","{wrong}"]"#), digest).unwrap_err();
        assert!(problems.len() == 1 && problems[0].place() == "api_keys[0].targets[1]", "{wrong}: {problems:?}");
    }
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let problems = with(r#"["lab"]"#, empty).unwrap_err();
    assert!(problems[0].detail.contains("empty text"), "{problems:?}");
}

#[test]
fn mistake_names_the_place_where_it_was_written() {
    let told = mistakes(&[
        ("targets", r#"{"vidm":{"default":{"url":"https://v"}},"vcf":{"default":{}}}"#),
        ("api_keys", KEYS),
    ]);
    assert!(told.contains("targets.vidm.default.username") && told.contains("targets.vcf.default.url"), "{told}");
    assert!(!told.contains("vidm_") && !told.contains("vcf_"), "{told}");
    let told = mistakes(&[("vidm_url", "https://v"), ("vcf_url", "https://s"), ("api_keys", KEYS)]);
    assert!(told.contains("vidm_username") && told.contains("vcf_username") && !told.contains("targets."), "{told}");
    let both =
        [("vidm_url", "https://v"), ("targets", r#"{"vidm":{"default":{"url":"https://v"}}}"#), ("api_keys", KEYS)];
    assert!(mistakes(&both).contains("like the target of vidm_url"));
}

#[test]
fn unknown_profile_hides_no_other_mistake() {
    let targets = r#"{"vidm":{"prod":{"url":"https://a","client_id":"i","client_secret":"s","profile":"hzn","paths":{"synch":"/x"}}}}"#;
    let told = mistakes(&[("targets", targets), ("api_keys", KEYS)]);
    assert!(told.contains("horizon, json") && told.contains("synch"), "{told}");
}

#[test]
fn targets_variable_adds_targets() {
    let config = parse(&[
        (
            "targets",
            r#"{"vidm":{"prod":{"url":"https://a","tenant":"corp","client_id":"i","client_secret":"s","profile":"json","sync_api":"v2"}},
                "vcf":{"mgmt":{"url":"https://b","username":"u@local","password":"p"}}}"#,
        ),
        ("api_keys", KEYS),
    ])
    .unwrap();
    assert_eq!(config.vidm.get("prod").unwrap().tenant.as_deref(), Some("corp"));
    assert_eq!(config.vidm.get("prod").unwrap().sync_api, vidm::SyncApi::V2);
    assert_eq!(config.vcf.get("mgmt").unwrap().url.as_str(), "https://b");
    assert_eq!(config.secrets().len(), 2);
}
