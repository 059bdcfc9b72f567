/** How long we wait, after our last answer, for the next bytes of a client, which are dropped; then it has read that answer. */
export const LINGER_MS = 1000;

/**
 * How long that goes on for an HTTP/1 client that sends all the time, in milliseconds: many clients read nothing before they
 * have sent their whole body. As long as at nginx and Apache.
 */
export const LINGER_MS_MAX = 30_000;

/** Bytes of a request's body kept for another try; a larger request is tried once. */
export const REPLAY_BYTES_MAX = 65_536;

/** Further tries, without any retry policy, of a request that provably was not processed. */
export const UNPROCESSED_RETRIES_MAX = 2;

/** Tries of one request in all, whatever the policy says. */
export const TRIES_MAX = 16;

/** Bytes of a mirrored request that may wait for the mirror; beyond that the copy is given up. */
export const MIRROR_BYTES_MAX = 262_144;

/** How long the copy of a request may take in all, in milliseconds: nobody waits for its answer, but it holds places. */
export const MIRROR_DEADLINE_MS = 15_000;

/**
 * How long an HTTP/1 client that closed its sending side may wait for us to say anything, in milliseconds. Most such
 * clients have gone altogether, which only writing to them would show; the few that still listen want quick answers.
 */
export const HALF_CLOSED_WAIT_MS = 1000;

/**
 * How long an HTTP/1 connection without a request waits, when it is to end, for one that may be on its way, and a new
 * connection for its first byte, in milliseconds.
 */
export const DRAIN_GRACE_MS = 250;

/** How long an HTTP/2 client may take to say that it knows of the end of its connection, in milliseconds. */
export const DRAIN_ROUND_TRIP_MS = 1000;

/**
 * Bytes per second that a peer must take, on average over a stream's idle time, of what waits for it all that time;
 * all that waits is always enough. Without it, one byte now and then keeps a stream and its buffers for ever. Any
 * modem is faster; HTTP.sys and Kestrel ask for as much.
 */
export const OUTPUT_BYTES_PER_SECOND_MIN = 240;

/**
 * How often a client that is not read from is asked for a reset, in milliseconds. Its orderly end cannot be noticed: it
 * stands behind the bytes that we do not read, mostly still at the client, whose window is closed.
 */
export const UNHEARD_PROBE_MS = 1000;

/**
 * A client of an RPC protocol for which more bytes than this wait (4 MiB) may hold up hosts that also answer others: Bolt and
 * Dubbo have no flow control by call.
 */
export const HOLD_UP_BYTES_MIN = 4_194_304;

/** How long such a client may take next to nothing before its connection is reset, in milliseconds. */
export const HOLD_UP_MS_MAX = 1000;

/**
 * Bytes of a gRPC answer that are held until its trailers are here (16 KiB), where another try could still take its place:
 * most answers of one message are smaller, and a thousand of them at once take no more than 16 MB.
 */
export const HELD_ANSWER_BYTES_MAX = 16_384;

/**
 * How long a gRPC answer is held for its trailers, in milliseconds from its head: hosts send them with the message or
 * right after it. It is the longest that the first message of a stream waits, the first time that the method is called.
 */
export const HELD_ANSWER_MS_MAX = 10;

/** The longest deadline of a gRPC call, in milliseconds: a year stands for all beyond, which the field has place for. */
export const GRPC_TIMEOUT_MS_MAX = 31_536_000_000;

/** Objects (and buffers, 1 MiB at most) that are kept for the next answers to hold, per worker. */
export const HELD_ANSWERS_SPARE_MAX = 64;

/** gRPC methods that are remembered as streaming, per worker: no server has as many, and paths are the clients' choice. */
export const STREAMING_METHODS_MAX = 4096;

/**
 * While connections move to another process, how long in milliseconds an RPC connection may go on as it likes, so that it
 * moves between two calls of its own accord; most do.
 */
export const HAND_OVER_FREE_MS = 500;

/**
 * For how long, in milliseconds, the next calls of an RPC connection that is never idle are then left unread while those
 * that are open are answered, so that it has a moment to move. Afterwards it is free again, and so on.
 */
export const HAND_OVER_HELD_MS = 500;
