// The configuration, the targets, and the directories of a vIDM.

/** The kinds of target, as `/readyz` lists them. A kind that is not here appears under its own name, in the doctor only. */
const KINDS = { vidm: "vIDM", vcf: "SDDC Manager" };
const kindName = (kind) => KINDS[kind] || kind;

/** The names of the targets of each kind. */
let targets = {};
/** Set by the first press of Connect: from then on a view loads its lists when it opens. */
let isConnected = false;

function pill(place, text, look) {
  byId(place).className = `pill ${look}`;
  byId(place).replaceChildren(LOOK_ICONS[look] ? icon(LOOK_ICONS[look]) : "", text);
}

async function recheck() {
  await Promise.all([checkHealth(), checkReadiness()]);
}

async function checkHealth() {
  try {
    const health = await open("/healthz", { withKey: false, seconds: LIMITS.health });
    pill("health", `Up, version ${health.version}`, "good");
  } catch {
    pill("health", "Not reachable", "bad");
  }
}

async function checkReadiness() {
  show("missing");
  targets = {};
  try {
    const ready = await open("/readyz", { withKey: false, seconds: LIMITS.health });
    targets = Object.fromEntries(Object.entries(ready).filter(([kind, names]) => kind !== "warnings" && Array.isArray(names) && names.length));
    const list = Object.entries(targets).map(([kind, names]) => `${kindName(kind)} ${names.join(", ")}`).join("; ");
    pill("readiness", `Configured: ${list}`, "good");
    if (ready.warnings.length) show("missing", warnings(ready.warnings));
  } catch (error) {
    const problem = problemOf(error);
    const isMissing = problem.code === "not_configured";
    pill("readiness", isMissing ? "Not configured yet" : "Configuration unknown", isMissing ? "wait" : "bad");
    show("missing", isMissing ? box("wait", problem.title, element("ul", {}, ...(problem.errors || []).map(mistake)), fix(problem.hint)) : problemBox(problem, recheck));
  }
  document.querySelectorAll("select[data-kind]").forEach(fillTargets);
  byId("list").disabled = Object.keys(targets).length === 0;
  byId("doctor-run").disabled = byId("list").disabled;
  if (!isConnected) forget();
  writeSnippet();
}

function warnings(list) {
  const title = list.length === 1 ? "Check 1 setting" : `Check ${list.length} settings`;
  return element("details", { class: "box wait" }, element("summary", {}, icon("warning"), title), element("ul", {}, ...list.map(mistake)));
}

/** One mistake or warning of the configuration. */
const mistake = (one) => element("li", {}, code(one.variable + one.pointer), ` ${one.detail}${one.hint ? `; ${one.hint}` : ""}`);

/** Fills a list of targets: of one kind, or of all. Its values are `kind/name`. */
function fillTargets(list) {
  const before = list.value;
  const kinds = Object.entries(targets).filter(([kind]) => list.dataset.kind === "*" || kind === list.dataset.kind);
  const options = kinds.flatMap(([kind, names]) => names.map((name) => {
    const value = `${kind}/${name}`;
    const text = list.dataset.kind === "*" ? `${kindName(kind)}: ${name}` : name;
    return element("option", { value, selected: value === before }, text);
  }));
  list.replaceChildren(...options);
  list.disabled = options.length === 0;
}

/** The path of the chosen target's API. */
function targetPath(list) {
  const [kind, name] = byId(list).value.split("/");
  return `/${kind}/${encodeURIComponent(name)}/v1`;
}

/** Empties all lists: nothing has been loaded with the key that is in the field now. */
function forget() {
  isConnected = false;
  setDirectories([]);
  const need = (kind) => targets[kind] ? "Enter an API key and press Connect." : `No ${kindName(kind)} target is configured.`;
  show("directory-list", blank(need("vidm")));
  byId("list-said").textContent = "";
  forgetProviders(need("vcf"));
}

function connect(event) {
  event.preventDefault();
  if (!hasKey()) return;
  forget();
  isConnected = true;
  if (view === "doctor") examine(event);
  else loadView();
}

/** Loads the list of the open view, unless it is loaded. */
function loadView() {
  if (!isConnected) return;
  if (view === "sync" && directories.length === 0 && targets.vidm) listDirectories();
  if (view === "sddc-manager" && providers.length === 0 && targets.vcf) listProviders();
}

// Directories

let directories = [];

async function listDirectories() {
  setDirectories([]);
  show("list-problem");
  show("directory-list", busy("Listing directories…"));
  try {
    setDirectories((await open(`${targetPath("target")}/directories`)).directories);
    markKey("");
  } catch (error) {
    const problem = problemOf(error);
    markKey(problem.code === "unauthenticated" ? problem.title : "");
    show("directory-list", blank("No directories listed."));
    show("list-problem", problemBox(problem, problem.retryable ? listDirectories : undefined));
    return;
  }
  const able = directories.filter((directory) => directory.syncable).length;
  byId("list-said").textContent = `${directories.length} directories, ${able} can be synced.`;
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
  byId("list-said").textContent = "";
  choose();
}

function chosen() {
  const radio = document.querySelector("input[name=directory]:checked");
  return radio ? directories.find((directory) => directory.id === radio.value) : undefined;
}

function choose() {
  byId("start").disabled = !chosen() || watching !== undefined;
  showRunsOf(chosen());
  writeSnippet();
}

/** The sync that the form describes. */
function order() {
  const directory = chosen();
  const same = (one) => (one.name || "").toLowerCase() === (directory.name || "").toLowerCase();
  const isUnique = directory && directory.name && directories.filter(same).length === 1;
  return {
    root: ROOT,
    target: byId("target").value.split("/")[1] || "default",
    directory: directory ? (isUnique ? directory.name : directory.id) : "corp.example",
    groups: byId("groups").value.split("\n").map((line) => line.trim()).filter(Boolean),
    addToProfile: byId("add").checked,
  };
}

// Recent runs

const MOST_RUNS = 6;
/** The id of the directory whose runs are shown. */
let runsOf;

function showRunsOf(directory) {
  byId("reload-runs").disabled = !directory;
  if (directory && directory.id === runsOf) return undefined;
  runsOf = directory && directory.id;
  if (directory) return loadRuns();
  show("runs", blank("Choose a directory to see its recent runs."));
  return undefined;
}

async function loadRuns() {
  const id = runsOf;
  if (!id) return;
  const path = `${targetPath("target")}/directories/${encodeURIComponent(id)}/syncs`;
  await shown("runs", "Loading…", async () => {
    const history = await open(path);
    return id === runsOf ? runsList(history.syncs) : [];
  });
}

function runsList(syncs) {
  if (syncs.length === 0) return blank("vIDM reports no run of this directory.");
  const rows = syncs.slice(0, MOST_RUNS).map((sync) => element("li", {},
    badge(sync.status),
    element("span", {}, element("span", { class: "nowrap" }, sync.startedAt ? `${dateTime(sync.startedAt)} UTC` : ""),
      element("span", { class: "hint" }, sync.finishedAt && sync.startedAt ? ` ·\u00a0${duration(sync.startedAt, sync.finishedAt)}` : "")),
    element("span", { class: "hint" }, sync.message || changesOf(sync))));
  const more = syncs.length - rows.length;
  return [element("ul", { class: "rows runs" }, ...rows), more > 0 && hint(`${more} earlier runs are in the response, under Requests.`)];
}

/** The changes of a run, as text. */
function changesOf(sync) {
  const counts = Object.entries(sync.counts || {}).flatMap(([kind, changes]) =>
    Object.entries(changes).map(([change, count]) => ({ count, text: `${count} ${count === 1 ? kind.replace(/s$/, "") : kind} ${change}` })));
  const changed = counts.filter(({ count }) => count).map(({ text }) => text).join(", ");
  return changed || (counts.some(({ count }) => count === 0) ? "no changes" : "");
}
