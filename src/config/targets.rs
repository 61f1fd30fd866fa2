//! Targets: one of each kind from plain variables, any number from the JSON variable `targets`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Reader;
use crate::auth::{Scheme, Secret};
use crate::outbound::BaseUrl;
use crate::{vcf, vidm};

/// Name of the targets that the plain variables describe.
const DEFAULT: &str = "default";

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Targets {
    vidm: BTreeMap<String, VidmEntry>,
    vcf: BTreeMap<String, VcfEntry>,
}

/// One vIDM target; the field names are those of the plain variables without their prefix.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct VidmEntry {
    url: Option<String>,
    tenant: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    domain: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    authorization_scheme: Option<String>,
    profile: Option<String>,
    sync_api: Option<String>,
    paths: BTreeMap<String, String>,
    media_types: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct VcfEntry {
    url: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
}

type Read = (BTreeMap<String, vidm::Target>, BTreeMap<String, vcf::Target>);

pub(super) fn read(reader: &mut Reader<'_>) -> Read {
    let Targets { vidm: mut vidm_entries, vcf: mut vcf_entries } = reader.json("targets").unwrap_or_default();
    for name in vidm_entries.keys().chain(vcf_entries.keys()) {
        if !is_name(name) {
            reader.problem(
                "targets",
                "has a target whose name is not 1 to 63 letters, digits, dots, dashes or underscores",
            );
        }
    }
    if let Some(url) = reader.text("vidm_url") {
        let entry = VidmEntry {
            url: Some(url),
            tenant: reader.text("vidm_tenant"),
            username: reader.text("vidm_username"),
            password: reader.text("vidm_password").map(Secret::new),
            domain: reader.text("vidm_domain"),
            client_id: reader.text("vidm_client_id"),
            client_secret: reader.text("vidm_client_secret").map(Secret::new),
            authorization_scheme: reader.text("vidm_authorization_scheme"),
            profile: reader.text("vidm_profile"),
            sync_api: reader.text("vidm_sync_api"),
            ..VidmEntry::default()
        };
        if vidm_entries.insert(DEFAULT.to_owned(), entry).is_some() {
            reader.problem(
                "targets",
                "has a vidm target named default beside vidm_url; name it otherwise or leave vidm_url empty",
            );
        }
    }
    if let Some(url) = reader.text("vcf_url") {
        let entry = VcfEntry {
            url: Some(url),
            username: reader.text("vcf_username"),
            password: reader.text("vcf_password").map(Secret::new),
        };
        if vcf_entries.insert(DEFAULT.to_owned(), entry).is_some() {
            reader.problem(
                "targets",
                "has a vcf target named default beside vcf_url; name it otherwise or leave vcf_url empty",
            );
        }
    }
    if vidm_entries.is_empty() && vcf_entries.is_empty() && reader.text("targets").is_none() {
        reader.problem("vidm_url", "is not set, nor is vcf_url or targets: there is nothing to work on");
    }
    let vidm = vidm_entries
        .into_iter()
        .filter_map(|(name, entry)| Some((name.clone(), entry.target(name, reader)?)))
        .collect();
    let vcf =
        vcf_entries.into_iter().filter_map(|(name, entry)| Some((name.clone(), entry.target(name, reader)?))).collect();
    (vidm, vcf)
}

fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Where a setting of a target was written: `vidm_password`, or a place in `targets`.
fn place(kind: &str, target: &str, field: &str) -> String {
    if target == DEFAULT { format!("{kind}_{field}") } else { format!("targets.{kind}.{target}.{field}") }
}

fn required<T>(value: Option<T>, is_blank: impl Fn(&T) -> bool, reader: &mut Reader<'_>, place: String) -> Option<T> {
    let value = value.filter(|value| !is_blank(value));
    if value.is_none() {
        reader.problem(place, "is not set");
    }
    value
}

fn url(text: Option<String>, reader: &mut Reader<'_>, place: String) -> Option<BaseUrl> {
    let text = required(text, |text| text.trim().is_empty(), reader, place.clone())?;
    BaseUrl::parse(&text).map_err(|why| reader.problem(place, why)).ok()
}

impl VidmEntry {
    fn target(self, name: String, reader: &mut Reader<'_>) -> Option<vidm::Target> {
        let at = |field: &str| place("vidm", &name, field);
        let profile = self.profile(&at, reader);
        let words = [("auto", vidm::SyncApi::Auto), ("classic", vidm::SyncApi::Classic), ("v2", vidm::SyncApi::V2)];
        let sync_api = reader.choice(self.sync_api.as_deref(), vidm::SyncApi::Auto, &words, at("sync_api"));
        let tenant = self.tenant.clone().filter(|tenant| !tenant.trim().is_empty());
        let url = url(self.url.clone(), reader, at("url"));
        let credentials = self.credentials(&at, reader);
        Some(vidm::Target { url: url?, tenant, credentials: credentials?, profile, sync_api, name })
    }

    fn profile(&self, at: &dyn Fn(&str) -> String, reader: &mut Reader<'_>) -> vidm::Profile {
        let named = match self.profile.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => vidm::Profile::named(&name.to_ascii_lowercase()),
            None => Some(vidm::Profile::default()),
        };
        let Some(profile) = named else {
            reader.problem(at("profile"), "is none of horizon, json");
            return vidm::Profile::default();
        };
        let overrides = vidm::ProfileOverrides { paths: self.paths.clone(), media_types: self.media_types.clone() };
        profile.with(&overrides).unwrap_or_else(|why| {
            reader.problem(at("profile"), why);
            vidm::Profile::default()
        })
    }

    /// Which login it is follows from what is there.
    fn credentials(self, at: &dyn Fn(&str) -> String, reader: &mut Reader<'_>) -> Option<vidm::Credentials> {
        let text = |value: Option<String>| value.filter(|value| !value.trim().is_empty());
        let secret = |value: Option<Secret>| value.filter(|value| !value.is_empty());
        let blank = |_: &_| false;
        let blank_secret = |_: &_| false;
        let (username, domain, client_id) = (text(self.username), text(self.domain), text(self.client_id));
        let (password, client_secret) = (secret(self.password), secret(self.client_secret));
        match (username, domain, client_id) {
            (Some(username), None, None) => {
                let words = [("hzn", Scheme::Hzn), ("bearer", Scheme::Bearer)];
                let scheme = reader.choice(
                    self.authorization_scheme.as_deref(),
                    Scheme::Hzn,
                    &words,
                    at("authorization_scheme"),
                );
                let password = required(password, blank_secret, reader, at("password"))?;
                Some(vidm::Credentials::System { username, password, scheme })
            }
            (None, _, Some(id)) => {
                let secret = required(client_secret, blank_secret, reader, at("client_secret"))?;
                Some(vidm::Credentials::Client { id, secret })
            }
            (Some(username), domain, client_id) => {
                // An account of a domain logs in through an OAuth client; all five are needed.
                let domain = required(domain, blank, reader, at("domain"));
                let client_id = required(client_id, blank, reader, at("client_id"));
                let client_secret = required(client_secret, blank_secret, reader, at("client_secret"));
                let password = required(password, blank_secret, reader, at("password"));
                Some(vidm::Credentials::Password {
                    client_id: client_id?,
                    client_secret: client_secret?,
                    username,
                    password: password?,
                    domain: domain?,
                })
            }
            (None, _, None) => {
                reader.problem(at("username"), "is not set, nor is the client_id: no way to log in");
                None
            }
        }
    }
}

impl VcfEntry {
    fn target(self, name: String, reader: &mut Reader<'_>) -> Option<vcf::Target> {
        let at = |field: &str| place("vcf", &name, field);
        let url = url(self.url, reader, at("url"));
        let username = required(self.username, |text| text.trim().is_empty(), reader, at("username"));
        let password = required(self.password, Secret::is_empty, reader, at("password"));
        let credentials = vcf::Credentials { username: username?, password: password? };
        Some(vcf::Target { url: url?, credentials, name })
    }
}
