import { assertInteger } from "@weft/kernel";
import { createRpcCounts, type RpcCounts } from "./counts.ts";
import { FRAME_BYTES_MAX, STREAMS_MAX, UNCONSUMED_BYTES_MAX } from "./limits.ts";

/** What bounds the sessions of any RPC protocol. */
export interface RpcOptions {
  /** Bytes of a frame, header and trailer included. */
  readonly frameBytesMax: number;
  /** Requests in progress on one connection. */
  readonly streamsMax: number;
  /** Body bytes that were handed on and not consumed, of one connection; above this it stops reading. */
  readonly unconsumedBytesMax: number;
  /** What happened on all connections with these options. */
  readonly counts: RpcCounts;
}

/**
 * Completes the options that all RPC protocols have.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when a limit is no integer in its range
 */
export function completeRpcOptions(choices: Partial<RpcOptions>, headerBytesMax: number): RpcOptions {
  const options: RpcOptions = {
    frameBytesMax: choices.frameBytesMax ?? FRAME_BYTES_MAX,
    streamsMax: choices.streamsMax ?? STREAMS_MAX,
    unconsumedBytesMax: choices.unconsumedBytesMax ?? UNCONSUMED_BYTES_MAX,
    counts: choices.counts ?? createRpcCounts(),
  };
  assertInteger("frameBytesMax", options.frameBytesMax, headerBytesMax, 0x7fff_ffff);
  assertInteger("streamsMax", options.streamsMax, 1, 0x10_0000);
  assertInteger("unconsumedBytesMax", options.unconsumedBytesMax, 0, Number.MAX_SAFE_INTEGER);
  return options;
}
