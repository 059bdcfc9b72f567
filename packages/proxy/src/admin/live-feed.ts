import type { ServerResponse } from "node:http";
import type { Clock, TimerHandle } from "@weft/kernel";
import { type MetricsSnapshot, type RouteTraffic, summarise } from "../metrics/index.ts";
import {
  ADMIN_EVENT_BACKLOG_BYTES_MAX,
  ADMIN_EVENT_PERIOD_MS,
  ADMIN_EVENT_ROUTES_MAX,
  ADMIN_STREAMS_MAX,
} from "./limits.ts";

/** One event of `/api/events`. */
export interface LiveEvent {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** Over all routes. */
  readonly requestsPerSecond: number;
  readonly connectionsActive: number;
  /** The busiest first. */
  readonly routes: readonly RouteTraffic[];
}

/** What happened between two snapshots, over all routes and for each. */
export function createLiveEvent(previous: MetricsSnapshot, current: MetricsSnapshot, elapsedMs: number): LiveEvent {
  const routes = summarise(previous, current, elapsedMs);
  const connections = current.numbers["weft_downstream_connections_active"] ?? [];
  return {
    wallMs: current.wallMs,
    requestsPerSecond: routes.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0),
    connectionsActive: connections.reduce((sum, { value }) => sum + value, 0),
    routes: routes.slice(0, ADMIN_EVENT_ROUTES_MAX),
  };
}

/**
 * Sends a summary every second to whoever listens, as server-sent events. Snapshots are taken only while somebody does,
 * one for all of them; a client that does not read is cut off.
 */
export class LiveFeed {
  readonly #clock: Clock;
  readonly #snapshot: () => Promise<MetricsSnapshot>;
  readonly #streams: Set<ServerResponse> = new Set();
  #previous: { readonly snapshot: MetricsSnapshot; readonly atMs: number } | undefined = undefined;
  #timer: TimerHandle | undefined = undefined;
  #isTicking: boolean = false;

  constructor(clock: Clock, snapshot: () => Promise<MetricsSnapshot>) {
    this.#clock = clock;
    this.#snapshot = snapshot;
  }

  /** Whether another stream may be added. */
  get isFull(): boolean {
    return this.#streams.size >= ADMIN_STREAMS_MAX;
  }

  /** Whether a response is one of its streams, which have no end. */
  has(response: ServerResponse): boolean {
    return this.#streams.has(response);
  }

  /** Sends events to a response whose head was sent, until its client leaves. */
  add(response: ServerResponse): void {
    this.#streams.add(response);
    response.once("close", () => this.#remove(response));
    response.write("retry: 1000\n\n");
    if (this.#timer === undefined && !this.#isTicking) this.#arm(1);
  }

  /** Ends all streams. */
  close(): void {
    for (const response of this.#streams) response.end();
    this.#streams.clear();
    this.#stop();
  }

  #remove(response: ServerResponse): void {
    this.#streams.delete(response);
    if (this.#streams.size === 0) this.#stop();
  }

  #stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#previous = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(() => void this.#tick(), delayMs);
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    this.#timer = undefined;
    this.#isTicking = true;
    try {
      const snapshot = await this.#snapshot();
      const atMs = this.#clock.nowMs();
      const previous = this.#previous;
      this.#previous = { snapshot, atMs };
      if (previous !== undefined) {
        this.#send("summary", createLiveEvent(previous.snapshot, snapshot, atMs - previous.atMs));
      }
    } catch (error) {
      // The workers did not answer: the view goes on as soon as they do.
      this.#send("gap", { reason: error instanceof Error ? error.message : String(error) });
    }
    this.#isTicking = false;
    if (this.#streams.size > 0) this.#arm(ADMIN_EVENT_PERIOD_MS);
    else this.#stop();
  }

  #send(name: "summary" | "gap", data: object): void {
    const text = `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const response of this.#streams) {
      if (response.writableLength > ADMIN_EVENT_BACKLOG_BYTES_MAX) response.destroy();
      else response.write(text);
    }
  }
}
