/** Bytes in front of every payload: length (24), type (8), flags (8), reserved (1), stream (31). RFC 9113 section 4.1. */
export const FRAME_HEADER_BYTES = 9;

/** What a client sends first (RFC 9113 section 3.4). */
export const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

// Frame types, RFC 9113 section 6 and RFC 9218.
export const FRAME_DATA = 0;
export const FRAME_HEADERS = 1;
export const FRAME_PRIORITY = 2;
export const FRAME_RST_STREAM = 3;
export const FRAME_SETTINGS = 4;
export const FRAME_PUSH_PROMISE = 5;
export const FRAME_PING = 6;
export const FRAME_GOAWAY = 7;
export const FRAME_WINDOW_UPDATE = 8;
export const FRAME_CONTINUATION = 9;
export const FRAME_PRIORITY_UPDATE = 16;

// Flags. END_STREAM and ACK are the same bit on different frames.
export const FLAG_END_STREAM = 0x01;
export const FLAG_ACK = 0x01;
export const FLAG_END_HEADERS = 0x04;
export const FLAG_PADDED = 0x08;
export const FLAG_PRIORITY = 0x20;

/** Bytes of the priority fields that HEADERS may carry. */
export const PRIORITY_BYTES = 5;

// Settings, RFC 9113 section 6.5.2 and RFC 8441.
export const SETTING_HEADER_TABLE_SIZE = 1;
export const SETTING_ENABLE_PUSH = 2;
export const SETTING_MAX_CONCURRENT_STREAMS = 3;
export const SETTING_INITIAL_WINDOW_SIZE = 4;
export const SETTING_MAX_FRAME_SIZE = 5;
export const SETTING_MAX_HEADER_LIST_SIZE = 6;
export const SETTING_ENABLE_CONNECT_PROTOCOL = 8;

/** Bytes of one setting: identifier (16) and value (32). */
export const SETTING_BYTES = 6;

/** Every window until SETTINGS or WINDOW_UPDATE change it (RFC 9113 section 6.9.2). */
export const WINDOW_BYTES_INITIAL = 65_535;

/** No window may be larger (RFC 9113 section 6.9.1). */
export const WINDOW_BYTES_MAX = 0x7fffffff;

/** Payload that every peer accepts, and the most that any may ask for (RFC 9113 section 4.2). */
export const FRAME_BYTES_INITIAL = 16_384;
export const FRAME_BYTES_LARGEST = 16_777_215;

/** Highest number of a stream. */
export const STREAM_ID_MAX = 0x7fffffff;

/** Unsigned 32 bits, big end first. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

/** The lower 31 bits of what `readUint32` reads: stream numbers and window increments. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) & 0x7f) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}
