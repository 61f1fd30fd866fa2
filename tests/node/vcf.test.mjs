// SDDC Manager's identity providers over the packed package, required as most actions do it: see commonjs.test.cjs for that.

import assert from "node:assert/strict";
import { test } from "node:test";

import { IdhookError, Vcf } from "idhook";
import { asked, vcf as settings } from "./simulator.mjs";

const PASSWORD = "planted-in-a-spec";
const source = (endpoint) => ({
  name: "research",
  ldap: {
    type: "ActiveDirectory",
    username: "svc@research.example",
    password: PASSWORD,
    sourceDetails: { usersBaseDn: "OU=P", groupsBaseDn: "OU=G", serverEndpoints: [endpoint] },
  },
});
const adfs = (base) => ({
  name: "My ADFS",
  type: "AD_FS",
  ldap: {
    domainName: "external-idp.com",
    username: "u@domain.com",
    password: PASSWORD,
    sourceDetails: { usersBaseDn: base, groupsBaseDn: "g", serverEndpoints: ["ldap://dns01.domain.com"] },
  },
  oidc: { clientId: "id", clientSecret: PASSWORD, discoveryEndpoint: "https://domain.com/.well-known/openid-configuration" },
});

const embedded = async (vcf) => (await vcf.identityProviders()).elements.find(({ type }) => type === "Embedded");

test("a whole job: planned, done, unchanged, and failed with its steps", async () => {
  const vcf = new Vcf(settings);
  const whole = source("ldap://dc01");
  whole.ldap.domainName = "job.example";
  const job = { identitySource: whole, roles: [{ group: "gg-vcf-admins@job.example", role: "VIEWER" }] };
  const outcomes = ({ steps }) => steps.map(({ outcome }) => outcome);
  assert.deepEqual(outcomes(await vcf.apply(job, { dryRun: true })), ["wouldCreate", "skipped", "wouldCreate"]);
  assert.deepEqual(outcomes(await vcf.apply(job)), ["created", "passed", "created"]);
  assert.deepEqual(outcomes(await vcf.apply(job)), ["unchanged", "passed", "unchanged"]);
  const failed = await vcf.apply({ roles: [{ group: "gg-vcf@job.example", role: "VIEWER" }] }).catch((error) => error);
  assert.ok(failed instanceof IdhookError);
  assert.deepEqual([failed.code, outcomes(failed)], ["not_found", ["failed"]]);
  assert.deepEqual(outcomes(await vcf.apply({ roles: [{ group: "gg-vcf-admins@job.example", state: "absent" }] })), ["removed"]);
});

test("identity sources: added, put, changed, deleted", async () => {
  await asked();
  const vcf = new Vcf(settings);
  const { id } = await embedded(vcf);
  const domains = async () => (await vcf.identityProvider(id)).identitySources.flatMap((source) => source.domainNames);

  const put = (endpoint, options) => vcf.putIdentitySource(id, "research.example", source(endpoint), options);
  assert.deepEqual(await put("ldap://dc01", { dryRun: true }), { outcome: "created", dryRun: true, domainName: "research.example" });
  assert.ok(!(await domains()).includes("research.example"));
  assert.equal((await put("ldap://dc01")).outcome, "created");
  assert.equal((await put("ldap://DC01:389/")).outcome, "unchanged");
  assert.equal((await put("ldap://dc01", { force: true })).outcome, "updated");
  const changed = await put("ldap://dc02");
  assert.equal(changed.outcome, "updated");
  assert.deepEqual(changed.changes[0].to, ["ldap://dc02"]);
  assert.ok(!JSON.stringify(changed).includes(PASSWORD));

  const whole = source("ldap://dc03");
  whole.ldap.domainName = "research.example";
  assert.equal(await vcf.updateIdentitySource(id, "research.example", whole), undefined);
  assert.equal(await vcf.deleteIdentitySource(id, "research.example"), undefined);
  assert.ok(!(await domains()).includes("research.example"));
  assert.equal((await vcf.addIdentitySource(id, whole)).domainName, "research.example");
  assert.ok((await domains()).includes("research.example"));
  await vcf.deleteIdentitySource(id, "research.example");
  assert.equal((await asked()).filter((call) => call === "POST /v1/tokens").length, 1, "one login for all of it");
});

test("the external provider: added, put, changed, deleted", async () => {
  const vcf = new Vcf(settings);
  const { id } = await vcf.addIdentityProvider(adfs("u"));
  assert.equal((await vcf.identityProvider(id)).name, "My ADFS");
  assert.equal((await vcf.putIdentityProvider(adfs("u"))).outcome, "unchanged");
  const would = await vcf.putIdentityProvider(adfs("OU=People"), { dryRun: true });
  assert.deepEqual([would.outcome, would.dryRun], ["updated", true]);
  assert.equal((await vcf.putIdentityProvider(adfs("OU=People"))).outcome, "updated");
  await vcf.updateIdentityProvider(id, adfs("u"));

  const another = { ...adfs("u"), name: "Another" };
  const replaced = await vcf.putIdentityProvider(another, { replace: true, confirm: "My ADFS" });
  assert.equal(replaced.outcome, "replaced");
  assert.ok(replaced.removed.length > 0);
  const { etag } = await vcf.identityProvider("external");
  await vcf.updateIdentityProvider("external", { ...another, ldap: adfs("OU=People").ldap }, { ifMatch: etag });
  const raced = await vcf.deleteIdentityProvider("external", { ifMatch: etag }).catch((error) => error);
  assert.deepEqual([raced.code, raced.status], ["precondition_failed", 412]);
  assert.equal(await vcf.deleteIdentityProvider("external", { ifMatch: "*" }), undefined);
  assert.deepEqual(await vcf.deleteIdentityProvider("external", { absent: "ok" }), { outcome: "unchanged" });
  const gone = await vcf.identityProvider(id).catch((error) => error);
  assert.ok(gone instanceof IdhookError && gone.status === 404, String(gone));
});

test("a federated provider and the identity broker", async () => {
  const vcf = new Vcf(settings);
  const oidcSpec = { clientId: "id", clientSecret: PASSWORD, discoveryEndpoint: "https://okta.example/.well-known/openid-configuration" };
  const directory = { name: "okta", defaultDomain: "corp.example", domains: ["corp.example"], federatedIdpSourceType: "OKTA" };
  const { id } = await vcf.addIdentityProvider({ name: "Okta", type: "OKTA", fedIdpSpec: { name: "Okta", directory, oidcSpec } });
  const { token, scimUrl } = await vcf.generateSyncClientToken(id, { ttlSeconds: 3600 });
  assert.ok(token.length > 0 && scimUrl.startsWith("http"), "this is the one secret that is given out, for it is asked for");
  assert.ok(!JSON.stringify(await vcf.identityProviders()).includes(token));
  assert.ok((await vcf.prechecks()).status);
  assert.ok((await vcf.prechecks("OKTA")).status);
  assert.ok((await vcf.sddcManagerOidc()).oidcClientId);
  await vcf.deleteIdentityProvider(id);
});

test("what is wrong with a specification is told at once, before anything is sent", async () => {
  const vcf = new Vcf(settings);
  await asked();
  const error = await vcf.addIdentityProvider({ name: "x", ldap: { password: PASSWORD } }).catch((error) => error);
  assert.equal(error.code, "request_invalid");
  assert.ok(error.errors.length > 1 && error.errors.every(({ pointer, detail }) => pointer && detail));
  assert.ok(!JSON.stringify(error).includes(PASSWORD) && !error.stack.includes(PASSWORD));
  for (const wrong of [
    () => vcf.addIdentityProvider(),
    () => vcf.putIdentitySource("id", "domain", undefined),
    () => vcf.identityProvider(undefined),
    () => vcf.identityProvider(".."),
    () => vcf.putIdentityProvider(adfs("u"), { forse: true }),
    () => vcf.deleteIdentityProvider("external", { absent: true }),
    () => vcf.deleteIdentitySource("embedded", "x.example", { ifMatch: "no-quotes" }),
    () => vcf.generateSyncClientToken("id", { ttlSeconds: 0 }),
  ]) {
    assert.equal((await wrong().catch((error) => error)).code, "request_invalid", String(wrong));
  }
  assert.deepEqual(await asked(), []);
});
