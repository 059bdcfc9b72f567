import { connectRaw, type RawClient, until } from "./proxy.fixture.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;

/** One frame as bytes. */
export function frame(type: number, flags: number, streamId: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** A header block of literals without indexing and without Huffman codes: any bytes at all. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const text = (value: string): Buffer => Buffer.concat([prefixed(value.length), Buffer.from(value, "latin1")]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

/** An HPACK integer with a prefix of 7 bits. */
function prefixed(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  for (value -= 127; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.of(...bytes, value);
}

/** The pseudo fields of a sound GET, which a test may change. */
export function get(...more: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  return [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "a.example"], ...more];
}

/** HEADERS of a whole request without a body. */
export function request(streamId: number, fields: readonly (readonly [string, string])[]): Buffer {
  return frame(FRAME.headers, END_STREAM | END_HEADERS, streamId, block(fields));
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** A client that writes HTTP/2 by hand. */
export interface FrameClient extends RawClient {
  frames(): readonly Frame[];
  /** Resolves with the first frame that `isWanted`. */
  wait(isWanted: (frame: Frame) => boolean, what: string): Promise<Frame>;
}

/** Connects and sends the preface and empty SETTINGS, or those given. */
export function connectFrames(port: number, settings: Buffer = Buffer.alloc(0)): FrameClient {
  const client = connectRaw(port);
  client.socket.write(PREFACE, "latin1");
  client.socket.write(frame(FRAME.settings, 0, 0, settings));
  const frames = (): Frame[] => parseFrames(client.bytes());
  return {
    ...client,
    frames,
    wait: async (isWanted, what) => {
      let found: Frame | undefined;
      await until(() => (found = frames().find(isWanted)) !== undefined, what);
      if (found === undefined) throw new Error(what);
      return found;
    },
  };
}

function parseFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 9) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      streamId: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}
