import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkClock, checkInstall, checkNode, installRoot, readDescriptorsMax } from "./system-checks.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-doctor-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const PACKAGES = {
  "": {},
  "node_modules/node": { version: "26.1.0", integrity: "sha512-n" },
  "node_modules/zod": { version: "4.0.0", integrity: "sha512-z" },
  "node_modules/fsevents": { version: "2.0.0", integrity: "sha512-f", optional: true },
};

/** A clone whose lock file and whose install have these packages. */
function clone(name: string, locked: object, installed: object | null): string {
  const root = join(folder, name);
  mkdirSync(join(root, "node_modules"), { recursive: true });
  writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages: locked }));
  if (installed !== null) {
    writeFileSync(join(root, "node_modules/.package-lock.json"), JSON.stringify({ packages: installed }));
  }
  return root;
}

test("installRoot() knows the launcher's Node from any other", () => {
  assert.equal(installRoot("/srv/weft/node_modules/node/bin/node"), "/srv/weft");
  assert.equal(installRoot("/usr/local/bin/node"), null);
});

test("checkNode() compares with the version that is pinned", () => {
  const root = clone("node", PACKAGES, PACKAGES);
  assert.equal(checkNode(root, "v26.1.0").verdict, "ok");
  const old = checkNode(root, "v26.0.0");
  assert.deepEqual([old.verdict, old.detail], ["failed", "v26.0.0, pinned is 26.1.0"]);
  assert.equal(checkNode(null, "v26.1.0").verdict, "warning");
});

test("checkInstall() finds packages that are missing or others, and passes over optional ones", () => {
  const present = {
    "node_modules/node": PACKAGES["node_modules/node"],
    "node_modules/zod": PACKAGES["node_modules/zod"],
  };
  assert.deepEqual(checkInstall(clone("good", PACKAGES, present)).detail, "2 packages, as pinned");
  const zod = { version: "4.1.0", integrity: "sha512-z" };
  const changed = checkInstall(clone("changed", PACKAGES, { ...present, "node_modules/zod": zod }));
  assert.deepEqual([changed.verdict, changed.detail], ["failed", "zod is version 4.1.0, pinned is 4.0.0"]);
  const forged = { ...present, "node_modules/zod": { ...PACKAGES["node_modules/zod"], integrity: "sha512-other" } };
  assert.equal(checkInstall(clone("forged", PACKAGES, forged)).verdict, "failed");
  const missing = checkInstall(clone("missing", PACKAGES, { "node_modules/node": PACKAGES["node_modules/node"] }));
  assert.match(missing.detail, /^zod is missing/);
  assert.equal(checkInstall(clone("none", PACKAGES, null)).verdict, "failed");
  assert.equal(checkInstall(null).verdict, "skipped");
});

test("checkClock() finds a clock that goes behind the install", () => {
  const root = clone("clock", {}, {});
  assert.equal(checkClock(root, Date.now() + 60_000).verdict, "ok");
  assert.equal(checkClock(root, Date.UTC(2000, 0, 1)).verdict, "failed");
  assert.equal(checkClock(null, 0).verdict, "skipped");
});

test("readDescriptorsMax() reads what Linux says of this process", () => {
  const path = join(folder, "limits");
  const write = (soft: string): void =>
    writeFileSync(path, `Limit  Soft  Hard  Units\nMax open files   ${soft}   4096   files\n`);
  write("1024");
  assert.equal(readDescriptorsMax(path), 1024);
  write("unlimited");
  assert.equal(readDescriptorsMax(path), Number.POSITIVE_INFINITY);
  assert.equal(readDescriptorsMax(join(folder, "none")), null);
  if (process.platform === "linux") assert.ok((readDescriptorsMax() ?? 0) > 0);
});
