import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { PoolConfig, ResetReason } from "@weft/contract";
import type { UpstreamConnection, UpstreamOwner } from "../upstream/index.ts";
import { HostPool, type PoolLimits, type PoolShape, type PoolWaiter } from "./host-pool.ts";

const CONFIG: PoolConfig = {
  http2ConnectionsMax: 2,
  http2StreamsMax: 3,
  http1IdleMax: 2,
  rpcSharing: "multiplexed",
  rpcConnectionsMax: 2,
  rpcStreamsMax: 3,
  idleTimeoutMs: 1000,
  connectTimeoutMs: 1000,
  queueTimeoutMs: 1000,
  requestsPerConnectionMax: 0,
  heartbeat: {
    mode: "off",
    periodMs: 15_000,
    periodMsMax: 75_000,
    timeoutMs: 1000,
    missesMax: 3,
    peerIdleTimeoutMs: 0,
    jitter: 0,
  },
};

const HTTP1: PoolShape = { streamsExpected: 1, connectionsMax: Number.POSITIVE_INFINITY, isSpread: false };
const HTTP2: PoolShape = { streamsExpected: 3, connectionsMax: 2, isSpread: false };

/** A connection without a socket: the test says when it comes up, breaks, drains, and when its streams end. */
class FakeConnection {
  isListed: boolean = false;
  isLeaving: boolean = false;
  activeStreams: number = 0;
  isReady: boolean = false;
  isGone: boolean = false;
  isDraining: boolean = false;
  readonly streamsMax: number;
  readonly #owner: UpstreamOwner;

  constructor(owner: UpstreamOwner, streamsMax: number) {
    this.#owner = owner;
    this.streamsMax = streamsMax;
  }

  get #self(): UpstreamConnection {
    return this as unknown as UpstreamConnection;
  }

  get availableStreams(): number {
    return this.isReady && !this.isGone && !this.isDraining ? this.streamsMax - this.activeStreams : 0;
  }

  ready(): void {
    this.isReady = true;
    this.#owner.onUpstreamReady(this.#self);
  }

  fail(): void {
    this.isGone = true;
    this.activeStreams = 0;
    this.#owner.onUpstreamGone(this.#self, this.isReady, "broken");
  }

  endStream(): void {
    const wasFull = this.availableStreams === 0;
    this.activeStreams--;
    if (this.isDraining && this.activeStreams === 0) this.fail();
    else if (wasFull && this.availableStreams > 0) this.#owner.onUpstreamAvailable(this.#self);
  }

  /** The host says that it takes no more. */
  goaway(): void {
    this.isDraining = true;
    this.#owner.onUpstreamDraining(this.#self);
    if (this.activeStreams === 0 && !this.isGone) this.fail();
  }

  drain(): void {
    this.isDraining = true;
    if (!this.isReady || this.activeStreams === 0) queueMicrotask(() => this.isGone || this.fail());
    this.#owner.onUpstreamDraining(this.#self);
  }

  close(): void {
    queueMicrotask(() => this.isGone || this.fail());
  }
}

class FakeLimits implements PoolLimits {
  connections: number = 0;
  pending: number = 0;
  readonly #connectionsMax: number;
  readonly #pendingMax: number;

  constructor(connectionsMax: number, pendingMax: number) {
    this.#connectionsMax = connectionsMax;
    this.#pendingMax = pendingMax;
  }

  tryAcquireConnection(): "acquired" | "CLUSTER_CONNECTIONS_FULL" {
    if (this.connections >= this.#connectionsMax) return "CLUSTER_CONNECTIONS_FULL";
    this.connections++;
    return "acquired";
  }

  releaseConnection(): void {
    assert.ok(this.connections-- > 0);
  }

  tryAcquirePending(): "acquired" | "CLUSTER_PENDING_FULL" {
    if (this.pending >= this.#pendingMax) return "CLUSTER_PENDING_FULL";
    this.pending++;
    return "acquired";
  }

  releasePending(): void {
    assert.ok(this.pending-- > 0);
  }
}

/** A request: waits, runs on a connection, or failed. */
class FakeRequest implements PoolWaiter {
  connection: FakeConnection | null = null;
  outcome: "" | "refused" | ResetReason = "";

  begin(pool: HostPool): this {
    const result = pool.acquire(this);
    if (result === "waiting") return this;
    if (typeof result === "string") this.outcome = "refused";
    else this.onPooled(result);
    return this;
  }

  onPooled(connection: UpstreamConnection): void {
    assert.ok(this.connection === null && this.outcome === "", "a waiter is served once");
    assert.ok(connection.availableStreams > 0, "a stream may be opened");
    this.connection = connection as unknown as FakeConnection;
    this.connection.activeStreams++;
  }

  onPoolFailed(reason: ResetReason): void {
    assert.ok(this.connection === null && this.outcome === "", "a waiter is failed once");
    this.outcome = reason;
  }

  get isWaiting(): boolean {
    return this.connection === null && this.outcome === "";
  }
}

function createFixture(isMultiplexed: boolean, limits = new FakeLimits(100, 100), changes: Partial<PoolConfig> = {}) {
  const connections: FakeConnection[] = [];
  const config = { ...CONFIG, ...changes };
  const streamsMax = isMultiplexed ? config.http2StreamsMax : 1;
  const pool = new HostPool(config, isMultiplexed ? HTTP2 : HTTP1, limits, (owner) => {
    const connection = new FakeConnection(owner, streamsMax);
    connections.push(connection);
    return connection as unknown as UpstreamConnection;
  });
  const request = (): FakeRequest => new FakeRequest().begin(pool);
  const at = (index: number): FakeConnection => connections[index] ?? assert.fail(`no connection ${index}`);
  return { pool, limits, connections, request, at };
}

describe("HostPool that spreads", () => {
  const SPREAD: PoolShape = { streamsExpected: 3, connectionsMax: 2, isSpread: true };

  function createSpread() {
    const connections: FakeConnection[] = [];
    const pool = new HostPool(CONFIG, SPREAD, new FakeLimits(100, 100), (owner) => {
      const connection = new FakeConnection(owner, 3);
      connections.push(connection);
      return connection as unknown as UpstreamConnection;
    });
    const at = (index: number): FakeConnection => connections[index] ?? assert.fail(`no connection ${index}`);
    return { pool, connections, at, request: (): FakeRequest => new FakeRequest().begin(pool) };
  }

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
    const { request, connections, at } = createFixture(false);
    const requests = [request(), request(), request()];
    assert.equal(connections.length, 3);
    at(2).ready();
    assert.equal(requests[0]?.connection, at(2));
    at(0).ready();
    assert.equal(requests[1]?.connection, at(0));
    assert.ok(requests[2]?.isWaiting);
  });

  test("uses the connection that was used last, and closes idle ones beyond http1IdleMax", () => {
    const { pool, request, connections, at } = createFixture(false);
    const requests = [request(), request(), request()];
    for (const connection of connections) connection.ready();
    for (const each of requests) each.connection?.endStream();
    assert.equal(pool.idleCount, 2);
    assert.ok(at(2).isDraining, "the third has no place");
    assert.equal(request().connection, at(1));
  });

  test("a connection that cannot be made fails one request and not its neighbours", () => {
    const { request, at } = createFixture(false);
    const [first, second] = [request(), request()];
    at(1).fail();
    assert.equal(first.outcome, "connect");
    assert.ok(second.isWaiting);
    at(0).ready();
    assert.equal(second.connection, at(0));
  });

  test("limits refuse with their own code; at the limit requests wait for connections that live", () => {
    const { pool, request, at, limits } = createFixture(false, new FakeLimits(1, 2));
    const [first, second, third] = [request(), request(), request()];
    assert.equal(third.outcome, "refused");
    assert.equal(pool.connectionCount, 1);
    at(0).ready();
    assert.equal(first.connection, at(0));
    assert.ok(second.isWaiting);
    at(0).endStream();
    assert.equal(second.connection, at(0));
    assert.equal(limits.pending, 0);
    const other = createFixture(false, new FakeLimits(0, 2));
    assert.equal(other.pool.acquire(new FakeRequest()), "CLUSTER_CONNECTIONS_FULL");
    assert.equal(other.limits.pending, 0);
  });

  test("a cancelled request gives its place to the next", () => {
    const { pool, request, at, limits } = createFixture(false, new FakeLimits(1, 5));
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
    const { request, connections, at } = createFixture(true);
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
    const { request, connections, at } = createFixture(true);
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
    const { request, connections, at } = createFixture(true, undefined, { http2ConnectionsMax: 1 });
    request();
    at(0).ready();
    at(0).goaway();
    const waiting = request();
    assert.equal(connections.length, 2);
    at(1).ready();
    assert.equal(waiting.connection, at(1));
  });

  test("opens another connection when the only one begins to leave while requests wait", () => {
    const { request, connections, at } = createFixture(true, undefined, { http2ConnectionsMax: 1, http2StreamsMax: 1 });
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
    const pool = new HostPool(CONFIG, HTTP1, new FakeLimits(100, 100), (owner) => {
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
      const { pool, request, connections, at, limits } = createFixture(false);
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
    const { pool } = createFixture(false);
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
    createFixture(true).pool.drain(() => drained++);
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
  const { pool, request, connections, limits } = createFixture(isMultiplexed, new FakeLimits(connectionsMax, 10));
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
