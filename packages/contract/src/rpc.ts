import type { Fields } from "./fields.ts";

/** RPC protocols whose frames pass through as they came. */
export type RpcProtocol = "bolt" | "dubbo";

/**
 * What the codec of an RPC protocol keeps of the frame that a head was read from: with it the frame goes out again as it
 * came, with another id. Each codec knows its own class of frames; everybody else only looks at what stands here.
 *
 * A request's head says what is called in HTTP's words, so that routes, filters and metrics work alike:
 *
 * | head | RPC |
 * |---|---|
 * | `method` | `POST` |
 * | `scheme` | the protocol |
 * | `authority` | the interface ("com.shop.Ledger") |
 * | `path` | `/interface/method` |
 * | `fields` | the header map or the attachments, names in lower case, and the facts `RPC_FIELDS` |
 * | `contentLength` | bytes of the body, which stays opaque |
 *
 * An answer's `status` is the protocol's own status in HTTP's words: 200 is a normal answer, an exception of the
 * application's included, which lies in the opaque body.
 */
export interface RpcFrame {
  readonly protocol: RpcProtocol;
  /** The caller expects no answer. The host's end of such a stream answers 202 as soon as the request is sent. */
  readonly isOneWay: boolean;
  /** How long the caller waits for the answer; 0 where it does not say. */
  readonly timeoutMs: number;
  /** The fields as they came: a head with others than these was changed on its way and is encoded anew. */
  readonly fields: Fields;
}

/** Names of the fields that state facts of a call, the same for each RPC protocol. They never go out on the wire. */
export const RPC_FIELDS = {
  /** Version of the interface: "1.0". */
  version: "rpc-version",
  /** Dubbo's group, Bolt's unique id; absent for none. */
  group: "rpc-group",
  /** The application that is called, where the frame says so. */
  application: "rpc-application",
  /** The application that calls, where the frame says so. */
  caller: "rpc-caller",
} as const;
