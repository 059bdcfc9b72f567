/**
 * Heartbeats of all connections fall on strokes of the clock, so that one wake-up serves many: so many strokes at least are in
 * a period. With 15,000 connections about 100 to 200 beat on each, which takes 2 to 4 ms; fewer strokes would keep requests
 * waiting, more of them wake the process for less.
 */
export const STROKES_PER_PERIOD_MIN = 64;

/** How often the connections of a host with recent traffic are looked at together, in milliseconds. */
export const PULSE_MS = 250;

/** Silence of all connections of a host with recent traffic after which one of them is asked, in milliseconds. */
export const PULSE_SILENCE_MS = 1000;

/** How long traffic counts as recent, in milliseconds: so long a host that falls silent is noticed within seconds. */
export const PULSE_MEMORY_MS = 60_000;

/**
 * Heartbeats per second and worker that hosts with recent traffic get before their period is up; beyond that they wait
 * for their turn. 200 cost a few milliseconds of CPU per second and watch 200 to 300 hosts that are silent between
 * requests; hosts that speak cost nothing.
 */
export const PULSE_BEATS_PER_SECOND_MAX = 200;

/** A request may be unanswered at least so long before its silent connection is asked, in milliseconds. */
export const UNANSWERED_MS_MIN = 1000;

/** The same where the host is slow: so many times what 99 of 100 of its answers took. */
export const UNANSWERED_P99_FACTOR = 3;

/** Over how long the questions to the other connections of a host are spread, in milliseconds. */
export const SIBLING_SPREAD_MS = 250;

/** Connections of one host that are asked per `SIBLING_SPREAD_MS` because another of them gives no answer. */
export const SIBLING_PROBES_MAX = 1024;

/**
 * A peer that has been sent so many bytes per second since it last said something may still be reading them, and comes
 * to a heartbeat later: a slow reader is not a dead one. A slow mobile line carries so much.
 */
export const BACKLOG_BYTES_PER_SECOND = 16_384;
