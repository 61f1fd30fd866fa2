// An ABX action for Aria Automation, Node.js: starts a sync at idhook, waits until it is final, and fails unless it succeeded and vIDM
// has every group that was asked for.
//
// Where     Assembler, Extensibility, Actions: a new action, "Write script", Node.js, main function `handler`, timeout 180 s or more.
// Inputs    idhookUrl       https://idhook.example
//           idhookKey       a secret of the project, or an action constant: tick "Secret"; its scopes: vidm:read, vidm:sync
//           idhookTarget    optional; `default`
//           timeoutSeconds  optional; 150. Keep it 30 s below the action's timeout
//           directory       id, name or domain
//           groups          optional: groups that must be in vIDM in the end, as DN or name@domain
//           addToProfile    optional: first add those groups (DNs) to the directory's sync profile; needs the scope vidm:profile,
//                           and to be an input: idhook does not take it from `customProperties`
//           idhook itself reads directory and groups from `customProperties` where they are not inputs: an event's payload can be
//           passed on as it is, so the action can be bound to a subscription.
// Outputs   status ("succeeded"), id, directory, groups
// Fails     with idhook's code, what happened, and what to do about it.

const TIMEOUT = 150; // seconds for all of it
const WAIT = 20; // seconds that idhook may hold one request; keep it below the timeouts of proxies

exports.handler = async (context, { idhookUrl, idhookKey, idhookTarget, timeoutSeconds, ...order }) => {
  const key = await context.getSecret(idhookKey);
  const ends = Date.now() + (Number(timeoutSeconds) || TIMEOUT) * 1000;
  const call = (method, path, body) => request(idhookUrl.replace(/\/$/, "") + path, method, key, ends, body);
  const syncs = `/vidm/${encodeURIComponent(idhookTarget || "default")}/v1/syncs`;

  let sync = await call("POST", syncs, order);
  while (sync.status !== "succeeded") {
    if (sync.status === "failed") throw new Error(text("the sync failed", sync));
    const left = ends - Date.now();
    if (left <= 0) throw new Error(text(`the sync is still ${sync.status}; ask for it at ${syncs}/${sync.id}`, sync));
    await new Promise((resolve) => setTimeout(resolve, Math.min((sync.retryAfter || 2) * 1000, left)));
    try {
      sync = await call("GET", `${syncs}/${sync.id}`);
    } catch (e) {
      if (!e.retryable) throw e;
      console.log(`asking again: ${e.message}`);
      sync = { ...sync, retryAfter: e.retryAfter, message: e.message };
    }
  }
  const groups = sync.groups || [];
  const absent = asked(order).filter((name) => !groups.some(({ requested, state }) => requested === name && state === "present"));
  if (absent.length) throw new Error(text(`group_absent: the sync succeeded, but vIDM does not have ${absent.join(", ")}`, sync));
  console.log(`the sync ${sync.id} succeeded`);
  return { status: sync.status, id: sync.id, directory: sync.directory, groups };
};

/** What happened, why, and what to do about it. */
function text(happened, { reason, message, hint }) {
  return [happened, reason, message, hint].filter(Boolean).join(": ");
}

/** The groups of an order, as idhook reads them: a list, a text that is a JSON list, or one name. */
function asked({ groups, customProperties }) {
  const given = groups ?? customProperties?.groups ?? [];
  const list = typeof given === "string" && /^\s*\[/.test(given) ? JSON.parse(given) : [given].flat();
  return list.filter((name) => String(name).trim());
}

/** One request; what is not a 2xx is thrown, legibly. Without `fetch`, which older runtimes do not have. */
function request(url, method, key, ends, body) {
  const wait = Math.max(0, Math.min(WAIT, Math.floor((ends - Date.now()) / 1000)));
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Prefer: `wait=${wait}` };
  return new Promise((resolve, reject) => {
    const unreachable = (e) => reject(Object.assign(new Error(`idhook cannot be reached: ${e.message}`), { retryable: true }));
    const client = require(url.startsWith("https:") ? "https" : "http");
    const request = client.request(url, { method, headers, timeout: (wait + 30) * 1000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", unreachable);
      response.on("data", (piece) => (text += piece));
      response.on("end", () => {
        try {
          if (response.statusCode >= 300) throw problem(response, text);
          resolve(JSON.parse(text));
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

/** A problem document (RFC 9457) as an error; a proxy's answer as it is. */
function problem({ statusCode, headers }, text) {
  const retryAfter = Number(headers["retry-after"]) || undefined;
  if (!/^application\/problem\+json/.test(headers["content-type"])) {
    const retryable = [429, 502, 503, 504].includes(statusCode);
    return Object.assign(new Error(`idhook answered ${statusCode}: ${text.slice(0, 300)}`), { retryable, retryAfter });
  }
  const { code, detail, hint, errors = [], retryable } = JSON.parse(text);
  const fields = errors.map((error) => `${error.pointer}: ${error.detail}`);
  return Object.assign(new Error([`${code}: ${detail}`, ...fields, hint].filter(Boolean).join("; ")), { code, retryable, retryAfter });
}
