//! Senders: callers that cannot send a key, but sign their requests or send a token of their own.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Reader;
use super::credential::at_the_ends;
use super::error::Place;
use super::grant::{self, Grant, IsTarget};
use super::words::in_quotes;
use crate::secret::Secret;

/// The variable.
const NAME: &str = "webhook_secrets";

/// How a request authenticates its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    Standard,
    /// GitHub's `X-Hub-Signature-256`.
    Hub,
    /// Bitbucket's `X-Hub-Signature`, which is GitHub's scheme under another name.
    Bitbucket,
    /// GitLab's `X-Gitlab-Token`, the secret itself.
    Token,
}

/// A caller that authenticates with one of its secrets.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Its name and permissions.
    pub grant: Grant,
    secrets: Vec<SenderSecret>,
}

#[derive(Debug, Clone)]
struct SenderSecret {
    form: Form,
    text: Secret,
    key: Key,
}

/// The bytes that sign or are compared.
#[derive(Clone, PartialEq, Eq)]
struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Sender {
    /// The keys it uses in this form.
    pub fn keys(&self, form: Form) -> impl Iterator<Item = &[u8]> {
        self.secrets.iter().filter(move |secret| secret.form == form).map(|secret| secret.key.0.as_slice())
    }

    /// The same, each with its index in the entry's list of secrets.
    pub(crate) fn numbered_keys(&self, form: Form) -> impl Iterator<Item = (usize, &[u8])> {
        let all = self.secrets.iter().enumerate();
        all.filter(move |(_, secret)| secret.form == form).map(|(at, secret)| (at, secret.key.0.as_slice()))
    }

    /// Its secrets as configured.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.iter().map(|secret| &secret.text)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Entry {
    /// The caller's name, for the log. Unique among all callers.
    name: String,
    /// How the caller signs: `standard`, `github`, `bitbucket` or `gitlab`.
    scheme: String,
    /// The secrets that the caller may sign with; several during a rotation.
    secrets: Vec<Secret>,
    /// The caller's scopes; at least one.
    scopes: Vec<String>,
    /// The targets that the caller may use, as `NAME`, `vidm/NAME`, `vcf/NAME` or `fleet/NAME`. Without it: all targets.
    targets: Option<Vec<String>>,
}

/// The schemes.
const SCHEMES: [&str; 4] = ["standard", "github", "bitbucket", "gitlab"];

/// Reads the senders. `taken` collects the callers' names.
pub(super) fn read(reader: &mut Reader<'_>, taken: &mut Vec<String>, is_target: IsTarget<'_>) -> Vec<Sender> {
    let mut senders: Vec<Sender> = Vec::new();
    for (at, entry) in grant::entries::<Entry>(reader, NAME).unwrap_or_default().into_iter().enumerate() {
        let grant = grant::read(reader, (NAME, at), (entry.name, &entry.scopes, entry.targets), taken, is_target);
        let place = |path: &str| Place::in_entry(NAME, at, path);
        if entry.secrets.is_empty() {
            reader.problem(place(".secrets"), "is an empty list, so this sender cannot authenticate; add a secret");
        }
        let mut sender = Sender { grant, secrets: Vec::new() };
        if !SCHEMES.contains(&entry.scheme.as_str()) {
            reader.unknown(place(".scheme"), &entry.scheme, &SCHEMES);
            senders.push(sender);
            continue;
        }
        for (which, text) in entry.secrets.into_iter().enumerate() {
            let here = place(&format!(".secrets[{which}]"));
            match secret(&entry.scheme, text) {
                Ok(secret) => {
                    let stands_in = |sender: &Sender| sender.secrets.iter().any(|known| known.key == secret.key);
                    if senders.iter().any(stands_in) || stands_in(&sender) {
                        reader.problem(here, "repeats another secret; give each sender secrets of its own");
                    }
                    sender.secrets.push(secret);
                }
                Err(why) => reader.problem(here, why),
            }
        }
        senders.push(sender);
    }
    senders
}

fn secret(scheme: &str, text: Secret) -> Result<SenderSecret, String> {
    let is_signing = text.expose().trim_start().trim_start_matches("v1,").starts_with("whsec_");
    let signing = || signing_key(text.expose());
    let (form, key) = match scheme {
        "standard" => (Form::Standard, signing()?),
        "gitlab" if is_signing => (Form::Standard, signing()?),
        "gitlab" => (Form::Token, plain(&text)?),
        "bitbucket" => (Form::Bitbucket, plain(&text)?),
        _ => (Form::Hub, plain(&text)?),
    };
    Ok(SenderSecret { form, text, key: Key(key) })
}

/// Standard Webhooks 1.0, "Signature scheme": `whsec_` and the base64 of 24 to 64 bytes.
pub(super) fn signing_key(text: &str) -> Result<Vec<u8>, String> {
    const MAKE_ONE: &str = "make one with: echo whsec_$(openssl rand -base64 32)";
    if let Some(fault) = surroundings(text) {
        return Err(fault);
    }
    if text.starts_with("v1,whsec_") {
        return Err("begins with the prefix \"v1,\" of signatures; remove \"v1,\"".to_owned());
    }
    let Some(encoded) = text.strip_prefix("whsec_") else {
        return Err(format!("does not begin with whsec_; {MAKE_ONE}"));
    };
    match STANDARD.decode(encoded) {
        Ok(key) if (24..=64).contains(&key.len()) => Ok(key),
        Ok(key) => Err(format!("is the base64 of {} bytes, but must be of 24 to 64; {MAKE_ONE}", key.len())),
        Err(_) => Err(format!("is not base64 after whsec_; copy the whole secret, or {MAKE_ONE}")),
    }
}

/// Characters around a secret that do not belong to it.
fn surroundings(text: &str) -> Option<String> {
    let blank = "begins or ends with a blank; remove the blank".to_owned();
    let quotes = "is in quotes; remove the quotes".to_owned();
    at_the_ends(text).or_else(|| (text.trim() != text).then_some(blank)).or_else(|| in_quotes(text).then_some(quotes))
}

/// Short secrets can be guessed offline from one signed request.
fn plain(text: &Secret) -> Result<Vec<u8>, String> {
    let text = text.expose();
    if let Some(fault) = surroundings(text) {
        return Err(fault);
    }
    match text.chars().count() {
        16.. => Ok(text.as_bytes().to_vec()),
        few => Err(format!("has {few} characters, but needs at least 16; make one with: openssl rand -hex 32")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};
    use serde_json::{Value, json};

    const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn parse(senders: &Value, keys: Option<&str>) -> Result<Config, Vec<ConfigError>> {
        Config::parse(|name| match name {
            "vcf_url" => Some("https://s".to_owned()),
            "vcf_username" => Some("user@vsphere.local".to_owned()),
            "vcf_password" => Some("user".to_owned()),
            "api_keys" => keys.map(str::to_owned),
            "webhook_secrets" => Some(senders.to_string()),
            _ => None,
        })
    }

    fn sender(more: &Value) -> Value {
        let mut sender = json!({"name": "ci", "scheme": "standard", "secrets": [SIGNING], "scopes": ["vidm:sync"]});
        for (name, value) in more.as_object().unwrap() {
            sender[name] = value.clone();
        }
        sender
    }

    #[test]
    fn secret_is_used_only_in_its_form() {
        let plain = "a secret of some length";
        let senders = json!([
            sender(&json!({"scheme": "gitlab", "secrets": [plain, SIGNING], "targets": ["vcf/default"]})),
            sender(&json!({"name": "octo", "scheme": "github", "secrets": ["whsec_ but of GitHub"]})),
        ]);
        let config = parse(&senders, None).unwrap();
        let keys = |which: usize, form| config.senders[which].keys(form).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(keys(0, Form::Token), [plain.as_bytes()]);
        assert_eq!(keys(0, Form::Standard)[0].len(), 24);
        assert_eq!(keys(0, Form::Hub).len(), 0);
        assert_eq!(keys(1, Form::Hub), [b"whsec_ but of GitHub"]);
        assert_eq!(keys(1, Form::Standard).len() + keys(1, Form::Token).len(), 0);
        assert!(config.senders[0].grant.is_for("vcf", "default") && !config.senders[0].grant.is_for("vidm", "default"));
        // All three are removed from shown texts.
        assert_eq!(config.secrets().len(), 1 + 3);
        let shown = format!("{config:?}");
        let bytes = format!("{:?}", keys(0, Form::Standard)[0]);
        assert!(!shown.contains(plain) && !shown.contains("whsec_") && !shown.contains(&bytes), "{shown}");
    }

    #[test]
    fn mistakes_show_their_place_and_no_secret() {
        for (more, place) in [
            (json!({"scheme": "other"}), "[0].scheme is not valid; use one of standard, github, bitbucket, gitlab"),
            (json!({"scopes": ["sync"]}), "[0].scopes[0] is not valid"),
            (
                json!({"targets": ["default", "prod"]}),
                "[0].targets[1] is a text that is not shown, which is not a target",
            ),
            (json!({"name": " "}), "[0].name is empty"),
            (json!({"secrets": []}), "[0].secrets"),
            (json!({"secrets": [SIGNING, "hunter2"]}), "[0].secrets[1]"),
            (json!({"secrets": ["whsec_aHVudGVyMg=="]}), "[0].secrets[0]"),
            (json!({"secrets": [format!("whsec_{}", STANDARD.encode([7; 65]))]}), "[0].secrets[0]"),
            (json!({"secrets": ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}), "[0].secrets[0]"),
            (json!({"scheme": "bitbucket", "secrets": ["hunter2"]}), "[0].secrets[0]"),
            (json!({"secrets": [SIGNING, SIGNING]}), "[0].secrets[1] repeats another secret"),
            (json!({"scheme": "github", "secrets": ["hunter2"]}), "[0].secrets[0]"),
            (json!({"scheme": "github", "secrets": ["hunter2hunter2hunter2\n"]}), "[0].secrets[0]"),
            (json!({"scheme": "gitlab", "secrets": ["whsec_hunter2hunter2hunter2!"]}), "[0].secrets[0]"),
            (
                json!({"secrets": [format!("v1,{SIGNING}")]}),
                "begins with the prefix \"v1,\" of signatures; remove \"v1,\"",
            ),
            (json!({"secrets": [format!("{SIGNING}\n")]}), "ends with a line break (U+000A); remove it"),
            (json!({"secrets": [format!("\u{feff}{SIGNING}")]}), "begins with a byte order mark (U+FEFF)"),
            (json!({"secrets": [format!("{SIGNING} ")]}), "ends with a blank"),
            (json!({"secrets": [format!("\"{SIGNING}\"")]}), "in quotes"),
            (json!({"scheme": "gitlab", "secrets": [format!("v1,{SIGNING}")]}), "remove \"v1,\""),
            (json!({"scheme": "git-hub"}), "did you mean \"github\"?"),
            (json!({"scopes": []}), "[0].scopes is an empty list"),
            (json!({"secret": "hunter2"}), "[0].secret is an unknown field; did you mean \"secrets\""),
        ] {
            let problems = parse(&json!([sender(&more)]), None).unwrap_err();
            let told = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(problems.iter().any(|problem| problem.variable == NAME), "{told}");
            assert!(told.contains(place) && !told.contains("hunter2") && !told.contains("whsec_M"), "{more}: {told}");
        }
        let problems = parse(&json!("hunter2"), None).unwrap_err();
        assert!(problems.iter().any(|problem| problem.variable == NAME), "{problems:?}");
    }

    #[test]
    fn names_are_unique_and_a_caller_is_required() {
        let keys = r#"[{"name":"ci","sha256":"6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090","scopes":["admin"]}]"#;
        let taken = parse(&json!([sender(&json!({}))]), Some(keys)).unwrap_err();
        assert!(taken.len() == 1 && taken[0].to_string().contains("[0].name is the name of another"), "{taken:?}");
        let twice =
            json!([sender(&json!({})), sender(&json!({"secrets": ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]}))]);
        assert!(parse(&twice, None).unwrap_err()[0].to_string().contains("[1].name is the name of another"));
        assert!(parse(&json!([sender(&json!({"name": "other"}))]), Some(keys)).is_ok());
        let nobody = parse(&json!([]), Some("[]")).unwrap_err();
        assert!(nobody[0].detail.contains("no caller is allowed"), "{nobody:?}");
    }
}
