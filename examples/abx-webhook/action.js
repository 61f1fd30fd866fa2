// An ABX action for Aria Automation, Node.js: starts a sync at idhook and waits until it is final.
//
// Where     Assembler, Extensibility, Actions: a new action, "Write script", Node.js, main function `handler`, timeout 180 s or more.
// Inputs    idhookUrl     https://idhook.example
//           idhookKey     a secret of the project, or an action constant: tick "Secret"; its scopes: vidm:read, vidm:sync
//           idhookTarget  optional; `default`
//           directory     id, name or domain
//           groups        optional: DNs or names that must be in vIDM in the end
//           addToProfile  optional: first add those groups (DNs) to the directory's sync profile
//           idhook reads the last three itself, and from `customProperties` where they are not inputs: an event's payload can be
//           passed on as it is, so the action can be bound to a subscription.
// Outputs   status ("succeeded"), id, directory, groups
// Fails     with idhook's code, what happened, and what to do about it.

const PATIENCE = 150; // seconds for all of it; keep it below the action's timeout
const WAIT = 20; // seconds that idhook may hold one request; keep it below the timeouts of proxies

exports.handler = async (context, { idhookUrl, idhookKey, idhookTarget, ...order }) => {
  const key = await context.getSecret(idhookKey);
  const ends = Date.now() + PATIENCE * 1000;
  const call = (method, path, body) => request(idhookUrl.replace(/\/$/, "") + path, method, key, ends, body);

  let sync = await call("POST", `/vidm/${encodeURIComponent(idhookTarget || "default")}/v1/syncs`, order);
  while (sync.status !== "succeeded") {
    if (sync.status === "failed") throw new Error(`the sync failed: ${sync.reason}. ${sync.message || ""} ${sync.hint}`);
    if (Date.now() > ends) throw new Error(`the sync is still ${sync.status}; ask for it at ${sync.links.self}`);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    try {
      sync = await call("GET", sync.links.self);
    } catch (e) {
      if (!e.retryable) throw e;
      console.log(`asking again: ${e.message}`);
    }
  }
  console.log(`the sync ${sync.id} succeeded`);
  return { status: sync.status, id: sync.id, directory: sync.directory, groups: sync.groups || [] };
};

/** One request; what is not a 2xx is thrown, legibly. Without `fetch`, which older runtimes do not have. */
function request(url, method, key, ends, body) {
  const wait = Math.max(0, Math.min(WAIT, Math.floor((ends - Date.now()) / 1000)));
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Prefer: `wait=${wait}` };
  return new Promise((resolve, reject) => {
    const unreachable = (e) => reject(Object.assign(new Error(`idhook cannot be reached: ${e.message}`), { retryable: true }));
    const client = require(url.startsWith("https:") ? "https" : "http");
    const request = client.request(url, { method, headers, timeout: 60000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", unreachable);
      response.on("data", (piece) => (text += piece));
      response.on("end", () => (response.statusCode < 300 ? resolve(JSON.parse(text)) : reject(problem(response, text))));
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 60 s")));
    request.on("error", unreachable);
    request.end(body && JSON.stringify(body));
  });
}

/** A problem document (RFC 9457) as an error; a proxy's answer as it is. */
function problem(response, text) {
  if (!/^application\/problem\+json/.test(response.headers["content-type"])) {
    return new Error(`idhook answered ${response.statusCode}: ${text.slice(0, 300)}`);
  }
  const { code, detail, hint, errors = [], retryable } = JSON.parse(text);
  const fields = errors.map((error) => `${error.pointer}: ${error.detail}`);
  return Object.assign(new Error([`${code}: ${detail}`, ...fields, hint].filter(Boolean).join("; ")), { code, retryable });
}
