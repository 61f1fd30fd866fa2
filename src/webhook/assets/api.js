// Requests to idhook, their problems, and the list of requests at the end of the page.

/** Where idhook is, as this page was reached; a proxy may have put a path before it. */
const ROOT = location.origin + location.pathname.replace(/\/[^/]*$/, "");

/** Seconds. An object, so that a test can shorten them. */
const LIMITS = {
  /** A response takes longer than this only if idhook is gone: idhook itself gives up after 25 s by default. */
  request: 40,
  /** An event stream that is silent for this long at its beginning is held back by a proxy. */
  firstEvent: 10,
  /** A stream sends something at least every 10 s, plus the time of one call to the target. */
  silence: 40,
  /** `/healthz` calls no other server. */
  health: 5,
  /** How long idhook may be gone before the page stops watching. */
  lost: 60,
};

/** How many requests the page lists. */
const MOST_EXCHANGES = 12;

/** A problem document from idhook, or one for a response that is not from idhook. */
class Refusal extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

async function refusal(response) {
  const problem = await response.json().catch(() => undefined);
  if (problem && problem.title) return new Refusal(problem);
  return new Refusal({
    title: `Unexpected response: ${response.status} ${response.statusText}`.trim(),
    detail: "The response does not come from idhook. A proxy between this page and idhook may have sent it.",
    instance: response.headers.get("x-request-id"),
    retryable: response.status >= 500,
    isLost: response.status >= 500,
  });
}

const keyHeader = () => ({ "X-API-Key": byId("key").value.trim() });

/** One request. Gives the content of the response (of an event stream: the response itself) if it succeeded, a `Refusal` if not. With `signal` the caller limits the time itself. */
async function open(path, { method = "GET", accept = "application/json", body, signal, withKey = true, seconds = LIMITS.request } = {}) {
  const headers = { Accept: accept, ...(withKey ? keyHeader() : {}), ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = seconds && setTimeout(stop, seconds * 1000);
  if (signal) signal.addEventListener("abort", stop);
  const record = withKey ? exchange(method, path, body) : () => {};
  try {
    // Without `omit`, a browser opens its own password dialog when a key is rejected.
    const response = await fetch(ROOT + path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: limit.signal,
      cache: "no-store", credentials: "omit", redirect: "error",
    });
    if (!response.ok) {
      const refused = await refusal(response);
      record(response.status, refused.problem);
      throw refused;
    }
    if (accept === "text/event-stream") {
      record(response.status, "An event stream; its last state appears here.");
      return Object.assign(response, { record });
    }
    const answer = response.status === 204 ? undefined : await response.json();
    record(response.status, answer);
    return answer;
  } catch (error) {
    if (error instanceof Refusal || (signal && signal.aborted)) throw error;
    record("no response", error.message);
    throw new Refusal({
      title: "idhook does not respond",
      detail: limit.signal.aborted ? `No response for ${seconds} seconds.` : "The connection failed.",
      hint: "check that idhook runs and that this page's address still leads to it",
      retryable: true,
      isLost: true,
    });
  } finally {
    clearTimeout(timer);
    if (signal) signal.removeEventListener("abort", stop);
  }
}

/** Shows a problem: the failure, the fix, the request id for the log; with `retry`, a button. */
function problemBox(problem, retry) {
  const errors = problem.errors || [];
  // The detail of an invalid request repeats its list.
  const isListed = errors.length > 0 && errors.every((error) => (problem.detail || "").includes(error.detail));
  const placeOf = (error) => (error.variable ?? "") + error.pointer;
  const item = (...children) => element("li", {}, ...children);
  const upstream = problem.upstream;
  const list = [
    ...errors.map((error) => item(placeOf(error) && [code(placeOf(error)), " "], error.detail + (error.hint ? `; ${error.hint}` : ""))),
    ...(problem.candidates || []).map((one) => item(`${one.name} (${one.type}): `, code(one.id))),
  ];
  const button = retry && element("button", { type: "button" }, "Retry");
  if (button) button.addEventListener("click", retry);
  return box(
    "bad",
    problem.title,
    problem.detail && !isListed && element("p", {}, problem.detail),
    list.length > 0 && element("ul", {}, ...list),
    fix(problem.hint),
    /^https?:/.test(problem.type || "") && element("p", {}, element("a", { href: problem.type, rel: "noreferrer" }, "Documentation of this error")),
    facts([
      ["Upstream", upstream && [upstream.call, upstream.status, upstream.code, upstream.message, upstream.remediation].filter(Boolean).join(" · ")],
      ["Code", problem.code && `${problem.code} (${problem.status})`],
      ["Request id", problem.instance],
    ]),
    button,
  );
}

const problemOf = (error) => (error instanceof Refusal ? error.problem : { title: "This page failed", detail: String(error) });

/** Shows `waiting` in `place` while `work` runs. Gives `{result}` or `{problem}`; neither if `place` shows something else by then: the response is late, and what it is for is no longer chosen. */
async function awaited(place, waiting, work) {
  const mark = busy(waiting);
  show(place, mark);
  const ended = await work().then((result) => ({ result }), (error) => ({ problem: problemOf(error) }));
  if (!mark.isConnected) return {};
  if (ended.problem) markKey(ended.problem.code === "unauthenticated" ? ended.problem.title : "");
  return ended;
}

/** Does `work` and shows its result in `place`, or the problem with a button to retry. Returns whether it succeeded. */
async function shown(place, waiting, work) {
  const { result, problem } = await awaited(place, waiting, work);
  if (result) show(place, ...[result].flat());
  if (problem) show(place, problemBox(problem, problem.retryable ? () => shown(place, waiting, work) : undefined));
  return Boolean(result);
}

/** Shows the fault of the key, or removes it. */
function markKey(fault) {
  byId("key-fault").textContent = fault;
  byId("key").setAttribute("aria-invalid", String(Boolean(fault)));
}

/** Whether the key can be sent. If not, shows the reason. */
function hasKey() {
  const key = byId("key").value.trim();
  const fault = !key ? "Enter an API key first." : /^[\x20-\x7e]+$/.test(key) ? "" : "A key has ASCII characters only.";
  markKey(fault);
  if (fault) byId("key").focus();
  return !fault;
}

// The list of requests

const SECRETS = new Set(["password", "bindDnPassword", "clientSecret"]);
const pretty = (value) =>
  typeof value === "string" ? value : JSON.stringify(value, (name, inner) => (SECRETS.has(name) && inner ? "(hidden)" : inner), 2);

/** How many requests the page has listed. */
let listed = 0;

/** Lists a request, and returns a function that adds its response. */
function exchange(method, path, body) {
  const which = `${(listed += 1)}, ${method} ${path}`;
  const began = performance.now();
  const state = element("span", { class: "hint" }, "waiting");
  const content = { status: undefined, answer: undefined };
  const detail = element("div");
  const draw = () => detail.replaceChildren(
    codeBlock(curlOf(method, path, body), "shell", "Request", `Request ${which}`),
    content.answer === undefined ? hint(content.status ? "The response has no body." : "No response yet.") : codeBlock(pretty(content.answer), "json", "Response", `Response ${which}`),
  );
  const summary = element("summary", {},
    element("span", { class: `method m-${method.toLowerCase()}` }, method), element("span", { class: "mono", title: path }, path), state, element("time", {}, clockTime(new Date())));
  const item = element("details", { class: "exchange" }, summary, detail);
  item.addEventListener("toggle", () => item.open && draw());
  const list = byId("exchanges");
  if (!list.querySelector("details")) list.replaceChildren();
  list.prepend(item);
  while (list.children.length > MOST_EXCHANGES) list.lastChild.remove();
  return (status, answer) => {
    Object.assign(content, { status, answer });
    const isGood = Number(status) < 400;
    state.replaceChildren(badge(String(status), isGood ? "good" : "bad"), ` ${Math.round(performance.now() - began)} ms`);
    if (item.open) draw();
  };
}

/** The request as a command; the key and passwords are not in it. */
function curlOf(method, path, body) {
  const lines = [`curl ${method === "GET" ? "" : `-X ${method} `}-H "X-API-Key: $IDHOOK_KEY"`];
  if (body !== undefined) lines.push(`-H 'Content-Type: application/json'`, `-d ${shell(pretty(body))}`);
  return [...lines, shell(ROOT + path)].join(" \\\n  ");
}
