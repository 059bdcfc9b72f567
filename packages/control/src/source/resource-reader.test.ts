import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "@weft/kernel";
import { WORLD_DEFAULTS } from "../compile/defaults.ts";
import { WATCH_QUIET_MS, WATCH_UNSTABLE_READS_MAX } from "../limits.ts";
import { renderProblem } from "../load/problems.ts";
import { gateway, service } from "../load/resources.fixture.ts";
import type { FolderScan } from "./folder-reader.ts";
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
