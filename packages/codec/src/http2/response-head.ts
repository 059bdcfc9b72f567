import { type Fields, FORBIDDEN_TRAILERS, ResponseHead } from "@weft/contract";
import {
  isPseudo,
  KIND_CONNECTION,
  KIND_CONTENT_LENGTH,
  KIND_INVALID,
  KIND_REGULAR,
  KIND_STATUS,
  KIND_TE,
} from "./field-kinds.ts";
import { parseContentLength, parseStatus } from "./field-syntax.ts";
import type { HeaderList } from "./hpack-decoder.ts";
import type { HpackEncoder } from "./hpack-encoder.ts";
import { writeFields } from "./request-head.ts";

/** A decoded list as an answer, or null when it is malformed (RFC 9113 sections 8.2 and 8.3.2). */
export function readResponseHead(
  list: HeaderList,
  isEnd: boolean,
  isHeadRequest: boolean,
  isUpgrade: boolean,
): ResponseHead | null {
  let status = 0;
  let contentLength = -1;
  const fields: string[] = [];
  for (let index = 0; index < list.length; index++) {
    const entry = list.entries[index];
    if (entry === undefined) return null;
    const { kind, value } = entry;
    if (kind !== KIND_REGULAR) {
      if (kind === KIND_STATUS) {
        if (status !== 0 || fields.length > 0) return null;
        status = parseStatus(value);
        if (status === 0) return null;
        continue;
      }
      if (isPseudo(kind) || kind === KIND_CONNECTION || kind === KIND_INVALID) return null;
      if (kind === KIND_TE && value.toLowerCase() !== "trailers") return null;
      if (kind === KIND_CONTENT_LENGTH) {
        if (contentLength >= 0) return null;
        contentLength = parseContentLength(value);
        if (contentLength < 0) return null;
      }
    }
    fields.push(entry.name, value);
  }
  // 101 does not exist in HTTP/2 (section 8.6), and an interim answer ends nothing.
  if (status === 0 || status === 101 || (isEnd && status < 200)) return null;
  const hasNoContent = isHeadRequest || status === 304;
  if (isEnd && !hasNoContent) {
    if (contentLength > 0 && status !== 204) return null;
    if (contentLength < 0) contentLength = 0;
  }
  return new ResponseHead(isUpgrade && status === 200 ? 101 : status, fields, contentLength);
}

/** A decoded list as trailer fields without forbidden ones, or null when it is malformed (RFC 9113 section 8.1). */
export function readTrailers(list: HeaderList): Fields | null {
  const fields: string[] = [];
  for (let index = 0; index < list.length; index++) {
    const entry = list.entries[index];
    if (entry === undefined) return null;
    const { kind, name, value } = entry;
    if (isPseudo(kind) || kind === KIND_CONNECTION || kind === KIND_INVALID) return null;
    // What they would say is long decided: they would only mislead whoever merges trailers into the head.
    if (!FORBIDDEN_TRAILERS.has(name)) fields.push(name, value);
  }
  return fields;
}

/** Writes an answer's block; an accepted upgrade is 200 on the wire. */
export function writeResponseHead(encoder: HpackEncoder, head: ResponseHead): void {
  encoder.begin();
  encoder.field(":status", head.status === 101 ? "200" : String(head.status));
  writeFields(encoder, head.fields, head.contentLength);
}

/** Writes trailers' block. */
export function writeTrailers(encoder: HpackEncoder, fields: Fields): void {
  encoder.begin();
  writeFields(encoder, fields, -1);
}
