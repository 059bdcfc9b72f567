// For tests: two sidecars with mutual TLS between them, and npm peers or raw sockets at both ends.
import type { Socket } from "node:net";
import type { ClusterConfig, ListenerConfig, RouteRule, RpcProtocol } from "@weft/contract";
import { createCluster, createListener, createTestCertificate } from "@weft/testkit";
import type { ProxyOptions } from "./index.ts";
import { type ProxyFixture, startProxy, startTcpServer } from "./proxy.fixture.ts";

const INBOUND = createTestCertificate("inbound.mesh");
const OUTBOUND = createTestCertificate("outbound.mesh");

const INBOUND_LISTENER: ListenerConfig = createListener({
  name: "inbound",
  isEdge: false,
  tls: {
    certificates: [{ name: "inbound", certificateChain: INBOUND.certificate, privateKey: INBOUND.key }],
    hosts: [],
    clientCa: OUTBOUND.certificate,
    clientCertificate: "required",
    minVersion: "TLSv1.3",
    alpn: ["h2", "http/1.1"],
  },
});

const OUTBOUND_TLS: ClusterConfig["tls"] = {
  serverName: "inbound.mesh",
  ca: INBOUND.certificate,
  certificateChain: OUTBOUND.certificate,
  privateKey: OUTBOUND.key,
  minVersion: "TLSv1.3",
  subjectAltNames: [],
};

/** Two proxies in a row: `outbound` has the client, `inbound` the application. */
export interface Sidecars {
  readonly outbound: ProxyFixture;
  readonly inbound: ProxyFixture;
  /** Where clients connect. */
  readonly port: number;
}

/** What is changed of the two proxies. */
export interface SidecarChanges {
  readonly rules?: readonly RouteRule[];
  readonly outbound?: Partial<ClusterConfig>;
  readonly inbound?: Partial<ClusterConfig>;
  readonly options?: Partial<ProxyOptions>;
}

/** Starts both, with an application that speaks `protocol` on `port`. */
export async function startSidecars(
  protocol: RpcProtocol,
  port: number,
  { rules, outbound, inbound, options }: SidecarChanges = {},
): Promise<Sidecars> {
  const inner = await startProxy(
    [createCluster([port], { protocol, ...inbound })],
    undefined,
    INBOUND_LISTENER,
    options,
  );
  const outer = await startProxy(
    [createCluster([inner.port], { protocol, tls: OUTBOUND_TLS, ...outbound })],
    rules,
    createListener({ name: "outbound", isEdge: false }),
    options,
  );
  return { outbound: outer, inbound: inner, port: outer.port };
}

/** What a Bolt frame of a test says. */
export interface BoltRequest {
  readonly id: number;
  readonly timeoutMs?: number;
  /** 1 for a call, 2 for a one-way call. */
  readonly type?: 1 | 2;
  readonly service?: string;
  /** Of the header map, beside the service. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly content?: Buffer;
}

const CLASS_NAME = Buffer.from("com.alipay.sofa.rpc.core.request.SofaRequest");

/** A request in Bolt v1. */
export function boltRequest(request: BoltRequest): Buffer {
  const { id, timeoutMs = 3000, type = 1, service = "com.shop.Ledger:1.0", content = Buffer.from("N") } = request;
  const pairs = Object.entries({ service, ...request.headers });
  const map = Buffer.concat(pairs.flat().map(lengthAndText));
  const fixed = Buffer.alloc(22);
  fixed.writeUInt8(1, 0);
  fixed.writeUInt8(type, 1);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt8(1, 4);
  fixed.writeUInt32BE(id, 5);
  fixed.writeUInt8(1, 9);
  fixed.writeInt32BE(timeoutMs, 10);
  fixed.writeUInt16BE(CLASS_NAME.length, 14);
  fixed.writeUInt16BE(map.length, 16);
  fixed.writeUInt32BE(content.length, 18);
  return Buffer.concat([fixed, CLASS_NAME, map, content]);
}

/** A response in Bolt v1: to `id`, with `status` and nothing but content. */
export function boltResponse(id: number, status: number, content: Buffer): Buffer {
  const fixed = Buffer.alloc(20);
  fixed.writeUInt8(1, 0);
  fixed.writeUInt16BE(2, 2);
  fixed.writeUInt8(1, 4);
  fixed.writeUInt32BE(id, 5);
  fixed.writeUInt8(1, 9);
  fixed.writeUInt16BE(status, 10);
  fixed.writeUInt32BE(content.length, 16);
  return Buffer.concat([fixed, content]);
}

function lengthAndText(text: string): Buffer {
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeInt32BE(text.length, 0);
  bytes.write(text, 4, "latin1");
  return bytes;
}

/** A host that answers the id of each Bolt v1 request, as it comes, with what `answer` says; null for nothing. */
export async function startBoltServer(answer: (id: number, socket: Socket) => Buffer | null): Promise<number> {
  const { port } = await startTcpServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 22) {
        const length = 22 + rest.readUInt16BE(14) + rest.readUInt16BE(16) + rest.readUInt32BE(18);
        if (rest.length < length) return;
        const response = answer(rest.readUInt32BE(5), socket);
        rest = rest.subarray(length);
        if (response !== null) socket.write(response);
      }
    });
    socket.on("end", () => socket.end());
  });
  return port;
}

/** What a Dubbo frame of a test says. */
export interface DubboRequest {
  readonly id: number;
  readonly service?: string;
  readonly timeoutMs?: number;
  /** False for a one-way call. */
  readonly isTwoWay?: boolean;
  /** The one argument, a text. */
  readonly argument?: string;
}

const DUBBO_REQUEST = 0x80;
const DUBBO_TWO_WAY = 0x40;
const DUBBO_EVENT = 0x20;
const HESSIAN2 = 2;

/** A Dubbo frame with any flags, status and body. */
export function dubboFrame(id: number, flags: number, status: number, body: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16BE(0xdabb, 0);
  header.writeUInt8(flags, 2);
  header.writeUInt8(status, 3);
  header.writeBigUInt64BE(BigInt(id), 4);
  header.writeUInt32BE(body.length, 12);
  return Buffer.concat([header, body]);
}

/** A call of `judge` in hessian2. */
export function dubboRequest({
  id,
  service = "com.shop.Risk",
  timeoutMs = 3000,
  isTwoWay = true,
  argument = "peter",
}: DubboRequest): Buffer {
  const call = ["2.0.2", service, "1.0", "judge", "Ljava/lang/String;", argument].map(hessianText).join("");
  const attachments = { path: service, interface: service, version: "1.0", timeout: String(timeoutMs) };
  const map = `H${Object.entries(attachments).flat().map(hessianText).join("")}Z`;
  const flags = DUBBO_REQUEST | (isTwoWay ? DUBBO_TWO_WAY : 0) | HESSIAN2;
  return dubboFrame(id, flags, 0, Buffer.from(call + map, "latin1"));
}

/** A heartbeat that wants an answer. */
export function dubboHeartbeat(id: number): Buffer {
  return dubboFrame(id, DUBBO_REQUEST | DUBBO_TWO_WAY | DUBBO_EVENT | HESSIAN2, 0, Buffer.from("N"));
}

/** A response in hessian2: to `id`, with a text. */
export function dubboResponse(id: number, value: string, status: number = 20): Buffer {
  return dubboFrame(id, HESSIAN2, status, Buffer.from(`\x91${hessianText(value)}`, "latin1"));
}

/** Hessian2: the length in one byte below 32, in two below 1024, else with a tag before. */
function hessianText(text: string): string {
  const { length } = text;
  const low = String.fromCharCode(length & 0xff);
  if (length < 32) return low + text;
  const high = length >> 8;
  return length < 1024 ? String.fromCharCode(0x30 | high) + low + text : `S${String.fromCharCode(high)}${low}${text}`;
}

/** A host that answers the id of each Dubbo call, as it comes, with what `answer` says; null for nothing. */
export async function startDubboServer(answer: (id: number, socket: Socket) => Buffer | null): Promise<number> {
  const { port } = await startTcpServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 16) {
        const length = 16 + rest.readUInt32BE(12);
        if (rest.length < length) return;
        const isCall = (rest.readUInt8(2) & (DUBBO_REQUEST | DUBBO_EVENT)) === DUBBO_REQUEST;
        const response = isCall ? answer(Number(rest.readBigUInt64BE(4)), socket) : null;
        rest = rest.subarray(length);
        if (response !== null) socket.write(response);
      }
    });
    socket.on("end", () => socket.end());
  });
  return port;
}
