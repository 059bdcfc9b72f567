import { isDeepStrictEqual } from "node:util";
import type { ConnectionOptions } from "node:tls";
import type { ClusterConfig, HealthCheckConfig } from "@weft/contract";
import { assertInteger, type Clock, type Random, TimerEntry, type TimerOwner, type TimerWheel } from "@weft/kernel";
import type { HealthVerdict } from "./host.ts";
import { CHECK_DELAY_MS_MIN, CHECKS_RUNNING_MAX } from "./limits.ts";
import { Probe, type ProbeTarget } from "./probe.ts";

/** A host to check. */
export interface CheckedHost {
  readonly key: string;
  readonly address: string;
  readonly port: number;
}

/** A host of which a verdict is known, or "unknown". */
export interface KnownHost extends CheckedHost {
  readonly verdict: HealthVerdict;
  readonly verdictReason: string;
}

/** Told of every host whose verdict has changed: `cluster.setVerdict` here, and in other workers. */
export type OnVerdict = (cluster: string, host: string, verdict: HealthVerdict, reason: string) => void;

/** A verdict as plain data: what one worker tells another. */
export interface HostVerdict {
  readonly cluster: string;
  readonly host: string;
  readonly verdict: HealthVerdict;
  readonly reason: string;
}

/** Options of a `HealthChecker`. */
export interface HealthCheckerOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: Random;
  /** How TLS connections to the hosts of a cluster are made; only asked where the cluster has TLS. */
  readonly createTlsOptions: (config: ClusterConfig) => ConnectionOptions;
  readonly onVerdict: OnVerdict;
  /** Told of every check that ended; null for one that passed. */
  readonly onResult?: (cluster: string, failure: string | null) => void;
  /** Checks that run at once; the others wait their turn. Default `CHECKS_RUNNING_MAX`. */
  readonly runningMax?: number;
}

/** One check of one host, again and again. */
class CheckTask implements TimerOwner {
  readonly #group: HostChecks;
  readonly #config: HealthCheckConfig;
  readonly target: ProbeTarget;
  readonly timer: TimerEntry;
  probe: Probe | undefined = undefined;
  verdict: HealthVerdict = "unknown";
  reason: string = "";
  #passes: number = 0;
  #failures: number = 0;

  constructor(group: HostChecks, target: ProbeTarget) {
    this.#group = group;
    this.#config = target.check;
    this.target = target;
    this.timer = new TimerEntry(this);
  }

  onTimer(_entry: TimerEntry): void {
    this.#group.checker.enqueue(this);
  }

  /** Milliseconds until the next check. */
  nextDelayMs(random: Random): number {
    const { intervalMs, jitter } = this.#config;
    return Math.max(CHECK_DELAY_MS_MIN, intervalMs * (1 + jitter * (2 * random.next() - 1)));
  }

  /** Counts a result. The first one decides at once, later ones by thresholds. */
  take(failure: string | null): void {
    this.#group.countResult(failure);
    const isFirst = this.verdict === "unknown";
    this.#passes = failure === null ? this.#passes + 1 : 0;
    this.#failures = failure === null ? 0 : this.#failures + 1;
    const { healthyThreshold, unhealthyThreshold, type } = this.#config;
    if (failure === null && (isFirst || (this.verdict === "unhealthy" && this.#passes >= healthyThreshold))) {
      this.verdict = "healthy";
      this.reason = `${type} check passed`;
    } else if (failure !== null && (isFirst || (this.verdict === "healthy" && this.#failures >= unhealthyThreshold))) {
      this.verdict = "unhealthy";
      this.reason = `${type} check failed: ${failure}`;
    }
    this.#group.judge();
  }
}

/** All checks of one host of one cluster. */
class HostChecks {
  readonly checker: HealthChecker;
  readonly tasks: readonly CheckTask[];
  readonly #cluster: string;
  readonly #key: string;
  #verdict: HealthVerdict = "unknown";
  #reason: string = "";

  constructor(checker: HealthChecker, cluster: string, host: CheckedHost, targets: readonly ProbeTarget[]) {
    this.checker = checker;
    this.#cluster = cluster;
    this.#key = host.key;
    this.tasks = targets.map((target) => new CheckTask(this, target));
  }

  countResult(failure: string | null): void {
    this.checker.tellResult(this.#cluster, failure);
  }

  /** Healthy by all checks, unhealthy by any; unknown while neither holds. */
  judge(): void {
    const worst =
      this.tasks.find((task) => task.verdict === "unhealthy") ?? this.tasks.find((task) => task.verdict === "unknown");
    const verdict = worst?.verdict ?? "healthy";
    if (verdict === this.#verdict || verdict === "unknown") return;
    this.#verdict = verdict;
    this.#reason = worst?.reason ?? this.tasks.map((task) => task.reason).join(", ");
    this.checker.tellVerdict(this.#cluster, this.#key, verdict, this.#reason);
  }

  /** Goes on from what another checker said last. */
  resume(verdict: HealthVerdict, reason: string): void {
    this.#verdict = verdict;
    this.#reason = reason;
    for (const task of this.tasks) {
      task.verdict = verdict;
      task.reason = reason;
    }
  }
}

/** The checks of one cluster, and what they were made from. */
interface ClusterChecks {
  readonly config: ClusterConfig;
  readonly hosts: Map<string, HostChecks>;
}

/**
 * Checks hosts actively. One worker of a proxy does it for all: verdicts are told, and fed to the clusters of every
 * worker. A host is checked as soon as it is watched, and the first result decides; until then it is used. After that
 * it takes `unhealthyThreshold` failures, or `healthyThreshold` passes, in a row.
 *
 * @example
 * const checker = new HealthChecker({ clock, wheel, random, createTlsOptions, onVerdict });
 * checker.watch(cluster.config, cluster.hosts.values());
 */
export class HealthChecker {
  readonly #options: HealthCheckerOptions;
  readonly #runningMax: number;
  readonly #clusters: Map<string, ClusterChecks> = new Map();
  /** Tasks whose time has come, in order. */
  readonly #waiting: Set<CheckTask> = new Set();
  #running: number = 0;
  #isStopped: boolean = false;

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
    this.#runningMax = options.runningMax ?? CHECKS_RUNNING_MAX;
    assertInteger("runningMax", this.#runningMax, 1, Number.MAX_SAFE_INTEGER);
  }

  /** Checks on the wire now. */
  get running(): number {
    return this.#running;
  }

  /** Checks whose time has come and that wait for others to end. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Checks exactly these hosts of a cluster from now on. Hosts that stay, under the same checks, are not disturbed. */
  watch(config: ClusterConfig, hosts: Iterable<CheckedHost>): void {
    if (this.#isStopped) return;
    const before = this.#clusters.get(config.name);
    const isSame = before !== undefined && checksAlike(before.config, config);
    const after: ClusterChecks = { config, hosts: new Map() };
    const tls = config.tls === null || config.healthChecks.length === 0 ? null : this.#options.createTlsOptions(config);
    for (const host of config.healthChecks.length === 0 ? [] : hosts) {
      const kept = isSame ? before.hosts.get(host.key) : undefined;
      after.hosts.set(host.key, kept ?? this.#begin(config, host, tls));
    }
    for (const [key, checks] of before?.hosts ?? []) if (after.hosts.get(key) !== checks) this.#end(checks);
    if (after.hosts.size === 0) this.#clusters.delete(config.name);
    else this.#clusters.set(config.name, after);
  }

  /**
   * Watches hosts that another worker has checked so far: what is known of them holds until as many results in a row as
   * always say otherwise.
   */
  takeOver(config: ClusterConfig, hosts: readonly KnownHost[]): void {
    this.watch(config, hosts);
    const checks = this.#clusters.get(config.name)?.hosts;
    for (const { key, verdict, verdictReason } of hosts) {
      if (verdict !== "unknown") checks?.get(key)?.resume(verdict, verdictReason);
    }
  }

  /** The cluster is gone. */
  unwatch(cluster: string): void {
    const checks = this.#clusters.get(cluster);
    this.#clusters.delete(cluster);
    for (const host of checks?.hosts.values() ?? []) this.#end(host);
  }

  /** Ends all checks and closes their sockets; nothing is watched afterwards. */
  stop(): void {
    this.#isStopped = true;
    for (const name of this.#clusters.keys()) this.unwatch(name);
  }

  /** @internal Called by a task whose time has come. */
  enqueue(task: CheckTask): void {
    this.#waiting.add(task);
    this.#runWaiting();
  }

  /** @internal Called by the checks of a host. */
  tellVerdict(cluster: string, host: string, verdict: HealthVerdict, reason: string): void {
    this.#options.onVerdict(cluster, host, verdict, reason);
  }

  /** @internal Called by the checks of a host. */
  tellResult(cluster: string, failure: string | null): void {
    this.#options.onResult?.(cluster, failure);
  }

  #begin(config: ClusterConfig, host: CheckedHost, tls: ConnectionOptions | null): HostChecks {
    const { protocol, sendProxyProtocol } = config;
    const { address, port } = host;
    const targets = config.healthChecks.map((check) => ({ address, port, check, protocol, sendProxyProtocol, tls }));
    const checks = new HostChecks(this, config.name, host, targets);
    // By way of the wheel: whoever watches a host is done with it before the first verdict comes.
    for (const task of checks.tasks) this.#options.wheel.schedule(task.timer, 0);
    return checks;
  }

  #end(checks: HostChecks): void {
    for (const task of checks.tasks) {
      this.#options.wheel.cancel(task.timer);
      this.#waiting.delete(task);
      if (task.probe === undefined) continue;
      task.probe.cancel();
      task.probe = undefined;
      this.#running--;
    }
    this.#runWaiting();
  }

  #runWaiting(): void {
    for (const task of this.#waiting) {
      if (this.#running >= this.#runningMax) return;
      this.#waiting.delete(task);
      this.#running++;
      task.probe = new Probe(task.target, this.#options.clock, (failure) => this.#finish(task, failure));
    }
  }

  #finish(task: CheckTask, failure: string | null): void {
    task.probe = undefined;
    this.#running--;
    this.#options.wheel.schedule(task.timer, task.nextDelayMs(this.#options.random));
    task.take(failure);
    this.#runWaiting();
  }
}

/** True when a host is checked in the same way under both. */
function checksAlike(a: ClusterConfig, b: ClusterConfig): boolean {
  return (
    a.protocol === b.protocol &&
    a.sendProxyProtocol === b.sendProxyProtocol &&
    isDeepStrictEqual(a.healthChecks, b.healthChecks) &&
    isDeepStrictEqual(a.tls, b.tls)
  );
}
