import type { ClusterConfig } from "@weft/contract";
import type { Clock } from "@weft/kernel";
import type { CreateBoundPool } from "./bound-pool.ts";
import type { ClusterDirectory, ClusterRuntime } from "./cluster-runtime.ts";
import {
  type Cluster,
  type ClusterObserver,
  ClusterStore,
  HealthChecker,
  type HealthVerdict,
  type Host,
  type HostHealth,
  type HostVerdict,
  type HostWatcher,
  type OnVerdict,
  type ProxyIdentity,
} from "./cluster/index.ts";
import type { Log } from "./log.ts";
import type { ClusterStats, MetricsRegistry } from "./metrics/index.ts";
import { ConnectionPlaces, HostPool, type PoolShape, RetiredPools } from "./pool/index.ts";
import {
  type ClientSessionFactory,
  createTlsOptions,
  createTransportOpener,
  createUpstreamOpener,
  HostWatch,
  type HostWatchDeps,
  PulseBudget,
  type OpenHostTransport,
  type UpstreamAddress,
  type UpstreamConnection,
  type UpstreamDeps,
  type UpstreamOwner,
} from "./upstream/index.ts";

/** What the cluster station of a worker is made of. */
export interface ClusterStationDeps extends UpstreamDeps {
  readonly metrics: MetricsRegistry;
  readonly sessions: ClientSessionFactory;
  readonly log: Log;
  /** Runs the active checks here from the start; `setChecksHealth` changes it. */
  readonly checksHealth: boolean;
  /** Who this proxy is to clusters that are sharded; the same in all workers. */
  readonly identity: () => ProxyIdentity;
  /** Told of every verdict of the checks that run here, for other workers. */
  readonly onVerdict: OnVerdict;
}

/** All clusters of a worker with their pools: where routes end and connections begin. */
export class ClusterStation implements ClusterDirectory, ClusterObserver<HostPool> {
  readonly #deps: ClusterUnitDeps;
  readonly #store: ClusterStore<HostPool>;
  /** Null where another worker checks. */
  #checker: HealthChecker | null = null;
  readonly #retired: RetiredPools;
  /** Pools that end with the configuration that is being applied; null between configurations. */
  #retiring: HostPool[] | null = null;
  readonly #runtimes: Map<string, ClusterUnit> = new Map();

  constructor(deps: ClusterStationDeps) {
    this.#deps = { ...deps, pulseBudget: new PulseBudget(deps.clock) };
    this.#retired = new RetiredPools(deps.wheel);
    const { clock, wheel, random, identity } = deps;
    const watcher: HostWatcher = {
      watch: (config, hosts) => this.#checker?.watch(config, hosts),
      unwatch: (cluster) => this.#checker?.unwatch(cluster),
    };
    this.#store = new ClusterStore({ clock, wheel, random, observer: this, watcher, identity });
    this.setChecksHealth(deps.checksHealth);
  }

  /** Begins the active checks here, from what is known of the hosts, or ends them. */
  setChecksHealth(isOn: boolean): void {
    if (isOn === (this.#checker !== null)) return;
    this.#checker?.stop();
    this.#checker = isOn ? this.#createChecker() : null;
    for (const cluster of this.#store.values()) this.#checker?.takeOver(cluster.config, cluster.checkedHosts());
  }

  #createChecker(): HealthChecker {
    const { clock, wheel, random } = this.#deps;
    const onVerdict: OnVerdict = (cluster, host, verdict, reason) => {
      this.setVerdict(cluster, host, verdict, reason);
      this.#deps.onVerdict(cluster, host, verdict, reason);
    };
    const onResult = (cluster: string, failure: string | null): void => this.#countCheck(cluster, failure);
    return new HealthChecker({ clock, wheel, random, createTlsOptions, onVerdict, onResult });
  }

  /** Takes the word of active checks, made here or by another worker. */
  setVerdict(cluster: string, host: string, verdict: HealthVerdict, reason: string): void {
    this.#store.get(cluster)?.setVerdict(host, verdict, reason);
  }

  /** What checks found, made here or by another worker: for workers that came later. */
  verdicts(): readonly HostVerdict[] {
    const known: HostVerdict[] = [];
    for (const { name, hosts } of this.#store.values()) {
      for (const { key, verdict, verdictReason: reason } of hosts.values()) {
        if (verdict !== "unknown") known.push({ cluster: name, host: key, verdict, reason });
      }
    }
    return known;
  }

  get(name: string): ClusterRuntime | undefined {
    return this.#runtimes.get(name);
  }

  values(): IterableIterator<ClusterRuntime> {
    return this.#runtimes.values();
  }

  /**
   * Makes the clusters be these; open requests go on.
   *
   * @throws WeftError CLUSTER_* when one is invalid; nothing has changed then
   */
  apply(configs: readonly ClusterConfig[]): void {
    // Pools that the change retires end after the units were configured: what waited in them tries again at once, and
    // must not get a pool of the old configuration.
    const retiring: HostPool[] = [];
    this.#retiring = retiring;
    const changes = this.#store.apply(configs);
    this.#retiring = null;
    for (const name of changes.removed) this.#runtimes.delete(name);
    for (const name of [...changes.added, ...changes.updated]) {
      const cluster = this.#store.get(name);
      if (cluster === undefined) continue;
      const stats = this.#deps.metrics.cluster(name);
      this.#deps.metrics.keepHosts(name, cluster.hosts.keys());
      const unit = this.#runtimes.get(name);
      if (unit === undefined) this.#runtimes.set(name, new ClusterUnit(cluster, stats, this.#deps));
      else unit.configure();
    }
    for (const pool of retiring) this.#retired.add(pool);
  }

  /** Closes every pool at once: the worker ends. */
  close(): void {
    this.setChecksHealth(false);
    for (const unit of this.#runtimes.values()) {
      for (const host of unit.cluster.hosts.values()) host.pool?.close();
    }
    this.#retired.close();
    this.#runtimes.clear();
    this.#store.close();
  }

  onHostAdded(cluster: Cluster<HostPool>, host: Host<HostPool>): void {
    this.#deps.log.debug("host added", { cluster: cluster.name, host: host.key });
  }

  onHostRemoved(cluster: Cluster<HostPool>, host: Host<HostPool>): void {
    this.#deps.log.debug("host removed", { cluster: cluster.name, host: host.key });
  }

  onPoolRetired(_cluster: Cluster<HostPool>, _host: Host<HostPool>, pool: HostPool): void {
    if (this.#retiring === null) this.#retired.add(pool);
    else this.#retiring.push(pool);
  }

  onPoolReleased(cluster: Cluster<HostPool>, host: Host<HostPool>, pool: HostPool): void {
    this.#deps.log.debug("host left the shard", { cluster: cluster.name, host: host.key });
    this.#retired.addPatient(pool);
  }

  onMembership(cluster: Cluster<HostPool>): void {
    const { metrics } = this.#deps;
    metrics.cluster(cluster.name).membershipChanges++;
    metrics.keepHosts(cluster.name, cluster.hosts.keys());
  }

  onHostHealth(cluster: Cluster<HostPool>, host: Host<HostPool>, health: HostHealth, reason: string): void {
    if (health === "ejected" && host.ejectionCause !== "") {
      this.#deps.metrics.cluster(cluster.name).ejections[host.ejectionCause]++;
    }
    this.#deps.log.info("host health changed", { cluster: cluster.name, host: host.key, health, reason });
  }

  onDnsAnswer(cluster: Cluster<HostPool>): void {
    this.#deps.metrics.cluster(cluster.name).dnsLookups.ok++;
  }

  onDnsProblem(cluster: Cluster<HostPool>, reason: string, isNews: boolean): void {
    this.#deps.metrics.cluster(cluster.name).dnsLookups.failed++;
    if (isNews) this.#deps.log.warn("name not resolved", { cluster: cluster.name, reason });
  }

  onDnsRecovery(cluster: Cluster<HostPool>): void {
    this.#deps.log.info("name resolved again", { cluster: cluster.name });
  }

  /** Brings the gauges of every cluster up to date: before a scrape. */
  refreshGauges(): void {
    for (const { cluster, stats } of this.#runtimes.values()) refreshClusterGauges(cluster, stats, this.#deps.metrics);
  }

  #countCheck(clusterName: string, failure: string | null): void {
    this.#deps.metrics.cluster(clusterName).healthChecks[failure === null ? "passed" : "failed"]++;
  }
}

function refreshClusterGauges(cluster: Cluster<HostPool>, stats: ClusterStats, metrics: MetricsRegistry): void {
  let unhealthy = 0;
  let ejected = 0;
  let draining = 0;
  let idle = 0;
  let waiting = 0;
  let connected = 0;
  for (const host of cluster.hosts.values()) {
    if (host.isDraining) draining++;
    else if (host.isEjected) ejected++;
    else if (host.verdict === "unhealthy") unhealthy++;
    idle += host.pool?.idleCount ?? 0;
    waiting += host.pool?.waitingCount ?? 0;
    const hostStats = metrics.host(cluster.name, host.key);
    hostStats.requestsActive = host.activeRequests;
    hostStats.connectionsActive = host.pool?.connectionCount ?? 0;
    if (hostStats.connectionsActive > 0) connected++;
    hostStats.outcomes.success = host.successes;
    hostStats.outcomes.failure = host.failures + host.connectFailures;
    if (host.histogram !== undefined) hostStats.durationUs = host.histogram;
  }
  const { trips } = cluster.breaker.use();
  const { hosts } = stats;
  hosts.healthy = cluster.hosts.size - unhealthy - ejected - draining;
  hosts.unhealthy = unhealthy;
  hosts.ejected = ejected;
  hosts.draining = draining;
  stats.panickingLevels = cluster.panickingLevels.length;
  stats.connectionsIdle = idle;
  stats.queueLength = waiting;
  stats.hostsConnected = connected;
  refreshGroupGauges(cluster, stats);
  stats.trips.requests = trips.CLUSTER_REQUESTS_FULL;
  stats.trips.pending = trips.CLUSTER_PENDING_FULL;
  stats.trips.connections = trips.CLUSTER_CONNECTIONS_FULL;
  stats.trips.retries = trips.CLUSTER_RETRIES_FULL;
  stats.trips["retry-budget"] = trips.CLUSTER_RETRY_BUDGET_SPENT;
}

/** What is balanced over: this proxy's shard, and subsets. */
function refreshGroupGauges({ groups }: Cluster<HostPool>, stats: ClusterStats): void {
  stats.subsets = groups.subsetsBuilt;
  Object.assign(stats.subsetPicks, groups.subsetPicks);
  Object.assign(stats.shardMoves, groups.moves);
  const facts = groups.shardFacts;
  stats.shardSize = facts?.size ?? 0;
  stats.shardHosts.member = facts?.members ?? 0;
  stats.shardHosts.substitute = facts?.substitutes ?? 0;
  stats.shardHosts.absent = facts?.absent ?? 0;
}

/** How requests reach the hosts of a cluster under one configuration. */
interface Reach {
  readonly config: ClusterConfig;
  readonly openTransport: OpenHostTransport;
  readonly isBound: boolean;
  readonly watches: WeakMap<Host<HostPool>, HostWatch>;
  readonly open: (address: UpstreamAddress, owner: UpstreamOwner, watch: HostWatch) => UpstreamConnection;
}

/** What the units of a worker share. */
type ClusterUnitDeps = ClusterStationDeps & HostWatchDeps;

/** One cluster with its counters. It lives as long as the cluster: a request in flight finds the newest configuration. */
class ClusterUnit implements ClusterRuntime {
  readonly cluster: Cluster<HostPool>;
  readonly stats: ClusterStats;
  readonly clock: Clock;
  readonly places: ConnectionPlaces;
  readonly #deps: ClusterUnitDeps;
  #reach: Reach;

  constructor(cluster: Cluster<HostPool>, stats: ClusterStats, deps: ClusterUnitDeps) {
    this.cluster = cluster;
    this.stats = stats;
    this.clock = deps.clock;
    this.places = new ConnectionPlaces(cluster.breaker);
    this.#deps = deps;
    this.#reach = this.#createReach();
  }

  get config(): ClusterConfig {
    return this.#reach.config;
  }

  get openTransport(): OpenHostTransport {
    return this.#reach.openTransport;
  }

  /** The cluster's configuration has changed. */
  configure(): void {
    this.#reach = this.#createReach();
    // The limit may be higher now.
    this.places.offer();
  }

  get breaker(): Cluster<HostPool>["breaker"] {
    return this.cluster.breaker;
  }

  poolOf(host: Host<HostPool>): HostPool {
    if (host.pool === undefined) {
      const { config, open } = this.#reach;
      const watch = this.#watchOf(host);
      host.pool = new HostPool(config.pool, shapeOf(config), this.places, (owner) => open(host, owner, watch));
    }
    return host.pool;
  }

  get isBound(): boolean {
    return this.#reach.isBound;
  }

  readonly createBoundPool: CreateBoundPool = (host, ownerOf) => {
    const { config, open } = this.#reach;
    const watch = this.#watchOf(host);
    const shape = { streamsExpected: config.pool.rpcStreamsMax, connectionsMax: 1, connectionsMin: 0, isShared: false };
    const pool: HostPool = new HostPool(config.pool, shape, this.places, () => open(host, ownerOf(pool), watch));
    return pool;
  };

  /** One watch per host, whoever its connections belong to. */
  #watchOf(host: Host<HostPool>): HostWatch {
    const { config, watches } = this.#reach;
    let watch = watches.get(host);
    if (watch === undefined) {
      watch = new HostWatch(config.pool.heartbeat, host, this.#deps);
      watches.set(host, watch);
    }
    return watch;
  }

  #createReach(): Reach {
    const { config } = this.cluster;
    const openTransport = createTransportOpener(config, this.#deps);
    const open = createUpstreamOpener(config, this.stats, this.#deps, this.#deps.sessions, openTransport);
    return {
      config,
      openTransport,
      open,
      watches: new WeakMap(),
      isBound: isRpc(config.protocol) && config.pool.rpcSharing === "bound",
    };
  }
}

function isRpc(protocol: ClusterConfig["protocol"]): boolean {
  return protocol === "bolt" || protocol === "dubbo";
}

/** What is known of connections before they are up. Where TLS chooses the protocol, the pool learns it from the first. */
function shapeOf({ protocol, pool }: ClusterConfig): PoolShape {
  if (protocol === "http2") {
    return {
      streamsExpected: pool.http2StreamsMax,
      connectionsMax: pool.http2ConnectionsMax,
      connectionsMin: 0,
      isShared: true,
    };
  }
  if (isRpc(protocol) && pool.rpcSharing === "multiplexed") {
    return {
      streamsExpected: pool.rpcStreamsMax,
      connectionsMax: pool.rpcConnectionsMax,
      connectionsMin: pool.rpcConnectionsMin,
      isShared: true,
    };
  }
  return { streamsExpected: 1, connectionsMax: Number.POSITIVE_INFINITY, connectionsMin: 0, isShared: true };
}
