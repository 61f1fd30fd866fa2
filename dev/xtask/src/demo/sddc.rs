//! The act with SDDC Manager, and what both demos show of it.

use anyhow::Result;
use idhook_simulator::{Server, Simulator, seeds};
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, Call, list, text};
use super::stage::Act;
use super::vidm::upstream_calls;

/// The domain of the identity source that the demo adds.
const DOMAIN: &str = "research.example";

/// The routes of an SDDC Manager target.
pub(super) fn providers_of(target: &str) -> String {
    format!("/vcf/{target}/v1/identity-providers")
}

/// Adds an identity source, finds it unchanged, and has a mistake rejected.
pub(super) async fn identity_source(act: &mut Act, api: &Api, simulator: &Simulator) -> Result<()> {
    act.explain(
        "PUT takes a whole identity source. idhook compares it with what SDDC Manager has and sends only what is needed. The same \
         PUT can run as often as you like, from Ansible, Terraform or a pipeline.",
    );
    let providers = providers_of("default");
    providers_and_sources(act, api, &providers).await?;
    let place = format!("{providers}/{}/identity-sources/{DOMAIN}", seeds::EMBEDDED_PROVIDER);
    let source = example_source();

    simulator.clear_calls();
    let dry = Call::put(format!("{place}?dryRun=true"), source.clone());
    act.request(&dry, "");
    let would = api.send(&dry).await?.successful()?;
    act.response(&would, &["outcome", "domainName"]);
    let wrote_nothing = changes(simulator) == 0;

    let put = Call::put(&place, source.clone());
    act.request(&Call { body: None, ..put.clone() }, "the same body");
    let created = api.send(&put).await?.successful()?;
    act.response(&created, &["outcome", "domainName"]);
    act.row("Behind this, idhook called SDDC Manager:");
    upstream_calls(act, simulator, Server::Sddc);
    act.gap();

    simulator.clear_calls();
    act.request(&Call { body: None, ..put.clone() }, "the same body once more");
    let again = api.send(&put).await?.successful()?;
    act.response(&again, &["outcome", "domainName"]);
    let is_idempotent = again.text("/outcome") == "unchanged" && changes(simulator) == 0;

    simulator.clear_calls();
    let mut wrong = source;
    if let Some(endpoints) = wrong.pointer_mut("/ldap/sourceDetails/serverEndpoints") {
        *endpoints = json!(["http://dc01.research.example"]);
    }
    let wrong = Call::put(&place, wrong);
    act.request(&Call { body: None, ..wrong.clone() }, "with a mistake: an http:// URL as LDAP server");
    let rejected = api.send(&wrong).await?;
    act.response(&rejected, &["outcome"]);
    let reached = simulator.calls().len();

    act.check(
        would.text("/outcome") == "created" && wrote_nothing,
        "The dry run reported the outcome and changed nothing in SDDC Manager",
    );
    act.check(created.status.as_u16() == 201, "The first PUT created the identity source");
    act.check(is_idempotent, "The second PUT found nothing to change and changed nothing");
    act.check(
        rejected.status.is_client_error() && reached == 0,
        "The mistake was reported with its place in the body; nothing was sent to SDDC Manager",
    );
    Ok(())
}

/// Lists the identity providers with their identity sources; gives the id of the embedded provider.
pub(super) async fn providers_and_sources(act: &Act, api: &Api, path: &str) -> Result<Option<String>> {
    let call = Call::get(path);
    act.request(&call, "");
    let reply = api.send(&call).await?.successful()?;
    act.status(&reply, "");
    let mut embedded = None;
    for provider in reply.list("/elements") {
        act.row(format!(
            "{:<22} {:<16} {}",
            text(provider, "/name"),
            text(provider, "/type"),
            text(provider, "/status")
        ));
        for source in list(provider, "/identitySources") {
            act.row(format!("  {:<20} {}", text(source, "/name"), text(source, "/type")));
        }
        if text(provider, "/type").eq_ignore_ascii_case("embedded") {
            embedded = Some(text(provider, "/id").to_owned());
        }
    }
    act.gap();
    Ok(embedded)
}

/// How many calls since the last clear changed something.
fn changes(simulator: &Simulator) -> usize {
    let is_change = |method: &str, path: &str| method != Method::GET.as_str() && !path.starts_with("/v1/tokens");
    simulator.calls().iter().filter(|call| is_change(&call.method, call.path())).count()
}

fn example_source() -> Value {
    json!({
        "name": "research",
        "ldap": {
            "type": "ActiveDirectory",
            "domainName": DOMAIN,
            "domainAlias": "RESEARCH",
            "username": "svc-ldap@research.example",
            "password": "an example, not a secret",
            "sourceDetails": {
                "usersBaseDn": "OU=People,DC=research,DC=example",
                "groupsBaseDn": "OU=Groups,DC=research,DC=example",
                "certChain": [],
                "serverEndpoints": ["ldap://dc01.research.example", "ldap://dc02.research.example"]
            }
        }
    })
}
