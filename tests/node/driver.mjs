// One line of JSON in, one line of JSON out: calls of the packed package, for the stories that run over every binding.
//
// {"open": {"vidm": {settings}}} opens a session in place of the one before, and so do "vcf" and "fleet": {"ok": null}.
// {"call": "startSync", "arguments": ["corp.example"]} calls it: {"ok": …}, or {"error": {"code", "status", "detail", "hint", …}}.

import { createInterface } from "node:readline";

import { Fleet, IdhookError, Vcf, Vidm } from "idhook";

const CLASSES = { vidm: Vidm, vcf: Vcf, fleet: Fleet };

let session;

async function answer({ open, call, arguments: given = [] }) {
  try {
    for (const [kind, settings] of Object.entries(open ?? {})) session = new CLASSES[kind](settings);
    return { ok: open ? null : ((await session[call](...given)) ?? null) };
  } catch (error) {
    return { error: error instanceof IdhookError ? error : { code: "none", detail: String(error?.stack) } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
