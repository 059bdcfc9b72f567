import { maskQuery } from "../access-log/index.ts";
import { TRACING_TEXT_CHARS_MAX } from "./limits.ts";
import type { RetryEvent, SpanRecord } from "./span-record.ts";

/** Who the spans come from. */
export interface TracingResource {
  /** `service.name`. */
  readonly serviceName: string;
  /** `service.version`. */
  readonly version: string;
  /** `service.instance.id`: tells the workers of a proxy apart. */
  readonly instanceId: string;
}

type Value = { readonly stringValue: string } | { readonly intValue: string };

interface Attribute {
  readonly key: string;
  readonly value: Value;
}

const SPAN_KIND = { server: 2, client: 3 } as const;
const STATUS_ERROR = 2;
/** Trace flags of a span: sampled, and random as in traceparent; whether the parent is remote is known (bit 8), it is (9). */
const FLAG_SAMPLED = 1;
const FLAG_RANDOM = 2;
const FLAG_HAS_IS_REMOTE = 0x100;
const FLAG_IS_REMOTE = 0x200;

/** Methods that OpenTelemetry knows; others are `_OTHER`, so that clients cannot make up span names. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"]);

/** gRPC statuses that are the server's failure, by OpenTelemetry's conventions; for a client every one but 0 is. */
const GRPC_SERVER_ERRORS = new Set([2, 4, 12, 13, 14, 15]);

/**
 * An ExportTraceServiceRequest in OTLP's JSON form: ids in hex, 64-bit numbers as decimal text, enums as numbers
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
 */
export function encodeSpans(records: readonly SpanRecord[], resource: TracingResource): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: [
            text("service.name", resource.serviceName),
            text("service.version", resource.version),
            text("service.instance.id", resource.instanceId),
            text("telemetry.sdk.name", "weft"),
            text("telemetry.sdk.language", "nodejs"),
            text("telemetry.sdk.version", resource.version),
          ],
        },
        scopeSpans: [{ scope: { name: "weft", version: resource.version }, spans: records.map(encodeSpan) }],
      },
    ],
  });
}

function encodeSpan(record: SpanRecord): object {
  const remote = FLAG_HAS_IS_REMOTE | (record.isParentRemote ? FLAG_IS_REMOTE : 0);
  const failure = failureOf(record);
  const attributes = record.kind === "server" ? serverAttributes(record) : clientAttributes(record);
  if (failure !== "") attributes.push(text("error.type", failure));
  return {
    traceId: record.traceId,
    spanId: record.spanId,
    ...(record.parentId !== "" && { parentSpanId: record.parentId }),
    flags: FLAG_SAMPLED | (record.isRandom ? FLAG_RANDOM : 0) | remote,
    name: nameOf(record),
    kind: SPAN_KIND[record.kind],
    startTimeUnixNano: nanoseconds(record.startUs),
    endTimeUnixNano: nanoseconds(record.endUs),
    attributes,
    events: record.retries.map(encodeRetry),
    status: failure === "" ? {} : { code: STATUS_ERROR, ...(record.error !== "" && { message: cut(record.error) }) },
  };
}

/** HTTP server conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span */
function serverAttributes(record: SpanRecord): Attribute[] {
  const { request } = record;
  const query = request.path.indexOf("?");
  const attributes = [...requestAttributes(record), ...addressAttributes("server", request.authority)];
  attributes.push(text("url.scheme", request.scheme));
  attributes.push(text("url.path", query < 0 ? request.path : request.path.slice(0, query)));
  if (query >= 0) attributes.push(text("url.query", maskQuery(cut(request.path)).slice(query + 1)));
  attributes.push(text("network.protocol.name", request.protocolName));
  if (request.protocolVersion !== "") attributes.push(text("network.protocol.version", request.protocolVersion));
  attributes.push(text("client.address", request.clientAddress), int("client.port", request.clientPort));
  if (request.userAgent !== "") attributes.push(text("user_agent.original", request.userAgent));
  attributes.push(text("weft.listener", request.listener));
  if (record.route !== "") attributes.push(text("weft.route", record.route));
  if (record.attempt > 0) attributes.push(int("weft.attempts", record.attempt));
  return attributes;
}

/** HTTP client conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span */
function clientAttributes(record: SpanRecord): Attribute[] {
  const { request } = record;
  const attributes = [...requestAttributes(record), ...addressAttributes("server", record.host)];
  const full = `${request.scheme}://${request.authority}${request.path}`;
  attributes.push(text("url.full", maskQuery(cut(full))));
  attributes.push(...addressAttributes("network.peer", record.host));
  attributes.push(text("weft.cluster", record.cluster));
  if (record.attempt > 1) attributes.push(int("http.request.resend_count", record.attempt - 1));
  return attributes;
}

/** What server and client spans have alike, with the RPC conventions for gRPC. */
function requestAttributes({ request, status, grpcStatus }: SpanRecord): Attribute[] {
  const attributes: Attribute[] = [];
  if (METHODS.has(request.method)) attributes.push(text("http.request.method", request.method));
  else {
    attributes.push(text("http.request.method", "_OTHER"), text("http.request.method_original", request.method));
  }
  if (status > 0) attributes.push(int("http.response.status_code", status));
  if (!request.isGrpc) return attributes;
  attributes.push(text("rpc.system", "grpc"));
  const rpc = rpcOf(request.path);
  if (rpc !== null) attributes.push(text("rpc.service", rpc.service), text("rpc.method", rpc.method));
  if (grpcStatus >= 0) attributes.push(int("rpc.grpc.status_code", grpcStatus));
  return attributes;
}

function encodeRetry(event: RetryEvent): object {
  return {
    timeUnixNano: nanoseconds(event.timeUs),
    name: "retry",
    attributes: [
      int("weft.attempt", event.attempt),
      text("weft.cluster", event.cluster),
      text("weft.host", event.host),
      text("weft.reason", event.reason),
    ],
  };
}

/** "" when all went well; an answer of 4xx is the client's failure, not the server's. */
function failureOf({ kind, status, grpcStatus, error }: SpanRecord): string {
  if (error !== "") return error;
  if (status === 0) return "no_answer";
  if (status >= (kind === "server" ? 500 : 400)) return String(status);
  const isGrpcError = kind === "server" ? GRPC_SERVER_ERRORS.has(grpcStatus) : grpcStatus > 0;
  return isGrpcError ? String(grpcStatus) : "";
}

function nameOf({ kind, request, route }: SpanRecord): string {
  const rpc = request.isGrpc ? rpcOf(request.path) : null;
  if (rpc !== null) return cut(`${rpc.service}/${rpc.method}`);
  const method = METHODS.has(request.method) ? request.method : "HTTP";
  return kind === "server" && route !== "" ? cut(`${method} ${route}`) : method;
}

/** "/package.Service/Method" in its two parts. */
function rpcOf(path: string): { service: string; method: string } | null {
  const match = /^\/([^/?]+)\/([^/?]+)$/.exec(path);
  return match === null ? null : { service: match[1] ?? "", method: match[2] ?? "" };
}

/** "name:port", "[v6]:port" or a bare name as two attributes. */
function addressAttributes(prefix: "server" | "network.peer", authority: string): Attribute[] {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(authority);
  const address = match?.[1] ?? match?.[2] ?? authority;
  const attributes = [text(`${prefix}.address`, address)];
  if (match?.[3] !== undefined) attributes.push(int(`${prefix}.port`, Number(match[3])));
  return attributes;
}

function text(key: string, value: string): Attribute {
  return { key, value: { stringValue: cut(value.toWellFormed()) } };
}

function int(key: string, value: number): Attribute {
  return { key, value: { intValue: String(Math.trunc(value)) } };
}

function cut(value: string): string {
  return value.length <= TRACING_TEXT_CHARS_MAX ? value : value.slice(0, TRACING_TEXT_CHARS_MAX);
}

/** Microseconds since 1970 fit a double exactly, nanoseconds do not. */
function nanoseconds(us: number): string {
  return `${Math.trunc(us)}000`;
}
