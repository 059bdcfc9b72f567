import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HeartbeatConfig } from "@weft/contract";
import { createRandom, FakeClock, Histogram, TimerEntry, type TimerOwner, TimerWheel } from "@weft/kernel";
import { type BeatCause, Heartbeat } from "./heartbeat.ts";
import { HostWatch, PulseBudget, type WatchedConnection } from "./host-watch.ts";
import { PULSE_BEATS_PER_SECOND_MAX, PULSE_MEMORY_MS, PULSE_MS, SIBLING_PROBES_MAX } from "./limits.ts";

const CONFIG: HeartbeatConfig = {
  mode: "adaptive",
  periodMs: 15_000,
  periodMsMax: 75_000,
  timeoutMs: 1000,
  missesMax: 3,
  peerIdleTimeoutMs: 90_000,
  jitter: 0.1,
};

/** A host and its connections on a fake clock, without sockets: the test freezes, cuts and thaws them. */
class Scene {
  readonly clock: FakeClock = new FakeClock();
  readonly wheel: TimerWheel = new TimerWheel(this.clock);
  readonly connections: FakeConnection[] = [];
  readonly silences: string[] = [];
  readonly histogram: Histogram = new Histogram();
  readonly config: HeartbeatConfig;
  readonly watch: HostWatch;
  readonly budget: PulseBudget = new PulseBudget(this.clock);
  readonly deps = { clock: this.clock, wheel: this.wheel, random: createRandom(7), pulseBudget: this.budget };

  constructor(changes: Partial<HeartbeatConfig> = {}) {
    this.config = { ...CONFIG, ...changes };
    const host = { histogram: this.histogram, onSilence: (reason: string) => this.silences.push(reason) };
    this.watch = new HostWatch(this.config, host, this.deps);
  }

  connect(count: number): this {
    for (let index = 0; index < count; index++) this.connections.push(new FakeConnection(this));
    return this;
  }

  at(index: number): FakeConnection {
    return this.connections[index] ?? assert.fail("no such connection");
  }

  freeze(): this {
    for (const connection of this.connections) connection.isFrozen = true;
    return this;
  }

  run(forMs: number): this {
    for (let leftMs = forMs; leftMs > 0; leftMs -= 50) this.clock.advance(Math.min(50, leftMs));
    return this;
  }

  causes(): string[] {
    return this.connections.flatMap(({ causes }) => causes);
  }
}

/** What `UpstreamConnection` does with its schedule, and a peer that answers after 2 ms unless it is frozen. */
class FakeConnection implements WatchedConnection, TimerOwner {
  watchPlace: number = -1;
  activeStreams: number = 0;
  readonly heartbeat: Heartbeat;
  isFrozen: boolean = false;
  deadAtMs: number = -1;
  deathCause: BeatCause | "" = "";
  /** Why it was asked, each time. */
  readonly causes: BeatCause[] = [];
  readonly #scene: Scene;
  readonly #timer: TimerEntry = new TimerEntry(this);
  readonly #answer: TimerEntry = new TimerEntry(this, 1);

  constructor(scene: Scene) {
    this.#scene = scene;
    this.heartbeat = new Heartbeat(scene.config, scene.deps.random, scene.clock.nowMs());
    scene.watch.add(this);
    this.#schedule(this.heartbeat.waitMs(scene.clock.nowMs()));
  }

  /** A request begins; the answer to it comes at once unless `isOpen`. */
  request(isOpen: boolean = false): void {
    this.#scene.watch.noteRequest(this);
    if (isOpen) this.activeStreams++;
    else this.#heard();
  }

  answer(): void {
    this.activeStreams--;
    this.#heard();
  }

  #heard(): void {
    this.heartbeat.heard(this.#scene.clock.nowMs());
    this.#scene.watch.noteHeard(this.#scene.clock.nowMs());
  }

  probe(cause: BeatCause, delayMs: number): void {
    if (this.heartbeat.suspect(cause)) this.#schedule(delayMs);
  }

  condemn(): void {
    this.#die("sibling");
  }

  onTimer(entry: TimerEntry): void {
    const { clock, watch } = this.#scene;
    const nowMs = clock.nowMs();
    if (entry.kind === 1) {
      if (this.isFrozen) return;
      this.#heard();
      this.heartbeat.settle();
    } else {
      const verdict = this.heartbeat.look(nowMs);
      if (verdict === "dead") return this.#die(this.heartbeat.cause);
      if (verdict === "missed") watch.noteMiss(this.heartbeat);
      if (verdict === "beat") {
        this.causes.push(this.heartbeat.cause);
        this.heartbeat.sent(nowMs);
        this.#scene.wheel.schedule(this.#answer, 2);
      }
    }
    this.#schedule(this.heartbeat.waitMs(nowMs));
  }

  #die(cause: BeatCause): void {
    this.deadAtMs = this.#scene.clock.nowMs();
    this.deathCause = cause;
    this.#scene.wheel.cancel(this.#timer);
    this.#scene.watch.remove(this);
    this.#scene.watch.noteDeath(this.heartbeat, "silent");
  }

  #schedule(delayMs: number): void {
    this.#scene.wheel.schedule(this.#timer, delayMs);
  }
}

describe("HostWatch of a host with recent traffic", () => {
  test("notices within 5 s that it froze, on all connections, whenever in the minute after the traffic", () => {
    for (let frozenAtMs = 0; frozenAtMs < PULSE_MEMORY_MS - 2000; frozenAtMs += 3170) {
      const scene = new Scene().connect(20);
      scene.at(3).request();
      scene.run(frozenAtMs).freeze().run(5000);
      for (const { deadAtMs } of scene.connections) {
        assert.ok(deadAtMs >= 0, `frozen at ${frozenAtMs} ms and not noticed in time`);
        assert.ok(deadAtMs - frozenAtMs <= 4800);
      }
      assert.deepEqual(scene.silences, ["silent"], "the host is told of once");
      assert.equal(scene.wheel.size <= 20, true, "at most unanswered answers wait");
    }
  });

  test("asks one connection for all, about once a second, and nobody once a minute has passed", () => {
    const scene = new Scene().connect(50);
    scene.at(0).request();
    scene.run(10_000);
    const asked = scene.causes().filter((cause) => cause === "traffic").length;
    assert.ok(asked >= 5 && asked <= 10, `${asked} heartbeats in 10 s for 50 connections`);
    scene.run(PULSE_MEMORY_MS);
    const before = scene.causes().filter((cause) => cause === "traffic").length;
    scene.run(30_000);
    assert.equal(scene.causes().filter((cause) => cause === "traffic").length, before);
  });

  test("asks nobody while the host speaks on any connection", () => {
    const scene = new Scene().connect(5);
    for (let round = 0; round < 20; round++) {
      scene.at(round % 5).request();
      scene.run(500);
    }
    assert.deepEqual(scene.causes(), []);
  });

  test("stays within the worker's budget, and finds frozen hosts all the same", () => {
    const scenes = [new Scene().connect(1)];
    const [first] = scenes;
    assert.ok(first !== undefined);
    const hosts = PULSE_BEATS_PER_SECOND_MAX * 2;
    const watches = Array.from({ length: hosts }, () => {
      const watch = new HostWatch(CONFIG, { histogram: undefined, onSilence: () => {} }, first.deps);
      const heartbeat = new Heartbeat(CONFIG, first.deps.random, 0);
      let probes = 0;
      const connection = {
        watchPlace: -1,
        activeStreams: 0,
        heartbeat,
        probe: () => probes++,
        condemn: () => {},
      };
      watch.add(connection);
      watch.noteRequest(connection);
      return () => probes;
    });
    first.run(3500);
    const probes = watches.reduce((sum, each) => sum + each(), 0);
    assert.ok(probes <= 4 * PULSE_BEATS_PER_SECOND_MAX, `${probes} in 3.5 s`);
    assert.ok(probes >= 2 * PULSE_BEATS_PER_SECOND_MAX);
  });

  test("holds no timer once the traffic is forgotten or the connections are gone", () => {
    const scene = new Scene().connect(1);
    scene.at(0).request();
    scene.run(PULSE_MEMORY_MS + 2 * PULSE_MS);
    assert.equal(scene.wheel.size, 1, "the connection's own");
    scene.at(0).request();
    assert.equal(scene.wheel.size, 2);
    scene.watch.remove(scene.at(0));
    assert.equal(scene.wheel.size, 1);
  });

  test("does nothing of the kind in mode fixed", () => {
    const scene = new Scene({ mode: "fixed" }).connect(3);
    scene.at(0).request();
    scene.freeze().run(13_000);
    assert.deepEqual(scene.causes(), []);
    scene.run(5000);
    assert.ok(scene.connections.every(({ deathCause }) => deathCause === "quiet"));
    assert.deepEqual(scene.silences, []);
  });
});

describe("HostWatch of a host without recent traffic", () => {
  test("notices within the cap and 4 s that it froze, and all connections at about the same time", () => {
    const scene = new Scene().connect(10);
    scene.run(400_000).freeze();
    const frozenAtMs = scene.clock.nowMs();
    scene.run(CONFIG.periodMsMax + 4000);
    const times = scene.connections.map(({ deadAtMs }) => deadAtMs - frozenAtMs);
    assert.ok(
      times.every((each) => each >= 0 && each <= CONFIG.periodMsMax + 4000),
      String(times),
    );
    assert.ok(Math.max(...times) - Math.min(...times) <= 2100, String(times));
  });

  test("leaves the others alone when one connection is cut off", () => {
    const scene = new Scene().connect(10);
    scene.at(4).isFrozen = true;
    scene.run(20_000);
    assert.equal(scene.at(4).deathCause, "quiet");
    assert.equal(scene.connections.filter(({ deadAtMs }) => deadAtMs >= 0).length, 1);
    assert.deepEqual(scene.silences, [], "the host answers the others");
  });

  test("asks at most SIBLING_PROBES_MAX others at once", () => {
    const scene = new Scene().connect(SIBLING_PROBES_MAX + 500);
    const [first] = scene.connections;
    assert.ok(first !== undefined);
    scene.clock.advance(3000);
    first.heartbeat.sent(3000);
    scene.watch.noteMiss(first.heartbeat);
    scene.watch.noteMiss(first.heartbeat);
    scene.run(600);
    assert.equal(scene.causes().filter((cause) => cause === "sibling").length, SIBLING_PROBES_MAX);
  });
});

describe("HostWatch of unanswered requests", () => {
  test("finds the one connection that was cut off within 5 s, while the host speaks on others", () => {
    const scene = new Scene().connect(3);
    scene.at(0).isFrozen = true;
    scene.at(0).request(true);
    const startMs = scene.clock.nowMs();
    for (let round = 0; round < 25 && scene.at(0).deadAtMs < 0; round++) {
      scene.at(1).request();
      scene.run(200);
    }
    assert.equal(scene.at(0).deathCause, "request");
    assert.ok(scene.at(0).deadAtMs - startMs <= 5000, `${scene.at(0).deadAtMs - startMs} ms`);
    assert.equal(scene.at(1).deadAtMs, -1);
    assert.deepEqual(scene.silences, []);
  });

  test("waits as long as the host's answers usually take", () => {
    const scene = new Scene().connect(2);
    for (let count = 0; count < 100; count++) scene.histogram.record(2_000_000);
    scene.at(0).request(true);
    for (let round = 0; round < 25; round++) {
      scene.at(1).request();
      scene.run(200);
    }
    assert.deepEqual(scene.at(0).causes, []);
    for (let round = 0; round < 15; round++) {
      scene.at(1).request();
      scene.run(200);
    }
    assert.deepEqual(scene.at(0).causes, ["request"]);
  });

  test("asks less and less about a request that takes long on a connection that answers", () => {
    const scene = new Scene().connect(2);
    scene.at(0).request(true);
    for (let round = 0; round < 150; round++) {
      scene.at(1).request();
      scene.run(200);
    }
    const { causes } = scene.at(0);
    assert.ok(causes.length >= 3 && causes.length <= 6, `${causes.length} heartbeats in 30 s: ${causes.join(" ")}`);
    scene.at(0).answer();
    scene.at(0).request(true);
    for (let round = 0; round < 12; round++) {
      scene.at(1).request();
      scene.run(200);
    }
    assert.equal(scene.at(0).causes.at(-1), "request", "the next request is a new one");
  });
});

describe("a worker that stood still", () => {
  test("does not hold the silence of that time against the host", () => {
    const scene = new Scene().connect(3);
    scene.at(0).request();
    scene.clock.advance(30_000);
    scene.run(2000);
    assert.ok(scene.connections.every(({ deadAtMs }) => deadAtMs < 0));
  });
});
