import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createSelfSigned } from "./certificate.ts";
import { dnsNamesOf, groupCertificates } from "./certificate-names.ts";

function leaf(keyType: "ec" | "rsa", ...dnsNames: readonly string[]): X509Certificate {
  return new X509Certificate(createSelfSigned({ commonName: "Common.example", dnsNames, keyType }).certificatePem);
}

test("dnsNamesOf() gives names in lower case, and the common name where there are none", () => {
  assert.deepEqual(dnsNamesOf(leaf("ec", "A.example", "*.b.example")), ["a.example", "*.b.example"]);
  assert.deepEqual(dnsNamesOf(leaf("ec")), ["common.example"]);
});

test("groupCertificates() takes the first certificate of each type of key for a name", () => {
  const leaves = [
    leaf("ec", "a.example"),
    leaf("rsa", "a.example", "b.example"),
    leaf("ec", "a.example", "b.example"),
    leaf("rsa", "b.example"),
  ];
  assert.deepEqual(
    [...groupCertificates(leaves)],
    [
      ["a.example", [0, 1]],
      ["b.example", [1, 2]],
    ],
  );
});
