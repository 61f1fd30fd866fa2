//! The acts with a person's own vIDM, SDDC Manager or VCF Operations: the doctor first, then what reads, then what changes something, once it
//! was agreed to.

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::api::{Api, Call, text};
use super::sddc::{providers_and_sources, providers_of};
use super::stage::{Act, Stage};
use super::vidm::{chosen, directories, follow, route};
use crate::doctor::TRUST;
use crate::report::Report;
use crate::terminal::{Failure, confirm};

/// The options of the command.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    /// The directory to sync.
    pub(super) directory: Option<String>,
    /// The groups that must be there after the sync.
    pub(super) groups: Vec<String>,
    /// The file with the identity source to add.
    pub(super) add_source: Option<String>,
    /// Change things without a question.
    pub(super) yes: bool,
}

/// The names of the targets, the default ones first.
#[derive(Clone, Debug, Default)]
pub(super) struct Targets {
    pub(super) vidm: Option<String>,
    pub(super) vcf: Option<String>,
    pub(super) fleet: Option<String>,
}

impl Targets {
    /// The targets that `/readyz` lists.
    pub(super) fn of(ready: &Value) -> Self {
        let first = |kind: &str| {
            let mut names: Vec<_> = ready[kind].as_array()?.iter().filter_map(Value::as_str).collect();
            names.sort_by_key(|name| *name != "default");
            names.first().map(|name| (*name).to_owned())
        };
        Self { vidm: first("vidm"), vcf: first("vcf"), fleet: first("fleet") }
    }

    /// The targets with syncs: product, kind and name.
    fn with_syncs(&self) -> Vec<(&'static str, &'static str, &str)> {
        let vidm = self.vidm.as_deref().map(|name| ("vIDM", "vidm", name));
        vidm.into_iter().chain(self.fleet.as_deref().map(|name| ("VCF Operations", "fleet", name))).collect()
    }

    /// How many acts [`play`] has.
    pub(super) fn acts(&self, wishes: &Wishes) -> usize {
        let vcf = if self.vcf.is_some() { 2 + usize::from(wishes.add_source.is_some()) } else { 0 };
        self.with_syncs().len() * 3 + vcf
    }
}

/// Plays them. After a failed doctor the acts of that target are not run.
pub(super) async fn play(stage: &mut Stage, api: &Api, targets: &Targets, wishes: &Wishes) {
    const ILL: &str = "the doctor found a fault; fix it first";
    let with_syncs = targets.with_syncs();
    let mut are_well = Vec::new();
    for (product, kind, name) in &with_syncs {
        let title = format!("The doctor checks {product}");
        are_well.push(stage.play(&title, async |act| examine(act, api, kind, name).await).await);
    }
    let mut vcf_is_well = false;
    if let Some(name) = &targets.vcf {
        vcf_is_well =
            stage.play("The doctor checks SDDC Manager", async |act| examine(act, api, "vcf", name).await).await;
    }
    for ((product, kind, name), is_well) in with_syncs.into_iter().zip(are_well) {
        let target = format!("{kind}/{name}");
        let mut listed = Vec::new();
        stage
            .play(&format!("{product}: your directories"), async |act| {
                if !is_well {
                    act.skip(ILL);
                    return Ok(());
                }
                listed = directories(act, api, &target).await?;
                act.check(true, &format!("idhook logged in to {product} and read its directories"));
                Ok(())
            })
            .await;
        let listed = &listed;
        stage
            .play(&format!("{product}: sync a directory"), async |act| {
                if listed.is_empty() {
                    act.skip(if is_well { "the directories could not be listed" } else { ILL });
                    return Ok(());
                }
                sync(act, api, (product, &target), listed, wishes).await
            })
            .await;
    }
    if let Some(name) = &targets.vcf {
        let mut embedded = None;
        stage
            .play("SDDC Manager: your identity providers", async |act| {
                if !vcf_is_well {
                    act.skip(ILL);
                    return Ok(());
                }
                embedded = providers_and_sources(act, api, &providers_of(name)).await?;
                act.check(true, "idhook logged in to SDDC Manager and read its identity providers and sources");
                Ok(())
            })
            .await;
        if let Some(file) = &wishes.add_source {
            stage
                .play("SDDC Manager: put an identity source", async |act| {
                    if !vcf_is_well {
                        act.skip(ILL);
                        return Ok(());
                    }
                    add_source(act, api, &providers_of(name), embedded.as_deref(), file, wishes.yes).await
                })
                .await;
        }
    }
}

/// The doctor's report of a target.
pub(super) async fn examine(act: &mut Act, api: &Api, kind: &str, name: &str) -> Result<()> {
    let call = Call::get(format!("/{kind}/{name}/v1/doctor"));
    act.request(&call, "");
    let reply = api.send(&call).await?.successful()?;
    act.status(&reply, "");
    act.report(&Report::new(format!("{kind}/{name}"), reply.body, Some(TRUST)));
    Ok(())
}

async fn sync(
    act: &mut Act,
    api: &Api,
    (product, target): (&str, &str),
    listed: &[Value],
    wishes: &Wishes,
) -> Result<()> {
    let (id, name) = chosen(listed, wishes.directory.as_deref())?;
    let safeguards = if product == "vIDM" { ", with its safeguards on" } else { "" };
    let question = format!("Start a sync of {name} in this {product}{safeguards}?");
    if !agreed(act, answer(&question, wishes.yes)?, "no sync was started") {
        return Ok(());
    }
    let body = (!wishes.groups.is_empty()).then(|| json!({ "groups": wishes.groups }));
    let call = Call::post(route(target, &format!("directories/{id}/syncs")), body);
    act.request(&call, "");
    let started = api.send(&call).await?.successful()?;
    act.response(&started, &["status", "message", "directory", "links"]);
    let last = follow(act, api, started.text("/links/self")).await?;
    act.check(last.text("/status") == "succeeded", "The sync succeeded");
    if !wishes.groups.is_empty() {
        let is_there = |group: &Value| text(group, "/state") == "present";
        act.check(last.list("/groups").iter().all(is_there), &format!("{product} has every group that you named"));
    }
    Ok(())
}

async fn add_source(act: &mut Act, api: &Api, path: &str, embedded: Option<&str>, file: &str, yes: bool) -> Result<()> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {file}"))?;
    let source: Value = serde_json::from_slice(&text).with_context(|| format!("{file} is not JSON"))?;
    let fix = "give an IdentitySourceSpec: {\"name\": …, \"ldap\": {\"domainName\": …, …}}";
    let domain = source.pointer("/ldap/domainName").and_then(Value::as_str);
    let domain = domain.ok_or_else(|| Failure::new(format!("{file} has no ldap.domainName"), fix))?.to_owned();
    let embedded = embedded.context("SDDC Manager lists no embedded identity provider")?;
    let place = format!("{path}/{embedded}/identity-sources/{domain}");

    // The file holds a password, so its text is not shown.
    let dry = Call::put(format!("{place}?dryRun=true"), source.clone());
    act.request(&Call { body: None, ..dry.clone() }, file);
    let would = api.send(&dry).await?.successful()?;
    act.response(&would, &["outcome", "changes", "notCompared"]);
    let question = format!("Put the identity source {domain} into this SDDC Manager?");
    if !agreed(act, answer(&question, yes)?, "nothing was changed") {
        return Ok(());
    }
    let put = Call::put(place, source);
    act.request(&Call { body: None, ..put.clone() }, file);
    let done = api.send(&put).await?.successful()?;
    act.response(&done, &["outcome", "changes", "notCompared"]);
    act.check(matches!(done.status, StatusCode::OK | StatusCode::CREATED), "SDDC Manager has the identity source");
    Ok(())
}

/// The person's answer; `None` where nobody can be asked.
fn answer(question: &str, yes: bool) -> Result<Option<bool>> {
    if yes { Ok(Some(true)) } else { confirm(question) }
}

/// Whether the person agrees; else the act is not run, and says why.
fn agreed(act: &mut Act, answer: Option<bool>, nothing: &str) -> bool {
    match answer {
        Some(true) => return true,
        Some(false) => act.skip(&format!("you did not agree, so {nothing}")),
        None => {
            act.skip(&format!("there is no terminal to ask at, so {nothing}; to agree in advance, add --yes"));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_targets_are_first() {
        let targets = Targets::of(&json!({"vidm": ["a", "default"], "vcf": ["lab"], "warnings": []}));
        assert_eq!((targets.vidm.as_deref(), targets.vcf.as_deref()), (Some("default"), Some("lab")));
        assert_eq!(targets.acts(&Wishes::default()), 5);
        assert_eq!(Targets::of(&json!({"vidm": ["x"], "vcf": []})).acts(&Wishes::default()), 3);
        assert_eq!(Targets::of(&json!({"vidm": ["x"], "fleet": ["y"]})).acts(&Wishes::default()), 6);
    }

    #[tokio::test]
    async fn nothing_is_changed_without_agreement() {
        for (answer, is_agreed) in [(Some(true), true), (Some(false), false), (None, false)] {
            let mut stage = Stage::new(1);
            let mut agreed = false;
            stage
                .play("a sync", async |act| {
                    agreed = super::agreed(act, answer, "no sync was started");
                    Ok(())
                })
                .await;
            assert_eq!((agreed, stage.finish()), (is_agreed, is_agreed), "{answer:?}");
        }
        assert_eq!(answer("Start?", true).unwrap(), Some(true));
    }
}
