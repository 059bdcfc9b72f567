import type { Fields, RpcFrame } from "@weft/contract";

/*
 * Frames of Bolt (sofa-bolt: RpcCommandEncoder, RpcCommandDecoderV2), big-endian. v2 has two bytes more.
 *
 *     v1   proto type command ver2 id codec        timeout|status classLen headerLen contentLen
 *     v2   proto ver1 type command ver2 id codec switch timeout|status classLen headerLen contentLen
 *     size   1    1    1     2     1   4    1     1      4|2         2        2         4
 *
 *     then: class name, header map, content, and 4 bytes of CRC-32 over all of it iff ver1 is 2 and switch has bit 0
 */

/** The first byte. */
export const PROTOCOL_V1 = 1;
export const PROTOCOL_V2 = 2;

/** Types of frames. */
export const TYPE_RESPONSE = 0;
export const TYPE_REQUEST = 1;
export const TYPE_ONE_WAY = 2;

/** Commands. GOAWAY is MOSN's; Java peers do not know it, so it is understood and never sent. */
export const COMMAND_HEARTBEAT = 0;
export const COMMAND_REQUEST = 1;
export const COMMAND_RESPONSE = 2;
export const COMMAND_GOAWAY = 100;

/** Bit of the switch: a checksum follows, but only where ver1 is 2. */
export const SWITCH_CRC = 1;

export const CRC_BYTES = 4;
/** The longest fixed header: a request of v2. */
export const HEADER_BYTES_LONGEST = 24;
/** The number of the hessian2 serialization in frames of ours that have no body. */
export const CODEC_HESSIAN2 = 1;

/** What the codec keeps of a frame: with it the frame goes out again as it came, under another id. */
export class BoltFrame implements RpcFrame {
  readonly isOneWay: boolean;
  readonly timeoutMs: number;
  readonly fields: Fields;
  /** PROTOCOL_V1 or PROTOCOL_V2. */
  readonly protocolCode: number;
  /** ver1: 1 or 2; 0 in v1, which has none. */
  readonly version: number;
  readonly type: number;
  /** ver2. */
  readonly commandVersion: number;
  /** The body's serialization. */
  readonly codec: number;
  /** 0 in v1, which has none. */
  readonly switches: number;
  /** A request's timeout as it came (-1: none), or a response's status. */
  readonly detail: number;
  readonly classBytes: number;
  /** Class name and header map as they came, one character per byte. */
  readonly head: string;

  constructor(
    protocolCode: number,
    version: number,
    type: number,
    commandVersion: number,
    codec: number,
    switches: number,
    detail: number,
    classBytes: number,
    head: string,
    fields: Fields,
  ) {
    this.isOneWay = type === TYPE_ONE_WAY;
    this.timeoutMs = type === TYPE_RESPONSE ? 0 : Math.max(0, detail);
    this.fields = fields;
    this.protocolCode = protocolCode;
    this.version = version;
    this.type = type;
    this.commandVersion = commandVersion;
    this.codec = codec;
    this.switches = switches;
    this.detail = detail;
    this.classBytes = classBytes;
    this.head = head;
  }

  get protocol(): "bolt" {
    return "bolt";
  }
}

/** Bytes of the fixed header. */
export function fixedHeaderBytes(protocolCode: number, type: number): number {
  return (protocolCode === PROTOCOL_V1 ? 20 : 22) + (type === TYPE_RESPONSE ? 0 : 2);
}

/** True when a checksum follows the frame. sofa-bolt sets the bit by default, also where ver1 is 1 and none follows. */
export function hasChecksum(version: number, switches: number): boolean {
  return version === 2 && (switches & SWITCH_CRC) !== 0;
}

/** True when this is one of our codec's frames. */
export function isBoltFrame(frame: RpcFrame | null): frame is BoltFrame {
  return frame instanceof BoltFrame;
}

export function readUint16(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Signed. */
export function readInt32(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

export function readUint32(bytes: Buffer, at: number): number {
  return readInt32(bytes, at) >>> 0;
}

export function writeUint16(bytes: Buffer, at: number, value: number): number {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
  return at + 2;
}

export function writeUint32(bytes: Buffer, at: number, value: number): number {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  return at + 4;
}
