// An Orchestrator action with idhook inside, for a workflow that does its own waiting: the first call starts a sync and returns its id;
// later calls with that id return its state. No call takes long, however long the sync takes.
//
// Inputs    vidmUrl (string), vidmUsername (string), vidmPassword (SecureString), vidmTenant (string, may be empty)
//           directory (string), groups (Array/string), addToProfile (boolean)
//           syncId (string): empty at first, then `id` of the result
//           waitSeconds (number, optional): seconds that this call waits for the end; default 45. Keep it below the action's timeout
//           timeoutSeconds (number, optional): seconds from the start of the sync until it must be final; default 1800
// Returns   status: queued, running, unknown, or succeeded; id; groups: those that vIDM has, which are all once it succeeded;
//           retryAfter: seconds to sleep before the next call
// Throws    if the sync failed, is not final in time, or lacks a group; with a code, what happened, and what to do.
//
// README.md in the project's folder examples/aria-bundle describes the workflow and every field of the form. If the certificate of vIDM
// comes from a private CA: see private-ca.js.

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

/** The work itself, in a process that trusts the private CA. */
exports.work = async ({ settings, directory, order, id, waitSeconds }) => {
  const vidm = new Vidm(settings);
  return vidm.waitForSync(id || (await vidm.startSync(directory, order)).id, { timeoutSeconds: waitSeconds });
};
