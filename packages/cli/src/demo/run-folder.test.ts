import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadWorld, renderProblem } from "@weft/control/client";
import { planMesh } from "./mesh.ts";
import { PortChooser } from "./ports.ts";
import { RunFolder } from "./run-folder.ts";

test("RunFolder writes a configuration without a problem for every proxy, and keys that only their owner reads", async () => {
  const path = mkdtempSync(join(tmpdir(), "weft-run-folder-"));
  const chooser = new PortChooser();
  try {
    const mesh = await planMesh(chooser);
    const folder = new RunFolder(path, mesh);
    for (const proxy of ["ingress", ...mesh.instances.map(({ name }) => name)]) {
      const { world, problems } = await loadWorld(folder.configOf(proxy));
      assert.deepEqual(problems.map(renderProblem), [], proxy);
      assert.ok(world !== null && world.listeners.length > 0, proxy);
      assert.equal(statSync(join(folder.configOf(proxy), "own-key.pem")).mode & 0o777, 0o600);
    }
    const { world } = await loadWorld(folder.configOf("ingress"));
    const names = new Set(world?.routeTables.flatMap(({ rules }) => rules.map(({ route }) => route)));
    for (const route of [
      "storefront",
      "checkout",
      "cart",
      "payment",
      "notify",
      "recommend",
      "api",
      "moved",
      "trouble",
    ]) {
      assert.ok(names.has(`default/${route}`), route);
    }
  } finally {
    chooser.release();
    rmSync(path, { recursive: true, force: true });
  }
});
