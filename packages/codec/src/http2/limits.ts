/** Requests that a client may have open on one connection of ours: more add queueing, not throughput. */
export const SERVER_STREAMS_MAX = 256;

/** Requests that we have open on one connection to a host, whatever the host would allow. */
export const CLIENT_STREAMS_MAX = 1000;

/** Streams that a client may open before the peer's SETTINGS say how many (RFC 9113 section 6.5.2 recommends 100). */
export const STREAMS_BEFORE_SETTINGS_MAX = 100;

/** Bytes of one body that may be on their way to us unconsumed: 256 KiB fill 100 Mbit/s over 20 ms. */
export const STREAM_WINDOW_BYTES = 262_144;

/**
 * Bytes of all bodies of a downstream connection that may be unconsumed. Several times a stream's window, so that a
 * few slow uploads leave room for the others of the same client; also the memory that one client can make us hold.
 */
export const SERVER_CONNECTION_WINDOW_BYTES = 1_048_576;

/**
 * Bytes of all bodies of an upstream connection that may be unconsumed: 64 stream windows, since requests of many
 * clients share the connection and up to 63 stalled ones must not stop the rest.
 */
export const CLIENT_CONNECTION_WINDOW_BYTES = 16_777_216;

/** Decoded size of one header list, in bytes by RFC 9113 section 6.5.2 (names, values and 32 for each field). */
export const HEADER_BYTES_MAX = 65_536;

/** Bytes of a request's `:path`: what common servers allow. */
export const TARGET_BYTES_MAX = 8192;

/** Fields in one header list. */
export const HEADERS_MAX = 256;

/** Payload of one frame that we accept, in bytes: the smallest value that RFC 9113 section 4.2 allows. */
export const FRAME_BYTES_MAX = 16_384;

/** Dynamic table of each direction, in bytes: HPACK's own default. */
export const HEADER_TABLE_BYTES_MAX = 4096;

/** CONTINUATION frames of one header block: a full header list needs 4. */
export const CONTINUATIONS_MAX = 16;

/** Encoded bytes of one header block; what is longer cannot be within `HEADER_BYTES_MAX` for any honest encoder. */
export const HEADER_BLOCK_BYTES_MAX = 131_072;

/** Body bytes that wait on one stream for the peer's window: eight of our own stream windows. */
export const STREAM_PENDING_BYTES_MAX = 2_097_152;

/**
 * Bytes of heads and control frames that we write while the output is congested before we stop reading: a peer that
 * asks without taking the answers must wait.
 */
export const OUTPUT_PAUSE_BYTES = 16_384;

/** As `OUTPUT_PAUSE_BYTES`, for the end of the connection: one read of nothing but PINGs stays far below. */
export const OUTPUT_FLOOD_BYTES_MAX = 1_048_576;

/** Milliseconds after which used-up flood budgets are full again. */
export const BUDGET_WINDOW_MS = 10_000;

/** Streams in one window that the client resets or that we refuse; a completed request gives one back (rapid reset). */
export const RESETS_MAX = 500;

/** Streams in one window that we reset because the client broke a rule on them (the "made you reset" attack). */
export const PROVOKED_RESETS_MAX = 100;

/** SETTINGS frames in one window: each costs an acknowledgement. */
export const SETTINGS_FRAMES_MAX = 100;

/** Settings in one SETTINGS frame: there are seven kinds, and each change of windows walks over all open streams. */
export const SETTINGS_PER_FRAME_MAX = 64;

/** PING frames in one window: each costs an answer. Measuring clients send one per round trip. */
export const PINGS_MAX = 2000;

/** DATA frames without content, interim answers and unknown frames in one window: work without progress. */
export const EMPTY_FRAMES_MAX = 1000;

/** PRIORITY and PRIORITY_UPDATE frames in one window; they are ignored. */
export const PRIORITIES_MAX = 2000;

/** WINDOW_UPDATE frames in one window; each DATA frame that we send gives some back. */
export const WINDOW_UPDATES_MAX = 2000;

/**
 * A DATA frame smaller than this, cut short by a window, gives nothing back: a client that opens its windows byte by
 * byte makes us send a body in as many frames.
 */
export const DRIBBLE_FRAME_BYTES = 1024;

/** WINDOW_UPDATE frames that a DATA frame of ours gives back: one for the stream, one for the connection, twice. */
export const WINDOW_UPDATES_PER_DATA_FRAME = 4;

/** Frames in one window on streams that are closed: late ones are normal after a reset, a stream of them is not. */
export const CLOSED_STREAM_FRAMES_MAX = 2000;

/** Header blocks in one window that change the table's size: each may empty the table and what we remember with it. */
export const TABLE_SIZE_UPDATES_MAX = 100;

/** Table size updates in front of one block: the lowest and the last value (RFC 7541 section 4.2). */
export const HPACK_SIZE_UPDATES_PER_BLOCK_MAX = 2;

/** Largest integer in a header block: lengths and indexes are all far below. */
export const HPACK_INTEGER_MAX = 16_777_216;

/** Entries of one name that the encoder compares before it writes a literal. */
export const HPACK_ENCODER_SEARCH_MAX = 8;

/** Cookies shorter than this are never indexed: short secrets can be guessed from a table's behaviour. */
export const HPACK_SENSITIVE_COOKIE_BYTES_MAX = 20;

/** Heads that a connection remembers by the bytes of their blocks. */
export const HEAD_MEMO_ENTRIES_MAX = 64;

/** Longest block that is remembered, in bytes: repeating blocks are mostly indexes and short. */
export const HEAD_MEMO_BLOCK_BYTES_MAX = 256;

/**
 * Table entries that one remembered block may add: real heads add fewer, and what the last block added is held until
 * the next one comes.
 */
export const HEAD_MEMO_ADDED_MAX = 32;

/** Heads whose encoded blocks a connection remembers. */
export const BLOCK_MEMO_ENTRIES_MAX = 32;

/** Streams that we reset and still know by number, to tell late frames from wrong ones. */
export const RESET_STREAMS_REMEMBERED_MAX = 128;

/**
 * Names of fields that peers marked as never to be indexed and that all encoders of a worker therefore do not index.
 * Few names are secrets; the bound keeps a hostile peer from filling memory with invented ones.
 */
export const NEVER_INDEXED_NAMES_MAX = 64;

/** Longest such name in bytes. */
export const NEVER_INDEXED_NAME_BYTES_MAX = 64;
