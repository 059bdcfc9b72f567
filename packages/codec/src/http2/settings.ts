import type { OutputBuffer } from "@weft/kernel";
import { encodeSettings, encodeWindowUpdate } from "./encode.ts";
import type { Http2ErrorCode } from "./errors.ts";
import {
  FRAME_BYTES_INITIAL,
  FRAME_BYTES_LARGEST,
  readUint32,
  SETTING_BYTES,
  SETTING_ENABLE_CONNECT_PROTOCOL,
  SETTING_ENABLE_PUSH,
  SETTING_HEADER_TABLE_SIZE,
  SETTING_INITIAL_WINDOW_SIZE,
  SETTING_MAX_CONCURRENT_STREAMS,
  SETTING_MAX_FRAME_SIZE,
  SETTING_MAX_HEADER_LIST_SIZE,
  WINDOW_BYTES_INITIAL,
  WINDOW_BYTES_MAX,
} from "./frame.ts";
import type { Http2Options } from "./options.ts";

/** Hears one setting of the peer after its value was judged. */
export interface SettingsReceiver {
  /** The code of the error that ends the connection, or null. */
  onSetting(identifier: number, value: number): Http2ErrorCode | null;
}

/** Reads a SETTINGS payload (RFC 9113 section 6.5) in order; the error that ends the connection, or null. */
export function readSettings(
  bytes: Uint8Array,
  start: number,
  end: number,
  receiver: SettingsReceiver,
): Http2ErrorCode | null {
  for (let at = start; at + SETTING_BYTES <= end; at += SETTING_BYTES) {
    const identifier = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const value = readUint32(bytes, at + 2);
    const error = judgeSetting(identifier, value) ?? receiver.onSetting(identifier, value);
    if (error !== null) return error;
  }
  return null;
}

function judgeSetting(identifier: number, value: number): Http2ErrorCode | null {
  switch (identifier) {
    case SETTING_ENABLE_PUSH:
    case SETTING_ENABLE_CONNECT_PROTOCOL:
      return value > 1 ? "HTTP2_PROTOCOL_ERROR" : null;
    case SETTING_INITIAL_WINDOW_SIZE:
      return value > WINDOW_BYTES_MAX ? "HTTP2_FLOW_CONTROL_ERROR" : null;
    case SETTING_MAX_FRAME_SIZE:
      return value < FRAME_BYTES_INITIAL || value > FRAME_BYTES_LARGEST ? "HTTP2_PROTOCOL_ERROR" : null;
    default:
      return null;
  }
}

/** Writes what a server says first. */
export function writeServerSettings(output: OutputBuffer, options: Http2Options): void {
  encodeSettings(output, [
    ...commonSettings(options),
    SETTING_MAX_CONCURRENT_STREAMS,
    options.streamsMax,
    SETTING_ENABLE_CONNECT_PROTOCOL,
    1,
  ]);
  writeConnectionWindow(output, options);
}

/** Writes what a client says after the preface: no push, hence no streams of the server's. */
export function writeClientSettings(output: OutputBuffer, options: Http2Options): void {
  encodeSettings(output, [...commonSettings(options), SETTING_ENABLE_PUSH, 0]);
  writeConnectionWindow(output, options);
}

function commonSettings(options: Http2Options): readonly number[] {
  return [
    SETTING_HEADER_TABLE_SIZE,
    options.headerTableBytes,
    SETTING_INITIAL_WINDOW_SIZE,
    options.streamWindowBytes,
    SETTING_MAX_FRAME_SIZE,
    options.frameBytesMax,
    SETTING_MAX_HEADER_LIST_SIZE,
    options.headerBytesMax,
  ];
}

function writeConnectionWindow(output: OutputBuffer, options: Http2Options): void {
  const increment = options.connectionWindowBytes - WINDOW_BYTES_INITIAL;
  if (increment > 0) encodeWindowUpdate(output, 0, increment);
}
