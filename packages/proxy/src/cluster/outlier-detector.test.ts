import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OutlierConfig } from "@weft/contract";
import fc from "fast-check";
import { Cluster } from "./cluster.ts";
import type { Host, RequestOutcome } from "./host.ts";
import { LATENCY_GAP_MS_MIN } from "./limits.ts";
import { clusterConfig, hostConfigs, type TestContext, testContext, type TestPool } from "./test-cluster.ts";

const OFF: OutlierConfig = {
  consecutiveErrors: 0,
  intervalMs: 10_000,
  successRateStdevFactor: 0,
  latencyFactor: 0,
  requestsMin: 10,
  baseEjectionMs: 30_000,
  maxEjectionMs: 100_000,
  maxEjectedShare: 1,
};

class Scene {
  readonly context: TestContext = testContext();
  readonly cluster: Cluster<TestPool>;

  constructor(count: number, outlier: Partial<OutlierConfig>) {
    const config = clusterConfig({ hosts: hostConfigs(count), outlier: { ...OFF, ...outlier } });
    this.cluster = new Cluster(config, this.context);
    this.context.observer.take();
  }

  host(number: number): Host<TestPool> {
    const host = this.cluster.hosts.get(`10.0.0.${number}:80`);
    assert.ok(host);
    return host;
  }

  answer(number: number, outcome: RequestOutcome, count: number = 1, latencyMs: number = 5): void {
    const host = this.host(number);
    for (let index = 0; index < count; index++) {
      host.onRequestStart();
      host.onRequestEnd(outcome, latencyMs);
    }
  }

  get ejected(): number[] {
    return [...this.cluster.hosts.values()].flatMap((host, index) => (host.isEjected ? [index + 1] : []));
  }

  /** To the end of an interval, and a tick beyond for the wheel. */
  advance(ms: number): void {
    this.context.clock.advance(ms + 20);
  }
}

describe("errors in a row", () => {
  test("eject at the limit, with the reason, until the base time is over", () => {
    const scene = new Scene(3, { consecutiveErrors: 5 });
    scene.answer(1, "failure", 3);
    scene.answer(1, "success");
    scene.answer(1, "failure", 4);
    assert.deepEqual(scene.ejected, []);
    scene.answer(1, "connect-failure");
    assert.deepEqual(scene.ejected, [1]);
    assert.equal(scene.host(1).isUsable, false);
    assert.equal(scene.host(1).ejectionCause, "consecutive-errors");
    assert.deepEqual(scene.context.observer.take(), ["10.0.0.1:80 ejected: 5 errors in a row"]);
    scene.advance(29_900);
    assert.deepEqual(scene.ejected, [1]);
    scene.advance(100);
    assert.deepEqual(scene.ejected, []);
    assert.deepEqual(scene.context.observer.take(), ["10.0.0.1:80 returned: the ejection is over"]);
  });

  test("say nothing when tries are cancelled", () => {
    const scene = new Scene(3, { consecutiveErrors: 2 });
    scene.answer(1, "failure");
    scene.answer(1, "cancelled", 10);
    assert.deepEqual(scene.ejected, []);
    scene.answer(1, "failure");
    assert.deepEqual(scene.ejected, [1]);
  });

  test("eject for longer each time, up to the maximum, and for less again after quiet intervals", () => {
    const scene = new Scene(3, { consecutiveErrors: 1, maxEjectionMs: 70_000 });
    const ejectedForMs = (): number => scene.host(1).ejectedUntilMs - scene.context.clock.nowMs();
    for (const expected of [30_000, 60_000, 70_000, 70_000]) {
      scene.answer(1, "failure");
      assert.equal(ejectedForMs(), expected);
      scene.advance(expected);
      assert.deepEqual(scene.ejected, []);
    }
    // Four ejections; each whole quiet interval takes one back.
    scene.advance(40_000);
    scene.answer(1, "failure");
    assert.equal(ejectedForMs(), 60_000);
    assert.equal(scene.host(1).ejections, 5);
  });

  test("begin a slow start when the host returns", () => {
    const balancing = { ...clusterConfig().balancing, slowStartMs: 10_000 };
    const context = testContext();
    const outlier = { ...OFF, consecutiveErrors: 1 };
    const cluster = new Cluster(clusterConfig({ balancing, outlier }), context);
    const host = cluster.hosts.get("10.0.0.1:80");
    assert.ok(host);
    host.onRequestStart();
    host.onRequestEnd("failure", 1);
    context.clock.advance(30_020);
    cluster.pick({ hash: 0, tried: [] });
    assert.ok(host.weight < 50, `weight ${host.weight} of 100`);
    context.clock.advance(12_000);
    cluster.pick({ hash: 0, tried: [] });
    assert.equal(host.weight, 100);
  });
});

describe("ejections", () => {
  test("stay within maxEjectedShare, but one is always possible", () => {
    const scene = new Scene(10, { consecutiveErrors: 1, maxEjectedShare: 0.3 });
    for (let number = 1; number <= 10; number++) scene.answer(number, "failure");
    assert.deepEqual(scene.ejected, [1, 2, 3]);
    const tight = new Scene(3, { consecutiveErrors: 1, maxEjectedShare: 0.1 });
    for (let number = 1; number <= 3; number++) tight.answer(number, "failure");
    assert.deepEqual(tight.ejected, [1]);
    const none = new Scene(3, { consecutiveErrors: 1, maxEjectedShare: 0 });
    none.answer(1, "failure");
    assert.deepEqual(none.ejected, []);
  });

  test("never take the last usable host", () => {
    const scene = new Scene(3, { consecutiveErrors: 1 });
    scene.cluster.setVerdict("10.0.0.3:80", "unhealthy", "test");
    for (let number = 1; number <= 3; number++) scene.answer(number, "failure", 5);
    assert.deepEqual(scene.ejected, [1]);
    assert.equal(scene.cluster.pick({ hash: 0, tried: [] })?.key, "10.0.0.2:80");
    const single = new Scene(1, { consecutiveErrors: 1 });
    single.answer(1, "failure", 10);
    assert.deepEqual(single.ejected, []);
  });

  test("free their place when the host leaves the cluster", () => {
    const scene = new Scene(10, { consecutiveErrors: 1, maxEjectedShare: 0.1 });
    scene.answer(1, "failure");
    scene.answer(2, "failure");
    assert.deepEqual(scene.ejected, [1]);
    scene.cluster.update({ ...scene.cluster.config, hosts: hostConfigs(9, {}, 2) });
    scene.answer(2, "failure");
    assert.equal(scene.host(2).isEjected, true);
  });

  test("end when outlier detection is turned off, and it leaves no timer", () => {
    const scene = new Scene(3, { consecutiveErrors: 1 });
    scene.answer(1, "failure");
    scene.context.observer.take();
    scene.cluster.update({ ...scene.cluster.config, outlier: null });
    assert.deepEqual(scene.ejected, []);
    assert.deepEqual(scene.context.observer.take(), ["10.0.0.1:80 returned: outlier detection was turned off"]);
    assert.equal(scene.context.wheel.size, 0);
    scene.answer(1, "failure", 10);
    assert.deepEqual(scene.ejected, []);
  });

  test("keep to their rules when these change in the middle", () => {
    const scene = new Scene(3, { consecutiveErrors: 5 });
    scene.answer(1, "failure", 4);
    scene.cluster.update({ ...scene.cluster.config, outlier: { ...OFF, consecutiveErrors: 2, baseEjectionMs: 1000 } });
    scene.answer(1, "failure");
    assert.deepEqual(scene.ejected, [1]);
    scene.advance(1000);
    assert.deepEqual(scene.ejected, []);
  });

  test("are bounded and end, in any history", () => {
    const event = fc.record({
      number: fc.integer({ min: 1, max: 6 }),
      outcome: fc.constantFrom<RequestOutcome>("success", "failure", "connect-failure", "cancelled"),
      waitMs: fc.nat(8000),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), fc.double({ min: 0, max: 1, noNaN: true }), (events, share) => {
        const scene = new Scene(6, {
          consecutiveErrors: 2,
          successRateStdevFactor: 1,
          latencyFactor: 2,
          requestsMin: 1,
          maxEjectedShare: share,
        });
        const max = share > 0 ? Math.min(5, Math.max(1, Math.floor(6 * share))) : 0;
        for (const { number, outcome, waitMs } of events) {
          scene.answer(number, outcome, 3, number * 10);
          assert.ok(scene.ejected.length <= max);
          scene.advance(waitMs);
        }
        scene.advance(OFF.maxEjectionMs);
        assert.deepEqual(scene.ejected, []);
      }),
      { numRuns: 50 },
    );
  });
});

describe("success rate", () => {
  test("ejects a host far below the others at the end of the interval, the worst first", () => {
    const scene = new Scene(10, { successRateStdevFactor: 1.9, maxEjectedShare: 0.1 });
    for (let number = 1; number <= 10; number++) scene.answer(number, "success", 100);
    scene.answer(4, "failure", 50);
    scene.answer(7, "failure", 80);
    assert.deepEqual(scene.ejected, []);
    scene.advance(10_000);
    assert.deepEqual(scene.ejected, [7]);
    assert.equal(scene.host(7).ejectionCause, "success-rate");
    assert.match(scene.context.observer.take()[0] ?? "", /success rate 55\.6 % below/);
  });

  test("does not judge hosts with few requests, nor clusters with few hosts", () => {
    const quiet = new Scene(10, { successRateStdevFactor: 1, requestsMin: 50 });
    for (let number = 1; number <= 9; number++) quiet.answer(number, "success", 100);
    quiet.answer(10, "failure", 49);
    quiet.advance(10_000);
    assert.deepEqual(quiet.ejected, []);
    const few = new Scene(4, { successRateStdevFactor: 0.5 });
    for (let number = 1; number <= 3; number++) few.answer(number, "success", 100);
    few.answer(4, "failure", 100);
    few.advance(10_000);
    assert.deepEqual(few.ejected, []);
  });

  test("counts every interval anew", () => {
    const scene = new Scene(10, { successRateStdevFactor: 1.9, requestsMin: 100 });
    for (let round = 0; round < 2; round++) {
      for (let number = 1; number <= 9; number++) scene.answer(number, "success", 60);
      scene.answer(10, "failure", 60);
      scene.advance(10_000);
    }
    assert.deepEqual(scene.ejected, []);
  });
});

describe("latency", () => {
  test("ejects a host whose median lies above factor times the cluster's", () => {
    const scene = new Scene(4, { latencyFactor: 3 });
    for (let number = 1; number <= 3; number++) scene.answer(number, "success", 20, 10 + number);
    scene.answer(4, "success", 9, 10);
    scene.answer(4, "success", 11, 60);
    scene.advance(10_000);
    assert.deepEqual(scene.ejected, [4]);
    assert.equal(scene.host(4).ejectionCause, "latency");
    assert.match(scene.context.observer.take()[0] ?? "", /median latency 6\d\.\d ms above 3 times 1\d\.\d ms/);
  });

  test("leaves alone hosts within the factor, within LATENCY_GAP_MS_MIN, or with few requests", () => {
    const within = new Scene(4, { latencyFactor: 3 });
    for (let number = 1; number <= 4; number++) within.answer(number, "success", 20, number === 4 ? 28 : 10);
    const fast = new Scene(4, { latencyFactor: 3 });
    const slowMs = 0.5 + LATENCY_GAP_MS_MIN * 0.8;
    for (let number = 1; number <= 4; number++) fast.answer(number, "success", 20, number === 4 ? slowMs : 0.5);
    const quiet = new Scene(4, { latencyFactor: 3 });
    for (let number = 1; number <= 4; number++) quiet.answer(number, "success", number === 4 ? 9 : 20, number * 100);
    for (const scene of [within, fast, quiet]) {
      scene.advance(10_000);
      assert.deepEqual(scene.ejected, []);
    }
  });
});

describe("silence", () => {
  test("ejects a host at once, whatever rules there are, but never the last one", () => {
    const scene = new Scene(2, {});
    scene.host(1).onSilence("no sign of life for 4.2 s");
    assert.deepEqual(scene.ejected, [1]);
    assert.equal(scene.host(1).ejectionCause, "silence");
    assert.equal(scene.host(1).ejectionReason, "no sign of life for 4.2 s");
    scene.host(1).onSilence("again");
    scene.host(2).onSilence("no sign of life for 4.2 s");
    assert.deepEqual(scene.ejected, [1]);
    scene.advance(30_000);
    assert.deepEqual(scene.ejected, []);
  });
});
