import type { ListeningPlace, MovedConnection } from "@weft/proxy";

/** A connection as it travels: its unread bytes as text. */
export type EncodedConnection = Omit<MovedConnection, "unread"> & { readonly unread: string };

/** What a worker says to the one that takes over from it. */
export type GiverMessage =
  /** Comes with a socket to listen on. */
  | { readonly type: "socket"; readonly place: ListeningPlace }
  /** There are no more sockets. */
  | { readonly type: "sockets-end" }
  /** Comes with a connection. */
  | {
      readonly type: "connection";
      readonly id: number;
      readonly place: ListeningPlace;
      readonly connection: EncodedConnection;
    };

/** What a worker answers to the one before it. */
export type TakerMessage =
  | { readonly type: "taken"; readonly ids: readonly number[] }
  | { readonly type: "refused"; readonly id: number };

/** How far a worker has come with giving its connections away. */
export interface MoveReport {
  /** Connections that arrived. */
  readonly moved: number;
  /** Connections that could move and are busy. */
  readonly waiting: number;
}

export function encodeConnection({ unread, ...facts }: MovedConnection): EncodedConnection {
  return { ...factsOf(facts), unread: unread.toString("base64") };
}

export function decodeConnection({ unread, ...facts }: EncodedConnection): MovedConnection {
  return { ...facts, unread: Buffer.from(unread, "base64") };
}

/** Nothing else that an object may carry travels. */
function factsOf({ protocol, address, port, ageMs }: Omit<MovedConnection, "unread">): Omit<MovedConnection, "unread"> {
  return { protocol, address, port, ageMs };
}
