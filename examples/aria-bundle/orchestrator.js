// An Orchestrator action with idhook inside, for a workflow that waits in its own way: the first call starts a sync and tells
// its id; further ones, with that id, tell how it stands. No call takes long, however long the sync.
//
// Where     A new action, Node.js 20, the zip as its script, entry handler `orchestrator.handler`, return type Properties.
// Inputs    vidmUrl (string), vidmUsername (string), vidmPassword (SecureString), vidmTenant (string, may be empty)
//           directory (string), groups (Array/string), addToProfile (boolean)
//           syncId (string): empty at first, then `id` of what was returned
//           waitSeconds (number, optional): seconds to wait for the end in this call; 45, keep it below the action's timeout
//           timeoutSeconds (number, optional): seconds from the start of the sync until it must be final; 1800
// Returns   status: queued, running, unknown, or succeeded; id; groups: those that vIDM has, all that were asked for once it succeeded;
//           retryAfter: seconds to sleep before the next call
// Throws    when the sync failed, is not final in time, or lacks a group; or with a code, what happened, and what to do about it.
//
// In the workflow: the action; a decision, `result.get("status") == "succeeded"`; if not, a sleep, and the action again. It ends, for the
// action throws once timeoutSeconds are over. Node.js with idhook in it takes some 100 MB of memory. A vIDM with a certificate of a
// private CA: see private-ca.js.

const { Vidm } = require("idhook");
const { trusting } = require("./private-ca.js");

exports.handler = async (context, inputs) => {
  const { vidmUrl: url, vidmTenant, vidmUsername: username, vidmPassword: password, directory, addToProfile, syncId: id } = inputs;
  const settings = { url, tenant: vidmTenant || undefined, username, password };
  const groups = inputs.groups ?? [];
  const waitSeconds = inputs.waitSeconds || 45;
  const order = { groups, addToProfile: addToProfile === true };
  const sync = await trusting(__filename, { settings, directory, order, id, waitSeconds });

  const fail = (code, what) => {
    throw new Error([`${code}: ${what}`, sync.message, sync.hint].filter(Boolean).join(": "));
  };
  if (sync.status === "failed") fail(sync.reason, "the sync failed");
  const present = (sync.groups ?? []).filter(({ state }) => state === "present").map(({ requested }) => requested);
  if (sync.status === "succeeded") {
    const absent = groups.filter((name) => !present.includes(name));
    if (absent.length) fail("group_absent", `the sync succeeded, but vIDM does not have ${absent.join(", ")}`);
  } else if (Date.now() - Date.parse(sync.requestedAt) >= (inputs.timeoutSeconds || 1800) * 1000) {
    fail("sync_timeout", `the sync ${sync.id} is still ${sync.status}`);
  }
  return { status: sync.status, id: sync.id, groups: present, retryAfter: sync.retryAfter ?? 0 };
};

/** What is done where the private CA is trusted. */
exports.work = async ({ settings, directory, order, id, waitSeconds }) => {
  const vidm = new Vidm(settings);
  return vidm.waitForSync(id || (await vidm.startSync(directory, order)).id, { timeoutSeconds: waitSeconds });
};
