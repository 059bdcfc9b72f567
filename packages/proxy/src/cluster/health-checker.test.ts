import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, test } from "node:test";
import type { HealthCheckConfig } from "@weft/contract";
import { createRandom, FakeClock, TimerWheel } from "@weft/kernel";
import { Cluster } from "./cluster.ts";
import { type CheckedHost, HealthChecker, type HealthCheckerOptions, type KnownHost } from "./health-checker.ts";
import type { HealthVerdict } from "./host.ts";
import { CHECK_DELAY_MS_MIN } from "./limits.ts";
import { clusterConfig, tcpCheck, testContext } from "./test-cluster.ts";

/** Accepts connections, and can go down and come back on the same port. */
class TestHost implements CheckedHost {
  readonly address: string = "127.0.0.1";
  readonly sockets: Set<Socket> = new Set();
  accepted: number = 0;
  port: number = 0;
  #server: Server | undefined = undefined;

  get key(): string {
    return `127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const server = createServer((socket) => {
      this.accepted++;
      this.sockets.add(socket);
      socket.resume();
      socket.on("error", () => socket.destroy());
      socket.once("close", () => this.sockets.delete(socket));
    });
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async down(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

/** A checker on a clock that stands still, while sockets are real. */
class Scene {
  readonly clock: FakeClock = new FakeClock(1000);
  readonly wheel: TimerWheel = new TimerWheel(this.clock);
  readonly verdicts: string[] = [];
  readonly checker: HealthChecker;
  readonly hosts: TestHost[] = [];

  constructor(overrides: Partial<HealthCheckerOptions> = {}) {
    this.checker = new HealthChecker({
      clock: this.clock,
      wheel: this.wheel,
      random: createRandom(1),
      createTlsOptions: () => ({}),
      onVerdict: (cluster, host, verdict, reason) => this.verdicts.push(`${cluster} ${host} ${verdict}: ${reason}`),
      ...overrides,
    });
  }

  async addHost(): Promise<TestHost> {
    const host = new TestHost();
    this.hosts.push(host);
    await host.up();
    return host;
  }

  watch(check: Partial<HealthCheckConfig> = {}, hosts: readonly CheckedHost[] = this.hosts): void {
    this.checker.watch(clusterConfig({ healthChecks: [tcpCheck(check)] }), hosts);
  }

  /** Moves time on until checks have begun, and waits for those to end. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms + 20);
    while (this.checker.running > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async stop(): Promise<void> {
    this.checker.stop();
    await Promise.all(this.hosts.map((host) => host.down()));
    assert.equal(this.wheel.size, 0);
    assert.equal(this.clock.pendingTimers <= 1, true, "only the wheel's spare wake-up is left");
  }
}

let scene: Scene = new Scene();
afterEach(() => scene.stop());

describe("takeOver()", () => {
  test("goes on from what is known: it takes as many results in a row as always to say otherwise", async () => {
    scene = new Scene();
    const down = await scene.addHost();
    const up = await scene.addHost();
    const fresh = await scene.addHost();
    await down.down();
    const known = (host: TestHost, verdict: HealthVerdict): KnownHost => {
      return { key: host.key, address: host.address, port: host.port, verdict, verdictReason: "said by another" };
    };
    const hosts = [known(down, "healthy"), known(up, "unhealthy"), known(fresh, "unknown")];
    scene.checker.takeOver(clusterConfig({ healthChecks: [tcpCheck()] }), hosts);
    await scene.advance(0);
    assert.deepEqual(scene.verdicts, [`shop ${fresh.key} healthy: tcp check passed`]);
    await scene.advance(1000);
    assert.equal(scene.verdicts.length, 3);
    assert.ok(scene.verdicts.includes(`shop ${up.key} healthy: tcp check passed`));
    assert.ok(scene.verdicts.some((line) => line.startsWith(`shop ${down.key} unhealthy: tcp check failed`)));
  });
});

describe("watch()", () => {
  test("checks at once, and lets the first result decide", async () => {
    scene = new Scene();
    const up = await scene.addHost();
    const down = await scene.addHost();
    await down.down();
    scene.watch();
    assert.equal(scene.verdicts.length, 0);
    await scene.advance(0);
    assert.equal(scene.verdicts.length, 2);
    assert.ok(scene.verdicts.includes(`shop ${up.key} healthy: tcp check passed`));
    const refused = `shop ${down.key} unhealthy: tcp check failed: connect ECONNREFUSED ${down.key}`;
    assert.ok(scene.verdicts.includes(refused), scene.verdicts.join());
  });

  test("changes a verdict after so many results in a row", async () => {
    scene = new Scene();
    const host = await scene.addHost();
    scene.watch({ unhealthyThreshold: 3, healthyThreshold: 2 });
    await scene.advance(0);
    await host.down();
    await scene.advance(1000);
    await scene.advance(1000);
    await host.up();
    await scene.advance(1000);
    await host.down();
    await scene.advance(1000);
    await scene.advance(1000);
    assert.equal(scene.verdicts.length, 1);
    await scene.advance(1000);
    assert.match(scene.verdicts[1] ?? "", /unhealthy/);
    await host.up();
    await scene.advance(1000);
    assert.equal(scene.verdicts.length, 2);
    await scene.advance(1000);
    assert.match(scene.verdicts[2] ?? "", /healthy: tcp check passed/);
  });

  test("spreads checks by jitter, but never below CHECK_DELAY_MS_MIN", async () => {
    scene = new Scene();
    const host = await scene.addHost();
    scene.watch({ intervalMs: 1000, jitter: 0.5 });
    await scene.advance(0);
    await scene.advance(460);
    assert.equal(host.accepted, 1);
    await scene.advance(1040);
    assert.ok(host.accepted >= 2);
    scene.watch({ intervalMs: 1, jitter: 1 });
    const before = host.accepted;
    for (let step = 0; step < 5; step++) await scene.advance(CHECK_DELAY_MS_MIN);
    assert.ok(host.accepted > before && host.accepted <= before + 15, `${host.accepted - before} checks in 150 ms`);
  });

  test("is healthy only by all checks, and unhealthy by any", async () => {
    scene = new Scene();
    const host = await scene.addHost();
    const slow = tcpCheck({ type: "http", target: "/", timeoutMs: 200 });
    scene.checker.watch(clusterConfig({ healthChecks: [tcpCheck(), slow] }), [host]);
    scene.clock.advance(20);
    while (scene.checker.running > 1) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(scene.verdicts, [], "one check is still on its way");
    await scene.advance(200);
    assert.deepEqual(scene.verdicts, [`shop ${host.key} unhealthy: http check failed: no answer within 200 ms`]);
  });

  test("does not disturb hosts that stay, and forgets those that left", async () => {
    scene = new Scene();
    const [first, second] = [await scene.addHost(), await scene.addHost()];
    scene.watch();
    await scene.advance(0);
    assert.equal(scene.verdicts.length, 2);
    scene.watch({}, [first]);
    await scene.advance(0);
    assert.deepEqual([first.accepted, second.accepted], [1, 1]);
    await scene.advance(1000);
    assert.deepEqual([first.accepted, second.accepted], [2, 1]);
    scene.watch({ intervalMs: 5000 }, [first]);
    await scene.advance(0);
    assert.equal(first.accepted, 3, "another check begins at once");
    scene.checker.watch(clusterConfig(), [first]);
    await scene.advance(60_000);
    assert.equal(first.accepted, 3, "no check, none made");
  });

  test("runs at most runningMax checks at once, and all of them in the end", async () => {
    scene = new Scene({ runningMax: 2 });
    for (let count = 0; count < 6; count++) await scene.addHost();
    scene.watch();
    scene.clock.advance(20);
    assert.deepEqual([scene.checker.running, scene.checker.waiting], [2, 4]);
    await scene.advance(0);
    assert.equal(scene.verdicts.length, 6);
    assert.equal(scene.checker.waiting, 0);
  });

  test("refuses a runningMax of 0", () => {
    assert.throws(() => new Scene({ runningMax: 0 }), { code: "KERNEL_INVALID_ARGUMENT" });
  });
});

describe("stop() and unwatch()", () => {
  test("end checks that are on the wire, close their sockets and say nothing", async () => {
    scene = new Scene({ runningMax: 1 });
    const host = await scene.addHost();
    scene.watch({ type: "http", target: "/" });
    scene.clock.advance(20);
    while (host.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve));
    scene.checker.unwatch("shop");
    while (host.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(scene.checker.running, 0);
    scene.watch({ type: "http", target: "/" });
    scene.clock.advance(20);
    scene.checker.stop();
    scene.watch();
    scene.clock.advance(10_000);
    assert.deepEqual([scene.checker.running, scene.checker.waiting], [0, 0]);
    assert.equal(scene.verdicts.length, 0);
  });
});

describe("a cluster with a checker", () => {
  test("stops using a host that fails its checks, and uses it until then", async () => {
    const context = testContext();
    scene = new Scene({ onVerdict: (_cluster, host, verdict, reason) => cluster.setVerdict(host, verdict, reason) });
    const up = await scene.addHost();
    const down = await scene.addHost();
    await down.down();
    const hosts = scene.hosts.map(({ address, port }) => ({
      address,
      port,
      weight: 1,
      zone: "",
      priority: 0,
      labels: {},
    }));
    const config = clusterConfig({ hosts, healthChecks: [tcpCheck()] });
    const cluster = new Cluster(config, { ...context, watcher: scene.checker });
    const used = (): Set<string | undefined> =>
      new Set([1, 2, 3, 4].map((hash) => cluster.pick({ hash, tried: [] })?.key));
    assert.equal(used().size, 2);
    await scene.advance(0);
    assert.deepEqual([...used()], [up.key]);
    const gone = config.hosts.filter((host) => host.port !== down.port);
    cluster.update({ ...config, hosts: gone });
    await down.up();
    await scene.advance(5000);
    assert.equal(down.accepted, 0);
    const checks = up.accepted;
    cluster.close();
    await scene.advance(60_000);
    assert.equal(up.accepted, checks);
  });
});
