/** Bytes of a frame, header and trailer included, unless the options say otherwise (16 MiB); peers state none. */
export const FRAME_BYTES_MAX = 16_777_216;

/** Bytes of a frame that is refused and thrown away to keep the connection (64 MiB); a longer one ends it. */
export const SKIPPED_FRAME_BYTES_MAX = 67_108_864;

/** A frame that comes in pieces gets memory for its announced length at once up to this (64 KiB), else as bytes come. */
export const TRUSTED_FRAME_BYTES_MAX = 65_536;

/** Requests in progress on one connection, unless the options say otherwise; Java servers work on 1,000 (400 + 600 queued). */
export const STREAMS_MAX = 4096;

/** Bytes that were handed on and found no place yet, unless the options say otherwise; above this reading stops (1 MiB). */
export const UNCONSUMED_BYTES_MAX = 1_048_576;

/** Answers up to this are handed on with their end; of a longer one the end follows once it found its place (8 KiB). */
export const ANSWER_AT_ONCE_BYTES_MAX = 8192;

/** Long answers that wait for a client that is slower than its hosts, of one connection (4 MiB); beyond that hosts wait. */
export const ANSWERS_UNTAKEN_BYTES_MAX = 4_194_304;

/** Requests given up whose ids stay taken until their answers come; beyond that the oldest id is free again. */
export const LATE_ANSWERS_MAX = 1024;

/** Heads longer than this are decoded anew each time: they rarely repeat. */
export const MEMO_HEAD_BYTES_MAX = 2048;

/** Places of a connection's first table of ids: most have few requests in progress. */
export const ID_SLOTS_MIN = 8;

/** Keys whose field names a worker remembers: the first that it meets are the common ones. */
export const KNOWN_NAMES_MAX = 1024;
