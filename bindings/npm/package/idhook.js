// The classes that a program uses. They compile the wasm on first use and decide nothing else.
// `cargo xtask npm` puts this file, engine.js and wasm-bindgen's code together into one: `Engine` is in engine.js, `bound` is
// wasm-bindgen's, WASM is the module (base64 of gzip), and `gunzip` is Node's, or undefined in a browser.

/** wasm-bindgen's classes, once the module is compiled; in a browser the promise of them. */
let compiled;

/** The compressed module. */
const packed = () => Uint8Array.from(atob(WASM), (c) => c.charCodeAt(0));

/** Compiles at once, so that a constructor can check its settings. */
function compile() {
  if (!compiled) {
    bound.initSync({ module: new WebAssembly.Module(gunzip(packed())) });
    compiled = bound;
  }
  return compiled;
}

/** A browser decompresses only asynchronously. */
function compileLater() {
  // A failure, for example a lack of memory, is not kept: the next call tries again.
  compiled ??= load().catch((error) => {
    compiled = undefined;
    throw error;
  });
  return compiled;
}

async function load() {
  const plain = new Response(packed()).body.pipeThrough(new DecompressionStream("gzip"));
  await bound({ module_or_path: await WebAssembly.compile(await new Response(plain).arrayBuffer()) });
  return bound;
}

class IdhookError extends Error {
  constructor(problem) {
    const { code, detail, hint, errors = [] } = problem;
    // If one field is wrong, the detail names it already.
    const fields = errors.length > 1 ? `: ${errors.map((field) => `${field.pointer} ${field.detail}`).join("; ")}` : "";
    super(`${code}: ${detail}${fields}${hint ? ` (${hint})` : ""}`);
    for (const [name, value] of Object.entries(problem)) {
      // The URI of the code and the id of the request mean nothing here.
      if (name !== "type" && name !== "instance") this[name] = value;
    }
    this.errors = errors;
    this.candidates ??= [];
    this.steps ??= [];
  }

  toJSON() {
    return { name: this.name, ...this };
  }
}
Object.defineProperty(IdhookError.prototype, "name", { value: "IdhookError" });

/** The problem of one wrong setting. */
const wrong = (pointer, detail) => ({
  code: "request_invalid",
  title: "The request is not valid",
  status: 400,
  detail: `${pointer.slice(1)} ${detail}`,
  retryable: false,
  errors: [{ pointer, detail }],
});

/** The result that the wasm returned; its problem is thrown, with the stack of the caller. */
function opened(text) {
  const { ok, error } = JSON.parse(text);
  if (error) throw new IdhookError(error);
  return ok ?? undefined;
}

/** The result of `work`. If `signal` is aborted, the work ends and the promise rejects with the reason. */
async function until(signal, work) {
  if (!signal) return opened(await work());
  signal.throwIfAborted();
  let stop;
  const stopped = new Promise((resolve) => (stop = resolve));
  const abort = () => stop(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return opened(await work(stopped));
  } finally {
    signal.removeEventListener("abort", abort);
    // So that the wasm no longer waits for it.
    stop();
  }
}

/** A session in the wasm: opened by the constructor in Node, by the first call in a browser. Nothing shows its settings. */
class Session {
  #kind;
  #settings;
  #engine;
  #opened;

  constructor(kind, settings) {
    const isObject = typeof settings === "object" && settings !== null;
    const { log, ...rest } = isObject ? settings : {};
    if (log !== undefined && typeof log !== "function") throw new IdhookError(wrong("/log", "is not a function"));
    this.#kind = kind;
    this.#settings = JSON.stringify(isObject || settings == null ? rest : settings);
    this.#engine = new Engine(log);
    if (gunzip) this.#open(compile());
  }

  #open(classes) {
    try {
      this.#opened ??= new classes.Session(this.#kind, this.#settings, this.#engine);
    } catch (problem) {
      throw typeof problem === "string" ? opened(problem) : problem;
    }
    this.#settings = undefined;
    return this.#opened;
  }

  async open() {
    return this.#opened ?? this.#open(await compileLater());
  }

  call(name, given = {}, options = {}) {
    const { signal, ...rest } = options;
    const text = JSON.stringify({ ...given, options: Object.keys(rest).length ? rest : undefined });
    return until(signal, async (stopped) => (await this.open()).call(name, text, stopped));
  }

  /** A call that reports its progress to `listen`; what that throws, or rejects with, ends the call. */
  async watched(name, given, listen, { signal, ...options }) {
    const failure = new AbortController();
    const stop = () => failure.abort(signal.reason);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", stop);
    const text = JSON.stringify({ ...given, options });
    const report = (state) => void new Promise((resolve) => resolve(listen(JSON.parse(state)))).catch((e) => failure.abort(e));
    try {
      return await until(failure.signal, async (stopped) => (await this.open()).call(name, text, stopped, report));
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async *watch(given, { signal, ...options } = {}) {
    const session = await this.open();
    let watch;
    try {
      watch = session.watchSync(JSON.stringify({ ...given, options }));
    } catch (problem) {
      throw typeof problem === "string" ? opened(problem) : problem;
    }
    try {
      for (let seen; (seen = await until(signal, (stopped) => watch.next(stopped))); ) yield seen;
    } finally {
      watch.free();
    }
  }
}

/** What a session with directory syncs has, whichever product it is with. */
class SyncSession {
  #session;

  constructor(session) {
    this.#session = session;
  }

  directories(filter, options) {
    return this.#session.call("directories", { filter }, options);
  }

  directory(directory, options) {
    return this.#session.call("directory", { directory }, options);
  }

  startSync(directory, order, options) {
    return this.#session.call("startSync", { directory, order }, options);
  }

  async ensureGroups(directory, groups, { onProgress, ...options } = {}) {
    const given = { directory, groups };
    return onProgress ? this.#session.watched("ensureGroups", given, onProgress, options) : this.#session.call("ensureGroups", given, options);
  }

  sync(id, options) {
    return this.#session.call("sync", { id }, options);
  }

  waitForSync(id, options) {
    return this.#session.call("waitForSync", { id }, options);
  }

  watchSync(id, options) {
    return this.#session.watch({ id }, options);
  }

  latestSync(directory, options) {
    return this.#session.call("latestSync", { directory }, options);
  }

  syncHistory(directory, options) {
    return this.#session.call("syncHistory", { directory }, options);
  }

  groups(name, options) {
    return this.#session.call("groups", { name }, options);
  }
}

class Vidm extends SyncSession {
  #session;

  constructor(settings) {
    const session = new Session("vidm", settings);
    super(session);
    this.#session = session;
  }

  dryRun(directory, options) {
    return this.#session.call("dryRun", { directory }, options);
  }

  health(options) {
    return this.#session.call("health", {}, options);
  }
}

class Fleet extends SyncSession {
  #session;

  constructor(settings) {
    const session = new Session("fleet", settings);
    super(session);
    this.#session = session;
  }

  provision(directory, groups, options) {
    return this.#session.call("provision", { directory, groups }, options);
  }

  identityProviders(options) {
    return this.#session.call("identityProviders", {}, options);
  }

  identityProvider(id, options) {
    return this.#session.call("identityProvider", { id }, options);
  }

  createIdentityProvider(spec, options) {
    return this.#session.call("createIdentityProvider", { spec }, options);
  }

  putIdentityProvider(spec, options) {
    return this.#session.call("putIdentityProvider", { spec }, options);
  }

  deleteIdentityProvider(id, options) {
    return this.#session.call("deleteIdentityProvider", { id }, options);
  }

  task(id, options) {
    return this.#session.call("task", { id }, options);
  }

  syncClient(providerId, options) {
    return this.#session.call("syncClient", { providerId }, options);
  }

  generateSyncClient(providerId, options) {
    return this.#session.call("generateSyncClient", { providerId }, options);
  }

  validateSamlMetadata(spec, options) {
    return this.#session.call("validateSamlMetadata", { spec }, options);
  }
}

class Vcf {
  #session;

  constructor(settings) {
    this.#session = new Session("vcf", settings);
  }

  identityProviders(options) {
    return this.#session.call("identityProviders", {}, options);
  }

  identityProvider(id, options) {
    return this.#session.call("identityProvider", { id }, options);
  }

  addIdentityProvider(spec, options) {
    return this.#session.call("addIdentityProvider", { spec }, options);
  }

  putIdentityProvider(spec, options) {
    return this.#session.call("putIdentityProvider", { spec }, options);
  }

  updateIdentityProvider(id, spec, options) {
    return this.#session.call("updateIdentityProvider", { id, spec }, options);
  }

  deleteIdentityProvider(id, options) {
    return this.#session.call("deleteIdentityProvider", { id }, options);
  }

  addIdentitySource(providerId, spec, options) {
    return this.#session.call("addIdentitySource", { providerId, spec }, options);
  }

  putIdentitySource(providerId, domainName, spec, options) {
    return this.#session.call("putIdentitySource", { providerId, domainName, spec }, options);
  }

  updateIdentitySource(providerId, domainName, spec, options) {
    return this.#session.call("updateIdentitySource", { providerId, domainName, spec }, options);
  }

  deleteIdentitySource(providerId, domainName, options) {
    return this.#session.call("deleteIdentitySource", { providerId, domainName }, options);
  }

  setIdentitySourceCredentials(providerId, domainName, spec, options) {
    return this.#session.call("setIdentitySourceCredentials", { providerId, domainName, spec }, options);
  }

  setIdentitySourceCertificates(providerId, domainName, spec, options) {
    return this.#session.call("setIdentitySourceCertificates", { providerId, domainName, spec }, options);
  }

  setClientSecret(providerId, spec, options) {
    return this.#session.call("setClientSecret", { providerId, spec }, options);
  }

  apply(spec, options) {
    return this.#session.call("apply", { spec }, options);
  }

  generateSyncClientToken(providerId, options) {
    return this.#session.call("generateSyncClientToken", { providerId }, options);
  }

  prechecks(type, options) {
    return this.#session.call("prechecks", { type }, options);
  }

  sddcManagerOidc(options) {
    return this.#session.call("sddcManagerOidc", {}, options);
  }
}
