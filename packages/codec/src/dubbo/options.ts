import { HeadMemo, type HeadTable } from "../http1/head-memo.ts";
import { completeRpcOptions, type RpcOptions } from "../rpc/options.ts";
import { HEADER_BYTES } from "./frame.ts";
import type { KnownTarget } from "./head-reader.ts";

/** Options of all server sessions of a listener: one frozen record, shared. Made by `createDubboServerOptions`. */
export interface DubboServerOptions extends RpcOptions {
  /** What repeats in requests. */
  readonly requests: HeadTable<KnownTarget>;
}

/** Options of all client sessions of a cluster: one frozen record, shared. Made by `createDubboClientOptions`. */
export type DubboClientOptions = RpcOptions;

/** What may be chosen for a session; the rest are the defaults of the limits.ts of all RPC protocols. */
export interface DubboChoices extends Partial<RpcOptions> {
  /** Shared by all connections of a worker. */
  readonly memo?: HeadMemo;
}

/**
 * Completes and freezes the options of a listener's sessions. Make them once per listener, not per connection.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when a limit is no integer in its range
 *
 * @example
 * const options = createDubboServerOptions({ frameBytesMax: 8_388_608 });
 */
export function createDubboServerOptions(choices: DubboChoices = {}): DubboServerOptions {
  const options = completeRpcOptions(choices, HEADER_BYTES);
  return Object.freeze({ ...options, requests: (choices.memo ?? new HeadMemo()).createTable<KnownTarget>() });
}

/**
 * Completes and freezes the options of a cluster's sessions. Make them once per cluster, not per connection.
 *
 * @throws WeftError KERNEL_INVALID_ARGUMENT when a limit is no integer in its range
 */
export function createDubboClientOptions(choices: Partial<RpcOptions> = {}): DubboClientOptions {
  return Object.freeze(completeRpcOptions(choices, HEADER_BYTES));
}
