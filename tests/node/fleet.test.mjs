// The parts that only VCF Operations has: its logins, its directories, its identity providers. The main job is in syncs.test.mjs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Fleet, IdhookError } from "idhook";
import { asked, fleet as settings, fleetControl, fleetToken } from "./simulator.mjs";

const LOGIN = "POST /suite-api/api/auth/token/acquire";
const failure = async (call) => {
  const error = await call.then((value) => assert.fail(inspect(value)), (error) => error);
  assert.ok(error instanceof IdhookError, inspect(error));
  for (const shown of [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), error.stack]) {
    assert.ok(!shown.includes("planted"), shown);
  }
  return error;
};

test("many calls at the same time log in once", async () => {
  await asked();
  const fleet = new Fleet(settings);
  const lists = await Promise.all(Array.from({ length: 20 }, () => fleet.directories()));
  assert.equal(new Set(lists.map((list) => JSON.stringify(list))).size, 1);
  assert.ok(lists[0].some(({ name, syncable, realm }) => name === "corp.example" && syncable && realm.id));
  assert.equal((await asked()).filter((call) => call === LOGIN).length, 1);
});

test("an API token logs in through the identity broker", async () => {
  await asked();
  const fleet = new Fleet(fleetToken);
  const [corp] = await fleet.directories({ name: "CORP.EXAMPLE" });
  assert.deepEqual(await fleet.directory(corp.id), corp);
  assert.ok(!(await asked()).includes(LOGIN));
  assert.equal((await failure(new Fleet({ ...fleetToken, apiToken: "planted-wrong" }).directories())).code, "upstream_auth");
});

test("a wrong password is rejected once and not sent again", async () => {
  await asked();
  const fleet = new Fleet({ ...settings, password: "planted-wrong" });
  assert.equal((await failure(fleet.directories())).code, "upstream_auth");
  const again = await failure(fleet.startSync("corp.example"));
  assert.ok(again.retryAfter > 60, inspect(again));
  assert.equal((await asked()).filter((call) => call === LOGIN).length, 1);
});

test("the product's limits are errors", async () => {
  const fleet = new Fleet(settings);
  assert.equal(fleet.dryRun, undefined);
  assert.equal(fleet.health, undefined);
  const safeguards = await failure(fleet.startSync("corp.example", { ignoreSafeguards: true }));
  assert.deepEqual([safeguards.code, safeguards.errors[0].pointer], ["not_supported", "/ignoreSafeguards"]);
  assert.equal((await failure(fleet.directory("nowhere.example"))).code, "directory_not_found");
  assert.equal((await failure(fleet.directory("lab.example"))).candidates.length, 2);
  assert.equal((await failure(fleet.sync("no-such-id"))).code, "sync_not_found");
  await fleetControl.set({ version: "9.0" });
  assert.equal((await failure(new Fleet(settings).directories())).code, "not_supported");
  await fleetControl.set({ version: "9.1.1" });
});

test("wrong settings are rejected by the constructor", () => {
  const url = "https://ops.corp.example";
  for (const [wrong, ...pointers] of [
    [{ url }, "/username"],
    [{ url, username: "u" }, "/password"],
    [{ url, username: "u", password: "planted", apiToken: "planted" }, "/apiToken"],
    [{ url, username: "u", password: "planted", brokerUrl: url }, "/brokerUrl"],
    [{ url: "ops.corp.example", apiToken: "planted" }, "/url"],
    [{ url, apiTokn: "planted" }, "/apiTokn"],
  ]) {
    try {
      new Fleet(wrong);
      assert.fail(inspect(wrong));
    } catch (error) {
      assert.ok(error instanceof IdhookError && !inspect(error).includes("planted"), inspect(error));
      assert.deepEqual([error.code, error.errors.map(({ pointer }) => pointer)], ["request_invalid", pointers], inspect(error));
    }
  }
});

test("groups are brought in without a sync", async () => {
  const fleet = new Fleet(settings);
  const group = "CN=gg-brought,OU=Picked,DC=corp,DC=example";
  await fleetControl.addGroup("corp.example", group);
  const { id, groups } = await fleet.provision("corp.example", [group]);
  assert.deepEqual([id, groups.map(({ state }) => state)], [undefined, ["present"]]);
  assert.equal((await failure(fleet.provision("corp.example", []))).errors[0].pointer, "/groups");
  assert.equal((await failure(fleet.provision("corp.example", ["gg@corp.example"]))).code, "request_invalid");
});

test("identity providers are read, compared and deleted", async () => {
  const fleet = new Fleet(settings);
  const { elements } = await fleet.identityProviders();
  const { realm, provider } = elements.find(({ provider }) => provider?.provisionType === "SCIM");
  const shown = await fleet.identityProvider(provider.id);
  assert.equal(shown.ssoRealmId, realm.id);
  const made = await fleet.generateSyncClient(provider.id, { ttlMinutes: 60 });
  assert.ok(JSON.stringify(made).includes("oken"), "a token is asked for, so it is returned");
  await fleet.syncClient(provider.id);
  const spec = { name: "x", ssoRealmId: realm.id };
  assert.ok((await failure(fleet.createIdentityProvider(spec))).errors.length > 1);
  assert.equal((await failure(fleet.validateSamlMetadata({}))).code, "request_invalid");
  assert.equal((await failure(fleet.identityProvider(".."))).code, "request_invalid");
  const raced = await failure(fleet.deleteIdentityProvider(provider.id, { force: true, ifMatch: '"old"' }));
  assert.equal(raced.code, "precondition_failed");
  const { deleted, id } = await fleet.deleteIdentityProvider(provider.id, { force: true, timeoutSeconds: 30, ifMatch: "*" });
  assert.deepEqual([deleted, id], [true, provider.id]);
  assert.equal((await failure(fleet.identityProvider(provider.id))).status, 404);
});
