// The main job over the packed package, as a program does it: the same program for every product with directory syncs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Fleet, IdhookError, Vidm } from "idhook";
import { fleet, fleetControl, vidm, vidmControl } from "./simulator.mjs";

const products = [
  { name: "vIDM", Class: Vidm, settings: vidm, control: vidmControl, failures: [["safeguards", "safeguard_tripped"], ["failed", "sync_failed"]] },
  { name: "VCF Operations", Class: Fleet, settings: fleet, control: fleetControl, failures: [["failed", "sync_failed"]] },
];

for (const { name, Class, settings, control, failures } of products) {
  test(`${name}: a group that was just made is synced and proven`, async () => {
    await control.set({ syncMilliseconds: 400 });
    const session = new Class(settings);
    const dn = "CN=gg-näw,OU=Groups,DC=corp,DC=example";
    assert.deepEqual(await session.groups(dn), []);
    await control.addGroup("corp.example", dn);

    const started = await session.startSync("CORP.example", { groups: [dn] });
    assert.equal(started.status, "running");
    assert.equal(started.directory.name, "corp.example");
    const seen = [];
    for await (const { status } of session.watchSync(started.id)) seen.push(status);
    assert.deepEqual(seen, ["running", "succeeded"]);

    // Another session knows it by its id.
    const done = await new Class(settings).waitForSync(started.id, { timeoutSeconds: 20 });
    assert.equal(done.status, "succeeded");
    assert.deepEqual(done.groups.map(({ requested, state }) => [requested, state]), [[dn, "present"]]);
    assert.deepEqual(await session.sync(started.id), done);
    assert.equal((await session.groups(dn)).length, 1);
    assert.equal((await session.latestSync("corp.example")).status, "succeeded");
    assert.equal((await session.syncHistory("corp.example")).syncs[0].status, "succeeded");
  });

  test(`${name}: ensureGroups resolves only if the sync succeeded with every group`, async () => {
    await control.set({ syncMilliseconds: 400 });
    const session = new Class(settings);
    const dn = "CN=gg-ensured,OU=Groups,DC=corp,DC=example";
    const missing = "CN=gg-missing,OU=Groups,DC=corp,DC=example";
    await control.addGroup("corp.example", dn);
    const seen = [];
    const done = await session.ensureGroups("corp.example", [dn], { timeoutSeconds: 20, onProgress: (sync) => seen.push(sync) });
    assert.deepEqual([done.status, done.groups.map(({ state }) => state)], ["succeeded", ["present"]]);
    assert.deepEqual([seen[0].status, seen[0].id, seen.at(-1).status], ["running", done.id, "succeeded"]);

    const fails = async (groups, options) => {
      const error = await session.ensureGroups("corp.example", groups, options).then((sync) => assert.fail(inspect(sync)), (error) => error);
      assert.ok(error instanceof IdhookError, inspect(error));
      return error;
    };
    const absent = await fails([dn, missing], { timeoutSeconds: 20 });
    assert.deepEqual([absent.code, absent.status, absent.retryable], ["group_absent", 409, false]);
    assert.ok(absent.message.includes(missing) && !absent.message.includes(dn) && absent.hint, absent.message);
    assert.deepEqual(absent.sync.groups.map(({ state }) => state), ["present", "absent"]);

    await control.set({ syncManual: true });
    const late = await fails([dn], { timeoutSeconds: 1 });
    assert.deepEqual([late.code, late.status, late.retryable, late.sync.status], ["sync_timeout", 504, true, "running"]);
    await control.finish("corp.example", "completed");
    assert.equal((await session.waitForSync(late.sync.id, { timeoutSeconds: 20 })).status, "succeeded", "the error leads on");

    for (const [outcome, code] of failures) {
      const failing = fails([dn], { timeoutSeconds: 20, onProgress: ({ status }) => status === "running" && control.finish("corp.example", outcome).catch(() => {}) });
      const error = await failing;
      assert.deepEqual([error.code, error.sync.status], [code, "failed"], error.message);
    }
    assert.equal((await fails([dn], { timeoutSeconds: 1, signal: undefined })).code, "sync_timeout");
    await control.finish("corp.example", "completed");
  });
}
