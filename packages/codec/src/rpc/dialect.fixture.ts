// For tests: what both RPC codecs do alike, so that one suite runs over both.
import type { ClientSession, RequestHead, ResponseHead, ServerSession } from "@weft/contract";
import * as bolt from "../bolt/bolt.fixture.ts";
import * as dubbo from "../dubbo/dubbo.fixture.ts";
import type { RpcOptions } from "./options.ts";
import type { RecordedRpcClient, RecordedRpcServer } from "./recorded-rpc.fixture.ts";

/** A frame, as far as both protocols have it. */
export interface PlainFrame {
  readonly isRequest: boolean;
  readonly id: number;
  /** Of a response, on the wire. */
  readonly status: number;
  readonly body: string;
}

/** One of the protocols, in the words of the suite. */
export interface Dialect {
  readonly name: string;
  readonly headerBytes: number;
  /** Wire statuses of answers of ours. */
  readonly busy: number;
  readonly timedOut: number;
  readonly tooLarge: number;
  readonly ok: number;
  server(choices?: Partial<RpcOptions>): RecordedRpcServer<ServerSession>;
  client(choices?: Partial<RpcOptions>, lastId?: number): RecordedRpcClient<ClientSession>;
  request(id: number, payload?: string, isOneWay?: boolean): Buffer;
  response(id: number, payload?: string): Buffer;
  heartbeat(id: number): Buffer;
  /** A frame's fixed header that announces so many bytes behind it, as far as a length can say. */
  announce(isRequest: boolean, id: number, byteCount: number): Buffer;
  /** Heads as sessions make them, and the body that belongs to them. */
  requestHead(payload?: string, isOneWay?: boolean): RequestHead;
  responseHead(payload?: string): ResponseHead;
  requestBody(payload: string): Buffer;
  responseBody(payload: string): Buffer;
  frames(bytes: Buffer): PlainFrame[];
}

const BOLT: Dialect = {
  name: "bolt",
  headerBytes: 22,
  busy: 4,
  timedOut: 7,
  tooLarge: 9,
  ok: 0,
  server: (choices) => new bolt.RecordedBoltServer(choices),
  client: (choices, lastId) => new bolt.RecordedBoltClient(choices, lastId),
  request: (id, payload = "content", isOneWay = false) =>
    bolt.frameOf({ id, content: Buffer.from(payload), type: isOneWay ? 2 : 1 }),
  response: (id, payload = "answer") => bolt.responseOf({ id, content: Buffer.from(payload) }),
  heartbeat: (id) => bolt.frameOf({ id, command: 0, className: "", map: Buffer.alloc(0), content: Buffer.alloc(0) }),
  announce(isRequest, id, byteCount) {
    const words = { id, className: "", map: Buffer.alloc(0), content: Buffer.alloc(0) };
    const header = isRequest ? bolt.frameOf(words) : bolt.responseOf(words);
    header.writeUInt32BE(byteCount, header.length - 4);
    return header;
  },
  requestHead: (payload = "content", isOneWay = false) =>
    bolt.requestHeadOf({ content: Buffer.from(payload), type: isOneWay ? 2 : 1 }),
  responseHead: (payload = "answer") => bolt.responseHeadOf({ content: Buffer.from(payload) }),
  requestBody: (payload) => Buffer.from(payload),
  responseBody: (payload) => Buffer.from(payload),
  frames: (bytes) =>
    bolt.readFrames(bytes).map(({ type, id, detail, content }) => ({
      isRequest: type !== 0,
      id,
      status: type === 0 ? detail : 0,
      body: content.toString("latin1"),
    })),
};

const dubboId = (id: number): string => id.toString(16).padStart(16, "0");
const dubboRequest = (payload: string): Buffer => dubbo.requestBody("Ljava/lang/String;", dubbo.text(payload));
const dubboResponse = (payload: string): Buffer => Buffer.from(`\x91${dubbo.text(payload)}`, "latin1");

const DUBBO: Dialect = {
  name: "dubbo",
  headerBytes: 16,
  busy: 100,
  timedOut: 31,
  tooLarge: 40,
  ok: 20,
  server: (choices) => new dubbo.RecordedDubboServer(choices),
  client: (choices, lastId) => new dubbo.RecordedDubboClient(choices, lastId),
  request: (id, payload = "content", isOneWay = false) =>
    dubbo.frameOf({ id: dubboId(id), body: dubboRequest(payload), flags: isOneWay ? 0x82 : 0xc2 }),
  response: (id, payload = "answer") => dubbo.responseOf({ id: dubboId(id), body: dubboResponse(payload) }),
  heartbeat: (id) => dubbo.frameOf({ id: dubboId(id), flags: 0xe2, body: Buffer.from("N") }),
  announce(isRequest, id, byteCount) {
    const words = { id: dubboId(id), body: Buffer.alloc(0) };
    const header = isRequest ? dubbo.frameOf(words) : dubbo.responseOf(words);
    header.writeUInt32BE(byteCount, header.length - 4);
    return header;
  },
  requestHead: (payload = "content", isOneWay = false) =>
    dubbo.requestHeadOf({ body: dubboRequest(payload), flags: isOneWay ? 0x82 : 0xc2 }),
  responseHead: (payload = "answer") => dubbo.responseHeadOf({ body: dubboResponse(payload) }),
  requestBody: dubboRequest,
  responseBody: dubboResponse,
  frames: (bytes) =>
    dubbo.readFrames(bytes).map(({ flags, id, status, body }) => ({
      isRequest: (flags & 0x80) !== 0,
      id: Number.parseInt(id, 16),
      status,
      body: body.toString("latin1"),
    })),
};

/** The protocols that the suite runs over. */
export const DIALECTS: readonly Dialect[] = [BOLT, DUBBO];
