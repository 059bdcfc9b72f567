import { isDeepStrictEqual } from "node:util";
import type { ClusterConfig, HostConfig, HostSource, OutlierConfig, PickContext } from "@weft/contract";
import { assert, type Clock, type Random, TimerEntry, type TimerOwner, type TimerWheel } from "@weft/kernel";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { checkClusterConfig } from "./cluster-config.ts";
import type { DnsResolver } from "./dns-resolver.ts";
import { type DnsOwner, DnsSource, type DnsStatus } from "./dns-source.ts";
import { Host, hostKey, type HealthVerdict } from "./host.ts";
import { type GroupsOwner, HostGroups, type SubsetLabels } from "./host-groups.ts";
import { isHashingPolicy } from "./host-selector.ts";
import type { ProxyIdentity } from "./level-shards.ts";
import { OutlierDetector, type OutlierOwner } from "./outlier-detector.ts";
import { KEPT_VERDICTS_MAX, LATENCY_DECAY_MS, SLOW_START_STEP_MS_MIN, SLOW_START_STEPS } from "./limits.ts";

/**
 * What a host has become: the word of the active checks, ejected or `returned` by outlier detection, taken out of use
 * (`draining`) or back in (`returned`) by hand.
 */
export type HostHealth = "healthy" | "unhealthy" | "ejected" | "returned" | "draining";

/** Who wants to know what happens in clusters. Called from inside; must not change clusters. */
export interface ClusterObserver<Pool = unknown> {
  onHostAdded(cluster: Cluster<Pool>, host: Host<Pool>): void;
  /** The host takes no new request; tries in flight go on. Its pool, if it has one, is reported afterwards. */
  onHostRemoved(cluster: Cluster<Pool>, host: Host<Pool>): void;
  /**
   * This pool gets no request any more and is to drain: its host was removed, or the way to reach hosts changed. The
   * cluster has settled by then: requests that waited in the pool may pick again from inside.
   */
  onPoolRetired(cluster: Cluster<Pool>, host: Host<Pool>, pool: Pool): void;
  /**
   * The host has left this proxy's shard, and its pool gets no request any more: it is to drain, however long that takes,
   * for nothing is wrong with the host.
   */
  onPoolReleased(cluster: Cluster<Pool>, host: Host<Pool>, pool: Pool): void;
  onHostHealth(cluster: Cluster<Pool>, host: Host<Pool>, health: HostHealth, reason: string): void;
  /** Hosts were added or removed: once for all of one change, after the calls for each. */
  onMembership?(cluster: Cluster<Pool>): void;
  /** As `DnsOwner.onDnsProblem`: the cluster's name could not be resolved, or not as it should. */
  onDnsProblem?(cluster: Cluster<Pool>, reason: string, isNews: boolean): void;
  /** The cluster's name was resolved; whether its addresses changed or not. */
  onDnsAnswer?(cluster: Cluster<Pool>): void;
  /** The cluster's name is resolved as it should be again, after a problem that was news. */
  onDnsRecovery?(cluster: Cluster<Pool>): void;
}

/** Who checks hosts actively, where it is done in this worker: a `HealthChecker`. */
export interface HostWatcher {
  watch(config: ClusterConfig, hosts: Iterable<Host>): void;
  unwatch(cluster: string): void;
}

/** What all clusters of a worker share. */
export interface ClusterContext<Pool = unknown> {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly resolver: DnsResolver;
  readonly observer: ClusterObserver<Pool>;
  /** Undefined where another worker does it. */
  readonly watcher?: HostWatcher | undefined;
  /** Who this proxy is to clusters that are sharded. */
  readonly identity: () => ProxyIdentity;
}

/**
 * A named set of hosts that serve the same, in one worker. Choosing among them is its hot method, `pick`; everything
 * that `pick` needs is settled beforehand, when hosts, health or weights change, at most once per burst of changes.
 *
 * @example
 * const host = cluster.pick(context);
 * if (host === undefined) return answerError(cluster.noHostCode(null));
 */
export class Cluster<Pool = unknown> implements TimerOwner, OutlierOwner<Pool>, DnsOwner, GroupsOwner {
  readonly name: string;
  /** The limits of this cluster in this worker. */
  readonly breaker: CircuitBreaker;
  /** What is balanced over: all hosts, this proxy's shard of them, subsets. */
  readonly groups: HostGroups<Pool>;
  readonly #context: ClusterContext<Pool>;
  readonly #slowStart: TimerEntry;
  #config: ClusterConfig;
  #outlier: OutlierDetector<Pool> | undefined = undefined;
  #dns: DnsSource | undefined = undefined;
  /** Addresses that DNS gave; hosts beside the configured ones. */
  #dnsAddresses: readonly string[] = [];
  #hosts: Map<string, Host<Pool>> = new Map();
  /** The last word on hosts that are not here, oldest first. */
  readonly #keptVerdicts: Map<string, { readonly verdict: HealthVerdict; readonly reason: string }> = new Map();
  /** Pools taken from their hosts in the present change. */
  readonly #detachedPools: { readonly host: Host<Pool>; readonly pool: Pool }[] = [];
  #isClosed: boolean = false;

  /** @throws WeftError CLUSTER_INVALID_CONFIG, CLUSTER_DUPLICATE_HOST */
  constructor(config: ClusterConfig, context: ClusterContext<Pool>) {
    checkClusterConfig(config, context.random, context.clock);
    this.name = config.name;
    this.breaker = new CircuitBreaker(config.breaker);
    this.#context = context;
    this.#slowStart = new TimerEntry(this);
    this.#config = config;
    this.groups = new HostGroups(config, context, this);
    this.#refreshHosts();
    this.#updateOutlier(null, config.outlier);
    this.#updateSource(null, config.source);
  }

  get config(): ClusterConfig {
    return this.#config;
  }

  /** How the name stands that hosts come from; undefined where they are configured. */
  get dnsStatus(): DnsStatus | undefined {
    return this.#dns?.status;
  }

  /** False while the name that hosts come from was not resolved for the first time: a listener may wait for it. */
  get isSettled(): boolean {
    return this.#dns?.status.isSettled ?? true;
  }

  /** Every host by key, usable or not. */
  get hosts(): ReadonlyMap<string, Host<Pool>> {
    return this.#hosts;
  }

  /** Priority levels that ignore health at present, because too little of it is left. */
  get panickingLevels(): readonly number[] {
    return this.groups.panickingLevels;
  }

  /** Hosts whose health is to be known: all, or those of this proxy's shard. */
  checkedHosts(): readonly Host<Pool>[] {
    return this.groups.checkedHosts();
  }

  /**
   * A host for a request that asks for hosts with `labels`, or for none in particular; undefined when none may be used
   * (`noHostCode` says why). The same labels are best the same object.
   */
  pick(context: PickContext, labels: SubsetLabels | null = null): Host<Pool> | undefined {
    return this.groups.pick(context, labels);
  }

  /** Why `pick` found nothing for `labels`: no host has them, or none of those that have them may be used. */
  noHostCode(labels: SubsetLabels | null): "CLUSTER_NO_HOST" | "SUBSET_NO_HOST" {
    return this.#config.subsets === null || this.groups.hasHosts(labels) ? "CLUSTER_NO_HOST" : "SUBSET_NO_HOST";
  }

  /**
   * Applies a new configuration in place. Hosts that stay keep health, statistics and pools; a change of protocol, TLS,
   * PROXY header or pool settings retires all pools. Nothing changes when it throws.
   *
   * @throws WeftError CLUSTER_INVALID_CONFIG, CLUSTER_DUPLICATE_HOST
   */
  update(config: ClusterConfig): void {
    assert(!this.#isClosed, "a closed cluster is not updated");
    assert(config.name === this.name, "a cluster keeps its name");
    checkClusterConfig(config, this.#context.random, this.#context.clock);
    const before = this.#config;
    this.#config = config;
    this.breaker.configure(config.breaker);
    this.groups.configure(config);
    if (!reachesAlike(before, config)) for (const host of this.#hosts.values()) this.#detachPool(host);
    this.#updateSource(before.source, config.source);
    if (before.healthChecks.length > 0 && config.healthChecks.length === 0) {
      this.#keptVerdicts.clear();
      for (const key of this.#hosts.keys()) this.setVerdict(key, "unknown", "");
    }
    this.#refreshHosts();
    this.#updateOutlier(before.outlier, config.outlier);
    this.#retirePools();
  }

  /**
   * Takes the word of active checks, made here or by another worker. That one may know a host sooner, or may not have
   * seen it leave for a moment: what it said of a host that is not here is kept for when it comes.
   */
  setVerdict(key: string, verdict: HealthVerdict, reason: string): void {
    const host = this.#hosts.get(key);
    if (host === undefined) {
      this.#keepVerdict(key, verdict, reason);
      return;
    }
    const wasUnhealthy = host.verdict === "unhealthy";
    if (!host.setVerdict(verdict, reason)) return;
    if ((verdict === "unhealthy") !== wasUnhealthy) this.#healthChanged(host, wasUnhealthy);
    if (verdict !== "unknown") this.#context.observer.onHostHealth(this, host, verdict, reason);
  }

  /** Takes a host out of use, or back in, by hand. Unknown keys are ignored. */
  setDraining(key: string, isDraining: boolean, reason: string): void {
    const host = this.#hosts.get(key);
    if (host === undefined || !host.setDraining(isDraining)) return;
    this.#healthChanged(host, !isDraining);
    this.#context.observer.onHostHealth(this, host, isDraining ? "draining" : "returned", reason);
  }

  /** The cluster is gone: every host is removed and every timer ends. Calling it again does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#dns?.close();
    this.#context.watcher?.unwatch(this.name);
    this.groups.close();
    this.#setHosts([]);
    this.#outlier?.close();
    this.#context.wheel.cancel(this.#slowStart);
    this.#retirePools();
  }

  /** @internal The next step of slow start. */
  onTimer(_entry: TimerEntry): void {
    this.groups.markStale();
    this.#scheduleSlowStart();
  }

  /** @internal Told by the groups. */
  refreshWeights(): void {
    const nowMs = this.#context.clock.nowMs();
    const slowStartMs = this.#slowStartMs();
    for (const host of this.#hosts.values()) host.refreshWeight(nowMs, slowStartMs);
  }

  /** @internal Told by the groups. */
  onMembersChanged(): void {
    if (!this.#isClosed) this.#watchHosts();
  }

  /** @internal Told by the groups. */
  releaseHostsBut(members: ReadonlySet<string>): void {
    for (const host of this.#hosts.values()) {
      const { pool } = host;
      if (pool === undefined || members.has(host.key)) continue;
      host.pool = undefined;
      this.#context.observer.onPoolReleased(this, host, pool);
    }
  }

  /** @internal Asked by outlier detection. */
  get usedHostCount(): number {
    return this.groups.isSharded ? this.groups.memberCount : this.#hosts.size;
  }

  /** @internal Asked by outlier detection. */
  peerGroupOf({ labels }: Host<Pool>): string {
    return this.groups.peerKeys.map((key) => JSON.stringify(labels[key] ?? null)).join();
  }

  /** @internal Told by outlier detection. */
  onHostEjected(host: Host<Pool>, reason: string): void {
    this.#healthChanged(host, false);
    this.#context.observer.onHostHealth(this, host, "ejected", reason);
  }

  /** @internal Told by outlier detection. */
  onHostReturned(host: Host<Pool>, reason: string): void {
    this.#healthChanged(host, true);
    this.#context.observer.onHostHealth(this, host, "returned", reason);
  }

  /** @internal Told by the DNS source. */
  onAddresses(addresses: readonly string[]): void {
    this.#dnsAddresses = addresses;
    this.#refreshHosts();
    this.#retirePools();
  }

  /** @internal Told by the DNS source. */
  onDnsAnswer(): void {
    this.#context.observer.onDnsAnswer?.(this);
  }

  /** @internal Told by the DNS source. */
  onDnsProblem(reason: string, isNews: boolean): void {
    this.#context.observer.onDnsProblem?.(this, reason, isNews);
  }

  /** @internal Told by the DNS source. */
  onDnsRecovery(): void {
    this.#context.observer.onDnsRecovery?.(this);
  }

  #updateSource(before: HostSource | null, source: HostSource): void {
    if (isDeepStrictEqual(before, source)) return;
    this.#dns?.close();
    this.#dns = undefined;
    // Other bounds for the same name: its addresses hold until the first answer.
    const isSameName = before?.type === "dns" && source.type === "dns" && before.name === source.name;
    if (!isSameName) this.#dnsAddresses = [];
    if (source.type === "static") return;
    this.#dns = new DnsSource(source, this.#context, this);
    this.#dns.start();
  }

  /** The configured hosts, and one per address of the name, where a configured one does not have it. */
  #refreshHosts(): void {
    const { hosts, source } = this.#config;
    if (source.type === "static" || this.#dnsAddresses.length === 0) {
      this.#setHosts(hosts);
      return;
    }
    const { port } = source;
    const configured = new Set(hosts.map((host) => hostKey(host.address, host.port)));
    const resolved = this.#dnsAddresses
      .filter((address) => !configured.has(hostKey(address, port)))
      .map((address) => ({ address, port, weight: 1, zone: "", priority: 0, labels: {} }));
    this.#setHosts([...hosts, ...resolved]);
  }

  #updateOutlier(before: OutlierConfig | null, config: OutlierConfig | null): void {
    if (isDeepStrictEqual(before, config)) return;
    if (config === null) {
      this.#outlier?.close();
      this.#outlier = undefined;
    } else if (this.#outlier === undefined) {
      this.#outlier = new OutlierDetector(config, this.#context.clock, this.#context.wheel, this);
      for (const host of this.#hosts.values()) this.#outlier.watch(host);
    } else {
      this.#outlier.configure(config);
    }
  }

  #setHosts(configs: readonly HostConfig[]): void {
    const before = this.#hosts;
    const after = new Map<string, Host<Pool>>();
    const added: Host<Pool>[] = [];
    for (const config of configs) {
      const key = hostKey(config.address, config.port);
      let host = before.get(key);
      if (host === undefined) {
        host = new Host<Pool>(config, this.#context.clock, this.#latencyDecayMs());
        const kept = this.#keptVerdicts.get(key);
        if (kept !== undefined) host.setVerdict(kept.verdict, kept.reason);
        this.#keptVerdicts.delete(key);
        added.push(host);
      } else {
        host.reconfigure(config, this.#latencyDecayMs());
      }
      after.set(key, host);
    }
    this.#hosts = after;
    for (const host of added) {
      // Where nobody else serves yet there is nobody to be gentle in comparison with.
      if (before.size > 0) host.startWarming(this.#context.clock.nowMs());
      this.#outlier?.watch(host);
      this.#context.observer.onHostAdded(this, host);
    }
    this.groups.setHosts([...after.values()]);
    const removed = [...before.values()].filter((host) => !after.has(host.key));
    for (const host of removed) this.#remove(host);
    if (added.length + removed.length > 0) this.#context.observer.onMembership?.(this);
    this.#scheduleSlowStart();
    if (!this.#isClosed) this.#watchHosts();
  }

  /** Has the hosts checked that are to be; what was known of others says nothing any more. */
  #watchHosts(): void {
    const checked = this.groups.checkedHosts();
    this.#context.watcher?.watch(this.#config, checked);
    if (!this.groups.isSharded) return;
    const keys = new Set(checked.map(({ key }) => key));
    for (const host of this.#hosts.values()) if (!keys.has(host.key)) host.setVerdict("unknown", "");
  }

  #keepVerdict(key: string, verdict: HealthVerdict, reason: string): void {
    this.#keptVerdicts.delete(key);
    if (verdict === "unknown") return;
    this.#keptVerdicts.set(key, { verdict, reason });
    if (this.#keptVerdicts.size <= KEPT_VERDICTS_MAX) return;
    for (const oldest of this.#keptVerdicts.keys()) {
      this.#keptVerdicts.delete(oldest);
      return;
    }
  }

  #remove(host: Host<Pool>): void {
    this.#keepVerdict(host.key, host.verdict, host.verdictReason);
    this.#outlier?.unwatch(host);
    this.#detachPool(host);
    this.#context.observer.onHostRemoved(this, host);
  }

  #detachPool(host: Host<Pool>): void {
    const { pool } = host;
    if (pool === undefined) return;
    host.pool = undefined;
    this.#detachedPools.push({ host, pool });
  }

  /** Reports what was detached, last of all in every change. */
  #retirePools(): void {
    for (const { host, pool } of this.#detachedPools.splice(0)) this.#context.observer.onPoolRetired(this, host, pool);
  }

  #healthChanged(host: Host<Pool>, isReturning: boolean): void {
    this.groups.markStale();
    if (!isReturning) return;
    host.startWarming(this.#context.clock.nowMs());
    this.#scheduleSlowStart();
  }

  /** Hashing needs weights that stay put: a weight that grows would move keys at every step. */
  #slowStartMs(): number {
    const { policy, slowStartMs } = this.#config.balancing;
    return isHashingPolicy(policy.type) ? 0 : slowStartMs;
  }

  #latencyDecayMs(): number {
    const { policy } = this.#config.balancing;
    return policy.type === "peak-ewma" ? policy.decayMs : LATENCY_DECAY_MS;
  }

  #scheduleSlowStart(): void {
    const slowStartMs = this.#slowStartMs();
    if (slowStartMs === 0 || this.#isClosed || this.#slowStart.isScheduled) return;
    const nowMs = this.#context.clock.nowMs();
    for (const host of this.#hosts.values()) {
      if (!host.isWarming(nowMs, slowStartMs)) continue;
      const stepMs = Math.max(SLOW_START_STEP_MS_MIN, slowStartMs / SLOW_START_STEPS);
      this.#context.wheel.schedule(this.#slowStart, stepMs);
      return;
    }
  }
}

/** True when connections made under one configuration serve the other. */
function reachesAlike(a: ClusterConfig, b: ClusterConfig): boolean {
  return (
    a.protocol === b.protocol &&
    a.sendProxyProtocol === b.sendProxyProtocol &&
    isDeepStrictEqual(a.tls, b.tls) &&
    isDeepStrictEqual(a.pool, b.pool)
  );
}
