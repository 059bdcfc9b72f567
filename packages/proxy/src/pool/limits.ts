/**
 * How long the streams and tunnels of a host that was removed, or that is reached in another way now, may go on, in
 * milliseconds (an hour). Downloads and calls end by themselves long before; without a bound a stream that never ends
 * would keep a removed host, or an expired certificate, in use for ever.
 */
export const POOL_DRAIN_MS_MAX = 3_600_000;
