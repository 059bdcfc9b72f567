import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@weft/kernel";
import { WORLD_DEFAULTS } from "../compile/defaults.ts";
import { CERTIFICATE_GRACE_MS, WATCH_QUIET_MS, WATCH_UNSTABLE_READS_MAX } from "../limits.ts";
import { renderProblem } from "../load/problems.ts";
import { gateway, service } from "../load/resources.fixture.ts";
import { createTestCertificate } from "@weft/testkit";
import type { FolderScan, ReadOutcome } from "./folder-reader.ts";
import { ResourceReader, type ResourceReading } from "./resource-reader.ts";

/** A reader of scans made by hand; the last one stays. */
function readerOf(
  clock: FakeClock,
  scans: readonly Partial<FolderScan>[],
): { reader: ResourceReader; looks: () => number } {
  let looks = 0;
  const folders = {
    roots: ["conf"],
    scan: (): Promise<FolderScan> => {
      const scan = scans[Math.min(looks++, scans.length - 1)];
      return Promise.resolve({ files: [], faults: [], folders: [], isStable: true, ...scan });
    },
    readAttachment: () => Promise.resolve({ fault: "it does not exist" }),
    retain: () => undefined,
  };
  return { reader: new ResourceReader(folders, WORLD_DEFAULTS, clock), looks: () => looks };
}

const WEB = { path: "conf/web.yaml", text: gateway() };
const CART = { path: "conf/cart.yaml", text: service("cart") };

async function settle(clock: FakeClock, reading: Promise<ResourceReading>): Promise<ResourceReading> {
  await clock.advanceAsync(WATCH_UNSTABLE_READS_MAX * WATCH_QUIET_MS * 2);
  return reading;
}

test("ResourceReader reads again while files change", async () => {
  const clock = new FakeClock();
  const half = { files: [{ path: "conf/web.yaml", text: gateway().slice(0, 40) }], isStable: false };
  const { reader, looks } = readerOf(clock, [half, half, { files: [WEB] }]);
  const reading = await settle(clock, reader.read(1, null));
  assert.equal(looks(), 3);
  assert.deepEqual(reading.problems, []);
  assert.equal(reading.world.listeners.length, 1);
});

test("ResourceReader gives up on files that change all the time", async () => {
  const clock = new FakeClock();
  const { reader, looks } = readerOf(clock, [{ files: [WEB], isStable: false }]);
  const reading = await settle(clock, reader.read(1, null));
  assert.equal(looks(), WATCH_UNSTABLE_READS_MAX);
  assert.deepEqual(reading.problems.map(renderProblem), ["conf: expected files that do not change all the time"]);
});

test("ResourceReader looks twice for a file that is gone", async () => {
  const clock = new FakeClock();
  const both = { files: [CART, WEB] };
  const moved = readerOf(clock, [both, { files: [WEB] }, both]);
  const first = await moved.reader.read(1, null);
  const second = await settle(clock, moved.reader.read(2, first));
  assert.equal(second.isUnchanged, true);
  assert.equal(moved.looks(), 3);

  const deleted = readerOf(clock, [both, { files: [WEB] }]);
  const before = await deleted.reader.read(1, null);
  const after = await settle(clock, deleted.reader.read(2, before));
  assert.deepEqual(after.files, [WEB]);
  assert.equal(deleted.looks(), 3);
});

const TLS = `${gateway([
  "name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ group: weft.dev, kind: Certificate, name: shop }] }",
])}
---
apiVersion: weft.dev/v1
kind: Certificate
metadata: { name: shop }
spec: { certificateFile: cert.pem, keyFile: key.pem }
`;
const OLD = createTestCertificate("old.example");
const NEW = createTestCertificate("new.example");
const GONE = { fault: "it does not exist" };

/** A reader of one folder whose files the test puts in place, and when it has looked at them. */
function certificateReader(clock: FakeClock): {
  readonly reader: ResourceReader;
  readonly attachments: Map<string, ReadOutcome>;
  readonly yaml: { text: string };
  readonly looks: number[];
} {
  const attachments = new Map<string, ReadOutcome>([
    ["conf/cert.pem", { text: OLD.certificate }],
    ["conf/key.pem", { text: OLD.key }],
  ]);
  const yaml = { text: TLS };
  const looks: number[] = [];
  const folders = {
    roots: ["conf"],
    scan: (): Promise<FolderScan> => {
      looks.push(clock.nowMs());
      return Promise.resolve({ files: [{ path: "conf/web.yaml", ...yaml }], faults: [], folders: [], isStable: true });
    },
    readAttachment: (path: string) => Promise.resolve(attachments.get(path) ?? GONE),
    retain: () => undefined,
  };
  return { reader: new ResourceReader(folders, WORLD_DEFAULTS, clock), attachments, yaml, looks };
}

function chainOf({ world }: ResourceReading): string | undefined {
  return world.listeners[0]?.tls?.certificates[0]?.certificateChain;
}

for (const [what, between] of [
  ["a key that is not yet the certificate's", { text: NEW.key }],
  ["a key that is gone", GONE],
  ["a key of which half is written", { text: NEW.key.slice(0, 100) }],
  ["an empty key", { text: "" }],
] as const) {
  test(`ResourceReader waits for the rest of a pair: ${what}`, async () => {
    const clock = new FakeClock();
    const { reader, attachments } = certificateReader(clock);
    const before = await reader.read(1, null);
    attachments.set("conf/key.pem", between);
    const reading = reader.read(2, before);
    await clock.advanceAsync(CERTIFICATE_GRACE_MS / 2);
    attachments.set("conf/cert.pem", { text: NEW.certificate });
    attachments.set("conf/key.pem", { text: NEW.key });
    await clock.advanceAsync(CERTIFICATE_GRACE_MS);
    const after = await reading;
    assert.deepEqual(after.problems, []);
    assert.equal(chainOf(after), NEW.certificate);
    assert.equal(after.isUnchanged, false);
  });
}

test("ResourceReader has a pair that never fits refused after the grace, and no second time", async () => {
  const clock = new FakeClock();
  const { reader, attachments, looks } = certificateReader(clock);
  const before = await reader.read(1, null);
  attachments.set("conf/key.pem", { text: NEW.key });
  const startMs = clock.nowMs();
  const refused = reader.read(2, before);
  await clock.advanceAsync(CERTIFICATE_GRACE_MS * 2);
  const after = await refused;
  assert.deepEqual(after.problems.map(renderProblem), [
    `conf/web.yaml:13: Certificate default/shop spec.keyFile: "key.pem" — expected the private key of the first certificate of the chain`,
  ]);
  const [lastMs = 0] = looks.slice(-1);
  assert.ok(lastMs >= startMs + CERTIFICATE_GRACE_MS && lastMs < startMs + CERTIFICATE_GRACE_MS * 1.5, String(lastMs));
  // What was refused already, and has not changed, is not waited for again.
  const seen = looks.length;
  assert.equal((await reader.read(3, after)).isUnchanged, true);
  assert.equal(looks.length, seen + 1);
});

test("ResourceReader takes a pair that is put back for no change", async () => {
  const clock = new FakeClock();
  const { reader, attachments } = certificateReader(clock);
  const before = await reader.read(1, null);
  attachments.set("conf/cert.pem", GONE);
  const reading = reader.read(2, before);
  await clock.advanceAsync(CERTIFICATE_GRACE_MS / 2);
  attachments.set("conf/cert.pem", { text: OLD.certificate });
  await clock.advanceAsync(CERTIFICATE_GRACE_MS);
  const after = await reading;
  assert.deepEqual([after.isUnchanged, after.problems], [true, []]);
  assert.equal(after.world, before.world);
});

test("ResourceReader waits for nothing that time does not mend", async () => {
  const clock = new FakeClock();
  const { reader, attachments, yaml } = certificateReader(clock);
  // The first reading: whoever starts a proxy with a wrong key wants to know it now.
  attachments.set("conf/key.pem", { text: NEW.key });
  const first = await reader.read(1, null);
  assert.equal(first.problems.length, 1);
  // A resource that is wrong, whatever becomes of the key.
  attachments.set("conf/key.pem", GONE);
  yaml.text = `${TLS}---\n${service("cart").replace("port: 80", "port: 70000")}`;
  const second = await reader.read(2, first);
  assert.equal(second.problems.length, 1);
  // A resource that names another file, which is not there.
  yaml.text = TLS.replace("key.pem", "kay.pem");
  const third = await reader.read(3, second);
  assert.match(third.problems.map(renderProblem).join(), /"kay.pem" — expected a PEM file that can be read/);
  assert.deepEqual(clock.pendingTimers, 0);
});

test("ResourceReader.close() ends the wait for the rest of a pair", async () => {
  const clock = new FakeClock();
  const { reader, attachments } = certificateReader(clock);
  const before = await reader.read(1, null);
  attachments.set("conf/key.pem", GONE);
  const reading = reader.read(2, before);
  await clock.advanceAsync(WATCH_QUIET_MS);
  reader.close();
  await clock.advanceAsync(CERTIFICATE_GRACE_MS / 4);
  assert.equal((await reading).problems.length, 1);
  assert.equal(clock.pendingTimers, 0);
});
