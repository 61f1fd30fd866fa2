// The functions that the wasm needs from its engine: HTTP through the engine's own `fetch`, clocks, random numbers, a log.
// `cargo xtask npm` puts this file and others together into one; it imports nothing and exports nothing.

/** The longest time that a timer accepts, in milliseconds; a longer one would fire at once. */
const LONGEST = 2 ** 31 - 1;

/** Whether this is a page or its worker: there `fetch` sends the browser's own user agent, and another one would need CORS permission. */
const IN_PAGE = typeof document !== "undefined" || typeof importScripts === "function";

/** The encodings that `fetch` decodes without removing the header. */
const DECODED = new Set(["gzip", "x-gzip", "deflate", "br"]);

class Engine {
  #log;

  constructor(log) {
    this.#log = log;
  }

  now() {
    return Date.now();
  }

  elapsed() {
    return performance.now();
  }

  random() {
    // Cryptographically secure, as the core requires. In Node 18 it is not global; the head of the file imports it.
    const two = crypto.getRandomValues(new Uint32Array(2));
    return (BigInt(two[0]) << 32n) | BigInt(two[1]);
  }

  log(line) {
    this.#log?.(line);
  }

  sleep(milliseconds) {
    let timer;
    const done = new Promise((resolve) => (timer = setTimeout(resolve, Math.min(milliseconds, LONGEST))));
    return { done, cancel: () => clearTimeout(timer) };
  }

  request(method, url) {
    return new Exchange(method, url);
  }
}

/** A failure in the words that the wasm knows. */
const failure = (kind, detail) => ({ kind, detail });

class Exchange {
  #url;
  #init;

  constructor(method, url) {
    this.#url = url;
    // Redirects are not followed, so that credentials reach only the configured server; a browser adds none of its own.
    this.#init = { method, headers: [], redirect: "manual", credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" };
  }

  header(name, value) {
    if (IN_PAGE && name === "user-agent") return;
    this.#init.headers.push([name, value]);
  }

  body(bytes) {
    this.#init.body = bytes;
  }

  send(firstByte, betweenBytes, maxBody) {
    const controller = new AbortController();
    const done = this.#exchange(controller, firstByte, betweenBytes, maxBody);
    return { done, cancel: () => controller.abort() };
  }

  async #exchange(controller, firstByte, betweenBytes, maxBody) {
    let timer;
    let late;
    const within = (milliseconds, what) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        late = failure("timeout", `${what} within ${milliseconds / 1000} s`);
        controller.abort();
      }, Math.min(milliseconds, LONGEST));
    };
    try {
      within(firstByte, "no response");
      const response = await fetch(this.#url, { ...this.#init, signal: controller.signal });
      if (response.type === "opaqueredirect") throw failure("protocol", "the server returns a redirect, and a browser does not report its target");
      const pieces = [];
      let length = 0;
      const reader = response.body?.getReader();
      while (reader) {
        within(betweenBytes, "no further byte of the response");
        const { done, value } = await reader.read();
        if (done) break;
        pieces.push(value);
        length += value.length;
        if (length > maxBody) throw failure("body-too-large", `over ${maxBody} bytes`);
      }
      const body = new Uint8Array(length);
      pieces.reduce((at, piece) => (body.set(piece, at), at + piece.length), 0);
      const decoded = (value) => value.split(",").every((coding) => DECODED.has(coding.trim().toLowerCase()));
      const headers = [...response.headers].filter(([name, value]) => name !== "content-encoding" || !decoded(value));
      return { status: response.status, headers: headers.flat(), body };
    } catch (error) {
      // The rest of the response is not needed.
      controller.abort();
      throw late ?? (error.kind ? error : reasonOf(error));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The failure behind what `fetch` threw. Node gives the reason in the error's causes; a browser hides it from pages. */
function reasonOf(error) {
  const causes = [];
  for (let one = error; one && causes.length < 9; one = one.cause) causes.push(one);
  const found = causes.find((one) => typeof one.code === "string") ?? causes[causes.length - 1];
  // The error for a host with several addresses has no message and no syscall, but an error for each address.
  const each = found?.errors ?? [];
  const cause = each.find((one) => one.code === found.code) ?? each[0] ?? found;
  const { code = "", syscall } = cause ?? {};
  const message = each.length ? each.map((one) => one.message).join("; ") : (cause?.message ?? "");
  const detail = message && code && !message.includes(code) ? `${code}: ${message}` : message || code || String(error);
  const is = (pattern) => pattern.test(code);
  if (is(/^(ENOTFOUND|EAI_|ENODATA|ENONAME)/)) return failure("dns", detail);
  if (is(/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|ConnectionRefused)$/)) return failure("refused", detail);
  if (is(/^UND_ERR_CONNECT_TIMEOUT$/) || (code === "ETIMEDOUT" && syscall === "connect")) return failure("connect-timeout", detail);
  if (is(/CERT|^ERR_TLS_|^ERR_SSL_|^EPROTO$|^HOSTNAME_MISMATCH$|^UNABLE_TO_|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$|^CRL_/)) return failure("tls", detail);
  if (is(/^(ETIMEDOUT|UND_ERR_(HEADERS|BODY)_TIMEOUT)$/)) return failure("timeout", detail);
  if (is(/^(HPE_|UND_ERR_(INVALID|HEADERS_OVERFLOW|NOT_SUPPORTED|RES_)|ERR_INVALID|Z_)/) || message === "bad port") return failure("protocol", detail);
  if (!code && causes.length === 1 && error instanceof TypeError) {
    return failure("interrupted", `${detail} (a browser reports no more: the server may be unreachable, its certificate untrusted, or CORS not allowed)`);
  }
  return failure("interrupted", detail);
}
