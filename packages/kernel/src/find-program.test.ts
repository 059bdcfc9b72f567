import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { findProgram } from "./find-program.ts";

test("findProgram() takes the first file in the path that may be run, and no folder", () => {
  const root = mkdtempSync(join(tmpdir(), "weft-find-program-"));
  try {
    const folders = ["a", "b", "c", "d"].map((name) => join(root, name));
    for (const folder of folders) mkdirSync(folder);
    const [a = "", b = "", c = "", d = ""] = folders;
    mkdirSync(join(a, "tool"));
    writeFileSync(join(b, "tool"), "");
    for (const folder of [c, d]) {
      writeFileSync(join(folder, "tool"), "");
      chmodSync(join(folder, "tool"), 0o755);
    }
    assert.equal(findProgram("tool", ["", ...folders].join(delimiter)), join(c, "tool"));
    assert.equal(findProgram("tool", [a, b].join(delimiter)), null);
    assert.equal(findProgram("tool", ""), null);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
