import {
  type ChannelAddress,
  type ChannelDoor,
  type HandleChannel,
  openChannelDoor,
  type TcpHandle,
} from "@weft/kernel";
import type { MetricsSnapshot } from "@weft/proxy";
import { type PredecessorMessage, reasonOf, type SuccessorMessage } from "./generation-message.ts";
import type { ListenerAddress } from "./message.ts";
import type { Supervisor } from "./supervisor.ts";

/** What a version has when it is in charge. */
export interface Inheritance {
  readonly listeners: readonly ListenerAddress[];
  /** The socket of the admin server, which may be listened on now; null when the version before died with it. */
  readonly adminHandle: TcpHandle | null;
}

/** The end of a take-over that takes: of a supervisor whose workers wait. `GenerationGiver` is the other end. */
export class GenerationTaker {
  readonly #supervisor: Supervisor;
  readonly #onCounts: (counts: MetricsSnapshot) => void;
  readonly #door: ChannelDoor;
  readonly #inherited = Promise.withResolvers<Inheritance>();
  #channel: HandleChannel | null = null;
  /** Set when the version before has begun to hand over. */
  #listening: Promise<readonly ListenerAddress[]> | null = null;
  #adminHandle: TcpHandle | null = null;
  #isInCharge: boolean = false;

  /** `onCounts` is told what the version before has counted, as often as it says so. */
  constructor(supervisor: Supervisor, onCounts: (counts: MetricsSnapshot) => void) {
    this.#supervisor = supervisor;
    this.#onCounts = onCounts;
    this.#inherited.promise.catch(() => {});
    this.#door = openChannelDoor((channel) => {
      this.#channel = channel;
      return {
        onMessage: (message, handle) => this.#receive(message as PredecessorMessage, handle),
        onClosed: () => this.#onClosed(),
      };
    });
  }

  /** Where the version before is to connect to. */
  get address(): ChannelAddress {
    return this.#door.address;
  }

  /** Resolves when this version is in charge; rejects when it is not to be. */
  get inheritance(): Promise<Inheritance> {
    return this.#inherited.promise;
  }

  #receive(message: PredecessorMessage, handle: TcpHandle | null): void {
    switch (message.type) {
      case "begin": {
        const { givers, verdicts } = message;
        this.#door.close();
        this.#send({ type: "targets", targets: this.#supervisor.targetsFor(givers) });
        this.#listening = this.#supervisor.takeOver(givers, verdicts);
        this.#listening.then(
          () => this.#send({ type: "listening" }),
          (error: unknown) => this.#fail(reasonOf(error)),
        );
        return;
      }
      case "take-over":
        this.#adminHandle = handle;
        this.#isInCharge = true;
        this.#onCounts(message.counts);
        this.#send({ type: "in-charge" });
        return;
      case "admin-closed":
        void this.#inherit();
        return;
      case "counts":
        this.#onCounts(message.counts);
        return;
      case "give-up":
        this.#inherited.reject(new Error(message.reason));
    }
  }

  /** The version before has died: what its workers have not handed over is lost with them, the rest is served here. */
  #onClosed(): void {
    if (this.#listening === null) return this.#inherited.reject(new Error("the version before is gone"));
    if (!this.#isInCharge) this.#supervisor.expectNoGivers();
    void this.#inherit();
  }

  async #inherit(): Promise<void> {
    try {
      this.#inherited.resolve({ listeners: (await this.#listening) ?? [], adminHandle: this.#adminHandle });
    } catch (error) {
      this.#inherited.reject(error);
    }
  }

  #fail(reason: string): void {
    this.#send({ type: "failed", reason });
    this.#inherited.reject(new Error(reason));
  }

  #send(message: SuccessorMessage): void {
    this.#channel?.send(message);
  }
}
