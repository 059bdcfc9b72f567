import { type Random, sleep, systemClock } from "@weft/kernel";
import { checkAnswer } from "./expectation.ts";
import type { Exchange, OpenConnection, WatchedConnection, WatchedTarget } from "./exchange.ts";
import { Tally } from "./tally.ts";

/** What a client does. */
export interface WatcherOptions {
  /** In the report. */
  readonly name: string;
  readonly open: OpenConnection;
  readonly target: WatchedTarget;
  readonly connections: number;
  /** Requests at a time on each connection. */
  readonly streams: number;
  /** Between two requests, up to so long. */
  readonly restMsMax: number;
  /** Requests that may be sent again are; else they count as failed. */
  readonly sendsAgain: boolean;
  readonly random: Random;
}

/** A connection in use. */
interface Lease {
  readonly connection: WatchedConnection;
  /** When it is given up for a new one, so that every change meets new connections, too. */
  readonly answersMax: number;
  answers: number;
  inFlight: number;
  /** The last revision in its answers. */
  revision: number;
}

/** A place for a connection, and the one that is in it. */
interface Slot {
  lease: Lease | null;
  opening: Promise<Lease | null> | null;
}

/** Connections live for so many requests, and up to twice as many. */
const ANSWERS_PER_CONNECTION = 20;

/**
 * A client that sends requests over connections that it keeps, and judges every answer. Whatever becomes of a request is in
 * its tally.
 */
export class Watcher {
  readonly name: string;
  readonly tally: Tally = new Tally();
  readonly #options: WatcherOptions;
  readonly #slots: readonly Slot[];
  readonly #loops: readonly Promise<void>[];
  readonly #over: AbortController = new AbortController();
  #keepsConnections: boolean = false;

  /** Starts at once. */
  constructor(options: WatcherOptions) {
    this.name = options.name;
    this.#options = options;
    this.#slots = Array.from({ length: options.connections }, () => ({
      lease: null,
      opening: null,
    }));
    this.#loops = this.#slots.flatMap((slot) => Array.from({ length: options.streams }, () => this.#loop(slot)));
  }

  /** While true no connection is opened as long as the present ones last. */
  set keepsConnections(keeps: boolean) {
    this.#keepsConnections = keeps;
  }

  /** Connections that are being opened. */
  get opening(): number {
    return this.#slots.filter(({ opening }) => opening !== null).length;
  }

  /** The local ports of the open connections. */
  get ports(): readonly number[] {
    return this.#slots.flatMap(({ lease }) => (lease === null ? [] : [lease.connection.localPort]));
  }

  get isTls(): boolean {
    return this.#options.target.authorityPem !== "";
  }

  /** Requests at a time on each connection. */
  get streams(): number {
    return this.#options.streams;
  }

  /** Lets what is in flight be answered, and ends. */
  async stop(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#loops);
    this.tally.end();
    for (const { lease } of this.#slots) lease?.connection.close();
  }

  async #loop(slot: Slot): Promise<void> {
    const { restMsMax, random } = this.#options;
    while (!this.#over.signal.aborted) {
      await this.#request(slot);
      await sleep(systemClock, 1 + random.next() * restMsMax, this.#over.signal).catch(() => {});
    }
  }

  /** Sends one request, a second time on another connection where that is right, and counts it once. */
  async #request(slot: Slot): Promise<void> {
    const { tally } = this;
    const sentMs = systemClock.nowMs();
    for (let tries = 1; ; tries++) {
      const lease = await this.#leaseOf(slot);
      if (lease === null) return;
      const { localPort } = lease.connection;
      const isReused = lease.answers > 0;
      const exchange = await this.#ask(slot, lease);
      if (exchange.type === "answered") {
        const { status, revision, body } = exchange;
        // Answers to several requests at a time may come in any order.
        const fault = checkAnswer(status, revision, body, this.#options.streams === 1 ? lease.revision : 0);
        if (fault !== "") return tally.fail(fault, localPort);
        lease.answers++;
        lease.revision = Number(revision);
        return tally.answered(lease.revision, sentMs);
      }
      const maySendAgain = exchange.type === "refused" || (exchange.type === "lost" && isReused);
      if (!maySendAgain || !this.#options.sendsAgain || tries > 1) {
        return tally.fail(exchange.type === "cut" ? exchange.reason : WORDS[exchange.type], localPort);
      }
      tally.sentAgain++;
    }
  }

  async #ask(slot: Slot, lease: Lease): Promise<Exchange> {
    lease.inFlight++;
    const exchange = await lease.connection.ask();
    lease.inFlight--;
    if (slot.lease !== lease && lease.inFlight === 0) lease.connection.close();
    return exchange;
  }

  /** The slot's connection, or a new one; null when none could be opened, which counts as a failed request. */
  async #leaseOf(slot: Slot): Promise<Lease | null> {
    const { lease } = slot;
    if (lease !== null) {
      const { connection, answers, answersMax, inFlight } = lease;
      if (connection.isUsable && (answers < answersMax || this.#keepsConnections)) return lease;
      if (connection.fault !== "") this.tally.fail(connection.fault, connection.localPort);
      slot.lease = null;
      // Else the last answer closes it.
      if (inFlight === 0) connection.close();
    }
    slot.opening ??= this.#open(slot);
    return await slot.opening;
  }

  async #open(slot: Slot): Promise<Lease | null> {
    const { open, target, random } = this.#options;
    try {
      const connection = await open(target);
      const answersMax = ANSWERS_PER_CONNECTION + random.below(ANSWERS_PER_CONNECTION);
      slot.lease = { connection, answersMax, answers: 0, inFlight: 0, revision: 0 };
      this.tally.opened(connection.rotation);
    } catch (error) {
      this.tally.fail(`no connection: ${error instanceof Error ? error.message : String(error)}`, 0);
    }
    slot.opening = null;
    return slot.lease;
  }
}

const WORDS = {
  refused: "refused, and refused again",
  lost: "the connection ended before an answer",
  silent: "no answer in time",
} as const;
