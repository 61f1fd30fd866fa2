// `require`, as ABX and Orchestrator do it; and the action of the package's README, as it stands there.

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { test } = require("node:test");

const required = require("idhook");

test("what is required and what is imported is the same", async () => {
  const imported = await import("idhook");
  assert.deepEqual(Object.keys(required).sort(), ["Fleet", "IdhookError", "Vcf", "Vidm"]);
  for (const name of Object.keys(required)) assert.equal(imported[name], required[name]);
});

test("the action of the README ends well when vIDM has the group, and says why when it has not", async () => {
  const { addGroup, set, vidm } = await import("./simulator.mjs");
  await set({ syncMilliseconds: 200 });
  const readme = readFileSync(require.resolve("idhook/package.json").replace("package.json", "README.md"), "utf8");
  const action = readme.match(/```js\n(const \{ Vidm \}[^]*?)```/)[1];
  assert.ok(action.trim().split("\n").length <= 10, "ten lines");
  const module = { exports: {} };
  new Function("require", "exports", action)(require, module.exports);

  const group = "CN=gg-action,OU=Groups,DC=corp,DC=example";
  const context = { getSecret: (name) => ({ "the secret": vidm.password })[name] };
  const inputs = { vidmUrl: vidm.url, vidmUsername: vidm.username, vidmPassword: "the secret", group };
  await assert.rejects(module.exports.handler(context, inputs), /^IdhookError: group_absent: .*gg-action/);
  await assert.rejects(module.exports.handler(context, { ...inputs, group: undefined }), /request_invalid/);
  await addGroup("corp.example", group);
  const { status, groups } = await module.exports.handler(context, inputs);
  assert.deepEqual([status, groups[0].state], ["succeeded", "present"]);
});
