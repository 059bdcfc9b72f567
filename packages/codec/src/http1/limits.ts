/** Bytes of a message's head, request or status line included, unless the options say otherwise: 60 KiB as at Envoy's edge. */
export const HEADER_BYTES_MAX = 61_440;

/** Field lines of a head or of trailers, unless the options say otherwise. */
export const HEADERS_MAX = 100;

/** Bytes of a request target, unless the options say otherwise; RFC 9110 section 4.1 recommends at least 8000. */
export const TARGET_BYTES_MAX = 8192;

/** Bytes of a message's trailer section, unless the options say otherwise. */
export const TRAILER_BYTES_MAX = 8192;

/** Bytes of all chunk extensions of one message, unless the options say otherwise: nobody uses them, floods do. */
export const CHUNK_EXTENSION_BYTES_MAX = 4096;

/** Digits of a chunk size: 2^52 bytes are more than anybody sends, and exact in a double. */
export const CHUNK_SIZE_DIGITS_MAX = 13;

/** Digits of a Content-Length: every such number is exact in a double. */
export const CONTENT_LENGTH_DIGITS_MAX = 15;

/** Empty lines that are skipped before a request line (RFC 9112 section 2.2); old clients send one after a body. */
export const LEADING_LINES_MAX = 4;

/** Options that the Connection fields of one message may name: each is compared with every field. */
export const CONNECTION_OPTIONS_MAX = 16;

/** 1xx answers that may come before one final answer. */
export const INFORMATIONAL_MAX = 32;

/** Body bytes that were handed on and found no place yet; above this the session stops reading (64 KiB). */
export const RECEIVE_WINDOW_BYTES = 65_536;

/** Bytes of an unread request body that are thrown away to keep a connection; above this it is closed (256 KiB). */
export const DISCARD_BYTES_MAX = 262_144;

/** Bytes that an upgrade or CONNECT sender may say before it was accepted, held back by the client session (256 KiB). */
export const EARLY_TUNNEL_BYTES_MAX = 262_144;

/** Bytes of a refused request that are searched for a sound request line, for the log, which cuts long ones (4 KiB). */
export const REQUEST_LINE_LOG_BYTES_MAX = 4096;

/** First size of the buffer that holds a head whose bytes come in pieces. */
export const HELD_BYTES_MIN = 512;

/** Heads longer than this are decoded anew each time: they rarely repeat. */
export const MEMO_HEAD_BYTES_MAX = 2048;

/** Heads that a worker remembers. */
export const MEMO_ENTRIES_MAX = 4096;

/** Bytes of all heads that a worker remembers (2 MiB); what was made of them takes about twice as much again. */
export const MEMO_BYTES_MAX = 2_097_152;

/** Look-ups after which a table of heads is judged by its hits. */
export const MEMO_REVIEW_LOOKUPS = 256;

/** Hits among them below which remembering costs more than it saves: heads with trace IDs never come again. */
export const MEMO_REVIEW_HITS_MIN = 64;

/** Such a table then takes part in one of so many heads only, a power of two, until it has hits again. */
export const MEMO_SPARSE_SHARE = 16;
