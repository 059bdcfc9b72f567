import type { OutputBuffer } from "@weft/kernel";
import type { DubboHeader } from "./decode.ts";
import { writeFrame } from "./encode.ts";
import {
  FLAG_EVENT,
  FLAG_REQUEST,
  FLAG_TWO_WAY,
  HEADER_BYTES,
  highHalf,
  lowHalf,
  SERIALIZATION_HESSIAN2,
  SERIALIZATION_MASK,
} from "./frame.ts";
import { HEARTBEAT_BODY_BYTES_MAX } from "./limits.ts";
import { STATUS_OK } from "./status.ts";

/** null in hessian2, which is what a heartbeat says. */
const NULL_BODY: Buffer = Buffer.from("N", "latin1");
/** "R" in hessian2: the server takes no new requests. */
const READONLY_BODY: Buffer = Buffer.from("\x01R", "latin1");

/** Asks for a sign of life. In hessian2, which every peer has; servers answer in the serialization of the question. */
export function writeHeartbeat(output: OutputBuffer, id: number): void {
  const flags = FLAG_REQUEST | FLAG_TWO_WAY | FLAG_EVENT | SERIALIZATION_HESSIAN2;
  writeFrame(output, flags, 0, highHalf(id), lowHalf(id), NULL_BODY, 0, NULL_BODY.length);
}

/** Answers the heartbeat at `at`, whose body is a null in its own serialization: it goes back as it came. */
export function writeHeartbeatAck(output: OutputBuffer, header: DubboHeader, bytes: Buffer, at: number): void {
  const { flags, idHigh, idLow, bodyBytes } = header;
  // What is longer is no heartbeat, but whoever sent it expects an answer: an empty one.
  const start = at + HEADER_BYTES;
  const end = bodyBytes > HEARTBEAT_BODY_BYTES_MAX ? start : start + bodyBytes;
  writeFrame(output, FLAG_EVENT | (flags & SERIALIZATION_MASK), STATUS_OK, idHigh, idLow, bytes, start, end);
}

/** Tells a client to send no more requests on this connection. */
export function writeReadonly(output: OutputBuffer): void {
  const flags = FLAG_REQUEST | FLAG_EVENT | SERIALIZATION_HESSIAN2;
  writeFrame(output, flags, 0, 0, 0, READONLY_BODY, 0, READONLY_BODY.length);
}

/**
 * True when the body of an event that wants no answer says "R". In hessian2 that is exact; other serializations write a
 * letter in their own ways, all with its byte (kryo sets the high bit of the last one), and events have no other words
 * with an R.
 */
export function isReadonly(header: DubboHeader, bytes: Buffer, at: number): boolean {
  const start = at + HEADER_BYTES;
  const end = start + header.bodyBytes;
  if ((header.flags & SERIALIZATION_MASK) === SERIALIZATION_HESSIAN2) {
    return READONLY_BODY.equals(bytes.subarray(start, end));
  }
  if (header.bodyBytes > HEARTBEAT_BODY_BYTES_MAX) return false;
  for (let index = start; index < end; index++) if (((bytes[index] ?? 0) & 0x7f) === 0x52) return true;
  return false;
}
