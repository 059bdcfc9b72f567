import { type ChannelAddress, type Clock, connectChannel, type HandleChannel, type TimerHandle } from "@weft/kernel";
import type { HandOver } from "@weft/proxy";
import { HAND_OVER_LOOK_MS, HAND_OVER_PATIENCE_MS, HAND_OVER_WINDOW } from "../limits.ts";
import { encodeConnection, type GiverMessage, type MoveReport, type TakerMessage } from "./hand-over-message.ts";

/**
 * A worker's end of a hand-over that gives: sends the listening sockets to the first of the workers that take over, then
 * client connections to all of them in turn, each as soon as it can go. Few are on their way at a time, so that none waits
 * for others.
 */
export class HandOverGiver {
  readonly #handOver: HandOver;
  readonly #clock: Clock;
  readonly #onLost: () => void;
  readonly #channels: HandleChannel[] = [];
  #nextChannel: number = 0;
  #onTheirWay: number = 0;
  #moved: number = 0;
  #timer: TimerHandle | null = null;
  #isMoving: boolean = false;
  #isOver: boolean = false;
  #onSettled: () => void = () => {};
  /** Whoever waits until the connections that can go soon have gone. */
  #onMoved: { resolve(report: MoveReport): void; reject(error: Error): void; readonly untilMs: number } | null = null;

  /** `onLost`: the other process is gone; what had not arrived there is served here. */
  constructor(handOver: HandOver, clock: Clock, onLost: () => void) {
    this.#handOver = handOver;
    this.#clock = clock;
    this.#onLost = onLost;
  }

  /**
   * Sends the listening sockets. This process goes on accepting from them, too.
   *
   * @throws WeftError KERNEL_CHANNEL_FAILED
   */
  async begin(targets: readonly ChannelAddress[]): Promise<void> {
    for (const target of targets) {
      const channel = await connectChannel(target, {
        onMessage: (message) => this.#receive(message as TakerMessage),
        onClosed: () => this.#lose(),
      });
      this.#channels.push(channel);
    }
    const [first] = this.#channels;
    for (const { place, handle } of this.#handOver.sockets()) {
      first?.send({ type: "socket", place } satisfies GiverMessage, handle);
    }
    for (const channel of this.#channels) channel.send({ type: "sockets-end" } satisfies GiverMessage);
  }

  /**
   * Moves connections from now on until `stop`. Resolves when none waits any more, or those that are left have had time
   * enough; they move when they can. Rejects when the other process is gone.
   */
  move(): Promise<MoveReport> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(new Error("the process that was to take over is gone"));
      this.#onMoved = { resolve, reject, untilMs: this.#clock.nowMs() + HAND_OVER_PATIENCE_MS };
      this.#isMoving = true;
      this.#pump();
    });
  }

  /** Resolves when nothing is on its way. */
  settle(): Promise<void> {
    if (this.#isOver || this.#onTheirWay === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#onSettled = resolve));
  }

  /** Gives nothing away any more; what has not arrived comes back. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    for (const channel of this.#channels) channel.close();
    this.#handOver.takeBack();
    this.#onSettled();
    this.#onMoved?.reject(new Error("the hand-over was given up"));
    this.#onMoved = null;
  }

  #receive(message: TakerMessage): void {
    if (this.#isOver) return;
    if (message.type === "taken") {
      this.#onTheirWay -= message.ids.length;
      this.#moved += message.ids.length;
      for (const id of message.ids) this.#handOver.taken(id);
    } else {
      this.#onTheirWay--;
      this.#handOver.refused(message.id);
    }
    if (this.#onTheirWay === 0) this.#onSettled();
    if (this.#isMoving) this.#pump();
  }

  #pump(): void {
    while (this.#onTheirWay < HAND_OVER_WINDOW) {
      const moving = this.#handOver.next();
      if (moving === null) return this.#lookLater();
      const { id, place, connection, handle } = moving;
      this.#onTheirWay++;
      const channel = this.#channels[this.#nextChannel++ % this.#channels.length];
      const message: GiverMessage = { type: "connection", id, place, connection: encodeConnection(connection) };
      channel?.send(message, handle);
      // A channel that broke has taken everything back.
      if (this.#isOver) return;
    }
  }

  /** Every connection was looked at: what is left was busy. */
  #lookLater(): void {
    const waiting = this.#handOver.waitingCount;
    const onMoved = this.#onMoved;
    if (onMoved !== null && (waiting === 0 || this.#clock.nowMs() >= onMoved.untilMs)) {
      this.#onMoved = null;
      onMoved.resolve({ moved: this.#moved, waiting });
    }
    this.#timer ??= this.#clock.setTimer(() => {
      this.#timer = null;
      this.#pump();
    }, HAND_OVER_LOOK_MS);
  }

  #lose(): void {
    if (this.#isOver) return;
    this.stop();
    this.#onLost();
  }
}
