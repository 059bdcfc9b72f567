import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { World } from "@weft/contract";
import { createListener, createSettings, createTestCertificate } from "@weft/testkit";
import { checkCertificates } from "./certificate-checks.ts";

const DAY_MS = 86_400_000;
const { certificate, key } = createTestCertificate("shop.example");
const { validFromDate, validToDate } = new X509Certificate(certificate);
const folder = mkdtempSync(join(tmpdir(), "weft-doctor-keys-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function worldWith(pem: string): World {
  const tls = {
    certificates: [{ name: "default/shop", certificateChain: pem, privateKey: key }],
    clientCa: pem,
    clientCertificate: "optional",
    hosts: [],
    minVersion: "TLSv1.2",
    alpn: [],
  } as const;
  return {
    revision: 1,
    settings: createSettings(),
    listeners: [createListener({ tls })],
    routeTables: [],
    clusters: [],
  };
}

test("checkCertificates() finds certificates that ended, end soon or are not valid yet", () => {
  const check = (nowMs: number) => checkCertificates(worldWith(certificate), [], nowMs);
  const good = check(validToDate.getTime() - 5 * DAY_MS);
  // The same certificate twice counts once.
  assert.deepEqual([good.verdict, good.detail.split(",")[0]], ["ok", "1 certificate in force"]);
  const soon = check(validToDate.getTime() - 1.5 * DAY_MS);
  assert.equal(soon.verdict, "warning");
  assert.match(soon.detail, /^default\/shop \(CN=shop\.example\) ends in 1 day, at /);
  assert.match(check(validToDate.getTime()).detail, /ended at/);
  assert.match(check(validToDate.getTime() - 1000).detail, /ends in 0 days/);
  const early = check(validFromDate.getTime() - DAY_MS);
  assert.deepEqual([early.verdict, early.action], ["failed", "set the clock, or wait until the certificate is valid"]);
});

test("checkCertificates() finds keys that others may read, not certificates", () => {
  const nowMs = validFromDate.getTime();
  const [open, closed, chain] = ["open.pem", "closed.pem", "chain.pem"].map((name) => join(folder, name));
  assert.ok(open !== undefined && closed !== undefined && chain !== undefined);
  writeFileSync(open, key, { mode: 0o644 });
  writeFileSync(closed, key, { mode: 0o600 });
  writeFileSync(chain, certificate, { mode: 0o644 });
  const loose = checkCertificates(worldWith(certificate), [open, closed, chain], nowMs);
  assert.deepEqual([loose.verdict, loose.action], ["warning", `chmod 600 ${open}`]);
  assert.match(
    checkCertificates(worldWith(certificate), [closed, chain], nowMs).detail,
    /, 1 key file for the owner alone$/,
  );
});

test("checkCertificates() finds certificates that no client is ever shown", () => {
  const nowMs = validToDate.getTime() - 5 * DAY_MS;
  const [listener] = worldWith(certificate).listeners;
  assert.ok(listener?.tls);
  const { tls } = listener;
  const named = (name: string, pem: string) => ({ name, certificateChain: pem, privateKey: key });
  const verdictOf = (...second: readonly [string, "ec" | "rsa"]) => {
    const certificates = [named("default/first", certificate), named("default/second", pemOf(...second))];
    const hosts = [{ hostname: "shop.example", certificates: ["default/first", "default/second"] }];
    const listeners = [createListener({ tls: { ...tls, certificates, hosts } })];
    return checkCertificates({ ...worldWith(certificate), listeners }, [], nowMs);
  };
  const pemOf = (name: string, type: "ec" | "rsa"): string => createTestCertificate(name, type).certificate;
  assert.equal(verdictOf("shop.example", "rsa").verdict, "ok");
  assert.equal(verdictOf("other.example", "ec").verdict, "ok");
  const shadowed = verdictOf("shop.example", "ec");
  assert.equal(shadowed.verdict, "warning");
  assert.match(
    shadowed.detail,
    /^default\/second has no effect on listener .*, host shop\.example: certificates before/,
  );
});

test("checkCertificates() has nothing to say where there are none", () => {
  assert.equal(checkCertificates({ ...worldWith(""), listeners: [] }, [], 0).detail, "none are configured");
});
