import { crc32 } from "node:zlib";
import { type OutputBuffer, writeLatin1 } from "@weft/kernel";
import {
  COMMAND_REQUEST,
  COMMAND_RESPONSE,
  CRC_BYTES,
  fixedHeaderBytes,
  hasChecksum,
  PROTOCOL_V1,
  SWITCH_CRC,
  TYPE_RESPONSE,
  writeUint16,
  writeUint32,
} from "./frame.ts";

/** What a frame that is written has of its own, in the same words as a `BoltFrame`. */
export interface FrameFacts {
  readonly protocolCode: number;
  readonly version: number;
  readonly commandVersion: number;
  readonly codec: number;
  readonly switches: number;
}

/** Writes a request or response frame: `head` is class name and header map, one character per byte. */
export function writeFrame(
  output: OutputBuffer,
  facts: FrameFacts,
  type: number,
  detail: number,
  id: number,
  classBytes: number,
  head: string,
  content: Buffer,
  start: number,
  end: number,
): void {
  const command = type === TYPE_RESPONSE ? COMMAND_RESPONSE : COMMAND_REQUEST;
  const fixedBytes = fixedHeaderBytes(facts.protocolCode, type);
  const at = output.reserve(fixedBytes + head.length);
  const { bytes } = output;
  const lengths = writeFixedHeader(bytes, at, facts, type, command, detail, id);
  writeUint16(bytes, lengths, classBytes);
  writeUint16(bytes, lengths + 2, head.length - classBytes);
  writeUint32(bytes, lengths + 4, end - start);
  writeLatin1(bytes, head, at + fixedBytes);
  output.position = at + fixedBytes + head.length;
  if (!hasChecksum(facts.version, facts.switches)) return output.writeBytes(content, start, end);
  const headSum = crc32(bytes.subarray(at, output.position));
  output.writeBytes(content, start, end);
  writeChecksum(output, start === end ? headSum : crc32(content.subarray(start, end), headSum));
}

/** Writes a heartbeat, or the answer to one. */
export function writeHeartbeatFrame(
  output: OutputBuffer,
  facts: FrameFacts,
  type: number,
  command: number,
  detail: number,
  id: number,
): void {
  const fixedBytes = fixedHeaderBytes(facts.protocolCode, type);
  const at = output.reserve(fixedBytes);
  const { bytes } = output;
  const lengths = writeFixedHeader(bytes, at, facts, type, command, detail, id);
  bytes.fill(0, lengths, lengths + 8);
  output.position = at + fixedBytes;
  if (hasChecksum(facts.version, facts.switches)) writeChecksum(output, crc32(bytes.subarray(at, output.position)));
}

/** Everything before the lengths; returns where they begin. */
function writeFixedHeader(
  bytes: Buffer,
  at: number,
  facts: FrameFacts,
  type: number,
  command: number,
  detail: number,
  id: number,
): number {
  bytes[at++] = facts.protocolCode;
  if (facts.protocolCode !== PROTOCOL_V1) bytes[at++] = facts.version;
  bytes[at++] = type;
  at = writeUint16(bytes, at, command);
  bytes[at++] = facts.commandVersion;
  at = writeUint32(bytes, at, id);
  bytes[at++] = facts.codec;
  if (facts.protocolCode !== PROTOCOL_V1) {
    // sofa-bolt-node takes the bit for a checksum also where ver1 is 1 and none follows, and waits for it.
    bytes[at++] = facts.version === 2 ? facts.switches : facts.switches & ~SWITCH_CRC;
  }
  return type === TYPE_RESPONSE ? writeUint16(bytes, at, detail) : writeUint32(bytes, at, detail);
}

function writeChecksum(output: OutputBuffer, checksum: number): void {
  const at = output.reserve(CRC_BYTES);
  output.position = writeUint32(output.bytes, at, checksum);
}
