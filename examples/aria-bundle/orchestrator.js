// An Orchestrator action with idhook inside, for a workflow that does its own waiting: the first call starts a sync and returns its id;
// later calls with that id return its state. No call takes long, however long the sync takes.
//
// Inputs    vidmUrl (string), vidmUsername (string), vidmPassword (SecureString), vidmTenant (string, may be empty)
//           instead of all vidm…, for VCF Operations 9.1 and later (VCF 9): fleetUrl (string), with
//           fleetUsername (string), fleetPassword (SecureString), fleetAuthSource (string, may be empty)
//           or fleetApiToken (SecureString), fleetBrokerUrl (string, may be empty)
//           directory (string), groups (Array/string), users (Array/string, optional), addToProfile (boolean)
//           provision (boolean, optional), VCF Operations 9.1.1 and later: brings the groups (DNs) in at once, without a sync
//           syncId (string): empty at first, then `id` of the result
//           waitSeconds (number, optional): seconds that this call waits for the end; default 45. Keep it below the action's timeout
//           timeoutSeconds (number, optional): seconds from the start of the sync until it must be final; default 1800
// Returns   status: queued, running, unknown, or succeeded; id; groups, users: those that are present, which are all once it succeeded;
//           retryAfter: seconds to sleep before the next call
// Throws    if the sync failed, is not final in time, or lacks a group or a user; with a code, what happened, and what to do.
//
// README.md in the project's folder examples/aria-bundle describes the workflow and every field of the form. If the certificate of vIDM
// or VCF Operations comes from a private CA: see private-ca.js.

const { open, provision, target } = require("./session.js");
const { trusting } = require("./private-ca.js");

exports.handler = async (context, inputs) => {
  const secret = async (input) => inputs[input] || undefined; // A SecureString arrives as its text.
  const { directory, syncId: id } = inputs;
  const order = { groups: inputs.groups ?? [], users: inputs.users ?? [], addToProfile: inputs.addToProfile === true };
  const given = { target: await target(inputs, secret), directory, order, id, isProvision: inputs.provision === true };
  const sync = await trusting(__filename, { ...given, waitSeconds: inputs.waitSeconds || 45 });

  const fail = (code, what) => {
    throw new Error([`${code}: ${what}`, sync.message, sync.hint].filter(Boolean).join(": "));
  };
  if (sync.status === "failed") fail(sync.reason, "the sync failed");
  const present = (proofs) => (proofs ?? []).filter(({ state }) => state === "present").map(({ requested }) => requested);
  const [groups, users] = [present(sync.groups), present(sync.users)];
  if (sync.status === "succeeded") {
    const absent = (wanted, found) => wanted.filter((name) => !found.includes(name));
    const product = given.target.isFleet ? "VCF Operations" : "vIDM";
    for (const [code, names] of [["group_absent", absent(order.groups, groups)], ["user_absent", absent(order.users, users)]]) {
      if (names.length) fail(code, `the sync succeeded, but ${product} does not have ${names.join(", ")}`);
    }
  } else if (!sync.id) {
    fail("upstream_invalid", "it is unknown whether the groups were brought in");
  } else if (Date.now() - Date.parse(sync.requestedAt) >= (inputs.timeoutSeconds || 1800) * 1000) {
    fail("sync_timeout", `the sync ${sync.id} is still ${sync.status}`);
  }
  return { status: sync.status, id: sync.id, groups, users, retryAfter: sync.retryAfter ?? 0 };
};

/** The work itself, in a process that trusts the private CA. */
exports.work = async ({ target, directory, order, id, isProvision, waitSeconds }) => {
  if (isProvision) return provision(target, directory, order);
  const session = open(target);
  return session.waitForSync(id || (await session.startSync(directory, order)).id, { timeoutSeconds: waitSeconds });
};
