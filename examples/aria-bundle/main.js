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
//           timeoutSeconds    optional; default 120. Keep it 60 s below the action's timeout
//           addToProfile      optional: first add the groups (DNs) to the directory's sync profile
//           Only directory and groups may come in an event's `customProperties` instead: the person who requests a deployment may have
//           written those.
// Outputs   status ("succeeded"), id, directory, groups
// Fails     with a code (group_absent, safeguard_tripped, sync_failed, sync_timeout, …), what happened, and what to do.
//
// If the certificate of vIDM or VCF Operations comes from a private CA: see private-ca.js.

const { Fleet, Vidm } = require("idhook");
const { trusting } = require("./private-ca.js");

const TIMEOUT = 120; // seconds

exports.handler = async (context, inputs) => {
  const secret = async (input) => inputs[input] && (await context.getSecret(inputs[input]));
  const isFleet = Boolean(inputs.fleetUrl);
  const ofFleet = {
    url: inputs.fleetUrl,
    username: inputs.fleetUsername,
    password: await secret("fleetPassword"),
    authSource: inputs.fleetAuthSource,
    apiToken: await secret("fleetApiToken"),
    brokerUrl: inputs.fleetBrokerUrl,
  };
  const ofVidm = {
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

  const sync = await trusting(__filename, { isFleet, settings: isFleet ? ofFleet : ofVidm, directory, groups: list(groups), options });
  console.log(`the sync ${sync.id} succeeded`);
  return { status: sync.status, id: sync.id, directory: sync.directory, groups: sync.groups ?? [] };
};

/** The work itself, in a process that trusts the private CA. */
exports.work = async ({ isFleet, settings, directory, groups, options }) => {
  const session = isFleet ? new Fleet(settings) : new Vidm(settings);
  if (groups.length) return session.ensureGroups(directory, groups, options);
  const { id } = await session.startSync(directory);
  const sync = await session.waitForSync(id, { timeoutSeconds: options.timeoutSeconds });
  if (sync.status === "succeeded") return sync;
  const what = sync.status === "failed" ? `${sync.reason}: the sync failed` : `sync_timeout: the sync ${id} is still ${sync.status}`;
  throw new Error([what, sync.message, sync.hint].filter(Boolean).join(": "));
};

/** Custom properties are strings: a list arrives as JSON, a single group as it is. */
function list(given) {
  const names = typeof given === "string" && /^\s*\[/.test(given) ? JSON.parse(given) : [given ?? []].flat();
  return names.filter((name) => String(name).trim());
}
