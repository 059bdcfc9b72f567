import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { NODE_ARGS, until } from "../test-command.ts";
import { endMeshes, ingressOf, statusOf, TIMEOUT_MS, up } from "./up.fixture.ts";

afterEach(endMeshes);

test("two weft up that start at the same time both come up", { timeout: TIMEOUT_MS }, async () => {
  const meshes = await Promise.all([up(), up()]);
  for (const mesh of meshes) assert.equal(await statusOf(`${ingressOf(mesh)}/checkout`), 200);
  assert.equal(new Set(meshes.map(ingressOf)).size, 2);
  for (const { child, output } of meshes) {
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "exit"), [0, null]);
    assert.doesNotMatch(output(), /starting again on other ports/, "ports that one has chosen the other does not take");
  }
});

/** `weft up` as the leader of a process group, all of which gets what a terminal sends. */
function spawnGroup(): ChildProcess {
  const program = new URL("../main.ts", import.meta.url).pathname;
  return spawn(process.execPath, [...NODE_ARGS, program, "up"], { stdio: "ignore", detached: true });
}

/** Members of a process group, and the folders of runs: what a mesh could leave. */
function traces(group: number): { readonly pids: readonly number[]; readonly folders: readonly string[] } {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,pgid=,stat="], { encoding: "utf8" }).trim().split("\n");
  const pids = rows.flatMap((row) => {
    const [pid, pgid, state = ""] = row.trim().split(/\s+/);
    return Number(pgid) === group && !state.startsWith("Z") ? [Number(pid)] : [];
  });
  const folders = readdirSync(tmpdir()).filter((name) => {
    const owner = join(tmpdir(), name, "owner.pid");
    return name.startsWith("weft-run-") && existsSync(owner) && readFileSync(owner, "utf8") === String(group);
  });
  return { pids, folders };
}

/** Moments of a start: from the first process of the mesh to the last, and a moment before it is ready. */
const MOMENTS: readonly number[] = [1, 2, 5, 9, 15];

test("Ctrl-C at any moment of the start leaves no process and no file", { timeout: TIMEOUT_MS }, async () => {
  for (const processes of MOMENTS) {
    const child = spawnGroup();
    const group = child.pid ?? 0;
    try {
      await until(() => traces(group).pids.length >= processes);
      process.kill(-group, "SIGINT");
      const [status, signal] = (await once(child, "exit")) as [number | null, string | null];
      // Before it knows of signals it ends of them, and has nothing to clean up.
      assert.ok(status === 0 || (processes === 1 && signal === "SIGINT"), `${status} ${signal} at ${processes}`);
      await until(() => traces(group).pids.length === 0);
      assert.deepEqual(traces(group).folders, [], `at ${processes}`);
    } finally {
      for (const pid of traces(group).pids) process.kill(pid, "SIGKILL");
    }
  }
});

test("weft up that is killed while it starts leaves no process", { timeout: TIMEOUT_MS }, async () => {
  for (const processes of [3, 15]) {
    const child = spawnGroup();
    const group = child.pid ?? 0;
    try {
      await until(() => traces(group).pids.length >= processes);
      child.kill("SIGKILL");
      await until(() => traces(group).pids.length === 0);
    } finally {
      const { pids, folders } = traces(group);
      for (const pid of pids) process.kill(pid, "SIGKILL");
      for (const name of folders) rmSync(join(tmpdir(), name), { recursive: true });
    }
  }
});
