import { crc32 } from "node:zlib";
import type { RequestHead, ResponseHead } from "@weft/contract";
import { RecordedRpcClient, RecordedRpcServer } from "../rpc/recorded-rpc.fixture.ts";
import { BoltClientSession } from "./client-session.ts";
import { CRC_BYTES, fixedHeaderBytes, hasChecksum } from "./frame.ts";
import { type BoltChoices, createBoltClientOptions, createBoltServerOptions } from "./options.ts";
import { BoltServerSession } from "./server-session.ts";

/** A frame in words, for tests to build any frame, right or wrong. */
export interface FrameWords {
  readonly protocolCode: number;
  readonly version: number;
  readonly type: number;
  readonly command: number;
  readonly commandVersion: number;
  readonly id: number;
  readonly codec: number;
  readonly switches: number;
  /** Timeout of a request, status of a response. */
  readonly detail: number;
  readonly className: string;
  readonly map: Buffer;
  readonly content: Buffer;
}

const DEFAULTS: FrameWords = {
  protocolCode: 1,
  version: 0,
  type: 1,
  command: 1,
  commandVersion: 1,
  id: 1,
  codec: 1,
  switches: 0,
  detail: 3000,
  className: "com.alipay.sofa.rpc.core.request.SofaRequest",
  map: headerMap({ service: "com.shop.Ledger:1.0", sofa_head_method_name: "book" }),
  content: Buffer.from("content"),
};

/** What makes a frame one of v2 with checksum. */
export const V2_CRC: Partial<FrameWords> = { protocolCode: 2, version: 2, switches: 1 };

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A header map; null stands for null, as value, and under the key "null" as key too. */
export function headerMap(pairs: Readonly<Record<string, string | null>>): Buffer {
  const parts: Buffer[] = [];
  for (const [key, value] of Object.entries(pairs)) {
    if (key === "null") parts.push(int32(-1));
    else parts.push(int32(Buffer.byteLength(key)), Buffer.from(key));
    if (value === null) parts.push(int32(-1));
    else parts.push(int32(Buffer.byteLength(value)), Buffer.from(value));
  }
  return Buffer.concat(parts);
}

/** The bytes of a frame, request by default. */
export function frameOf(words: Partial<FrameWords> = {}): Buffer {
  const all = { ...DEFAULTS, ...words };
  const { protocolCode, version, type, command, id, detail, className, map, content } = all;
  const isV2 = protocolCode === 2;
  const head = Buffer.alloc(fixedHeaderBytes(protocolCode, type));
  let at = head.writeUInt8(protocolCode, 0);
  if (isV2) at = head.writeUInt8(version, at);
  at = head.writeUInt8(type, at);
  at = head.writeUInt16BE(command, at);
  at = head.writeUInt8(all.commandVersion, at);
  at = head.writeUInt32BE(id, at);
  at = head.writeUInt8(all.codec, at);
  if (isV2) at = head.writeUInt8(all.switches, at);
  at = type === 0 ? head.writeUInt16BE(detail, at) : head.writeInt32BE(detail, at);
  at = head.writeUInt16BE(className.length, at);
  at = head.writeUInt16BE(map.length, at);
  head.writeUInt32BE(content.length, at);
  const frame = Buffer.concat([head, Buffer.from(className), map, content]);
  return isV2 && hasChecksum(version, all.switches) ? withChecksum(frame) : frame;
}

/** A response frame. */
export function responseOf(words: Partial<FrameWords> = {}): Buffer {
  const className = "com.alipay.sofa.rpc.core.response.SofaResponse";
  return frameOf({ type: 0, command: 2, detail: 0, className, map: Buffer.alloc(0), ...words });
}

function withChecksum(frame: Buffer): Buffer {
  const checksum = Buffer.alloc(CRC_BYTES);
  checksum.writeUInt32BE(crc32(frame));
  return Buffer.concat([frame, checksum]);
}

/** The frames in `bytes`, in words; throws when they are none or a checksum is wrong. */
export function readFrames(bytes: Buffer): FrameWords[] {
  const frames: FrameWords[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at;
    const protocolCode = bytes.readUInt8(at++);
    if (protocolCode !== 1 && protocolCode !== 2) throw new Error(`protocol ${protocolCode} at ${start}`);
    const version = protocolCode === 2 ? bytes.readUInt8(at++) : 0;
    const type = bytes.readUInt8(at);
    const command = bytes.readUInt16BE(at + 1);
    const commandVersion = bytes.readUInt8(at + 3);
    const id = bytes.readUInt32BE(at + 4);
    const codec = bytes.readUInt8(at + 8);
    const switches = protocolCode === 2 ? bytes.readUInt8(at + 9) : 0;
    at = start + fixedHeaderBytes(protocolCode, type) - 8;
    const detail = type === 0 ? bytes.readUInt16BE(at - 2) : bytes.readInt32BE(at - 4);
    const mapStart = at + 8 + bytes.readUInt16BE(at);
    const contentStart = mapStart + bytes.readUInt16BE(at + 2);
    const end = contentStart + bytes.readUInt32BE(at + 4);
    const className = bytes.toString("latin1", at + 8, mapStart);
    const map = bytes.subarray(mapStart, contentStart);
    const content = bytes.subarray(contentStart, end);
    at = end;
    if (hasChecksum(version, switches)) {
      if (bytes.readUInt32BE(end) !== crc32(bytes.subarray(start, end))) throw new Error("wrong checksum");
      at += CRC_BYTES;
    }
    if (at > bytes.length) throw new Error("a frame does not end");
    frames.push({
      protocolCode,
      version,
      type,
      command,
      commandVersion,
      id,
      codec,
      switches,
      detail,
      className,
      map,
      content,
    });
  }
  return frames;
}

/** For tests: a Bolt server session and what it says. */
export class RecordedBoltServer extends RecordedRpcServer<BoltServerSession> {
  constructor(choices: BoltChoices = {}) {
    const options = createBoltServerOptions(choices);
    super((output, handler) => new BoltServerSession(output, handler, options));
  }

  frames(): FrameWords[] {
    return readFrames(this.bytes());
  }
}

/** For tests: a Bolt client session and what it says. */
export class RecordedBoltClient extends RecordedRpcClient<BoltClientSession> {
  constructor(choices: BoltChoices = {}, lastId: number = 0) {
    const options = createBoltClientOptions(choices);
    super((output, handler) => new BoltClientSession(output, handler, options, lastId));
  }

  frames(): FrameWords[] {
    return readFrames(this.bytes());
  }
}

/** The head that a server session makes of a request frame. */
export function requestHeadOf(words: Partial<FrameWords> = {}): RequestHead {
  const server = new RecordedBoltServer();
  server.feed(frameOf(words));
  const head = server.request().requestHead;
  if (head === null) throw new Error("no head came");
  return head;
}

/** The head that a client session makes of a response frame. */
export function responseHeadOf(words: Partial<FrameWords> = {}): ResponseHead {
  const client = new RecordedBoltClient();
  const { answer } = client.call(requestHeadOf(), Buffer.from("content"));
  client.feed(responseOf({ ...words, id: 1 }));
  if (answer.responseHead === null) throw new Error("no head came");
  return answer.responseHead;
}
