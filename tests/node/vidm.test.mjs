// The parts that only vIDM has, and those that all classes have; the main job is in syncs.test.mjs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { IdhookError, Vcf, Vidm } from "idhook";
import { asked, finish, set, vidm as settings } from "./simulator.mjs";

const LOGIN = "POST /SAAS/API/1.0/REST/auth/system/login";

test("many calls at the same time log in once", async () => {
  await asked();
  const vidm = new Vidm(settings);
  const lists = await Promise.all(Array.from({ length: 20 }, () => vidm.directories()));
  assert.equal(new Set(lists.map((list) => JSON.stringify(list))).size, 1);
  assert.ok(lists[0].some(({ name, syncable }) => name === "corp.example" && syncable));
  const calls = await asked();
  assert.equal(calls.filter((call) => call === LOGIN).length, 1);
  assert.equal(calls.length, 21);
});

test("ensureGroups without a group starts nothing", async () => {
  await asked();
  const vidm = new Vidm(settings);
  for (const [groups, options, pointer] of [
    [[], {}, "/groups"],
    [undefined, {}, "/groups"],
    ["CN=a", {}, "/groups"],
    [["CN=a", " "], {}, "/groups/1"],
    [[undefined], {}, "/groups/0"],
    [["CN=a,DC=b"], { timeoutSeconds: -1 }, "/timeoutSeconds"],
    [["CN=a,DC=b"], { timeout: 1, onProgress() {} }, "/timeout"],
  ]) {
    const error = await vidm.ensureGroups("corp.example", groups, options).catch((error) => error);
    assert.deepEqual([error.code, error.errors?.map((field) => field.pointer)], ["request_invalid", [pointer]], inspect(error));
  }
  assert.deepEqual(await asked(), []);
});

test("ensureGroups ends with its signal, and with what onProgress throws", async () => {
  await set({ syncManual: true });
  const vidm = new Vidm(settings);
  const reason = new Error("enough");
  const controller = new AbortController();
  const groups = ["CN=gg-ensured,OU=Groups,DC=corp,DC=example"];
  const begun = performance.now();
  let id;
  const onProgress = (sync) => {
    id = sync.id;
    setTimeout(() => controller.abort(reason), 50);
  };
  await assert.rejects(vidm.ensureGroups("corp.example", groups, { signal: controller.signal, onProgress }), reason);
  await assert.rejects(vidm.ensureGroups("corp.example", groups, { signal: controller.signal }), reason);
  await assert.rejects(vidm.ensureGroups("corp.example", groups, { onProgress: () => { throw reason; } }), reason);
  await assert.rejects(vidm.ensureGroups("corp.example", groups, { onProgress: async () => { throw reason; } }), reason);
  assert.ok(performance.now() - begun < 5000);
  assert.ok(["running", "queued"].includes((await vidm.sync(id)).status), "the sync goes on, and its id is known");
  await finish("corp.example", "completed");
});

test("a sync that ends badly is no error but says what to do", async () => {
  await set({ syncManual: true });
  const vidm = new Vidm(settings);
  const { id } = await vidm.startSync("corp.example");
  // Patience that ends first gives the sync as it stands.
  assert.equal((await vidm.waitForSync(id, { timeoutSeconds: 0 })).status, "running");
  const waiting = vidm.waitForSync(id);
  await finish("corp.example", "safeguards");
  const { status, reason, hint } = await waiting;
  assert.deepEqual([status, reason], ["failed", "safeguard_tripped"]);
  assert.match(hint, /sync log/);
});

test("what is asked for can be read, or the error says what is wrong", async () => {
  const vidm = new Vidm(settings);
  assert.deepEqual((await vidm.directories({ name: "CORP.EXAMPLE" })).map(({ name }) => name), ["corp.example"]);
  assert.equal((await vidm.directory("corp.example")).type, "ACTIVE_DIRECTORY_LDAP");
  assert.equal((await vidm.health()).allOk, true);

  const absent = await vidm.directory("nowhere.example").catch((error) => error);
  assert.ok(absent instanceof IdhookError && absent instanceof Error);
  assert.equal(absent.name, "IdhookError");
  assert.deepEqual([absent.code, absent.status, absent.retryable], ["directory_not_found", 404, false]);
  assert.match(absent.hint, /"corp.example"/);
  assert.match(absent.message, /^directory_not_found: .+ \(.+\)$/);
  assert.match(absent.stack, /vidm\.test\.mjs/, "the stack leads to the caller");
  assert.equal(JSON.parse(JSON.stringify(absent)).code, "directory_not_found");

  const ambiguous = await vidm.startSync("lab.example").catch((error) => error);
  assert.equal(ambiguous.code, "directory_ambiguous");
  assert.equal(ambiguous.candidates.length, 2);

  for (const [wrong, pointer] of [
    [() => vidm.directory(), "/directory"],
    [() => vidm.directory(7), "/directory"],
    [() => vidm.startSync("corp.example", { groups: "CN=a" }), "/groups"],
    [() => vidm.startSync("corp.example", { group: ["CN=a"] }), "/group"],
    [() => vidm.directories({ nam: "x" }), "/nam"],
    [() => vidm.waitForSync("x", { timeoutSeconds: -1 }), "/timeoutSeconds"],
    [() => vidm.dryRun("corp.example", { ignoreSafeguards: "yes" }), "/ignoreSafeguards"],
    [() => vidm.watchSync("x", { timeout: 1 }).next(), "/timeout"],
  ]) {
    const error = await wrong().catch((error) => error);
    assert.equal(error.code, "request_invalid", `${wrong}: ${error}`);
    assert.deepEqual(error.errors.map((field) => field.pointer), [pointer], String(wrong));
  }
  assert.equal((await vidm.sync("no such id").catch((error) => error)).code, "sync_not_found");
  assert.equal((await vidm.watchSync("no such id").next().catch((error) => error)).code, "sync_not_found");
});

test("wrong settings are rejected by the constructor, all of them at once", async () => {
  const rejected = (settings, Class = Vidm) => {
    try {
      new Class(settings);
    } catch (error) {
      assert.ok(error instanceof IdhookError, inspect(error));
      assert.equal(error.code, "request_invalid");
      for (const shown of [inspect(error), error.stack, JSON.stringify(error)]) assert.ok(!shown.includes("planted"), shown);
      return error;
    }
    return assert.fail(inspect(settings));
  };
  await asked();
  const url = "https://vidm.corp.example";
  const local = { url, username: "u", password: "planted" };
  const client = { url, clientId: "i", clientSecret: "planted" };
  for (const [wrong, ...pointers] of [
    [undefined, "/url", "/username"],
    [null, "/url", "/username"],
    [{}, "/url", "/username"],
    ["https://vidm.corp.example", ""],
    [{ ...local, pasword: "planted" }, "/pasword"],
    [{ ...local, url: "vidm.corp.example" }, "/url"],
    [{ ...local, url: `${url}/SAAS` }, "/url"],
    [{ ...local, url: 7 }, "/url"],
    [{ ...local, password: 7 }, "/password"],
    [{ ...local, password: undefined }, "/password"],
    [{ ...local, profile: "horzon" }, "/profile"],
    [{ ...local, timeouts: { operation: 0 } }, "/timeouts/operation"],
    [{ ...local, timeouts: { total: 5 } }, "/timeouts/total"],
    [{ ...local, log: true }, "/log"],
    [{ ...local, clientSecret: "planted" }, "/clientSecret"],
    [{ ...local, domain: "corp.example" }, "/clientId", "/clientSecret"],
    [{ ...client, password: "planted" }, "/password"],
    [{ ...client, domain: "corp.example" }, "/domain"],
    [{ ...client, authorizationScheme: "bearer" }, "/authorizationScheme"],
  ]) {
    assert.deepEqual(rejected(wrong).errors.map((field) => field.pointer), pointers, inspect(wrong));
  }
  assert.match(rejected({ ...local, pasword: "planted" }).message, /pasword.*password/);
  const pointers = (settings) => rejected(settings, Vcf).errors.map((field) => field.pointer);
  assert.deepEqual(pointers({ url }), ["/username"]);
  const account = { url, username: "u@vsphere.local", password: "planted" };
  assert.deepEqual(pointers({ ...account, password: undefined }), ["/password"]);
  assert.deepEqual(pointers({ ...account, refreshToken: "planted" }), ["/refreshToken"]);
  new Vcf({ url, refreshToken: "planted" });
  new Vidm(client);
  new Vidm({ ...local, ...client, domain: "corp.example" });
  assert.deepEqual(await asked(), []);
});

test("an aborted call rejects with the signal's reason at once, and what was under way is called off", async () => {
  await set({ syncManual: true });
  const vidm = new Vidm(settings);
  const { id } = await vidm.startSync("cloud.example");
  const reason = new Error("no longer wanted");
  const controller = new AbortController();
  const waits = [vidm.waitForSync(id, controller), vidm.watchSync(id, controller)];
  await waits[1].next();
  const next = waits[1].next();
  setTimeout(() => controller.abort(reason), 50);
  const begun = performance.now();
  await assert.rejects(waits[0], reason);
  await assert.rejects(next, reason);
  assert.ok(performance.now() - begun < 1000);
  await assert.rejects(vidm.health({ signal: AbortSignal.abort(reason) }), reason);
  await asked();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.deepEqual(await asked(), [], "nobody looks any more");

  // A watch that is left is over, and the session is as good as before.
  for await (const { status } of vidm.watchSync(id)) {
    assert.equal(status, "running");
    break;
  }
  await finish("cloud.example", "completed");
  assert.equal((await vidm.waitForSync(id)).status, "succeeded");
});

test("a session shows no secret", async () => {
  const vidm = new Vidm(settings);
  const shown = () => [inspect(vidm, { depth: 9, showHidden: true }), JSON.stringify(vidm), String(vidm), Object.keys(vidm)].join();
  const before = shown();
  await vidm.health();
  for (const text of [before, shown()]) assert.ok(!text.includes("planted"), text);
});
