/** Fields that the codec itself acts on; every other field is passed on as it is. */
export const FIELD_PLAIN = 0;
/** Hop-by-hop and without meaning for us: dropped. */
export const FIELD_DROPPED = 1;
export const FIELD_HOST = 2;
export const FIELD_CONTENT_LENGTH = 3;
export const FIELD_TRANSFER_ENCODING = 4;
export const FIELD_CONNECTION = 5;
export const FIELD_UPGRADE = 6;
export const FIELD_TE = 7;
export const FIELD_EXPECT = 8;
export const FIELD_WEBSOCKET_KEY = 9;
export const FIELD_WEBSOCKET_ACCEPT = 10;

/** A field name's canonical form and what the codec does with it. */
export interface FieldName {
  readonly lower: string;
  readonly kind: number;
}

/** A known name in one spelling. */
interface Spelling {
  readonly text: string;
  readonly name: FieldName;
}

const SPECIAL_NAMES: readonly (readonly [lower: string, kind: number])[] = [
  ["host", FIELD_HOST],
  ["content-length", FIELD_CONTENT_LENGTH],
  ["transfer-encoding", FIELD_TRANSFER_ENCODING],
  ["connection", FIELD_CONNECTION],
  ["upgrade", FIELD_UPGRADE],
  ["te", FIELD_TE],
  ["expect", FIELD_EXPECT],
  ["sec-websocket-key", FIELD_WEBSOCKET_KEY],
  ["sec-websocket-accept", FIELD_WEBSOCKET_ACCEPT],
  ["keep-alive", FIELD_DROPPED],
  ["proxy-connection", FIELD_DROPPED],
  ["http2-settings", FIELD_DROPPED],
];

/** Names that are met often: looked up instead of lower-cased, and shared as one string each. */
const COMMON_NAMES: readonly string[] = [
  ..."accept accept-encoding accept-language accept-ranges access-control-allow-origin age allow authorization".split(
    " ",
  ),
  ..."cache-control content-disposition content-encoding content-language content-location content-range".split(" "),
  ..."content-security-policy content-type cookie date dnt etag expires forwarded from if-match".split(" "),
  ..."if-modified-since if-none-match if-range if-unmodified-since last-modified link location origin".split(" "),
  ..."pragma priority proxy-authenticate proxy-authorization range referer retry-after sec-ch-ua".split(" "),
  ..."sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user".split(" "),
  ..."sec-websocket-extensions sec-websocket-protocol sec-websocket-version server set-cookie".split(" "),
  ..."strict-transport-security tracestate traceparent trailer upgrade-insecure-requests user-agent vary".split(" "),
  ..."via www-authenticate x-content-type-options x-forwarded-for x-forwarded-host x-forwarded-proto".split(" "),
  ..."x-frame-options x-powered-by x-real-ip x-request-id x-requested-with grpc-status grpc-message".split(" "),
];

/** Slots of the table of names, a power of two: a quarter full, so most names are found at once. */
const NAME_SLOTS = 1024;

/**
 * The names above as they are usually spelled, "content-type" and "Content-Type", by hash with linear probing. Faster
 * than a Map for names that were just cut out of a head, whose hash a Map computes anew. Never grows.
 */
const SPELLINGS: readonly (Spelling | null)[] = createSpellings();

function createSpellings(): (Spelling | null)[] {
  const slots: (Spelling | null)[] = Array.from({ length: NAME_SLOTS }, () => null);
  const add = (text: string, name: FieldName): void => {
    let slot = hashFieldName(text) & (NAME_SLOTS - 1);
    while (slots[slot] !== null) slot = (slot + 1) & (NAME_SLOTS - 1);
    slots[slot] = { text, name };
  };
  const addBoth = (lower: string, kind: number): void => {
    const title = lower.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
    add(lower, { lower, kind });
    add(title, { lower, kind });
  };
  for (const lower of COMMON_NAMES) addBoth(lower, FIELD_PLAIN);
  for (const [lower, kind] of SPECIAL_NAMES) addBoth(lower, kind);
  return slots;
}

/** One step of the hash of a field name; it begins with 0. */
export function hashFieldNameByte(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

function hashFieldName(name: string): number {
  let hash = 0;
  for (let index = 0; index < name.length; index++) hash = hashFieldNameByte(hash, name.charCodeAt(index));
  return hash;
}

/** The known name that `name` (in one of its usual spellings) is; undefined when it is none, or spelled otherwise. */
export function knownFieldName(name: string, hash: number = hashFieldName(name)): FieldName | undefined {
  let slot = hash & (NAME_SLOTS - 1);
  for (;;) {
    const spelling = SPELLINGS[slot];
    if (spelling === null || spelling === undefined) return undefined;
    if (spelling.text === name) return spelling.name;
    slot = (slot + 1) & (NAME_SLOTS - 1);
  }
}
