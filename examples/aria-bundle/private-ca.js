// If the certificate of vIDM comes from a private CA: add the CA's certificate to the zip as ca.pem, beside this file
// (cp corp-ca.pem ca.pem && zip idhook-aria-nodejs.zip ca.pem).
//
// Node.js reads NODE_EXTRA_CA_CERTS only when it starts, and Aria has started it already. So if there is a ca.pem, a second Node.js
// does the work.

const { spawn } = require("node:child_process");
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { text } = require("node:stream/consumers");

const CA = join(__dirname, "ca.pem");

/** The result of `work` of that module. Arguments and result are JSON. */
exports.trusting = async (module, given) => {
  if (!existsSync(CA)) return require(module).work(given).catch(untrusted);
  if (!readFileSync(CA, "utf8").includes("-----BEGIN CERTIFICATE-----")) throw new Error("ca.pem in the zip holds no certificate in PEM form");
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: CA };
  const child = spawn(process.execPath, [__filename], { env, stdio: ["pipe", "pipe", "inherit"] });
  const failed = new Promise((_, reject) => child.on("error", reject));
  // Through stdin: arguments and environment are visible to other processes, and there is a password among them.
  child.stdin.on("error", () => {}).end(JSON.stringify({ module, given }));
  const said = await Promise.race([text(child.stdout), failed]);
  if (!said) throw new Error("the Node.js process that trusts ca.pem ended without a result");
  const { answer, problem } = JSON.parse(said);
  if (problem) throw Object.assign(new Error(problem.message), problem);
  return answer;
};

/** Node.js' own advice is to start it otherwise, which Aria does not allow. */
function untrusted(e) {
  const fix = "if a private CA issued the certificate, add the CA's certificate to the zip as ca.pem";
  throw e.code === "upstream_tls" ? Object.assign(new Error(`upstream_tls: ${e.detail}; ${fix}`), { code: e.code }) : e;
}

/** The second process. */
async function work() {
  const { module, given } = JSON.parse(await text(process.stdin));
  try {
    return { answer: await require(module).work(given) };
  } catch (e) {
    return { problem: { ...e, message: e.message } };
  }
}

if (require.main === module) work().then((end) => process.stdout.write(JSON.stringify(end)));
