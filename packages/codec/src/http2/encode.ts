import type { OutputBuffer } from "@weft/kernel";
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_CONTINUATION,
  FRAME_GOAWAY,
  FRAME_HEADER_BYTES,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  SETTING_BYTES,
} from "./frame.ts";

/** Writes a frame's header; there must be room (`reserve`). Returns the position behind it. */
export function encodeFrameHeader(
  target: Buffer,
  at: number,
  byteCount: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  target[at] = byteCount >>> 16;
  target[at + 1] = byteCount >>> 8;
  target[at + 2] = byteCount;
  target[at + 3] = type;
  target[at + 4] = flags;
  target[at + 5] = streamId >>> 24;
  target[at + 6] = streamId >>> 16;
  target[at + 7] = streamId >>> 8;
  target[at + 8] = streamId;
  return at + FRAME_HEADER_BYTES;
}

function writeUint32(target: Buffer, at: number, value: number): number {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
  return at + 4;
}

/** A frame whose payload is one 32-bit number. */
function encodeNumber(output: OutputBuffer, type: number, streamId: number, value: number): void {
  const at = output.reserve(FRAME_HEADER_BYTES + 4);
  const payload = encodeFrameHeader(output.bytes, at, 4, type, 0, streamId);
  output.position = writeUint32(output.bytes, payload, value);
}

/** WINDOW_UPDATE; stream 0 is the connection. */
export function encodeWindowUpdate(output: OutputBuffer, streamId: number, increment: number): void {
  encodeNumber(output, FRAME_WINDOW_UPDATE, streamId, increment);
}

/** RST_STREAM with an error code of RFC 9113 section 7. */
export function encodeReset(output: OutputBuffer, streamId: number, errorCode: number): void {
  encodeNumber(output, FRAME_RST_STREAM, streamId, errorCode);
}

/** SETTINGS from a flat list: identifier, value, identifier, value, ... */
export function encodeSettings(output: OutputBuffer, settings: readonly number[]): void {
  const byteCount = (settings.length / 2) * SETTING_BYTES;
  let at = output.reserve(FRAME_HEADER_BYTES + byteCount);
  at = encodeFrameHeader(output.bytes, at, byteCount, FRAME_SETTINGS, 0, 0);
  for (let index = 0; index < settings.length; index += 2) {
    const identifier = settings[index] ?? 0;
    output.bytes[at++] = identifier >>> 8;
    output.bytes[at++] = identifier;
    at = writeUint32(output.bytes, at, settings[index + 1] ?? 0);
  }
  output.position = at;
}

/** The acknowledgement of the peer's SETTINGS. */
export function encodeSettingsAck(output: OutputBuffer): void {
  const at = output.reserve(FRAME_HEADER_BYTES);
  output.position = encodeFrameHeader(output.bytes, at, 0, FRAME_SETTINGS, FLAG_ACK, 0);
}

/** PING, or its answer, with the 8 bytes at `source[start]`. */
export function encodePing(output: OutputBuffer, isAck: boolean, source: Uint8Array, start: number): void {
  const at = output.reserve(FRAME_HEADER_BYTES + 8);
  const payload = encodeFrameHeader(output.bytes, at, 8, FRAME_PING, isAck ? FLAG_ACK : 0, 0);
  for (let index = 0; index < 8; index++) output.bytes[payload + index] = source[start + index] ?? 0;
  output.position = payload + 8;
}

/** GOAWAY with words for whoever reads the other end's log (latin1). */
export function encodeGoaway(output: OutputBuffer, lastStreamId: number, errorCode: number, debug: string): void {
  let at = output.reserve(FRAME_HEADER_BYTES + 8);
  at = encodeFrameHeader(output.bytes, at, 8 + debug.length, FRAME_GOAWAY, 0, 0);
  at = writeUint32(output.bytes, at, lastStreamId);
  output.position = writeUint32(output.bytes, at, errorCode);
  output.writeLatin1(debug);
}

/** HEADERS, continued by CONTINUATION where the block is longer than the peer's frames may be. */
export function encodeHeaderBlock(
  output: OutputBuffer,
  streamId: number,
  isEnd: boolean,
  block: Buffer,
  byteCount: number,
  frameBytesMax: number,
): void {
  const endFlag = isEnd ? FLAG_END_STREAM : 0;
  let start = 0;
  while (start === 0 || start < byteCount) {
    const end = Math.min(byteCount, start + frameBytesMax);
    const at = output.reserve(FRAME_HEADER_BYTES);
    const type = start === 0 ? FRAME_HEADERS : FRAME_CONTINUATION;
    const flags = (start === 0 ? endFlag : 0) | (end === byteCount ? FLAG_END_HEADERS : 0);
    output.position = encodeFrameHeader(output.bytes, at, end - start, type, flags, streamId);
    output.writeBytes(block, start, end);
    if (end === byteCount) return;
    start = end;
  }
}
