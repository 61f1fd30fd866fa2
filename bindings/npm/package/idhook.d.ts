// The classes of the package. The types of what they take and give follow; those are made from the code.

/** What any call can be told besides. */
export interface CallOptions {
  /** Aborted, it ends the call: the promise is rejected with its reason at once, and what was under way is called off. */
  signal?: AbortSignal;
}

/** How long to wait for a sync. */
export interface WaitOptions extends CallOptions {
  /** Whole seconds; 600 where nothing is said. */
  timeoutSeconds?: number;
}

/** How to ensure that vIDM has groups. */
export interface EnsureOptions extends CallOptions {
  /** Seconds until the sync must be final, from 0 to 86400; 600 where nothing is said. */
  timeoutSeconds?: number;
  /** First add those of the groups (distinguished names) to the directory's sync profile that no run would bring. */
  addToProfile?: boolean;
  /** Run without the safeguards: a broken LDAP filter then deletes users. */
  ignoreSafeguards?: boolean;
  /**
   * Takes the state right after the start, whose `id` leads on to the sync whatever becomes of this call, and then each change. What
   * it throws, or rejects with, ends the call.
   */
  onProgress?: (sync: Sync) => unknown;
}

/** How to look for what a sync would change. */
export interface DryRunOptions extends CallOptions {
  /** As in {@link SyncOrder}. */
  ignoreSafeguards?: boolean;
}

/** How to put an identity provider or source. */
export interface PutOptions extends CallOptions {
  /** Change it although it looks as wanted: for a new password, which cannot be compared. */
  force?: boolean;
  /** Change nothing; tell what would be done. */
  dryRun?: boolean;
}

/** How to make a SCIM token. */
export interface SyncClientTokenOptions extends CallOptions {
  /** Its life, in seconds. */
  ttlSeconds?: number;
}

/** What a session is told besides its account. */
export interface SessionSettings {
  /** `https://host[:port]`, no path. */
  url: string;
  /** How long things may take. */
  timeouts?: Timeouts;
  /** Takes lines of log; without it there is no log. */
  log?: (line: string) => void;
}

/**
 * A call that came to no good: what failed, and what to do about it. The message is of the form `code: detail (hint)`. No password,
 * secret or token is ever in it.
 */
export class IdhookError extends Error {
  private constructor();
  readonly name: "IdhookError";
  /** What failed, as a stable word to match on. */
  readonly code: ErrorCode;
  /** What the code means; the same at every occurrence. */
  readonly title: string;
  /** The HTTP status that idhook's webhook would answer with. */
  readonly status: number;
  /** What happened this time. */
  readonly detail: string;
  /** Whether the very same call may succeed later with nobody changing anything, and does no harm when it is repeated. */
  readonly retryable: boolean;
  /** Seconds to wait before that, where the upstream or idhook says so. */
  readonly retryAfter?: number;
  /** What to do about it. */
  readonly hint?: string;
  /** Each field that is wrong. */
  readonly errors: FieldError[];
  /** The things an ambiguous name could have meant. */
  readonly candidates: Candidate[];
  /** What the upstream said, where it was asked. */
  readonly upstream?: UpstreamEvidence;
  /**
   * From {@link Vidm.ensureGroups}, once the sync is started: its last known state. {@link Vidm.waitForSync} goes on with its
   * `id`.
   */
  readonly sync?: Sync;
}

/**
 * A session with one vIDM (Workspace ONE Access) tenant. It logs in when it first has to, once for any number of calls, at the same
 * time as well. Nothing has to be closed.
 *
 * Every call rejects with an {@link IdhookError}, or with the reason of its signal.
 */
export class Vidm {
  /** Calls nothing yet: settings that are wrong are told by the first call, as `request_invalid`. */
  constructor(settings: VidmSettings & SessionSettings);
  /** The directories that fit; all of them without a filter. */
  directories(filter?: DirectoryFilter, options?: CallOptions): Promise<Directory[]>;
  /** One directory, by its id, its name or one of its domains. */
  directory(directory: string, options?: CallOptions): Promise<Directory>;
  /** Starts a sync, or joins the next one. Its `id` is good in another session and another process too. */
  startSync(directory: string, order?: SyncOrder, options?: CallOptions): Promise<Sync & { id: string }>;
  /**
   * Starts a sync or joins one, waits until it is final, and resolves only if it succeeded and vIDM has each of the groups: to its
   * final state. Else it rejects with an {@link IdhookError}: `group_absent`, `safeguard_tripped`, `sync_failed`, or
   * `sync_timeout` if the sync goes on or its outcome cannot be read. Its `sync` is the last known state.
   */
  ensureGroups(directory: string, groups: string[], options?: EnsureOptions): Promise<Sync & { id: string }>;
  /** How a started sync stands. */
  sync(id: string, options?: CallOptions): Promise<Sync>;
  /** How a started sync stands once it is final, or when the time is over. A sync that failed is no error here: see `status`. */
  waitForSync(id: string, options?: WaitOptions): Promise<Sync>;
  /** Each change of a started sync, as it is seen; ends after the final one, or when the time is over. */
  watchSync(id: string, options?: WaitOptions): AsyncGenerator<Sync, void, undefined>;
  /** How a directory's latest sync stands, whoever started it; it has no `id`. */
  latestSync(directory: string, options?: CallOptions): Promise<Sync>;
  /** A directory's recent syncs, newest first; `not_found` where this version of vIDM does not tell. */
  syncHistory(directory: string, options?: CallOptions): Promise<SyncHistory>;
  /** What a sync would change; nothing is started. `not_found` where this version of vIDM has no such call. */
  dryRun(directory: string, options?: DryRunOptions): Promise<DryRun>;
  /** The groups of this distinguished name, or of this name: `name@domain`. Exact, never by substring. */
  groups(name: string, options?: CallOptions): Promise<Group[]>;
  /** vIDM's own health. */
  health(options?: CallOptions): Promise<VidmHealth>;
}

/**
 * A session with one SDDC Manager (VMware Cloud Foundation 4.5 to 9.x): its identity providers and their identity sources. It logs
 * in when it first has to, once for any number of calls, at the same time as well. Nothing has to be closed.
 *
 * Every call rejects with an {@link IdhookError}, or with the reason of its signal. What a specification lacks is told before
 * anything is sent, all of it at once.
 */
export class Vcf {
  /** Calls nothing yet: settings that are wrong are told by the first call, as `request_invalid`. */
  constructor(settings: Required<VcfSettings> & SessionSettings);
  /** All identity providers; the embedded one with its identity sources is among them. */
  identityProviders(options?: CallOptions): Promise<IdentityProviders>;
  /** One identity provider. */
  identityProvider(id: string, options?: CallOptions): Promise<IdentityProvider>;
  /** Adds an external identity provider. */
  addIdentityProvider(spec: IdentityProviderSpec, options?: CallOptions): Promise<ChangeOutcome>;
  /** Makes the external identity provider so: added where there is none, changed where it differs, else left alone. */
  putIdentityProvider(spec: IdentityProviderSpec, options?: PutOptions): Promise<ChangeOutcome>;
  /** Changes an external identity provider; `spec` is the whole of it, secrets included. */
  updateIdentityProvider(id: string, spec: IdentityProviderSpec, options?: CallOptions): Promise<void>;
  /** Deletes an external identity provider. */
  deleteIdentityProvider(id: string, options?: CallOptions): Promise<void>;
  /** Adds an identity source to the embedded provider, whose id the list of providers tells. */
  addIdentitySource(providerId: string, spec: IdentitySourceSpec, options?: CallOptions): Promise<ChangeOutcome>;
  /** Makes the identity source of this domain so: added where there is none, changed where it differs, else left alone. */
  putIdentitySource(providerId: string, domainName: string, spec: IdentitySourceSpec, options?: PutOptions): Promise<ChangeOutcome>;
  /** Changes the identity source of this domain; `spec` is the whole of it, its password included. */
  updateIdentitySource(providerId: string, domainName: string, spec: IdentitySourceSpec, options?: CallOptions): Promise<void>;
  /** Deletes the identity source of this domain. */
  deleteIdentitySource(providerId: string, domainName: string, options?: CallOptions): Promise<void>;
  /** Makes a new SCIM token for a federated provider, which ends the former one. VCF 5.1 and later. */
  generateSyncClientToken(providerId: string, options?: SyncClientTokenOptions): Promise<SyncClientToken>;
  /** Whether the identity provider may be changed, to one of this type. VCF 5.1 and later. */
  prechecks(type?: string, options?: CallOptions): Promise<PrecheckResult>;
  /** SDDC Manager's own OpenID Connect client. VCF 5.2 and later. */
  sddcManagerOidc(options?: CallOptions): Promise<SddcManagerOidc>;
}
