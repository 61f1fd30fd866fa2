// An ABX action for Aria Automation (Node.js): starts a sync of a directory of vIDM or VCF Operations at idhook, waits until it is
// final, and fails unless it succeeded and every group is present. README.md beside this file says what to enter in each field of Aria's form.
//
// Inputs    idhookUrl       https://idhook.example
//           idhookKey       name of a project secret, or an action constant with "Secret" ticked; scopes: vidm:read, vidm:sync,
//                           or fleet:read, fleet:sync for VCF Operations
//           idhookTarget    optional: a vIDM target by name, or `fleet/NAME` for VCF Operations; default `default`
//           idhookCa        optional: PEM text of the CA that issued idhook's certificate, if it is a private one
//           timeoutSeconds  optional; default 150. Keep it 30 s below the action's timeout
//           directory       id, name or domain
//           groups          optional: groups that must be present in the end, as DN or name@domain
//           addToProfile    optional: first add the groups (DNs) to the directory's sync profile; needs the scope vidm:profile or
//                           fleet:profile. Must be an input: idhook does not read it from `customProperties`
//           users           optional: users that must be present too, as name@domain
//           provision       optional, VCF Operations 9.1.1 and later: bring the groups (DNs) in without a sync; needs fleet:profile
//           If directory and groups are not inputs, idhook reads them from `customProperties`, so the action can be bound to a subscription.
// Outputs   status ("succeeded"), id, directory, groups; there is no id with provision
// Fails     with a code, what happened, and what to do.

const TIMEOUT = 150; // seconds for the whole action
const WAIT = 20; // seconds that idhook may hold one request; keep it below the timeouts of proxies

exports.handler = async (context, { idhookUrl, idhookKey, idhookTarget, idhookCa, timeoutSeconds, ...order }) => {
  // A secret that was pasted, or read from a file, often ends in a line break.
  const key = needed(await context.getSecret(needed(idhookKey, "idhookKey")), "the secret of idhookKey");
  if (!/^[!-~]+$/.test(key)) throw new Error("the secret of idhookKey is no key: it has blanks or line breaks in it; copy the key alone");
  const idhook = needed(idhookUrl, "idhookUrl").replace(/\/+$/, "");
  const ends = Date.now() + (Number(timeoutSeconds) || TIMEOUT) * 1000;
  const ca = idhookCa ? certificates(idhookCa) : undefined;
  const call = (method, path, body) => request(idhook + path, method, key, ca, ends, body);
  const [target, kind = "vidm"] = (idhookTarget || "default").split("/").reverse();
  const syncs = `/${encodeURIComponent(kind)}/${encodeURIComponent(target)}/v1/syncs`;

  let sync = await call("POST", syncs, order);
  while (sync.status !== "succeeded") {
    if (sync.status === "failed") throw new Error(text("the sync failed", sync));
    if (!sync.id) throw new Error(text(`the groups are ${sync.status}`, sync));
    const left = ends - Date.now();
    if (left <= 0) throw new Error(text(`sync_timeout: the sync is still ${sync.status}; ask for it at ${idhook}${syncs}/${sync.id}`, sync));
    await new Promise((resolve) => setTimeout(resolve, Math.min((sync.retryAfter || 2) * 1000, left)));
    try {
      sync = await call("GET", `${syncs}/${sync.id}`);
    } catch (e) {
      if (!e.retryable) throw e;
      console.log(`retrying: ${e.message}`);
      sync = { ...sync, retryAfter: e.retryAfter, message: e.message };
    }
  }
  const groups = sync.groups || [];
  const absent = asked(order).filter((name) => !groups.some(({ requested, state }) => requested === name && state === "present"));
  if (absent.length) throw new Error(text(`group_absent: the sync succeeded, but these groups are absent: ${absent.join(", ")}`, sync));
  console.log(sync.id ? `the sync ${sync.id} succeeded` : "the groups are present");
  return { status: sync.status, id: sync.id, directory: sync.directory, groups };
};

/** An input that must be there. */
function needed(value, name) {
  if (typeof value !== "string" || !value.trim()) throw new Error(`${name} is not set; README.md says what to enter`);
  return value.trim();
}

/** What happened, why, and what to do. */
function text(happened, { reason, message, hint }) {
  return [happened, reason, message, hint].filter(Boolean).join(": ");
}

/** The groups of an order, as idhook reads them: a list, a text that is a JSON list, or one name. */
function asked({ groups, customProperties }) {
  const given = groups ?? customProperties?.groups ?? [];
  const list = typeof given === "string" && /^\s*\[/.test(given) ? JSON.parse(given) : [given].flat();
  return list.filter((name) => String(name).trim());
}

/** The certificates of a PEM text, whose line breaks a form may have removed. */
function certificates(text) {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (!found) throw new Error("idhookCa is not a PEM text; paste the CA's certificate, from -----BEGIN to END CERTIFICATE-----");
  return found.map((one) => {
    const base64 = one.split("-----")[2].replace(/\\n|\s/g, "");
    return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g).join("\n")}\n-----END CERTIFICATE-----\n`;
  });
}

/** One request; throws unless the status is 2xx. Without `fetch`, which older runtimes do not have and which takes no CA. */
function request(url, method, key, ca, ends, body) {
  const wait = Math.max(0, Math.min(WAIT, Math.floor((ends - Date.now()) / 1000)));
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Prefer: `wait=${wait}` };
  return new Promise((resolve, reject) => {
    const unreachable = (e) => {
      const isUntrusted = /CERT|UNABLE_TO_VERIFY/.test(e.code);
      const hint = isUntrusted ? "; if a private CA issued idhook's certificate, set the input idhookCa" : "";
      reject(Object.assign(new Error(`idhook cannot be reached: ${e.message}${hint}`), { retryable: !isUntrusted }));
    };
    const client = require(url.startsWith("https:") ? "https" : "http");
    const request = client.request(url, { method, headers, ca, timeout: (wait + 30) * 1000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", unreachable);
      response.on("data", (piece) => (text += piece));
      response.on("end", () => {
        try {
          if (response.statusCode >= 300) throw problem(response, text);
          resolve(answer(text));
        } catch (e) {
          reject(e);
        }
      });
    });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", unreachable);
    request.end(body && JSON.stringify(body));
  });
}

/** The state of a sync. Something else at idhook's address may answer with a page. */
function answer(text) {
  try {
    const found = JSON.parse(text);
    if (found?.status) return found;
  } catch {} // It is no JSON.
  throw new Error(`the answer is not idhook's: ${text.slice(0, 300)}; check idhookUrl`);
}

/** The error for a problem document (RFC 9457), or for the answer of a proxy. */
function problem({ statusCode, headers }, text) {
  if (statusCode < 400) return new Error(`idhook's address redirects to ${headers.location}: use that address`);
  const retryAfter = Number(headers["retry-after"]) || undefined;
  if (!/^application\/problem\+json/.test(headers["content-type"])) {
    const retryable = [429, 502, 503, 504].includes(statusCode);
    return Object.assign(new Error(`idhook returned ${statusCode}: ${text.slice(0, 300)}`), { retryable, retryAfter });
  }
  const { code, detail, hint, errors = [], retryable } = JSON.parse(text);
  // The detail names a single field itself.
  const fields = errors.length > 1 ? errors.map((error) => `${error.pointer}: ${error.detail}`) : [];
  return Object.assign(new Error([`${code}: ${detail}`, ...fields, hint].filter(Boolean).join("; ")), { code, retryable, retryAfter });
}
