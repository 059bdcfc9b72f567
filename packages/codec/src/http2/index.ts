export { Http2ClientSession } from "./client-session.ts";
export { Http2ClientStream } from "./client-stream.ts";
export { HTTP2_ERRORS } from "./errors.ts";
export type { Http2ErrorCode } from "./errors.ts";
export { PREFACE as HTTP2_PREFACE } from "./frame.ts";
export { createHttp2ClientOptions, createHttp2ServerOptions } from "./options.ts";
export type { Http2ClientOptions, Http2Options, Http2ServerOptions } from "./options.ts";
export { Http2ServerSession } from "./server-session.ts";
export { Http2ServerStream } from "./server-stream.ts";
