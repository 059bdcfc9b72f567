/** How a proxy is spoken to, and how it speaks to the backend. */
export interface ProxiedPath {
  readonly downstream: "http1" | "http2" | "tls-http2";
  readonly upstream: "http1" | "http2";
  /** The backend answers gRPC calls; for peers that are configured differently for it. */
  readonly isGrpc: boolean;
}

/** What one row per peer is measured with. */
export interface LoadScenario {
  readonly name: string;
  readonly path: ProxiedPath;
  readonly load: LoadShape;
  readonly request: BackendRequest;
}

/** What the load generator does. */
export type LoadShape =
  | { readonly tool: "wrk"; readonly connections: number }
  | { readonly tool: "h2load"; readonly connections: number; readonly streams: number };

/** One of the things that the backend answers. */
export interface BackendRequest {
  readonly target: string;
  /** "" for none. */
  readonly contentType: string;
  /** Null: GET. */
  readonly requestBody: Buffer | null;
  readonly responseBody: Buffer;
  /** The answer's trailers have grpc-status 0. */
  readonly hasGrpcStatus: boolean;
}

/** A small answer, as of most calls between services. */
export const SMALL: BackendRequest = {
  target: "/orders/1842/items?page=2",
  contentType: "",
  requestBody: null,
  responseBody: Buffer.from(`{"order":1842,"page":2,"items":[${"17,".repeat(30)}17]}\n`),
  hasGrpcStatus: false,
};

/** 64 KB of what does not compress to nothing. */
export const LARGE: BackendRequest = {
  target: "/pictures/large",
  contentType: "",
  requestBody: null,
  responseBody: Buffer.from(Array.from({ length: 65_536 }, (_, index) => 32 + ((index * 31) % 89))),
  hasGrpcStatus: false,
};

/** A unary gRPC call with 32 bytes of message each way: flag, length, message. */
export const GRPC_CALL: BackendRequest = {
  target: "/shop.v1.Orders/Get",
  contentType: "application/grpc",
  requestBody: grpcMessage("0123456789abcdefghijklmnopqrstuv"),
  responseBody: grpcMessage("vutsrqponmlkjihgfedcba9876543210"),
  hasGrpcStatus: true,
};

function grpcMessage(text: string): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
}

const HTTP1: ProxiedPath = { downstream: "http1", upstream: "http1", isGrpc: false };
const HTTP2: ProxiedPath = { downstream: "http2", upstream: "http2", isGrpc: false };
const STREAMS: LoadShape = { tool: "h2load", connections: 8, streams: 50 };

/** The rows that targets name. */
export const HTTP1_SCENARIO: LoadScenario = {
  name: "HTTP/1.1, 64 connections",
  path: HTTP1,
  load: { tool: "wrk", connections: 64 },
  request: SMALL,
};
export const HTTP2_SCENARIO: LoadScenario = {
  name: "HTTP/2 -> HTTP/2",
  path: HTTP2,
  load: STREAMS,
  request: SMALL,
};
export const TLS_SCENARIO: LoadScenario = {
  name: "TLS 1.3 + HTTP/2 -> HTTP/2",
  path: { ...HTTP2, downstream: "tls-http2" },
  load: STREAMS,
  request: SMALL,
};

/** Every row under load, in the order of the report. */
export const LOAD_SCENARIOS: readonly LoadScenario[] = [
  { ...HTTP1_SCENARIO, name: "HTTP/1.1, 1 connection", load: { tool: "wrk", connections: 1 } },
  HTTP1_SCENARIO,
  { ...HTTP1_SCENARIO, name: "HTTP/1.1, 1000 connections", load: { tool: "wrk", connections: 1000 } },
  { ...HTTP1_SCENARIO, name: "HTTP/1.1, 64 KB bodies", request: LARGE },
  HTTP2_SCENARIO,
  { ...HTTP2_SCENARIO, name: "HTTP/2 -> HTTP/1.1", path: { ...HTTP2, upstream: "http1" } },
  TLS_SCENARIO,
  { ...HTTP2_SCENARIO, name: "gRPC unary", path: { ...HTTP2, isGrpc: true }, request: GRPC_CALL },
];

/** A row about memory: connections that wait for their next request. */
export interface IdleScenario {
  readonly name: string;
  readonly path: ProxiedPath;
}

/** A row about memory: a long body for a reader slower than the backend. */
export interface StreamScenario {
  readonly name: string;
  readonly path: ProxiedPath;
}

export const IDLE_SCENARIO: IdleScenario = { name: "idle HTTP/1.1 connections", path: HTTP1 };

export const STREAM_SCENARIOS: readonly StreamScenario[] = [
  { name: "1 GB body to a slow reader, HTTP/1.1", path: HTTP1 },
  { name: "1 GB body to a slow reader, HTTP/2 -> HTTP/2", path: HTTP2 },
];

/** The backend's long body. */
export const STREAM_TARGET = "/backups/long";
