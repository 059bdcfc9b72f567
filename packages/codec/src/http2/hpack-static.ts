import { fieldKind, KIND_INVALID, nameKind } from "./field-kinds.ts";
import { HpackEntry } from "./hpack-entry.ts";

/** RFC 7541 appendix A, from index 1. */
const STATIC_FIELDS: readonly (readonly [name: string, value: string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

/** Highest index of the static table; the dynamic table begins behind it. */
export const STATIC_INDEX_MAX: number = STATIC_FIELDS.length;

/** The static table as the decoder reads it; index 0 is never used. */
export const STATIC_ENTRIES: readonly HpackEntry[] = [
  new HpackEntry("", "", KIND_INVALID, KIND_INVALID),
  ...STATIC_FIELDS.map(([name, value]) => {
    const kind = nameKind(name);
    return new HpackEntry(name, value, fieldKind(kind, value), kind);
  }),
];

/** The lowest static index of a name. */
export const STATIC_NAME_INDEX: ReadonlyMap<string, number> = new Map(
  STATIC_FIELDS.map(([name], position): [string, number] => [name, position + 1]).reverse(),
);

/** The static index of `name` with exactly `value`, 0 when there is none. `nameIndex` is the name's lowest index. */
export function staticIndexOf(nameIndex: number, name: string, value: string): number {
  for (let index = nameIndex; index <= STATIC_INDEX_MAX; index++) {
    const entry = STATIC_ENTRIES[index];
    if (entry === undefined || entry.name !== name) return 0;
    if (entry.value === value) return index;
  }
  return 0;
}
