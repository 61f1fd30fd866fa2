//! A stateful vIDM (Workspace ONE Access) and a stateful SDDC Manager on loopback, to develop and test against.
//!
//! Both are as strict as what is known of the real ones: media types, token forms, error bodies, what a second kick-off does.
//! Where nothing is known there is a setting ([`VidmSettings`], [`SddcSettings`]). Faults come on demand ([`Fault`]), every call
//! is written down ([`Call`]), and each server is there over http and over https with a CA of its own. The planted accounts are
//! in [`credentials`], the planted directories, groups and providers in [`seeds`].
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
//! | `control` | the control by hand, below `/_simulator` |
//! | `settings` | what can be chosen |

mod ca;
mod calls;
mod clock;
mod control;
pub mod credentials;
mod faults;
mod reply;
mod sddc;
pub mod seeds;
mod server;
mod settings;
mod simulator;
mod tokens;
mod vidm;
mod wire;

pub use calls::{Call, Server};
pub use faults::{Fault, FaultKind, RetryAfter};
pub use settings::{
    AlreadyRunning, Clocks, Outcome, RefreshBody, ScimValues, SddcFront, SddcSettings, SourceAdded, StartTimes,
    StatusShape, SyncDuration, VidmSettings,
};
pub(crate) use simulator::Shared;
pub use simulator::{Options, Simulator, SyncRun};
