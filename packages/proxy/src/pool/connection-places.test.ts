import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ConnectionPlaces } from "./connection-places.ts";
import {
  createPool,
  type FakeConnection,
  FakeLimits,
  type FakeRequest,
  type PoolFixture,
} from "./host-pool.fixture.ts";

/** The pools of a cluster's hosts, which share `connectionsMax` places. */
function createCluster(hosts: number, connectionsMax: number, isMultiplexed = false) {
  const limits = new FakeLimits(connectionsMax, 100);
  const places = new ConnectionPlaces(limits);
  const pools = Array.from({ length: hosts }, () => createPool(isMultiplexed, limits, {}, places));
  const of = (host: number): PoolFixture => pools[host] ?? assert.fail(`no host ${host}`);
  return { limits, places, pools, of };
}

/** A request that is answered on the connection it got or opened. */
function serve({ request, connections }: PoolFixture): FakeConnection {
  const begun = request();
  const opened = connections.at(-1);
  if (begun.connection === null) opened?.ready();
  const { connection } = begun;
  assert.ok(connection !== null, "a request is served");
  connection.endStream();
  return connection;
}

describe("ConnectionPlaces", () => {
  for (const isMultiplexed of [false, true]) {
    const protocol = isMultiplexed ? "HTTP/2" : "HTTP/1";

    test(`the connection that has been idle the longest makes way for one to another host, ${protocol}`, () => {
      const { of, limits } = createCluster(3, 2, isMultiplexed);
      const first = serve(of(0));
      const second = serve(of(1));
      assert.equal(serve(of(0)), first, "which is now the one that was idle the shortest");
      serve(of(2));
      assert.deepEqual([first.isDisplaced, second.isDisplaced], [false, true]);
      serve(of(1));
      assert.ok(first.isDisplaced);
      assert.equal(limits.connections, 2);
    });

    test(`a connection in use stays; who finds none idle waits for the first that comes free, ${protocol}`, () => {
      const { of, limits } = createCluster(2, 1, isMultiplexed);
      const busy = of(0).request();
      of(0).at(0).ready();
      const waiting = of(1).request();
      assert.equal(of(1).connections.length, 0);
      assert.ok(waiting.isWaiting);
      busy.connection?.endStream();
      assert.ok(of(0).at(0).isDisplaced);
      of(1).at(0).ready();
      assert.equal(waiting.connection, of(1).at(0));
      assert.equal(limits.connections, 1);
    });
  }

  test("a displaced connection takes no further request, and gives back no second place", async () => {
    const { of, limits } = createCluster(2, 1);
    const displaced = serve(of(0));
    serve(of(1));
    assert.equal(of(0).pool.connectionCount, 1, "the system has not closed it yet");
    const next = of(0).request();
    assert.equal(next.connection, null);
    await Promise.resolve();
    assert.ok(displaced.isGone);
    assert.equal(limits.connections, 1);
    of(0).at(1).ready();
    assert.equal(next.connection, of(0).at(1));
  });

  test("hosts without a connection get one in turn, before younger requests elsewhere", () => {
    const { of } = createCluster(3, 1);
    const first = of(0).request();
    of(0).at(0).ready();
    const waiting = [of(1).request(), of(0).request(), of(2).request()];
    first.connection?.endStream();
    assert.equal(of(0).at(0).isDisplaced, true, "the request to the other host came before its own");
    of(1).at(0).ready();
    assert.equal(waiting[0]?.connection, of(1).at(0));
    of(1).at(0).endStream();
    of(2).at(0).ready();
    assert.equal(waiting[2]?.connection, of(2).at(0), "host 0 had to wait for a place since it lost its own");
    of(2).at(0).endStream();
    of(0).at(1).ready();
    assert.equal(waiting[1]?.connection, of(0).at(1));
  });

  test("a host that only wants more connections takes none that another needs, and any that it does not", () => {
    const { of } = createCluster(2, 2);
    const [one, other] = [of(0).request(), of(1).request()];
    of(0).at(0).ready();
    of(1).at(0).ready();
    const more = of(0).request();
    const own = of(1).request();
    other.connection?.endStream();
    assert.equal(own.connection, of(1).at(0), "the request that waits for this host keeps the connection");
    own.connection?.endStream();
    assert.ok(of(1).at(0).isDisplaced);
    of(0).at(1).ready();
    assert.equal(more.connection, of(0).at(1));
    assert.ok(one.connection !== null);
  });

  test("a place that comes free otherwise goes to who waits, and to nobody who has gone", () => {
    const { of, places, limits } = createCluster(3, 2);
    assert.equal(places.tryAcquire(), "acquired", "a tunnel");
    of(0).request();
    of(0).at(0).ready();
    const gone = of(1).request();
    const waiting = of(2).request();
    of(1).pool.cancel(gone);
    places.release();
    assert.deepEqual([of(1).connections.length, of(2).connections.length], [0, 1]);
    of(2).at(0).ready();
    assert.ok(waiting.connection !== null);
    assert.equal(limits.connections, 2);
  });

  test("who could only wait for tunnels is refused at once", () => {
    const { of, places, limits } = createCluster(1, 1);
    assert.equal(places.tryAcquire(), "acquired");
    assert.equal(of(0).request().outcome, "refused");
    assert.equal(limits.pending, 0);
  });

  test("a host whose connection fails makes room for the next that waits", () => {
    const { of } = createCluster(2, 1);
    const failed = of(0).request();
    const waiting = of(1).request();
    of(0).at(0).fail();
    assert.equal(failed.outcome, "connect");
    of(1).at(0).ready();
    assert.ok(waiting.connection !== null);
  });
});

type Step = readonly [what: "begin" | "ready" | "fail" | "end" | "cancel" | "settle", which: number];

describe("any order of events at the hosts of a cluster", () => {
  for (const isMultiplexed of [false, true]) {
    test(`nobody waits while a connection is idle anywhere, ${isMultiplexed ? "HTTP/2" : "HTTP/1"}`, async () => {
      const step: fc.Arbitrary<Step> = fc.tuple(
        fc.constantFrom("begin", "begin", "begin", "ready", "ready", "fail", "end", "end", "cancel", "settle"),
        fc.nat(20),
      );
      const steps = fc.array(step, { maxLength: 80 });
      await fc.assert(
        fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), (each, max) => runSteps(isMultiplexed, max, each)),
        { numRuns: 300 },
      );
    });
  }
});

async function runSteps(isMultiplexed: boolean, connectionsMax: number, steps: readonly Step[]): Promise<void> {
  const { pools, limits, of } = createCluster(3, connectionsMax, isMultiplexed);
  const requests: (readonly [host: number, request: FakeRequest])[] = [];
  const live = (): FakeConnection[] => pools.flatMap(({ connections }) => connections.filter((each) => !each.isGone));
  const choose = <T>(items: readonly T[], which: number): T | undefined => items[which % Math.max(1, items.length)];
  for (const [what, which] of steps) {
    if (what === "begin") requests.push([which % 3, of(which % 3).request()]);
    else if (what === "settle") await Promise.resolve();
    else if (what === "cancel") {
      const chosen = choose(
        requests.filter(([, each]) => each.isWaiting),
        which,
      );
      if (chosen === undefined) continue;
      of(chosen[0]).pool.cancel(chosen[1]);
      chosen[1].outcome = "cancelled";
    } else {
      const able = live().filter((each) => {
        if (what === "ready") return !each.isReady && !each.isDraining;
        return what === "fail" ? !each.isDraining : each.activeStreams > 0;
      });
      const chosen = choose(able, which);
      if (what === "ready") chosen?.ready();
      else if (what === "fail") chosen?.fail();
      else chosen?.endStream();
    }
    const waiting = requests.filter(([, each]) => each.isWaiting).length;
    const staying = live().filter((each) => !each.isDisplaced);
    const isIdle = staying.some((each) => each.isReady && !each.isDraining && each.activeStreams === 0);
    assert.equal(limits.pending, waiting);
    assert.equal(limits.connections, staying.length);
    assert.ok(staying.length <= connectionsMax);
    const isComing = staying.some((each) => !each.isReady);
    assert.ok(waiting === 0 || isComing || !isIdle, "nobody waits while a connection is idle");
  }
  // All connections come up and all streams end: nobody is left behind, whichever host it waits for.
  for (let round = 0; round < 500 && requests.some(([, each]) => each.isWaiting); round++) {
    for (const connection of live()) {
      if (!connection.isReady && !connection.isDraining) connection.ready();
      while (connection.activeStreams > 0) connection.endStream();
    }
    await Promise.resolve();
  }
  assert.ok(!requests.some(([, each]) => each.isWaiting), "no request is stranded");
}
