//! A stateful vIDM (Workspace ONE Access), SDDC Manager, VCF Operations and identity broker on loopback, for development
//! and tests.
//!
//! They are as strict as the real ones are known to be: media types, token formats, error bodies, the effect of a second
//! kick-off. Where the real behaviour is unknown there is a setting ([`VidmSettings`], [`SddcSettings`],
//! [`FleetSettings`]). Faults occur on
//! demand ([`Fault`]), every call is recorded ([`Call`]), and each server listens on http and https with its own CA. The
//! planted accounts are in [`credentials`], the planted directories, groups and providers in [`seeds`].
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use idhook_simulator::{Fault, FaultKind, Options, Server, Simulator};
//!
//! let simulator = Simulator::start(Options::default()).await?;
//! simulator.add_fault(Fault::new(FaultKind::Reset).on(Server::Vidm).path("/syncprofile/sync"));
//! let vidm = simulator.vidm_url(); // give this to whatever is tested
//! # Ok(())
//! # }
//! ```
//!
//! | module | what |
//! |---|---|
//! | `server`, `wire` | listeners, faults on the wire |
//! | `vidm`, `vidm/*` | vIDM, one file for each group of calls |
//! | `sddc`, `sddc/*` | SDDC Manager, the same |
//! | `fleet`, `fleet/*` | VCF Operations and the identity broker, the same |
//! | `contract` | the vendor's OpenAPI documents of VCF Operations and SDDC Manager |
//! | `control` | the control by hand, below `/_simulator` |
//! | `settings` | what can be chosen |

mod ca;
mod calls;
mod clock;
pub mod contract;
mod control;
pub mod credentials;
mod dn;
mod faults;
mod fleet;
mod reply;
mod sddc;
pub mod seeds;
mod server;
mod settings;
mod simulator;
mod tls_front;
mod tokens;
mod vidm;
mod wire;

pub use calls::{Call, Exchange, Server};
pub use contract::Release;
pub use faults::{Fault, FaultKind, RetryAfter};
pub use settings::{
    AlreadyRunning, Clocks, DeadApiToken, DisplayNames, EntityNames, EqualsCase, FleetSettings, FleetVersion,
    KnownPrincipal, LastSyncTime, LikeTerms, LogOrder, LogWords, OnDemandSync, Outcome, PageCap, PrincipalSettings,
    ProfilePut, ProviderSettings, RefreshBody, RunningWord, ScimValues, SddcFront, SddcSettings, SddcVersion,
    SecondSync, SourceAdded, StartTimes, StatusShape, SyncBody, SyncDuration, TaskCall, TokenExpiresAt,
    UnauthorizedForm, UnknownId, VidmSettings,
};
pub(crate) use simulator::Shared;
pub use simulator::{FleetGroup, FleetRun, Options, Simulator, SyncRun};
pub use tls_front::TlsFront;
