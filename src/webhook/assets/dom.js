// Elements, icons, times. Data enters the document as text only: the page never parses markup.

const byId = (id) => document.getElementById(id);

/** An element with properties and children; `class`, `role`, `aria-*` and `data-*` are set as attributes. Absent children are left out. */
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key === "class" || key === "role" || key.includes("-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

const code = (text) => element("code", {}, text);
const strong = (text) => element("strong", {}, text);
const hint = (...children) => element("p", { class: "hint" }, ...children);
const show = (place, ...children) => byId(place).replaceChildren(...children.filter(Boolean));

/** Outlines on a grid of 24 by 24. */
const ICONS = {
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  warning: "M12 4v10M12 19v.5",
  skip: "M6 12h12",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** The look of each state. A state that is not listed is neutral. */
const LOOKS = {
  succeeded: "good", present: "good", ok: "good", active: "good", created: "good", unchanged: "good",
  failed: "bad", absent: "bad",
  warning: "wait", unknown: "wait", running: "wait", queued: "wait", updated: "wait",
};
const LOOK_ICONS = { good: "check", bad: "cross", wait: "warning" };

const badge = (word, look = LOOKS[word] || "") => element("span", { class: `badge ${look}` }, icon(LOOK_ICONS[look] || "skip"), word);

const box = (look, title, ...children) =>
  element("div", { class: `box ${look}` }, element("h3", {}, look && icon(LOOK_ICONS[look]), title), ...children);

const fix = (text) => text && element("p", {}, strong("What to do: "), text);

function facts(rows) {
  const given = rows.filter(([, value]) => value);
  return given.length ? element("dl", {}, ...given.map(([name, value]) => [element("dt", {}, name), element("dd", { class: "mono" }, value)])) : undefined;
}

const blank = (text) => element("p", { class: "blank" }, text);
const busy = (text) => element("p", { class: "blank busy", role: "status" }, element("span", { class: "spinner", "aria-hidden": "true" }), text);

// Every time on the page is in UTC, as in idhook's log and its responses.

/** `15:04:05` */
const clockTime = (date) => date.toISOString().slice(11, 19);
/** `2026-11-26 15:04:05` */
const dateTime = (text) => {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date.toISOString().slice(0, 19).replace("T", " ");
};

function duration(from, to) {
  const seconds = Math.round((new Date(to) - new Date(from)) / 1000);
  if (!(seconds >= 0)) return "";
  return seconds < 60 ? `${seconds}\u00a0s` : `${Math.floor(seconds / 60)}\u00a0min ${seconds % 60}\u00a0s`;
}

/** Copies the text of `source` and confirms it on the button. */
async function copyText(button, source) {
  // The Clipboard API exists over https and on localhost only.
  const write = navigator.clipboard ? navigator.clipboard.writeText(source.textContent) : Promise.reject(new Error("no clipboard"));
  const isCopied = await write.then(() => true, () => {
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  });
  button.replaceChildren(isCopied ? icon("check") : "", isCopied ? "Copied" : "Press Ctrl+C");
  button.classList.toggle("done", isCopied);
  byId("announce").textContent = isCopied ? "Copied to the clipboard." : "The text is selected. Press Ctrl+C to copy it.";
  clearTimeout(button.timer);
  button.timer = setTimeout(() => {
    button.replaceChildren("Copy");
    button.classList.remove("done");
    byId("announce").textContent = "";
  }, 2500);
}

/** A block of code with its copy button; `name` is for a screen reader, where the page has several blocks with this label. */
function codeBlock(text, language, label, name = label) {
  const source = element("code", {}, ...highlight(text, language));
  const button = element("button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", () => copyText(button, source));
  const pre = element("pre", { tabIndex: 0, role: "region", "aria-label": name }, source);
  return element("div", {}, element("div", { class: "row spread" }, element("p", { class: "label" }, strong(label)), button), pre);
}
