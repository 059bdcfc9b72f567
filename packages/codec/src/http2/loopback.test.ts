import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type Fields, fieldValue, RequestHead, ResponseHead, type ServerStream } from "@weft/contract";
import { OutputBuffer } from "@weft/kernel";
import { createHttp2ClientOptions, createHttp2ServerOptions, Http2ClientSession, Http2ServerSession } from "./index.ts";

const nowMs = (): number => performance.now();

interface Session {
  receive(bytes: Buffer, start: number, end: number): void;
  receiveEnd(): void;
  outputDrained(): void;
  connectionLost(detail: string): void;
}

/** The least that joins a session to a socket: output leaves once per turn, congestion follows the socket. */
function joinSocket<S extends Session>(socket: Socket, create: (output: OutputBuffer) => S): S {
  let isScheduled = false;
  const flush = (): void => {
    isScheduled = false;
    let isTaken = true;
    for (const slab of output.take()) isTaken = socket.write(slab);
    if (!output.isCongested) return;
    const drained = (): void => {
      output.isCongested = false;
      session.outputDrained();
    };
    if (isTaken) drained();
    else socket.once("drain", drained);
  };
  const output: OutputBuffer = new OutputBuffer({
    onOutputPending(): void {
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(flush);
    },
  });
  const session = create(output);
  socket.setNoDelay(true);
  socket.on("data", (bytes: Buffer) => session.receive(bytes, 0, bytes.length));
  socket.on("end", () => session.receiveEnd());
  socket.on("error", () => {});
  socket.on("close", () => session.connectionLost("closed"));
  return session;
}

/** Answers with what it was asked: the body comes back, or as many bytes as the path says (/bytes/1000). */
function answer(stream: ServerStream, head: RequestHead, isEnd: boolean): void {
  const wanted = /^\/bytes\/(\d+)$/.exec(head.path)?.[1];
  const fields = ["content-type", "text/plain", "x-method", head.method];
  if (wanted !== undefined) {
    stream.sendHead(new ResponseHead(200, [...fields, "content-length", wanted], Number(wanted)), wanted === "0");
    if (wanted !== "0") stream.sendData(Buffer.alloc(Number(wanted), "w"), 0, Number(wanted), true);
    return;
  }
  if (isEnd) {
    stream.sendHead(new ResponseHead(200, [...fields, "content-length", "5"], 5), head.method === "HEAD");
    if (head.method !== "HEAD") stream.sendData(Buffer.from("hello"), 0, 5, true);
    return;
  }
  stream.sendHead(new ResponseHead(200, fields, -1), false);
  let held = 0;
  stream.receiver = {
    onRequestData(bytes, start, end, isLast): void {
      if (stream.sendData(bytes, start, end, isLast)) stream.consume(end - start);
      else held += end - start;
    },
    onRequestTrailers: (trailers) => stream.sendTrailers(trailers),
    onRequestReset(): void {},
    onRequestRefused: () => null,
    onResponseWritable(): void {
      stream.consume(held);
      held = 0;
    },
  };
}

async function listen(server: Server, t: TestContext): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function startServer(t: TestContext): Promise<number> {
  const options = createHttp2ServerOptions({ nowMs });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const handler = {
      onRequest: answer,
      onRequestRefused: () => null,
      onProtocolError(): void {},
      onReadPaused: (isPaused: boolean) => void (isPaused ? socket.pause() : socket.resume()),
      onOutputEnd() {},
      onSessionEnd: () => void setImmediate(() => socket.end()),
      onPong() {},
    };
    joinSocket(socket, (output) => new Http2ServerSession(output, handler, options));
  });
  return listen(server, t);
}

/** Runs a program to its end; what it printed. */
async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 20_000, killSignal: "SIGKILL" });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  await once(child, "close");
  return text;
}

function skipWithout(command: string): { readonly skip: string | false } {
  return { skip: spawnSync(command, ["--version"]).error === undefined ? false : `${command} is not installed` };
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

test("node:http2 speaks to Http2ServerSession: bodies both ways, trailers, many streams", async (t) => {
  const port = await startServer(t);
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  t.after(() => client.destroy());
  const exchange = async (
    method: string,
    path: string,
    body: Buffer | null,
  ): Promise<{ body: Buffer; sum: string }> => {
    const stream = client.request(
      { ":method": method, ":path": path, "x-id": path },
      { endStream: body === null, waitForTrailers: body !== null },
    );
    let sum = "";
    stream.on("trailers", (fields) => (sum = String(fields["x-sum"])));
    if (body !== null) {
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": digest(body) }));
      stream.end(body);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { body: Buffer.concat(chunks), sum };
  };
  const upload = randomBytes(3_000_000);
  const echoes = await Promise.all([upload, upload.subarray(0, 70_000)].map((each) => exchange("POST", "/echo", each)));
  assert.equal(digest(echoes[0]?.body ?? Buffer.alloc(0)), digest(upload));
  assert.equal(echoes[0]?.sum, digest(upload));
  assert.equal(echoes[1]?.body.length, 70_000);
  const many = await Promise.all(Array.from({ length: 300 }, (_, index) => exchange("GET", `/bytes/${index}`, null)));
  many.forEach(({ body }, index) => assert.equal(body.length, index));
  assert.equal((await exchange("GET", "/bytes/5000000", null)).body.length, 5_000_000);
});

test("Http2ClientSession speaks to node:http2: bodies both ways, trailers, GOAWAY", async (t) => {
  const server = createHttp2Server({ settings: { maxConcurrentStreams: 50 } });
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.respond({ ":status": 200, "x-path": headers[":path"] ?? "" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.pipe(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  t.after(() => socket.destroy());
  const ended = Promise.withResolvers<Error | null>();
  const handler = {
    onStreamsAvailable(): void {},
    onDraining(): void {},
    onReadPaused(): void {},
    onOutputEnd() {},
    onSessionEnd: ended.resolve,
    onPong(): void {},
  };
  const session = joinSocket(
    socket,
    (output) => new Http2ClientSession(output, handler, createHttp2ClientOptions({ nowMs })),
  );
  const body = randomBytes(1_000_000);
  const exchange = (path: string): Promise<{ body: Buffer; trailers: Fields; path: string | undefined }> => {
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof exchange>>>();
    const chunks: Buffer[] = [];
    let at = 0;
    let seen: string | undefined;
    const send = (): void => {
      while (at < body.length) {
        const end = Math.min(body.length, at + 50_000);
        const canGoOn = stream.sendData(body, at, end, end === body.length);
        at = end;
        if (!canGoOn) return;
      }
    };
    const stream = session.open(new RequestHead("POST", "http", "a.test", path, ["x-a", "b"], -1), false, {
      onInformational(): void {},
      onResponseHead: (head) => (seen = fieldValue(head.fields, "x-path")),
      onResponseData(bytes, start, end): void {
        chunks.push(Buffer.from(bytes.subarray(start, end)));
        stream.consume(end - start);
      },
      onResponseTrailers: (trailers) => resolve({ body: Buffer.concat(chunks), trailers, path: seen }),
      onResponseReset: (reason, detail) => reject(new Error(`${reason}: ${detail}`)),
      onRequestWritable: send,
    });
    send();
    return promise;
  };
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => exchange(`/${index}`)));
  answers.forEach((each, index) => {
    assert.equal(digest(each.body), digest(body));
    assert.deepEqual([each.path, each.trailers], [`/${index}`, ["grpc-status", "0"]]);
  });
  server.close();
  session.drain();
  assert.equal(await ended.promise, null);
});

test("curl speaks to Http2ServerSession", skipWithout("curl"), async (t) => {
  const port = await startServer(t);
  const folder = await mkdtemp(join(tmpdir(), "weft-http2-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "body");
  await writeFile(file, Buffer.alloc(2_000_000, "u"));
  const base = ["-s", "--http2-prior-knowledge", "--max-time", "15"];
  const url = `http://127.0.0.1:${port}`;
  assert.equal(await run("curl", [...base, `${url}/`]), "hello");
  const echo = await run("curl", [
    ...base,
    "-w",
    "%{http_code} %{http_version}",
    "--data-binary",
    `@${file}`,
    `${url}/up`,
  ]);
  assert.equal(echo.length, 2_000_000 + "200 2".length);
  assert.ok(echo.endsWith("u200 2"));
  assert.match(await run("curl", [...base, "-I", `${url}/`]), /x-method: HEAD/);
});

test("nghttp speaks to Http2ServerSession", skipWithout("nghttp"), async (t) => {
  const port = await startServer(t);
  const url = `http://127.0.0.1:${port}`;
  const text = await run("nghttp", ["-nv", "--no-dep", "-p", "9", "-m", "3", `${url}/bytes/100000`]);
  assert.equal(text.match(/:status: 200/g)?.length, 3);
  assert.ok(!/\[ERROR\]|error_code=(?!NO_ERROR)/.test(text), text);
  const shaken = await run("nghttp", ["-nv", "-c", "100", "-c", "4096", "-w", "14", "-m", "2", `${url}/bytes/70000`]);
  assert.equal(shaken.match(/:status: 200/g)?.length, 2);
});

test("h2load gets every answer of Http2ServerSession", skipWithout("h2load"), async (t) => {
  const port = await startServer(t);
  const small = await run("h2load", ["-n", "5000", "-c", "8", "-m", "50", `http://127.0.0.1:${port}/`]);
  assert.match(small, /5000 succeeded, 0 failed, 0 errored, 0 timeout/);
  assert.match(small, /25000\) data/);
  const large = await run("h2load", [
    "-n",
    "60",
    "-c",
    "2",
    "-m",
    "10",
    "-w",
    "16",
    `http://127.0.0.1:${port}/bytes/300000`,
  ]);
  assert.match(large, /60 succeeded, 0 failed, 0 errored, 0 timeout/);
  assert.match(large, /18000000\) data/);
});
