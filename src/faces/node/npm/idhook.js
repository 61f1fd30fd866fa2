// What a program sees: the classes. They compile the wasm on first use and decide nothing else.
// One of the pieces that `cargo xtask npm` puts together into one file: `Engine` is in engine.js, `bound` is wasm-bindgen's, and
// WASM is the module: base64 of gzip.

/** The wasm-bindgen classes, once the module is compiled. */
let compiled;

const compile = () => (compiled ??= load());

async function load() {
  const packed = Uint8Array.from(atob(WASM), (c) => c.charCodeAt(0));
  const plain = new Response(packed).body.pipeThrough(new DecompressionStream("gzip"));
  await bound({ module_or_path: await WebAssembly.compile(await new Response(plain).arrayBuffer()) });
  return bound;
}

class IdhookError extends Error {
  constructor(problem) {
    const { code, detail, hint } = problem;
    super(`${code}: ${detail}${hint ? ` (${hint})` : ""}`);
    for (const [name, value] of Object.entries(problem)) {
      // The URN of the code and the id of a request of which there is none here tell nothing.
      if (name !== "type" && name !== "instance") this[name] = value;
    }
    this.errors ??= [];
    this.candidates ??= [];
  }

  toJSON() {
    return { name: this.name, ...this };
  }
}
Object.defineProperty(IdhookError.prototype, "name", { value: "IdhookError" });

/** The answer of the wasm, or its problem as an error that knows who asked. */
function opened(text) {
  const { ok, error } = JSON.parse(text);
  if (error) throw new IdhookError(error);
  return ok;
}

/** Runs `work` until `signal` is aborted, which rejects with its reason at once. */
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
