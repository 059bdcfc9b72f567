import type { HeartbeatConfig } from "@weft/contract";
import { assert, type Clock, type Random, TimerEntry, type TimerOwner, type TimerWheel } from "@weft/kernel";
import type { BeatCause, Heartbeat } from "./heartbeat.ts";
import {
  PULSE_BEATS_PER_SECOND_MAX,
  PULSE_MEMORY_MS,
  PULSE_MS,
  PULSE_SILENCE_MS,
  SIBLING_PROBES_MAX,
  SIBLING_SPREAD_MS,
  UNANSWERED_MS_MIN,
  UNANSWERED_P99_FACTOR,
} from "./limits.ts";

/** No request is open on a connection; one has begun since the timer looked. */
const NONE = -1;
const NOTED = -2;

/** A connection as the watch of its host sees it. */
export interface WatchedConnection {
  /** The watch's own: where the connection stands in its list; -1 when it does not. */
  watchPlace: number;
  readonly activeStreams: number;
  readonly heartbeat: Heartbeat | null;
  /** Asks for a sign of life in `delayMs`, unless one comes before. */
  probe(cause: BeatCause, delayMs: number): void;
  /** The host does not answer another connection either. */
  condemn(): void;
}

/** The host itself, as far as its silence goes. */
export interface WatchedHost {
  /** Answer times in microseconds; undefined before the first. */
  readonly histogram: { quantile(q: number): number; readonly count: number } | undefined;
  /** No connection of the host has given a sign of life while one was found dead. */
  onSilence(reason: string): void;
}

/** Heartbeats before their time that a worker has left in this second. */
export class PulseBudget {
  readonly #clock: Clock;
  #refilledMs: number = Number.NEGATIVE_INFINITY;
  #left: number = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one heartbeat; false when there is none left. */
  take(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#refilledMs >= 1000) {
      this.#refilledMs = nowMs;
      this.#left = PULSE_BEATS_PER_SECOND_MAX;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}

/** What the watches of a worker share. */
export interface HostWatchDeps {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly pulseBudget: PulseBudget;
}

/**
 * The connections of one worker to one host, as far as signs of life go. They share what they know: while the host has
 * traffic, or had some in the last minute, its silence as a whole is asked about within seconds, by one connection for
 * all; a connection whose requests stay unanswered is asked; and as soon as one is not answered all the others are
 * asked, so that they do not wait for their own periods, and fall with the first.
 *
 * The timer runs for adaptive heartbeats while there is recent traffic: no longer, and none per connection.
 */
export class HostWatch implements TimerOwner {
  readonly #config: HeartbeatConfig;
  readonly #host: WatchedHost;
  readonly #deps: HostWatchDeps;
  readonly #timer: TimerEntry;
  readonly #connections: WatchedConnection[] = [];
  /** Those on which requests may be open: the timer looks at no others. */
  readonly #busy: WatchedConnection[] = [];
  /** When any of them last gave a sign of life, on the clock's scale. */
  #heardMs: number = Number.NEGATIVE_INFINITY;
  /** Who was asked for all, last. */
  #asked: WatchedConnection | null = null;
  /** By place: since when requests have been open without a pause, on the clock's scale; NOTED until the timer looks, NONE while none is. */
  readonly #awaitedSinceMs: number[] = [];
  /** By place: how long requests may be unanswered; 0 for as long as the host's answers suggest. */
  readonly #patienceMs: number[] = [];
  /** A request began since the timer looked last. */
  #hasTraffic: boolean = false;
  #isTicking: boolean = false;
  #trafficMs: number = 0;
  #dueMs: number = 0;
  /** When the connections of the host were last asked because of one of them. */
  #askedMs: number = Number.NEGATIVE_INFINITY;
  /** Connections are being given up because of another. */
  #isCondemning: boolean = false;
  /** The host ends connections on which it is asked: the system asks instead. */
  refusesPings: boolean = false;

  constructor(config: HeartbeatConfig, host: WatchedHost, deps: HostWatchDeps) {
    this.#config = config;
    this.#host = host;
    this.#deps = deps;
    this.#timer = new TimerEntry(this);
  }

  /** Whether the silence of connections is shared at all. */
  get isOn(): boolean {
    return this.#config.mode === "adaptive";
  }

  /** `connection` is up, and its protocol has a heartbeat. */
  add(connection: WatchedConnection): void {
    assert(connection.watchPlace < 0, "a connection is watched once");
    connection.watchPlace = this.#connections.length;
    this.#connections.push(connection);
    this.#awaitedSinceMs.push(NONE);
    this.#patienceMs.push(0);
    if (connection.heartbeat !== null) this.noteHeard(connection.heartbeat.heardMs);
  }

  remove(connection: WatchedConnection): void {
    const place = connection.watchPlace;
    if (place < 0) return;
    connection.watchPlace = -1;
    const last = this.#connections.pop();
    const awaitedSinceMs = this.#awaitedSinceMs.pop() ?? NONE;
    const patienceMs = this.#patienceMs.pop() ?? 0;
    if (last !== undefined && last !== connection) {
      this.#connections[place] = last;
      this.#awaitedSinceMs[place] = awaitedSinceMs;
      this.#patienceMs[place] = patienceMs;
      last.watchPlace = place;
    }
    if (this.#asked === connection) this.#asked = null;
    if (this.#connections.length > 0) return;
    this.#busy.length = 0;
    this.#stop();
  }

  /** A request begins on `connection`. Called for each: it costs a few comparisons. */
  noteRequest({ watchPlace }: WatchedConnection): void {
    this.#hasTraffic = true;
    if (watchPlace < 0 || !this.isOn) return;
    if (this.#awaitedSinceMs[watchPlace] === NONE) {
      this.#awaitedSinceMs[watchPlace] = NOTED;
      this.#busy.push(this.#connections[watchPlace] as WatchedConnection);
    }
    if (!this.#isTicking) this.#start();
  }

  /** A connection gave a sign of life. Called for each read. */
  noteHeard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  /** A heartbeat of `missed` has waited too long: those that have been silent as long are asked as well. */
  noteMiss(missed: Heartbeat): void {
    const { clock, random } = this.#deps;
    const nowMs = clock.nowMs();
    if (!this.isOn || nowMs - this.#askedMs < SIBLING_SPREAD_MS) return;
    this.#askedMs = nowMs;
    let asked = 0;
    for (const connection of this.#connections) {
      const { heartbeat } = connection;
      if (heartbeat === null || heartbeat.isOpen || heartbeat.heardMs > missed.sentMs) continue;
      connection.probe("sibling", random.next() * SIBLING_SPREAD_MS);
      if (++asked >= SIBLING_PROBES_MAX) return;
    }
  }

  /** `dead` is: its siblings that are overdue too wait no longer, and a host that is silent as a whole is told of. */
  noteDeath(dead: Heartbeat, reason: string): void {
    if (!this.isOn || this.#isCondemning) return;
    const condemned: WatchedConnection[] = [];
    let isSilent = true;
    for (const connection of this.#connections) {
      const { heartbeat } = connection;
      if (heartbeat === null || heartbeat === dead) continue;
      if (heartbeat.heardMs > dead.sentMs) isSilent = false;
      else if (heartbeat.isMissed) condemned.push(connection);
    }
    if (!isSilent) return;
    this.#isCondemning = true;
    for (const connection of condemned) connection.condemn();
    this.#isCondemning = false;
    this.#host.onSilence(reason);
  }

  onTimer(): void {
    const nowMs = this.#deps.clock.nowMs();
    if (this.#hasTraffic) this.#trafficMs = nowMs;
    this.#hasTraffic = false;
    // Whoever looks so late was not there to hear: what has come meanwhile is still to be read.
    if (nowMs - this.#dueMs <= PULSE_MS) this.#lookAround(nowMs);
    if (nowMs - this.#trafficMs >= PULSE_MEMORY_MS || this.#connections.length === 0) {
      this.#isTicking = false;
      return;
    }
    this.#schedule(nowMs);
  }

  #lookAround(nowMs: number): void {
    const busy = this.#busy;
    let kept = 0;
    let hasOpen = this.#asked?.heartbeat?.isOpen ?? false;
    for (const connection of busy) {
      const { heartbeat, watchPlace: place } = connection;
      if (heartbeat === null || place < 0) continue;
      if (connection.activeStreams === 0) {
        this.#awaitedSinceMs[place] = NONE;
        this.#patienceMs[place] = 0;
        continue;
      }
      busy[kept++] = connection;
      if (!heartbeat.isOpen && this.#isOverdue(place, heartbeat, nowMs)) {
        // Each answer shows that it is the request that takes long: the next question comes later.
        this.#patienceMs[place] = 2 * (this.#patienceMs[place] ?? 0);
        connection.probe("request", 0);
      }
      if (heartbeat.isOpen) hasOpen = true;
    }
    busy.length = kept;
    const isSilent = !hasOpen && nowMs - this.#heardMs >= PULSE_SILENCE_MS;
    if (isSilent && nowMs - this.#trafficMs < PULSE_MEMORY_MS) this.#askOne();
  }

  /** True when a request of the connection has been unanswered, and the connection silent, for too long. */
  #isOverdue(place: number, heartbeat: Heartbeat, nowMs: number): boolean {
    const sinceMs = this.#awaitedSinceMs[place] ?? -1;
    if (sinceMs < 0) {
      this.#awaitedSinceMs[place] = nowMs;
      return false;
    }
    const silentMs = nowMs - Math.max(sinceMs, heartbeat.heardMs);
    if (silentMs < UNANSWERED_MS_MIN) return false;
    let patienceMs = this.#patienceMs[place] ?? 0;
    if (patienceMs === 0 || heartbeat.hasSpoken) {
      patienceMs = this.#usualPatienceMs();
      this.#patienceMs[place] = patienceMs;
    }
    return silentMs >= patienceMs;
  }

  /** One connection asks for all. */
  #askOne(): void {
    const { random, pulseBudget } = this.#deps;
    const count = this.#connections.length;
    if (count === 0 || !pulseBudget.take()) return;
    const asked = this.#connections[random.below(count)] ?? null;
    this.#asked = asked;
    asked?.probe("traffic", 0);
  }

  /** How long a request may be unanswered here. */
  #usualPatienceMs(): number {
    const { histogram } = this.#host;
    if (histogram === undefined || histogram.count === 0) return UNANSWERED_MS_MIN;
    const usualMs = (histogram.quantile(0.99) / 1000) * UNANSWERED_P99_FACTOR;
    return Math.max(UNANSWERED_MS_MIN, usualMs);
  }

  #start(): void {
    const nowMs = this.#deps.clock.nowMs();
    this.#isTicking = true;
    this.#trafficMs = nowMs;
    this.#schedule(nowMs);
  }

  /** On a stroke that all watches share: the process wakes once for all of them. */
  #schedule(nowMs: number): void {
    const waitMs = PULSE_MS - (nowMs % PULSE_MS);
    this.#dueMs = nowMs + waitMs;
    this.#deps.wheel.schedule(this.#timer, waitMs, nowMs);
  }

  #stop(): void {
    this.#isTicking = false;
    this.#deps.wheel.cancel(this.#timer);
  }
}
