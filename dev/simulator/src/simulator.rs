//! The handle: start, addresses, control.

mod fleet;

use crate::calls::Exchange;
use crate::calls::{Call, Calls, Server};
use crate::faults::{Fault, Faults};
use crate::fleet::Fleet;
use crate::sddc::Sddc;
use crate::server::{self, Endpoint};
use crate::settings::{FleetSettings, Outcome, SddcSettings, SyncDuration, VidmSettings};
use crate::tls_front::TlsFront;
use crate::vidm::state::{AdGroup, Directory};
use crate::vidm::{Vidm, sync};
use crate::{ca, clock, sddc, vidm};
use anyhow::Context as _;
use axum::Router;
pub use fleet::{FleetGroup, FleetRun};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The options of a simulator. A port of 0 leaves the choice to the system.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address all ports listen on. 127.0.0.1, to which ::1 is added where there is IPv6.
    pub listen: IpAddr,
    /// The port of vIDM over http.
    pub vidm_port: u16,
    /// The port of vIDM over https.
    pub vidm_tls_port: u16,
    /// The port of SDDC Manager over http.
    pub sddc_port: u16,
    /// The port of SDDC Manager over https.
    pub sddc_tls_port: u16,
    /// The port of VCF Operations over http.
    pub fleet_port: u16,
    /// The port of VCF Operations over https.
    pub fleet_tls_port: u16,
    /// The port of the identity broker over http.
    pub broker_port: u16,
    /// The port of the identity broker over https.
    pub broker_tls_port: u16,
    /// Names or addresses the certificate is valid for beside localhost, 127.0.0.1 and ::1.
    pub names: Vec<String>,
    /// Tenants in the path (`/SAAS/t/corp/…`), beside the one in the host.
    pub tenants: Vec<String>,
    /// SDDC Manager begins with an external identity provider ([`crate::seeds::EXTERNAL_PROVIDER`]).
    pub external_provider: bool,
    /// The settings of vIDM.
    pub vidm: VidmSettings,
    /// The settings of SDDC Manager.
    pub sddc: SddcSettings,
    /// The settings of VCF Operations and the broker.
    pub fleet: FleetSettings,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            vidm_port: 0,
            vidm_tls_port: 0,
            sddc_port: 0,
            sddc_tls_port: 0,
            fleet_port: 0,
            fleet_tls_port: 0,
            broker_port: 0,
            broker_tls_port: 0,
            names: Vec::new(),
            tenants: vec!["corp".to_owned()],
            external_provider: false,
            vidm: VidmSettings::default(),
            sddc: SddcSettings::default(),
            fleet: FleetSettings::default(),
        }
    }
}

/// A sync run that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRun {
    /// The options of the kick-off.
    pub ignore_safeguards: bool,
    /// Started with the v2 call.
    pub v2: bool,
    /// How many further kick-offs it took in.
    pub joined: u32,
    /// How it ended; None while it is going.
    pub outcome: Option<Outcome>,
    /// When it began, to the millisecond.
    pub began: SystemTime,
    /// When it ended; None while it is going.
    pub ended: Option<SystemTime>,
    /// The DNs of the groups that were in AD, and in the sync profile, when it began: those it brings into SCIM.
    pub groups: Vec<String>,
}

/// The servers, running. Dropping it stops them.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    ca_pem: String,
    tls: Arc<rustls::ServerConfig>,
    addresses: [SocketAddr; 8],
    tasks: Vec<JoinHandle<()>>,
}

/// The state that all listeners share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) vidm: Arc<Vidm>,
    pub(crate) sddc: Arc<Sddc>,
    pub(crate) fleet: Arc<Fleet>,
}

impl Simulator {
    /// Starts all servers in the present tokio runtime.
    ///
    /// # Errors
    /// If a port is taken, or the certificates can't be made (a bad entry in [`Options::names`]).
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let authority = ca::make(&options.names)?;
        let shared = Arc::new(Shared {
            calls: Calls::default(),
            faults: Faults::default(),
            vidm: Arc::new(Vidm::new(options.vidm, &options.tenants)),
            sddc: Arc::new(Sddc::new(options.sddc, &authority.pem, options.external_provider)),
            fleet: Arc::new(Fleet::new(options.fleet)),
        });
        let vidm = vidm::router(Arc::clone(&shared.vidm));
        let sddc = sddc::router(Arc::clone(&shared.sddc));
        let fleet = crate::fleet::router(Arc::clone(&shared.fleet));
        let broker = crate::fleet::broker_router(Arc::clone(&shared.fleet));
        let acceptor = TlsAcceptor::from(Arc::clone(&authority.server));
        let mut addresses = [SocketAddr::new(options.listen, 0); 8];
        let mut tasks = Vec::new();
        let endpoints: [(u16, Server, Option<TlsAcceptor>, &Router); 8] = [
            (options.vidm_port, Server::Vidm, None, &vidm),
            (options.vidm_tls_port, Server::Vidm, Some(acceptor.clone()), &vidm),
            (options.sddc_port, Server::Sddc, None, &sddc),
            (options.sddc_tls_port, Server::Sddc, Some(acceptor.clone()), &sddc),
            (options.fleet_port, Server::Fleet, None, &fleet),
            (options.fleet_tls_port, Server::Fleet, Some(acceptor.clone()), &fleet),
            (options.broker_port, Server::Broker, None, &broker),
            (options.broker_tls_port, Server::Broker, Some(acceptor), &broker),
        ];
        for ((port, server, tls, router), address) in endpoints.into_iter().zip(&mut addresses) {
            let wanted = SocketAddr::new(options.listen, port);
            let listener = TcpListener::bind(wanted).await.with_context(|| format!("cannot listen on {wanted}"))?;
            *address = listener.local_addr()?;
            let endpoint = Arc::new(Endpoint { server, tls, router: router.clone(), shared: Arc::clone(&shared) });
            tasks.push(tokio::spawn(server::listen(listener, Arc::clone(&endpoint))));
            // Some clients (Node.js 18) take the first address of `localhost` and no other. Where there is no IPv6, so be it.
            if options.listen == IpAddr::V4(Ipv4Addr::LOCALHOST)
                && let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).await
            {
                tasks.push(tokio::spawn(server::listen(listener, endpoint)));
            }
        }
        let simulator = Self { shared, ca_pem: authority.pem, tls: authority.server, addresses, tasks };
        simulator.shared.fleet.state().broker = [simulator.broker_url(), simulator.broker_tls_url()];
        Ok(simulator)
    }

    /// Starts a TLS proxy in front of another server.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn tls_front(&self, server: SocketAddr) -> anyhow::Result<TlsFront> {
        TlsFront::start(TlsAcceptor::from(Arc::clone(&self.tls)), server).await
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn vidm_url(&self) -> String {
        format!("http://{}", self.addresses[0])
    }

    /// `https://localhost:PORT`
    #[must_use]
    pub fn vidm_tls_url(&self) -> String {
        format!("https://localhost:{}", self.addresses[1].port())
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn sddc_url(&self) -> String {
        format!("http://{}", self.addresses[2])
    }

    /// `https://localhost:PORT`
    #[must_use]
    pub fn sddc_tls_url(&self) -> String {
        format!("https://localhost:{}", self.addresses[3].port())
    }

    /// `http://127.0.0.1:PORT` of VCF Operations.
    #[must_use]
    pub fn fleet_url(&self) -> String {
        format!("http://{}", self.addresses[4])
    }

    /// `https://localhost:PORT` of VCF Operations.
    #[must_use]
    pub fn fleet_tls_url(&self) -> String {
        format!("https://localhost:{}", self.addresses[5].port())
    }

    /// `http://127.0.0.1:PORT` of the identity broker.
    #[must_use]
    pub fn broker_url(&self) -> String {
        format!("http://{}", self.addresses[6])
    }

    /// `https://localhost:PORT` of the identity broker.
    #[must_use]
    pub fn broker_tls_url(&self) -> String {
        format!("https://localhost:{}", self.addresses[7].port())
    }

    /// The certificate of the CA behind the https ports.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Writes [`Simulator::ca_pem`] to a file.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write_ca(&self, path: impl AsRef<Path>) -> anyhow::Result<()> {
        let path = path.as_ref();
        std::fs::write(path, &self.ca_pem).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Every request since the last clear, in the order they arrived.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.all()
    }

    /// Forgets the calls.
    pub fn clear_calls(&self) {
        self.shared.calls.clear();
    }

    /// From now on calls to VCF Operations and the broker are recorded with their bodies. The bodies contain secrets.
    pub fn record_bodies(&self) {
        self.shared.calls.record_bodies();
    }

    /// The calls that were recorded with their bodies, in the order of the responses. Responses that a fault replaced are not
    /// among them.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.calls.exchanges()
    }

    /// Something shall go wrong. Where several faults match a request the oldest counts (delays add to it).
    pub fn add_fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// The faults that are still to occur, with the rest of [`Fault::after`] and [`Fault::times`].
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.faults.all()
    }

    /// Nothing shall go wrong any more.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Nothing that was to go wrong at this [`Fault::path`] shall any more.
    pub fn clear_faults_at(&self, path: &str) {
        self.shared.faults.clear_at(path);
    }

    /// Changes how vIDM behaves from now on.
    pub fn configure_vidm(&self, change: impl FnOnce(&mut VidmSettings)) {
        change(&mut self.shared.vidm.state().settings);
    }

    /// Changes how SDDC Manager behaves from now on.
    pub fn configure_sddc(&self, change: impl FnOnce(&mut SddcSettings)) {
        change(&mut self.shared.sddc.state().settings);
    }

    /// How long the next sync runs take.
    pub fn set_sync_duration(&self, duration: SyncDuration) {
        self.configure_vidm(|settings| settings.sync_duration = duration);
    }

    /// Ends the run that is going. `directory` is an id, or a name in the tenant in the host; so it is below.
    ///
    /// # Errors
    /// If there is no such directory, or no run is going.
    pub fn finish_sync(&self, directory: &str, outcome: Outcome) -> anyhow::Result<()> {
        self.shared.finish_sync(directory, outcome)
    }

    /// From now on the safeguards of the directory stop each run that does not ignore them.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn set_safeguards_trip(&self, directory: &str, trip: bool) -> anyhow::Result<()> {
        self.shared.directory(directory, |directory| directory.safeguards_trip = trip)
    }

    /// The next run fails with this message.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn fail_next_sync(&self, directory: &str, message: &str) -> anyhow::Result<()> {
        self.shared.directory(directory, |directory| directory.fails_next = Some(message.to_owned()))
    }

    /// A new group in Active Directory. The next run that begins brings it into SCIM, if the sync profile selects it.
    ///
    /// # Errors
    /// If there is no such directory, or the DN does not begin with a CN.
    pub fn add_directory_group(&self, directory: &str, dn: &str) -> anyhow::Result<()> {
        self.shared.add_directory_group(directory, dn)
    }

    /// A new user in Active Directory, by account name. The next run that begins brings it into SCIM.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn add_directory_user(&self, directory: &str, account: &str) -> anyhow::Result<()> {
        self.shared.directory(directory, |directory| directory.users_in_ad.push(account.to_owned()))
    }

    /// The runs that were asked for, oldest first (the one from the schedule before the start is not among them).
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn runs(&self, directory: &str) -> anyhow::Result<Vec<SyncRun>> {
        self.shared.directory(directory, |directory| {
            let asked_for = directory.runs.iter().filter(|run| run.asked_for);
            asked_for
                .map(|run| SyncRun {
                    ignore_safeguards: run.ignore_safeguards,
                    v2: run.v2,
                    joined: run.joined,
                    outcome: run.end.as_ref().map(|(_, outcome)| outcome.clone()),
                    began: clock::time(run.start),
                    ended: run.end.as_ref().map(|(when, _)| clock::time(*when)),
                    groups: run.found.iter().map(|group| group.dn.clone()).collect(),
                })
                .collect()
        })
    }

    /// How many runs were asked for.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn runs_started(&self, directory: &str) -> anyhow::Result<usize> {
        self.shared.directory(directory, |directory| directory.runs.iter().filter(|run| run.asked_for).count())
    }

    /// The selection of the sync profile: the DN of each group that is selected by itself, and `*,BASE` for all below a base DN.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn selected(&self, directory: &str) -> anyhow::Result<BTreeSet<String>> {
        self.shared.directory(directory, |directory| directory.profile.selections())
    }

    /// All access and session tokens of all servers expire now. Refresh tokens stay good.
    pub fn expire_tokens(&self) {
        self.shared.expire_tokens();
    }

    /// All refresh tokens of SDDC Manager expire now.
    pub fn expire_refresh_tokens(&self) {
        self.shared.sddc.state().refresh.clear();
    }

    /// Lets locked vIDM accounts in again.
    pub fn unlock_accounts(&self) {
        self.shared.vidm.state().refusals.clear();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    pub(crate) fn directory<T>(&self, directory: &str, then: impl FnOnce(&mut Directory) -> T) -> anyhow::Result<T> {
        let mut state = self.vidm.state();
        let (tenant, at) = state.find(directory)?;
        tenant.directories.get_mut(at).map(then).context("there is no such directory")
    }

    pub(crate) fn add_directory_group(&self, directory: &str, dn: &str) -> anyhow::Result<()> {
        let group = AdGroup::new(dn).with_context(|| format!("{dn:?} is not the DN of a group; use CN=…,…"))?;
        self.directory(directory, |directory| directory.in_ad.push(group))
    }

    pub(crate) fn finish_sync(&self, directory: &str, outcome: Outcome) -> anyhow::Result<()> {
        let mut state = self.vidm.state();
        let (tenant, at) = state.find(directory)?;
        anyhow::ensure!(sync::finish(tenant, at, clock::now(), outcome), "no sync of {directory:?} is running");
        Ok(())
    }

    pub(crate) fn expire_tokens(&self) {
        self.vidm.state().tokens.clear();
        self.sddc.state().access.clear();
        let mut fleet = self.fleet.state();
        fleet.sessions.clear();
        fleet.bearers.clear();
    }
}
