import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { canPassHandles } from "@weft/kernel";
import type { UpgradeStatus, WorkerStatus } from "@weft/proxy";
import { getJson } from "../admin/admin-client.ts";
import { createHeartbeatAnswer, createResponse, FrameCutter, ID_AT, isHeartbeat } from "../bench/bolt/frames.ts";
import { BOLT_TALK, HTTP1_TALK, SteadyLoad, type Talk } from "../bench/upgrade/steady-load.ts";
import { isAlive, runCommand, type RunningRole, startRole, until } from "../test-command.ts";

const skip = !canPassHandles();
const CONNECTIONS = 500;
const REQUESTS_PER_SECOND = 500;
/** So long a host takes for an answer, in milliseconds: at any moment some are open. */
const ANSWER_MS = 20;

let folder = "";
let httpHost: Server;
let boltHost: TcpServer;
let role: RunningRole | null = null;
const loads: SteadyLoad[] = [];

before(async () => {
  httpHost = createServer(({ url = "" }, response) => {
    // waits: a host that takes its time
    setTimeout(() => response.end(url.slice(1)), ANSWER_MS);
  });
  boltHost = createTcpServer(answerBolt);
  for (const host of [httpHost, boltHost]) {
    host.listen(0, "127.0.0.1");
    await once(host, "listening");
  }
});

after(() => {
  httpHost.closeAllConnections();
  httpHost.close();
  boltHost.close();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-upgrade-"));
});

afterEach(async () => {
  if (role !== null && role.child.exitCode === null && role.child.signalCode === null) {
    const exit = once(role.child, "exit");
    role.child.kill("SIGKILL");
    await exit;
  }
  role = null;
  for (const load of loads.splice(0)) await load.stop();
  rmSync(folder, { recursive: true, force: true });
});

function answerBolt(socket: Socket): void {
  const cutter = new FrameCutter((bytes, at) => {
    const answer = isHeartbeat(bytes, at) ? createHeartbeatAnswer() : createResponse();
    answer.writeUInt32BE(bytes.readUInt32BE(at + ID_AT), ID_AT);
    // waits: a host that takes its time
    setTimeout(() => socket.write(answer), ANSWER_MS);
  });
  socket.on("data", (bytes: Buffer) => cutter.take(bytes));
  socket.on("error", () => {});
}

function writeConfig(protocol: "http" | "bolt", more: string = ""): void {
  const { port } = (protocol === "http" ? httpHost : boltHost).address() as AddressInfo;
  const yaml = `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: tested }
spec:
  inbound: { address: 127.0.0.1, port: 0, targetPort: ${port}, protocol: ${protocol} }
  admin: { port: 0 }
  drain: { deadline: 20s }
${more}`;
  writeFileSync(join(folder, "proxy.yaml"), yaml);
}

async function start(workers: number = 2): Promise<RunningRole> {
  role = await startRole(["proxy", "--config", folder, "--workers", String(workers)]);
  return role;
}

async function openLoad(running: RunningRole, talk: Talk, connections: number = CONNECTIONS): Promise<SteadyLoad> {
  const port = running.listeners[0]?.port ?? 0;
  const load = await SteadyLoad.open({ port, connections, requestsPerSecond: REQUESTS_PER_SECOND, talk });
  loads.push(load);
  return load;
}

async function readyPids(running: RunningRole): Promise<number[]> {
  const { workers } = await getJson<{ workers: WorkerStatus[] }>(running.admin, "/api/workers");
  return workers.filter(({ state }) => state === "ready").map(({ pid }) => pid);
}

async function upgrade(running: RunningRole): Promise<UpgradeStatus> {
  const { stdout, stderr } = await runCommand(["upgrade", "--json", "--admin", `127.0.0.1:${running.admin.port}`]);
  assert.equal(stderr, "");
  return JSON.parse(stdout) as UpgradeStatus;
}

/** What the proxy has counted under a name, in all. */
async function counted(running: RunningRole, name: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${running.admin.port}/metrics`);
  const lines = (await answer.text()).split("\n").filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

for (const [protocol, talk] of [
  ["http", HTTP1_TALK],
  ["bolt", BOLT_TALK],
] as const) {
  test(`three upgrades in a row fail no request of ${protocol} and close no connection`, { skip }, async () => {
    writeConfig(protocol);
    const running = await start();
    const load = await openLoad(running, talk);
    let before = await readyPids(running);
    let requests = 0;
    for (const generation of [2, 3, 4]) {
      const { state, reason, ...status } = await upgrade(running);
      assert.deepEqual([state, reason], ["done", ""]);
      assert.equal(status.generation, generation);
      assert.equal(status.moved + status.waiting, CONNECTIONS);
      const now = await readyPids(running);
      assert.equal(now.length, 2);
      assert.ok(now.every((pid) => !before.includes(pid)));
      // Those of the version before have nothing left to do.
      await until(() => before.every((pid) => !isAlive(pid)));
      before = now;
      const countedNow = await counted(running, "weft_downstream_requests_total");
      assert.ok(countedNow >= requests, `${countedNow} requests after ${requests}`);
      requests = countedNow;
    }
    await load.stop();
    assert.deepEqual([load.failed, load.closed, load.fault], [0, 0, ""]);
    assert.ok(load.answered > 0);
    assert.equal(await counted(running, "weft_downstream_requests_total"), load.answered);
    assert.equal(await counted(running, "weft_downstream_connections_total"), CONNECTIONS);
    const exit = once(running.child, "exit");
    running.child.kill("SIGTERM");
    assert.deepEqual(await exit, [0, null]);
    await until(() => before.every((pid) => !isAlive(pid)));
  });
}
