import {
  type ChannelAddress,
  type ChannelDoor,
  type HandleChannel,
  openChannelDoor,
  type TcpHandle,
} from "@weft/kernel";
import type { Proxy } from "@weft/proxy";
import { decodeConnection, type GiverMessage, type TakerMessage } from "./hand-over-message.ts";

/**
 * A worker's end of a hand-over that takes: listens on the sockets of the workers before it, and goes on with their
 * connections. It says that it has a connection before it reads from it.
 */
export class HandOverTaker {
  readonly #proxy: Pick<Proxy, "adoptSocket" | "adopt">;
  readonly #door: ChannelDoor;
  readonly #ready = Promise.withResolvers<void>();
  /** Sockets that are being adopted. */
  #adopting: Promise<unknown> = Promise.resolve();
  /** How many workers before this one have sent all of their sockets, and how many there are; -1 while that is not known. */
  #givers: number = 0;
  #giversWanted: number = -1;

  /** @throws WeftError KERNEL_CHANNEL_FAILED */
  constructor(proxy: Pick<Proxy, "adoptSocket" | "adopt">) {
    this.#proxy = proxy;
    this.#door = openChannelDoor((channel) => this.#welcome(channel));
    // Who waits for it is told; where nobody does any more, the process is about to end.
    this.#ready.promise.catch(() => {});
  }

  get address(): ChannelAddress {
    return this.#door.address;
  }

  /** Resolves when all workers that hand their sockets over have done so. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** So many workers hand their sockets over; fewer, when it turns out that some cannot. */
  expect(givers: number): void {
    this.#giversWanted = givers;
    this.#checkGivers();
  }

  #welcome(channel: HandleChannel): { onMessage(message: unknown, handle: TcpHandle | null): void; onClosed(): void } {
    let hasEnded = false;
    let taken: number[] = [];
    const endSockets = (): void => {
      if (hasEnded) return;
      hasEnded = true;
      this.#givers++;
      this.#checkGivers();
    };
    // Before the next read of anything, and so before the first read of what was taken.
    const confirm = (): void => {
      channel.send({ type: "taken", ids: taken } satisfies TakerMessage);
      taken = [];
    };
    const onMessage = (message: unknown, handle: TcpHandle | null): void => {
      const given = message as GiverMessage;
      if (given.type === "sockets-end") return endSockets();
      if (handle === null) return;
      if (given.type === "socket") {
        this.#adopting = this.#adopting.then(() => this.#adoptSocket(given.place, handle));
        return;
      }
      if (!this.#proxy.adopt(given.place, decodeConnection(given.connection), handle)) {
        handle.close();
        channel.send({ type: "refused", id: given.id } satisfies TakerMessage);
      } else if (taken.push(given.id) === 1) setImmediate(confirm);
    };
    // One that dies on the way has no more sockets either.
    return { onMessage, onClosed: endSockets };
  }

  async #adoptSocket(place: Parameters<Proxy["adoptSocket"]>[0], handle: TcpHandle): Promise<void> {
    if (!(await this.#proxy.adoptSocket(place, handle))) handle.close();
  }

  #checkGivers(): void {
    if (this.#giversWanted < 0 || this.#givers < this.#giversWanted) return;
    this.#door.close();
    this.#adopting.then(() => this.#ready.resolve(), this.#ready.reject);
  }
}
