//! Requests with an idempotency key, repeated after a crash and afterwards.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::client::{Call, Fate, Reply};
use super::follow;
use super::starts;
use super::world::{Place, World};

/// The longest time that a dead holder keeps its key: twice `request_timeout` and 20 s.
const LOCKED: Duration = Duration::from_secs(70);

/// What a client adds to that: `Retry-After`, and the request itself.
const SLACK: Duration = Duration::from_secs(10);

/// How long a key may stay locked in this run: further holders may die too.
const LONGEST: Duration = Duration::from_secs(240);

/// Where identity sources are added.
const SOURCES: &str = "/vcf/default/v1/identity-providers/embedded/identity-sources";

/// The keys whose requests added an identity source.
#[derive(Debug, Default)]
pub(super) struct Added(Mutex<Vec<Source>>);

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) domain: String,
    /// How many attempts broke off.
    pub(super) broken: u32,
}

impl Added {
    pub(super) fn all(&self) -> Vec<Source> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Repeats `call` until its key is no longer in use; returns the first response of the request itself, with all its attempts
/// but those that found the key in use. `broken` counts the attempts that broke off, of all requests with this key.
async fn until_done(world: &World, call: &Call<'_>, broken: &AtomicU32, random: &mut fastrand::Rng) -> Option<Reply> {
    let mut attempts = Vec::new();
    let mut cut_at = None;
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        let reply = world.client.send(call, random).await?;
        let cuts = u32::try_from(reply.broken()).unwrap_or(u32::MAX);
        let cuts_so_far = broken.fetch_add(cuts, Ordering::Relaxed) + cuts;
        if cuts > 0 && cut_at.is_none() {
            cut_at = Some(Instant::now());
        }
        match (reply.status, reply.code().as_str()) {
            (409, "idempotency_key_in_flight") => {
                attempts.extend(reply.attempts.iter().copied().filter(|attempt| attempt.fate != Fate::Answered));
                tokio::time::sleep(reply.pause()).await;
            }
            // A deletion that is carried out again finds nothing.
            (status, _) if status != 429 && status < 500 => {
                if let Some(cut_at) = cut_at {
                    world.tally.time("key in use after a cut connection", cut_at.elapsed());
                    if cut_at.elapsed() > LOCKED * cuts_so_far + SLACK {
                        world.tally.broke("a dead holder's key becomes free", format!("{:?}", cut_at.elapsed()));
                    }
                }
                attempts.extend(reply.attempts);
                return Some(Reply { attempts, ..reply });
            }
            _ => tokio::time::sleep(reply.pause()).await,
        }
    }
    world.tally.broke("a dead holder's key becomes free", format!("{} {}", call.name, call.path));
    None
}

/// A second request with the key, at any host: the response must be the stored one.
async fn replayed(world: &World, call: &Call<'_>, first: &Reply, random: &mut fastrand::Rng) {
    if first.header("idempotency-status") == "best-effort" {
        world.tally.count("responses kept by one instance only");
        return;
    }
    let Some(again) = until_done(world, call, &AtomicU32::new(0), random).await else { return };
    let same = |reply: &Reply| (reply.status, reply.text.clone(), reply.header("location").to_owned());
    world.tally.count("requests repeated after their response");
    if same(&again) != same(first) {
        let text = format!("{first:?}\n  {again:?}");
        world.tally.broke("all responses for a key are identical", text);
    } else if again.header("idempotency-status") != "replayed" {
        world.tally.broke("all responses for a key are identical", format!("not replayed: {again:?}"));
    }
}

/// A call with an idempotency key.
fn keyed<'c>(call: Call<'c>, id: &str, expects: &'static [u16]) -> Call<'c> {
    let mut call = Call { expects, ..call };
    call.headers.push(("idempotency-key", id.to_owned()));
    call
}

/// Adds an identity source, repeats the request, and deletes the source.
async fn source(world: &World, added: &Added, random: &mut fastrand::Rng) {
    let caller = world.caller();
    let domain = format!("d{:016x}.example", random.u64(..));
    let body = json!({
        "name": domain,
        "ldap": {
            "type": "ActiveDirectory", "domainName": domain, "domainAlias": "R", "username": "svc@research.example",
            "password": "no secret",
            "sourceDetails": {
                "usersBaseDn": "OU=P", "groupsBaseDn": "OU=G", "certChain": [],
                "serverEndpoints": ["ldap://dc01.research.example"],
            },
        },
    });
    let add = Call::post("add source", SOURCES, world.key(caller), body.to_string());
    let add = keyed(add, &format!("add-{domain}"), &[201, 409, 422]);
    // Two at once: a client whose first attempt is slow.
    let mut other = random.fork();
    let broken = AtomicU32::new(0);
    let (one, two) = tokio::join!(until_done(world, &add, &broken, random), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        until_done(world, &add, &broken, &mut other).await
    });
    let (Some(first), Some(second)) = (one, two) else { return };
    let broken = broken.into_inner();
    world.tally.count("keys: identity sources");
    if broken > 0 {
        world.tally.count("keys with a cut connection");
    }
    if (first.status, &first.text) != (second.status, &second.text) {
        world.tally.broke("all responses for a key are identical", format!("{first:?}\n  {second:?}"));
    }
    replayed(world, &add, &first, random).await;
    added.0.lock().unwrap_or_else(PoisonError::into_inner).push(Source { domain: domain.clone(), broken });
    let place = format!("{SOURCES}/{domain}");
    let delete = Call { method: Method::DELETE, ..Call::get("delete source", &place, world.key(caller)) };
    let delete = keyed(delete, &format!("delete-{domain}"), &[204, 404, 409]);
    until_done(world, &delete, &AtomicU32::new(0), random).await;
}

/// Starts a sync with a key, repeats the request, and follows the sync.
async fn sync(world: &World, place: &Place, random: &mut fastrand::Rng) {
    let caller = world.caller();
    let path = starts::path(place);
    let start = Call::post("start", &path, world.key(caller), json!({"callback": "ticket"}).to_string());
    let start = keyed(start, &format!("sync-{:016x}", random.u64(..)), &[202, 409]);
    let Some(first) = until_done(world, &start, &AtomicU32::new(0), random).await else { return };
    let first = starts::note(world, place, first);
    world.tally.count("keys: syncs");
    if first.broken() > 0 {
        world.tally.count("keys with a cut connection");
    }
    if first.status == 202 {
        replayed(world, &start, &first, random).await;
        let mut started = starts::started(place, &first, (caller, None, true));
        started.end = follow::to_the_end(world, &started, random).await;
        starts::keep(world, started);
    }
}

/// One key after another.
pub(super) async fn keys(world: Arc<World>, added: Arc<Added>, places: Vec<Place>, mut random: fastrand::Rng) {
    while !world.is_over() {
        match random.choice(&places).filter(|_| random.usize(0..5) < 2) {
            Some(place) => sync(&world, place, &mut random).await,
            None => source(&world, &added, &mut random).await,
        }
    }
}
