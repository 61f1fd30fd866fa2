// An ABX action for Aria Automation with idhook inside: it syncs a vIDM directory by itself, no webhook has to be deployed.
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
//           groups            optional: DNs or names that must be in vIDM in the end
//           addToProfile      optional: first add those groups (DNs) to the directory's sync profile
//           The last three may come in an event's `customProperties` instead, which whoever asks for a deployment may have
//           written; where vIDM is and who logs in may not.
// Outputs   status ("succeeded"), id, directory, groups
// Fails     with a code, what happened, and what to do about it.
//
// A vIDM with a certificate of a private CA: see private-ca.js.

const { Vidm } = require("idhook");
const { trusting } = require("./private-ca.js");

const PATIENCE = 150; // seconds; keep it below the action's timeout

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
  const { directory, groups, addToProfile } = { ...inputs.customProperties, ...inputs };
  const order = { groups: list(groups), addToProfile: String(addToProfile) === "true" };

  const sync = await trusting(__filename, { settings, directory, order });
  if (sync.status === "failed") throw new Error(`the sync failed: ${sync.reason}. ${sync.message ?? ""} ${sync.hint}`);
  if (sync.status !== "succeeded") throw new Error(`the sync ${sync.id} is still ${sync.status}`);
  console.log(`the sync ${sync.id} succeeded`);
  return { status: sync.status, id: sync.id, directory: sync.directory, groups: sync.groups ?? [] };
};

/** What is done where the private CA is trusted. */
exports.work = async ({ settings, directory, order }) => {
  const vidm = new Vidm(settings);
  const { id } = await vidm.startSync(directory, order);
  return vidm.waitForSync(id, { timeoutSeconds: PATIENCE });
};

/** Custom properties are texts: a list is JSON in one, a single group stands as it is. */
function list(given) {
  if (typeof given !== "string") return given ?? [];
  return /^\s*\[/.test(given) ? JSON.parse(given) : [given].filter(Boolean);
}
