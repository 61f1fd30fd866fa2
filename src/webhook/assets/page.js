// What the page does. Data goes into the document as text alone; the key is read from its field for each request and kept nowhere.

/** Where idhook is, as this page was reached; a proxy may have put a path before it. */
const ROOT = location.origin + location.pathname.replace(/\/[^/]*$/, "");
/** A stream that is silent for longer is taken for one that a proxy holds back: polling then. Seconds. */
const FIRST_WORD = 10;
const SILENCE = 60;

const byId = (id) => document.getElementById(id);

/** An element with properties and children; a text becomes a text node. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

const code = (text) => element("code", {}, text);
const show = (place, ...children) => byId(place).replaceChildren(...children);

/** What idhook, or the way to it, said no with. */
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
    title: `The answer was ${response.status} ${response.statusText}`,
    detail: "It is not one of idhook's: something between this page and idhook may have given it.",
    instance: response.headers.get("x-request-id"),
    retryable: response.status >= 500,
  });
}

/** One request. Gives the response when it is a good one. */
async function call(path, { method = "GET", headers = {}, body, signal, withKey = true } = {}) {
  headers = { Accept: "application/json", ...headers };
  if (withKey) headers["X-API-Key"] = byId("key").value.trim();
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    // No credentials of the browser's own: with them it would ask for a name and password whenever a key is refused.
    response = await fetch(ROOT + path, { method, headers, body: body && JSON.stringify(body), signal, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch (error) {
    if (signal && signal.aborted) throw error;
    throw new Refusal({ title: "idhook could not be reached", detail: error.message, hint: "look whether it runs, and whether this page's address still leads to it", retryable: true });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** A problem for people: what failed, what to do, how to find it in the log. */
function problemBox(problem) {
  const errors = problem.errors || [];
  // The detail of a request that is not valid says the same as its list.
  const isListed = errors.length > 0 && errors.every((error) => problem.detail.includes(error.detail));
  // Of the configuration: the variable and the place in it.
  const placeOf = (error) => (error.variable ?? "") + error.pointer;
  const item = (text, ...more) => element("li", {}, text, ...more);
  const upstream = problem.upstream;
  const said = upstream && [upstream.call, upstream.status, upstream.code, upstream.message, upstream.remediation].filter(Boolean).join(" · ");
  const list = [
    ...errors.map((error) => item(...(placeOf(error) ? [code(placeOf(error)), " "] : []), error.detail + (error.hint ? `; ${error.hint}` : ""))),
    ...(problem.candidates || []).map((one) => item(`${one.name} (${one.type}): `, code(one.id))),
  ];
  const facts = [
    ["Upstream said", said],
    ["Code", problem.code && `${problem.code} (${problem.status})`],
    ["Request id", problem.instance],
  ].filter(([, value]) => value);
  return element(
    "div",
    { className: "box bad" },
    element("h3", {}, problem.title),
    problem.detail && !isListed ? element("p", {}, problem.detail) : undefined,
    list.length ? element("ul", {}, ...list) : undefined,
    problem.hint ? element("p", {}, element("strong", {}, "What to do: "), problem.hint) : undefined,
    facts.length ? table(facts) : undefined,
  );
}

function table(rows) {
  return element("dl", {}, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", { className: "mono" }, value)]));
}

/** Runs what a button asks for; what is refused is shown in `place`. */
async function guarded(place, work) {
  show(place);
  try {
    return await work();
  } catch (error) {
    const problem = error instanceof Refusal ? error.problem : { title: "This page failed", detail: String(error) };
    show(place, problemBox(problem));
    const key = byId("key");
    key.setAttribute("aria-invalid", String(problem.code === "unauthenticated"));
    return undefined;
  }
}

// Status

function pill(place, text, mark) {
  byId(place).textContent = text;
  byId(place).className = `pill ${mark}`;
}

async function recheck() {
  await Promise.all([checkHealth(), checkReadiness()]);
}

async function checkHealth() {
  try {
    const health = await (await call("/healthz", { withKey: false })).json();
    pill("health", `Up, version ${health.version}`, "good");
  } catch {
    pill("health", "Not reached", "bad");
  }
}

async function checkReadiness() {
  const targets = byId("target");
  const chosen = targets.value;
  let vidm = [];
  show("missing");
  try {
    const ready = await (await call("/readyz", { withKey: false })).json();
    vidm = ready.vidm;
    const told = [["vIDM", ready.vidm], ["SDDC Manager", ready.vcf]].filter(([, names]) => names.length);
    pill("readiness", `Configured: ${told.map(([kind, names]) => `${kind} ${names.join(", ")}`).join("; ")}`, "good");
    if (ready.warnings.length) show("missing", warningBox(ready.warnings));
    byId("list-said").textContent = vidm.length ? "" : "No vIDM target is configured, so there is nothing to sync here.";
  } catch (error) {
    const problem = error instanceof Refusal ? error.problem : { detail: String(error) };
    const missing = problem.code === "not_configured";
    pill("readiness", missing ? "Not configured yet" : "Configuration unknown", missing ? "wait" : "bad");
    byId("list-said").textContent = missing ? "This can be tried as soon as idhook is configured." : "";
    show("missing", missing ? missingBox(problem) : problemBox(problem));
  }
  targets.replaceChildren(...vidm.map((name) => element("option", { value: name, selected: name === chosen }, name)));
  targets.disabled = byId("list").disabled = vidm.length === 0;
  writeSnippet();
}

/** One mistake in the configuration, or one warning: where it is, what is wrong, what to do. */
function mistake(one) {
  return element("li", {}, code(one.variable + one.pointer), ` ${one.detail}${one.hint ? `; ${one.hint}` : ""}`);
}

function missingBox(problem) {
  const hint = problem.hint ? element("p", {}, element("strong", {}, "What to do: "), problem.hint) : undefined;
  return element("div", { className: "box wait" }, element("h3", {}, problem.title), element("ul", {}, ...(problem.errors || []).map(mistake)), hint);
}

function warningBox(warnings) {
  return element("div", { className: "box wait" }, element("h3", {}, "Worth a look in the configuration"), element("ul", {}, ...warnings.map(mistake)));
}

// Directories

let directories = [];

/** Whether there is a key that a header can carry; else says so. */
function hasKey(place) {
  const key = byId("key");
  const fault = key.value.trim() ? !/^[\x20-\x7e]+$/.test(key.value.trim()) && "Only ASCII characters can be sent as a key." : "Type an API key first.";
  if (!fault) return true;
  show(place, element("div", { className: "box bad" }, element("p", {}, fault)));
  key.setAttribute("aria-invalid", "true");
  key.focus();
  return false;
}

async function listDirectories() {
  if (!hasKey("list-problem")) return;
  const button = byId("list");
  button.disabled = true;
  byId("list-said").textContent = "Asking vIDM…";
  const found = await guarded("list-problem", async () => {
    const answer = await call(`/vidm/${encodeURIComponent(byId("target").value)}/v1/directories`);
    return (await answer.json()).directories;
  });
  button.disabled = false;
  setDirectories(found || []);
  const able = directories.filter((directory) => directory.syncable).length;
  byId("list-said").textContent = found ? `${directories.length} directories, ${able} of them can be synced.` : "";
}

function setDirectories(found) {
  directories = found;
  const able = directories.filter((directory) => directory.syncable);
  const choices = [...able, ...directories.filter((directory) => !directory.syncable)].map((directory) => {
    const radio = element("input", { type: "radio", name: "directory", value: directory.id, disabled: !directory.syncable, checked: able.length === 1 && directory.syncable });
    const kind = [directory.type, directory.syncable ? undefined : "cannot be synced"].filter(Boolean).join(", ");
    return element("label", {}, radio, element("span", {}, directory.name || directory.id, element("small", {}, kind)));
  });
  show("directory-list", ...choices);
  byId("directories").hidden = directories.length === 0;
  choose();
}

function chosen() {
  const radio = document.querySelector("input[name=directory]:checked");
  return radio && directories.find((directory) => directory.id === radio.value);
}

function choose() {
  byId("start").disabled = !chosen() || watching !== undefined;
  writeSnippet();
}

/** What the form asks for. */
function order() {
  const directory = chosen();
  const same = (one) => (one.name || "").toLowerCase() === (directory.name || "").toLowerCase();
  const isUnique = directory && directory.name && directories.filter(same).length === 1;
  return {
    root: ROOT,
    target: byId("target").value || "default",
    directory: directory ? (isUnique ? directory.name : directory.id) : "corp.example",
    groups: byId("groups").value.split("\n").map((line) => line.trim()).filter(Boolean),
    addToProfile: byId("add").checked,
  };
}

// Snippets

let current = 0;

function writeSnippet() {
  show("snippet", SNIPPETS[current].write(order()));
  byId("snippet-note").textContent = SNIPPETS[current].note;
}

function selectTab(index, focus) {
  current = (index + SNIPPETS.length) % SNIPPETS.length;
  [...byId("tabs").children].forEach((tab, at) => {
    tab.setAttribute("aria-selected", String(at === current));
    tab.tabIndex = at === current ? 0 : -1;
  });
  byId("panel").setAttribute("aria-labelledby", `tab-${current}`);
  byId("copied").textContent = "";
  if (focus) byId("tabs").children[current].focus();
  writeSnippet();
}

function onTabKey(event) {
  const to = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: SNIPPETS.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  selectTab(to, true);
}

async function copy() {
  const snippet = byId("snippet");
  // The clipboard's interface is there over https and on localhost only.
  const write = navigator.clipboard ? navigator.clipboard.writeText(snippet.textContent) : Promise.reject(new Error("no clipboard"));
  byId("copied").textContent = await write.then(() => "Copied.", () => {
    getSelection().selectAllChildren(snippet);
    return document.execCommand("copy") ? "Copied." : "Selected; copy it with the keyboard.";
  });
}

byId("recheck").addEventListener("click", recheck);
byId("list").addEventListener("click", listDirectories);
byId("key").addEventListener("keydown", (event) => event.key === "Enter" && !byId("list").disabled && listDirectories());
byId("key").addEventListener("input", () => byId("key").removeAttribute("aria-invalid"));
byId("target").addEventListener("change", () => setDirectories([]));
byId("order").addEventListener("input", choose);
byId("order").addEventListener("submit", startSync);
byId("stop").addEventListener("click", () => watching && watching.abort());
byId("copy").addEventListener("click", copy);
byId("tabs").append(
  ...SNIPPETS.map(({ name }, at) => {
    const tab = element("button", { type: "button", role: "tab", id: `tab-${at}` }, name);
    tab.setAttribute("aria-controls", "panel");
    tab.addEventListener("click", () => selectTab(at));
    return tab;
  }),
);
byId("tabs").addEventListener("keydown", onTabKey);
selectTab(0);
recheck();
