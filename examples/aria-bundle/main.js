// An ABX action for Aria Automation with idhook inside: it syncs a directory of vIDM or VCF Operations by itself, without a server. It fails
// unless the sync succeeds and every group is present. README.md in the project's folder examples/aria-bundle says what to enter in each
// field of Aria's form.
//
// Inputs    vidmUrl           https://vidm.corp.example
//           vidmUsername, vidmPassword           a local administrator of vIDM
//           or vidmClientId, vidmClientSecret    an OAuth client; with all four and vidmDomain: an account of that domain
//           vidmTenant        only if it is not in the host name
//           instead of all vidm…, for VCF Operations 9.1 and later (VCF 9): fleetUrl, https://ops.corp.example, with
//           fleetUsername, fleetPassword           an account that is not one of VCF single sign-on
//           fleetAuthSource                        the name of its source, such as local
//           or fleetApiToken, fleetBrokerUrl       an API token; the identity broker, if VCF Operations is not to be asked for it
//           Passwords, client secret and API token are names of project secrets, or action constants with "Secret" ticked.
//           directory         id, name or domain
//           groups            optional: groups that must be present in the end, as DN or name@domain
//           users             optional: users that must be present too, as name@domain
//           timeoutSeconds    optional; default 120. Keep it 60 s below the action's timeout
//           addToProfile      optional: first add the groups (DNs) to the directory's sync profile
//           provision         optional, VCF Operations 9.1.1 and later: bring the groups (DNs) in without a sync
//           Only directory and groups may come in an event's `customProperties` instead: the person who requests a deployment may have
//           written those.
// Outputs   status ("succeeded"), id, directory, groups, users; there is no id with provision
// Fails     with a code (group_absent, user_absent, safeguard_tripped, sync_failed, sync_timeout, …), what happened, and what to do.
//
// If the certificate of vIDM or VCF Operations comes from a private CA: see private-ca.js.

const { open, provision, target } = require("./session.js");
const { trusting } = require("./private-ca.js");

const TIMEOUT = 120; // seconds

exports.handler = async (context, inputs) => {
  const secret = async (input) => inputs[input] && (await context.getSecret(inputs[input]));
  const { directory, groups } = { ...inputs.customProperties, ...inputs };
  const isSet = (input) => String(inputs[input]) === "true";
  const order = { groups: list(groups), users: list(inputs.users), addToProfile: isSet("addToProfile") };
  const given = { target: await target(inputs, secret), directory, order, isProvision: isSet("provision") };

  const sync = await trusting(__filename, { ...given, timeoutSeconds: Number(inputs.timeoutSeconds) || TIMEOUT });
  console.log(sync.id ? `the sync ${sync.id} succeeded` : "the groups were brought in");
  return { status: sync.status, id: sync.id, directory: sync.directory, groups: sync.groups ?? [], users: sync.users ?? [] };
};

/** The work itself, in a process that trusts the private CA. */
exports.work = async ({ target, directory, order, isProvision, timeoutSeconds }) => {
  const session = open(target);
  const { groups, ...options } = order;
  if (groups.length && !isProvision) return session.ensureGroups(directory, groups, { ...options, timeoutSeconds });
  const started = isProvision ? await provision(target, directory, order) : await session.startSync(directory, order);
  const sync = isProvision ? started : await session.waitForSync(started.id, { timeoutSeconds });
  if (sync.status === "succeeded") return sync;
  const what = sync.status === "failed" ? `${sync.reason}: the sync failed` : `sync_timeout: the sync ${sync.id} is still ${sync.status}`;
  const absent = [...(sync.groups ?? []), ...(sync.users ?? [])].filter(({ state }) => state !== "present").map(({ requested }) => requested);
  throw new Error([what, sync.message ?? absent.join(", "), sync.hint].filter(Boolean).join(": "));
};

/** Custom properties are strings: a list arrives as JSON, a single group as it is. */
function list(given) {
  let names = [given ?? []].flat();
  if (typeof given === "string" && /^\s*\[/.test(given)) {
    try {
      names = JSON.parse(given);
    } catch {
      throw new Error(`groups and users: ${given.slice(0, 100)} begins like a JSON list but is none; write ["name@domain"], with double quotes`);
    }
  }
  return names.filter((name) => String(name).trim());
}
