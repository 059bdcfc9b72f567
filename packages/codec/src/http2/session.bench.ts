import {
  type ClientSessionHandler,
  type ClientStream,
  RequestHead,
  ResponseHead,
  type ResponseReceiver,
  type ServerSessionHandler,
} from "@weft/contract";
import { OutputBuffer, releaseOutputSlab } from "@weft/kernel";
import { bench, run, summary } from "mitata";
import { createHttp2ClientOptions, createHttp2ServerOptions, Http2ClientSession, Http2ServerSession } from "./index.ts";

/** Streams in each direction per exchange, as with 50 streams on a connection. */
const BATCH = 50;

const sink = { onOutputPending(): void {} };
const body = Buffer.alloc(16_384, "x");

/** A client and a server session joined by their buffers; `exchange` runs BATCH unary requests through both. */
class Pair {
  readonly #toServer: OutputBuffer = new OutputBuffer(sink);
  readonly #toClient: OutputBuffer = new OutputBuffer(sink);
  readonly #server: Http2ServerSession;
  readonly #client: Http2ClientSession;
  #done: number = 0;
  readonly #receiver: ResponseReceiver;
  readonly #streams: ClientStream[] = [];

  constructor(answer: ResponseHead, bodyBytes: number) {
    const done = (): void => {
      this.#done++;
    };
    this.#receiver = {
      onInformational() {},
      onResponseHead: (_head, isEnd) => isEnd && done(),
      onResponseData: (_bytes, _start, _end, isEnd) => isEnd && done(),
      onResponseTrailers: done,
      onResponseReset() {},
      onRequestWritable() {},
    };
    const serverHandler: ServerSessionHandler = {
      onRequest(stream) {
        stream.sendHead(answer, false);
        stream.sendData(body, 0, bodyBytes, true);
      },
      onRequestRefused: () => null,
      onProtocolError() {},
      onReadPaused() {},
      onOutputEnd() {},
      onSessionEnd() {},
      onPong() {},
    };
    const clientHandler: ClientSessionHandler = {
      onStreamsAvailable() {},
      onDraining() {},
      onReadPaused() {},
      onOutputEnd() {},
      onSessionEnd() {},
      onPong() {},
    };
    this.#server = new Http2ServerSession(this.#toClient, serverHandler, createHttp2ServerOptions({ nowMs: () => 0 }));
    this.#client = new Http2ClientSession(this.#toServer, clientHandler, createHttp2ClientOptions({ nowMs: () => 0 }));
  }

  exchange(headOf: (index: number) => RequestHead): void {
    this.#done = 0;
    for (let index = 0; index < BATCH; index++) {
      this.#streams[index] = this.#client.open(headOf(index), true, this.#receiver);
    }
    while (this.#toServer.pendingBytes + this.#toClient.pendingBytes > 0) {
      for (const slab of this.#toServer.take()) {
        this.#server.receive(slab, 0, slab.length);
        releaseOutputSlab(slab);
      }
      for (const slab of this.#toClient.take()) {
        this.#client.receive(slab, 0, slab.length);
        releaseOutputSlab(slab);
      }
      for (const stream of this.#streams) stream.consume(16_384);
      this.#toServer.isCongested = false;
      this.#toClient.isCongested = false;
      this.#server.outputDrained();
    }
    if (this.#done !== BATCH) throw new Error(`${this.#done} of ${BATCH} requests were answered`);
  }
}

const fields = ["user-agent", "h2load nghttp2/1.52.0", "accept", "*/*", "x-tenant", "north-7"];
const head = new RequestHead("GET", "http", "orders.example.com", "/api/orders?page=1", fields, 0);
const answer = new ResponseHead(
  200,
  ["content-type", "application/json", "server", "weft", "content-length", "128"],
  128,
);
const same = new Pair(answer, 128);
const fresh = new Pair(answer, 128);
const large = new Pair(new ResponseHead(200, ["content-type", "application/json"], -1), 16_384);
let count = 0;

summary(() => {
  bench(`${BATCH} requests, same head, 128-byte answers`, () => same.exchange(() => head));
  bench(`${BATCH} requests, every path its own`, () =>
    fresh.exchange(
      () => new RequestHead("GET", "http", "orders.example.com", `/api/orders/${count++ % 1_000_000}`, fields, 0),
    ));
  bench(`${BATCH} requests, same head, 16 KiB answers`, () => large.exchange(() => head));
});

await run();
