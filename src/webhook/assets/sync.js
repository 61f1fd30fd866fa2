// A sync and its progress: started, followed by its event stream or by polling, shown. Part of the page's one script.

/** What ends the watching that goes on. */
let watching;

const isFinal = (sync) => sync.status === "succeeded" || sync.status === "failed";

const WORDS = {
  queued: "Queued: a run is going on that began before this request; a further one follows it.",
  running: "Running.",
  succeeded: "Succeeded.",
  failed: "Failed.",
  unknown: "Unknown: vIDM's answer could not be read.",
};

let lastStep;

function step(text) {
  if (text === lastStep) return;
  lastStep = text;
  byId("steps").append(element("li", {}, element("time", {}, new Date().toLocaleTimeString([], { hour12: false })), element("span", {}, text)));
}

function headline(text) {
  byId("headline").textContent = text;
  byId("headline").className = "";
}

function tell(sync) {
  const word = sync.status === "unknown" && sync.upstream ? ` Its word: ${sync.upstream.status}.` : "";
  step((WORDS[sync.status] || sync.status) + word);
  if (!isFinal(sync)) headline(`${sync.directory.name || sync.directory.id}: ${sync.status}`);
}

async function startSync(event) {
  event.preventDefault();
  if (watching || !hasKey("list-problem")) return;
  const { target, groups, addToProfile } = order();
  const controller = (watching = new AbortController());
  const began = Date.now();
  const clock = () => (byId("elapsed").textContent = `${Math.round((Date.now() - began) / 1000)} s`);
  const ticking = setInterval(clock, 1000);
  byId("stop").hidden = false;
  byId("elapsed").textContent = "";
  lastStep = undefined;
  show("steps");
  headline("Asking for a sync…");
  byId("result-heading").scrollIntoView({ block: "nearest" });
  choose();
  await guarded("outcome", async () => {
    try {
      const syncs = `/vidm/${encodeURIComponent(target)}/v1/syncs`;
      const body = { directory: chosen().id, groups, addToProfile };
      const started = await (await call(syncs, { method: "POST", body, signal: controller.signal })).json();
      step("Asked for.");
      tell(started);
      const ended = await watch(`${syncs}/${encodeURIComponent(started.id)}`, started, controller.signal);
      clock();
      headline(`${ended.directory.name || ended.directory.id}: ${ended.status}`);
      show("outcome", outcomeBox(ended));
    } catch (error) {
      if (!controller.signal.aborted) {
        headline("It did not work.");
        throw error;
      }
      headline("Not watched any more.");
      step("You stopped watching. What has begun in vIDM goes on.");
    }
  });
  clearInterval(ticking);
  watching = undefined;
  byId("stop").hidden = true;
  choose();
}

/** Watches a sync until it is final: by its event stream, and where none comes through, by asking again and again. */
async function watch(path, sync, signal) {
  let streams = true;
  while (!isFinal(sync)) {
    try {
      if (streams) {
        const seen = await stream(path, signal);
        streams = seen !== undefined;
        sync = seen || sync;
        if (!streams) step("No event stream comes through; asking every few seconds instead.");
      } else {
        sync = await (await call(path, { signal })).json();
        tell(sync);
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof Refusal) || !error.problem.retryable) throw error;
      step(`${error.problem.title}; asking again.`);
    }
    if (!isFinal(sync)) await pause((sync.retryAfter || 2) * 1000, signal);
  }
  return sync;
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    setTimeout(resolve, milliseconds);
  });
}

/** The last state that an event stream told before it ended; undefined where it told none. */
async function stream(path, signal) {
  const silence = new AbortController();
  const stop = () => silence.abort();
  signal.addEventListener("abort", stop);
  let timer = setTimeout(stop, FIRST_WORD * 1000);
  let last;
  try {
    const response = await call(path, { headers: { Accept: "text/event-stream" }, signal: silence.signal });
    if (!(response.headers.get("content-type") || "").startsWith("text/event-stream")) return undefined;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return last;
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE * 1000);
      const events = (text + value).split("\n\n");
      text = events.pop();
      for (const event of events) last = hear(event) || last;
      if (last && isFinal(last)) return last;
    }
  } catch (error) {
    if (signal.aborted || (error instanceof Refusal && !error.problem.retryable)) throw error;
    return undefined;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    silence.abort();
  }
}

/** One event: the state it tells, if any. */
function hear(event) {
  const field = (name) => event.split("\n").filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join("\n");
  const data = field("data");
  if (!data) return undefined;
  const told = JSON.parse(data);
  if (field("event") === "problem") {
    if (!told.retryable) throw new Refusal(told);
    step(`${told.title}; asking again.`);
    return undefined;
  }
  tell(told);
  return told;
}

function outcomeBox(sync) {
  const isGood = sync.status === "succeeded";
  const groups = (sync.groups || []).map((group) => {
    const told = group.detail || (group.displayName !== group.requested ? group.displayName : undefined);
    const found = told ? element("small", { className: "hint" }, told) : undefined;
    return element("li", {}, element("strong", {}, group.state), element("span", { className: "mono" }, group.requested), found);
  });
  const counts = Object.entries(sync.counts || {}).flatMap(([kind, changes]) =>
    Object.entries(changes).map(([change, count]) => ({ count, text: `${kind} ${change}: ${count}` })));
  const changed = counts.filter(({ count }) => count).map(({ text }) => text).join(", ");
  const isSaid = counts.some(({ count }) => count === 0);
  const facts = [
    ["Reason", sync.reason],
    ["vIDM said", sync.message],
    ["Changed", changed || (isSaid ? "nothing" : "")],
    ["Run began", sync.startedAt],
    ["Run ended", sync.finishedAt],
  ].filter(([, value]) => value);
  const proof = groups.length ? "the run succeeded, and every group you named is in vIDM." : "the run succeeded.";
  return element(
    "div",
    { className: `box ${isGood ? "good" : "bad"}` },
    element("h3", {}, isGood ? `Succeeded: ${proof}` : `Failed: ${(sync.reason || "sync_failed").replaceAll("_", " ")}`),
    groups.length ? element("ul", { className: "groups" }, ...groups) : undefined,
    sync.hint ? element("p", {}, element("strong", {}, "What to do: "), sync.hint) : undefined,
    table(facts),
    element("details", {}, element("summary", {}, "Sync id"), element("p", { className: "mono" }, sync.id)),
  );
}
