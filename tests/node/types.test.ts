// Compiled by `tsc --strict`, never run: the types are as a program uses them, and refuse what the package refuses.

import { Fleet, IdhookError, Vcf, Vidm } from "idhook";
import type { Directory, ErrorCode, IdentitySourceSpec, SessionSettings, Sync, SyncOrder, VidmSettings } from "idhook";

export async function syncs(settings: VidmSettings & SessionSettings): Promise<string> {
  const vidm = new Vidm({ ...settings, timeouts: { operation: 10, firstByte: 5 }, log: (line: string) => console.log(line) });
  const directories: Directory[] = await vidm.directories({ name: "corp.example", syncable: true }, { signal: AbortSignal.timeout(5) });
  const order: SyncOrder = { groups: ["CN=a"], addToProfile: true };
  const ensured = await vidm.ensureGroups("corp.example", ["CN=a"], {
    timeoutSeconds: 60,
    addToProfile: true,
    onProgress: ({ id, status }) => console.log(id, status),
    signal: AbortSignal.timeout(5),
  });
  console.log(ensured.id.length, ensured.status);
  // @ts-expect-error: groups are a list
  await vidm.ensureGroups("corp.example", "CN=a");
  // @ts-expect-error: no such option
  await vidm.ensureGroups("corp.example", ["CN=a"], { timeout: 5 });
  const { id } = await vidm.startSync(directories[0]!.id, order);
  const sync: Sync = await vidm.waitForSync(id, { timeoutSeconds: 60 });
  for await (const { status, groups } of vidm.watchSync(id)) {
    if (status === "succeeded") console.log(groups?.map(({ requested, state }) => `${requested}: ${state === "present"}`));
  }
  // @ts-expect-error: no such status
  if (sync.status === "done") return "";
  // @ts-expect-error: a number names no directory
  await vidm.directory(1);
  // @ts-expect-error: no such field
  await vidm.startSync("corp.example", { group: [] });
  // @ts-expect-error: no URL
  new Vidm({ username: "x" });
  // @ts-expect-error: no password
  new Vcf({ url: "https://sddc.corp.example", username: "u" });
  return sync.reason ?? sync.status;
}

/** A status decides which fields there are. */
export function narrowed(sync: Sync): string | number {
  switch (sync.status) {
    case "succeeded":
      // @ts-expect-error: a sync that succeeded has no reason
      sync.reason.length;
      return sync.finishedAt ?? "";
    case "failed":
      return `${sync.reason}: ${sync.hint}`;
    case "queued":
    case "running":
      return sync.retryAfter;
    case "unknown":
      // @ts-expect-error: `provision` returns none, because there is no sync to ask for
      sync.retryAfter.toFixed();
      return sync.retryAfter ?? "";
  }
}

/** One login, and not parts of two. */
export function logins(secret: string): Vidm[] {
  const url = "https://vidm.corp.example";
  // @ts-expect-error: the secret of a client without its id
  new Vidm({ url, username: "u", password: secret, clientSecret: secret });
  // @ts-expect-error: an account of a domain needs a client
  new Vidm({ url, username: "u", password: secret, domain: "corp.example" });
  // @ts-expect-error: a password without a user name
  new Vidm({ url, clientId: "i", clientSecret: secret, password: secret });
  // @ts-expect-error: no login
  new Vidm({ url });
  // @ts-expect-error: misspelt
  new Vidm({ url, username: "u", pasword: secret });
  return [
    new Vidm({ url, username: "u", password: secret, authorizationScheme: "bearer" }),
    new Vidm({ url, clientId: "i", clientSecret: secret, profile: "json" }),
    new Vidm({ url, username: "u", password: secret, domain: "corp.example", clientId: "i", clientSecret: secret }),
  ];
}

/** Both products have the same sync functions, so that one program serves both. */
export async function either(session: Vidm | Fleet): Promise<string> {
  const { id, status } = await session.ensureGroups("corp.example", ["CN=a"], { timeoutSeconds: 60, addToProfile: true });
  for await (const { status } of session.watchSync(id)) console.log(status);
  return status;
}

/** An account or an API token, and neither safeguards nor a dry run. */
export async function fleets(secret: string): Promise<string | null | undefined> {
  const url = "https://ops.corp.example";
  // @ts-expect-error: two logins
  new Fleet({ url, username: "u", password: secret, apiToken: secret });
  // @ts-expect-error: the broker without an API token
  new Fleet({ url, username: "u", password: secret, brokerUrl: url });
  // @ts-expect-error: no password
  new Fleet({ url, username: "u" });
  // @ts-expect-error: no login
  new Fleet({ url });
  new Fleet({ url, username: "u", password: secret, authSource: "local", timeouts: { operation: 10 } });
  const fleet = new Fleet({ url, apiToken: secret, brokerUrl: "https://vidb.corp.example" });
  // @ts-expect-error: VCF Operations has no safeguards
  await fleet.startSync("corp.example", { ignoreSafeguards: true });
  // @ts-expect-error: VCF Operations has no safeguards
  await fleet.ensureGroups("corp.example", ["CN=a"], { ignoreSafeguards: true });
  // @ts-expect-error: VCF Operations has no dry run
  await fleet.dryRun("corp.example");
  const [directory] = await fleet.directories({ realm: "corp", syncable: true });
  const { elements } = await fleet.identityProviders();
  console.log(elements[0]?.realm.name, elements[0]?.provider?.idpType);
  const { deleted } = await fleet.deleteIdentityProvider("id", { force: true, timeoutSeconds: 60 });
  return deleted ? directory?.realm.name : (await fleet.groups("gg@corp.example"))[0]?.domain;
}

export async function providers(spec: IdentitySourceSpec): Promise<number> {
  const vcf = new Vcf({ url: "https://sddc.corp.example", username: "u", password: "p" });
  const { elements } = await vcf.identityProviders();
  const { outcome, changes } = await vcf.putIdentitySource(elements?.[0]?.id ?? "", "corp.example", spec, { force: true });
  const nothing: void = await vcf.updateIdentitySource("id", "corp.example", spec, { ifMatch: elements?.[0]?.etag ?? "*" });
  const absent = await vcf.deleteIdentitySource("id", "corp.example", { absent: "ok", ifMatch: "*" });
  // @ts-expect-error: `ok` is the only word
  await vcf.deleteIdentitySource("id", "corp.example", { absent: true });
  await vcf.putIdentityProvider({ name: "New", type: "AD_FS" }, { replace: true, confirm: "Old" });
  return outcome === "updated" ? (changes?.length ?? 0) : Number(nothing ?? absent?.outcome === "unchanged");
}

export function told(error: unknown): ErrorCode | undefined {
  if (!(error instanceof IdhookError)) return undefined;
  const wait: number | undefined = error.retryAfter;
  if (error.code === "group_absent" || error.code === "sync_timeout") console.log(error.sync?.id, error.sync?.groups);
  console.log(error.message, error.hint, wait, error.upstream?.status, error.errors.map(({ pointer }) => pointer));
  // @ts-expect-error: nobody makes one
  new IdhookError();
  return error.code;
}
