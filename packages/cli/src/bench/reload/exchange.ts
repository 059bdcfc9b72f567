import type { Clock } from "@weft/kernel";

/** What became of one request. */
export type Exchange =
  | { readonly type: "answered"; readonly status: number; readonly revision: string; readonly body: string }
  /** The server said that it did not look at the request: it can be sent again without harm (RFC 9113 section 8.7). */
  | { readonly type: "refused" }
  /** The connection ended before the first byte of an answer. */
  | { readonly type: "lost" }
  /** The connection or stream ended within the answer, or the answer is none. */
  | { readonly type: "cut"; readonly reason: string }
  /** Nothing came in time. */
  | { readonly type: "silent" };

/** A connection of a client that watches. */
export interface WatchedConnection {
  /** Tells the proxy's side whose connection it is. */
  readonly localPort: number;
  /** The number in the certificate that the server showed; 0 without TLS. */
  readonly rotation: number;
  /** Whether a further request may be sent: neither side has closed it or said that it will. */
  readonly isUsable: boolean;
  /** What the server did while nothing was asked of it; "" for nothing wrong. */
  readonly fault: string;
  /** Sends the request and resolves with what became of it; never rejects. */
  ask(): Promise<Exchange>;
  /** Closes it; nothing may be in flight. */
  close(): void;
}

/** Where a client connects to. */
export interface WatchedTarget {
  readonly port: number;
  /** PEM of who vouches for the server's certificate; "" for plain text. */
  readonly authorityPem: string;
}

/** Makes a connection; rejects when that fails. */
export type OpenConnection = (target: WatchedTarget, clock?: Clock) => Promise<WatchedConnection>;

/** The path that clients ask for. */
export const WATCHED_PATH = "/orders/1842";

/** The field, of requests to the backend and of answers to clients, that says which configuration routed the request. */
export const REVISION_FIELD = "x-revision";

const ROTATION_PREFIX = "rotation-";

/** The common name of the certificate number `rotation`. */
export function rotationName(rotation: number): string {
  return `${ROTATION_PREFIX}${rotation}`;
}

/** The number in a certificate's common name. */
export function readRotation(commonName: string | readonly string[] | undefined): number {
  return typeof commonName === "string" ? Number(commonName.slice(ROTATION_PREFIX.length)) : 0;
}
