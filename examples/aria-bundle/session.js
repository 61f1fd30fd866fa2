// The session that both actions use: with vIDM, or with VCF Operations if the input `fleetUrl` is set.

const { Fleet, Vidm } = require("idhook");

/** The product and its settings; `secret` reads the value of an input that holds a secret. */
exports.target = async (inputs, secret) => {
  const text = (name) => inputs[name] || undefined; // Orchestrator's inputs are empty texts, not absent.
  const isFleet = Boolean(inputs.fleetUrl);
  const settings = isFleet
    ? {
        url: inputs.fleetUrl,
        username: text("fleetUsername"),
        password: await secret("fleetPassword"),
        authSource: text("fleetAuthSource"),
        apiToken: await secret("fleetApiToken"),
        brokerUrl: text("fleetBrokerUrl"),
      }
    : {
        url: inputs.vidmUrl,
        tenant: text("vidmTenant"),
        domain: text("vidmDomain"),
        username: text("vidmUsername"),
        password: await secret("vidmPassword"),
        clientId: text("vidmClientId"),
        clientSecret: await secret("vidmClientSecret"),
      };
  return { isFleet, settings };
};

/** A session with it. An error in the settings names the inputs that they came from. */
exports.open = ({ isFleet, settings }) => {
  try {
    return isFleet ? new Fleet(settings) : new Vidm(settings);
  } catch (error) {
    if (!error.errors?.length) throw error;
    const input = (pointer) => (isFleet ? "fleet" : "vidm") + pointer.charAt(1).toUpperCase() + pointer.slice(2);
    const inputs = error.errors.map(({ pointer, detail }) => `${input(pointer)} ${detail}`).join("; ");
    throw new Error(`${error.code}: ${inputs}${error.hint ? ` (${error.hint})` : ""}`);
  }
};

/** Brings the groups into the identity broker by their DNs, without a sync. */
exports.provision = async (target, directory, { groups, users, addToProfile }) => {
  if (!target.isFleet) throw new Error("not_supported: vIDM brings groups in only by a sync: start one with addToProfile instead of provision");
  if (users.length || addToProfile) throw new Error("request_invalid: users and addToProfile cannot be combined with provision");
  return exports.open(target).provision(directory, groups);
};
