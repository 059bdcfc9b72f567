// Time and bytes per operation of the hot path. Run: node -C source packages/codec/src/rpc/session.bench.ts
import type {
  ClientSession,
  ClientSessionHandler,
  ClientStream,
  RequestHead,
  RequestReceiver,
  ResponseHead,
  ResponseReceiver,
  ServerSession,
  ServerSessionHandler,
  ServerStream,
} from "@weft/contract";
import { OutputBuffer, releaseOutputSlab } from "@weft/kernel";
import { bench, run, summary } from "mitata";
import { frameOf, headerMap, responseOf, V2_CRC } from "../bolt/bolt.fixture.ts";
import { BoltClientSession } from "../bolt/client-session.ts";
import { createBoltClientOptions, createBoltServerOptions } from "../bolt/options.ts";
import { BoltServerSession } from "../bolt/server-session.ts";
import { DubboClientSession } from "../dubbo/client-session.ts";
import * as dubbo from "../dubbo/dubbo.fixture.ts";
import { createDubboClientOptions, createDubboServerOptions } from "../dubbo/options.ts";
import { DubboServerSession } from "../dubbo/server-session.ts";

/** Forgets what was written, as a socket would after its write. */
function discardOutput(output: OutputBuffer): void {
  const slab = output.takeSlab();
  if (slab !== null) releaseOutputSlab(slab);
  else output.take();
}

const sink = { onOutputPending() {} };

/** One call on its way: what a proxy does with it, without routes. */
class Call implements RequestReceiver, ResponseReceiver {
  down: ServerStream | null = null;
  up: ClientStream | null = null;

  onRequestData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.up?.sendData(bytes, start, end, isEnd);
    this.down?.consume(end - start);
  }
  onRequestTrailers(): void {}
  onRequestReset(): void {}
  onRequestRefused(): null {
    return null;
  }
  onResponseWritable(): void {}
  onInformational(): void {}
  onResponseHead(head: ResponseHead, isEnd: boolean): void {
    this.down?.sendHead(head, isEnd);
  }
  onResponseData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.down?.sendData(bytes, start, end, isEnd);
  }
  onResponseTrailers(): void {}
  onResponseReset(): void {
    throw new Error("the stream was reset");
  }
  onRequestWritable(): void {}
}

/** Both sessions of a connection through a proxy. */
class Proxy implements ServerSessionHandler, ClientSessionHandler {
  readonly downOutput: OutputBuffer = new OutputBuffer(sink);
  readonly upOutput: OutputBuffer = new OutputBuffer(sink);
  readonly server: ServerSession;
  readonly client: ClientSession;
  readonly #call: Call = new Call();
  readonly #added: readonly string[];

  constructor(
    createServer: (output: OutputBuffer, handler: ServerSessionHandler) => ServerSession,
    createClient: (output: OutputBuffer, handler: ClientSessionHandler) => ClientSession,
    added: readonly string[],
  ) {
    this.server = createServer(this.downOutput, this);
    this.client = createClient(this.upOutput, this);
    this.#added = added;
  }

  onRequest(stream: ServerStream, head: RequestHead, isEnd: boolean): void {
    const call = this.#call;
    call.down = stream;
    stream.receiver = call;
    const sent = this.#added.length === 0 ? head : head.withFields([...head.fields, ...this.#added]);
    call.up = this.client.open(sent, isEnd, call);
  }
  onRequestRefused(): null {
    return null;
  }
  onProtocolError(code: string): void {
    throw new Error(code);
  }
  onReadPaused(): void {}
  onSessionEnd(): void {
    throw new Error("the session ended");
  }
  onStreamsAvailable(): void {}
  onDraining(): void {}
  onPong(): void {}
  onOutputEnd(): void {}

  /** A request and its answer. */
  pass(request: Buffer, response: Buffer): void {
    this.server.receive(request, 0, request.length);
    discardOutput(this.upOutput);
    this.client.receive(response, 0, response.length);
    discardOutput(this.downOutput);
  }
}

function boltProxy(added: readonly string[] = []): Proxy {
  const serverOptions = createBoltServerOptions();
  const clientOptions = createBoltClientOptions();
  return new Proxy(
    (output, handler) => new BoltServerSession(output, handler, serverOptions),
    (output, handler) => new BoltClientSession(output, handler, clientOptions),
    added,
  );
}

function dubboProxy(added: readonly string[] = []): Proxy {
  const serverOptions = createDubboServerOptions();
  const clientOptions = createDubboClientOptions();
  return new Proxy(
    (output, handler) => new DubboServerSession(output, handler, serverOptions),
    (output, handler) => new DubboClientSession(output, handler, clientOptions),
    added,
  );
}

/** `idAt`: where in an answer the four low bytes of the id are, which counts up. */
function benchPass(name: string, proxy: Proxy, requests: readonly Buffer[], response: Buffer, idAt: number): void {
  let turn = 0;
  bench(name, () => {
    const request = requests[turn++ % requests.length];
    if (request === undefined) return;
    response.writeUInt32BE(turn >>> 0, idAt);
    proxy.pass(request, response);
  });
}

const CONTENT = Buffer.alloc(1024, "x");

/** The headers of a call of SOFA RPC with a trace. */
function traced(id: string): Buffer {
  return headerMap({
    service: "com.shop.Ledger:1.0",
    sofa_head_method_name: "book",
    sofa_head_target_app: "ledger",
    sofa_head_target_service: "com.shop.Ledger:1.0",
    "rpc_trace_context.sofaRpcId": "0.1",
    "rpc_trace_context.sofaTraceId": id,
    "rpc_trace_context.sofaCallerApp": "shop",
    "rpc_trace_context.sofaCallerIp": "10.1.2.3",
  });
}

function benchBolt(): void {
  const one = [frameOf({ content: CONTENT, map: traced("same") })];
  const many = Array.from({ length: 20_000 }, (_, index) => frameOf({ content: CONTENT, map: traced(`id-${index}`) }));
  const response = responseOf({ content: CONTENT });
  benchPass("bolt: 1 KiB there and back, same header map", boltProxy(), one, response, 5);
  benchPass("bolt: 1 KiB there and back, always another header map", boltProxy(), many, response, 5);
  benchPass("bolt: the same with a field added", boltProxy(["traceparent", "00-1"]), many, response, 5);
  const checked = [frameOf({ ...V2_CRC, content: CONTENT })];
  benchPass("bolt: 1 KiB there with a checksum, back without", boltProxy(), checked, response, 5);
}

function benchHeartbeats(): void {
  const empty = { className: "", map: Buffer.alloc(0), content: Buffer.alloc(0) };
  const bolt = frameOf({ command: 0, ...empty });
  const { server, downOutput } = boltProxy();
  bench("bolt: heartbeat answered", () => {
    server.receive(bolt, 0, bolt.length);
    discardOutput(downOutput);
  });
  const heartbeat = dubbo.frameOf({ flags: 0xe2, body: Buffer.from("N") });
  const proxy = dubboProxy();
  bench("dubbo: heartbeat answered", () => {
    proxy.server.receive(heartbeat, 0, heartbeat.length);
    discardOutput(proxy.downOutput);
  });
  const { client, upOutput } = boltProxy();
  const ack = responseOf({ command: 0, ...empty });
  let id = 0;
  bench("bolt: ping() and its answer", () => {
    client.ping();
    discardOutput(upOutput);
    ack.writeUInt32BE(++id >>> 0, 5);
    client.receive(ack, 0, ack.length);
  });
}

function dubboBody(id: string): Buffer {
  const attachments = { path: "com.shop.Risk", interface: "com.shop.Risk", version: "2.0", timeout: "1500", trace: id };
  return dubbo.requestBody("Ljava/lang/String;", dubbo.text("x".repeat(900)), dubbo.mapOf(attachments));
}

function benchDubbo(): void {
  const one = [dubbo.frameOf({ body: dubboBody("same") })];
  const many = Array.from({ length: 20_000 }, (_, index) => dubbo.frameOf({ body: dubboBody(`id-${index}`) }));
  const response = dubbo.responseOf({ body: CONTENT });
  benchPass("dubbo: 1 KiB there and back, same attachments", dubboProxy(), one, response, 8);
  benchPass("dubbo: 1 KiB there and back, always other attachments", dubboProxy(), many, response, 8);
  benchPass("dubbo: the same with an attachment added", dubboProxy(["traceparent", "00-1"]), many, response, 8);
  const opaque = [dubbo.frameOf({ flags: 0xc6, body: CONTENT })];
  benchPass("dubbo: 1 KiB there and back, another serialization", dubboProxy(), opaque, response, 8);
}

summary(benchBolt);
summary(benchDubbo);
summary(benchHeartbeats);
await run();
