import type { Fields, RpcFrame } from "@weft/contract";

/*
 * Frames of Dubbo (apache/dubbo: ExchangeCodec), big-endian.
 *
 *     magic 0xdabb   flags   status   request id   body length   body
 *           2          1       1          8             4
 */

export const MAGIC_HIGH = 0xda;
export const MAGIC_LOW = 0xbb;

/** Bits of the flags; the low five are the serialization. */
export const FLAG_REQUEST = 0x80;
export const FLAG_TWO_WAY = 0x40;
export const FLAG_EVENT = 0x20;
export const SERIALIZATION_MASK = 0x1f;

/** The serialization whose bodies are looked into. */
export const SERIALIZATION_HESSIAN2 = 2;

export const HEADER_BYTES = 16;

const UINT32_COUNT = 4_294_967_296;
const SAFE_HIGH_MAX = 0x1f_ffff;

/** Where a request's attachments are in its body. */
export interface AttachmentsPlace {
  readonly start: number;
  readonly end: number;
  /** Fields of the classes that the arguments define: attachments may hold objects of them. */
  readonly classes: readonly number[];
}

/** What the codec keeps of a frame: with it the frame goes out again as it came, under another id. */
export class DubboFrame implements RpcFrame {
  readonly isOneWay: boolean;
  readonly timeoutMs: number;
  readonly fields: Fields;
  readonly flags: number;
  /** Of a response. */
  readonly status: number;
  /** Null where the body is opaque: then no field can be changed. */
  readonly attachments: AttachmentsPlace | null;

  constructor(flags: number, status: number, timeoutMs: number, fields: Fields, attachments: AttachmentsPlace | null) {
    this.isOneWay = (flags & (FLAG_REQUEST | FLAG_TWO_WAY)) === FLAG_REQUEST;
    this.timeoutMs = timeoutMs;
    this.fields = fields;
    this.flags = flags;
    this.status = status;
    this.attachments = attachments;
  }

  get protocol(): "dubbo" {
    return "dubbo";
  }

  get isRequest(): boolean {
    return (this.flags & FLAG_REQUEST) !== 0;
  }
}

/** True when this is one of our codec's frames. */
export function isDubboFrame(frame: RpcFrame | null): frame is DubboFrame {
  return frame instanceof DubboFrame;
}

/** Signed. */
export function readInt32(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

/** An id of ours from its two halves; 0, which no request has, where it cannot be one. */
export function joinId(high: number, low: number): number {
  return high > SAFE_HIGH_MAX ? 0 : high * UINT32_COUNT + low;
}

export function highHalf(id: number): number {
  return Math.floor(id / UINT32_COUNT);
}

export function lowHalf(id: number): number {
  return id % UINT32_COUNT;
}

/** Writes the fixed header at `at`; returns the position after it. */
export function writeHeader(
  bytes: Buffer,
  at: number,
  flags: number,
  status: number,
  idHigh: number,
  idLow: number,
  bodyBytes: number,
): number {
  bytes[at] = MAGIC_HIGH;
  bytes[at + 1] = MAGIC_LOW;
  bytes[at + 2] = flags;
  bytes[at + 3] = status;
  writeUint32(bytes, at + 4, idHigh);
  writeUint32(bytes, at + 8, idLow);
  writeUint32(bytes, at + 12, bodyBytes);
  return at + HEADER_BYTES;
}

function writeUint32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
