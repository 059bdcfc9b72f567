import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ORPHAN_GRACE_SECONDS } from "../limits.ts";
import { isAlive, until } from "../test-command.ts";
import { OrphanGuard } from "./orphan-guard.ts";

/** Starts children that know nothing of their parent's end, and guards those that it is told to. */
const PARENT = `
import { spawn } from "node:child_process";
import { OrphanGuard } from ${JSON.stringify(new URL("./orphan-guard.ts", import.meta.url).href)};
const guard = new OrphanGuard();
const children = Array.from({ length: 3 }, () => spawn("sleep", ["1000"], { stdio: "ignore" }));
for (const { pid } of children) guard.add(pid);
guard.remove(children[2].pid);
process.on("message", async () => {
  for (const child of children) child.kill();
  for (const { pid } of children) guard.remove(pid);
  await guard.close();
  process.send("closed");
  process.disconnect();
});
process.send(children.map(({ pid }) => pid));
`;

let folder = "";
let program = "";

before(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-orphan-guard-"));
  program = join(folder, "parent.mjs");
  writeFileSync(program, PARENT);
});

after(() => rmSync(folder, { recursive: true, force: true }));

async function startParent(): Promise<{ parent: ChildProcess; pids: readonly number[] }> {
  const parent = fork(program, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [pids] = (await once(parent, "message")) as [number[]];
  return { parent, pids };
}

/** The guard's shell and the children: every process that a process has started. */
function childrenOf(parent: number): readonly number[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  return rows.flatMap((row) => {
    const [pid = 0, ppid = 0] = row.trim().split(/\s+/).map(Number);
    return ppid === parent ? [pid] : [];
  });
}

test("OrphanGuard ends the children of a process that was killed, and those alone that it still guards", async () => {
  const { parent, pids } = await startParent();
  const [first = 0, second = 0, other = 0] = pids;
  const killedMs = performance.now();
  parent.kill("SIGKILL");
  await until(() => !isAlive(first) && !isAlive(second));
  assert.ok(performance.now() - killedMs >= 1000 * ORPHAN_GRACE_SECONDS, "they may end by themselves");
  assert.ok(isAlive(other));
  process.kill(other);
});

test("OrphanGuard's shell ends with close(), and does nothing then", async () => {
  const { parent, pids } = await startParent();
  const all = childrenOf(parent.pid ?? 0);
  assert.equal(all.length, pids.length + 1);
  parent.send("close");
  assert.deepEqual(await once(parent, "message"), ["closed", undefined]);
  await until(() => !all.some(isAlive));
  if (parent.exitCode === null) await once(parent, "exit");
  assert.equal(parent.exitCode, 0);
});

test("OrphanGuard starts anew when its shell was killed", async () => {
  const guard = new OrphanGuard();
  const before = new Set(childrenOf(process.pid));
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  const pid = child.pid ?? 0;
  const shells = (): readonly number[] => childrenOf(process.pid).filter((one) => one !== pid && !before.has(one));
  // `ps` is a child, too, and not found again the second time.
  const lasting = (): readonly number[] => shells().filter((one) => isAlive(one));
  try {
    guard.add(pid);
    const [shell = 0] = lasting();
    assert.ok(isAlive(shell));
    process.kill(shell, "SIGKILL");
    await until(() => !isAlive(shell));
    guard.add(pid);
    const [again = 0] = lasting();
    assert.ok(isAlive(again));
  } finally {
    child.kill();
    await once(child, "exit");
    guard.remove(pid);
    await guard.close();
  }
  assert.deepEqual(lasting(), []);
});
