import type { RequestHead, ResponseHead } from "@weft/contract";
import { RecordedRpcClient, RecordedRpcServer } from "../rpc/recorded-rpc.fixture.ts";
import { encodeText } from "./attachments.ts";
import { DubboClientSession } from "./client-session.ts";
import { HEADER_BYTES, writeHeader } from "./frame.ts";
import { createDubboClientOptions, createDubboServerOptions, type DubboChoices } from "./options.ts";
import { DubboServerSession } from "./server-session.ts";

/** A frame in words. */
export interface FrameWords {
  readonly flags: number;
  readonly status: number;
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly body: Buffer;
}

/** The bytes of a frame. */
export function frameOf(words: Partial<FrameWords> = {}): Buffer {
  const { flags = 0xc2, status = 0, id = "0000000000000001", body = requestBody() } = words;
  const frame = Buffer.alloc(HEADER_BYTES + body.length);
  const high = Number.parseInt(id.slice(0, 8), 16);
  const low = Number.parseInt(id.slice(8), 16);
  writeHeader(frame, 0, flags, status, high, low, body.length);
  body.copy(frame, HEADER_BYTES);
  return frame;
}

/** A response frame that says "hi". */
export function responseOf(words: Partial<FrameWords> = {}): Buffer {
  return frameOf({ flags: 0x02, status: 20, body: Buffer.from("\x91\x02hi", "latin1"), ...words });
}

/** Hessian2 text, one character per byte. */
export function text(value: string): string {
  const encoded = encodeText(Buffer.from(value, "utf8").toString("latin1"));
  if (encoded === null) throw new Error("too long");
  return encoded;
}

/** A map of strings. */
export function mapOf(pairs: Readonly<Record<string, string>>): string {
  return `H${Object.entries(pairs)
    .map(([key, value]) => text(key) + text(value))
    .join("")}Z`;
}

/** The body of a request of hessian2: `args` and `attachments` are values as they stand on the wire. */
export function requestBody(
  types: string = "Ljava/lang/String;",
  args: string = text("peter"),
  attachments: string = mapOf({ path: "com.shop.Risk", group: "gold", timeout: "1500" }),
): Buffer {
  const prefix = text("2.0.2") + text("com.shop.Risk") + text("2.0") + text("judge") + text(types);
  return Buffer.from(prefix + args + attachments, "latin1");
}

/** The frames in `bytes`, in words; throws when they are none. */
export function readFrames(bytes: Buffer): FrameWords[] {
  const frames: FrameWords[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.readUInt16BE(at) !== 0xdabb) throw new Error(`no magic at ${at}`);
    const end = at + HEADER_BYTES + bytes.readInt32BE(at + 12);
    if (end > bytes.length) throw new Error("a frame does not end");
    const id = bytes.toString("hex", at + 4, at + 12);
    const body = bytes.subarray(at + HEADER_BYTES, end);
    frames.push({ flags: bytes.readUInt8(at + 2), status: bytes.readUInt8(at + 3), id, body });
    at = end;
  }
  return frames;
}

/** For tests: a Dubbo server session and what it says. */
export class RecordedDubboServer extends RecordedRpcServer<DubboServerSession> {
  constructor(choices: DubboChoices = {}) {
    const options = createDubboServerOptions(choices);
    super((output, handler) => new DubboServerSession(output, handler, options));
  }

  frames(): FrameWords[] {
    return readFrames(this.bytes());
  }
}

/** For tests: a Dubbo client session and what it says. */
export class RecordedDubboClient extends RecordedRpcClient<DubboClientSession> {
  constructor(choices: DubboChoices = {}, lastId: number = 0) {
    const options = createDubboClientOptions(choices);
    super((output, handler) => new DubboClientSession(output, handler, options, lastId));
  }

  frames(): FrameWords[] {
    return readFrames(this.bytes());
  }
}

/** The head that a server session makes of a request frame. */
export function requestHeadOf(words: Partial<FrameWords> = {}): RequestHead {
  const server = new RecordedDubboServer();
  server.feed(frameOf(words));
  const head = server.request().requestHead;
  if (head === null) throw new Error("no head came");
  return head;
}

/** The head that a client session makes of a response frame. */
export function responseHeadOf(words: Partial<FrameWords> = {}): ResponseHead {
  const client = new RecordedDubboClient();
  const { answer } = client.call(requestHeadOf(), requestBody());
  client.feed(responseOf({ ...words, id: "0000000000000001" }));
  if (answer.responseHead === null) throw new Error("no head came");
  return answer.responseHead;
}
