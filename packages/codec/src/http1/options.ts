import { randomBytes } from "node:crypto";
import type { DecodedRequest, DecodedResponse } from "./decoded-head.ts";
import { HeadMemo, type HeadTable } from "./head-memo.ts";
import {
  CHUNK_EXTENSION_BYTES_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MAX,
  TARGET_BYTES_MAX,
  TRAILER_BYTES_MAX,
} from "./limits.ts";

/** What limits and governs the reading of messages. */
export interface Http1ReadOptions {
  /** Bytes of a head with its first line and the empty line. */
  readonly headerBytesMax: number;
  /** Field lines of a head, and of trailers. */
  readonly headersMax: number;
  readonly trailerBytesMax: number;
  /** Bytes of all chunk extensions of a message. */
  readonly chunkExtensionBytesMax: number;
  /** Bytes of a body; 0 for no limit. */
  readonly bodyBytesMax: number;
  /** What is done with field names that hold an underscore; "reject" belongs at the edge. */
  readonly underscores: "allow" | "reject";
}

/** Options of all server sessions of a listener: one frozen record, shared. Made by `createHttp1ServerOptions`. */
export interface Http1ServerOptions extends Http1ReadOptions {
  readonly targetBytesMax: number;
  /** Decoded request heads by their bytes; made by `createHttp1ServerOptions`. */
  readonly requestTable: HeadTable<DecodedRequest>;
}

/** Options of all client sessions of a cluster: one frozen record, shared. Made by `createHttp1ClientOptions`. */
export interface Http1ClientOptions extends Http1ReadOptions {
  /** Decoded answer heads by their bytes; made by `createHttp1ClientOptions`. */
  readonly responseTable: HeadTable<DecodedResponse>;
  /** Source of WebSocket keys. */
  readonly randomBytes: (byteCount: number) => Buffer;
}

/** What may be chosen for a server; the rest are the defaults of `limits.ts`. */
export type Http1ServerChoices = Partial<Omit<Http1ServerOptions, "requestTable">> & {
  /** Shared by all connections of a worker. */
  readonly memo?: HeadMemo;
};

/** What may be chosen for a client. */
export type Http1ClientChoices = Partial<Omit<Http1ClientOptions, "responseTable">> & {
  readonly memo?: HeadMemo;
};

/**
 * Completes and freezes the options of a listener's sessions. Make them once per listener, not per connection.
 *
 * @example
 * const memo = new HeadMemo();
 * const options = createHttp1ServerOptions({ memo, headerBytesMax: 16_384, underscores: "reject" });
 */
export function createHttp1ServerOptions(choices: Http1ServerChoices = {}): Http1ServerOptions {
  return Object.freeze({
    ...readOptions(choices),
    targetBytesMax: choices.targetBytesMax ?? TARGET_BYTES_MAX,
    requestTable: (choices.memo ?? new HeadMemo()).createTable<DecodedRequest>(),
  });
}

/** Completes and freezes the options of a cluster's sessions. Make them once per cluster, not per connection. */
export function createHttp1ClientOptions(choices: Http1ClientChoices = {}): Http1ClientOptions {
  return Object.freeze({
    ...readOptions(choices),
    responseTable: (choices.memo ?? new HeadMemo()).createTable<DecodedResponse>(),
    randomBytes: choices.randomBytes ?? randomBytes,
  });
}

function readOptions(choices: Partial<Http1ReadOptions>): Http1ReadOptions {
  return {
    headerBytesMax: choices.headerBytesMax ?? HEADER_BYTES_MAX,
    headersMax: choices.headersMax ?? HEADERS_MAX,
    trailerBytesMax: choices.trailerBytesMax ?? TRAILER_BYTES_MAX,
    chunkExtensionBytesMax: choices.chunkExtensionBytesMax ?? CHUNK_EXTENSION_BYTES_MAX,
    bodyBytesMax: choices.bodyBytesMax ?? 0,
    underscores: choices.underscores ?? "allow",
  };
}
