import { WeftError } from "@weft/kernel";

/** What can be wrong with the frames of any RPC protocol: an `ErrorCatalog`. */
export const RPC_ERRORS = {
  RPC_TRUNCATED: {
    meaning: "The peer closed the connection in the middle of a frame.",
    action: "Look for a crash, a restart or a timeout at the peer.",
  },
  RPC_FRAME_TOO_LARGE: {
    meaning: "A frame is longer than frameBytesMax.",
    action: "Send less in one call, or raise the limit.",
  },
  RPC_HEAD_TIMEOUT: {
    meaning: "The head of a frame was not complete when its deadline passed.",
    action: "Look for a client that stalls; raise headerTimeoutMs for very slow ones.",
  },
  RPC_FRAME_TIMEOUT: {
    meaning: "The rest of a frame came too slowly.",
    action: "Look for a client that stalls; lower the listener's bodyBytesPerSecondMin for very slow ones.",
  },
  RPC_TOO_MANY_STREAMS: {
    meaning: "The client has more than streamsMax requests in progress on one connection.",
    action: "Limit the client's concurrency, spread it over connections, or raise the limit.",
  },
  RPC_DRAINING: {
    meaning: "The connection is being drained and takes no new requests.",
    action: "Connect again; the client's next connection reaches a process that stays.",
  },
  RPC_FOREIGN_HEAD: {
    meaning: "A request or an answer was made for another protocol and cannot be said in this one.",
    action: "Route calls to hosts of their own protocol only.",
  },
  RPC_LENGTH_MISMATCH: {
    meaning: "The body that was to be sent was longer or shorter than its declared length.",
    action: "Find the sender whose length does not fit its body.",
  },
  RPC_STREAM_RESET: {
    meaning: "The call was given up before its answer was complete.",
    action: "See the reason in the answer's status; the access log has the cause.",
  },
} as const;

/** Every code of `RPC_ERRORS`. */
export type RpcErrorCode = keyof typeof RPC_ERRORS;

/** An error whose message is the catalog's meaning: nothing of what the peer sent is in it. */
export function createRpcError<Code extends string>(code: Code, meaning: string): WeftError<Code> {
  return new WeftError<Code>(code, `Cannot go on with the connection: ${meaning}`);
}
