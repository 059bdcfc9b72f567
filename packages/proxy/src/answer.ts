import {
  type Answer,
  type Fields,
  fieldValue,
  NO_FIELDS,
  type Refusal,
  type RequestHead,
  type ResetReason,
  ResponseHead,
} from "@weft/contract";
import type { ClusterErrorCode, SubsetErrorCode } from "./cluster/index.ts";
import type { ProxyErrorCode } from "./errors.ts";
import type { RouteRefusal } from "./router/index.ts";

/** Every code that an answer of the proxy itself may carry. */
export type AnswerCode = ProxyErrorCode | ClusterErrorCode | SubsetErrorCode | RouteRefusal["code"];

/** What a client is told beside the code. */
interface AnswerFacts {
  readonly status: number;
  /** gRPC status where the HTTP status does not imply it. */
  readonly grpcStatus?: number;
  readonly text: string;
  /** Besides those that every error answer has. */
  readonly fields?: Fields;
}

/** What answers say in Allow: nothing here asks whether a method is known, but TRACE is not for everybody. */
export const METHODS_ALLOWED = "CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/** What a client is to blame for, and a listener counts besides what its codecs refuse; ROUTER_PATH codes belong to it. */
const CLIENT_FAULTS: ReadonlySet<string> = new Set([
  "PROXY_BODY_TIMEOUT",
  "PROXY_BODY_TOO_LARGE",
  "PROXY_BODY_TOO_SLOW",
  "PROXY_METHOD_REFUSED",
  "PROXY_MISDIRECTED",
]);

/** The one place where errors become answers. Codes that are not here are answered with `status` of their refusal. */
const FACTS: Partial<Record<AnswerCode, AnswerFacts>> = {
  PROXY_NOT_READY: { status: 503, text: "Cannot route request: no configuration yet" },
  PROXY_BODY_TOO_LARGE: { status: 413, grpcStatus: 8, text: "Cannot accept request: its body is too large" },
  PROXY_MISDIRECTED: {
    status: 421,
    grpcStatus: 14,
    text: "Cannot serve request: its host needs a TLS connection of its own",
  },
  PROXY_METHOD_REFUSED: {
    status: 405,
    grpcStatus: 12,
    text: "Cannot forward request: its method goes no further than here",
    fields: ["allow", METHODS_ALLOWED],
  },
  PROXY_LOOP: { status: 508, grpcStatus: 13, text: "Cannot forward request: it passed too many proxies" },
  PROXY_NO_BACKEND: { status: 500, text: "Cannot forward request: its route has no backend" },
  PROXY_CLUSTER_UNKNOWN: { status: 503, text: "Cannot forward request: its route's backend is unknown" },
  PROXY_PROTOCOL_MISMATCH: {
    status: 500,
    grpcStatus: 12,
    text: "Cannot forward request: the service speaks another protocol",
  },
  PROXY_TIMEOUT: { status: 504, grpcStatus: 4, text: "Cannot complete request: its time is up" },
  PROXY_BODY_TIMEOUT: { status: 408, grpcStatus: 4, text: "Cannot complete request: its body stopped coming" },
  PROXY_BODY_TOO_SLOW: { status: 408, grpcStatus: 4, text: "Cannot complete request: its body comes too slowly" },
  PROXY_STREAM_IDLE: { status: 504, grpcStatus: 4, text: "Cannot complete request: nothing moved for too long" },
  UPSTREAM_CONNECT_FAILED: { status: 503, text: "Cannot forward request: no connection to the service" },
  UPSTREAM_RESET: { status: 502, text: "Cannot complete request: the service gave up before it answered" },
  UPSTREAM_PROTOCOL_ERROR: { status: 502, text: "Cannot complete request: the service's answer is malformed" },
  UPSTREAM_TIMEOUT: { status: 504, grpcStatus: 4, text: "Cannot complete request: the service did not answer in time" },
  UPSTREAM_SILENT: { status: 502, text: "Cannot complete request: the service gives no sign of life" },
  UPSTREAM_NO_UPGRADE: { status: 502, text: "Cannot forward request: the service does not take upgrades" },
  UPSTREAM_DRAIN_DEADLINE: { status: 504, text: "Cannot complete request: the service's host was taken out of use" },
  UPSTREAM_OVERLOADED: { status: 503, text: "Cannot forward request: the service is overloaded" },
  SUBSET_NO_HOST: { status: 503, text: "Cannot forward request: no host of the service has the labels asked for" },
  CLUSTER_NO_HOST: { status: 503, text: "Cannot forward request: no host of the service can be used" },
  ROUTER_NO_MATCH: { status: 404, text: "Cannot route request: no route matches" },
};

const ROUTER_BAD_PATH: AnswerFacts = {
  status: 400,
  grpcStatus: 3,
  text: "Cannot route request: its path is malformed",
};
const CLUSTER_REFUSED: AnswerFacts = { status: 503, text: "Cannot forward request: the service is at its limit" };

const EMPTY = Buffer.alloc(0);
const plainAnswers: Map<string, Answer> = new Map();
const grpcAnswers: Map<string, Answer> = new Map();

/** What a client is told that speaks plain HTTP where TLS is asked for. */
export function plainTextAnswer(): Answer {
  return createPlainAnswer("LISTENER_TLS_REQUIRED", 400, "Cannot serve request: this port speaks TLS");
}

/** The answer for `code`; `status` 0 takes the code's own. Nothing of the request is echoed in it. */
export function errorAnswer(code: AnswerCode, isGrpc: boolean, status: number = 0, grpcStatus: number = 0): Answer {
  const cache = isGrpc ? grpcAnswers : plainAnswers;
  const key = status === 0 ? code : `${code} ${status} ${grpcStatus}`;
  let answer = cache.get(key);
  if (answer === undefined) {
    const facts = FACTS[code] ?? (code.startsWith("ROUTER_") ? ROUTER_BAD_PATH : CLUSTER_REFUSED);
    if (isGrpc) answer = createGrpcAnswer(code, facts, status, grpcStatus);
    else if (status === 0) answer = createPlainAnswer(code, facts.status, facts.text, facts.fields);
    else answer = createPlainAnswer(code, status, FAULT_TEXT);
    cache.set(key, answer);
  }
  return answer;
}

/** The answer to a request that a codec refuses, in the codec's own words; null where it says that there is none. */
export function refusalAnswer({ code, status, message }: Refusal): Answer | null {
  if (status === 0) return null;
  const key = `${code} ${status}`;
  let answer = plainAnswers.get(key);
  if (answer === undefined) {
    answer = createPlainAnswer(code, status, message);
    plainAnswers.set(key, answer);
  }
  return answer;
}

/** True for errors that lie in the request alone. */
export function isClientFault(code: AnswerCode): boolean {
  return CLIENT_FAULTS.has(code) || code.startsWith("ROUTER_PATH_");
}

/** What a client is told when the last try ended for `reason`. */
export function errorOf(reason: ResetReason): AnswerCode {
  switch (reason) {
    case "connect":
      return "UPSTREAM_CONNECT_FAILED";
    case "timeout":
      return "UPSTREAM_TIMEOUT";
    case "refused":
    case "overloaded":
      return "UPSTREAM_OVERLOADED";
    case "protocol":
    case "too-large":
      return "UPSTREAM_PROTOCOL_ERROR";
    case "cancelled":
    case "connection":
    case "internal":
      return "UPSTREAM_RESET";
  }
}

/** True for requests whose client reads errors from `grpc-status`. */
export function isGrpcRequest(head: RequestHead): boolean {
  if (head.method !== "POST") return false;
  const type = fieldValue(head.fields, "content-type");
  return type !== undefined && type.startsWith("application/grpc") && !type.startsWith("application/grpc-web");
}

/** A plain text answer. */
export function createTextAnswer(status: number, contentType: string, text: string): Answer {
  const body = Buffer.from(text, "utf8");
  const fields = body.length === 0 || contentType === "" ? [] : ["content-type", contentType];
  return { head: new ResponseHead(status, [...fields, "content-length", String(body.length)], body.length), body };
}

function createPlainAnswer(code: string, status: number, text: string, more: Fields = NO_FIELDS): Answer {
  const body = Buffer.from(`[${code}] ${text}\n`, "latin1");
  const fields = [
    ...more,
    "content-type",
    "text/plain; charset=utf-8",
    "content-length",
    String(body.length),
    "x-content-type-options",
    "nosniff",
    "x-weft-error",
    code,
  ];
  return { head: new ResponseHead(status, fields, body.length), body };
}

const FAULT_TEXT = "Request was aborted by a fault filter";

function createGrpcAnswer(code: AnswerCode, facts: AnswerFacts, status: number, grpcStatus: number): Answer {
  const implied =
    facts.grpcStatus !== undefined && status === 0 ? facts.grpcStatus : grpcStatusOf(status || facts.status);
  const fields = [
    "content-type",
    "application/grpc",
    "grpc-status",
    String(grpcStatus === 0 ? implied : grpcStatus),
    "grpc-message",
    `[${code}] ${status === 0 ? facts.text : FAULT_TEXT}`,
    "x-weft-error",
    code,
  ];
  return { head: new ResponseHead(200, fields, -1), body: EMPTY };
}

/** The gRPC status of an HTTP status (grpc/doc/http-grpc-status-mapping.md). */
function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}
