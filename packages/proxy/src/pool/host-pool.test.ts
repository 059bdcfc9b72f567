import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { UpstreamConnection } from "../upstream/index.ts";
import { ConnectionPlaces } from "./connection-places.ts";
import { CONFIG, createPool, FakeConnection, FakeLimits, FakeRequest, HTTP1 } from "./host-pool.fixture.ts";
import { HostPool, type PoolShape } from "./host-pool.ts";

describe("HostPool that spreads", () => {
  const SPREAD: PoolShape = { streamsExpected: 3, connectionsMax: 2, connectionsMin: 1, isShared: true };

  function createSpread(connectionsMin: number = 1) {
    const connections: FakeConnection[] = [];
    const pool = new HostPool(
      CONFIG,
      { ...SPREAD, connectionsMin },
      new ConnectionPlaces(new FakeLimits(100, 100)),
      (owner) => {
        const connection = new FakeConnection(owner, 3);
        connections.push(connection);
        return connection as unknown as UpstreamConnection;
      },
    );
    const at = (index: number): FakeConnection => connections[index] ?? assert.fail(`no connection ${index}`);
    return { pool, connections, at, request: (): FakeRequest => new FakeRequest().begin(pool) };
  }

  test("opens as many as it keeps with the first requests, one after the other", () => {
    const { request, connections, at } = createSpread(2);
    request();
    assert.equal(connections.length, 1);
    at(0).ready();
    at(0).endStream();
    assert.equal(request().connection, at(0), "nobody waits for the further connection");
    assert.equal(connections.length, 2);
    at(1).ready();
    at(0).endStream();
    request();
    assert.equal(connections.length, 2);
  });

  test("takes connections in turn where requests do not meet", () => {
    const { request, at } = createSpread();
    request();
    at(0).ready();
    request();
    at(1).ready();
    at(0).endStream();
    at(0).endStream();
    const taken = Array.from({ length: 4 }, () => {
      const { connection } = request();
      const index = connection === at(0) ? 0 : 1;
      at(index).endStream();
      return index;
    });
    assert.deepEqual(taken.filter((index) => index === 0).length, 2);
  });

  test("opens a further connection when requests meet, and none beyond the limit", () => {
    const { request, connections, at } = createSpread();
    const first = request();
    at(0).ready();
    assert.equal(first.connection, at(0));
    at(0).endStream();
    request();
    assert.equal(connections.length, 1, "requests that do not meet need no more");
    assert.equal(request().connection, at(0), "nobody waits for the further connection");
    assert.equal(connections.length, 2);
    at(1).ready();
    request();
    request();
    request();
    assert.equal(connections.length, 2);
  });

  test("gives each request to the connection with the fewest", () => {
    const { request, at } = createSpread();
    request();
    at(0).ready();
    request();
    at(1).ready();
    assert.deepEqual([at(0).activeStreams, at(1).activeStreams], [2, 0]);
    assert.equal(request().connection, at(1));
    assert.equal(request().connection, at(1));
    at(0).endStream();
    at(0).endStream();
    assert.equal(request().connection, at(0));
    for (let more = 0; more < 3; more++) request();
    const waiting = request();
    assert.ok(waiting.isWaiting, "both are full");
    at(1).endStream();
    assert.equal(waiting.connection, at(1));
  });

  test("leaves out a connection that drains", () => {
    const { request, connections, at } = createSpread();
    request();
    at(0).ready();
    at(0).goaway();
    const next = request();
    assert.equal(connections.length, 2);
    at(1).ready();
    assert.equal(next.connection, at(1));
  });
});

describe("HostPool of HTTP/1", () => {
  test("opens one connection per request that waits, and serves in order of arrival", () => {
    const { request, connections, at } = createPool(false);
    const requests = [request(), request(), request()];
    assert.equal(connections.length, 3);
    at(2).ready();
    assert.equal(requests[0]?.connection, at(2));
    at(0).ready();
    assert.equal(requests[1]?.connection, at(0));
    assert.ok(requests[2]?.isWaiting);
  });

  test("uses the connection that was used last, and closes idle ones beyond http1IdleMax", () => {
    const { pool, request, connections, at } = createPool(false);
    const requests = [request(), request(), request()];
    for (const connection of connections) connection.ready();
    for (const each of requests) each.connection?.endStream();
    assert.equal(pool.idleCount, 2);
    assert.ok(at(2).isDraining, "the third has no place");
    assert.equal(request().connection, at(1));
  });

  test("a connection that cannot be made fails one request and not its neighbours", () => {
    const { request, at } = createPool(false);
    const [first, second] = [request(), request()];
    at(1).fail();
    assert.equal(first.outcome, "connect");
    assert.ok(second.isWaiting);
    at(0).ready();
    assert.equal(second.connection, at(0));
  });

  test("limits refuse with their own code; at the limit requests wait for connections that live", () => {
    const { pool, request, at, limits } = createPool(false, new FakeLimits(1, 2));
    const [first, second, third] = [request(), request(), request()];
    assert.equal(third.outcome, "refused");
    assert.equal(pool.connectionCount, 1);
    at(0).ready();
    assert.equal(first.connection, at(0));
    assert.ok(second.isWaiting);
    at(0).endStream();
    assert.equal(second.connection, at(0));
    assert.equal(limits.pending, 0);
    const other = createPool(false, new FakeLimits(0, 2));
    assert.equal(other.pool.acquire(new FakeRequest()), "CLUSTER_CONNECTIONS_FULL");
    assert.equal(other.limits.pending, 0);
  });

  test("a cancelled request gives its place to the next", () => {
    const { pool, request, at, limits } = createPool(false, new FakeLimits(1, 5));
    const [first, second] = [request(), request()];
    pool.cancel(first);
    pool.cancel(first);
    assert.equal(limits.pending, 1);
    at(0).ready();
    assert.equal(second.connection, at(0));
  });
});

describe("HostPool of HTTP/2", () => {
  test("counts on all streams of a connection that is not up yet, and opens the next only beyond them", () => {
    const { request, connections, at } = createPool(true);
    const requests = Array.from({ length: 3 }, request);
    assert.equal(connections.length, 1);
    requests.push(request());
    assert.equal(connections.length, 2);
    requests.push(request(), request(), request());
    assert.equal(connections.length, 2, "http2ConnectionsMax");
    at(0).ready();
    at(1).ready();
    assert.equal(requests.filter((each) => each.isWaiting).length, 1);
    at(1).endStream();
    assert.equal(requests.at(-1)?.connection, at(1));
  });

  test("a connection that cannot be made fails all that wait, unless another is up", () => {
    const { request, connections, at } = createPool(true);
    const requests = Array.from({ length: 4 }, request);
    at(0).fail();
    assert.ok(requests.every((each) => each.outcome === "connect"));
    assert.equal(connections.length, 2, "no other is opened for nobody");
    at(1).ready();
    const more = Array.from({ length: 4 }, request);
    at(2).fail();
    assert.equal(more.filter((each) => each.isWaiting).length, 1, "the connection that is up will serve it");
  });

  test("does not wait for a connection that is leaving", () => {
    const { request, connections, at } = createPool(true, undefined, { http2ConnectionsMax: 1 });
    request();
    at(0).ready();
    at(0).goaway();
    const waiting = request();
    assert.equal(connections.length, 2);
    at(1).ready();
    assert.equal(waiting.connection, at(1));
  });

  test("opens another connection when the only one begins to leave while requests wait", () => {
    const { request, connections, at } = createPool(true, undefined, { http2ConnectionsMax: 1, http2StreamsMax: 1 });
    request();
    at(0).ready();
    const waiting = request();
    at(0).goaway();
    assert.equal(connections.length, 2);
    at(1).ready();
    assert.equal(waiting.connection, at(1));
  });

  test("learns that ALPN chose HTTP/2", () => {
    const connections: FakeConnection[] = [];
    const pool = new HostPool(CONFIG, HTTP1, new ConnectionPlaces(new FakeLimits(100, 100)), (owner) => {
      const connection = new FakeConnection(owner, 3);
      connections.push(connection);
      return connection as unknown as UpstreamConnection;
    });
    const first = new FakeRequest().begin(pool);
    connections[0]?.ready();
    assert.equal(first.connection, connections[0]);
    for (let index = 0; index < 5; index++) new FakeRequest().begin(pool);
    assert.equal(connections.length, 2);
  });
});

describe("the end of a HostPool", () => {
  for (const how of ["drain", "close"] as const) {
    test(`${how}() fails who waits, opens nothing more, and refuses who comes`, async () => {
      const { pool, request, connections, at, limits } = createPool(false);
      const open = request();
      at(0).ready();
      const waiting = request();
      let drained = 0;
      if (how === "drain") pool.drain(() => drained++);
      else pool.close();
      assert.equal(waiting.outcome, "refused");
      assert.equal(pool.acquire(new FakeRequest()), "CLUSTER_NO_HOST");
      await Promise.resolve();
      assert.equal(drained, 0);
      if (how === "drain") open.connection?.endStream();
      assert.equal(drained, how === "drain" ? 1 : 0);
      assert.equal(connections.length, 2);
      assert.equal(pool.connectionCount, 0);
      assert.deepEqual([limits.connections, limits.pending], [0, 0]);
    });
  }
});

describe("HostPool.drain()", () => {
  test("is over at once where nothing is open, and only when the last guest has gone", () => {
    const { pool } = createPool(false);
    const guest = {
      connections: () => [],
      onPoolDraining: () => {},
      onPoolCutOff: () => assert.fail("nobody is cut off"),
    };
    pool.addGuest(guest);
    let drained = 0;
    pool.drain(() => drained++);
    assert.equal(drained, 0);
    pool.removeGuest(guest);
    assert.equal(drained, 1);
    createPool(true).pool.drain(() => drained++);
    assert.equal(drained, 2);
  });
});

type Step = readonly [what: "begin" | "ready" | "fail" | "end" | "goaway" | "cancel", which: number];

describe("any order of events", () => {
  for (const isMultiplexed of [false, true]) {
    test(`serves or fails every request once and balances its books, ${isMultiplexed ? "HTTP/2" : "HTTP/1"}`, () => {
      const step: fc.Arbitrary<Step> = fc.tuple(
        fc.constantFrom("begin", "begin", "begin", "ready", "ready", "fail", "end", "end", "goaway", "cancel"),
        fc.nat(20),
      );
      fc.assert(
        fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (steps, connectionsMax) => {
          runSteps(isMultiplexed, connectionsMax, steps);
        }),
        { numRuns: 300 },
      );
    });
  }
});

function runSteps(isMultiplexed: boolean, connectionsMax: number, steps: readonly Step[]): void {
  const { pool, request, connections, limits } = createPool(isMultiplexed, new FakeLimits(connectionsMax, 10));
  const requests: FakeRequest[] = [];
  const pick = <T>(items: readonly T[], which: number): T | undefined => items[which % Math.max(1, items.length)];
  const live = (): FakeConnection[] => connections.filter((each) => !each.isGone);
  for (const [what, which] of steps) {
    if (what === "begin") requests.push(request());
    else if (what === "ready")
      pick(
        live().filter((each) => !each.isReady && !each.isDraining),
        which,
      )?.ready();
    else if (what === "fail") pick(live(), which)?.fail();
    else if (what === "end")
      pick(
        live().filter((each) => each.activeStreams > 0),
        which,
      )?.endStream();
    else if (what === "goaway")
      pick(
        live().filter((each) => each.isReady && !each.isDraining),
        which,
      )?.goaway();
    else {
      const waiting = pick(
        requests.filter((each) => each.isWaiting),
        which,
      );
      if (waiting !== undefined) {
        pool.cancel(waiting);
        waiting.outcome = "cancelled";
      }
    }
    const waiting = requests.filter((each) => each.isWaiting).length;
    assert.equal(pool.waitingCount, waiting);
    assert.equal(limits.pending, waiting);
    assert.equal(limits.connections, live().length);
    assert.equal(pool.connectionCount, live().length);
    assert.ok(waiting === 0 || live().length > 0, "whoever waits, waits for something");
    const idle = live().some((each) => each.availableStreams > 0);
    assert.ok(waiting === 0 || !idle, "nobody waits while a stream is free");
    const isComing = live().some((each) => !each.isReady || (!each.isDraining && each.activeStreams > 0));
    const isFull = live().length >= connectionsMax;
    assert.ok(waiting === 0 || isComing || isFull, "who waits is served by a connection that stays");
  }
  // Let everything come up and end: nobody is left behind.
  for (let round = 0; round < 200 && requests.some((each) => each.isWaiting); round++) {
    for (const connection of live()) {
      if (!connection.isReady) connection.ready();
      while (connection.activeStreams > 0) connection.endStream();
    }
  }
  assert.ok(!requests.some((each) => each.isWaiting), "no request is stranded");
}
