// With the CA in NODE_EXTRA_CA_CERTS, as the hint of an untrusted certificate says.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Vcf, Vidm } from "idhook";
import { vcfTls, vidmTls } from "./simulator.mjs";

test("TLS is verified against the CA that Node was given", async () => {
  assert.ok((await new Vidm(vidmTls).directories()).length > 0);
  assert.ok((await new Vcf(vcfTls).identityProviders()).elements.length > 0);
});
