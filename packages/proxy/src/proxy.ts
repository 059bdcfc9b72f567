import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { HeadMemo } from "@weft/codec/http1";
import type {
  ClusterConfig,
  Feeds,
  ListenerConfig,
  ProxySettings,
  ResourceProblem,
  RouteTableConfig,
  Subscription,
} from "@weft/contract";
import {
  type Clock,
  OutputScheduler,
  type Random,
  systemClock,
  systemRandom,
  type TcpHandle,
  TimerWheel,
} from "@weft/kernel";
import { type AccessLog, createAccessLog } from "./access-log/index.ts";
import { AnswerDates } from "./answer-dates.ts";
import { AnswerHolds } from "./held-answer.ts";
import type { AdminSource } from "./admin/index.ts";
import { ClusterStation } from "./cluster-station.ts";
import type { HealthVerdict, HostVerdict, OnVerdict, ProxyIdentity } from "./cluster/index.ts";
import type { ListenerRoutes } from "./downstream/index.ts";
import { CompiledRoutes } from "./compiled-routes.ts";
import { refuseRequest } from "./refused-request.ts";
import { Exchange } from "./request-path.ts";
import { HandOver, listenerAt, type ListeningPlace } from "./hand-over.ts";
import { checkTls, Listener, type ListenerDeps, type MovedConnection } from "./listener/index.ts";
import type { Log } from "./log.ts";
import { type LogLevelControl, ProxyAdmin, type WorldInForce } from "./proxy-admin.ts";
import { type Demands, findObstacles } from "./obstacles.ts";
import { MetricsRegistry, type MetricsSnapshot, startLagProbe } from "./metrics/index.ts";
import type { MutablePickContext, RequestPathDeps } from "./request-path-deps.ts";
import { ClientSessions, ServerSessions } from "./sessions.ts";
import { createTracer, type Tracer } from "./tracing/index.ts";
import { TurnClock } from "./turn-clock.ts";

/** What a proxy is made of. */
export interface ProxyOptions {
  readonly feeds: Feeds;
  readonly log: Log;
  /** Several processes listen on the same ports. */
  readonly isPortShared: boolean;
  /** Nothing is listened on before `adoptSocket` and `listen` say so: another process is about to hand its sockets over. */
  readonly awaitsSockets?: boolean;
  /** How many processes of this proxy share its requests; default 1. Shards that follow load count on it. */
  readonly workerCount?: number;
  /** This process begins with the active health checks; its verdicts are passed on by whoever runs several. */
  readonly checksHealth: boolean;
  /** Told of every verdict of the checks that run here; whoever runs several workers feeds it to the others. */
  readonly onVerdict?: OnVerdict;
  /** How the level of `log` is changed at run time; without it the level is "info" and stays. */
  readonly logLevel?: LogLevelControl;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** One address that is listened on. */
export interface ListeningAddress {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** A data plane in this process. */
export interface Proxy {
  /** Resolves when the first configuration is in force and every listener listens; rejects when one cannot. */
  ready(): Promise<void>;
  /** What would keep this from being in force here, though it is right in itself. Changes nothing. */
  findObstacles(demands: Demands): Promise<readonly ResourceProblem[]>;
  /** Resolves when what the feeds told last is in force; rejects with the reason when a part of it cannot be. */
  settled(): Promise<void>;
  listeners(): readonly ListeningAddress[];
  metrics(): MetricsSnapshot;
  /** What the admin server asks of this process. */
  readonly admin: AdminSource;
  /** Takes a verdict of the active checks that another worker runs. */
  setVerdict(cluster: string, host: string, verdict: HealthVerdict, reason: string): void;
  /** Begins or ends the active checks here: whoever runs several workers has one of them do it. */
  setChecksHealth(isOn: boolean): void;
  /** Opens log files anew: after log rotation has renamed them. */
  reopenLogs(): Promise<void>;
  /** Every verdict that is known here: for workers that came later. */
  verdicts(): readonly HostVerdict[];
  /** Listens on what another process has listened on there; false where no listener is. */
  adoptSocket(place: ListeningPlace, handle: TcpHandle): Promise<boolean>;
  /** Listens wherever nothing was adopted. */
  listen(): Promise<void>;
  /** Goes on with a connection that another process had; false where no listener takes it. */
  adopt(place: ListeningPlace, connection: MovedConnection, handle: TcpHandle): boolean;
  /** Begins to give this process's connections to another. */
  handOver(): HandOver;
  /**
   * Stops accepting, lets open requests finish within the settings' drain deadline, then closes. With `isMoving`, what
   * `handOver` may still give away is left to it, until this is called again without.
   */
  drain(isMoving?: boolean): Promise<"drained" | "deadline">;
  /** Closes everything at once. */
  close(): Promise<void>;
}

/**
 * Makes a data plane that follows its feeds.
 *
 * @example
 * const feeds = createWorldFeeds();
 * const proxy = createProxy({ feeds, log: silentLog, isPortShared: false, checksHealth: true });
 * feeds.publish(world);
 * await proxy.ready();
 */
export function createProxy(options: ProxyOptions): Proxy {
  return new DataPlane(options);
}

/** Until the first settings arrive. */
const INITIAL_SETTINGS: ProxySettings = {
  name: "proxy",
  accessLog: { target: "", rules: [] },
  tracing: { otlpEndpoint: "", sample: 0 },
  admin: { address: "127.0.0.1", port: 0, metricsOpen: false },
  drainDeadlineMs: 10_000,
  hopsMax: 16,
};

const FIXED_LOG_LEVEL: LogLevelControl = { get: () => "info", set: () => {} };

class DataPlane implements Proxy {
  readonly admin: AdminSource;
  readonly #options: ProxyOptions;
  readonly #metrics: MetricsRegistry;
  readonly #stopLagProbe: () => void;
  readonly #wheel: TimerWheel;
  readonly #clusters: ClusterStation;
  readonly #path: RequestPathDeps;
  readonly #listenerDeps: ListenerDeps;
  readonly #listeners: Map<string, Listener> = new Map();
  /** Listeners that are not wanted any more and finish what is open. */
  readonly #retired: Set<Listener> = new Set();
  readonly #subscriptions: Subscription[] = [];
  #tables: Map<string, CompiledRoutes> = new Map();
  /** Listener changes, one after the other. */
  #applying: Promise<void> = Promise.resolve();
  readonly #ready: Promise<void>;
  #isChangeNoted: boolean = false;
  /** Parts of the configuration whose latest version is not in force. */
  readonly #refusedParts: Map<string, unknown> = new Map();
  #isReady: boolean = false;
  #isDraining: boolean = false;
  #drained: Promise<"drained" | "deadline"> = Promise.resolve("drained");
  #awaitsSockets: boolean;
  #isClosed: boolean = false;
  readonly #world: WorldInForce = { revision: 0, settings: null, listeners: [], routeTables: [], clusters: [] };

  constructor(options: ProxyOptions) {
    const scheduler = new OutputScheduler();
    const clock = new TurnClock(options.clock ?? systemClock, scheduler);
    const random = options.random ?? systemRandom;
    const memo = new HeadMemo();
    this.#options = options;
    this.#awaitsSockets = options.awaitsSockets ?? false;
    this.#metrics = new MetricsRegistry(clock);
    this.#stopLagProbe = startLagProbe(options.clock ?? systemClock, this.#metrics.process);
    this.#wheel = new TimerWheel(clock, { onError: (error) => this.#timerFailed(error) });
    const shared = { clock, wheel: this.#wheel, random, scheduler, log: options.log };
    const sessions = new ClientSessions(clock, memo);
    const { checksHealth, onVerdict = () => {} } = options;
    const { workerCount: workers = 1 } = options;
    const identity = (): ProxyIdentity => ({ id: `${hostname()}/${this.#path.settings.name}`, workers });
    const clusterDeps = { ...shared, metrics: this.#metrics, sessions, identity, checksHealth, onVerdict };
    this.#clusters = new ClusterStation(clusterDeps);
    const pick: MutablePickContext = { hash: 0, tried: [] };
    const dates = new AnswerDates(clock);
    this.#path = {
      clock,
      scheduler,
      wheel: this.#wheel,
      random,
      clusters: this.#clusters,
      dates,
      holds: new AnswerHolds(this.#wheel),
      pick,
      settings: INITIAL_SETTINGS,
      accessLog: this.#createAccessLog(INITIAL_SETTINGS, clock, random),
      tracer: this.#createTracer(INITIAL_SETTINGS, clock, random),
    };
    this.#listenerDeps = {
      ...shared,
      sessions: new ServerSessions(clock, memo),
      acceptor: {
        accept: (connection, stream, head, isEnd) => new Exchange(this.#path, connection, stream, head, isEnd).begin(),
        refuse: (connection, refusal, startedMs) => refuseRequest(this.#path, connection, refusal, startedMs),
      },
      dates,
      clusters: this.#clusters,
      tunnel: {
        wheel: this.#wheel,
        nowMs: () => clock.nowMs(),
        pick: (cluster, tried) => {
          pick.hash = random.uint32();
          pick.tried = tried;
          return cluster.cluster.pick(pick);
        },
      },
      isPortShared: options.isPortShared,
    };
    this.admin = new ProxyAdmin({
      clock,
      clusters: this.#clusters,
      listeners: () => this.#listeners.values(),
      tables: () => Array.from(this.#tables.values(), (routes) => routes.table),
      world: this.#world,
      metrics: () => this.metrics(),
      logLevel: options.logLevel ?? FIXED_LOG_LEVEL,
      drain: () => void this.drain(),
      isDraining: () => this.#isDraining,
      isReady: () => this.#isReady,
    });
    this.#ready = this.#follow(options.feeds);
    // Whoever does not call ready() learns of a failure from the log.
    this.#ready.catch(() => {});
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  findObstacles(demands: Demands): Promise<readonly ResourceProblem[]> {
    const present = { settings: this.#path.settings, listeners: this.#world.listeners };
    const { clock, random } = this.#path;
    const openTracer = (settings: ProxySettings): Tracer => this.#createTracer(settings, clock, random);
    return findObstacles(demands, present, { clock, isPortShared: this.#options.isPortShared, openTracer });
  }

  async settled(): Promise<void> {
    await this.#applying;
    for (const error of this.#refusedParts.values()) throw error;
  }

  listeners(): readonly ListeningAddress[] {
    return [...this.#listeners.values()].map(({ config, port }) => ({
      name: config.name,
      address: config.address,
      port,
    }));
  }

  metrics(): MetricsSnapshot {
    this.#clusters.refreshGauges();
    this.#metrics.process.timersActive = this.#wheel.size;
    this.#metrics.process.configIsCurrent = this.#isReady && this.#refusedParts.size === 0 ? 1 : 0;
    return this.#metrics.snapshot();
  }

  setVerdict(cluster: string, host: string, verdict: HealthVerdict, reason: string): void {
    this.#clusters.setVerdict(cluster, host, verdict, reason);
  }

  setChecksHealth(isOn: boolean): void {
    if (!this.#isClosed) this.#clusters.setChecksHealth(isOn);
  }

  reopenLogs(): Promise<void> {
    return this.#path.accessLog.reopen();
  }

  verdicts(): readonly HostVerdict[] {
    return this.#clusters.verdicts();
  }

  async adoptSocket(place: ListeningPlace, handle: TcpHandle): Promise<boolean> {
    const listener = listenerAt(this.#listeners.values(), place);
    await listener?.listen(handle);
    return listener !== undefined;
  }

  async listen(): Promise<void> {
    this.#awaitsSockets = false;
    for (const listener of this.#listeners.values()) if (listener.sockets().length === 0) await listener.listen();
  }

  adopt(place: ListeningPlace, connection: MovedConnection, handle: TcpHandle): boolean {
    return listenerAt(this.#listeners.values(), place)?.adopt(handle, connection) ?? false;
  }

  handOver(): HandOver {
    return new HandOver([...this.#listeners.values()], this.#path.clock);
  }

  async drain(isMoving: boolean = false): Promise<"drained" | "deadline"> {
    if (this.#isDraining) {
      for (const listener of this.#listeners.values()) void listener.drain(isMoving);
      return this.#drained;
    }
    this.#isDraining = true;
    this.#drained = this.#drain(isMoving);
    return this.#drained;
  }

  async #drain(isMoving: boolean): Promise<"drained" | "deadline"> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#applying;
    const { clock } = this.#path;
    const deadlineMs = this.#path.settings.drainDeadlineMs;
    let timer: ReturnType<Clock["setTimer"]> | null = null;
    const deadline = new Promise<"deadline">((resolve) => {
      timer = clock.setTimer(() => resolve("deadline"), deadlineMs);
    });
    const listeners = [...this.#listeners.values(), ...this.#retired];
    const drained = Promise.all(listeners.map((listener) => listener.drain(isMoving)));
    const result = await Promise.race([drained.then(() => "drained" as const), deadline]);
    if (timer !== null) clock.clearTimer(timer);
    await this.close();
    return result;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#applying;
    for (const listener of [...this.#listeners.values(), ...this.#retired]) listener.close();
    this.#listeners.clear();
    this.#clusters.close();
    this.#stopLagProbe();
    this.#wheel.close();
    await Promise.all([this.#path.accessLog.close(), this.#path.tracer.close()]);
  }

  #follow(feeds: Feeds): Promise<void> {
    return new Promise((resolve, reject) => {
      const refused = (what: string, error: unknown): void => {
        this.#metrics.process.configUpdates.refused++;
        this.#refusedParts.set(what, error);
        this.#options.log.error(`${what} were not applied; those before stay in force`, { error: String(error) });
        reject(error);
      };
      // Whoever publishes is not to blame, and must not fall, for what this proxy cannot take.
      const guarded = <T>(what: string, apply: (value: T) => void): ((value: T) => void) => {
        return (value) => {
          try {
            apply(value);
            this.#refusedParts.delete(what);
          } catch (error) {
            refused(what, error);
          }
        };
      };
      const onListeners = (configs: readonly ListenerConfig[]): void => {
        this.#configChanged();
        this.#applying = this.#applying
          .then(() => this.#applyListeners(configs))
          .then(() => void this.#refusedParts.delete("listeners"))
          .then(resolve, (error: unknown) => refused("listeners", error));
      };
      this.#subscriptions.push(
        feeds.settings.subscribe(guarded("settings", (settings) => this.#applySettings(settings))),
        feeds.clusters.subscribe(guarded("clusters", (configs) => this.#applyClusters(configs))),
        feeds.routes.subscribe(guarded("route tables", (tables) => this.#applyTables(tables))),
        feeds.listeners.subscribe(onListeners),
      );
    });
  }

  #applyClusters(configs: readonly ClusterConfig[]): void {
    this.#clusters.apply(configs);
    this.#world.clusters = configs;
    this.#configChanged();
  }

  /** A source brings the parts of one configuration one after the other within a turn: together they count once. */
  #configChanged(): void {
    if (this.#isChangeNoted) return;
    this.#isChangeNoted = true;
    queueMicrotask(() => {
      this.#isChangeNoted = false;
      const { process: counters } = this.#metrics;
      counters.configRevision = ++this.#world.revision;
      counters.configUpdates.applied++;
      counters.configAppliedSeconds = this.#path.clock.wallMs() / 1000;
      this.#metrics.keep({
        listeners: [...this.#listeners.keys(), ...this.#world.listeners.map(({ name }) => name)],
        rules: [...this.#tables.values()].flatMap((routes) => routes.names),
        clusters: Array.from(this.#clusters.values(), (runtime) => runtime.cluster.name),
      });
    });
  }

  /** What can fail comes first: settings hold whole or not at all. */
  #applySettings(settings: ProxySettings): void {
    const { settings: before, accessLog, tracer, clock, random } = this.#path;
    const isLogKept = JSON.stringify(before.accessLog) === JSON.stringify(settings.accessLog);
    const isTracerKept = JSON.stringify(before.tracing) === JSON.stringify(settings.tracing);
    const nextTracer = isTracerKept ? tracer : this.#createTracer(settings, clock, random);
    const nextLog = isLogKept ? accessLog : this.#createAccessLog(settings, clock, random);
    this.#path.settings = settings;
    this.#path.tracer = nextTracer;
    this.#path.accessLog = nextLog;
    this.#world.settings = settings;
    this.#configChanged();
    if (!isLogKept) void accessLog.close();
    if (!isTracerKept) void tracer.close();
  }

  #createAccessLog(settings: ProxySettings, clock: Clock, random: Random): AccessLog {
    const counters = this.#metrics.process;
    return createAccessLog(settings.accessLog, { random, clock, log: this.#options.log, counters });
  }

  #createTracer(settings: ProxySettings, clock: Clock, random: Random): Tracer {
    const counters = this.#metrics.process;
    const resource = { serviceName: settings.name, version: readVersion(), instanceId: `${hostname()}-${process.pid}` };
    return createTracer(settings.tracing, { resource, random, clock, log: this.#options.log, counters });
  }

  #applyTables(configs: readonly RouteTableConfig[]): void {
    const tables = new Map<string, CompiledRoutes>();
    for (const config of configs) {
      const present = this.#tables.get(config.name);
      const routes = present?.config === config ? present : new CompiledRoutes(config, this.#metrics);
      tables.set(config.name, routes);
    }
    this.#tables = tables;
    this.#world.routeTables = configs;
    this.#configChanged();
    for (const listener of this.#listeners.values()) listener.routes = this.#routesOf(listener.config);
  }

  /** All or nothing, but for addresses that the system does not give: the others are listened on then. */
  async #applyListeners(configs: readonly ListenerConfig[]): Promise<void> {
    if (this.#isClosed) return;
    for (const config of configs) {
      if (config.tls !== null && config.tls !== this.#listeners.get(config.name)?.config.tls) checkTls(config.tls);
    }
    this.#world.listeners = configs;
    const failures: unknown[] = [];
    const wanted = new Map(configs.map((config) => [config.name, config]));
    for (const [name, listener] of this.#listeners) {
      const config = wanted.get(name);
      if (config !== undefined && listener.isCompatible(config)) continue;
      this.#listeners.delete(name);
      this.#retire(listener);
    }
    for (const config of configs) {
      const present = this.#listeners.get(config.name);
      if (present !== undefined) {
        present.reconfigure(config);
        present.routes = this.#routesOf(config);
        continue;
      }
      const listener = new Listener(config, this.#metrics.listener(config.name), this.#listenerDeps);
      listener.routes = this.#routesOf(config);
      try {
        if (!this.#awaitsSockets) await listener.listen();
        this.#listeners.set(config.name, listener);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    this.#isReady = true;
  }

  /** Lets a listener finish, within the drain deadline. */
  #retire(listener: Listener): void {
    const { clock, settings } = this.#path;
    this.#retired.add(listener);
    const timer = clock.setTimer(() => listener.close(), settings.drainDeadlineMs);
    void listener.drain().then(() => {
      clock.clearTimer(timer);
      this.#retired.delete(listener);
    });
  }

  #routesOf(config: ListenerConfig): ListenerRoutes | null {
    return this.#tables.get(config.routeTable) ?? null;
  }

  #timerFailed(error: unknown): void {
    // A timer's owner broke one of its own rules: its state cannot be trusted, so the worker ends and is replaced.
    this.#options.log.error("a timer failed", {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    throw error;
  }
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
