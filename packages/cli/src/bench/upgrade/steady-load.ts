import { connect, type Socket } from "node:net";
import { type Clock, systemClock, type TimerHandle } from "@weft/kernel";
import { createRequest, FrameCutter, ID_AT, STATUS_SUCCESS, statusOf, TIMEOUT_AT } from "../bolt/frames.ts";
import { LOOPBACK } from "../ports.ts";
import { ANSWER_MS_MAX, CONNECT_BATCH, SEND_TICK_MS } from "./limits.ts";

/** What is said on the connections, and which answer is right. */
export interface Talk {
  /** The request that is sent under this number. */
  request(id: number): Buffer;
  /** A reader of one connection's answers: calls `onAnswer` with each number and what is wrong with it, "" for nothing. */
  createReader(onAnswer: (id: number, fault: string) => void): (bytes: Buffer) => void;
}

/** How much is asked, and where. */
export interface SteadyLoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly talk: Talk;
}

interface Caller {
  readonly socket: Socket;
  /** The request that waits for its answer; 0 for none. */
  id: number;
  sentMs: number;
}

/**
 * Many long connections that each ask now and then, all together at a steady rate, and are never closed by this end: what
 * an upgrade must not disturb. A connection whose answer has not come is passed over.
 */
export class SteadyLoad {
  readonly #options: SteadyLoadOptions;
  readonly #clock: Clock;
  readonly #callers: Caller[] = [];
  answered: number = 0;
  /** Requests with a wrong answer or none. */
  failed: number = 0;
  /** Connections that the other end closed. */
  closed: number = 0;
  /** What went wrong first; "" for nothing. */
  fault: string = "";
  #longestMs: number = 0;
  #nextId: number = 1;
  #nextCaller: number = 0;
  #dueSinceMs: number = 0;
  #timer: TimerHandle | null = null;
  #isOver: boolean = false;

  private constructor(options: SteadyLoadOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Opens the connections and begins to ask. */
  static async open(options: SteadyLoadOptions, clock: Clock = systemClock): Promise<SteadyLoad> {
    const load = new SteadyLoad(options, clock);
    for (let opened = 0; opened < options.connections; opened += CONNECT_BATCH) {
      const count = Math.min(CONNECT_BATCH, options.connections - opened);
      await Promise.all(Array.from({ length: count }, () => load.#open()));
    }
    load.#dueSinceMs = clock.nowMs();
    load.#tick();
    return load;
  }

  /** Requests that wait for their answers. */
  get waitingCount(): number {
    return this.#callers.filter(({ id }) => id !== 0).length;
  }

  /** The longest that an answer took since this was asked last, those that wait included. */
  takeLongestMs(): number {
    const nowMs = this.#clock.nowMs();
    let longestMs = this.#longestMs;
    for (const { id, sentMs } of this.#callers) if (id !== 0) longestMs = Math.max(longestMs, nowMs - sentMs);
    this.#longestMs = 0;
    return longestMs;
  }

  /** Asks no more, and closes the connections when the answers have come; those that do not come in time have failed. */
  async stop(): Promise<void> {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    const deadlineMs = this.#clock.nowMs() + ANSWER_MS_MAX;
    while (this.waitingCount > 0 && this.#clock.nowMs() < deadlineMs) {
      await new Promise((resolve) => this.#clock.setTimer(() => resolve(undefined), SEND_TICK_MS));
    }
    this.#isOver = true;
    const late = this.waitingCount;
    if (late > 0) this.#fail(late, `${late} requests were not answered in ${ANSWER_MS_MAX} ms`);
    for (const { socket } of this.#callers) socket.destroy();
  }

  async #open(): Promise<void> {
    const socket = connect({ host: LOOPBACK, port: this.#options.port, noDelay: true });
    const caller: Caller = { socket, id: 0, sentMs: 0 };
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    socket.removeAllListeners("error");
    let reason = "";
    socket.on("error", ({ message }) => (reason = ` (${message})`));
    socket.on("close", () => this.#onClose(caller, reason));
    const read = this.#options.talk.createReader((id, fault) => this.#onAnswer(caller, id, fault));
    socket.on("data", read);
    this.#callers.push(caller);
  }

  /** Sends what has become due since the last tick. */
  #tick(): void {
    const { requestsPerSecond, talk } = this.#options;
    const nowMs = this.#clock.nowMs();
    const due = Math.floor(((nowMs - this.#dueSinceMs) * requestsPerSecond) / 1000);
    this.#dueSinceMs += (due * 1000) / requestsPerSecond;
    for (let sent = 0, looked = 0; sent < due && looked < this.#callers.length; looked++) {
      const caller = this.#callers[this.#nextCaller++ % this.#callers.length];
      if (caller === undefined || caller.id !== 0 || caller.socket.destroyed) continue;
      caller.id = this.#nextId++;
      caller.sentMs = nowMs;
      caller.socket.write(talk.request(caller.id));
      sent++;
    }
    this.#timer = this.#clock.setTimer(() => this.#tick(), SEND_TICK_MS);
  }

  #onAnswer(caller: Caller, id: number, fault: string): void {
    if (id !== caller.id) return this.#fail(1, "an answer nobody waited for");
    caller.id = 0;
    if (fault !== "") return this.#fail(1, `a wrong answer: ${fault}`);
    this.#longestMs = Math.max(this.#longestMs, this.#clock.nowMs() - caller.sentMs);
    this.answered++;
  }

  #onClose(caller: Caller, reason: string): void {
    if (this.#isOver) return;
    this.closed++;
    if (this.fault === "") this.fault = `a connection was closed${reason}`;
    if (caller.id !== 0) this.#fail(1, `a connection was closed before its answer${reason}`);
    caller.id = 0;
  }

  #fail(count: number, fault: string): void {
    this.failed += count;
    if (this.fault === "") this.fault = fault;
  }
}

const BOLT_REQUEST = createRequest();
// A call may take as long as its answer is waited for: on a machine that is busy for other reasons none fails for that.
BOLT_REQUEST.writeInt32BE(ANSWER_MS_MAX, TIMEOUT_AT);

/** Calls of Bolt with 1 KB each way. */
export const BOLT_TALK: Talk = {
  request(id) {
    const bytes = Buffer.from(BOLT_REQUEST);
    bytes.writeUInt32BE(id, ID_AT);
    return bytes;
  },
  createReader(onAnswer) {
    const cutter = new FrameCutter((bytes, at) => {
      const status = statusOf(bytes, at);
      onAnswer(bytes.readUInt32BE(at + ID_AT), status === STATUS_SUCCESS ? "" : `status ${status}`);
    });
    return (bytes) => cutter.take(bytes);
  },
};

/** Requests of HTTP/1.1 whose answers' bodies are the numbers that were asked for, as `/<number>`. */
export const HTTP1_TALK: Talk = {
  request: (id) => Buffer.from(`GET /${id} HTTP/1.1\r\nhost: backend\r\n\r\n`),
  createReader(onAnswer) {
    let held = "";
    return (bytes) => {
      held += bytes.toString("latin1");
      for (;;) {
        const headEnd = held.indexOf("\r\n\r\n");
        if (headEnd < 0) return;
        const length = Number(/^content-length: (\d+)$/im.exec(held.slice(0, headEnd))?.[1] ?? 0);
        const end = headEnd + 4 + length;
        if (held.length < end) return;
        const status = held.slice(9, 12);
        onAnswer(Number(held.slice(headEnd + 4, end)), status === "200" ? "" : `status ${status}`);
        held = held.slice(end);
      }
    };
  },
};
