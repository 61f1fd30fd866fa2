// The simulated vIDM, SDDC Manager and VCF Operations that a story started: where they are, and how they are made to misbehave.

const { env } = process;

/** Settings of a session over http. */
export const vidm = { url: env.VIDM_URL, username: env.VIDM_USERNAME, password: env.VIDM_PASSWORD };
export const vcf = { url: env.VCF_URL, username: env.VCF_USERNAME, password: env.VCF_PASSWORD };
export const fleet = { url: env.FLEET_URL, username: env.FLEET_USERNAME, password: env.FLEET_PASSWORD };
export const fleetToken = { url: env.FLEET_URL, apiToken: env.FLEET_API_TOKEN };
/** The same over https, with a certificate of the simulator's own CA. */
export const vidmTls = { ...vidm, url: env.VIDM_TLS_URL };
export const vcfTls = { ...vcf, url: env.VCF_TLS_URL };

async function control(method, path, body) {
  const response = await fetch(`${vidm.url}/_simulator/${path}`, { method, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.text();
}

export const set = (settings) => control("POST", "settings", settings);
export const fault = (one) => control("POST", "faults", one);
export const clearFaults = () => control("DELETE", "faults");
export const addGroup = (directory, dn) => control("POST", "groups", { directory, dn });
export const finish = (directory, outcome) => control("POST", `directories/${directory}/finish`, { outcome });
/** What a story of syncs changes in each product. */
export const vidmControl = { set, addGroup, finish };
export const fleetControl = {
  set: (settings) => control("POST", "fleet/settings", settings),
  addGroup: (directory, dn) => control("POST", "fleet/groups", { directory, dn }),
  finish: (directory, outcome) => control("POST", `fleet/directories/${directory}/finish`, { outcome }),
};

/** What was asked since the last time, as `METHOD path`. */
export async function asked() {
  const calls = JSON.parse(await control("GET", "calls"));
  await control("DELETE", "calls");
  return calls.map(({ method, pathAndQuery }) => `${method} ${pathAndQuery.split("?")[0]}`);
}
