import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BalancerPolicy, OutlierConfig } from "@weft/contract";
import { createRandom, FakeClock, Histogram, TimerWheel } from "@weft/kernel";
import { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { clusterConfig, EventLog, FakeResolver, hostConfigs, type TestPool } from "./test-cluster.ts";

const REQUESTS = 20_000;
const SLOW = "10.0.0.1:80";

/** How one host behaves: how long a request takes there, and how it ends. */
type Behaviour = (chance: number) => { readonly latencyMs: number; readonly isFailure: boolean };

interface Outcome {
  readonly p99Ms: number;
  /** Share of requests that went to the odd host, and that failed. */
  readonly slowShare: number;
  readonly failedShare: number;
}

/**
 * 1000 requests a second for 20 s to ten hosts, of which nine answer in 40 to 60 ms and one behaves as told: a whole
 * cluster on a clock that stands still between events.
 */
function simulate(policy: BalancerPolicy, behaviour: Behaviour, outlier: OutlierConfig | null = null): Outcome {
  const clock = new FakeClock();
  const random = createRandom(7);
  const wheel = new TimerWheel(clock);
  const config = clusterConfig({ hosts: hostConfigs(10), outlier });
  const cluster = new Cluster<TestPool>(
    { ...config, balancing: { ...config.balancing, policy } },
    {
      clock,
      wheel,
      random,
      resolver: new FakeResolver(),
      identity: () => ({ id: "test", workers: 1 }),
      observer: new EventLog(),
    },
  );
  const latencies = new Histogram();
  let slow = 0;
  let failed = 0;
  const send = (host: Host<TestPool>): void => {
    const chance = random.next();
    const isSlow = host.key === SLOW;
    const { latencyMs, isFailure } = isSlow ? behaviour(chance) : { latencyMs: 40 + 20 * chance, isFailure: false };
    if (isSlow) slow++;
    if (isFailure) failed++;
    latencies.record(latencyMs * 1000);
    host.onRequestStart();
    clock.setTimer(() => host.onRequestEnd(isFailure ? "failure" : "success", latencyMs), latencyMs);
  };
  for (let request = 0; request < REQUESTS; request++) {
    const host = cluster.pick({ hash: random.uint32(), tried: [] });
    assert.ok(host);
    send(host);
    clock.advance(1);
  }
  cluster.close();
  return { p99Ms: latencies.quantile(0.99) / 1000, slowShare: slow / REQUESTS, failedShare: failed / REQUESTS };
}

const ROUND_ROBIN = { type: "round-robin" } as const;
const LEAST_REQUEST = { type: "least-request", choices: 2 } as const;
const PEAK_EWMA = { type: "peak-ewma", decayMs: 10_000 } as const;

const OUTLIER: OutlierConfig = {
  consecutiveErrors: 5,
  intervalMs: 1000,
  successRateStdevFactor: 1.9,
  latencyFactor: 3,
  requestsMin: 20,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectedShare: 0.3,
};

describe("a host that takes 1000 ms in one of five requests", () => {
  const stumble: Behaviour = (chance) => ({ latencyMs: chance < 0.2 ? 1000 : 40 + 20 * chance, isFailure: false });

  test("spoils the 99th percentile of round robin, and hardly that of peak EWMA", () => {
    const roundRobin = simulate(ROUND_ROBIN, stumble);
    const peakEwma = simulate(PEAK_EWMA, stumble);
    assert.ok(roundRobin.p99Ms > 500, `round robin ${roundRobin.p99Ms} ms`);
    assert.ok(peakEwma.p99Ms < 65, `peak EWMA ${peakEwma.p99Ms} ms`);
  });
});

describe("a host that answers ten times slower", () => {
  const slow: Behaviour = (chance) => ({ latencyMs: 400 + 200 * chance, isFailure: false });

  test("gets its tenth by round robin, less by least request, and hardly any by peak EWMA", () => {
    const shares = [ROUND_ROBIN, LEAST_REQUEST, PEAK_EWMA].map((policy) => simulate(policy, slow).slowShare);
    const [roundRobin = 0, leastRequest = 0, peakEwma = 0] = shares;
    assert.ok(Math.abs(roundRobin - 0.1) < 0.001, `${roundRobin}`);
    assert.ok(leastRequest < 0.05, `${leastRequest}`);
    assert.ok(peakEwma < leastRequest, `${peakEwma}`);
  });

  test("is ejected for its latency after one interval", () => {
    const { slowShare } = simulate(ROUND_ROBIN, slow, OUTLIER);
    assert.ok(slowShare < 0.012, `${slowShare}`);
  });
});

describe("a host that fails at once", () => {
  const broken: Behaviour = () => ({ latencyMs: 0.2, isFailure: true });

  test("does not win by its speed: peak EWMA leaves it, least request alone would not", () => {
    assert.ok(simulate(PEAK_EWMA, broken).failedShare < 0.03);
    assert.ok(simulate(LEAST_REQUEST, broken).failedShare > 0.1);
  });

  test("is ejected after five errors, whatever the balancer", () => {
    for (const policy of [ROUND_ROBIN, LEAST_REQUEST, PEAK_EWMA]) {
      const { failedShare } = simulate(policy, broken, OUTLIER);
      assert.ok(failedShare <= 6 / REQUESTS, `${policy.type}: ${failedShare * REQUESTS} failed`);
    }
  });
});
