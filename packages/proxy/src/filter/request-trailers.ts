import type { Fields } from "@weft/contract";
import { isEdgeField } from "./edge-fields.ts";

/** What proxies say of a request beside `isEdgeField`; the names of our own begin with `OWN_PREFIX`. */
const MARK_FIELDS: ReadonlySet<string> = new Set(["traceparent", "tracestate", "x-request-id"]);
const OWN_PREFIX = "x-weft-";

/**
 * The trailers of a request without what proxies say in heads, where it was checked or set: many servers merge trailers
 * into the head. Nobody says any of it in trailers in good faith, so it is dropped inside the mesh too. The same list
 * when there is none of it.
 */
export function requestTrailers(fields: Fields): Fields {
  for (let index = 0; index < fields.length; index += 2) {
    if (isHeadField(fields[index] ?? "")) return withoutHeadFields(fields);
  }
  return fields;
}

function withoutHeadFields(fields: Fields): Fields {
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (!isHeadField(name)) kept.push(name, fields[index + 1] ?? "");
  }
  return kept;
}

function isHeadField(name: string): boolean {
  return MARK_FIELDS.has(name) || name.startsWith(OWN_PREFIX) || isEdgeField(name);
}
