// Time and bytes per operation of the hot path. Run: node -C source packages/codec/src/http1/session.bench.ts
import {
  RequestHead,
  ResponseHead,
  type ClientSessionHandler,
  type RequestReceiver,
  type ResponseReceiver,
  type ServerSessionHandler,
  type ServerStream,
} from "@weft/contract";
import { OutputBuffer, releaseOutputSlab } from "@weft/kernel";
import { bench, run, summary } from "mitata";
import { Http1ClientSession } from "./client-session.ts";
import { decodeRequest } from "./decode.ts";
import { encodeRequestHead } from "./encode.ts";
import { BODY_NONE } from "./frame.ts";
import { createHttp1ClientOptions, createHttp1ServerOptions } from "./options.ts";
import { Http1ServerSession } from "./server-session.ts";

const SMALL_HEAD = "GET /bench HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

/** Eight fields as a browser or an SDK sends them; `id` makes it unique. */
function largeHead(id: string): string {
  return (
    "GET /api/orders/42?expand=lines HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
    "Accept: application/json\r\nAccept-Encoding: gzip, br\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n" +
    `Cookie: session=abcdef0123456789; theme=dark\r\nX-Request-Id: ${id}\r\nConnection: keep-alive\r\n\r\n`
  );
}

const nothing: RequestReceiver & ResponseReceiver = {
  onRequestData() {},
  onRequestTrailers() {},
  onRequestReset() {},
  onRequestRefused: () => null,
  onResponseWritable() {},
  onInformational() {},
  onResponseHead() {},
  onResponseData() {},
  onResponseTrailers() {},
  onResponseReset() {},
  onRequestWritable() {},
};

/** Forgets what was written, as a socket would after its write. */
function discardOutput(output: OutputBuffer): void {
  const slab = output.takeSlab();
  if (slab !== null) releaseOutputSlab(slab);
}

const OK_HEAD = new ResponseHead(200, ["content-type", "text/plain", "server", "weft"], 2);
const OK_BODY = Buffer.from("ok");

class AnsweringHandler implements ServerSessionHandler {
  onRequest(stream: ServerStream): void {
    stream.receiver = nothing;
    stream.sendHead(OK_HEAD, false);
    stream.sendData(OK_BODY, 0, 2, true);
  }
  onRequestRefused(): null {
    return null;
  }
  onProtocolError(): void {}
  onReadPaused(): void {}
  onOutputEnd(): void {}
  onSessionEnd(): void {
    throw new Error("the session ended");
  }
  onPong(): void {}
}

const clientHandler: ClientSessionHandler = {
  onStreamsAvailable() {},
  onDraining() {},
  onReadPaused() {},
  onOutputEnd() {},
  onSessionEnd() {
    throw new Error("the session ended");
  },
  onPong() {},
};

function benchServer(name: string, heads: readonly Buffer[]): void {
  const output = new OutputBuffer({ onOutputPending() {} });
  const session = new Http1ServerSession(output, new AnsweringHandler(), createHttp1ServerOptions());
  let turn = 0;
  bench(name, () => {
    const head = heads[turn++ % heads.length] ?? OK_BODY;
    session.receive(head, 0, head.length);
    discardOutput(output);
  });
}

function benchClient(name: string, answer: Buffer): void {
  const output = new OutputBuffer({ onOutputPending() {} });
  const session = new Http1ClientSession(output, clientHandler, createHttp1ClientOptions());
  const head = new RequestHead("GET", "", "shop", "/bench", ["accept", "*/*", "user-agent", "bench"], 0);
  bench(name, () => {
    session.open(head, true, nothing);
    discardOutput(output);
    session.receive(answer, 0, answer.length);
  });
}

summary(() => {
  benchServer("server: request with 1 field, same head, with answer", [Buffer.from(SMALL_HEAD)]);
  benchServer("server: request with 8 fields, same head, with answer", [Buffer.from(largeHead("same"))]);
  benchServer(
    "server: request with 8 fields, 64 known heads in turn, with answer",
    Array.from({ length: 64 }, (_, index) => Buffer.from(largeHead(`id-${index}`))),
  );
  benchServer(
    "server: request with 8 fields, always another head, with answer",
    Array.from({ length: 20_000 }, (_, index) => Buffer.from(largeHead(`id-${index}`))),
  );
});

summary(() => {
  benchClient(
    "client: request and answer with length, same heads",
    Buffer.from("HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"),
  );
  benchClient(
    "client: request and answer in chunks, same heads",
    Buffer.from(
      "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
  );
});

summary(() => {
  const options = createHttp1ServerOptions();
  const text = largeHead("same");
  bench("decodeRequest() of 8 fields, no memo", () => decodeRequest(text, options));
  const output = new OutputBuffer({ onOutputPending() {} });
  const fields = ["accept", "*/*", "user-agent", "bench/1.0", "x-request-id", "abcdef", "accept-encoding", "gzip"];
  const known = new RequestHead("GET", "", "shop", "/bench", fields, 0);
  bench("encodeRequestHead() of 4 fields, known head", () => {
    encodeRequestHead(output, known, BODY_NONE, "");
    discardOutput(output);
  });
  bench("encodeRequestHead() of 4 fields, new head", () => {
    encodeRequestHead(output, new RequestHead("GET", "", "shop", "/bench", fields, 0), BODY_NONE, "");
    discardOutput(output);
  });
});

await run();
