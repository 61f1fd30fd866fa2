// An Orchestrator action with idhook inside, for a workflow that waits in its own way: the first call starts a sync and tells
// its id; further ones, with that id, tell how it stands. No call takes long, however long the sync.
//
// Where     A new action, Node.js 20, the zip as its script, entry handler `orchestrator.handler`, return type Properties.
// Inputs    vidmUrl (string), vidmUsername (string), vidmPassword (SecureString), vidmTenant (string, may be empty)
//           directory (string), groups (Array/string), addToProfile (boolean)
//           syncId (string): empty at first, then `id` of what was returned
//           patience (number, optional): seconds to wait for the end in this call; keep it below the action's timeout
// Returns   status: queued, running, succeeded, or unknown; id; groups: those that are there, once it succeeded
// Throws    when the sync failed, or with a code, what happened, and what to do about it.
//
// In the workflow: the action; a decision, `result.get("status") == "succeeded"`; if not, a sleep, and the action again. Node.js with
// idhook in it takes some 100 MB of memory. A vIDM with a certificate of a private CA: see private-ca.js.

const { Vidm } = require("idhook");
const { trusting } = require("./private-ca.js");

exports.handler = async (context, inputs) => {
  const { vidmUrl: url, vidmTenant, vidmUsername: username, vidmPassword: password, directory, groups, addToProfile } = inputs;
  const settings = { url, tenant: vidmTenant || undefined, username, password };
  const order = { groups: groups ?? [], addToProfile: addToProfile === true };
  const { syncId: id, patience = 45 } = inputs;
  const sync = await trusting(__filename, { settings, directory, order, id, patience });
  if (sync.status === "failed") throw new Error(`the sync failed: ${sync.reason}. ${sync.message ?? ""} ${sync.hint}`);
  return { status: sync.status, id: sync.id, groups: (sync.groups ?? []).map((group) => group.requested) };
};

/** What is done where the private CA is trusted. */
exports.work = async ({ settings, directory, order, id, patience }) => {
  const vidm = new Vidm(settings);
  return vidm.waitForSync(id || (await vidm.startSync(directory, order)).id, { timeoutSeconds: patience });
};
