/** What a frame is. An exception is an answer of Dubbo that brings what the service threw; a notice wants no answer. */
export type RpcFrameKind = "request" | "answer" | "exception" | "heartbeat" | "notice";

/**
 * What is wrong with a single frame: an answer to nobody (made up, or given twice) or to a request that was given up; a
 * request that the codec answers itself (too many, too large, malformed, or while draining); a frame that is longer than
 * `frameBytesMax`, and thrown away; changes of fields that could not be written into a frame, and were left out.
 */
export type RpcFault = "unmatched" | "late" | "refused" | "oversized" | "unapplied";

/** What was received on all connections of one options record, and what was wrong; nobody but the codec adds to it. */
export interface RpcCounts {
  readonly frames: Record<RpcFrameKind, number>;
  readonly faults: Record<RpcFault, number>;
}

/** All zero. */
export function createRpcCounts(): RpcCounts {
  return {
    frames: { request: 0, answer: 0, exception: 0, heartbeat: 0, notice: 0 },
    faults: { unmatched: 0, late: 0, refused: 0, oversized: 0, unapplied: 0 },
  };
}
