// Calls the library component, transpiled by jco, as lines of JSON say, and answers each by a line: the same binding as driver.py,
// from Node. `node driver.mjs OUT/idhook.js`

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { directories, fleet, identityProviders } = await import(pathToFileURL(process.argv[2]));
const interfaces = { vidm: directories, vcf: identityProviders, fleet };

// Texts that are JSON.
const JSON_TEXTS = ["result", "from", "to", "sync", "steps"];
// Words of an enumeration.
const WORDS = ["code", "reason"];
// Lists that are left out when they are empty.
const LEFT_OUT = ["candidates", "certificates", "errors", "groups", "notCompared", "omitted", "removed", "users"];
// The functions whose first argument is a specification as a JSON text.
const SPECIFICATIONS = ["createIdentityProvider", "putIdentityProvider", "validateSamlMetadata"];
// The functions whose last argument is an object with one option in it.
const OPTIONS = { waitForSync: "timeoutSeconds", dryRun: "ignoreSafeguards", generateSyncClientToken: "ttlSeconds", generateSyncClient: "ttlMinutes" };

/** JSON as the component takes it. */
function lower(value) {
  if (Array.isArray(value)) return value.map(lower);
  if (value === null || typeof value !== "object") return value ?? undefined;
  return Object.fromEntries(Object.entries(value).map(([name, value]) => {
    if (name === "extra") return [name, JSON.stringify(value)];
    if (name === "paths" || name === "mediaTypes") return [name, Object.entries(value)];
    return [name === "syncClientTokenTTL" ? "syncClientTokenTtl" : name, lower(value)];
  }));
}

/** What the component gives, as JSON; `undefined` is left out when it is written. */
function lift(value) {
  if (Array.isArray(value)) return value.map(lift);
  if (value === null || typeof value !== "object") return value;
  const { extra, ...fields } = value;
  const told = Object.entries(fields).filter(([name, value]) => !(LEFT_OUT.includes(name) && value.length === 0));
  const lifted = told.map(([name, value]) => {
    if (name === "checks") return [name, Object.fromEntries(value.map(([name, check]) => [name, check.val]))];
    if (JSON_TEXTS.includes(name) && typeof value === "string") return [name, JSON.parse(value)];
    if (name === "outcome" && typeof value === "string") return [name, value.replace(/-(.)/g, (_, letter) => letter.toUpperCase())];
    if (WORDS.includes(name) && typeof value === "string") return [name, value.replaceAll("-", "_")];
    return [name === "syncClientTokenTtl" ? "syncClientTokenTTL" : name, lift(value)];
  });
  return { ...Object.fromEntries(lifted), ...(extra && JSON.parse(extra)) };
}

let session;
let kind;

/** The result of a call: no function returns a text other than JSON. */
const result = (value) => (typeof value === "string" ? JSON.parse(value) : lift(value));

function answer(order) {
  try {
    if (order.open) {
      const [[opened, settings]] = Object.entries(order.open);
      kind = opened;
      session = interfaces[kind].Session.open(lower(settings));
      return { ok: null };
    }
    const isSpecification = (at) => at === 0 && kind === "fleet" && SPECIFICATIONS.includes(order.call);
    const given = (order.arguments ?? []).map((value, at) => (isSpecification(at) ? JSON.stringify(value) : lower(value)));
    const option = OPTIONS[order.call];
    const told = option ? given.map((value) => (typeof value === "object" ? value[option] : value)) : given;
    return { ok: result(session[order.call](...told)) ?? null };
  } catch (e) {
    if (!e.payload) return { error: { code: "refused_by_the_host", detail: String(e) } };
    const { message, ...error } = lift(e.payload);
    return { error: { ...error, detail: message } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
// The shim's worker would keep the process.
process.exit();
