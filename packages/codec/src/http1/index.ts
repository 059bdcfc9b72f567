export { Http1ClientSession } from "./client-session.ts";
export { HTTP1_ERRORS } from "./errors.ts";
export type { Http1ErrorCode } from "./errors.ts";
export { HeadMemo } from "./head-memo.ts";
export type { HeadMemoLimits, HeadTable } from "./head-memo.ts";
export type { DecodedRequest, DecodedResponse } from "./decoded-head.ts";
export { createHttp1ClientOptions, createHttp1ServerOptions } from "./options.ts";
export type {
  Http1ClientChoices,
  Http1ClientOptions,
  Http1ReadOptions,
  Http1ServerChoices,
  Http1ServerOptions,
} from "./options.ts";
export { Http1ServerSession } from "./server-session.ts";
export { statusOfError, statusOfReset } from "./status.ts";
