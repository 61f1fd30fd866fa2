// Failures as a program meets them.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";

import { IdhookError, Vcf, Vidm } from "idhook";
import { asked, clearFaults, fault, vcf, vidm, vidmTls } from "./simulator.mjs";

/** What a call fails with; that it shows no secret, however it is shown. */
async function fails(call) {
  const error = await call.then((value) => assert.fail(inspect(value)), (error) => error);
  assert.ok(error instanceof IdhookError, inspect(error));
  for (const shown of [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), error.stack]) {
    assert.ok(!shown.includes("planted"), shown);
  }
  return error;
}

const codes = ({ code, status, retryable }) => [code, status, retryable];

test("an untrusted certificate is told with what to do about it in Node", async () => {
  const error = await fails(new Vidm(vidmTls).health());
  assert.deepEqual(codes(error), ["upstream_tls", 502, false]);
  assert.match(error.hint, /NODE_EXTRA_CA_CERTS/);
  assert.match(error.detail, /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_/);
  // The other way round: TLS spoken to a port that does not.
  const plain = await fails(new Vidm({ ...vidm, url: vidm.url.replace("http:", "https:") }).health());
  assert.equal(plain.code, "upstream_tls", plain.message);
});

test("nobody there", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const timeouts = { operation: 1 };
  const refused = await fails(new Vidm({ ...vidm, url: `http://127.0.0.1:${port}`, timeouts }).health());
  assert.deepEqual(codes(refused), ["upstream_unreachable", 502, true]);
  assert.match(refused.detail, /ECONNREFUSED/);
  const unknown = await fails(new Vidm({ ...vidm, url: "http://vidm.invalid", timeouts }).health());
  assert.deepEqual(codes(unknown), ["upstream_unreachable", 502, true]);
  assert.match(unknown.hint, /resolve/);
});

test("no address of a host with several is there", async (t) => {
  const tried = (code, address) => Object.assign(new Error(`connect ${code} ${address}:443`), { code, syscall: "connect" });
  // As Node.js reports it: the error of all has the first one's code, no message, and no syscall.
  const all = new AggregateError([tried("ETIMEDOUT", "192.0.2.1"), tried("EHOSTUNREACH", "2001:db8::1")]);
  t.mock.method(globalThis, "fetch", () => Promise.reject(new TypeError("fetch failed", { cause: Object.assign(all, { code: "ETIMEDOUT" }) })));
  const error = await fails(new Vidm({ ...vidm, timeouts: { operation: 1 } }).health());
  assert.deepEqual(codes(error), ["upstream_unreachable", 502, true]);
  assert.match(error.detail, /192\.0\.2\.1.*2001:db8::1/);
});

test("a wrong password is told as such, and not tried again", async () => {
  await asked();
  const session = new Vcf({ ...vcf, password: "planted-wrong" });
  assert.equal((await fails(session.identityProviders())).code, "upstream_auth");
  const again = await fails(session.identityProviders());
  assert.ok(again.retryAfter > 60 && again.retryAfter <= 900, inspect(again));
  assert.deepEqual(await asked(), ["POST /v1/tokens"]);
});

test("answers that never come, or come too slowly, or are too much", async () => {
  const timeouts = { connect: 0.2, firstByte: 0.2, betweenBytes: 0.3, operation: 20 };
  const session = new Vidm({ ...vidm, timeouts });
  await session.health();
  const always = { times: null, server: "vidm", path: "directoryconfigs" };
  for (const [trouble, code, detail] of [
    [{ kind: "delay", milliseconds: 3000 }, "upstream_timeout", /no response within 0.4 s/],
    [{ kind: "drip", bytes: 1, milliseconds: 2000 }, "upstream_timeout", /no further byte of the response within 0.3 s/],
    [{ kind: "oversized", bytes: 9_000_000, chunked: true }, "upstream_invalid", /over 8388608 bytes/],
    [{ kind: "cutBody" }, "upstream_failed", /./],
    [{ kind: "reset" }, "upstream_failed", /./],
    [{ kind: "redirect", location: `${vidm.url}/elsewhere` }, "upstream_invalid", /302|redirect/],
    [{ kind: "garbageJson" }, "upstream_invalid", /./],
    [{ kind: "html", status: 500 }, "upstream_failed", /./],
    [{ kind: "busy", status: 429, retryAfter: { seconds: 77 } }, "upstream_busy", /./],
  ]) {
    await fault({ ...always, ...trouble });
    const begun = performance.now();
    const error = await fails(session.directories());
    await clearFaults();
    assert.equal(error.code, code, `${inspect(trouble)}: ${error.message}`);
    assert.match(error.message, detail);
    assert.ok(performance.now() - begun < 10_000, inspect(trouble));
    if (trouble.kind === "busy") assert.equal(error.retryAfter, 77);
  }
  const calls = await asked();
  assert.ok(!calls.includes("GET /elsewhere"), "no redirect is followed");
  assert.ok((await session.directories()).length > 0, "the session is as good as before");
});

test("a blip is not worth mentioning", async () => {
  const session = new Vidm(vidm);
  await fault({ kind: "reset", method: "GET" });
  assert.ok((await session.directories()).length > 0);
  await fault({ kind: "expiredToken" });
  assert.ok((await session.directories()).length > 0);
});

test("an operation has an end, whatever it waits for", async () => {
  await fault({ kind: "delay", milliseconds: 20_000, times: null });
  const begun = performance.now();
  const error = await fails(new Vidm({ ...vidm, timeouts: { operation: 0.5 } }).health());
  await clearFaults();
  assert.deepEqual([error.code, error.status], ["upstream_timeout", 504]);
  assert.ok(performance.now() - begun < 3000);
});

test("an abort ends the request under way", async () => {
  // The server sees the connection end, which no answer of its own has caused.
  const ended = new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.resume();
      socket.on("error", () => {});
      socket.once("close", () => server.close(resolve));
    }).listen(0, "127.0.0.1", async () => {
      const session = new Vidm({ ...vidm, url: `http://127.0.0.1:${server.address().port}` });
      const begun = performance.now();
      await assert.rejects(session.health({ signal: AbortSignal.timeout(300) }), { name: "TimeoutError" });
      assert.ok(performance.now() - begun < 2000);
    });
  });
  await ended;
});
