/**
 * Just enough of Protocol Buffers (https://protobuf.dev/programming-guides/encoding) for the messages of the demo: fields
 * of type string (wire type 2) and uint32 (wire type 0). Unknown fields are skipped, defaults are left out.
 */

/** What a field can hold here. */
export type FieldValue = string | number;

/** The fields of a message in the order of their numbers from 1, with their defaults, which also tell the types. */
export type MessageShape = Readonly<Record<string, FieldValue>>;

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/** Encodes the fields that differ from their defaults. */
export function encodeMessage<Shape extends MessageShape>(shape: Shape, message: Shape): Buffer {
  const parts: Buffer[] = [];
  Object.keys(shape).forEach((name, index) => {
    const value = message[name];
    if (value === undefined || value === shape[name]) return;
    if (typeof value === "number") {
      parts.push(varint(((index + 1) << 3) | WIRE_VARINT), varint(value));
      return;
    }
    const bytes = Buffer.from(value);
    parts.push(varint(((index + 1) << 3) | WIRE_BYTES), varint(bytes.length), bytes);
  });
  return Buffer.concat(parts);
}

/** Decodes a message; throws a RangeError when it is cut short or uses groups. */
export function decodeMessage<Shape extends MessageShape>(shape: Shape, bytes: Buffer): Shape {
  const names = Object.keys(shape);
  const message: Record<string, FieldValue> = { ...shape };
  const reader = { bytes, offset: 0 };
  while (reader.offset < bytes.length) {
    const tag = readVarint(reader);
    const name = names[(tag >>> 3) - 1];
    switch (tag & 7) {
      case WIRE_VARINT: {
        const value = readVarint(reader);
        if (name !== undefined && typeof shape[name] === "number") message[name] = value;
        break;
      }
      case WIRE_BYTES: {
        const value = take(reader, readVarint(reader));
        if (name !== undefined && typeof shape[name] === "string") message[name] = value.toString("utf8");
        break;
      }
      case WIRE_FIXED64:
        take(reader, 8);
        break;
      case WIRE_FIXED32:
        take(reader, 4);
        break;
      default:
        throw new RangeError(`Cannot decode a message: wire type ${tag & 7} is not in use any more`);
    }
  }
  return message as Shape;
}

interface Reader {
  readonly bytes: Buffer;
  offset: number;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function readVarint(reader: Reader): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const [byte = 0] = take(reader, 1);
    // Bits beyond 32 are dropped, as protobuf does for uint32.
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
  throw new RangeError("Cannot decode a message: a varint is longer than 10 bytes");
}

function take(reader: Reader, length: number): Buffer {
  const end = reader.offset + length;
  if (end > reader.bytes.length) throw new RangeError("Cannot decode a message: it is cut short");
  const piece = reader.bytes.subarray(reader.offset, end);
  reader.offset = end;
  return piece;
}
