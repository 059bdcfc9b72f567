import { RequestHead } from "@weft/contract";
import {
  isPseudo,
  KIND_AUTHORITY,
  KIND_CONTENT_LENGTH,
  KIND_COOKIE,
  KIND_EXPECT,
  KIND_HOST,
  KIND_METHOD,
  KIND_PATH,
  KIND_PROTOCOL,
  KIND_REGULAR,
  KIND_SCHEME,
  KIND_TE,
  KIND_UNDERSCORE,
} from "./field-kinds.ts";
import {
  acceptsTrailers,
  isAuthority,
  isMethod,
  isOmitted,
  isPath,
  isScheme,
  parseContentLength,
} from "./field-syntax.ts";
import type { HeaderList } from "./hpack-decoder.ts";
import type { HpackEncoder } from "./hpack-encoder.ts";

/** What a request's fields add up to while they are read; one for all, since reading is never interrupted. */
class RequestDraft {
  method: string = "";
  scheme: string = "";
  authority: string = "";
  path: string = "";
  protocol: string = "";
  host: string = "";
  contentLength: number = -1;
  expectsContinue: boolean = false;
  /** Where the joined cookie's value is in `fields`; -1 before the first. */
  cookieAt: number = -1;
  /** One bit for every kind that may stand only once. */
  seen: number = 0;
  fields: string[] = [];

  begin(): void {
    this.method = "";
    this.scheme = "";
    this.authority = "";
    this.path = "";
    this.protocol = "";
    this.host = "";
    this.contentLength = -1;
    this.expectsContinue = false;
    this.cookieAt = -1;
    this.seen = 0;
    this.fields = [];
  }

  /** Takes a pseudo field; false when it is late, doubled or none of a request's. */
  takePseudo(kind: number, value: string): boolean {
    if (this.fields.length > 0 || this.host !== "" || !this.#isFirst(kind)) return false;
    if (kind === KIND_METHOD) this.method = value;
    else if (kind === KIND_SCHEME) this.scheme = value;
    else if (kind === KIND_AUTHORITY) this.authority = value;
    else if (kind === KIND_PATH) this.path = value;
    else if (kind === KIND_PROTOCOL) this.protocol = value;
    else return false;
    return true;
  }

  /** Takes a field with a meaning of its own; false when it is malformed. */
  takeSpecial(kind: number, name: string, value: string): boolean {
    switch (kind) {
      case KIND_HOST:
        this.host = value;
        return value !== "" && this.#isFirst(kind);
      case KIND_CONTENT_LENGTH:
        this.contentLength = parseContentLength(value);
        if (this.contentLength < 0 || !this.#isFirst(kind)) return false;
        break;
      case KIND_TE:
        if (value.toLowerCase() !== "trailers") return false;
        break;
      case KIND_COOKIE:
        if (this.cookieAt >= 0) {
          this.fields[this.cookieAt] = `${this.fields[this.cookieAt]}; ${value}`;
          return true;
        }
        this.cookieAt = this.fields.length + 1;
        break;
      case KIND_EXPECT:
        this.expectsContinue = value.toLowerCase() === "100-continue";
        break;
      case KIND_UNDERSCORE:
        break;
      default:
        return false;
    }
    this.fields.push(name, value);
    return true;
  }

  #isFirst(kind: number): boolean {
    const bit = 1 << kind;
    const isFirst = (this.seen & bit) === 0;
    this.seen |= bit;
    return isFirst;
  }
}

const draft: RequestDraft = new RequestDraft();

/**
 * A decoded list as a request, or null when it is malformed (RFC 9113 sections 8.2 and 8.3.1). `isEnd`: the request
 * ends with its HEADERS.
 */
export function readRequestHead(list: HeaderList, isEnd: boolean): RequestHead | null {
  draft.begin();
  const fields = draft.fields;
  for (let index = 0; index < list.length; index++) {
    const entry = list.entries[index];
    if (entry === undefined) return null;
    const { kind, name, value } = entry;
    if (kind === KIND_REGULAR) fields.push(name, value);
    else if (isPseudo(kind)) {
      if (!draft.takePseudo(kind, value)) return null;
    } else if (!draft.takeSpecial(kind, name, value)) return null;
  }
  const { method, scheme, path, protocol, host, expectsContinue } = draft;
  let { authority, contentLength } = draft;
  if (!isTarget(draft.seen, method, scheme, path, protocol)) return null;
  if (host !== "") {
    if (authority === "") authority = host;
    else if (authority !== host && authority.toLowerCase() !== host.toLowerCase()) return null;
  }
  if (!isAuthority(authority)) return null;
  if (isEnd) {
    if (contentLength > 0) return null;
    contentLength = 0;
  }
  return new RequestHead(method, scheme, authority, path, fields, contentLength, protocol, expectsContinue);
}

/** What can be told, for the log, of a request that is refused; "" for what is not sound. */
export type RequestLine = Pick<RequestHead, "method" | "authority" | "path">;

/** What the pseudo fields of a list say that is refused, as far as it was read. */
export function readRequestLine(list: HeaderList): RequestLine {
  draft.begin();
  for (let index = 0; index < list.length; index++) {
    const entry = list.entries[index];
    if (entry === undefined || !isPseudo(entry.kind) || !draft.takePseudo(entry.kind, entry.value)) break;
  }
  const { method, authority, path } = draft;
  return {
    method: isMethod(method) ? method : "",
    authority: isAuthority(authority) ? authority : "",
    path: isPath(path, method) ? path : "",
  };
}

/** The rules on pseudo fields together: ordinary requests, CONNECT (section 8.5), extended CONNECT (RFC 8441). */
function isTarget(seen: number, method: string, scheme: string, path: string, protocol: string): boolean {
  const hasTarget = (seen & ((1 << KIND_SCHEME) | (1 << KIND_PATH))) !== 0;
  const hasProtocol = (seen & (1 << KIND_PROTOCOL)) !== 0;
  if (method === "CONNECT" && !hasProtocol) return !hasTarget && (seen & (1 << KIND_AUTHORITY)) !== 0;
  if (hasProtocol && (method !== "CONNECT" || !isMethod(protocol))) return false;
  return isMethod(method) && isScheme(scheme) && isPath(path, method);
}

/** Writes a request's block. `scheme` stands in for a head that does not say. */
export function writeRequestHead(encoder: HpackEncoder, head: RequestHead, scheme: string): void {
  encoder.begin();
  const isConnect = head.method === "CONNECT" && head.upgrade === "";
  encoder.field(":method", head.upgrade === "" ? head.method : "CONNECT");
  if (head.upgrade !== "") encoder.field(":protocol", head.upgrade);
  if (!isConnect) {
    encoder.field(":scheme", head.scheme === "" ? scheme : head.scheme);
    encoder.field(":path", head.path);
  }
  if (head.authority !== "") encoder.field(":authority", head.authority);
  writeFields(encoder, head.fields, head.contentLength);
}

/** Writes the fields that may stand in HTTP/2, with a content-length when the head knows one that they do not say. */
export function writeFields(encoder: HpackEncoder, fields: readonly string[], contentLength: number): void {
  let hasLength = contentLength <= 0;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] ?? "";
    const value = fields[index + 1] ?? "";
    if (name === "te") {
      if (acceptsTrailers(value)) encoder.field("te", "trailers");
      continue;
    }
    if (isOmitted(name)) continue;
    if (name === "content-length") hasLength = true;
    encoder.field(name, value);
  }
  if (!hasLength) encoder.field("content-length", String(contentLength));
}
