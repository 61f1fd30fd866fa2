// The API reference: a renderer for as much of OpenAPI 3.1 as idhook's own document uses.

let contract;
/** The operations by id: `{id, method, path, tag, operation}`. */
let operations = [];

async function loadReference() {
  if (!contract) {
    const isLoaded = await shown("operation", "Loading the reference…", async () => {
      contract = await open("/openapi.json", { withKey: false });
      operations = Object.entries(contract.paths).flatMap(([path, methods]) =>
        Object.entries(methods).filter(([, operation]) => operation.operationId).map(([method, operation]) => ({ id: operation.operationId, method, path, tag: (operation.tags || [])[0], operation })));
      return [];
    });
    if (!isLoaded) return;
    listOperations();
  }
  showOperation(decodeURIComponent(location.hash.split("/")[1] || ""));
}

/** The target of a `$ref`; fields beside the `$ref` override it. */
function resolve(node) {
  if (!node || !node.$ref) return node || {};
  const { $ref, ...beside } = node;
  const found = $ref.slice(2).split("/").reduce((at, step) => (at || {})[step.replaceAll("~1", "/").replaceAll("~0", "~")], contract);
  return { ...resolve(found), ...beside };
}

const schemaName = (node) => (node && node.$ref ? node.$ref.split("/").pop() : undefined);
const methodTag = (method) => element("span", { class: `method m-${method}` }, method.toUpperCase());

function listOperations() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const fits = ({ method, path, operation }) => `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase().includes(wanted);
  const groups = contract.tags.map(({ name }) => ({ name, items: operations.filter((one) => one.tag === name && fits(one)) })).filter(({ items }) => items.length);
  const parts = groups.flatMap(({ name, items }) => [
    element("h2", {}, name),
    element("ul", {}, ...items.map(({ id, method, operation }) => element("li", {}, element("a", { href: `#reference/${id}` }, methodTag(method), operation.summary)))),
  ]);
  const overview = element("ul", {}, element("li", {}, element("a", { href: "#reference" }, element("span"), "Overview and authentication")));
  show("operations", wanted ? "" : overview, ...(parts.length ? parts : [blank("No operation matches.")]));
  markCurrent();
}

function markCurrent() {
  document.querySelectorAll("#operations a").forEach((link) => {
    if (link.hash === location.hash) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
}

function showOperation(id) {
  const found = operations.find((one) => one.id === id);
  // A narrow window shows the list or the operation.
  document.querySelector(".reference").toggleAttribute("data-chosen", Boolean(found));
  show("operation", ...(found ? operationParts(found) : overviewParts()));
  markCurrent();
}

function overviewParts() {
  const { info, components } = contract;
  const schemes = Object.entries(components.securitySchemes).map(([name, scheme]) => element("li", {}, element("p", {}, element("span", { class: "name mono" }, name)), prose(scheme.description)));
  return [
    element("h2", {}, `${info.title} ${info.version}`),
    prose(info.summary),
    prose(info.description),
    part("Authentication", element("ul", { class: "props" }, ...schemes)),
  ];
}

const part = (title, ...children) => element("section", {}, element("h3", {}, title), ...children);

function operationParts({ method, path, operation }) {
  const parameters = [...(contract.paths[path].parameters || []), ...(operation.parameters || [])].map(resolve);
  const scope = Object.values((operation.security || [])[0] || {})[0];
  const body = operation.requestBody && resolve(operation.requestBody);
  const responses = Object.entries(operation.responses).map(([status, response]) => ({ status, ...resolve(response) }));
  const good = responses.filter(({ status }) => status < 400);
  const bad = responses.filter(({ status }) => status >= 400);
  return [
    element("p", { class: "back" }, element("a", { href: "#reference" }, "All operations")),
    element("h2", {}, operation.summary),
    element("p", { class: "url" }, methodTag(method), ` ${path}`),
    hint(scope && scope.length ? ["Needs the scope ", ...scope.map(code)] : "Needs no key"),
    // The scope stands above.
    prose((operation.description || "").replace(/\n*Scope: [^\n]*$/, "")),
    parameters.length > 0 && part("Parameters", element("ul", { class: "props" }, ...parameters.map((one) =>
      property(one.name, { ...one.schema, description: one.description }, one.required, one.in)))),
    body && part("Request body", ...content(body, "Request")),
    part("Responses", ...good.map((response) => answer(response, true))),
    bad.length > 0 && part("Errors", hint("Problem documents (RFC 9457) with a stable ", code("code"), ", unless stated otherwise."), ...bad.map((response) => answer(response, false))),
  ].filter(Boolean);
}

/** A response, drawn when it is opened. */
function answer(response, isGood) {
  const text = (response.description || "").split("\n")[0];
  const summary = element("summary", {}, badge(response.status, isGood ? "good" : "bad"), element("span", { class: "hint" }, ...(isGood ? inline(text) : [codesOf(response)])));
  return lazy("answer", summary, () => [
    prose(response.description),
    response.headers && hint("Headers: ", ...Object.keys(response.headers).flatMap((name, at) => [at ? ", " : "", code(name)])),
    ...content(response, "Response"),
  ]);
}

const codesOf = (response) => [...(response.description || "").matchAll(/`([a-z_]+)`/g)].map(([, word]) => word).join(", ");

function lazy(className, summary, draw) {
  const inside = element("div", { class: "prose" });
  const made = element("details", { class: className }, summary, inside);
  made.addEventListener("toggle", () => made.open && !inside.firstChild && inside.append(...draw().filter(Boolean)));
  return made;
}

/** The schema and the examples of a body, in each of its media types. */
function content(body, label) {
  return Object.entries(body.content || {}).flatMap(([type, media]) => {
    const examples = Object.entries(media.examples || {}).map(([name, example]) => ({ name, value: resolve(example).value }));
    return [
      hint(code(type)),
      media.schema && type.includes("json") ? element("div", {}, schemaPart(media.schema)) : undefined,
      ...examples.map(({ name, value }) => codeBlock(typeof value === "string" ? value : JSON.stringify(value, null, 2), "json", `${label} example: ${name.replaceAll("_", " ")}`)),
    ].filter(Boolean);
  });
}

function typeOf(schema) {
  const name = schemaName(schema);
  const one = resolve(schema);
  if (one.const !== undefined) return JSON.stringify(one.const);
  if (one.enum) return [one.type].flat().join(" or ") || "value";
  if (one.type === "array") return `array of ${typeOf(one.items || {})}`;
  if (one.anyOf || one.oneOf) return (one.anyOf || one.oneOf).map(typeOf).join(" or ");
  const type = [one.type].flat().filter(Boolean).join(" or ") || "any";
  return name && type === "object" ? name : one.format ? `${type} (${one.format})` : type;
}

/** The properties of a schema, of its items or of its parts. */
function propertiesOf(schema) {
  const one = resolve(schema);
  if (one.type === "array") return propertiesOf(one.items || {});
  const parts = [one, ...(one.allOf || []).map(resolve)];
  return { properties: Object.assign({}, ...parts.map((inner) => inner.properties)), required: parts.flatMap((inner) => inner.required || []) };
}

function schemaPart(schema) {
  const one = resolve(schema);
  const choices = one.anyOf || one.oneOf;
  if (choices) {
    return element("div", {}, ...choices.map((choice) =>
      lazy("", element("summary", {}, typeOf(choice)), () => [prose(resolve(choice).description), schemaPart(choice)])));
  }
  const { properties, required } = propertiesOf(schema);
  return element("ul", { class: "props" }, ...Object.entries(properties).map(([name, inner]) => property(name, inner, required.includes(name))));
}

function property(name, schema, isRequired, place) {
  const one = resolve(schema);
  const isNested = Object.keys(propertiesOf(schema).properties).length > 0 || one.anyOf || one.oneOf;
  const values = one.enum && !/^\* `/m.test(one.description || "") ? element("p", { class: "hint" }, "One of ", ...one.enum.flatMap((value, at) => [at ? ", " : "", code(String(value))])) : undefined;
  const limits = [one.default !== undefined && `default ${JSON.stringify(one.default)}`, one.minimum !== undefined && `at least ${one.minimum}`,
    one.maximum !== undefined && `at most ${one.maximum}`, one.example !== undefined && `for example ${JSON.stringify(one.example)}`].filter(Boolean).join(", ");
  return element("li", {},
    element("p", {}, element("span", { class: "name mono" }, name), element("span", { class: "type mono" }, typeOf(schema)),
      place && element("span", { class: "type" }, `in ${place}`), isRequired && element("span", { class: "req" }, "required")),
    prose(one.description),
    values,
    limits && hint(limits),
    isNested && lazy("", element("summary", {}, "Fields"), () => [schemaPart(schema)]));
}

// Markdown, as far as the document uses it: paragraphs, lists, code, strong text, links.

function prose(text) {
  if (!text) return undefined;
  const blocks = text.trim().split(/\n{2,}/).flatMap((block) => {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => /^[*-] /.test(line));
    if (at < 0) return [element("p", {}, ...inline(block))];
    const items = lines.slice(at).join("\n").split(/\n?^[*-] /m).filter(Boolean);
    const list = element("ul", {}, ...items.map((item) => element("li", {}, ...inline(item))));
    return at ? [element("p", {}, ...inline(lines.slice(0, at).join(" "))), list] : [list];
  });
  return element("div", { class: "prose" }, ...blocks);
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(https?:[^)\s]+\))/).filter(Boolean).map((piece) => {
    if (piece[0] === "`" && piece.length > 2) return code(piece.slice(1, -1));
    if (piece.startsWith("**")) return strong(piece.slice(2, -2));
    const link = piece.match(/^\[([^\]]+)\]\((https?:[^)]+)\)$/);
    return link ? element("a", { href: link[2], rel: "noreferrer" }, link[1]) : piece;
  });
}
