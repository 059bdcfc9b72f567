import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
  type Socket,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
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
/** Answers that the HTTP host holds back. */
const held: ServerResponse[] = [];

before(async () => {
  httpHost = createServer(({ url = "" }, response) => {
    if (url === "/hold") {
      held.push(response);
      return;
    }
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
  answerHeld();
  rmSync(folder, { recursive: true, force: true });
});

function answerHeld(): void {
  for (const response of held.splice(0)) response.end("late");
}

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
  const { workers } = await getJson<{ workers: WorkerStatus[] }>(running.admin, "/api/workers", "workers");
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

test(
  "a version whose configuration is wrong, or whose port is taken, is refused, and the present one carries on",
  {
    skip,
  },
  async () => {
    writeConfig("http");
    const running = await start();
    const load = await openLoad(running, HTTP1_TALK);
    const before = await readyPids(running);
    const holder = createTcpServer().listen({ port: 0, host: "127.0.0.1", reusePort: true });
    await once(holder, "listening");
    const { port: taken } = holder.address() as AddressInfo;
    try {
      for (const [more, reason] of [
        ["  hopsMax: many\n", /proxy\.yaml:\d+: .*hopsMax/],
        [`  outbound: { address: 127.0.0.1, port: ${taken} }\n`, /CLI_PORT_TAKEN.*outbound/],
      ] as const) {
        writeConfig("http", more);
        const status = await upgrade(running);
        assert.equal(status.state, "refused");
        assert.match(status.reason, reason);
        assert.equal(status.generation, 1);
        assert.deepEqual(await readyPids(running), before);
      }
    } finally {
      holder.close();
    }
    writeConfig("http");
    assert.equal((await upgrade(running)).generation, 2);
    await load.stop();
    assert.deepEqual([load.failed, load.closed, load.fault], [0, 0, ""]);
  },
);

/** Sends a request that the host does not answer before `answerHeld`; its connection cannot move until then. */
async function holdRequest(running: RunningRole): Promise<{ readonly answer: Promise<string> }> {
  const socket = connect(running.listeners[0]?.port ?? 0, "127.0.0.1");
  const answer = text(socket).catch((error: NodeJS.ErrnoException) => String(error.code));
  socket.write("GET /hold HTTP/1.1\r\nhost: backend\r\nconnection: close\r\n\r\n");
  await until(() => held.length > 0);
  return { answer };
}

/** Resolves when the version in charge has given away all connections but those that are busy, and is still in charge. */
async function untilMoved(running: RunningRole): Promise<void> {
  await until(async () => {
    type Answer = { readonly listeners: readonly { readonly connectionsActive: number }[] };
    const { listeners } = await getJson<Answer>(running.admin, "/api/listeners", "listeners");
    return listeners.length > 0 && listeners.every(({ connectionsActive }) => connectionsActive < CONNECTIONS / 10);
  });
}

/** The supervisors of versions that run as processes of their own, in the order of their start. */
function successorsOf({ log, pid: keeper }: RunningRole): readonly number[] {
  const pids = log.flatMap(({ pid, name }) => (name === "proxy" && typeof pid === "number" ? [pid] : []));
  return [...new Set(pids)].filter((pid) => pid !== keeper);
}

test(
  "when the next version dies in the middle the present one carries on, and can be upgraded again",
  {
    skip,
  },
  async () => {
    writeConfig("http");
    const running = await start();
    const load = await openLoad(running, HTTP1_TALK);
    const before = await readyPids(running);
    const { answer } = await holdRequest(running);
    const upgrading = upgrade(running);
    await untilMoved(running);
    const [victim] = successorsOf(running);
    assert.ok(victim !== undefined);
    process.kill(victim, "SIGKILL");
    const status = await upgrading;
    assert.equal(status.state, "refused");
    assert.match(status.reason, /ended/);
    assert.deepEqual(await readyPids(running), before);
    answerHeld();
    assert.match(await answer, /^HTTP\/1\.1 200 [^]*late$/);
    // What had arrived there is gone with it; whoever connects again is served, and so was whoever had not gone.
    await load.stop();
    const again = await openLoad(running, HTTP1_TALK);
    assert.equal((await upgrade(running)).generation, 2);
    await again.stop();
    assert.deepEqual([again.failed, again.closed, again.fault], [0, 0, ""]);
  },
);

test("when the version before dies in the middle the next one goes on with what it has", { skip }, async () => {
  writeConfig("http");
  const running = await start();
  const load = await openLoad(running, HTTP1_TALK);
  assert.equal((await upgrade(running)).generation, 2);
  const { answer } = await holdRequest(running);
  const upgrading = upgrade(running);
  await untilMoved(running);
  const [victim] = successorsOf(running);
  assert.ok(victim !== undefined);
  process.kill(victim, "SIGKILL");
  assert.deepEqual([(await upgrading).state, (await upgrading).generation], ["done", 3]);
  assert.doesNotMatch(await answer, /^HTTP/);
  await load.stop();
  // All that had moved lives on: connections that were busy in that moment died with their process.
  assert.ok(load.closed < CONNECTIONS / 2, `${load.closed} connections were closed`);
});

test(
  "a worker of the present version that dies in the middle takes nothing with it but what it still had",
  {
    skip,
  },
  async () => {
    writeConfig("http");
    const running = await start();
    const load = await openLoad(running, HTTP1_TALK);
    const before = await readyPids(running);
    const { answer } = await holdRequest(running);
    const upgrading = upgrade(running);
    await untilMoved(running);
    for (const pid of before) process.kill(pid, "SIGKILL");
    assert.equal((await upgrading).generation, 2);
    assert.doesNotMatch(await answer, /^HTTP/);
    assert.equal((await readyPids(running)).length, 2);
    await load.stop();
    assert.ok(load.closed < CONNECTIONS / 2, `${load.closed} connections were closed`);
    // The first process is the parent of whatever is in charge: when it is killed, nothing is left.
    const left = [...(await readyPids(running)), ...successorsOf(running)];
    running.child.kill("SIGKILL");
    await until(() => left.every((pid) => !isAlive(pid)));
  },
);

test("weft upgrade says what came of it, and that a single process cannot", { skip }, async () => {
  writeConfig("http");
  role = await startRole(["proxy", "--config", folder, "--single"]);
  const { status, stdout } = await runCommand(["upgrade", "--admin", `127.0.0.1:${role.admin.port}`]);
  assert.equal(status, 1);
  assert.match(stdout, /carries on as it was: this proxy is a single process,/);
});
