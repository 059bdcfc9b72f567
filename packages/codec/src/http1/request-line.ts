import { sliceLatin1 } from "@weft/kernel";
import { REQUEST_LINE_LOG_BYTES_MAX } from "./limits.ts";
import { decodeTarget, isAuthority } from "./target.ts";

/** What the first line of a request says. */
export interface RequestLine {
  readonly method: string;
  /** "" where the target does not say. */
  readonly authority: string;
  readonly path: string;
}

/** Nothing is known. */
export const NO_LINE: RequestLine = { method: "", authority: "", path: "" };

/** RFC 9112 section 3; the methods are those of RFC 9110's token. */
const SOUND_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+) HTTP\/\d\.\d\r\n/;
const SOUND_METHOD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) /;

/**
 * What can be told, for the log, of a request in `bytes[start, end)` that is refused: its whole first line if that is
 * sound, and then the host that it names, else its method, else nothing.
 */
export function readRequestLine(bytes: Buffer, start: number, end: number): RequestLine {
  const text = sliceLatin1(bytes, start, Math.min(end, start + REQUEST_LINE_LOG_BYTES_MAX));
  const [, method = "", target = ""] = SOUND_LINE.exec(text) ?? SOUND_METHOD.exec(text) ?? [];
  const decoded = target === "" ? null : decodeTarget(method, target);
  if (decoded === null) return { method, authority: "", path: "" };
  return { method, authority: decoded.authority === "" ? readHost(text) : decoded.authority, path: decoded.path };
}

/** The one sound Host of a head, as far as it is here; "" for none. */
function readHost(text: string): string {
  const headEnd = text.indexOf("\r\n\r\n");
  const head = headEnd < 0 ? text : text.slice(0, headEnd + 2);
  const [field, second] = head.matchAll(/\r\nhost:([^\r\n]*)(?=\r\n)/gi);
  const host = field?.[1]?.trim() ?? "";
  return second === undefined && isAuthority(host, false) ? host : "";
}
