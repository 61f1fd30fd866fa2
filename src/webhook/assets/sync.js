// A sync and its progress: started, followed by its event stream or by polling, shown.

/** Ends the current watch. */
let watching;
/** The product of the target of the sync that is shown. */
let product;
/** When idhook stopped responding; undefined while it responds. */
let lostSince;

const isFinal = (sync) => sync.status === "succeeded" || sync.status === "failed";
const nameOf = (sync) => sync.directory.name || sync.directory.id;

const WORDS = {
  queued: "Queued: an earlier run is in progress; a new one follows it.",
  running: "Running.",
  succeeded: "Succeeded.",
  failed: "Failed.",
  unknown: "Unknown: the target's report does not decide.",
};

let lastStep;

function step(text, look = "") {
  if (text === lastStep) return;
  lastStep = text;
  byId("steps").append(element("li", { class: look }, element("span", {}, text), element("time", {}, clockTime(new Date()))));
}

/** The state of the result: idle, active, good, bad, lost or stopped. The bar at the bottom repeats it where the result is out of sight. */
function headline(text, state) {
  byId("headline").textContent = byId("runbar-text").textContent = text;
  byId("result").dataset.state = byId("runbar").dataset.state = state;
  placeRunbar();
}

let isResultInSight = true;
/** The headline that a person has seen. */
let seen;

/** The bar is there while the result is out of sight; beside the form, where it is rarely so, only for news. */
function placeRunbar() {
  const { state } = byId("result").dataset;
  const text = byId("headline").textContent;
  if (isResultInSight) seen = text;
  const isKnown = state !== "active" && seen === text && isWide();
  byId("runbar").hidden = isResultInSight || isKnown || state === "idle" || state === "stopped" || view !== "sync";
}

const isWide = () => matchMedia("(min-width: 56rem)").matches;

/** Scrolls to the result, or to its end. Beside the form, where it is in sight already, it stays where it is. */
function showResult(place = "result") {
  if (place === "result" && isResultInSight && isWide()) return;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId(place).scrollIntoView({ block: place === "result" ? "start" : "nearest", behavior: isCalm ? "auto" : "smooth" });
}

function report(sync) {
  const word = sync.status === "unknown" && sync.upstream ? ` ${product} reports: ${sync.upstream.status}.` : "";
  step((WORDS[sync.status] || sync.status) + word);
  if (!isFinal(sync)) headline(`${nameOf(sync)}: ${sync.status}`, "active");
}

function startSync(event) {
  event.preventDefault();
  if (watching || !hasKey() || !chosen()) return;
  const { syncs, groups, more } = order();
  const body = { directory: chosen().id, groups, ...more };
  product = productOf("target");
  lastStep = undefined;
  show("steps");
  showResult();
  follow(more.provision ? "Bringing the groups in…" : "Requesting a sync…", async (signal) => {
    const sync = await open(syncs, { method: "POST", body, signal });
    step("Requested.");
    report(sync);
    // `provision` starts no sync, and its outcome is in the response.
    return { path: sync.id && `${syncs}/${encodeURIComponent(sync.id)}`, sync };
  });
}

/** Watches the sync that `begin` returns until it is final, and shows the outcome. */
async function follow(text, begin) {
  const controller = (watching = new AbortController());
  const began = Date.now();
  const tick = setInterval(() => {
    byId("elapsed").textContent = `${Math.round((Date.now() - began) / 1000)} s`;
    if (lostSince) headline(`idhook does not respond (${Math.round((Date.now() - lostSince) / 1000)} s). Retrying…`, "lost");
  }, 1000);
  byId("stop").hidden = false;
  byId("elapsed").textContent = "";
  show("outcome");
  headline(text, "active");
  choose();
  const followed = {};
  try {
    Object.assign(followed, await begin(controller.signal));
    if (followed.path) followed.sync = await watch(followed.path, followed.sync, controller.signal);
    headline(`${nameOf(followed.sync)}: ${followed.sync.status}`, followed.sync.status === "succeeded" ? "good" : "bad");
    show("outcome", outcomeBox(followed.sync));
  } catch (error) {
    failed(error, controller.signal, followed);
  }
  clearInterval(tick);
  watching = lostSince = undefined;
  byId("stop").hidden = true;
  choose();
  if (followed.path) loadRuns();
  showResult(byId("outcome").firstChild ? "outcome" : "result");
}

function failed(error, signal, { path, sync }) {
  if (signal.aborted) {
    headline("Stopped watching", "stopped");
    step(`You stopped watching. The run in ${product} continues.`);
    return;
  }
  const problem = problemOf(error);
  const again = () => follow("Reconnecting…", async () => ({ path, sync }));
  if (path && problem.isLost) {
    headline("Connection lost", "lost");
    step(`Gave up after ${LIMITS.lost} s without a response.`, "bad");
    show("outcome", problemBox({ ...problem, detail: `The page stopped after ${LIMITS.lost} seconds without a response. The run in ${product} continues; Retry reads its state again and starts nothing.` }, again));
    return;
  }
  if (problem.isLost) problem.detail += " The sync may have started. If you start it again, idhook joins that run or queues the next one.";
  headline(path ? "The state could not be read" : problem.isLost ? "No response to the start" : "The sync was not started", "bad");
  markKey(problem.code === "unauthenticated" ? problem.title : "");
  show("outcome", problemBox(problem, path && problem.retryable ? again : undefined));
}

/** Watches a sync until it is final: by its event stream, or by polling where no stream arrives. */
async function watch(path, sync, signal) {
  let streams = true;
  let hadEvents = false;
  while (!isFinal(sync)) {
    const had = streams;
    try {
      if (streams) {
        const last = await stream(path, signal);
        sync = last || sync;
        streams = hadEvents = hadEvents || last !== undefined;
      } else {
        sync = await open(path, { signal });
        report(sync);
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof Refusal) || !error.problem.retryable) throw error;
      if (error.problem.isLost) await reconnect(error, signal);
      else step(`${error.problem.title}; retrying.`);
      // idhook responds, and its streams may still be lost on the way.
      hadEvents = hadEvents || error.problem.hadEvents === true;
      streams = streams && hadEvents;
    }
    if (had && !streams) step("No event stream arrives; polling instead.");
    if (!isFinal(sync)) await pause((sync.retryAfter || 2) * 1000, signal);
  }
  return sync;
}

/** Waits until idhook responds again; fails with `error` if that takes too long. */
async function reconnect(error, signal) {
  const began = Date.now();
  while (!(await isUp(signal))) {
    if (!lostSince) {
      lostSince = began;
      step("idhook does not respond; retrying.", "bad");
      headline("idhook does not respond. Retrying…", "lost");
      pill("health", "Not reachable", "bad");
    }
    if (Date.now() - began >= LIMITS.lost * 1000) throw error;
    await pause(1000, signal);
  }
  if (!lostSince) return;
  lostSince = undefined;
  step("idhook responds again.");
  headline("Reconnecting…", "active");
  checkHealth();
}

async function isUp(signal) {
  try {
    await open("/healthz", { withKey: false, signal, seconds: LIMITS.health });
    return true;
  } catch (error) {
    if (signal.aborted) throw error;
    return false;
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
  });
}

/** The last state that an event stream sent before it ended; undefined if it sent none. Fails if it broke off. */
async function stream(path, signal) {
  const silence = new AbortController();
  const stop = () => silence.abort();
  signal.addEventListener("abort", stop);
  let timer = setTimeout(stop, LIMITS.firstEvent * 1000);
  let last;
  let isOpen = false;
  try {
    const response = await open(path, { accept: "text/event-stream", signal: silence.signal, seconds: 0 });
    if (!(response.headers.get("content-type") || "").startsWith("text/event-stream")) return undefined;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return last;
      isOpen = true;
      clearTimeout(timer);
      timer = setTimeout(stop, LIMITS.silence * 1000);
      const events = (text + value).split("\n\n");
      text = events.pop();
      for (const event of events) last = read(event) || last;
      if (last) response.record(response.status, last);
      if (last && isFinal(last)) return last;
    }
  } catch (error) {
    if (signal.aborted || error instanceof Refusal) throw error;
    if (isOpen) throw new Refusal({ title: "idhook does not respond", detail: "The event stream broke off.", retryable: true, isLost: true, hadEvents: true });
    return undefined;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    silence.abort();
  }
}

/** One event: the state in it, if any. */
function read(event) {
  const field = (name) => event.split("\n").filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join("\n");
  const data = field("data");
  if (!data) return undefined;
  const content = JSON.parse(data);
  if (field("event") !== "problem") {
    report(content);
    return content;
  }
  if (!content.retryable) throw new Refusal(content);
  step(`${content.title}; retrying.`);
  return undefined;
}

/** The evidence that VCF Operations has a group or user. */
const PROVED_BY = { dn: "proved by its DN", name: "proved by its name and domain", id: "proved by its id" };

function outcomeBox(sync) {
  const isGood = sync.status === "succeeded";
  const proofs = ["groups", "users"].flatMap((nouns) => (sync[nouns] || []).map((one) => {
    const more = [one.detail || (one.displayName !== one.requested && one.displayName), PROVED_BY[one.provedBy]].filter(Boolean).join(", ");
    return element("li", {}, badge(one.state), element("span", { class: "mono" }, one.requested), more && element("small", {}, more));
  }));
  const nouns = ["group", "user"].filter((noun) => (sync[`${noun}s`] || []).length).join(" and ");
  const isFailed = sync.status === "failed";
  return box(
    isGood ? "good" : isFailed ? "bad" : "wait",
    isGood ? `Succeeded: ${nouns ? `${product} has every ${nouns}.` : "the run is complete."}` : isFailed ? `Failed: ${(sync.reason || "sync_failed").replaceAll("_", " ")}` : WORDS[sync.status],
    proofs.length > 0 && element("ul", { class: "groups" }, ...proofs),
    fix(sync.hint),
    facts([
      ["Reason", sync.reason],
      ["Message", sync.message],
      ["Changes", changesOf(sync)],
      ["Run started", sync.startedAt && `${dateTime(sync.startedAt)} UTC`],
      ["Run ended", sync.finishedAt && `${dateTime(sync.finishedAt)} UTC`],
    ]),
    sync.id && element("details", {}, element("summary", {}, "Sync id"), element("p", { class: "mono" }, sync.id)),
  );
}
