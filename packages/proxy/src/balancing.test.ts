import assert from "node:assert/strict";
import type { ClientHttp2Session } from "node:http2";
import { describe, test } from "node:test";
import type { BalancerPolicy, BalancingConfig, ClusterConfig, HostConfig, Retry } from "@weft/contract";
import { createRandom, FakeClock } from "@weft/kernel";
import { createCluster, createHost, createRule } from "@weft/testkit";
import {
  assertBalanced,
  type ProxyFixture,
  send,
  sendHttp2,
  startHttp2Client,
  startHttpServer,
  startProxy,
  until,
} from "./proxy.fixture.ts";

const SEED = 42;

/** A backend that answers with its own port. */
interface Backend {
  readonly port: number;
  /** Requests that are held while `isHeld`. */
  held: (() => void)[];
  isHeld: boolean;
  /** How long an answer takes. */
  delayMs: number;
}

async function startBackend(): Promise<Backend> {
  const backend = { port: 0, held: [] as (() => void)[], isHeld: false, delayMs: 0 };
  const { port } = await startHttpServer((_request, response) => {
    const answer = (): void => void response.end(String(port));
    if (backend.isHeld) backend.held.push(answer);
    // waits: a host that is slow is what the test is about
    else if (backend.delayMs > 0) setTimeout(answer, backend.delayMs);
    else answer();
  });
  backend.port = port;
  return backend;
}

function startBackends(count: number): Promise<Backend[]> {
  return Promise.all(Array.from({ length: count }, startBackend));
}

function clusterOf(
  policy: BalancerPolicy,
  hosts: readonly HostConfig[],
  changes: Partial<BalancingConfig> = {},
): ClusterConfig {
  const balancing = { policy, zone: null, slowStartMs: 0, panicThreshold: 0, ...changes };
  return createCluster([], { hosts, balancing });
}

interface Scene extends ProxyFixture {
  readonly client: ClientHttp2Session;
}

async function start(cluster: ClusterConfig, seed: number = SEED, clock?: FakeClock): Promise<Scene> {
  const rule = createRule({ hashOn: [{ type: "header", name: "x-user" }] });
  const options = { random: createRandom(seed), ...(clock === undefined ? {} : { clock }) };
  const fixture = await startProxy([cluster], [rule], undefined, options);
  return { ...fixture, client: startHttp2Client(fixture.port) };
}

/** How many of `count` requests each port answered, in the order of `backends`. */
async function tally({ client }: Scene, backends: readonly Backend[], count: number, atOnce = 1): Promise<number[]> {
  const answers = new Map<number, number>();
  for (let sent = 0; sent < count; sent += atOnce) {
    const replies = await Promise.all(Array.from({ length: atOnce }, () => sendHttp2(client)));
    for (const { status, body } of replies) {
      assert.equal(status, 200);
      answers.set(Number(body), (answers.get(Number(body)) ?? 0) + 1);
    }
  }
  return backends.map(({ port }) => answers.get(port) ?? 0);
}

/** Which port answers each of `count` users. */
async function placement({ client }: Scene, count: number): Promise<number[]> {
  const replies = Array.from({ length: count }, (_, user) =>
    sendHttp2(client, { headers: { "x-user": `user-${user}` } }),
  );
  return (await Promise.all(replies)).map(({ body }) => Number(body));
}

/** Fails unless each count is within `tolerance` (a share of all) of its expected share. */
function assertShares(counts: readonly number[], shares: readonly number[], tolerance: number): void {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const text = `${counts.join(", ")} of ${total}, expected shares ${shares.join(", ")}`;
  counts.forEach((count, index) => assert.ok(Math.abs(count / total - (shares[index] ?? 0)) <= tolerance, text));
}

describe("requests through the proxy are spread", () => {
  test("round robin: exactly alike, by weight where there are weights", async () => {
    const backends = await startBackends(4);
    const hosts = backends.map(({ port }) => createHost(port));
    const scene = await start(clusterOf({ type: "round-robin" }, hosts));
    assert.deepEqual(await tally(scene, backends, 100), [25, 25, 25, 25]);
    const weights = [1, 2, 5, 2];
    const weighted = hosts.map((host, index) => ({ ...host, weight: weights[index] ?? 1 }));
    scene.world.clusters.set([clusterOf({ type: "round-robin" }, weighted)]);
    assert.deepEqual(await tally(scene, backends, 100), [10, 20, 50, 20]);
    await assertBalanced(scene.proxy);
  });

  test("random: alike within chance, by weight where there are weights", async () => {
    const backends = await startBackends(4);
    const hosts = backends.map(({ port }, index) => createHost(port, { weight: index === 0 ? 3 : 1 }));
    const scene = await start(clusterOf({ type: "random" }, hosts));
    // Four standard deviations of 600 draws are 0.08.
    assertShares(await tally(scene, backends, 600, 20), [1 / 2, 1 / 6, 1 / 6, 1 / 6], 0.08);
  });

  test("least request: away from a host that does not answer, evenly otherwise", async () => {
    const backends = await startBackends(3);
    const [stuck] = backends;
    assert.ok(stuck !== undefined);
    const hosts = backends.map(({ port }) => createHost(port));
    const scene = await start(clusterOf({ type: "least-request", choices: 2 }, hosts));
    assertShares(await tally(scene, backends, 300), [1 / 3, 1 / 3, 1 / 3], 0.11);
    stuck.isHeld = true;
    const held = [];
    while (stuck.held.length < 3) held.push(sendHttp2(scene.client), await new Promise(setImmediate));
    stuck.isHeld = false;
    const counts = await tally(scene, backends, 300);
    assert.equal(counts[0], 0, counts.join());
    for (const answer of stuck.held) answer();
    await Promise.all(held);
    await assertBalanced(scene.proxy);
  });

  test("peak EWMA: away from a host that is slow, back to it when it is fast again", async () => {
    const backends = await startBackends(3);
    const [slow] = backends;
    assert.ok(slow !== undefined);
    const hosts = backends.map(({ port }) => createHost(port));
    const scene = await start(clusterOf({ type: "peak-ewma", decayMs: 100 }, hosts));
    await tally(scene, backends, 30);
    slow.delayMs = 40;
    const counts = await tally(scene, backends, 150);
    assert.ok((counts[0] ?? 0) < 150 * 0.1, counts.join());
    slow.delayMs = 0;
    await until(async () => ((await tally(scene, backends, 30))[0] ?? 0) >= 6, "it gets its share again");
  });

  for (const policy of [
    { type: "ring-hash", ringSizeMin: 64, ringSizeMax: 65_536 },
    { type: "maglev", tableSize: 65_537 },
  ] as const) {
    test(`${policy.type}: a key stays at its host, on every worker and over restarts`, async () => {
      const backends = await startBackends(4);
      const hosts = backends.map(({ port }) => createHost(port));
      const scene = await start(clusterOf(policy, hosts));
      const users = 400;
      const placed = await placement(scene, users);
      assert.deepEqual(await placement(scene, users), placed);
      assertShares(
        backends.map(({ port }) => placed.filter((each) => each === port).length),
        [0.25, 0.25, 0.25, 0.25],
        0.1,
      );
      // Another worker has other chances, and may learn of hosts in another order.
      const worker = await start(clusterOf(policy, hosts.toReversed()), SEED + 1);
      assert.deepEqual(await placement(worker, users), placed);
      await scene.proxy.close();
      const restarted = await start(clusterOf(policy, hosts), SEED + 2);
      assert.deepEqual(await placement(restarted, users), placed);
      // A host that goes takes its own keys with it, and next to no others.
      const gone = backends[1]?.port;
      restarted.world.clusters.set([clusterOf(policy, hosts.toSpliced(1, 1))]);
      const moved = (await placement(restarted, users)).filter((port, user) => port !== placed[user]).length;
      const own = placed.filter((port) => port === gone).length;
      assert.ok(moved >= own && moved <= own + users * 0.05, `${moved} moved, ${own} had to`);
      restarted.world.clusters.set([clusterOf(policy, hosts)]);
      assert.deepEqual(await placement(restarted, users), placed, "and they return with it");
    });

    test(`${policy.type}: requests without a key spread evenly`, async () => {
      const backends = await startBackends(3);
      const scene = await start(
        clusterOf(
          policy,
          backends.map(({ port }) => createHost(port)),
        ),
      );
      assertShares(await tally(scene, backends, 300, 20), [1 / 3, 1 / 3, 1 / 3], 0.13);
    });
  }

  test("a retry goes to a host that was not tried, whatever the policy", async () => {
    const backends = await startBackends(2);
    const { port: bad } = await startHttpServer((request) => request.socket.destroy());
    const hosts = [createHost(bad), ...backends.map(({ port }) => createHost(port))];
    const retry: Retry = {
      retriesMax: 1,
      on: ["reset"],
      statuses: [],
      grpcStatuses: [],
      backoffBaseMs: 0,
      backoffMaxMs: 0,
      perTryTimeoutMs: 0,
      retriesNonIdempotent: false,
    };
    const policies: BalancerPolicy[] = [
      { type: "round-robin" },
      { type: "random" },
      { type: "least-request", choices: 2 },
      { type: "peak-ewma", decayMs: 1000 },
      { type: "ring-hash", ringSizeMin: 64, ringSizeMax: 1024 },
      { type: "maglev", tableSize: 251 },
    ];
    for (const policy of policies) {
      const options = { random: createRandom(SEED) };
      const { port, proxy } = await startProxy([clusterOf(policy, hosts)], [createRule({ retry })], undefined, options);
      for (let count = 0; count < 20; count++) assert.equal((await send(port)).status, 200, policy.type);
      await proxy.close();
    }
  });
});

describe("requests through the proxy prefer", () => {
  test("their own zone, and spill over as its health falls below spillBelow", async () => {
    const backends = await startBackends(4);
    const hosts = backends.map(({ port }, index) => createHost(port, { zone: index < 2 ? "own" : "other" }));
    const scene = await start(clusterOf({ type: "round-robin" }, hosts, { zone: { own: "own", spillBelow: 0.7 } }));
    assert.deepEqual(await tally(scene, backends, 40), [20, 20, 0, 0]);
    const judge = (index: number, verdict: "healthy" | "unhealthy"): void =>
      scene.proxy.setVerdict("backend", `127.0.0.1:${backends[index]?.port}`, verdict, "told by the test");
    judge(0, "unhealthy");
    // Half of the zone is healthy: it keeps 0.5 / 0.7 of the requests. Four standard deviations of 600 are 0.074.
    const share = 0.5 / 0.7;
    assertShares(await tally(scene, backends, 600, 20), [0, share, (1 - share) / 2, (1 - share) / 2], 0.074);
    judge(1, "unhealthy");
    assert.deepEqual(await tally(scene, backends, 40), [0, 0, 20, 20]);
    judge(0, "healthy");
    judge(1, "healthy");
    assert.deepEqual(await tally(scene, backends, 40), [20, 20, 0, 0]);
  });

  test("the first priority, and the next as it fails", async () => {
    const backends = await startBackends(3);
    const hosts = backends.map(({ port }, index) => createHost(port, { priority: index < 2 ? 0 : 1 }));
    const scene = await start(clusterOf({ type: "round-robin" }, hosts));
    assert.deepEqual(await tally(scene, backends, 40), [20, 20, 0]);
    scene.proxy.setVerdict("backend", `127.0.0.1:${backends[0]?.port}`, "unhealthy", "told by the test");
    // Half healthy times the overprovisioning factor of 1.4: the level keeps 0.7.
    assertShares(await tally(scene, backends, 600, 20), [0, 0.7, 0.3], 0.075);
  });

  test("a new host a little at first, and fully after the slow start", async () => {
    const clock = new FakeClock();
    const backends = await startBackends(3);
    const hosts = backends.map(({ port }) => createHost(port));
    const slow = { slowStartMs: 10_000 };
    const scene = await start(clusterOf({ type: "round-robin" }, hosts.slice(0, 2), slow), SEED, clock);
    assert.deepEqual(await tally(scene, backends, 40), [20, 20, 0]);
    scene.world.clusters.set([clusterOf({ type: "round-robin" }, hosts, slow)]);
    // Its weight grows from a tenth to all of the others': 0.1 / 2.1, then 0.5 / 2.5, then a third.
    assertShares(await tally(scene, backends, 210), [1 / 2.1, 1 / 2.1, 0.1 / 2.1], 0.01);
    await pass(clock, 5_000);
    assertShares(await tally(scene, backends, 200), [0.4, 0.4, 0.2], 0.015);
    await pass(clock, 6_000);
    assertShares(await tally(scene, backends, 300), [1 / 3, 1 / 3, 1 / 3], 0.005);
  });

  test("every host in a panic, when too few are healthy to be believed", async () => {
    const backends = await startBackends(4);
    const hosts = backends.map(({ port }) => createHost(port));
    const scene = await start(clusterOf({ type: "round-robin" }, hosts, { panicThreshold: 0.5 }));
    const judge = (index: number): void =>
      scene.proxy.setVerdict("backend", `127.0.0.1:${backends[index]?.port}`, "unhealthy", "told by the test");
    judge(0);
    judge(1);
    assert.deepEqual(await tally(scene, backends, 40), [0, 0, 20, 20]);
    judge(2);
    assert.deepEqual(await tally(scene, backends, 40), [10, 10, 10, 10]);
    scene.proxy.setVerdict("backend", `127.0.0.1:${backends[2]?.port}`, "healthy", "told by the test");
    assert.deepEqual(await tally(scene, backends, 40), [0, 0, 20, 20]);
  });
});

/** Time passes in many turns of the event loop: the proxy reads its clock once in each. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let step = 0; step < 100; step++) {
    clock.advance(ms / 100);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
