import type { ListenerConfig, SessionProtocol } from "@weft/contract";
import type { Clock, Random, TcpHandle, TimerWheel } from "@weft/kernel";
import type { ListenerStats, RouteStats } from "../metrics/index.ts";
import type { CompiledRule, RouteTable } from "../router/index.ts";
import type { Heartbeat } from "../upstream/index.ts";

/** Who is on the other side of a connection, as far as it is known before the first request. */
export interface PeerFacts {
  /** IP address: the socket's, or what a trusted PROXY protocol header says. */
  readonly address: string;
  readonly port: number;
  readonly isTls: boolean;
  /** Which host of the listener's TLS the connection is to; "" without TLS. */
  readonly tlsHost: string;
  /** From SNI, "" without. */
  readonly serverName: string;
  /** URI SAN of a verified client certificate (a SPIFFE ID in the mesh), or its subject; "" without one. */
  readonly identity: string;
  readonly protocol: SessionProtocol;
}

/** Why a connection ended; each has its counter. */
export type CloseCause = keyof ListenerStats["closes"];

/** A connection that its owner has given up, with the bytes that were read and not used. */
export interface HandedOver {
  readonly handle: TcpHandle;
  readonly unread: Buffer;
}

/** A connection as its listener keeps it. */
export interface OpenConnection {
  readonly peer: PeerFacts;
  readonly activeStreams: number;
  /** On the clock's scale. */
  readonly openedAtMs: number;
  /** Null where the client's protocol has no heartbeat that we may send, or none is wanted. */
  readonly heartbeat: Heartbeat | null;
  /** It could go on in another process between two requests: plain text, and no state that both ends have built up. */
  readonly isMovable: boolean;
  /** Gives the connection up for another process to go on with; null while a request or an answer is on its way. */
  handOver(): HandedOver | null;
  /** Stops and starts reading what comes next, so that a busy connection has a moment between two requests. */
  hold(isHeld: boolean): void;
  /** Lets open requests finish and refuses new ones in the protocol's own words. */
  drain(): void;
  /** Closes at once. */
  close(): void;
}

/** What a connection needs of the listener that accepted it. The route table and limits may change while it lives. */
export interface ListenerRuntime {
  readonly config: ListenerConfig;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly stats: ListenerStats;
  /** Null where TLS does not tell hosts apart. */
  readonly tlsHosts: TlsHostTable | null;

  /** The routes in force; null until some arrived. */
  readonly routes: ListenerRoutes | null;
  addConnection(connection: OpenConnection): void;
  removeConnection(connection: OpenConnection): void;
  countProtocolError(code: string): void;
  countClose(cause: CloseCause, openedAtMs: number): void;
}

/** The host names that a listener serves over TLS, each as a server of its own. */
export interface TlsHostTable {
  /** The one that a name (lower case, "" for none) belongs to, or null. */
  find(name: string): string | null;
}

/** A route table with the counters of its routes. */
export interface ListenerRoutes {
  readonly table: RouteTable;
  statsOf(rule: CompiledRule): RouteStats;
}
