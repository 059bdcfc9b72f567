import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { isAlive, runCommand, until } from "../test-command.ts";
import { descendants, endMeshes, ingressOf, statusOf, TIMEOUT_MS, up } from "./up.fixture.ts";

/** Eight applications with a sidecar each, the ingress, and the guard that would end them if their parent could not. */
const PROCESSES = 18;

let folder = "";

before(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-up-command-"));
});

afterEach(endMeshes);

after(() => rmSync(folder, { recursive: true, force: true }));

test("weft up ends with 2 on wrong usage", async () => {
  writeFileSync(join(folder, "something"), "");
  for (const [args, reason] of [
    [["up", "--json"], /'--json' needs '--check'/],
    [["up", "--dir", folder], /CLI_FOLDER_NOT_EMPTY/],
    [
      ["up", "--dir", "/dev/null/x"],
      /\[CLI_FOLDER_UNUSABLE\] Cannot write the mesh's files to \/dev\/null\/x: ENOTDIR/,
    ],
    [["up", "--dir", join(folder, "something")], /\[CLI_FOLDER_UNUSABLE\]/],
    [["up", "--nothing"], /unknown option/],
  ] as const) {
    const { status, stderr } = await runCommand(args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, reason);
  }
});

test("weft up starts again what dies, and Ctrl-C leaves no process and no file", { timeout: TIMEOUT_MS }, async () => {
  const running = await up();
  const { child, output } = running;
  const pids = descendants(child.pid ?? 0);
  assert.equal(pids.length, PROCESSES);
  assert.equal(await statusOf(`${ingressOf(running)}/checkout`), 200);

  const [, victim = ""] = /^ {4}kill (\d+)$/m.exec(output()) ?? [];
  process.kill(Number(victim), "SIGKILL");
  await until(() => output().includes("payment-1 ended with SIGKILL"));
  for (let sent = 0; sent < 20; sent++) assert.equal(await statusOf(`${ingressOf(running)}/checkout`), 200);
  await until(() => output().includes("payment-1 is back"));

  const [, path = ""] = /configuration +(\S+)/.exec(output()) ?? [];
  assert.ok(existsSync(join(path, "ingress", "routes.yaml")));
  const stopMs = performance.now();
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.ok(performance.now() - stopMs < 10_000);
  assert.deepEqual(descendants(child.pid ?? 0), []);
  assert.ok(!pids.some((pid) => isAlive(pid)));
  assert.ok(!existsSync(path));
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith("weft-run-")),
    [],
  );
});

test("a second weft up runs beside the first, and a killed one leaves no orphan", { timeout: TIMEOUT_MS }, async () => {
  const first = await up("--dir", join(folder, "first"));
  const second = await up();
  assert.match(second.output(), /port \d+ is taken: the ingress is on \d+/);
  assert.notEqual(ingressOf(first), ingressOf(second));
  assert.equal(await statusOf(`${ingressOf(first)}/cart`), 200);
  assert.equal(await statusOf(`${ingressOf(second)}/cart`), 200);

  const [, path = ""] = /configuration +(\S+)/.exec(second.output()) ?? [];
  const pids = descendants(second.child.pid ?? 0);
  assert.equal(pids.length, PROCESSES);
  // One that does nothing any more, as in an endless loop, ends all the same.
  process.kill(pids[3] ?? 0, "SIGSTOP");
  second.child.kill("SIGKILL");
  await once(second.child, "exit");
  await until(() => !pids.some((pid) => isAlive(pid)));
  assert.equal(await statusOf(`${ingressOf(first)}/cart`), 200);

  // The next run removes what this one could not.
  rmSync(path, { recursive: true });
  first.child.kill("SIGTERM");
  assert.deepEqual(await once(first.child, "exit"), [0, null]);
  assert.ok(existsSync(join(folder, "first", "ingress", "routes.yaml")), "--dir keeps the files");
});
