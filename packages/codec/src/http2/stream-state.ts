import { fail } from "@weft/kernel";

// States of RFC 9113 section 5.1. Push is refused, so nothing is ever reserved.
export const STREAM_IDLE = 0;
export const STREAM_OPEN = 1;
/** We have sent END_STREAM. */
export const STREAM_HALF_CLOSED_LOCAL = 2;
/** The peer has sent END_STREAM. */
export const STREAM_HALF_CLOSED_REMOTE = 3;
export const STREAM_CLOSED = 4;

export type StreamState = 0 | 1 | 2 | 3 | 4;

/** HEADERS that begin a request, sent or received. */
export const EVENT_BEGIN = 0;
/** END_STREAM is sent. */
export const EVENT_SEND_END = 1;
/** END_STREAM is received. */
export const EVENT_RECEIVE_END = 2;
/** RST_STREAM, sent or received, or the connection ends. */
export const EVENT_RESET = 3;

export type StreamEvent = 0 | 1 | 2 | 3;

/**
 *                 begin       send end            receive end          reset
 *
 *     idle        open        -                   -                    -
 *     open        -           half-closed local   half-closed remote   closed
 *     half local  -           -                   closed               closed
 *     half remote -           closed              -                    closed
 *     closed      -           -                   -                    -
 */
const TRANSITIONS: Readonly<Record<StreamState, readonly (StreamState | null)[]>> = {
  [STREAM_IDLE]: [STREAM_OPEN, null, null, null],
  [STREAM_OPEN]: [null, STREAM_HALF_CLOSED_LOCAL, STREAM_HALF_CLOSED_REMOTE, STREAM_CLOSED],
  [STREAM_HALF_CLOSED_LOCAL]: [null, null, STREAM_CLOSED, STREAM_CLOSED],
  [STREAM_HALF_CLOSED_REMOTE]: [null, STREAM_CLOSED, null, STREAM_CLOSED],
  [STREAM_CLOSED]: [null, null, null, null],
};

/**
 * The state after `event`. What a peer does wrong is judged before it becomes an event, so an event without a
 * transition is a mistake of ours.
 *
 * @throws WeftError KERNEL_ASSERTION_FAILED
 */
export function transition(state: StreamState, event: StreamEvent): StreamState {
  const next = TRANSITIONS[state][event];
  if (next === null || next === undefined) fail("a stream event fits the stream's state", { state, event });
  return next;
}

/** True while the peer may send on the stream. */
export function canReceive(state: StreamState): boolean {
  return state === STREAM_OPEN || state === STREAM_HALF_CLOSED_LOCAL;
}

/** True while we may send on the stream. */
export function canSend(state: StreamState): boolean {
  return state === STREAM_OPEN || state === STREAM_HALF_CLOSED_REMOTE;
}
