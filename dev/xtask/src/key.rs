//! `cargo xtask key`: a key for a caller, or a secret for a sender that signs, and the configuration that accepts it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use console::style;
use idhook::config::Scope;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::terminal::{Failure, quoted, say, width, wrap};

mod extend;
mod output;

use extend::Existing;

/// The subcommand's name.
pub const NAME: &str = "key";

/// Where `--extend` reads without a value.
const FROM_ENVIRONMENT: &str = "environment";

/// The output of `cargo xtask key --help`.
#[must_use]
pub fn command() -> Command {
    let many = |name: &'static str| Arg::new(name).long(name).action(ArgAction::Append);
    let scopes = Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>();
    Command::new(NAME)
        .about("Creates an API key (or a webhook secret) and prints what to export")
        .long_about(
            "Creates an API key for a caller, and the value of api_keys that accepts it: idhook knows only the key's SHA-256. With \
             --webhook, creates a secret for a sender that signs its requests, and the value of webhook_secrets.",
        )
        .after_help(
            "Examples:\n  cargo xtask key --name aria\n  cargo xtask key --name aria --extend\n  cargo xtask key --name aria --extend \
             keys.json --output keys.json\n\nTo replace a key, run it with --extend and the name of its entry: the entry then has \
             both keys, and both are valid until you remove the old one.",
        )
        .arg(Arg::new("name").long("name").value_name("NAME").required(true).help("name of the caller, as the log shows it"))
        .arg(
            many("scope")
                .value_name("SCOPE")
                .value_parser(PossibleValuesParser::new(scopes))
                .help(
                    "what it may do; repeatable; default: vidm:sync, and for a key vidm:read. No scope includes another: admin is for \
                     the doctor alone",
                ),
        )
        .arg(
            many("target")
                .value_name("TARGET")
                .help("where it may do so: NAME, vidm/NAME, vcf/NAME or fleet/NAME; repeatable; default: everywhere"),
        )
        .arg(
            many("from")
                .value_name("NETWORK")
                .conflicts_with("webhook")
                .help("address or network that the key is valid from, such as 10.20.0.0/16; repeatable; default: any"),
        )
        .arg(
            Arg::new("webhook")
                .long("webhook")
                .value_name("SCHEME")
                .value_parser(["standard", "github", "gitlab", "bitbucket"])
                .help("create a secret for a sender that signs in this way"),
        )
        .arg(
            Arg::new("extend")
                .long("extend")
                .value_name("FILE")
                .num_args(0..=1)
                .default_missing_value(FROM_ENVIRONMENT)
                .help(
                    "add to the value in FILE, in standard input (-) or, without FILE, in the environment \
                     (SPIN_VARIABLE_… or IDHOOK_…)",
                ),
        )
        .arg(
            Arg::new("output")
                .long("output")
                .short('o')
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("write the value into this file, for its owner only, instead of printing it"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("print the result as JSON"))
}

/// Creates one and prints it.
///
/// # Errors
/// When the system has no randomness to give, the name is blank, or the existing value cannot be read or extended.
pub fn run(matches: &ArgMatches) -> Result<()> {
    let texts = |name| matches.get_many::<String>(name).unwrap_or_default().map(String::as_str).collect::<Vec<_>>();
    let text = |name| matches.get_one::<String>(name).map(String::as_str);
    let (name, scopes, targets) = (text("name").unwrap_or_default(), texts("scope"), texts("target"));
    let from = texts("from");
    let mut made = Made::new(name, &scopes, &targets, text("webhook"))?;
    if !from.is_empty() {
        made.limit_to(&from)?;
    }
    let output = matches.get_one::<PathBuf>("output");
    if let Some(present) = text("extend") {
        if made.is_secret() && output.is_none() {
            let fix = "give --output FILE, so that they are not printed";
            return Err(Failure::new("webhook_secrets holds the secrets of other senders", fix).into());
        }
        let existing = Existing::read(made.variable, (present != FROM_ENVIRONMENT).then_some(present))?;
        let keeps_grant = scopes.is_empty() && targets.is_empty() && from.is_empty();
        made.others = existing.extended(&made, keeps_grant)?;
    }
    if let Some(path) = output {
        output::write_private(path, &made.value()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let file = output.map(|path| path.display().to_string());
    match matches.get_flag("json") {
        true => say(serde_json::to_string_pretty(&made.json(file.as_deref()))?),
        false => say(made.instructions(file.as_deref(), width())),
    }
    Ok(())
}

/// The result.
#[derive(Debug)]
pub struct Made {
    /// The key or the secret: for the caller alone.
    pub secret: String,
    /// The variable that lets it in.
    pub variable: &'static str,
    /// The entry to add there.
    pub entry: Value,
    /// The value as it was extended; empty where there was none.
    others: Vec<Value>,
}

impl Made {
    /// The caller's name.
    fn name(&self) -> &str {
        self.entry.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Makes a key of 256 random bits, or a secret for a sender of the scheme `webhook`. Without scopes it may sync, and with a
    /// key read as well; without targets it may do so everywhere.
    ///
    /// # Errors
    /// When the system has no randomness to give, or the name is blank.
    pub fn new(name: &str, scopes: &[&str], targets: &[&str], webhook: Option<&str>) -> Result<Self> {
        ensure!(!name.trim().is_empty(), Failure::new("the name is blank", "give --name NAME, such as --name aria"));
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        let scopes: &[&str] = match (scopes, webhook) {
            ([], None) => &["vidm:read", "vidm:sync"],
            ([], Some(_)) => &["vidm:sync"],
            (given, _) => given,
        };
        let text = URL_SAFE_NO_PAD.encode(random);
        let (secret, variable, mut entry) = match webhook {
            None => {
                let key = idhook::api_key::make(&random);
                let digest: String = Sha256::digest(&key).iter().map(|byte| format!("{byte:02x}")).collect();
                (key, "api_keys", json!({ "name": name, "sha256": digest, "scopes": scopes }))
            }
            Some(scheme) => {
                let secret = if scheme == "standard" { format!("whsec_{}", STANDARD.encode(random)) } else { text };
                let entry = json!({ "name": name, "scheme": scheme, "secrets": [secret], "scopes": scopes });
                (secret, "webhook_secrets", entry)
            }
        };
        if let (Some(fields), false) = (entry.as_object_mut(), targets.is_empty()) {
            fields.insert("targets".to_owned(), json!(targets));
        }
        Ok(Self { secret, variable, entry, others: Vec::new() })
    }

    /// Makes the key valid only from these addresses and networks.
    ///
    /// # Errors
    /// When one of them is none.
    fn limit_to(&mut self, networks: &[&str]) -> Result<()> {
        if let Some(fields) = self.entry.as_object_mut() {
            fields.insert("from".to_owned(), json!(networks));
        }
        extend::accepted(self.variable, std::slice::from_ref(&self.entry), "correct --from")
    }

    /// The variable's whole value: this entry alone, or the existing entries extended by it.
    #[must_use]
    pub fn value(&self) -> String {
        if self.others.is_empty() { json!([self.entry]).to_string() } else { json!(self.others).to_string() }
    }

    /// Whether the value holds the secret itself, not its digest.
    fn is_secret(&self) -> bool {
        self.variable == "webhook_secrets"
    }

    fn spin(&self) -> String {
        format!("SPIN_VARIABLE_{}", self.variable.to_uppercase())
    }

    fn wasi(&self) -> String {
        format!("IDHOOK_{}", self.variable.to_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idhook::config::{ApiKey, Config, Form};

    fn configured(made: &Made) -> Config {
        Config::parse(|name| match name {
            "vidm_url" => Some("https://vidm.corp.example".to_owned()),
            "vidm_username" | "vidm_password" => Some("svc".to_owned()),
            name if name == made.variable => Some(made.value()),
            _ => None,
        })
        .unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn made(arguments: &[&str]) -> Made {
        let matches = command().try_get_matches_from([&[NAME], arguments].concat()).unwrap();
        let texts = |name| matches.get_many::<String>(name).unwrap_or_default().map(String::as_str).collect::<Vec<_>>();
        let text = |name| matches.get_one::<String>(name).map(String::as_str);
        Made::new(text("name").unwrap(), &texts("scope"), &texts("target"), text("webhook")).unwrap()
    }

    #[test]
    fn a_key_authenticates_its_caller() {
        let one = made(&["--name", "aria"]);
        let config = configured(&one);
        let found = &ApiKey::find(&config.api_keys, one.secret.as_bytes()).unwrap().grant;
        assert_eq!(
            (found.name.as_str(), found.scopes.as_slice()),
            ("aria", [Scope::VidmRead, Scope::VidmSync].as_slice())
        );
        assert!(found.is_for("vidm", "default") && found.is_for("vcf", "other"));
        assert!(
            idhook::api_key::check(one.secret.as_bytes()) == idhook::api_key::Form::Whole && one.secret.len() == 53
        );
        assert!(!one.value().contains(&one.secret), "only its digest is configured");
        assert_eq!(one.instructions(None, 80).matches(&one.secret).count(), 1);
        let another = made(&["--name", "aria"]);
        assert!(ApiKey::find(&config.api_keys, another.secret.as_bytes()).is_none());
    }

    #[test]
    fn a_key_has_the_given_scopes_and_targets() {
        let limited = made(&["--name", "a", "--scope", "vcf:read", "--scope", "admin", "--target", "vidm/default"]);
        let config = configured(&limited);
        let grant = &config.api_keys[0].grant;
        assert_eq!(grant.scopes, [Scope::VcfRead, Scope::Admin]);
        assert!(grant.is_for("vidm", "default") && !grant.is_for("vcf", "default"));
        for wrong in [["--name", "a", "--scope", "vidm:all"], ["--name", "a", "--webhook", "stripe"]] {
            assert!(command().try_get_matches_from([&[NAME], wrong.as_slice()].concat()).is_err(), "{wrong:?}");
        }
        assert!(command().try_get_matches_from([NAME]).is_err());
        assert!(Made::new(" ", &[], &[], None).is_err());
    }

    #[test]
    fn a_key_is_valid_from_the_given_networks_only() {
        let mut limited = made(&["--name", "a"]);
        limited.limit_to(&["10.20.0.0/16", "192.0.2.7"]).unwrap();
        let config = configured(&limited);
        let from = config.api_keys[0].grant.from.as_ref().unwrap();
        assert_eq!(from.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.20.0.0/16", "192.0.2.7/32"]);
        let error = made(&["--name", "a"]).limit_to(&["10.20.0.0/33"]).unwrap_err();
        assert!(error.to_string().contains("from[0]"), "{error}");
        assert_eq!(error.downcast_ref::<Failure>().unwrap().fix(), "correct --from");
        let both = [NAME, "--name", "a", "--webhook", "github", "--from", "10.0.0.1"];
        assert!(command().try_get_matches_from(both).is_err());
    }

    #[test]
    fn a_senders_secret_verifies_its_signatures() {
        for (scheme, form) in [("standard", Form::Standard), ("github", Form::Hub), ("gitlab", Form::Token)] {
            let one = made(&["--name", "ci", "--webhook", scheme]);
            let config = configured(&one);
            let [sender] = config.senders.as_slice() else { panic!("{config:?}") };
            let bytes = match one.secret.strip_prefix("whsec_") {
                Some(encoded) => STANDARD.decode(encoded).unwrap(),
                None => one.secret.clone().into_bytes(),
            };
            assert_eq!(sender.keys(form).collect::<Vec<_>>(), [bytes.as_slice()], "{scheme}");
            assert_eq!(
                (sender.grant.name.as_str(), sender.grant.scopes.as_slice()),
                ("ci", [Scope::VidmSync].as_slice())
            );
            let text = one.instructions(None, 80);
            assert_eq!(text.matches(&one.secret).count(), 1, "the secret is printed once: {text}");
        }
    }
}
