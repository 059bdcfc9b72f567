// What the tests of this folder share: a hand-made peer that writes raw frames and reads what a session answers.
import {
  type ClientSessionHandler,
  type ClientStream,
  type Fields,
  type Refusal,
  type RequestHead,
  type RequestReceiver,
  ResponseHead,
  type ResponseReceiver,
  type ServerSessionHandler,
  type ServerStream,
} from "@weft/contract";
import { isWeftError, OutputBuffer } from "@weft/kernel";
import {
  createHttp2ClientOptions,
  createHttp2ServerOptions,
  Http2ClientSession,
  type Http2ClientOptions,
  type Http2ServerOptions,
  Http2ServerSession,
} from "./index.ts";
import { FRAME_HEADER_BYTES, PREFACE, readUint31, readUint32 } from "./frame.ts";

const TYPES = [
  "DATA",
  "HEADERS",
  "PRIORITY",
  "RST_STREAM",
  "SETTINGS",
  "PUSH_PROMISE",
  "PING",
  "GOAWAY",
  "WINDOW_UPDATE",
  "CONTINUATION",
];

export const END_STREAM = 0x01;
export const ACK = 0x01;
export const END_HEADERS = 0x04;
export const PADDED = 0x08;
export const PRIORITY = 0x20;

/** One frame with any payload. `type` by name. */
export function frame(
  type: string | number,
  flags: number,
  streamId: number,
  payload: Uint8Array | string = "",
): Buffer {
  const content = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + content.length);
  bytes.writeUIntBE(content.length, 0, 3);
  bytes[3] = typeof type === "number" ? type : TYPES.indexOf(type);
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(content, FRAME_HEADER_BYTES);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function setting(identifier: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([identifier >> 8, identifier & 0xff]), uint32(value)]);
}

/** A block of literals without indexing and without Huffman: says exactly what it is told, right or wrong. */
export function block(fields: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    parts.push(Buffer.from([0]), text(fields[index] ?? ""), text(fields[index + 1] ?? ""));
  }
  return Buffer.concat(parts);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** HEADERS with a block of literals. */
export function headers(streamId: number, fields: readonly string[], flags: number = END_HEADERS | END_STREAM): Buffer {
  return frame("HEADERS", flags, streamId, block(fields));
}

export const GET: readonly string[] = [":method", "GET", ":scheme", "http", ":authority", "a.test", ":path", "/"];
export const POST: readonly string[] = [":method", "POST", ":scheme", "http", ":authority", "a.test", ":path", "/up"];

/** Frames in words: `DATA 1 5 end`, `RST_STREAM 3 code 8`, `GOAWAY last 3 code 11`, `WINDOW_UPDATE 0 +1000`. */
export function describeFrames(bytes: Buffer): string[] {
  const words: string[] = [];
  let at = 0;
  if (bytes.subarray(0, PREFACE.length).equals(PREFACE)) {
    at = PREFACE.length;
    words.push("PREFACE");
  }
  while (at < bytes.length) {
    const byteCount = bytes.readUIntBE(at, 3);
    const payload = bytes.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + byteCount);
    if (payload.length < byteCount) throw new Error("the output ends within a frame");
    words.push(describe(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, readUint31(bytes, at + 5), payload));
    at += FRAME_HEADER_BYTES + byteCount;
  }
  return words;
}

function describe(type: number, flags: number, id: number, payload: Buffer): string {
  const end = (flags & END_STREAM) !== 0 ? " end" : "";
  switch (TYPES[type]) {
    case "DATA":
      return `DATA ${id} ${payload.length}${end}`;
    case "HEADERS":
      return `HEADERS ${id}${end}`;
    case "CONTINUATION":
      return `CONTINUATION ${id}${(flags & END_HEADERS) !== 0 ? " done" : ""}`;
    case "RST_STREAM":
      return `RST_STREAM ${id} code ${readUint32(payload, 0)}`;
    case "GOAWAY":
      return `GOAWAY last ${readUint31(payload, 0)} code ${readUint32(payload, 4)}`;
    case "WINDOW_UPDATE":
      return `WINDOW_UPDATE ${id} +${readUint31(payload, 0)}`;
    case "SETTINGS":
    case "PING":
      return `${TYPES[type]}${(flags & ACK) !== 0 ? " ack" : ""}`;
    default:
      return `${TYPES[type] ?? type} ${id}`;
  }
}

/** A clock that tests move by hand, and an output whose bytes they take. */
class Wire {
  nowMs: number = 0;
  readonly events: string[] = [];
  readonly output: OutputBuffer = new OutputBuffer({ onOutputPending(): void {} });

  /** What was written since the last call, in words. */
  written(): string[] {
    return describeFrames(this.takeBytes());
  }

  takeBytes(): Buffer {
    return Buffer.concat(this.output.take());
  }

  /** What happened since the last call. */
  heard(): string[] {
    return this.events.splice(0);
  }
}

/** A server session under test; the test is its client. */
export class ServerUnderTest extends Wire {
  readonly streams: ServerStream[] = [];
  readonly heads: RequestHead[] = [];
  readonly refusals: Refusal[] = [];
  /** Codes of what the client did wrong. */
  readonly protocolErrors: string[] = [];
  readonly session: Http2ServerSession;
  /** Called with each request after it is logged. */
  onRequest: (stream: ServerStream, head: RequestHead, isEnd: boolean) => void = () => {};
  onData: (stream: ServerStream, byteCount: number) => void = () => {};

  constructor(changes: Partial<Http2ServerOptions> = {}, isGreeted: boolean = true) {
    super();
    const handler: ServerSessionHandler = {
      onRequest: (stream, head, isEnd) => {
        const id = this.streams.push(stream);
        this.heads.push(head);
        this.events.push(`request ${id} ${head.method} ${head.path}${isEnd ? " end" : ""}`);
        stream.receiver = this.#receiver(stream, id);
        this.onRequest(stream, head, isEnd);
      },
      onRequestRefused: (refusal) => {
        this.refusals.push(refusal);
        const body = Buffer.from("refused");
        return refusal.status === 0 ? null : { head: new ResponseHead(refusal.status, [], body.length), body };
      },
      onProtocolError: (code) => this.protocolErrors.push(code),
      onReadPaused: (isPaused) => this.events.push(`paused ${isPaused}`),
      onOutputEnd() {},
      onSessionEnd: (error) => this.events.push(`session end ${isWeftError(error) ? error.code : "ok"}`),
      onPong: () => this.events.push("pong"),
    };
    const options = createHttp2ServerOptions({ nowMs: () => this.nowMs, ...changes });
    this.session = new Http2ServerSession(this.output, handler, options);
    if (!isGreeted) return;
    this.send(PREFACE, frame("SETTINGS", 0, 0), frame("SETTINGS", ACK, 0));
    this.takeBytes();
  }

  #receiver(stream: ServerStream, id: number): RequestReceiver {
    return {
      onRequestData: (_bytes, start, end, isEnd) => {
        this.events.push(`data ${id} ${end - start}${isEnd ? " end" : ""}`);
        this.onData(stream, end - start);
      },
      onRequestTrailers: (fields) => this.events.push(`trailers ${id} ${fields.join("=")}`),
      onRequestReset: (reason) => this.events.push(`reset ${id} ${reason}`),
      onRequestRefused: () => null,
      onResponseWritable: () => this.events.push(`writable ${id}`),
    };
  }

  /** The session receives these frames in one read. */
  send(...frames: readonly Uint8Array[]): this {
    const bytes = Buffer.concat(frames);
    this.session.receive(bytes, 0, bytes.length);
    return this;
  }

  stream(index: number): ServerStream {
    const stream = this.streams[index];
    if (stream === undefined) throw new Error(`request ${index} has not come`);
    return stream;
  }
}

/** A client session under test; the test is its server. */
export class ClientUnderTest extends Wire {
  readonly session: Http2ClientSession;
  /** How often it was told that streams may be opened and none is open. */
  idleCount: number = 0;
  readonly heads: { readonly status: number; readonly fields: Fields; readonly contentLength: number }[] = [];

  constructor(changes: Partial<Http2ClientOptions> = {}, isGreeted: boolean = true) {
    super();
    const handler: ClientSessionHandler = {
      onStreamsAvailable: () => {
        if (this.session.activeStreams === 0) this.idleCount++;
        else this.events.push("available");
      },
      onDraining: () => this.events.push("draining"),
      onReadPaused: (isPaused) => this.events.push(`paused ${isPaused}`),
      onOutputEnd() {},
      onSessionEnd: (error) => this.events.push(`session end ${isWeftError(error) ? error.code : "ok"}`),
      onPong: () => this.events.push("pong"),
    };
    const options = createHttp2ClientOptions({ nowMs: () => this.nowMs, ...changes });
    this.session = new Http2ClientSession(this.output, handler, options);
    if (!isGreeted) return;
    this.send(frame("SETTINGS", 0, 0), frame("SETTINGS", ACK, 0));
    this.takeBytes();
  }

  open(head: RequestHead, isEnd: boolean = true): ClientStream {
    const id = this.#opened;
    this.#opened += 2;
    return this.session.open(head, isEnd, this.#receiver(id));
  }

  #opened: number = 1;

  #receiver(id: number): ResponseReceiver {
    return {
      onInformational: (head) => this.events.push(`informational ${id} ${head.status}`),
      onResponseHead: (head, isEnd) => {
        this.heads.push(head);
        this.events.push(`head ${id} ${head.status}${isEnd ? " end" : ""}`);
      },
      onResponseData: (_bytes, start, end, isEnd) =>
        this.events.push(`data ${id} ${end - start}${isEnd ? " end" : ""}`),
      onResponseTrailers: (fields) => this.events.push(`trailers ${id} ${fields.join("=")}`),
      onResponseReset: (reason) => this.events.push(`reset ${id} ${reason}`),
      onRequestWritable: () => this.events.push(`writable ${id}`),
    };
  }

  send(...frames: readonly Uint8Array[]): this {
    const bytes = Buffer.concat(frames);
    this.session.receive(bytes, 0, bytes.length);
    return this;
  }
}
