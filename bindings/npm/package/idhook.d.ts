// The classes of the package, and the types that a schema cannot express. The other types follow; they are generated from the code.

/** The last argument of every call. */
export interface CallOptions {
  /** If it is aborted, the promise rejects with its reason at once, and the request under way is aborted. */
  signal?: AbortSignal;
}

/** How long to wait for a sync. */
export interface WaitOptions extends CallOptions {
  /** Whole seconds; default 600. */
  timeoutSeconds?: number;
}

/** The options of {@link SyncSession.ensureGroups}. */
export interface EnsureOptions extends CallOptions {
  /** Users (`name@domain`) that the target must have too. With the groups at most 100 names. */
  users?: string[];
  /** Seconds until the sync must be final, from 0 to 86400; default 600. */
  timeoutSeconds?: number;
  /** First add the groups (distinguished names) to the directory's sync profile, unless it selects them already. */
  addToProfile?: boolean;
  /** Run without the safeguards: a broken LDAP filter then deletes users. */
  ignoreSafeguards?: boolean;
  /**
   * Receives the state right after the start, with the `id` of the sync, and then each change. If it throws or rejects, the call ends
   * with that error.
   */
  onProgress?: (sync: Started<Sync>) => unknown;
}

/** The options of {@link Vidm.dryRun}. */
export interface DryRunOptions extends CallOptions {
  /** As in {@link SyncOrder}. */
  ignoreSafeguards?: boolean;
}

/** The options of a put. */
export interface PutOptions extends CallOptions {
  /** Change it although nothing differs: for a new password, which cannot be compared. */
  force?: boolean;
  /** Change nothing; return what would be done. */
  dryRun?: boolean;
}

/** The condition of a change. */
export interface Condition extends CallOptions {
  /**
   * The `etag` that the object must still have, or `"*"` if it must only exist; otherwise the call rejects with `precondition_failed`
   * and changes nothing.
   */
  ifMatch?: string;
}

/** The options of {@link Vcf.putIdentitySource}, {@link Vcf.apply} and {@link Fleet.putIdentityProvider}. */
export interface ChangeOptions extends PutOptions, Condition {}

/** The options of {@link Vcf.putIdentityProvider}. */
export interface ProviderOptions extends ChangeOptions {
  /** Delete the external provider that has another name or kind, and add this one. */
  replace?: boolean;
  /** The name of the provider that `replace` deletes; required, except in a dry run. */
  confirm?: string;
}

/** The options of a change of one field. */
export interface PartOptions extends Condition {
  /** Change nothing; return what would be done. */
  dryRun?: boolean;
}

/** The options of a deletion in SDDC Manager. */
export interface DeleteOptions extends Condition {
  /** `"ok"`: an object that does not exist is an outcome, not an error. */
  absent?: "ok";
}

/** The options of {@link Vcf.generateSyncClientToken}. */
export interface SyncClientTokenOptions extends CallOptions {
  /** Lifetime of the token, in seconds. */
  ttlSeconds?: number;
}

/** The options of {@link Fleet.deleteIdentityProvider}. */
export interface ProviderDeletionOptions extends WaitOptions, Condition {
  /** Also remove the components that use the provider. */
  force?: boolean;
}

/** The options of {@link Fleet.generateSyncClient}. */
export interface SyncClientOptions extends CallOptions {
  /** Lifetime of the token, in minutes. */
  ttlMinutes?: number;
}

/** The settings of a session besides its target and login. */
export interface SessionSettings {
  /** How long things may take. */
  timeouts?: Timeouts;
  /** Receives lines of log; without it nothing is logged. */
  log?: (line: string) => void;
}

/** Which vIDM (Workspace ONE Access) it is. */
export interface VidmTarget {
  /** `https://host[:port]`, no path. */
  url: string;
  /** The tenant, if it is in the path (`/SAAS/t/{tenant}`) and not in the host name. */
  tenant?: string | undefined;
  /** Media types: `horizon` (default) or `json` (Omnissa Access). */
  profile?: "horizon" | "json" | undefined;
  /** Sync call: `auto` (default), `classic` or `v2`. */
  syncApi?: "auto" | "classic" | "v2" | undefined;
  /** Path templates that differ from the profile's, by name. */
  paths?: Record<string, string> | undefined;
  /** Media types that differ from the profile's, by name. */
  mediaTypes?: Record<string, string> | undefined;
}

/** A local administrator of vIDM (System Domain). */
export interface LocalLogin {
  /** User name. */
  username: string;
  /** Password. */
  password: string;
  /** The word before the token in the `Authorization` header: `hzn` (default) or `bearer`. */
  authorizationScheme?: "hzn" | "bearer" | undefined;
  domain?: undefined;
  clientId?: undefined;
  clientSecret?: undefined;
}

/** An OAuth client of vIDM (client credentials). */
export interface ClientLogin {
  /** Id of the client. */
  clientId: string;
  /** Shared secret of the client. */
  clientSecret: string;
  username?: undefined;
  password?: undefined;
  domain?: undefined;
}

/** An account of a domain, through an OAuth client (password grant). */
export interface DomainLogin {
  /** User name. */
  username: string;
  /** Password. */
  password: string;
  /** Domain of the account. */
  domain: string;
  /** Id of the client. */
  clientId: string;
  /** Shared secret of the client. */
  clientSecret: string;
}

/** vIDM and one of three logins. */
export type VidmSettings = VidmTarget & (LocalLogin | ClientLogin | DomainLogin);

/** Which VCF Operations it is. */
export interface FleetTarget {
  /** `https://host[:port]`, no path. */
  url: string;
}

/** An account of VCF Operations, of vCenter or of Active Directory. An account of VCF single sign-on needs an API token. */
export interface FleetLogin {
  /** User name. */
  username: string;
  /** Password. */
  password: string;
  /** The name of the account's source in VCF Operations, such as `local`; without it, the server's default. */
  authSource?: string | undefined;
  apiToken?: undefined;
  brokerUrl?: undefined;
}

/** An API token of VCF single sign-on. */
export interface ApiTokenLogin {
  /** The API token. */
  apiToken: string;
  /** `https://host[:port]` of the identity broker that exchanges it; without it, the one that VCF Operations names. */
  brokerUrl?: string | undefined;
  username?: undefined;
  password?: undefined;
  authSource?: undefined;
}

/** VCF Operations and one of two logins. */
export type FleetSettings = FleetTarget & (FleetLogin | ApiTokenLogin);

/** What a sync of {@link Fleet} must bring. */
export type FleetSyncOrder = Omit<SyncOrder, "ignoreSafeguards">;

/** The options of {@link Fleet.ensureGroups}. */
export type FleetEnsureOptions = Omit<EnsureOptions, "ignoreSafeguards">;

/** Which SDDC Manager it is. */
export interface VcfTarget {
  /** `https://host[:port]`, no path. */
  url: string;
}

/** An account of SDDC Manager. */
export interface VcfLogin {
  /** The account, as `user@domain`. */
  username: string;
  /** Its password. */
  password: string;
  refreshToken?: undefined;
}

/** A refresh token of SDDC Manager in place of an account. */
export interface RefreshTokenLogin {
  /** The id of the refresh token. It works until it expires, about 24 hours. */
  refreshToken: string;
  username?: undefined;
  password?: undefined;
}

/** SDDC Manager and one of two logins. */
export type VcfSettings = VcfTarget & (VcfLogin | RefreshTokenLogin);

/** A sync that succeeded. If groups were requested, the target has each of them. Final. */
export interface SyncSucceeded extends SyncFields {
  status: "succeeded";
  reason?: never;
  retryAfter?: never;
}

/** A sync that failed. Final. */
export interface SyncFailed extends SyncFields {
  status: "failed";
  /** Why it failed. */
  reason: SyncFailure;
  /** What to do about it. */
  hint: string;
  retryAfter?: never;
}

/** A sync that will run, or runs. */
export interface SyncPending extends SyncFields {
  status: "queued" | "running";
  reason?: never;
  /** Seconds until it is worth asking again. */
  retryAfter: number;
}

/** A sync whose state the target does not report in known words; `message` and `hint` say why and what to do. It may still become final. */
export interface SyncUnknown extends SyncFields {
  status: "unknown";
  reason?: never;
  /** Seconds until it is worth asking again. Absent in the outcome of `provision`, which started no sync. */
  retryAfter?: number;
}

/** A sync. Its `status` decides which fields it has. */
export type Sync = SyncSucceeded | SyncFailed | SyncPending | SyncUnknown;

/** A sync that was started through this package, so that it has an `id`. */
export type Started<S extends SyncFields> = S & { id: string; requestedAt: string };

/**
 * A call failed: what failed, and what to do about it. The message is `code: detail (hint)`. No password, secret or token is ever in
 * it.
 */
export class IdhookError extends Error {
  private constructor();
  readonly name: "IdhookError";
  /** What failed, as a stable word to match on. */
  readonly code: ErrorCode;
  /** What the code means; the same at every occurrence. */
  readonly title: string;
  /** The HTTP status that idhook's webhook returns for this code. */
  readonly status: number;
  /** What happened this time. */
  readonly detail: string;
  /** Whether the same call may succeed later although nobody changes anything, and does no harm when it is repeated. */
  readonly retryable: boolean;
  /** Seconds to wait before that, if the server or idhook says so. */
  readonly retryAfter?: number;
  /** What to do about it. */
  readonly hint?: string;
  /** Each field that is wrong. */
  readonly errors: FieldError[];
  /** The things that an ambiguous name may mean. */
  readonly candidates: Candidate[];
  /** The steps of a job that failed ({@link Vcf.apply}). */
  readonly steps: Step[];
  /** What vIDM, VCF Operations or SDDC Manager returned, if it was called. */
  readonly upstream?: UpstreamEvidence;
  /**
   * From {@link SyncSession.ensureGroups}, once the sync is started: its last known state. {@link SyncSession.waitForSync} goes on with its
   * `id`.
   */
  readonly sync?: Started<Sync>;
}

/**
 * The functions of a session with directory syncs, whichever product it is with: {@link Vidm}, {@link Fleet}. *The target* is the one
 * that the session is with.
 *
 * Every call rejects with an {@link IdhookError}, or with the reason of its signal.
 */
export interface SyncSession<TDirectory, TFilter, TGroup, TOrder, TEnsureOptions> {
  /** The directories that fit; all of them without a filter. */
  directories(filter?: TFilter, options?: CallOptions): Promise<TDirectory[]>;
  /** One directory, by its id, its name or one of its domains. */
  directory(directory: string, options?: CallOptions): Promise<TDirectory>;
  /** Starts a sync, or joins the next one. Its `id` is valid in another session and another process too. */
  startSync(directory: string, order?: TOrder, options?: CallOptions): Promise<Started<Sync>>;
  /**
   * Starts a sync or joins one, waits, and resolves only if it succeeded and the target has each of the groups. Otherwise it rejects with
   * an {@link IdhookError}: `group_absent`, `safeguard_tripped`, `sync_failed`, or `sync_timeout` if the sync is not final in time or its
   * outcome cannot be read. The error's `sync` is the last known state.
   */
  ensureGroups(directory: string, groups: string[], options?: TEnsureOptions): Promise<Started<SyncSucceeded>>;
  /** The state of a started sync. */
  sync(id: string, options?: CallOptions): Promise<Started<Sync>>;
  /** The state of a started sync once it is final, or when the time is up. A failed sync is not an error here: see `status`. */
  waitForSync(id: string, options?: WaitOptions): Promise<Started<Sync>>;
  /** Each change of a started sync; ends after the final one, or when the time is up. */
  watchSync(id: string, options?: WaitOptions): AsyncGenerator<Started<Sync>, void, undefined>;
  /** The state of a directory's latest sync, whoever started it; it has no `id`. */
  latestSync(directory: string, options?: CallOptions): Promise<Sync>;
  /** A directory's recent syncs, the newest first; `not_found` if this version of the product does not report them. */
  syncHistory(directory: string, options?: CallOptions): Promise<SyncHistory>;
  /** The groups of exactly this distinguished name, or of exactly this `name@domain`. */
  groups(name: string, options?: CallOptions): Promise<TGroup[]>;
}

/**
 * A session with one vIDM (Workspace ONE Access) tenant. It logs in when it first has to, once for any number of calls, concurrent ones
 * too. Nothing has to be closed.
 */
export class Vidm {
  /**
   * Checks the settings and sends nothing.
   *
   * @throws IdhookError `request_invalid`, with everything that is wrong with the settings. (In a browser the first call rejects with
   *   it instead.)
   */
  constructor(settings: VidmSettings & SessionSettings);
  /** What a sync would change; nothing is started. `not_supported` if this version of vIDM has no such call. */
  dryRun(directory: string, options?: DryRunOptions): Promise<DryRun>;
  /** vIDM's own health. */
  health(options?: CallOptions): Promise<VidmHealth>;
}
export interface Vidm extends SyncSession<Directory, DirectoryFilter, Group, SyncOrder, EnsureOptions> {}

/**
 * A session with one VCF Operations of VMware Cloud Foundation 9.1 and later: the LDAP directories of the identity broker, and the identity
 * providers of VCF single sign-on. It logs in when it first has to, once for any number of calls, concurrent ones too. Nothing has to be
 * closed.
 *
 * VCF Operations has neither safeguards nor a dry run. Before 9.1 every call rejects with `not_supported`.
 */
export class Fleet {
  /**
   * Checks the settings and sends nothing.
   *
   * @throws IdhookError `request_invalid`, with everything that is wrong with the settings. (In a browser the first call rejects with
   *   it instead.)
   */
  constructor(settings: FleetSettings & SessionSettings);
  /**
   * Brings groups into the broker by their distinguished names, without a sync; the result has no `id`, and its `groups` show which are
   * there. `not_supported` before 9.1.1.
   */
  provision(directory: string, groups: string[], options?: CallOptions): Promise<Sync>;
  /** Every realm with its identity provider, if it has one. */
  identityProviders(options?: CallOptions): Promise<RealmIdentityProviders>;
  /** One identity provider. */
  identityProvider(id: string, options?: CallOptions): Promise<FederatedIdentityProvider>;
  /** Creates the identity provider of a realm without one. */
  createIdentityProvider(spec: FederatedIdentityProvider, options?: CallOptions): Promise<ChangeOutcome>;
  /** Makes the identity provider of the specified realm match `spec`: creates it, changes it, or leaves it alone. */
  putIdentityProvider(spec: FederatedIdentityProvider, options?: ChangeOptions): Promise<ChangeOutcome>;
  /** Deletes an identity provider, and follows the deletion until the time is up; `deleted` shows whether it is complete. */
  deleteIdentityProvider(id: string, options?: ProviderDeletionOptions): Promise<ProviderDeletion>;
  /** The state of a deletion's task. */
  task(id: string, options?: CallOptions): Promise<IamTask>;
  /** The SCIM sync client of the provider's directory, without its secrets. */
  syncClient(providerId: string, options?: CallOptions): Promise<ScimSyncClient>;
  /** Makes a SCIM sync client with a token. */
  generateSyncClient(providerId: string, options?: SyncClientOptions): Promise<ScimSyncClient>;
  /** What the identity broker reads in SAML metadata; nothing is changed. */
  validateSamlMetadata(spec: SamlMetadata, options?: CallOptions): Promise<SamlMetadataContent>;
}
export interface Fleet extends SyncSession<FleetDirectory, FleetDirectoryFilter, FleetGroup, FleetSyncOrder, FleetEnsureOptions> {}

/**
 * A session with one SDDC Manager (VMware Cloud Foundation 4.5 to 9.x): its identity providers and their identity sources. It logs in
 * when it first has to, once for any number of calls, concurrent ones too. Nothing has to be closed.
 *
 * Every call rejects with an {@link IdhookError}, or with the reason of its signal. A specification is checked before anything is
 * sent; the error lists everything that is wrong with it.
 */
export class Vcf {
  /**
   * Checks the settings and sends nothing.
   *
   * @throws IdhookError `request_invalid`, with everything that is wrong with the settings. (In a browser the first call rejects with
   *   it instead.)
   */
  constructor(settings: VcfSettings & SessionSettings);
  /** All identity providers; the embedded one with its identity sources is among them. */
  identityProviders(options?: CallOptions): Promise<IdentityProviders>;
  /** One identity provider. */
  identityProvider(id: string, options?: CallOptions): Promise<IdentityProvider>;
  /** Adds an external identity provider. */
  addIdentityProvider(spec: IdentityProviderSpec, options?: CallOptions): Promise<ChangeOutcome>;
  /**
   * Makes the external identity provider match `spec`: adds it, changes it, or leaves it alone. With `replace` and `confirm` it also
   * replaces one with another name or kind; `removed` lists what disappears.
   */
  putIdentityProvider(spec: IdentityProviderSpec, options?: ProviderOptions): Promise<ChangeOutcome>;
  /** Changes an external identity provider; `spec` is the whole of it, secrets included. */
  updateIdentityProvider(id: string, spec: IdentityProviderSpec, options?: Condition): Promise<void>;
  /** Deletes an external identity provider. The result is undefined; with `absent`, an outcome if the provider did not exist. */
  deleteIdentityProvider(id: string, options?: DeleteOptions): Promise<ChangeOutcome | undefined>;
  /** Adds an identity source to the embedded provider, whose id is in the list of providers. */
  addIdentitySource(providerId: string, spec: IdentitySourceSpec, options?: CallOptions): Promise<ChangeOutcome>;
  /** Makes the identity source of this domain match `spec`: adds it, changes it, or leaves it alone. */
  putIdentitySource(providerId: string, domainName: string, spec: IdentitySourceSpec, options?: ChangeOptions): Promise<ChangeOutcome>;
  /** Changes the identity source of this domain; `spec` is the whole of it, its password included. */
  updateIdentitySource(providerId: string, domainName: string, spec: IdentitySourceSpec, options?: Condition): Promise<void>;
  /** Deletes the identity source of this domain; see {@link deleteIdentityProvider}. */
  deleteIdentitySource(providerId: string, domainName: string, options?: DeleteOptions): Promise<ChangeOutcome | undefined>;
  /** Sets the bind password of this domain's identity source, and optionally another account; the rest stays. */
  setIdentitySourceCredentials(providerId: string, domainName: string, spec: NewCredentials, options?: PartOptions): Promise<ChangeOutcome>;
  /** Sets the certificates of this domain's identity source; `keep` keeps the present ones beside them. */
  setIdentitySourceCertificates(providerId: string, domainName: string, spec: NewCertificates, options?: PartOptions): Promise<ChangeOutcome>;
  /** Sets the client secret of the external identity provider; the rest stays. */
  setClientSecret(providerId: string, spec: NewClientSecret, options?: PartOptions): Promise<ChangeOutcome>;
  /**
   * Does a whole job: precheck, identity source or external provider, verification, roles of groups. A second call with the same `spec`
   * continues a job that failed; `steps` of the error has what is done.
   */
  apply(spec: ApplySpec, options?: ChangeOptions): Promise<Applied>;
  /** Makes a new SCIM token for a federated provider, which ends the former one. VCF 5.1 and later. */
  generateSyncClientToken(providerId: string, options?: SyncClientTokenOptions): Promise<SyncClientToken>;
  /** Whether the identity provider may be changed, to one of this type. VCF 5.1 and later. */
  prechecks(type?: string, options?: CallOptions): Promise<PrecheckResult>;
  /** SDDC Manager's own OpenID Connect client. VCF 5.2 and later. */
  sddcManagerOidc(options?: CallOptions): Promise<SddcManagerOidc>;
}
