// For a vIDM whose certificate is of a private CA: add the CA to the zip as ca.pem, beside this file (zip BUNDLE.zip ca.pem).
//
// Node.js reads NODE_EXTRA_CA_CERTS when it starts and never again, and whoever runs an action has started it already. So where
// there is a ca.pem the work is done by a Node.js of its own.

const { spawn } = require("node:child_process");
const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { text } = require("node:stream/consumers");

const CA = join(__dirname, "ca.pem");

/** What `work` of that module answers; what is given and what is answered is JSON. */
exports.trusting = async (module, given) => {
  if (!existsSync(CA)) return require(module).work(given);
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: CA };
  const child = spawn(process.execPath, [__filename], { env, stdio: ["pipe", "pipe", "inherit"] });
  const failed = new Promise((_, reject) => child.on("error", reject));
  // By stdin: arguments and the environment can be seen from outside, and there is a password in it.
  child.stdin.on("error", () => {}).end(JSON.stringify({ module, given }));
  const said = await Promise.race([text(child.stdout), failed]);
  if (!said) throw new Error("the Node.js that trusts ca.pem has ended without a word");
  const { answer, problem } = JSON.parse(said);
  if (problem) throw Object.assign(new Error(problem.message), problem);
  return answer;
};

/** The other end of it. */
async function work() {
  const { module, given } = JSON.parse(await text(process.stdin));
  try {
    return { answer: await require(module).work(given) };
  } catch (e) {
    return { problem: { ...e, message: e.message } };
  }
}

if (require.main === module) work().then((end) => process.stdout.write(JSON.stringify(end)));
