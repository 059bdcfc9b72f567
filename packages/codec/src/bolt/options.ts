import type { Fields, RequestHead, ResponseHead } from "@weft/contract";
import { HeadMemo } from "../http1/head-memo.ts";
import { completeRpcOptions, type RpcOptions } from "../rpc/options.ts";
import type { BoltTarget } from "./decode.ts";
import { HEADER_BYTES_LONGEST } from "./frame.ts";
import { createRequestMaker, createResponseMaker, type HeadMaker } from "./head-reader.ts";

/** Options of all server sessions of a listener: one frozen record, shared. Made by `createBoltServerOptions`. */
export interface BoltServerOptions extends RpcOptions {
  /** Makes the heads of requests, and remembers what repeats. */
  readonly requests: HeadMaker<BoltTarget, RequestHead>;
}

/** Options of all client sessions of a cluster: one frozen record, shared. Made by `createBoltClientOptions`. */
export interface BoltClientOptions extends RpcOptions {
  /** Makes the heads of responses, and remembers what repeats. */
  readonly responses: HeadMaker<Fields, ResponseHead>;
}

/** What may be chosen for a session; the rest are the defaults of the limits.ts of all RPC protocols. */
export interface BoltChoices extends Partial<RpcOptions> {
  /** Shared by all connections of a worker. */
  readonly memo?: HeadMemo;
}

/**
 * Completes and freezes the options of a listener's sessions. Make them once per listener, not per connection.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when a limit is no integer in its range
 *
 * @example
 * const options = createBoltServerOptions({ frameBytesMax: 1_048_576 });
 */
export function createBoltServerOptions(choices: BoltChoices = {}): BoltServerOptions {
  const options = completeRpcOptions(choices, HEADER_BYTES_LONGEST);
  return Object.freeze({ ...options, requests: createRequestMaker(choices.memo ?? new HeadMemo()) });
}

/**
 * Completes and freezes the options of a cluster's sessions. Make them once per cluster, not per connection.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when a limit is no integer in its range
 */
export function createBoltClientOptions(choices: BoltChoices = {}): BoltClientOptions {
  const options = completeRpcOptions(choices, HEADER_BYTES_LONGEST);
  return Object.freeze({ ...options, responses: createResponseMaker(choices.memo ?? new HeadMemo()) });
}
