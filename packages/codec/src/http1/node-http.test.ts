// Against Node's own HTTP client and server over loopback sockets: what they say we understand, and the other way round.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { test, type TestContext } from "node:test";
import { NO_FIELDS, RequestHead, ResponseHead, type ClientStream } from "@weft/contract";
import { createRandom, type OutputBuffer } from "@weft/kernel";
import { RecordedClient, RecordedServer, RecordedStream } from "./recorded-session.fixture.ts";

interface Wired {
  readonly output: OutputBuffer;
  readonly session: {
    receive(bytes: Buffer, start: number, end: number): void;
    receiveEnd(): void;
    outputDrained(): void;
    connectionLost(detail: string): void;
  };
  onPending: (() => void) | null;
  onPause: ((isPaused: boolean) => void) | null;
  onEnd: (() => void) | null;
}

/** Connects a session to a socket: one write per turn, reading paused when asked, closed at the end. */
function wire(socket: net.Socket, wired: Wired): void {
  const flush = (): void => {
    let isTaken = true;
    for (const slab of wired.output.take()) isTaken = socket.write(slab);
    if (isTaken) drained();
    else wired.output.isCongested = true;
  };
  const drained = (): void => {
    wired.output.isCongested = false;
    wired.session.outputDrained();
  };
  wired.onPending = () => queueMicrotask(flush);
  wired.onPause = (isPaused) => (isPaused ? socket.pause() : socket.resume());
  wired.onEnd = () => {
    flush();
    socket.end();
  };
  socket.on("data", (bytes: Buffer) => wired.session.receive(bytes, 0, bytes.length));
  socket.on("end", () => wired.session.receiveEnd());
  socket.on("drain", drained);
  socket.on("error", (error) => wired.session.connectionLost(error.message));
}

class WiredServer extends RecordedServer implements Wired {
  onPause: ((isPaused: boolean) => void) | null = null;

  override onReadPaused(isPaused: boolean): void {
    super.onReadPaused(isPaused);
    this.onPause?.(isPaused);
  }
}

class WiredClient extends RecordedClient implements Wired {
  onPause: ((isPaused: boolean) => void) | null = null;

  override onReadPaused(isPaused: boolean): void {
    super.onReadPaused(isPaused);
    this.onPause?.(isPaused);
  }
}

function portOf(server: net.Server): number {
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

/** Our server session behind a port. */
async function listen(t: TestContext, onServer: (server: WiredServer) => void): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    const wired = new WiredServer();
    onServer(wired);
    wire(socket, wired);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return portOf(server);
}

/** Node's server, and our client session connected to it. */
async function connect(t: TestContext, server: http.Server): Promise<WiredClient> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = net.connect(portOf(server), "127.0.0.1");
  const client = new WiredClient();
  wire(socket, client);
  await once(socket, "connect");
  t.after(() => {
    socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return client;
}

async function completed(stream: RecordedStream): Promise<RecordedStream> {
  if (!stream.isComplete) await new Promise<void>((resolve) => (stream.onComplete = resolve));
  return stream;
}

async function ask(
  port: number,
  options: http.RequestOptions,
  body: readonly Buffer[] = [],
): Promise<{ response: http.IncomingMessage; body: Buffer }> {
  const request = http.request({ host: "127.0.0.1", port, ...options });
  for (const piece of body) request.write(piece);
  request.end();
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return { response, body: Buffer.concat(pieces) };
}

/** Answers every request with its own body in the framing that `contentLength` asks for, and a trailer if chunked. */
function echo(server: WiredServer, isChunked: boolean): void {
  server.onAccepted = (request) => {
    const answer = (): void => {
      const body = Buffer.from(request.body, "latin1");
      request.stream?.sendHead(
        new ResponseHead(200, ["x-method", request.requestHead?.method ?? ""], isChunked ? -1 : body.length),
        false,
      );
      if (isChunked) {
        request.stream?.sendData(body, 0, body.length, false);
        request.stream?.sendTrailers(["x-sum", String(body.length)]);
      } else {
        request.stream?.sendData(body, 0, body.length, true);
      }
    };
    request.onData = (byteCount) => request.stream?.consume(byteCount);
    if (request.isComplete) answer();
    else request.onComplete = answer;
  };
}

test("a server session serves node:http clients on kept connections, in both framings both ways", async (t) => {
  for (const isChunked of [false, true]) {
    const port = await listen(t, (server) => echo(server, isChunked));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const large = randomBytes(300_000);
    for (const body of [[], [Buffer.from("hello")], [Buffer.from("a"), Buffer.from("b")], [large, large]]) {
      const whole = Buffer.concat(body);
      for (const headers of [{}, { "content-length": whole.length }]) {
        const answer = await ask(port, { method: "POST", path: "/x", agent, headers }, body);
        assert.equal(answer.response.statusCode, 200);
        assert.ok(answer.body.equals(whole));
        assert.equal(answer.response.headers["x-method"], "POST");
        if (isChunked) assert.equal(answer.response.trailers["x-sum"], String(whole.length));
      }
    }
    const head = await ask(port, { method: "HEAD", path: "/x", agent });
    assert.equal(head.body.length, 0);
  }
});

test("a server session lets a node:http client wait for 100 and upgrade", async (t) => {
  const port = await listen(t, (server) => {
    echo(server, false);
    const accept = server.onAccepted;
    server.onAccepted = (request) => {
      if (request.requestHead?.upgrade === "websocket") {
        request.onChunk = (bytes, start, end) => request.stream?.sendData(bytes, start, end, false);
        request.stream?.sendHead(new ResponseHead(101, NO_FIELDS, -1), false);
        return;
      }
      accept?.(request);
      request.stream?.sendInformational(new ResponseHead(100, NO_FIELDS, 0));
    };
  });
  const request = http.request({
    host: "127.0.0.1",
    port,
    method: "PUT",
    headers: { expect: "100-continue", "content-length": 5 },
  });
  request.flushHeaders();
  await once(request, "continue");
  request.end("hello");
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  response.resume();
  assert.equal(response.statusCode, 200);

  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  const upgrade = http.request({
    host: "127.0.0.1",
    port,
    headers: { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": key, "sec-websocket-version": "13" },
  });
  upgrade.end();
  const [accepted, socket] = (await once(upgrade, "upgrade")) as [http.IncomingMessage, net.Socket];
  assert.equal(accepted.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  socket.write("ping");
  const [echoed] = (await once(socket, "data")) as [Buffer];
  assert.equal(echoed.toString(), "ping");
  socket.destroy();
});

test("a server session answers a client that sends FIN right after its request", async (t) => {
  const port = await listen(t, (server) => echo(server, false));
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  let text = "";
  for await (const piece of socket) text += String(piece);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nhi$/s);
});

test("a client session is understood by a node:http server, and understands it", async (t) => {
  const seen: { method: string; url: string; headers: http.IncomingHttpHeaders; trailers: object; body: string }[] = [];
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += (piece as Buffer).toString("latin1");
    seen.push({
      method: request.method ?? "",
      url: request.url ?? "",
      headers: request.headers,
      trailers: request.trailers,
      body,
    });
    if (request.url === "/chunked") {
      response.writeHead(200, { trailer: "x-sum" });
      response.write("hello ");
      response.addTrailers({ "x-sum": "11" });
      response.end("world");
    } else if (request.url === "/hints") {
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.end("hinted");
    } else {
      response.writeHead(request.url === "/empty" ? 204 : 200);
      response.end(request.url === "/empty" ? undefined : "plain");
    }
  });
  const client = await connect(t, server);
  const chunked = await completed(
    client.open(new RequestHead("GET", "", "a", "/chunked", ["te", "trailers"], 0)).answer,
  );
  assert.equal(chunked.body, "hello world");
  assert.deepEqual(chunked.trailers, ["x-sum", "11"]);
  const hints = await completed(client.open(new RequestHead("GET", "", "a", "/hints", NO_FIELDS, 0)).answer);
  assert.deepEqual(
    hints.informational.map((head) => head.status),
    [103],
  );
  assert.equal(
    (await completed(client.open(new RequestHead("DELETE", "", "a", "/empty", NO_FIELDS, 0)).answer)).responseHead
      ?.status,
    204,
  );
  assert.ok((await completed(client.open(new RequestHead("HEAD", "", "a", "/", NO_FIELDS, 0)).answer)).isComplete);
  const sent = client.open(new RequestHead("POST", "", "shop:80", "/p", ["x-a", "\xe4"], -1), false);
  sent.stream.sendData(Buffer.from("abc"), 0, 3, false);
  sent.stream.sendTrailers(["x-sum", "3"]);
  await completed(sent.answer);
  const last = seen.at(-1);
  assert.deepEqual(
    [last?.method, last?.url, last?.headers.host, last?.headers["x-a"], last?.body],
    ["POST", "/p", "shop:80", "\xe4", "abc"],
  );
  assert.deepEqual({ ...last?.trailers }, { "x-sum": "3" });
  assert.equal(seen.length, 5);
});

test("a client session upgrades with a node:http server", async (t) => {
  const server = http.createServer();
  server.on("upgrade", (request, socket) => {
    const accept = createHash("sha1").update(
      `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    );
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  const client = await connect(t, server);
  const { answer, stream } = client.open(
    new RequestHead("GET", "", "a", "/", ["sec-websocket-version", "13"], -1, "websocket"),
    false,
  );
  const head = await new Promise<ResponseHead>((resolve) => (answer.onHead = resolve));
  assert.equal(head.status, 101);
  const echoed = new Promise<number>((resolve) => (answer.onData = resolve));
  stream.sendData(Buffer.from("ping"), 0, 4, false);
  assert.equal(await echoed, 4);
  assert.equal(answer.body, "ping");
});

test("what a server session accepts and a client session sends on, node:http understands alike", async (t) => {
  const seen: [method: string, url: string, host: string, body: string, fields: string[]][] = [];
  const server = http.createServer({ joinDuplicateHeaders: false }, async (request, response) => {
    let body = "";
    for await (const piece of request) body += (piece as Buffer).toString("latin1");
    seen.push([request.method ?? "", request.url ?? "", request.headers.host ?? "", body, request.rawHeaders]);
    response.end();
  });
  const client = await connect(t, server);
  const random = createRandom(7);
  const methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
  for (let round = 0; round < 200; round++) {
    const method = methods[random.below(methods.length)] ?? "";
    const body = Array.from({ length: random.below(40) }, () => String.fromCharCode(random.below(256))).join("");
    const value = Array.from({ length: random.below(20) }, () => String.fromCharCode(33 + random.below(94))).join("");
    const framing =
      random.below(2) === 0
        ? `Content-Length: ${body.length}\r\n\r\n${body}`
        : `Transfer-Encoding: chunked\r\n\r\n${body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`;
    const ours = new RecordedServer();
    ours.feed(
      `${method} /p${round}?v HTTP/1.1\r\nHost: a:${round}\r\nX-V: ${value}\r\nConnection: x-hop\r\nX-Hop: 1\r\n${framing}`,
      1 + random.below(64),
    );
    const { requestHead } = ours.last;
    assert.ok(requestHead !== null && ours.last.isComplete);
    const { answer, stream } = client.open(requestHead, requestHead.contentLength === 0);
    if (requestHead.contentLength !== 0)
      stream.sendData(Buffer.from(ours.last.body, "latin1"), 0, ours.last.body.length, true);
    await completed(answer);
    const [seenMethod, url, host, seenBody, fields] = seen.at(-1) ?? ["", "", "", "", []];
    assert.deepEqual([seenMethod, url, host, seenBody], [method, `/p${round}?v`, `a:${round}`, body]);
    assert.equal(fields[fields.indexOf("x-v") + 1], value);
    assert.ok(!fields.includes("x-hop"));
  }
});

test("both sessions together carry large bodies both ways with bounded buffers", async (t) => {
  const upstream = http.createServer((request, response) => {
    response.writeHead(
      200,
      request.headers["content-length"] === undefined ? {} : { "content-length": request.headers["content-length"] },
    );
    request.pipe(response);
  });
  let pendingMax = 0;
  const client = await connect(t, upstream);
  const port = await listen(t, (server) => {
    server.onAccepted = (request) =>
      forward(request, client, (pending) => (pendingMax = Math.max(pendingMax, pending)));
  });
  const body = randomBytes(8_000_000);
  const digest = createHash("sha256").update(body).digest("hex");
  for (const headers of [{ "content-length": body.length }, {}]) {
    const answer = await ask(port, { method: "POST", path: "/", headers }, [body]);
    assert.equal(createHash("sha256").update(answer.body).digest("hex"), digest);
  }
  assert.ok(pendingMax < 2_000_000, `${pendingMax} bytes waited`);
});

/** The least proxy: every byte is consumed when the other side has taken it, or takes more. */
function forward(request: RecordedStream, client: WiredClient, onPending: (byteCount: number) => void): void {
  const answer = new RecordedStream();
  const { requestHead } = request;
  assert.ok(requestHead !== null);
  const upstream: ClientStream = client.session.open(requestHead, requestHead.contentLength === 0, answer);
  const downstream = request.stream;
  let owedUp = 0;
  let owedDown = 0;
  request.onChunk = (bytes, start, end, isEnd) => {
    request.body = "";
    if (!upstream.sendData(bytes, start, end, isEnd)) owedUp += end - start;
    if (owedUp === 0) downstream?.consume(end - start);
    onPending(client.output.pendingBytes);
  };
  answer.onRequestWritable = () => {
    downstream?.consume(owedUp);
    owedUp = 0;
  };
  answer.onHead = (head) => downstream?.sendHead(head, false);
  answer.onChunk = (bytes, start, end, isEnd) => {
    answer.body = "";
    if (downstream?.sendData(bytes, start, end, isEnd) === false) owedDown += end - start;
    if (owedDown === 0) upstream.consume(end - start);
  };
  request.onResponseWritable = () => {
    upstream.consume(owedDown);
    owedDown = 0;
  };
}
