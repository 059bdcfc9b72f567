import type { Clock, TcpHandle } from "@weft/kernel";
import type { HandedOver } from "./downstream/index.ts";
import { HAND_OVER_FREE_MS, HAND_OVER_HELD_MS } from "./limits.ts";
import type { Listener, MovedConnection } from "./listener/index.ts";

/** Where a connection came in, or comes in. */
export interface ListeningPlace {
  /** As the configuration says. */
  readonly address: string;
  readonly port: number;
}

/** A socket that is listened on, for another process to accept from as well. */
export interface ListeningSocket {
  readonly place: ListeningPlace;
  /** Stays this process's, too: it must not be closed. */
  readonly handle: TcpHandle;
}

/** A connection that is on its way to another process. */
export interface MovingConnection {
  /** Tells it from others of this hand-over. */
  readonly id: number;
  readonly place: ListeningPlace;
  readonly connection: MovedConnection;
  readonly handle: TcpHandle;
}

interface Given {
  readonly listener: Listener;
  readonly given: MovedConnection & HandedOver;
}

/**
 * Gives the client connections of this process to another that serves the same listeners. A connection goes between two
 * requests, with the bytes that were read and not used; until the other process says that it has it, it can come back.
 *
 *     next() --> on its way --> taken()      our handle is closed, the connection is the other's
 *                         `---> refused()    it is served here, to its end
 *                         `---> takeBack()   as if nothing had happened
 *
 * Connections with TLS and HTTP/2, and tunnels, stay: their state is spread over more than their bytes.
 */
export class HandOver {
  readonly #listeners: readonly Listener[];
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #given = new Map<number, Given>();
  #pass: Iterator<MovingConnection> | null = null;
  #nextId: number = 1;

  constructor(listeners: readonly Listener[], clock: Clock) {
    this.#listeners = listeners;
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
  }

  sockets(): readonly ListeningSocket[] {
    return this.#listeners.flatMap((listener) =>
      listener.sockets().map((handle) => ({ place: placeOf(listener), handle })),
    );
  }

  /** Connections that are to go and have not arrived. */
  get waitingCount(): number {
    return this.#given.size + this.#listeners.reduce((sum, { movableCount }) => sum + movableCount, 0);
  }

  /** A connection that can go now; null when every one was looked at, and the next call looks at all again. */
  next(): MovingConnection | null {
    this.#pass ??= this.#look();
    const result = this.#pass.next();
    if (result.done !== true) return result.value;
    this.#pass = null;
    return null;
  }

  /** The other process has the connection. */
  taken(id: number): void {
    this.#take(id)?.given.handle.close();
  }

  /** The other process does not serve such a connection: here it gets what it asked for, then it ends. */
  refused(id: number): void {
    const found = this.#take(id);
    if (found !== undefined) found.listener.takeBack(found.given.handle, found.given, true);
  }

  /** There is no other process any more: what has not arrived goes on here. */
  takeBack(): void {
    this.#pass = null;
    for (const [id, { listener, given }] of this.#given) {
      this.#given.delete(id);
      listener.takeBack(given.handle, given, false);
    }
    for (const listener of this.#listeners) for (const connection of listener.connections()) connection.hold(false);
  }

  *#look(): Generator<MovingConnection> {
    const elapsedMs = this.#clock.nowMs() - this.#startedMs;
    const mayHold = elapsedMs % (HAND_OVER_FREE_MS + HAND_OVER_HELD_MS) >= HAND_OVER_FREE_MS;
    for (const listener of this.#listeners) {
      const place = placeOf(listener);
      for (const given of listener.handOver(mayHold)) {
        const id = this.#nextId++;
        this.#given.set(id, { listener, given });
        yield { id, place, connection: given, handle: given.handle };
      }
    }
  }

  #take(id: number): Given | undefined {
    const found = this.#given.get(id);
    this.#given.delete(id);
    return found;
  }
}

/** The listener of a place, whatever it is called now. */
export function listenerAt(listeners: Iterable<Listener>, { address, port }: ListeningPlace): Listener | undefined {
  for (const listener of listeners) {
    if (listener.config.address === address && listener.config.port === port) return listener;
  }
  return undefined;
}

function placeOf({ config: { address, port } }: Listener): ListeningPlace {
  return { address, port };
}
