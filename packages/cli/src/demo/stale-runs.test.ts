import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createRunFolder } from "./stale-runs.ts";

test("createRunFolder() removes the folders of runs that are gone, and no others", () => {
  const folderOf = (owner: number | string | null): string => {
    const path = mkdtempSync(join(tmpdir(), "weft-run-"));
    if (owner !== null) writeFileSync(join(path, "owner.pid"), String(owner));
    return path;
  };
  const { pid: deadPid } = spawnSync(process.execPath, ["--version"]);
  const stale = folderOf(deadPid);
  const others = [folderOf(process.ppid), folderOf("nonsense"), folderOf(null)];
  const own = createRunFolder("weft-run-");
  try {
    assert.ok(!existsSync(stale));
    assert.ok(others.every((path) => existsSync(path)));
    assert.equal(readFileSync(join(own, "owner.pid"), "utf8"), String(process.pid));
  } finally {
    for (const path of [own, stale, ...others]) rmSync(path, { recursive: true, force: true });
  }
});
