import type { ClusterConfig, HealthCheckConfig, HostConfig } from "@weft/contract";
import { createRandom, FakeClock, TimerWheel } from "@weft/kernel";
import type { Cluster, ClusterContext, ClusterObserver } from "./cluster.ts";
import type { DnsAnswer, DnsResolver } from "./dns-resolver.ts";
import type { Host } from "./host.ts";

/** A host's configuration; the key is "10.0.0.<number>:80". */
export function hostConfig(number: number, overrides: Partial<HostConfig> = {}): HostConfig {
  return { address: `10.0.0.${number}`, port: 80, weight: 1, zone: "", priority: 0, labels: {}, ...overrides };
}

/** `count` hosts, numbered from `first` on. */
export function hostConfigs(count: number, overrides: Partial<HostConfig> = {}, first: number = 1): HostConfig[] {
  return Array.from({ length: count }, (_, index) => hostConfig(first + index, overrides));
}

/** Round robin over three hosts, without checks, ejection, slow start or panic; breakers wide open. */
export function clusterConfig(overrides: Partial<ClusterConfig> = {}): ClusterConfig {
  return {
    name: "shop",
    protocol: "http1",
    source: { type: "static" },
    hosts: hostConfigs(3),
    tls: null,
    balancing: { policy: { type: "round-robin" }, zone: null, slowStartMs: 0, panicThreshold: 0 },
    sharding: null,
    subsets: null,
    healthChecks: [],
    outlier: null,
    breaker: { connectionsMax: 1024, pendingMax: 1024, requestsMax: 1024, retriesMax: 64, retryBudget: 0.2 },
    pool: {
      http2ConnectionsMax: 4,
      http2StreamsMax: 100,
      rpcSharing: "multiplexed",
      rpcConnectionsMax: 1,
      rpcConnectionsMin: 1,
      rpcStreamsMax: 1024,
      http1IdleMax: 100,
      idleTimeoutMs: 60_000,
      connectTimeoutMs: 5000,
      queueTimeoutMs: 5000,
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
    },
    responseTimeoutMs: 0,
    sendProxyProtocol: 0,
    ...overrides,
  };
}

/** A TCP check every second: verdicts by two in a row, no jitter. */
export function tcpCheck(overrides: Partial<HealthCheckConfig> = {}): HealthCheckConfig {
  return {
    type: "tcp",
    target: "",
    authority: "",
    expectedStatuses: [],
    intervalMs: 1000,
    timeoutMs: 500,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
    jitter: 0,
    ...overrides,
  };
}

/** A pool is a word in these tests. */
export type TestPool = string;

/** Writes down what clusters report, one line each. */
export class EventLog implements ClusterObserver<TestPool> {
  readonly lines: string[] = [];

  /** The lines since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  onHostAdded(_cluster: Cluster<TestPool>, host: Host<TestPool>): void {
    this.lines.push(`added ${host.key}`);
  }

  onHostRemoved(_cluster: Cluster<TestPool>, host: Host<TestPool>): void {
    this.lines.push(`removed ${host.key}`);
  }

  onPoolRetired(_cluster: Cluster<TestPool>, host: Host<TestPool>, pool: TestPool): void {
    this.lines.push(`retired ${pool} of ${host.key}`);
  }

  onPoolReleased(_cluster: Cluster<TestPool>, host: Host<TestPool>, pool: TestPool): void {
    this.lines.push(`released ${pool} of ${host.key}`);
  }

  onHostHealth(_cluster: Cluster<TestPool>, host: Host<TestPool>, health: string, reason: string): void {
    this.lines.push(`${host.key} ${health}: ${reason}`);
  }

  onDnsProblem(_cluster: Cluster<TestPool>, reason: string): void {
    this.lines.push(reason);
  }
}

/** Answers what it was told to, at once, and counts. */
export class FakeResolver implements DnsResolver {
  answer: DnsAnswer = { type: "failed", reason: "not set" };
  asked: number = 0;
  isClosed: boolean = false;

  resolve(_name: string): Promise<DnsAnswer> {
    this.asked++;
    return Promise.resolve(this.answer);
  }

  close(): void {
    this.isClosed = true;
  }

  /** Addresses with one TTL. */
  setAddresses(addresses: readonly string[], ttlMs: number = 10_000): void {
    this.answer = {
      type: "addresses",
      addresses: addresses.map((address) => ({ address, ttlMs })),
      missingFamily: 0,
    };
  }
}

/** What a cluster needs, on a clock that stands still. */
export interface TestContext extends ClusterContext<TestPool> {
  readonly clock: FakeClock;
  readonly observer: EventLog;
  readonly resolver: FakeResolver;
}

export function testContext(seed: number = 1): TestContext {
  const clock = new FakeClock(1000);
  return {
    clock,
    wheel: new TimerWheel(clock),
    random: createRandom(seed),
    observer: new EventLog(),
    resolver: new FakeResolver(),
    identity: () => ({ id: "test proxy", workers: 1 }),
  };
}

/** Picks per host key over `count` requests with different hashes. */
export function countPicks(cluster: Cluster<TestPool>, count: number): Record<string, number> {
  const picks: Record<string, number> = {};
  for (let index = 0; index < count; index++) {
    const key = cluster.pick({ hash: index, tried: [] })?.key ?? "none";
    picks[key] = (picks[key] ?? 0) + 1;
  }
  return picks;
}
