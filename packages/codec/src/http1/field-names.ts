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

/** The names above as they are usually spelled: "content-type" and "Content-Type". Never grows. */
const FIELD_NAMES: ReadonlyMap<string, FieldName> = createFieldNames();

function createFieldNames(): Map<string, FieldName> {
  const names = new Map<string, FieldName>();
  const add = (lower: string, kind: number): void => {
    const name: FieldName = { lower, kind };
    names.set(lower, name);
    names.set(
      lower.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()),
      name,
    );
  };
  for (const lower of COMMON_NAMES) add(lower, FIELD_PLAIN);
  for (const [lower, kind] of SPECIAL_NAMES) add(lower, kind);
  return names;
}

/** The known name that `name` (as sent) is, whatever its case; undefined when it is not a known one. */
export function knownFieldName(name: string): FieldName | undefined {
  return FIELD_NAMES.get(name);
}

/**
 * Trailers that must not change what was already decided from the head (RFC 9110 section 6.5.1): framing, routing,
 * modifiers, authentication and what tells how the body is read. They are dropped.
 */
export const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "expires",
  "host",
  "http2-settings",
  "keep-alive",
  "location",
  "max-forwards",
  "pragma",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "range",
  "retry-after",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "vary",
  "www-authenticate",
]);
