import { assertInteger } from "@weft/kernel";
import {
  FRAME_BYTES_INITIAL,
  FRAME_BYTES_LARGEST,
  STREAM_ID_MAX,
  WINDOW_BYTES_INITIAL,
  WINDOW_BYTES_MAX,
} from "./frame.ts";
import {
  BUDGET_WINDOW_MS,
  CLIENT_CONNECTION_WINDOW_BYTES,
  CLIENT_STREAMS_MAX,
  CLOSED_STREAM_FRAMES_MAX,
  CONTINUATIONS_MAX,
  EMPTY_FRAMES_MAX,
  FRAME_BYTES_MAX,
  HEADER_BLOCK_BYTES_MAX,
  HEADER_BYTES_MAX,
  HEADER_TABLE_BYTES_MAX,
  HEADERS_MAX,
  HPACK_INTEGER_MAX,
  OUTPUT_FLOOD_BYTES_MAX,
  PINGS_MAX,
  PRIORITIES_MAX,
  PROVOKED_RESETS_MAX,
  RESETS_MAX,
  SERVER_CONNECTION_WINDOW_BYTES,
  SERVER_STREAMS_MAX,
  SETTINGS_FRAMES_MAX,
  STREAM_PENDING_BYTES_MAX,
  STREAM_WINDOW_BYTES,
  TARGET_BYTES_MAX,
  TABLE_SIZE_UPDATES_MAX,
  WINDOW_UPDATES_MAX,
} from "./limits.ts";

/** What both ends of a connection are told. One frozen record serves all connections of a listener or a cluster. */
export interface Http2Options {
  /** Streams open at once: what we allow a client, or our own cap towards a server. */
  readonly streamsMax: number;
  /** Unconsumed body bytes of a stream. */
  readonly streamWindowBytes: number;
  /** Unconsumed body bytes of all streams; at least 65535. */
  readonly connectionWindowBytes: number;
  /** Decoded bytes of one header list. */
  readonly headerBytesMax: number;
  /** Fields of one header list. */
  readonly headersMax: number;
  /** Encoded bytes of one header block. */
  readonly headerBlockBytesMax: number;
  /** CONTINUATION frames of one header block. */
  readonly continuationsMax: number;
  /** Payload bytes of one received frame, 16384 to 16777215. */
  readonly frameBytesMax: number;
  /** HPACK table of each direction. */
  readonly headerTableBytes: number;
  /** Body bytes that wait on one stream for the peer. */
  readonly streamPendingBytesMax: number;
  /** Output bytes beyond which a peer that does not read gets no more answers. */
  readonly outputFloodBytesMax: number;
  /** After so long the budgets below are full again. */
  readonly budgetWindowMs: number;
  readonly resetsMax: number;
  readonly provokedResetsMax: number;
  readonly settingsFramesMax: number;
  readonly pingsMax: number;
  readonly emptyFramesMax: number;
  readonly prioritiesMax: number;
  readonly windowUpdatesMax: number;
  readonly closedStreamFramesMax: number;
  readonly tableSizeUpdatesMax: number;
  /**
   * What is done with received fields whose names hold underscores, which some servers take for dashes: pass them on,
   * leave them out, or refuse the request.
   */
  readonly underscores: "allow" | "drop" | "reject";
  /** Monotonic milliseconds, for the budgets. */
  nowMs(): number;
}

/** What a server's end is told besides. */
export interface Http2ServerOptions extends Http2Options {
  /** Longest `:path`; a longer one is answered with 414. */
  readonly targetBytesMax: number;
}

export interface Http2ClientOptions extends Http2Options {
  /** `:scheme` of requests whose head does not say: "https" on TLS connections. */
  readonly scheme: "http" | "https";
}

const DEFAULTS = {
  streamsMax: SERVER_STREAMS_MAX,
  streamWindowBytes: STREAM_WINDOW_BYTES,
  connectionWindowBytes: SERVER_CONNECTION_WINDOW_BYTES,
  headerBytesMax: HEADER_BYTES_MAX,
  headersMax: HEADERS_MAX,
  headerBlockBytesMax: HEADER_BLOCK_BYTES_MAX,
  continuationsMax: CONTINUATIONS_MAX,
  frameBytesMax: FRAME_BYTES_MAX,
  headerTableBytes: HEADER_TABLE_BYTES_MAX,
  streamPendingBytesMax: STREAM_PENDING_BYTES_MAX,
  outputFloodBytesMax: OUTPUT_FLOOD_BYTES_MAX,
  budgetWindowMs: BUDGET_WINDOW_MS,
  resetsMax: RESETS_MAX,
  provokedResetsMax: PROVOKED_RESETS_MAX,
  settingsFramesMax: SETTINGS_FRAMES_MAX,
  pingsMax: PINGS_MAX,
  emptyFramesMax: EMPTY_FRAMES_MAX,
  prioritiesMax: PRIORITIES_MAX,
  windowUpdatesMax: WINDOW_UPDATES_MAX,
  closedStreamFramesMax: CLOSED_STREAM_FRAMES_MAX,
  tableSizeUpdatesMax: TABLE_SIZE_UPDATES_MAX,
  underscores: "allow",
} as const;

/**
 * Options of a server session: `changes` over the defaults of limits.ts. `nowMs` is usually a clock's.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when a limit is no integer in its range
 *
 * @example
 * const options = createHttp2ServerOptions({ nowMs: () => clock.nowMs(), streamsMax: 100 });
 */
export function createHttp2ServerOptions(
  changes: Partial<Http2ServerOptions> & Pick<Http2ServerOptions, "nowMs">,
): Http2ServerOptions {
  const options: Http2ServerOptions = { ...DEFAULTS, targetBytesMax: TARGET_BYTES_MAX, ...changes };
  assertOptions(options);
  assertInteger("targetBytesMax", options.targetBytesMax, 1, Number.MAX_SAFE_INTEGER);
  return Object.freeze(options);
}

/**
 * Options of a client session: `changes` over the defaults of limits.ts.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when a limit is no integer in its range
 */
export function createHttp2ClientOptions(
  changes: Partial<Http2ClientOptions> & Pick<Http2ClientOptions, "nowMs">,
): Http2ClientOptions {
  const options: Http2ClientOptions = {
    ...DEFAULTS,
    streamsMax: CLIENT_STREAMS_MAX,
    connectionWindowBytes: CLIENT_CONNECTION_WINDOW_BYTES,
    scheme: "http",
    ...changes,
  };
  assertOptions(options);
  return Object.freeze(options);
}

/** Counts of budgets and the like: any number makes sense, 0 refuses everything. */
const COUNTS = [
  "headerBytesMax",
  "headersMax",
  "headerBlockBytesMax",
  "continuationsMax",
  "streamPendingBytesMax",
  "outputFloodBytesMax",
  "budgetWindowMs",
  "resetsMax",
  "provokedResetsMax",
  "settingsFramesMax",
  "pingsMax",
  "emptyFramesMax",
  "prioritiesMax",
  "windowUpdatesMax",
  "closedStreamFramesMax",
  "tableSizeUpdatesMax",
] as const satisfies readonly (keyof Http2Options)[];

function assertOptions(options: Http2Options): void {
  assertInteger("streamsMax", options.streamsMax, 1, STREAM_ID_MAX);
  assertInteger("streamWindowBytes", options.streamWindowBytes, 1, WINDOW_BYTES_MAX);
  // SETTINGS cannot make the connection's window smaller than it begins.
  assertInteger("connectionWindowBytes", options.connectionWindowBytes, WINDOW_BYTES_INITIAL, WINDOW_BYTES_MAX);
  assertInteger("frameBytesMax", options.frameBytesMax, FRAME_BYTES_INITIAL, FRAME_BYTES_LARGEST);
  assertInteger("headerTableBytes", options.headerTableBytes, 0, HPACK_INTEGER_MAX);
  for (const name of COUNTS) assertInteger(name, options[name], 0, STREAM_ID_MAX);
}
