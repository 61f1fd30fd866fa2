// The doctor: the checks of one target.

function examine(event) {
  event.preventDefault();
  if (!hasKey() || !byId("doctor-target").value) return;
  const target = byId("doctor-target").selectedOptions[0].textContent;
  const path = `${targetPath("doctor-target")}/doctor`;
  shown("checks", `Checking ${target}…`, async () => {
    try {
      return diagnosis(await open(path), target);
    } catch (error) {
      if (error instanceof Refusal && error.problem.code === "forbidden") return [needsAdmin(error.problem)];
      throw error;
    }
  });
}

function diagnosis(found, target) {
  const count = (result) => found.checks.filter((check) => check.result === result).length;
  const parts = ["failed", "warning", "ok", "skipped"].map((result) => count(result) && `${count(result)} ${result}`).filter(Boolean).join(", ");
  const look = !found.ok ? "bad" : count("warning") ? "wait" : "good";
  const title = { bad: "needs attention", wait: "works, with warnings", good: "is healthy" }[look];
  const items = found.checks.map((check) => element("li", {},
    badge(check.result),
    strong(sentence(check.check)),
    element("div", {}, element("p", {}, check.detail), fix(check.hint)),
    element("span", { class: "hint nowrap" }, `${check.ms} ms`)));
  return [box(look, `${target} ${title}`, element("p", {}, parts)), element("ul", { class: "rows checks" }, ...items)];
}

/** `sync_state` as `Sync state`. */
const ACRONYMS = { tls: "TLS", scim: "SCIM", dns: "DNS", api: "API" };
function sentence(name) {
  const text = name.split("_").map((word) => ACRONYMS[word] || word).join(" ");
  return text[0].toUpperCase() + text.slice(1);
}

function needsAdmin(problem) {
  return box(
    "wait",
    "This key cannot run the doctor",
    element("p", {}, problem.detail ? `${sentence(problem.detail)}. ` : "", "The doctor shows account and network details, so it needs the scope ", code("admin"), "."),
    fix("create a key with that scope, add its entry to api_keys, and connect with it."),
    codeBlock("cargo xtask key --name doctor --scope admin", "shell", "Create a key"),
    facts([["Code", `${problem.code} (${problem.status})`], ["Request id", problem.instance]]),
  );
}
