// The configuration, the targets, and the directories of a vIDM or a VCF Operations.

/** The kinds of target, as `/readyz` lists them. A kind that is not here appears under its own name, in the doctor only. */
const KINDS = { vidm: "vIDM", vcf: "SDDC Manager", fleet: "VCF Operations" };
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

/** Reads the targets. If that fails, the known ones stay, with what is chosen. */
async function checkReadiness() {
  show("missing");
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
}

function warnings(list) {
  const title = list.length === 1 ? "Check 1 setting" : `Check ${list.length} settings`;
  return element("details", { class: "box wait" }, element("summary", {}, icon("warning"), title), element("ul", {}, ...list.map(mistake)));
}

/** One mistake or warning of the configuration. */
const mistake = (one) => element("li", {}, code(one.variable + one.pointer), ` ${one.detail}${one.hint ? `; ${one.hint}` : ""}`);

/** Fills a list of targets: of some kinds, or of all. Its values are `kind/name`; the kind is shown where it can differ. If the chosen target is gone, the list changes as if a person had done it. */
function fillTargets(list) {
  const before = list.value;
  const isForAll = list.dataset.kind === "*";
  const kinds = Object.entries(targets).filter(([kind]) => isForAll || list.dataset.kind.split(" ").includes(kind));
  const options = kinds.flatMap(([kind, names]) => names.map((name) => {
    const value = `${kind}/${name}`;
    const text = isForAll || kinds.length > 1 ? `${kindName(kind)}: ${name}` : name;
    return element("option", { value, selected: value === before }, text);
  }));
  list.replaceChildren(...options);
  list.disabled = options.length === 0;
  if (list.value !== before) list.dispatchEvent(new Event("change"));
}

/** The chosen target: `{kind, name}`; an example while there is none. */
function targetOf(list) {
  const [kind, name] = (byId(list).value || `${byId(list).dataset.kind.split(" ")[0]}/default`).split("/");
  return { kind, name };
}

/** The path of the chosen target's API. */
function targetPath(list) {
  const { kind, name } = targetOf(list);
  return `/${kind}/${encodeURIComponent(name)}/v1`;
}

/** The product of the chosen target. */
const productOf = (list) => kindName(targetOf(list).kind);

/** Empties all lists: nothing has been loaded with the key that is in the field now. */
function forget() {
  isConnected = false;
  forgetDirectories();
  forgetProviders();
}

/** What a person has to do before the list of a target can be loaded. */
function need(list) {
  const { disabled, dataset } = byId(list);
  return disabled ? `No ${dataset.kind.split(" ").map(kindName).join(" or ")} target is configured.` : "Enter an API key and press Connect.";
}

function forgetDirectories() {
  setDirectories([]);
  show("directory-list", blank(need("target")));
}

/** Another target is chosen: what is shown belongs to the former one. */
function changeTarget(forgetList) {
  forgetList();
  loadView();
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
  if (view === "sync" && directories.length === 0 && !byId("target").disabled) listDirectories();
  if (view === "identity-providers" && providers.length === 0 && !byId("idp-target").disabled) listProviders();
}

// Directories

let directories = [];

async function listDirectories() {
  setDirectories([]);
  const path = `${targetPath("target")}/directories`;
  const { result, problem } = await awaited("directory-list", "Listing directories…", () => open(path));
  if (problem) {
    show("directory-list", blank("No directories listed."));
    show("list-problem", problemBox(problem, problem.retryable ? listDirectories : undefined));
  }
  if (!result) return;
  markKey("");
  setDirectories(result.directories);
  const able = directories.filter((directory) => directory.syncable).length;
  byId("list-said").textContent = `${directories.length} directories, ${able} can be synced.`;
}

function setDirectories(found) {
  directories = found;
  const able = directories.filter((directory) => directory.syncable);
  const choices = [...able, ...directories.filter((directory) => !directory.syncable)].map((directory) => {
    const radio = element("input", { type: "radio", name: "directory", value: directory.id, disabled: !directory.syncable, checked: able.length === 1 && directory.syncable });
    const about = [directory.type, ...realmOf(directory), directory.syncable ? undefined : "cannot be synced"].filter(Boolean).join(", ");
    return element("label", {}, radio, element("span", {}, directory.name || directory.id, element("small", {}, about)));
  });
  show("directory-list", ...choices);
  show("list-problem");
  byId("list-said").textContent = "";
  choose();
}

/** The realm and the state of a directory of VCF Operations. */
const realmOf = ({ realm, status }) => (realm ? [`realm ${realm.name || realm.id}`, status ? `last sync ${status}` : "never synced"] : []);

function chosen() {
  const radio = document.querySelector("input[name=directory]:checked");
  return radio ? directories.find((directory) => directory.id === radio.value) : undefined;
}

function choose() {
  const { kind } = targetOf("target");
  byId("profile-scope").textContent = `${kind}:profile`;
  byId("provision-field").hidden = kind !== "fleet";
  if (kind !== "fleet") byId("provision").checked = false;
  byId("start").disabled = !chosen() || watching !== undefined;
  byId("start").textContent = byId("provision").checked ? "Bring groups in" : "Start sync";
  showRunsOf(chosen());
  writeSnippet();
}

/** The sync that the form describes. */
function order() {
  const directory = chosen();
  // A directory is found by its domains too.
  const same = (one) => [one.name, ...(one.domains || [])].some((name) => (name || "").toLowerCase() === directory.name.toLowerCase());
  const isUnique = directory && directory.name && directories.filter(same).length === 1;
  const users = linesOf("users");
  return {
    root: ROOT,
    syncs: `${targetPath("target")}/syncs`,
    product: productOf("target"),
    directory: directory ? (isUnique ? directory.name : directory.id) : "corp.example",
    groups: linesOf("groups"),
    more: {
      ...(users.length && { users }),
      ...(byId("add").checked && { addToProfile: true }),
      ...(byId("provision").checked && { provision: true }),
    },
  };
}

const linesOf = (id) => byId(id).value.split("\n").map((line) => line.trim()).filter(Boolean);

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
  await shown("runs", "Loading…", async () => runsList((await open(path)).syncs));
}

function runsList(syncs) {
  if (syncs.length === 0) return blank(`${productOf("target")} reports no run of this directory.`);
  const rows = syncs.slice(0, MOST_RUNS).map((sync) => element("li", {},
    badge(sync.status),
    element("span", {}, element("span", { class: "nowrap" }, sync.startedAt || sync.finishedAt ? `${sync.startedAt ? "" : "ended "}${dateTime(sync.startedAt || sync.finishedAt)} UTC` : ""),
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
