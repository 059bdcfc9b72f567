// Hosts that are frozen (SIGSTOP) or cut off (packets dropped): their systems keep the connections, nothing is said.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import type { ClusterConfig, HeartbeatConfig, OutlierConfig } from "@weft/contract";
import { createCluster } from "@weft/testkit";
import { metric, onEnd, send, startProxy } from "./proxy.fixture.ts";

/** As by default, but quick where nothing is fixed: what is under test is not how long a second is. */
const HEARTBEAT: HeartbeatConfig = {
  mode: "adaptive",
  periodMs: 1000,
  periodMsMax: 5000,
  timeoutMs: 200,
  missesMax: 3,
  peerIdleTimeoutMs: 90_000,
  jitter: 0.1,
};

const OUTLIER: OutlierConfig = {
  consecutiveErrors: 0,
  intervalMs: 10_000,
  successRateStdevFactor: 0,
  latencyFactor: 0,
  requestsMin: 100,
  baseEjectionMs: 30_000,
  maxEjectionMs: 30_000,
  maxEjectedShare: 0.5,
};

interface HostProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
}

/** Starts a host; `prefix` runs it somewhere else, as in a network namespace. */
async function startHost(address: string = "127.0.0.1", prefix: readonly string[] = []): Promise<HostProcess> {
  const program = [process.execPath, `${import.meta.dirname}/frozen-host.fixture.ts`, address];
  const [command = "", ...args] = [...prefix, ...program];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  onEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  const [line] = (await once(child.stdout ?? assert.fail("no output"), "data")) as [Buffer];
  return { child, pid: child.pid ?? 0, port: Number(line.toString()) };
}

function clusterOf(hosts: readonly HostProcess[], changes: Partial<ClusterConfig> = {}): ClusterConfig {
  const cluster = createCluster(
    hosts.map(({ port }) => port),
    { protocol: "http2", ...changes },
  );
  return { ...cluster, pool: { ...cluster.pool, heartbeat: HEARTBEAT } };
}

describe("a host that is frozen", () => {
  test("fails the requests that wait for it within seconds, and tells why", async () => {
    const host = await startHost();
    const { proxy, port } = await startProxy([clusterOf([host])]);
    assert.equal((await send(port)).body, String(host.pid));
    const waiting = send(port, { method: "POST", path: "/hang", body: "x" });
    await send(port);
    process.kill(host.pid, "SIGSTOP");
    const startMs = performance.now();
    const reply = await waiting;
    const noticedMs = performance.now() - startMs;
    assert.equal(reply.status, 502);
    assert.equal(reply.headers["x-weft-error"], "UPSTREAM_SILENT");
    // At most a second and a half of silence, and three timeouts.
    assert.ok(noticedMs < 1500 + 3 * HEARTBEAT.timeoutMs + 900, `noticed after ${noticedMs.toFixed(0)} ms`);
    assert.equal(metric(proxy, "weft_pool_connection_closes_total", "heartbeat"), 1);
    assert.equal(metric(proxy, "weft_pool_dead_connections_total"), 1);
  });

  test("is found dead where no request waits, takes no further one, and is not given another while it is ejected", async () => {
    const hosts = [await startHost(), await startHost()];
    const [frozen, alive] = hosts;
    assert.ok(frozen !== undefined && alive !== undefined);
    const { proxy, port } = await startProxy([clusterOf(hosts, { outlier: OUTLIER })]);
    for (let index = 0; index < 4; index++) await send(port);
    process.kill(frozen.pid, "SIGSTOP");
    const deadlineMs = performance.now() + 4000;
    while (metric(proxy, "weft_cluster_ejections_total", "silence") === 0) {
      assert.ok(performance.now() < deadlineMs, "the host was not ejected in time");
      // waits: silence takes real time
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (let index = 0; index < 6; index++) assert.equal((await send(port)).body, String(alive.pid));
    const connections = await proxy.admin.connections();
    const upstream = connections.filter(({ side }) => side === "upstream");
    assert.deepEqual(
      upstream.map(({ heartbeat }) => [heartbeat?.suspicion, (heartbeat?.periodMs ?? 0) >= HEARTBEAT.periodMs]),
      [["", true]],
    );
  });

  test("that thaws in time is kept", async () => {
    const host = await startHost();
    const { proxy, port } = await startProxy([clusterOf([host])]);
    await send(port);
    process.kill(host.pid, "SIGSTOP");
    while (metric(proxy, "weft_pool_heartbeats_total", "missed") === 0) {
      // waits: silence takes real time
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    process.kill(host.pid, "SIGCONT");
    assert.equal((await send(port)).body, String(host.pid));
    assert.equal(metric(proxy, "weft_pool_connection_closes_total", "heartbeat"), 0);
    assert.equal(metric(proxy, "weft_pool_connections_total"), 1);
  });
});

const NAMESPACE = `weft-${process.pid}`;

/** Why no network of our own can be made here; false where it can. */
function noNamespace(): string | false {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs Linux and root";
  try {
    ip("netns", "add", NAMESPACE);
  } catch {
    return "the system makes no network namespaces";
  }
  onEnd(() => ip("netns", "del", NAMESPACE));
  try {
    ip("link", "add", `${NAMESPACE}a`.slice(-15), "type", "veth", "peer", "name", "eth0", "netns", NAMESPACE);
  } catch {
    return "the system makes no pairs of network devices";
  }
  return false;
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: "ignore" });
}

describe("a host that is cut off", () => {
  const skip = noNamespace();
  const device = `${NAMESPACE}a`.slice(-15);
  const net = `10.213.${process.pid & 255}`;

  test("is found dead though no packet says so", { skip }, async () => {
    ip("addr", "add", `${net}.1/24`, "dev", device);
    ip("link", "set", device, "up");
    const inside = ["netns", "exec", NAMESPACE, "ip"];
    ip(...inside, "addr", "add", `${net}.2/24`, "dev", "eth0");
    ip(...inside, "link", "set", "eth0", "up");
    const host = await startHost(`${net}.2`, ["ip", "netns", "exec", NAMESPACE]);
    const cluster = clusterOf([host]);
    const hosts = cluster.hosts.map((each) => ({ ...each, address: `${net}.2` }));
    const { proxy, port } = await startProxy([{ ...cluster, hosts }]);
    const { body } = await send(port);
    assert.match(body, /^\d+$/);
    const waiting = send(port, { method: "POST", path: "/hang", body: "x" });
    await send(port);
    ip(...inside, "route", "add", "blackhole", `${net}.1/32`);
    const startMs = performance.now();
    const reply = await waiting;
    const noticedMs = performance.now() - startMs;
    assert.equal(reply.headers["x-weft-error"], "UPSTREAM_SILENT");
    assert.ok(noticedMs < 1500 + 3 * HEARTBEAT.timeoutMs + 900, `noticed after ${noticedMs.toFixed(0)} ms`);
    assert.equal(metric(proxy, "weft_pool_connection_closes_total", "heartbeat"), 1);
  });
});
