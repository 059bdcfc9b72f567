/** Bytes that delimit HTTP/1 messages. */
export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;

/**
 * How the end of a body is found (RFC 9112 section 6.3).
 *
 *     BODY_NONE          head CRLFCRLF
 *     BODY_LENGTH        head CRLFCRLF  n bytes
 *     BODY_CHUNKED       head CRLFCRLF  { size CRLF bytes CRLF }  0 CRLF  trailers CRLF
 *     BODY_UNTIL_CLOSE   head CRLFCRLF  bytes until the peer closes; answers only
 *     BODY_TUNNEL        head CRLFCRLF  raw bytes both ways, once the upgrade or CONNECT was accepted
 */
export const BODY_NONE = 0;
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;
export const BODY_UNTIL_CLOSE = 3;
export const BODY_TUNNEL = 4;

/** One of the `BODY_` constants. */
export type BodyFraming = 0 | 1 | 2 | 3 | 4;

/** Classes of bytes, as bits of `BYTE_CLASSES`. */
export const IS_TOKEN = 1;
/** Visible characters, space, tab and obs-text: what a field value may hold (RFC 9110 section 5.5). */
export const IS_VALUE = 2;
/** Visible ASCII but "#": what a request target may hold; a fragment never belongs into one. */
export const IS_TARGET = 4;
/** Letters, digits and "-._~": what we accept in a registered name of an authority. */
export const IS_HOST = 8;
export const IS_UPPER = 16;

/** The class bits of each byte. */
export const BYTE_CLASSES: Uint8Array = createByteClasses();

function createByteClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte);
    let bits = 0;
    if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char)) bits |= IS_TOKEN;
    if (byte === HTAB || (byte >= SP && byte !== 127)) bits |= IS_VALUE;
    if (byte > SP && byte < 127 && char !== "#") bits |= IS_TARGET;
    if (/[0-9A-Za-z\-._~]/.test(char)) bits |= IS_HOST;
    if (/[A-Z]/.test(char)) bits |= IS_UPPER;
    classes[byte] = bits;
  }
  return classes;
}

/** True when every character of `text` (of any length, also 0) is below 256 and in one of the classes `bits`. */
export function isAllOf(text: string, bits: number): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 255 || ((BYTE_CLASSES[code] as number) & bits) === 0) return false;
  }
  return true;
}

/**
 * Where the head that begins at `start` ends: the position after its CRLF CRLF, or -1 when that is not within
 * `bytes[from, end)`. `from` may lie up to 3 bytes before what is new.
 */
export function findHeadEnd(bytes: Buffer, from: number, end: number): number {
  // Looks at every fourth byte; only CR and LF can be part of what is searched.
  let at = from + 3;
  while (at < end) {
    const byte = bytes[at];
    if (byte === LF) {
      if (bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR) return at + 1;
      // This LF may be the second of the four.
      at += 2;
    } else if (byte === CR) {
      at += 1;
    } else {
      at += 4;
    }
  }
  return -1;
}

/** Position of the first LF of `bytes[start, end)` that does not follow a CR, or -1. `start` begins a line. */
export function findBareLineFeed(bytes: Buffer, start: number, end: number): number {
  let previous = start > 0 ? bytes[start - 1] : 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === LF && previous !== CR) return at;
    previous = byte;
  }
  return -1;
}
