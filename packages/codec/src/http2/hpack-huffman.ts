import { sliceLatin1 } from "@weft/kernel";

/**
 * Bits of each symbol's code, RFC 7541 appendix B, 16 symbols a row, the end-of-string symbol last. The code is
 * canonical (equal lengths count up in symbol order), so the lengths say it all.
 */
const CODE_BITS: readonly number[] = [
  [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  [28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  [5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  [13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  [7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  [6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  [24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  [21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  [19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  [26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  [30],
].flat();

const END_OF_STRING = 256;
const CODE_BITS_MAX = 30;
/** Codes up to so many bits are found by one look into a table of 256. */
const FAST_BITS = 8;

/** Code of each symbol, right-aligned. */
const CODES: Uint32Array = new Uint32Array(CODE_BITS.length);
/** As `CODE_BITS`, for characters. */
const BITS: Uint8Array = new Uint8Array(256);
/** By the next 8 bits: symbol << 4 | bits of its code; 0 for longer codes. */
const FAST: Uint16Array = new Uint16Array(1 << FAST_BITS);
/** By code length: first code, number of codes, and where their symbols begin in `SYMBOLS`. */
const FIRST_CODE: Uint32Array = new Uint32Array(CODE_BITS_MAX + 1);
const CODE_COUNT: Uint16Array = new Uint16Array(CODE_BITS_MAX + 1);
const FIRST_SYMBOL: Uint16Array = new Uint16Array(CODE_BITS_MAX + 1);
const SYMBOLS: number[] = [];

function buildTables(): void {
  let code = 0;
  for (let bits = 1; bits <= CODE_BITS_MAX; bits++) {
    code = (code << 1) >>> 0;
    FIRST_CODE[bits] = code;
    FIRST_SYMBOL[bits] = SYMBOLS.length;
    for (let symbol = 0; symbol < CODE_BITS.length; symbol++) {
      if (CODE_BITS[symbol] !== bits) continue;
      CODES[symbol] = code;
      SYMBOLS.push(symbol);
      if (symbol < END_OF_STRING) BITS[symbol] = bits;
      if (bits <= FAST_BITS) {
        const shift = FAST_BITS - bits;
        FAST.fill((symbol << 4) | bits, code << shift, (code + 1) << shift);
      }
      code++;
    }
    CODE_COUNT[bits] = SYMBOLS.length - (FIRST_SYMBOL[bits] ?? 0);
  }
}
buildTables();

/** Where decoded bytes gather; grows to the largest string met, which the frame and block limits bound. */
let scratch: Buffer = Buffer.allocUnsafeSlow(4096);

/** Bytes that `text` (latin1) takes Huffman-coded. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index++) bits += BITS[text.charCodeAt(index) & 0xff] ?? 0;
  return (bits + 7) >> 3;
}

/** Writes `text` Huffman-coded at `at`; returns the position behind it. There must be room. */
export function encodeHuffman(text: string, target: Uint8Array, at: number): number {
  let held = 0;
  let heldBits = 0;
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index) & 0xff;
    const code = CODES[symbol] ?? 0;
    let bits = BITS[symbol] ?? 0;
    // At most 7 bits are held, so up to 24 fit on top of them without losing any; longer codes go in two parts.
    if (bits > 24) {
      bits -= 16;
      held = (held << bits) | (code >>> 16);
      heldBits += bits;
      while (heldBits >= 8) target[at++] = held >>> (heldBits -= 8);
      bits = 16;
    }
    held = (held << bits) | (bits === 16 ? code & 0xffff : code);
    heldBits += bits;
    while (heldBits >= 8) target[at++] = held >>> (heldBits -= 8);
  }
  if (heldBits > 0) target[at++] = (held << (8 - heldBits)) | (0xff >>> heldBits);
  return at;
}

/** The text that `bytes[start, end)` codes; null when the code is wrong or padded wrongly (RFC 7541 section 5.2). */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string | null {
  // The shortest code has 5 bits: a string grows by at most 8/5.
  if ((end - start) * 2 > scratch.length) scratch = Buffer.allocUnsafeSlow((end - start) * 2);
  const target = scratch;
  /** The last bytes read; the lowest `heldBits` of it are not decoded yet. */
  let held = 0;
  let heldBits = 0;
  let from = start;
  let at = 0;
  while (from < end) {
    held = (held << 8) | (bytes[from++] ?? 0);
    heldBits += 8;
    while (heldBits >= FAST_BITS) {
      const found = FAST[(held >>> (heldBits - FAST_BITS)) & 0xff] ?? 0;
      if (found !== 0) {
        target[at++] = found >> 4;
        heldBits -= found & 15;
        continue;
      }
      const bit = from * 8 - heldBits;
      const slow = decodeLongCode(bytes, bit, end * 8);
      if (slow < 0) return null;
      target[at++] = slow & 0xff;
      // Go on behind the long code, which ends within a byte that may not be read yet.
      const next = bit + (slow >> 8);
      from = (next + 7) >> 3;
      heldBits = from * 8 - next;
      held = bytes[from - 1] ?? 0;
    }
  }
  // Fewer than 8 bits are left: short codes, then padding of ones.
  while (heldBits > 0) {
    const ones = 0xff >>> heldBits;
    const found = FAST[((held << (8 - heldBits)) | ones) & 0xff] ?? 0;
    if (found === 0 || (found & 15) > heldBits) break;
    target[at++] = found >> 4;
    heldBits -= found & 15;
  }
  const padding = (1 << heldBits) - 1;
  return (held & padding) === padding ? sliceLatin1(target, 0, at) : null;
}

/** Code length << 8 | symbol; -1 when no symbol's code stands here. */
function decodeLongCode(bytes: Uint8Array, bit: number, bitEnd: number): number {
  let code = 0;
  for (let bits = 1; bits <= CODE_BITS_MAX && bit < bitEnd; bits++, bit++) {
    code = (code << 1) | (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    const offset = code - (FIRST_CODE[bits] ?? 0);
    if (offset >= 0 && offset < (CODE_COUNT[bits] ?? 0)) {
      const symbol = SYMBOLS[(FIRST_SYMBOL[bits] ?? 0) + offset] ?? END_OF_STRING;
      return symbol === END_OF_STRING ? -1 : (bits << 8) | symbol;
    }
  }
  return -1;
}
