// Identity providers of SDDC Manager and VCF Operations, and the preview of a change. Nothing here changes a provider.

/** The elements of the list: providers of SDDC Manager, or realms of VCF Operations with their `provider`. */
let providers = [];

/** The specification of a new object, to fill in. */
const NEW_SOURCE = {
  name: "", ldap: { type: "ActiveDirectory", domainAlias: "", username: "", password: "",
    sourceDetails: { usersBaseDn: "", groupsBaseDn: "", serverEndpoints: ["ldaps://dc01.corp.example:636"], certChain: [] } },
};
const NEW_PROVIDER = {
  name: "", type: "AD_FS", certChain: [],
  oidc: { clientId: "", clientSecret: "", discoveryEndpoint: "https://adfs.corp.example/adfs/.well-known/openid-configuration" },
  ldap: { ...NEW_SOURCE.ldap, domainName: "corp.example" },
};

const NEW_IN_REALM = {
  name: "", ssoRealmId: "", idpType: "ADLDAP", idpProtocol: "LDAP_BIND", provisionType: "LDAP",
  provisioningConfig: { ldapConfigurations: [{ name: "corp", domains: ["corp.example"], ldapBindConfiguration: {
    type: "ACTIVE_DIRECTORY_LDAP", baseDn: "", bindDn: "", bindDnPassword: "", directorySearchAttribute: "sAMAccountName",
    primaryDomainController: { host: "dc01.corp.example", port: 389, protocol: "LDAP" } } }] },
};

/** The objects that can be previewed: `{text, path, spec}`; a new source has a `parent` until its domain is known. */
let objects = [];

function forgetProviders() {
  setProviders([]);
  show("providers", blank(need("idp-target")));
}

function setProviders(found) {
  providers = found;
  setObjects();
}

async function listProviders() {
  setProviders([]);
  const base = targetPath("idp-target");
  const { result, problem } = await awaited("providers", "Listing identity providers…", async () => {
    const [list, version] = await Promise.all([open(`${base}/identity-providers`), base.startsWith("/vcf/") && versionPart(base)]);
    const found = list.elements || [];
    return { found, parts: [version, ...found.map((one) => providerPart(one.realm ? inRealm(one) : one))] };
  });
  if (problem) show("providers", problemBox(problem, problem.retryable ? listProviders : undefined));
  if (!result) return;
  markKey("");
  show("providers", ...result.parts, result.found.length === 0 && blank(`${productOf("idp-target")} reports no identity provider.`));
  setProviders(result.found);
}

/** SDDC Manager's version, and what it deprecates. The list is complete without it. */
async function versionPart(base) {
  const managers = await open(`${base}/sddc-managers`).catch(() => ({}));
  const { version } = (managers.elements || [])[0] || {};
  if (!version) return undefined;
  const title = `SDDC Manager ${version}`;
  if (!(Number.parseInt(version, 10) >= 9)) return hint(title);
  return box("wait", title,
    element("p", {}, "Its calls for identity providers are deprecated since VCF 9.0. They still work."),
    fix("from VCF 9.1 on, add VCF Operations as a target of the kind fleet; its identity providers replace these."));
}

const isEmbedded = (provider) => Array.isArray(provider.identitySources);

/** A realm with its provider, in the form in which SDDC Manager has a provider. */
function inRealm({ realm, provider }) {
  const realmName = `Realm ${realm.name || realm.id}`;
  if (!provider) return { id: realm.id, name: realmName, type: "no identity provider" };
  const sources = ldapOf(provider).map(({ name, domains, ldapBindConfiguration: bind = {} }) => {
    const hosts = [bind.primaryDomainController, bind.secondaryDomainController].filter(Boolean).map(({ host, port }) => `${host}:${port}`);
    return { name, domainNames: domains, type: bind.type, ldap: { sourceDetails: { serverEndpoints: hosts } } };
  });
  const type = [realmName, provider.idpType, provider.idpProtocol, provider.provisionType].filter(Boolean).join(", ");
  return { id: provider.id, name: provider.name, type, identitySources: sources, oidc: (provider.idpConfig || {}).oidcConfiguration };
}

const ldapOf = (provider) => (provider.provisioningConfig || {}).ldapConfigurations || [];

function providerPart(provider) {
  const sources = provider.identitySources || [];
  const status = (provider.status || "").toLowerCase();
  const servers = (ldap) => ((ldap || {}).sourceDetails || {}).serverEndpoints || [];
  const rows = sources.map((source) => element("li", {},
    strong((source.domainNames || []).join(", ") || source.name), element("span", { class: "hint" }, source.type || ""),
    servers(source.ldap).length > 0 && element("p", { class: "mono hint" }, servers(source.ldap).join("  "))));
  const external = [["Domains", (provider.domainNames || []).join(", ")], ["Servers", servers(provider.ldap).join("  ")],
    ["Client id", (provider.oidc || {}).clientId], ["Discovery", (provider.oidc || {}).discoveryEndpoint], ["Message", provider.idpMessage]];
  return element("section", { class: "provider" },
    element("h3", {}, provider.name || provider.id, status && badge(status)),
    hint(`${provider.type || ""} · `, element("span", { class: "mono" }, provider.id)),
    rows.length > 0 && element("ul", { class: "rows" }, ...rows),
    facts(external));
}

function setObjects() {
  const base = `${targetPath("idp-target")}/identity-providers`;
  objects = providers.length === 0 ? [] : providers[0].realm ? providers.map((one) => realmObject(one, base)) : sddcObjects(base);
  const isReady = objects.length > 0;
  byId("put-what").replaceChildren(...objects.map((object, at) => element("option", { value: at }, object.text)));
  if (!isReady) byId("put-what").append(element("option", {}, "Connect to list the objects"));
  for (const id of ["put-what", "put-spec", "put-send"]) byId(id).disabled = !isReady;
  pickObject();
}

/** The provider of a realm, or a new one. */
function realmObject({ realm, provider }, path) {
  const name = realm.name || realm.id;
  if (!provider) return { text: `New provider of realm ${name}`, path, spec: { ...NEW_IN_REALM, ssoRealmId: realm.id } };
  const { createdAt, updatedAt, ...spec } = structuredClone(provider);
  for (const { ldapBindConfiguration } of ldapOf(spec)) Object.assign(ldapBindConfiguration || {}, { bindDnPassword: "" });
  const { oidcConfiguration } = spec.idpConfig || {};
  if (oidcConfiguration) oidcConfiguration.clientSecret = "";
  return { text: `Realm ${name}: ${provider.name || provider.id}`, path, spec };
}

/** Each source of SDDC Manager that has a directory behind it, a new source, the external provider, and their secrets. */
function sddcObjects(base) {
  const embedded = providers.filter(isEmbedded);
  const external = providers.find((provider) => !isEmbedded(provider) && provider.oidc);
  const sources = embedded.flatMap((provider) => provider.identitySources.filter((source) => source.ldap).flatMap((source) => {
    const { domainName, ...ldap } = source.ldap;
    const domain = (source.domainNames || [])[0] || domainName;
    const path = `${base}/${encodeURIComponent(provider.id)}/identity-sources/${encodeURIComponent(domain)}`;
    return [
      { text: `Identity source ${domain}`, path, spec: withPassword({ name: source.name, ldap }) },
      { text: `Password of ${domain}`, method: "POST", path: `${path}/credentials`, spec: { password: "" } },
      { text: `Certificates of ${domain}`, method: "POST", path: `${path}/certificates`, spec: { certChain: [""], keep: true, password: "" } },
    ];
  }));
  return [
    ...sources,
    ...embedded.map((provider) => ({ text: "New identity source", parent: `${base}/${encodeURIComponent(provider.id)}/identity-sources`, spec: NEW_SOURCE })),
    { text: external ? `External provider ${external.name}` : "New external provider", path: base, spec: external ? withPassword({ name: external.name, type: "AD_FS", ldap: external.ldap, oidc: { ...external.oidc, clientSecret: "" } }) : NEW_PROVIDER },
    ...(external ? [{ text: `Client secret of ${external.name}`, method: "POST", path: `${base}/external/client-secret`, spec: { clientSecret: "", certChain: [], password: "" } }] : []),
  ];
}

const withPassword = (spec) => ({ ...spec, ldap: { ...spec.ldap, password: "" } });

function pickObject() {
  const object = objects[byId("put-what").value];
  byId("put-domain-field").hidden = !object || !object.parent;
  byId("put-spec").value = object ? JSON.stringify(object.spec, null, 2) : "";
  specFault("");
  show("put-outcome");
}

function specFault(text) {
  byId("put-fault").textContent = text;
  byId("put-spec").setAttribute("aria-invalid", String(Boolean(text)));
  if (text) byId("put-spec").focus();
}

function preview(event) {
  event.preventDefault();
  const object = objects[byId("put-what").value];
  if (!object || !hasKey()) return;
  let spec;
  try {
    spec = JSON.parse(byId("put-spec").value);
    specFault("");
  } catch (error) {
    specFault(`This is not valid JSON: ${error.message}`);
    return;
  }
  const domain = byId("put-domain").value.trim();
  byId("put-domain").setAttribute("aria-invalid", String(Boolean(object.parent) && !domain));
  if (object.parent && !domain) {
    byId("put-domain").focus();
    return;
  }
  const path = object.path || `${object.parent}/${encodeURIComponent(domain)}`;
  const { method = "PUT" } = object;
  shown("put-outcome", "Comparing…", async () => previewBox(await open(`${path}?dryRun=true`, { method, body: spec }), method, path))
    .then(() => byId("put-outcome").scrollIntoView({ block: "nearest" }));
}

const OUTCOMES = {
  created: "would create the object",
  updated: "would change the object",
  unchanged: "would change nothing",
};

function previewBox(outcome, method, path) {
  const text = (value) => (value === undefined ? "(not shown)" : value === null ? "(absent)" : typeof value === "string" ? value : Array.isArray(value) ? value.map(text).join("\n") || "(empty)" : JSON.stringify(value));
  const rows = (outcome.changes || []).map((change) => element("li", {}, code(change.pointer),
    element("p", { class: "from mono" }, `− ${text(change.from)}`), element("p", { class: "to mono" }, `+ ${text(change.to)}`)));
  const certificates = (outcome.certificates || []).map((one) => element("li", {}, [one.subject, one.notAfter && `valid until ${dateTime(one.notAfter)} UTC`, one.warning].filter(Boolean).join(", ")));
  // Only if the object is then as it was compared here.
  const condition = outcome.etag ? ` \\\n  -H ${shell(`If-Match: ${outcome.etag}`)}` : "";
  const command = `# Sends the change. spec.json holds the specification above, with its password.
curl -X ${method} -H "X-API-Key: $IDHOOK_KEY" -H 'Content-Type: application/json'${condition} \\
  --data @spec.json ${shell(ROOT + path)}`;
  return [
    element("div", { class: "box" },
      element("h3", {}, badge(outcome.outcome), `This ${method} ${OUTCOMES[outcome.outcome] || outcome.outcome}`),
      rows.length > 0 && element("ul", { class: "diff" }, ...rows),
      (outcome.notCompared || []).length > 0 && hint("Not compared: ", ...outcome.notCompared.flatMap((pointer, at) => [at ? ", " : "", code(pointer)])),
      (outcome.omitted || []).length > 0 && hint("Not in the specification, and perhaps lost by the change: ", ...outcome.omitted.flatMap((field, at) => [at ? ", " : "", code(field.pointer)])),
      certificates.length > 0 && element("div", {}, strong("Certificates"), element("ul", {}, ...certificates)),
      hint("This was a dry run: idhook read the present state and changed nothing.")),
    element("div", { class: "box" }, codeBlock(command, "shell", "Apply it")),
  ];
}
