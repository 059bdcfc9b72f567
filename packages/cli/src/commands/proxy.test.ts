import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { text } from "node:stream/consumers";
import { isAlive, runCommand, type RunningRole, startRole, until } from "../test-command.ts";
import { chooseFreePort } from "../bench/ports.ts";

let folder = "";
let backend: Server;
/** Answers of the backend that a test holds back, by path. */
const held = new Map<string, ServerResponse>();
let role: RunningRole | null = null;

before(async () => {
  backend = createServer((request, response) => {
    if (request.url?.startsWith("/hold") === true) held.set(request.url, response);
    else response.end("backend");
  });
  backend.listen(0, "127.0.0.1");
  await once(backend, "listening");
});

after(() => {
  backend.closeAllConnections();
  backend.close();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-proxy-command-"));
  writeConfig();
});

afterEach(async () => {
  if (role !== null && role.child.exitCode === null && role.child.signalCode === null) {
    role.child.kill("SIGKILL");
    await once(role.child, "exit");
  }
  role = null;
  held.clear();
  rmSync(folder, { recursive: true, force: true });
});

/** A proxy that listens on a port of the system's choice before the backend. */
function writeConfig(changes: { deadline?: string; targetPort?: number | string; adminPort?: number } = {}): void {
  const { port } = backend.address() as AddressInfo;
  const { deadline = "20s", targetPort = port, adminPort = 0 } = changes;
  const yaml = `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata:
  name: tested
spec:
  inbound:
    address: 127.0.0.1
    port: 0
    targetPort: ${targetPort}
  admin:
    port: ${adminPort}
  drain:
    deadline: ${deadline}
`;
  writeFileSync(join(folder, "proxy.yaml.new"), yaml);
  renameSync(join(folder, "proxy.yaml.new"), join(folder, "proxy.yaml"));
}

function start(...args: readonly string[]): Promise<RunningRole> {
  return startRole(["proxy", "--config", folder, ...args]);
}

function portOf({ listeners }: RunningRole): number {
  const [listener] = listeners;
  assert.ok(listener !== undefined && listener.port > 0);
  return listener.port;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Sends a request on a connection of its own, so that any worker may get it. */
async function send(port: number, path: string, host: string = "backend"): Promise<Answer> {
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent: false, headers: { host } }, resolve).on("error", reject);
  });
  return { status: incoming.statusCode ?? 0, body: await text(incoming) };
}

function logged({ log }: RunningRole, message: string): Record<string, unknown>[] {
  return log.filter((line) => line["message"] === message);
}

async function adminJson(running: RunningRole, path: string): Promise<unknown> {
  const { body } = await send(running.admin.port, path, "127.0.0.1");
  return JSON.parse(body);
}

async function workerPids(running: RunningRole): Promise<number[]> {
  const answer = (await adminJson(running, "/api/workers")) as { workers: { pid: number; state: string }[] };
  return answer.workers.filter(({ state }) => state === "ready").map(({ pid }) => pid);
}

test("weft proxy ends with 2 on wrong usage, and says what is wrong", async () => {
  for (const [args, reason] of [
    [["proxy"], /missing argument 'path'/],
    [["proxy", folder, "-c", "elsewhere"], /two paths are given/],
    [["proxy", folder, "more"], /too many arguments/],
    [["proxy", "-c", folder, "--workers", "0"], /whole number from 1 to 256/],
    [["proxy", "-c", folder, "--workers", "2", "--single"], /cannot be used with/],
    [["proxy", "-c", folder, "--admin", "localhost"], /IP address and a port/],
    [["proxy", "-c", join(folder, "missing")], /does not exist/],
  ] as const) {
    const { status, stderr } = await runCommand(args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, reason);
    if (!args.some((arg) => arg === join(folder, "missing")))
      assert.match(stderr, /^Usage: weft proxy \[options\] \[path\]$/m);
  }
});

test("weft proxy prints every problem of its first configuration and ends with 2", async () => {
  writeConfig({ targetPort: '"many"', deadline: "soon" });
  const { status, stderr } = await runCommand(["proxy", "-c", folder, "--single"]);
  assert.equal(status, 2);
  assert.match(stderr, /proxy\.yaml:9: ProxyConfig default\/tested spec\.inbound\.targetPort: "many"/);
  assert.match(stderr, /spec\.drain\.deadline: "soon"/);
  assert.match(stderr, /Cannot use the configuration: 2 problems/);
});

test("weft proxy says in one line that its access log cannot be opened", async () => {
  const path = join(folder, "proxy.yaml");
  writeFileSync(path, `${readFileSync(path, "utf8")}  accessLog: { target: ${join(folder, "no", "a.log")} }\n`);
  for (const args of [["--single"], ["--workers", "2"]]) {
    const { status, stderr } = await runCommand(["proxy", folder, ...args]);
    assert.equal(status, 1);
    const reason = `Cannot open access log "${folder}/no/a.log": the folder ${folder}/no does not exist`;
    assert.equal(stderr, `weft: [ACCESS_LOG_OPEN_FAILED] ${reason}\n`);
  }
});

test("weft proxy --check prints what a configuration comes to", async () => {
  const { status, stdout } = await runCommand(["proxy", folder, "--check"]);
  assert.equal(status, 0);
  assert.match(stdout, /The configuration is valid\./);
  assert.match(stdout, /listener inbound 127\.0\.0\.1:0 \(HTTP\): 1 rule$/m);
  assert.match(stdout, /1 host$/m);
});

test("weft proxy ends with 1 when an address is taken", async () => {
  role = await start("--single");
  const taken = portOf(role);
  const config = `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: tested }
spec:
  inbound: { address: 127.0.0.1, port: ${taken}, targetPort: 80 }
  outbound: { address: 127.0.0.1, port: 0 }
  admin: { port: 0 }
---
apiVersion: weft.dev/v1
kind: Service
metadata: { name: watched }
spec:
  ports: [{ port: 80 }]
  hosts: [{ address: 127.0.0.1, port: ${taken} }]
---
# It has a timer, which must not keep a process that serves nothing.
apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata: { name: watched }
spec:
  targetRefs: [{ kind: Service, name: watched }]
  outlier: { consecutiveErrors: 3, interval: 1s }
`;
  writeFileSync(join(folder, "taken.yaml"), config);
  for (const args of [["--single"], ["--workers", "2"]]) {
    const { status, stderr } = await runCommand(["proxy", "-c", join(folder, "taken.yaml"), ...args]);
    assert.equal(status, 1);
    assert.match(stderr, /\[CLI_PORT_TAKEN\] Cannot listen: 127\.0\.0\.1:\d+ \(inbound\) is taken by process \d+ \(/);
    assert.ok(stderr.includes(`process ${role.pid} `), stderr);
  }
});

/** The configuration of a proxy that listens on a port of its own choice, and of its admin server. */
function configOn(ports: readonly number[], adminPort: number = 0): string {
  const { port: targetPort } = backend.address() as AddressInfo;
  const sides = ["inbound", "outbound"].slice(0, ports.length);
  const lines = sides.map(
    (side, index) =>
      `  ${side}: { address: 127.0.0.1, port: ${ports[index]}${side === "inbound" ? `, targetPort: ${targetPort}` : ""} }`,
  );
  return `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: tested }
spec:
${lines.join("\n")}
  admin: { port: ${adminPort} }
`;
}

test("weft proxy refuses a port that another proxy serves before it opens any, and shares it when asked to", async () => {
  role = await start("--workers", "2");
  const running = role;
  const free = await chooseFreePort();
  const file = join(folder, "second.yaml");
  const [one = 0, other = 0] = await workerPids(role);
  writeFileSync(file, configOn([portOf(role), free]));
  const { status, stderr } = await runCommand(["proxy", "-c", file, "--workers", "2"]);
  assert.equal(status, 1);
  for (const pid of [one, other]) assert.match(stderr, new RegExp(`process ${pid} \\(`));

  // Nothing was opened for an instant on the way: whoever meets a port that is free is refused, as before.
  writeFileSync(file, configOn([free], running.admin.port));
  const late = await runCommand(["proxy", "-c", file, "--workers", "2"]);
  assert.equal(late.status, 1);
  assert.match(late.stderr, new RegExp(`:${running.admin.port} \\(admin\\) is taken by process ${running.pid} `));
  assert.doesNotMatch(late.stderr, /worker ready/);

  writeFileSync(file, configOn([portOf(role)]));
  const beside = await startRole(["proxy", "-c", file, "--workers", "2", "--share-ports"]);
  const exit = once(beside.child, "exit");
  beside.child.kill("SIGTERM");
  await exit;
  assert.equal((await send(portOf(role), "/")).status, 200);
});

test("weft proxy refuses a listener that a reload adds on a port that another process has, and serves the others", async () => {
  writeFileSync(join(folder, "proxy.yaml"), configOn([0]));
  role = await start("--workers", "2");
  const running = role;
  const holder = createServer().listen({ port: 0, host: "127.0.0.1", reusePort: true });
  await once(holder, "listening");
  const { port: taken } = holder.address() as AddressInfo;
  try {
    writeFileSync(join(folder, "proxy.yaml"), configOn([0, taken]));
    await until(() => logged(running, "a listener is refused; the others are served").length === 1);
    const [line] = logged(running, "a listener is refused; the others are served");
    assert.match(String(line?.["reason"]), new RegExp(`:${taken} \\(outbound\\) is taken by process ${process.pid} `));
    await until(() => logged(running, "configuration applied by all workers").length === 1);
    assert.equal((await send(portOf(role), "/")).status, 200);
    const listed = (await adminJson(running, "/api/listeners")) as { listeners: { name: string; problem: string }[] };
    assert.deepEqual(
      listed.listeners.map(({ name, problem }) => [name, problem.includes("is taken by process")]),
      [
        ["inbound", false],
        ["outbound", true],
      ],
    );
    const { reloads } = (await adminJson(running, "/api/reloads")) as { reloads: { isCurrent: boolean } };
    assert.equal(reloads.isCurrent, false);
    assert.match((await send(running.admin.port, "/metrics", "127.0.0.1")).body, /^weft_config_problems 1$/m);
    const { stdout } = await runCommand(["status", "--admin", `127.0.0.1:${running.admin.port}`]);
    assert.match(stdout, /^outbound .* not open: .* is taken by process \d+/m);
    assert.match(stdout, /but for .*\n {2}listener outbound — expected a port that is free/);
  } finally {
    holder.close();
  }
  // It is tried again until the port is free.
  await until(async () => {
    const listed = (await adminJson(running, "/api/listeners")) as { listeners: { problem: string }[] };
    return listed.listeners.length === 2 && listed.listeners.every(({ problem }) => problem === "");
  });
});

test("weft proxy serves with several workers on one port, and replaces one that is killed", async () => {
  role = await start("--workers", "2");
  const port = portOf(role);
  assert.deepEqual(await send(port, "/"), { status: 200, body: "backend" });
  const before = await workerPids(role);
  assert.equal(before.length, 2);
  const [victim = 0, survivor = 0] = before;
  const running = role;
  const counted = async (): Promise<number> => {
    const { body } = await send(running.admin.port, "/metrics", "127.0.0.1");
    return Number(/^weft_downstream_requests_total\{.*protocol="http1"\} (\d+)$/m.exec(body)?.[1]);
  };
  for (let sent = 0; sent < 20; sent++) assert.equal((await send(port, "/")).status, 200);
  assert.equal(await counted(), 21);
  process.kill(victim, "SIGKILL");
  await until(async () => (await workerPids(running)).filter((pid) => pid !== victim).length === 2);
  assert.ok((await workerPids(role)).includes(survivor));
  assert.deepEqual(
    logged(role, "a worker died and is replaced").map(({ workerPid, how }) => [workerPid, how]),
    [[victim, "signal SIGKILL"]],
  );
  // What the dead worker served stays counted.
  assert.equal(await counted(), 21);
  for (let sent = 0; sent < 20; sent++) assert.equal((await send(port, "/")).status, 200);
});

test("a single worker has a supervisor, too", async () => {
  role = await start("--workers", "1");
  const running = role;
  const [victim = 0] = await workerPids(role);
  assert.notEqual(victim, role.child.pid);
  process.kill(victim, "SIGKILL");
  await until(async () => (await workerPids(running)).some((pid) => pid !== victim));
  assert.deepEqual(await send(portOf(role), "/"), { status: 200, body: "backend" });
});

test("weft proxy checks hosts in one worker, and every worker knows the result", async () => {
  const sick = createServer((request, response) => {
    response.statusCode = request.url === "/healthz" ? 503 : 200;
    response.end("sick");
  });
  sick.listen(0, "127.0.0.1");
  await once(sick, "listening");
  const portOfServer = (server: Server): number => (server.address() as AddressInfo).port;
  const yaml = `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: tested }
spec:
  outbound: { address: 127.0.0.1, port: 0 }
  admin: { port: 0 }
---
apiVersion: weft.dev/v1
kind: Service
metadata: { name: pair }
spec:
  ports: [{ port: 80 }]
  hosts:
    - { address: 127.0.0.1, port: ${portOfServer(backend)} }
    - { address: 127.0.0.1, port: ${portOfServer(sick)} }
---
apiVersion: weft.dev/v1
kind: TrafficPolicy
metadata: { name: pair }
spec:
  targetRefs: [{ kind: Service, name: pair }]
  healthChecks: [{ type: http, path: /healthz, interval: 100ms, unhealthyThreshold: 1 }]
`;
  writeFileSync(join(folder, "proxy.yaml"), yaml);
  try {
    role = await start("--workers", "2");
    const port = portOf(role);
    const running = role;
    const isKnown = async (): Promise<boolean> => {
      for (let sent = 0; sent < 40; sent++) if ((await send(port, "/", "pair")).body !== "backend") return false;
      return true;
    };
    await until(isKnown);
    // Workers that come later know it, too: those that replace the ones that listen now.
    for (const victim of await workerPids(running)) {
      process.kill(victim, "SIGKILL");
      await until(async () => (await workerPids(running)).filter((pid) => pid !== victim).length === 2);
      await until(isKnown);
    }
  } finally {
    sick.closeAllConnections();
    sick.close();
  }
});

test("weft proxy applies a changed configuration in every worker and refuses a wrong one", async () => {
  role = await start("--workers", "2");
  const port = portOf(role);
  const running = role;
  const revision = async (): Promise<number> =>
    ((await adminJson(running, "/api/config")) as { config: { revision: number } }).config.revision;
  const metrics = async (): Promise<string> => (await send(running.admin.port, "/metrics", "127.0.0.1")).body;
  assert.equal(await revision(), 1);
  assert.match(await metrics(), /^weft_config_last_reload_successful 1$/m);

  writeConfig({ targetPort: 1 });
  await until(() => logged(running, "configuration applied by all workers").length === 1);
  assert.equal(await revision(), 2);
  for (let sent = 0; sent < 10; sent++) assert.equal((await send(port, "/")).status, 503);

  writeConfig();
  await until(() => logged(running, "configuration applied by all workers").length === 2);
  for (let sent = 0; sent < 10; sent++) assert.equal((await send(port, "/")).status, 200);

  writeConfig({ deadline: "soon" });
  await until(() => logged(running, "the configuration on disk is wrong; what runs stays").length === 1);
  await until(() => running.log.some(({ message }) => String(message).includes('spec.drain.deadline: "soon"')));
  assert.equal(await revision(), 3);
  assert.equal((await send(port, "/")).status, 200);
  assert.match(await metrics(), /^weft_config_reloads_total\{result="applied"\} 3$/m);
  assert.match(await metrics(), /^weft_config_reloads_total\{result="refused"\} 1$/m);
  assert.match(await metrics(), /^weft_config_last_reload_successful 0$/m);
  assert.match(await metrics(), /^weft_config_refused_timestamp_seconds 1\d{9}/m);
  assert.match(await metrics(), /^weft_config_problems 1$/m);

  writeConfig();
  await until(() => logged(running, "the configuration on disk is right again").length === 1);
  assert.match(await metrics(), /^weft_config_last_reload_successful 1$/m);
  assert.match(await metrics(), /^weft_config_problems 0$/m);
});

test("weft proxy finishes an open request after SIGTERM and leaves no process", async () => {
  for (const args of [["--single"], ["--workers", "2"]]) {
    role = await start(...args);
    const pids = await workerPids(role);
    const answer = send(portOf(role), "/hold/1");
    await until(() => held.has("/hold/1"));
    const exit = once(role.child, "exit");
    role.child.kill("SIGTERM");
    const running = role;
    await until(() => logged(running, "draining").length === 1);
    held.get("/hold/1")?.end("late but whole");
    assert.deepEqual(await answer, { status: 200, body: "late but whole" });
    assert.deepEqual(await exit, [0, null]);
    await until(() => !pids.some((pid) => isAlive(pid)));
    held.clear();
  }
});

test("weft proxy gives up open requests at the drain's deadline, and at once on a second signal", async () => {
  writeConfig({ deadline: "200ms" });
  role = await start("--workers", "2");
  const cut = assert.rejects(send(portOf(role), "/hold/2"));
  await until(() => held.has("/hold/2"));
  role.child.kill("SIGTERM");
  assert.deepEqual(await once(role.child, "exit"), [0, null]);
  await cut;

  writeConfig({ deadline: "60s" });
  role = await start("--workers", "2");
  const lost = assert.rejects(send(portOf(role), "/hold/3"));
  await until(() => held.has("/hold/3"));
  const running = role;
  role.child.kill("SIGTERM");
  await until(() => logged(running, "draining").length === 1);
  role.child.kill("SIGTERM");
  assert.deepEqual(await once(role.child, "exit"), [1, null]);
  await lost;
});

test("weft proxy's workers end when their supervisor is killed", async () => {
  role = await start("--workers", "2");
  const pids = await workerPids(role);
  role.child.kill("SIGKILL");
  await once(role.child, "exit");
  await until(() => !pids.some((pid) => isAlive(pid)));
});

test("weft proxy ends when the process that started it goes away", async () => {
  role = await start("--workers", "2");
  const pids = await workerPids(role);
  role.child.disconnect();
  await once(role.child, "exit");
  await until(() => !pids.some((pid) => isAlive(pid)));
});

test("SIGUSR2 replaces every process but the first while requests on new connections go on", async () => {
  role = await start("--workers", "2");
  const port = portOf(role);
  const before = await workerPids(role);
  const running = role;
  const load = { sent: 0, isOver: false };
  const loop = (async () => {
    for (; !load.isOver; load.sent++) {
      assert.deepEqual(await send(port, "/"), { status: 200, body: "backend" });
      // Whoever asks the admin server gets an answer at any moment, too.
      assert.equal((await send(running.admin.port, "/api/live", "127.0.0.1")).status, 200);
    }
  })();
  role.child.kill("SIGUSR2");
  await until(() => logged(running, "worker drained").length === 2);
  const now = await workerPids(running);
  assert.ok(now.length === 2 && !now.some((pid) => before.includes(pid)));
  load.isOver = true;
  await loop;
  assert.ok(load.sent > 10);
  assert.ok(isAlive(running.pid));
});

test("the admin server moves when the configuration says so", async () => {
  role = await start("--single");
  writeConfig({ adminPort: await chooseFreePort() });
  const running = role;
  await until(() => logged(running, "admin listening").length === 2);
  const { port: before } = role.admin;
  const now = Number(logged(role, "admin listening")[1]?.["port"]);
  assert.equal((await send(now, "/api/live", "127.0.0.1")).status, 200);
  await assert.rejects(send(before, "/api/live"), /ECONNREFUSED/);
});
