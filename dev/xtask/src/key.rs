//! `cargo xtask key`: a key for a caller, or a secret for a sender, and the entry that lets it in.

use anyhow::{Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use idhook::config::Scope;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::terminal::say;

/// The subcommand's name.
pub const NAME: &str = "key";

/// What `cargo xtask key --help` says.
#[must_use]
pub fn command() -> Command {
    let many = |name: &'static str| Arg::new(name).long(name).action(ArgAction::Append);
    Command::new(NAME)
        .about(
            "Makes a key for a caller and the entry for api_keys that knows only its digest; with --webhook a secret for a \
             sender that signs, and the entry for webhook_secrets",
        )
        .arg(Arg::new("name").long("name").required(true).help("the caller's name, as the log shall show it"))
        .arg(
            many("scope")
                .value_parser(PossibleValuesParser::new(Scope::ALL.iter().map(|scope| scope.as_str())))
                .help(
                    "what it may do, repeatable; default: vidm:sync, for a key vidm:read too; addToProfile needs vidm:profile, \
                     ignoreSafeguards vidm:override",
                ),
        )
        .arg(many("target").help("where, as NAME, vidm/NAME or vcf/NAME, repeatable; default: everywhere"))
        .arg(
            Arg::new("webhook")
                .long("webhook")
                .value_name("SCHEME")
                .value_parser(["standard", "github", "gitlab", "bitbucket"])
                .help("make a secret for a sender that signs in this way"),
        )
}

/// Makes one and shows it.
///
/// # Errors
/// When the system has no randomness to give, or the name is blank.
pub fn run(matches: &ArgMatches) -> Result<()> {
    let texts = |name| matches.get_many::<String>(name).unwrap_or_default().map(String::as_str).collect::<Vec<_>>();
    let text = |name| matches.get_one::<String>(name).map(String::as_str);
    let name = text("name").unwrap_or_default();
    let made = Made::new(name, &texts("scope"), &texts("target"), text("webhook"))?;
    say(made.instructions());
    Ok(())
}

/// What was made.
#[derive(Debug)]
pub struct Made {
    /// The key or the secret: for the caller alone.
    pub secret: String,
    /// The variable that lets it in.
    pub variable: &'static str,
    /// The entry to add there.
    pub entry: Value,
}

impl Made {
    /// Makes a key of 256 random bits, or a secret for a sender of the scheme `webhook`. Without scopes it may sync, and with a
    /// key read as well; without targets it may do so everywhere.
    ///
    /// # Errors
    /// When the system has no randomness to give, or the name is blank.
    pub fn new(name: &str, scopes: &[&str], targets: &[&str], webhook: Option<&str>) -> Result<Self> {
        ensure!(!name.trim().is_empty(), "the name is blank");
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
        Ok(Self { secret, variable, entry })
    }

    /// The variable's whole value, for a configuration in which nobody else may call.
    #[must_use]
    pub fn value(&self) -> String {
        json!([self.entry]).to_string()
    }

    fn instructions(&self) -> String {
        let what = match self.variable {
            "api_keys" => "key, shown this once; the caller sends it as Authorization: Bearer KEY",
            _ => "secret, for the sender's settings",
        };
        format!(
            "{what}:\n  {}\n{}, the whole value; where others may call already, add what is in the brackets to theirs:\n  {}",
            self.secret,
            self.variable,
            self.value()
        )
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
    fn a_key_lets_in_whoever_has_it() {
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
        assert_eq!(one.instructions().matches(&one.secret).count(), 1);
        let another = made(&["--name", "aria"]);
        assert!(ApiKey::find(&config.api_keys, another.secret.as_bytes()).is_none());
    }

    #[test]
    fn scopes_and_targets_are_those_that_were_asked_for() {
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
    fn a_sender_s_secret_is_the_key_of_its_scheme() {
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
            assert!(one.instructions().contains("webhook_secrets"));
        }
    }
}
