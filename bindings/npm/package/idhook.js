// What a program sees: the classes. They compile the wasm on first use and decide nothing else.
// One of the pieces that `cargo xtask npm` puts together into one file: `Engine` is in engine.js, `bound` is wasm-bindgen's, and
// WASM is the module: base64 of gzip.

/** The wasm-bindgen classes, once the module is compiled. */
let compiled;

function compile() {
  // What fails once, for want of memory say, is tried again by whoever comes next.
  compiled ??= load().catch((error) => {
    compiled = undefined;
    throw error;
  });
  return compiled;
}

async function load() {
  const packed = Uint8Array.from(atob(WASM), (c) => c.charCodeAt(0));
  const plain = new Response(packed).body.pipeThrough(new DecompressionStream("gzip"));
  await bound({ module_or_path: await WebAssembly.compile(await new Response(plain).arrayBuffer()) });
  return bound;
}

class IdhookError extends Error {
  constructor(problem) {
    const { code, detail, hint, errors = [] } = problem;
    // Of one field the detail tells already.
    const fields = errors.length > 1 ? `: ${errors.map((field) => `${field.pointer} ${field.detail}`).join("; ")}` : "";
    super(`${code}: ${detail}${fields}${hint ? ` (${hint})` : ""}`);
    for (const [name, value] of Object.entries(problem)) {
      // The URN of the code and the id of a request of which there is none here tell nothing.
      if (name !== "type" && name !== "instance") this[name] = value;
    }
    this.errors = errors;
    this.candidates ??= [];
  }

  toJSON() {
    return { name: this.name, ...this };
  }
}
Object.defineProperty(IdhookError.prototype, "name", { value: "IdhookError" });

/** What the wasm answered, or its problem as an error that knows who asked. */
function opened(text) {
  const { ok, error } = JSON.parse(text);
  if (error) throw new IdhookError(error);
  return ok ?? undefined;
}

/** What `work` answers; aborted, `signal` ends it and rejects with its reason. */
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
    // So that the wasm does not wait for it any longer.
    stop();
  }
}

/** A session in the wasm, opened by the first call. The settings are kept until then, where nothing shows them. */
class Session {
  #kind;
  #settings;
  #engine;
  #opened;

  constructor(kind, settings) {
    const { log, ...rest } = settings ?? {};
    this.#kind = kind;
    this.#settings = JSON.stringify(rest);
    this.#engine = new Engine(log);
  }

  async open() {
    const classes = await compile();
    try {
      this.#opened ??= new classes[this.#kind](this.#settings, this.#engine);
    } catch (problem) {
      throw typeof problem === "string" ? opened(problem) : problem;
    }
    this.#settings = undefined;
    return this.#opened;
  }

  call(name, given = {}, options = {}) {
    const { signal, ...rest } = options;
    const text = JSON.stringify({ ...given, options: Object.keys(rest).length ? rest : undefined });
    return until(signal, async (stopped) => (await this.open())[name](text, stopped));
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
      return await until(failure.signal, async (stopped) => (await this.open())[name](text, stopped, report));
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async *watch(name, given, { signal, ...options } = {}) {
    const session = await this.open();
    let watch;
    try {
      watch = session[name](JSON.stringify({ ...given, options }));
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

class Vidm {
  #session;

  constructor(settings) {
    this.#session = new Session("Vidm", settings);
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
    return this.#session.watch("watchSync", { id }, options);
  }

  latestSync(directory, options) {
    return this.#session.call("latestSync", { directory }, options);
  }

  syncHistory(directory, options) {
    return this.#session.call("syncHistory", { directory }, options);
  }

  dryRun(directory, options) {
    return this.#session.call("dryRun", { directory }, options);
  }

  groups(name, options) {
    return this.#session.call("groups", { name }, options);
  }

  health(options) {
    return this.#session.call("health", {}, options);
  }
}

class Vcf {
  #session;

  constructor(settings) {
    this.#session = new Session("Vcf", settings);
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
