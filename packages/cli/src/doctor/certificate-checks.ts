import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { ListenerTls, World } from "@weft/contract";
import { groupCertificates } from "@weft/kernel";
import { renderCount } from "../count.ts";
import { type CheckResult, conclude, type Finding } from "./check-result.ts";
import { CERTIFICATE_DAYS_MIN, CERTIFICATE_SHARE_MIN } from "./limits.ts";

const DAY_MS = 86_400_000;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Whether certificates are valid now and for a while, all of them have an effect, and their keys are nobody else's to read. */
export function checkCertificates(world: World, files: readonly string[], nowMs: number): CheckResult {
  const certificates = new Map<string, { readonly owner: string; readonly certificate: X509Certificate }>();
  for (const [owner, pem] of pemsOf(world)) {
    for (const [block] of pem.matchAll(PEM)) {
      const certificate = new X509Certificate(block);
      if (!certificates.has(certificate.fingerprint256))
        certificates.set(certificate.fingerprint256, { owner, certificate });
    }
  }
  const findings = [...certificates.values()].flatMap(({ owner, certificate }) => judge(owner, certificate, nowMs));
  for (const { name, tls } of world.listeners) if (tls !== null) findings.push(...judgeChoice(name, tls));
  const keys = files.filter(isPrivateKey);
  findings.push(...keys.flatMap(judgeKey));
  const good = `${renderCount(certificates.size, "certificate")} in force, ${renderCount(keys.length, "key file")} for the owner alone`;
  return conclude("certificates", findings, certificates.size === 0 ? "none are configured" : good);
}

/** Every PEM text with certificates, and whose it is. */
function* pemsOf({ listeners, clusters }: World): Generator<readonly [owner: string, pem: string]> {
  for (const { name, tls } of listeners) {
    for (const certificate of tls?.certificates ?? []) yield [certificate.name, certificate.certificateChain];
    if (tls !== null) yield [`the authorities for clients of listener ${name}`, tls.clientCa];
  }
  for (const { name, tls } of clusters) {
    if (tls === null) continue;
    yield [`the certificate for cluster ${name}`, tls.certificateChain];
    yield [`the authorities of cluster ${name}`, tls.ca];
  }
}

function judge(owner: string, { subject, validFromDate, validToDate }: X509Certificate, nowMs: number): Finding[] {
  const what = `${owner} (${subject.replaceAll("\n", ", ")})`;
  const [from, to] = [validFromDate.toISOString(), validToDate.toISOString()];
  if (validToDate.getTime() <= nowMs) {
    return [
      { verdict: "failed", detail: `${what} ended at ${to}`, action: "have it issued anew and replace its file" },
    ];
  }
  if (validFromDate.getTime() > nowMs) {
    const action = "set the clock, or wait until the certificate is valid";
    return [{ verdict: "failed", detail: `${what} is not valid before ${from}`, action }];
  }
  const leftMs = validToDate.getTime() - nowMs;
  const lifeMs = validToDate.getTime() - validFromDate.getTime();
  if (leftMs >= Math.min(CERTIFICATE_DAYS_MIN * DAY_MS, lifeMs * CERTIFICATE_SHARE_MIN)) return [];
  const days = Math.floor(leftMs / DAY_MS);
  const detail = `${what} ends in ${renderCount(days, "day")}, at ${to}`;
  return [{ verdict: "warning", detail, action: "have it issued anew and replace its file" }];
}

/** A certificate of which every name has one with the same type of key before it is never shown to a client. */
function judgeChoice(listener: string, { certificates, hosts }: ListenerTls): Finding[] {
  const all = certificates.map(({ name }) => name);
  const byHost = hosts.length === 0 ? [{ hostname: "*", certificates: all }] : hosts;
  return byHost.flatMap(({ hostname, certificates: names }) => {
    const own = names.flatMap((name) => certificates.find((each) => each.name === name) ?? []);
    const groups = groupCertificates(own.map(({ certificateChain }) => new X509Certificate(certificateChain)));
    const served = new Set([...groups.values()].flat());
    return own.flatMap(({ name }, position) => {
      if (served.has(position)) return [];
      const detail = `${name} has no effect on listener ${listener}, host ${hostname}: certificates before it have its names and type of key`;
      return [{ verdict: "warning", detail, action: "take it out, or put it before the others" } as const];
    });
  });
}

function isPrivateKey(path: string): boolean {
  return readFileSync(path, "latin1").includes("PRIVATE KEY-----");
}

/** A key that others on this machine may read is not private. */
function judgeKey(path: string): Finding[] {
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return [];
  const detail = `${path} may be read by others (mode ${mode.toString(8)})`;
  return [{ verdict: "warning", detail, action: `chmod 600 ${path}` }];
}
