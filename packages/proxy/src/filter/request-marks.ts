import type { Fields, ListenerConfig, RequestHead, ResponseHead } from "@weft/contract";
import { fieldValue } from "@weft/contract";
import type { Random } from "@weft/kernel";
import { createUnsampledTraceparent, traceIdOf } from "../tracing/index.ts";

/** The field by which a request is found again in the logs of everybody who saw it. */
const REQUEST_ID_FIELD = "x-request-id";

/** What a listener gives an HTTP request so that it can be found again: an id, and the beginning of a trace. */
export interface RequestMarks {
  /** "" where the request keeps what it says of itself. */
  readonly requestId: string;
  readonly traceparent: string;
}

/** A request that goes on as it came. */
export const NO_MARKS: RequestMarks = { requestId: "", traceparent: "" };

/** What `listener` gives a request. RPC calls get nothing: their frames would have to be written anew. */
export function markRequest(
  { requestId, startsTraces }: ListenerConfig,
  head: RequestHead,
  isTraced: boolean,
  random: Random,
): RequestMarks {
  const isNamed = requestId === "pass" || (requestId === "add" && requestIdOf(head.fields) !== "");
  const hasTrace = !startsTraces || isTraced || traceIdOf(head.fields) !== "";
  if (head.frame !== null || (isNamed && hasTrace)) return NO_MARKS;
  return {
    requestId: isNamed ? "" : createRequestId(random),
    traceparent: hasTrace ? "" : createUnsampledTraceparent(random),
  };
}

/** `head` with what the listener gave the request, in place of what its client said. */
export function withMarks(head: RequestHead, { requestId, traceparent }: RequestMarks): RequestHead {
  if (requestId === "" && traceparent === "") return head;
  const { fields } = head;
  const marked: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (requestId !== "" && name === REQUEST_ID_FIELD) continue;
    if (traceparent !== "" && (name === "traceparent" || name === "tracestate")) continue;
    marked.push(name, fields[index + 1] ?? "");
  }
  if (requestId !== "") marked.push(REQUEST_ID_FIELD, requestId);
  if (traceparent !== "") marked.push("traceparent", traceparent);
  return head.withFields(marked);
}

/** An answer that says the id of its request, in place of what its host may have said. */
export function withRequestId(head: ResponseHead, requestId: string): ResponseHead {
  if (requestId === "" || head.frame !== null) return head;
  const fields: string[] = [];
  for (let index = 0; index < head.fields.length; index += 2) {
    const name = head.fields[index] ?? "";
    if (name !== REQUEST_ID_FIELD) fields.push(name, head.fields[index + 1] ?? "");
  }
  fields.push(REQUEST_ID_FIELD, requestId);
  return head.withFields(fields);
}

/** The id that a request brings; "" for none. */
export function requestIdOf(fields: Fields): string {
  return fieldValue(fields, REQUEST_ID_FIELD) ?? "";
}

/** A UUID of version 4 (RFC 9562 section 5.4): what tools that read such ids expect. */
export function createRequestId(random: Random): string {
  const [a, b, c, d] = [random.uint32(), random.uint32(), random.uint32(), random.uint32()];
  const version = 0x4000 | (b & 0x0fff);
  const variant = 0x8000 | (c & 0x3fff);
  return `${hex16(a >>> 16)}${hex16(a & 0xffff)}-${hex16(b >>> 16)}-${hex16(version)}-${hex16(variant)}-${hex16(c >>> 16)}${hex16(d >>> 16)}${hex16(d & 0xffff)}`;
}

const HEX_BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex16(value: number): string {
  return (HEX_BYTES[value >>> 8] ?? "") + (HEX_BYTES[value & 0xff] ?? "");
}
