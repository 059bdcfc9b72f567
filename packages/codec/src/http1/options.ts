import { randomBytes } from "node:crypto";
import { assertInteger } from "@weft/kernel";
import { decodeRequest, decodeResponse, judgeRequestLine } from "./decode.ts";
import type { DecodedRequest, DecodedResponse } from "./decoded-head.ts";
import { HeadMemo } from "./head-memo.ts";
import type { HeadDecoder } from "./head-reader.ts";
import {
  CHUNK_EXTENSION_BYTES_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MAX,
  TARGET_BYTES_MAX,
  TRAILER_BYTES_MAX,
} from "./limits.ts";
import type { Http1ReadOptions, Http1RequestReadOptions } from "./read-options.ts";

/** Options of all server sessions of a listener: one frozen record, shared. Made by `createHttp1ServerOptions`. */
export interface Http1ServerOptions extends Http1RequestReadOptions {
  /** Decodes request heads under these options, and remembers them. */
  readonly requests: HeadDecoder<DecodedRequest>;
}

/** Options of all client sessions of a cluster: one frozen record, shared. Made by `createHttp1ClientOptions`. */
export interface Http1ClientOptions extends Http1ReadOptions {
  /** Decodes heads of answers under these options, and remembers them. */
  readonly responses: HeadDecoder<DecodedResponse>;
  /** Source of WebSocket keys. */
  readonly randomBytes: (byteCount: number) => Buffer;
}

/** What may be chosen for a server; the rest are the defaults of `limits.ts`. */
export interface Http1ServerChoices extends Partial<Http1RequestReadOptions> {
  /** Shared by all connections of a worker. */
  readonly memo?: HeadMemo;
}

/** What may be chosen for a client. */
export interface Http1ClientChoices extends Partial<Http1ReadOptions> {
  /** Shared by all connections of a worker. */
  readonly memo?: HeadMemo;
  readonly randomBytes?: (byteCount: number) => Buffer;
}

/**
 * Completes and freezes the options of a listener's sessions. Make them once per listener, not per connection.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when a limit is no integer in its range
 *
 * @example
 * const memo = new HeadMemo();
 * const options = createHttp1ServerOptions({ memo, headerBytesMax: 16_384, underscores: "reject" });
 */
export function createHttp1ServerOptions(choices: Http1ServerChoices = {}): Http1ServerOptions {
  const options: Http1RequestReadOptions = {
    ...completeReadOptions(choices),
    targetBytesMax: choices.targetBytesMax ?? TARGET_BYTES_MAX,
  };
  assertInteger("targetBytesMax", options.targetBytesMax, 1, Number.MAX_SAFE_INTEGER);
  const requests: HeadDecoder<DecodedRequest> = {
    table: (choices.memo ?? new HeadMemo()).createTable(),
    headerBytesMax: options.headerBytesMax,
    invalidStart: "HTTP1_INVALID_REQUEST_LINE",
    overlongLine: "HTTP1_TARGET_TOO_LONG",
    judgeLine: (text) => judgeRequestLine(text, options.targetBytesMax),
    decode: (text) => decodeRequest(text, options),
  };
  return Object.freeze({ ...options, requests });
}

/**
 * Completes and freezes the options of a cluster's sessions. Make them once per cluster, not per connection.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when a limit is no integer in its range
 */
export function createHttp1ClientOptions(choices: Http1ClientChoices = {}): Http1ClientOptions {
  const options = completeReadOptions(choices);
  const responses: HeadDecoder<DecodedResponse> = {
    table: (choices.memo ?? new HeadMemo()).createTable(),
    headerBytesMax: options.headerBytesMax,
    invalidStart: "HTTP1_INVALID_STATUS_LINE",
    overlongLine: "HTTP1_HEAD_TOO_LARGE",
    judgeLine: () => null,
    decode: (text) => decodeResponse(text, options),
  };
  return Object.freeze({ ...options, responses, randomBytes: choices.randomBytes ?? randomBytes });
}

function completeReadOptions(choices: Partial<Http1ReadOptions>): Http1ReadOptions {
  const options: Http1ReadOptions = {
    headerBytesMax: choices.headerBytesMax ?? HEADER_BYTES_MAX,
    headersMax: choices.headersMax ?? HEADERS_MAX,
    trailerBytesMax: choices.trailerBytesMax ?? TRAILER_BYTES_MAX,
    chunkExtensionBytesMax: choices.chunkExtensionBytesMax ?? CHUNK_EXTENSION_BYTES_MAX,
    bodyBytesMax: choices.bodyBytesMax ?? 0,
    underscores: choices.underscores ?? "allow",
  };
  assertInteger("headerBytesMax", options.headerBytesMax, 1, Number.MAX_SAFE_INTEGER);
  assertInteger("headersMax", options.headersMax, 1, Number.MAX_SAFE_INTEGER);
  // The empty line that ends a trailer section counts.
  assertInteger("trailerBytesMax", options.trailerBytesMax, 2, Number.MAX_SAFE_INTEGER);
  assertInteger("chunkExtensionBytesMax", options.chunkExtensionBytesMax, 0, Number.MAX_SAFE_INTEGER);
  assertInteger("bodyBytesMax", options.bodyBytesMax, 0, Number.MAX_SAFE_INTEGER);
  return options;
}
