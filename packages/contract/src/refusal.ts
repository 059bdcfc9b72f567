import type { ResponseHead } from "./head.ts";

/** A request that the engine does not serve because of what the client sent. */
export interface Refusal {
  /** Stable code of docs/ERRORS.md. */
  readonly code: string;
  /** What is wrong, in words of ours alone: nothing of the request is in it. */
  readonly message: string;
  /** Status of the answer that the client is to get; 0 where none can be given: the stream is reset. */
  readonly status: number;
  /** What was read of the request and is sound, for logs; "" for the rest. */
  readonly method: string;
  readonly authority: string;
  readonly path: string;
}

/** A whole answer that no host gave. Shared by all requests that get it. */
export interface Answer {
  readonly head: ResponseHead;
  /** Empty where the head says it all. */
  readonly body: Buffer;
}
