// The views, the code tabs, and the handler of each control.

const VIEWS = ["sync", "identity-providers", "doctor", "reference"];
/** The open view; the address names it after `#`. */
let view = VIEWS[0];

function openView(event) {
  const wanted = location.hash.slice(1).split("/")[0];
  // Another anchor, such as that of the skip link, is no view.
  if (wanted && !VIEWS.includes(wanted)) return;
  const isNew = view !== (wanted || VIEWS[0]);
  view = wanted || VIEWS[0];
  for (const name of VIEWS) byId(`view-${name}`).hidden = name !== view;
  for (const id of ["access", "missing", "requests"]) byId(id).hidden = view === "reference";
  document.querySelectorAll(".top nav a").forEach((link) => {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  const title = byId(`view-${view}`).querySelector("h1");
  document.title = view === VIEWS[0] ? "idhook" : `${title.textContent} · idhook`;
  if (event && isNew) {
    scrollTo(0, 0);
    title.focus({ preventScroll: true });
  }
  if (view === "reference") loadReference().then(() => event && !isNew && byId("operation").scrollIntoView({ block: "start" }));
  else loadView();
  placeRunbar();
}

// Code for automation

let current = 0;

function writeSnippet() {
  show("snippet", ...highlight(SNIPPETS[current].write(order()), SNIPPETS[current].language));
  byId("snippet-note").textContent = SNIPPETS[current].note;
}

function selectTab(index, focus) {
  current = (index + SNIPPETS.length) % SNIPPETS.length;
  [...byId("tabs").children].forEach((tab, at) => {
    tab.setAttribute("aria-selected", String(at === current));
    tab.tabIndex = at === current ? 0 : -1;
  });
  byId("panel").setAttribute("aria-labelledby", `tab-${current}`);
  if (focus) byId("tabs").children[current].focus();
  writeSnippet();
}

function onTabKey(event) {
  const to = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: SNIPPETS.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  selectTab(to, true);
}

const on = (id, event, act) => byId(id).addEventListener(event, act);

on("recheck", "click", recheck);
on("connect", "submit", connect);
on("key", "input", () => {
  markKey("");
  if (isConnected) forget();
});
on("target", "change", () => changeTarget(forgetDirectories));
on("order", "change", (event) => {
  // Either of the two, because the second starts no sync.
  for (const [one, other] of [["add", "provision"], ["provision", "add"]]) if (event.target.id === one && event.target.checked) byId(other).checked = false;
  choose();
});
on("order", "input", writeSnippet);
on("order", "submit", startSync);
on("stop", "click", () => watching && watching.abort());
on("reload-runs", "click", loadRuns);
on("idp-target", "change", () => changeTarget(forgetProviders));
on("put-what", "change", pickObject);
on("put", "submit", preview);
on("put-spec", "input", () => byId("put-fault").textContent && specFault(""));
on("examine", "submit", examine);
on("filter", "input", () => contract && listOperations());
on("runbar", "click", () => showResult());
on("copy", "click", () => copyText(byId("copy"), byId("snippet")));
byId("tabs").append(
  ...SNIPPETS.map(({ name }, at) => {
    const tab = element("button", { type: "button", role: "tab", id: `tab-${at}`, "aria-controls": "panel" }, name);
    tab.addEventListener("click", () => selectTab(at));
    return tab;
  }),
);
on("tabs", "keydown", onTabKey);
new IntersectionObserver((entries) => {
  isResultInSight = entries[entries.length - 1].isIntersecting;
  placeRunbar();
}, { rootMargin: "-56px 0px 0px" }).observe(document.querySelector("#result .headline"));
addEventListener("hashchange", openView);
selectTab(0);
forget();
openView();
recheck();
