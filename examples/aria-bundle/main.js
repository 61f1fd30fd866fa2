// An ABX action for Aria Automation with idhook inside: it syncs a vIDM directory by itself, no webhook has to be deployed. It fails
// unless the sync succeeds and vIDM has every group that was asked for.
//
// The zip   `cargo xtask bundle` makes it: this folder and the npm package `idhook`.
// Where     Assembler, Extensibility, Actions: a new action, "Import package", the zip, Node.js, main function `main.handler`,
//           timeout 180 s or more, memory 256 MB (it takes some 100 MB).
// Inputs    vidmUrl           https://vidm.corp.example
//           vidmUsername, vidmPassword           a local administrator of vIDM
//           or vidmClientId, vidmClientSecret    an OAuth client; all four and vidmDomain: an account of a domain
//           vidmTenant        only if it is not in the host name
//           vidmPassword and vidmClientSecret are secrets of the project, or action constants: tick "Secret".
//           directory         id, name or domain
//           groups            optional: groups that must be in vIDM in the end, as DN or name@domain
//           timeoutSeconds    optional; 120. Keep it 60 s below the action's timeout
//           addToProfile      optional: first add those groups (DNs) to the directory's sync profile
//           directory and groups may come in an event's `customProperties` instead, which whoever asks for a deployment may have
//           written; where vIDM is and who logs in may not.
// Outputs   status ("succeeded"), id, directory, groups
// Fails     with a code (group_absent, safeguard_tripped, sync_failed, sync_timeout, …), what happened, and what to do about it.
//
// A vIDM with a certificate of a private CA: see private-ca.js.

const { Vidm } = require("idhook");
const { trusting } = require("./private-ca.js");

const TIMEOUT = 120; // seconds

exports.handler = async (context, inputs) => {
  const secret = async (input) => inputs[input] && (await context.getSecret(inputs[input]));
  const settings = {
    url: inputs.vidmUrl,
    tenant: inputs.vidmTenant,
    domain: inputs.vidmDomain,
    username: inputs.vidmUsername,
    password: await secret("vidmPassword"),
    clientId: inputs.vidmClientId,
    clientSecret: await secret("vidmClientSecret"),
  };
  const { directory, groups } = { ...inputs.customProperties, ...inputs };
  const options = { addToProfile: String(inputs.addToProfile) === "true", timeoutSeconds: Number(inputs.timeoutSeconds) || TIMEOUT };

  const sync = await trusting(__filename, { settings, directory, groups: list(groups), options });
  console.log(`the sync ${sync.id} succeeded`);
  return { status: sync.status, id: sync.id, directory: sync.directory, groups: sync.groups ?? [] };
};

/** What is done where the private CA is trusted. */
exports.work = async ({ settings, directory, groups, options }) => {
  const vidm = new Vidm(settings);
  if (groups.length) return vidm.ensureGroups(directory, groups, options);
  const { id } = await vidm.startSync(directory);
  const sync = await vidm.waitForSync(id, { timeoutSeconds: options.timeoutSeconds });
  if (sync.status === "succeeded") return sync;
  const what = sync.status === "failed" ? `${sync.reason}: the sync failed` : `sync_timeout: the sync ${id} is still ${sync.status}`;
  throw new Error([what, sync.message, sync.hint].filter(Boolean).join(": "));
};

/** Custom properties are texts: a list is JSON in one, a single group stands as it is. */
function list(given) {
  const names = typeof given === "string" && /^\s*\[/.test(given) ? JSON.parse(given) : [given ?? []].flat();
  return names.filter((name) => String(name).trim());
}
