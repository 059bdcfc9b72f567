import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import { after, describe, test } from "node:test";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { createSelfSigned } from "./certificate.ts";
import { OUTPUT_CONGESTED_BYTES } from "./limits.ts";
import { acceptTransport, connectTransport, wrapSocket } from "./open-transport.ts";
import { OutputScheduler } from "./output-scheduler.ts";
import { TcpListener } from "./tcp-listener.ts";
import type { ConnectHandler, Transport } from "./transport.ts";
import { isWeftError } from "./weft-error.ts";

const scheduler = new OutputScheduler();
const cleanups: (() => void)[] = [];
after(() => {
  for (const cleanup of cleanups) cleanup();
});

/** Notes what a transport tells. */
class Recorder implements ConnectHandler {
  readonly chunks: Buffer[] = [];
  readonly events: string[] = [];
  error: Error | null = null;
  onDrained: () => void = () => {};
  readonly #waiting: { readonly event: string; readonly resolve: () => void }[] = [];

  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }

  get code(): unknown {
    return this.error !== null && "code" in this.error ? this.error.code : undefined;
  }

  onConnected(): void {
    this.#note("connected");
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.chunks.push(Buffer.from(bytes.subarray(start, end)));
    this.#note("bytes");
  }

  onPeerEnd(): void {
    this.#note("end");
  }

  onOutputDrained(): void {
    this.#note("drained");
    this.onDrained();
  }

  onClosed(error: Error | null): void {
    this.error = error;
    this.#note("closed");
  }

  /** Resolves at once when the event has come already. */
  wait(event: string): Promise<void> {
    if (this.events.includes(event)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ event, resolve }));
  }

  #note(event: string): void {
    this.events.push(event);
    for (const each of this.#waiting) if (each.event === event) each.resolve();
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

/** What Linux says of the established connection on a local port. */
function systemSocket(localPort: number): string {
  const local = `0100007F:${localPort.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n");
  return lines.find((line) => line.includes(`: ${local} `) && / 01 [0-9A-F]{8}:/.test(line)) ?? "";
}

async function startServer(onConnection: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    cleanups.push(() => socket.destroy());
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A transport to a server of node:net, and the server's socket. */
async function open(kind: Kind): Promise<{ transport: Transport; recorder: Recorder; peer: Socket }> {
  let port = 0;
  const accepted = new Promise<Socket>((resolve) => {
    void startServer(resolve).then((listening) => (port = listening));
  });
  await until(() => port !== 0);
  const recorder = new Recorder();
  const transport = await kind.open(port, recorder);
  cleanups.push(() => transport.destroy());
  return { transport, recorder, peer: await accepted };
}

interface Kind {
  readonly name: string;
  open(port: number, recorder: Recorder): Promise<Transport>;
}

const KINDS: readonly Kind[] = [
  {
    name: "a connection that we opened",
    open: async (port, recorder) => {
      const transport = connectTransport({ host: "127.0.0.1", port }, scheduler, recorder);
      await recorder.wait("connected");
      return transport;
    },
  },
  {
    name: "a socket of node:net",
    open: async (port, recorder) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      await once(socket, "connect");
      return wrapSocket(socket, scheduler, recorder);
    },
  },
  {
    name: "a connection that was accepted",
    open: async (port, recorder) => {
      const listener = new TcpListener();
      cleanups.push(() => listener.close());
      const accepted = new Promise<Transport>((resolve, reject) => {
        const options = { address: "127.0.0.1", port: 0, backlog: 10, isPortShared: false };
        listener
          .listen(options, (handle) => resolve(acceptTransport(handle, scheduler, recorder)))
          .then(() => {
            // The peer is on the other side of a relay: what it gets it passes on, byte for byte.
            const near = connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
            const far = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
            cleanups.push(
              () => near.destroy(),
              () => far.destroy(),
            );
            near.pipe(far).pipe(near);
            near.on("error", () => far.resetAndDestroy());
            far.on("error", () => near.resetAndDestroy());
          }, reject);
      });
      return accepted;
    },
  },
];

for (const kind of KINDS) {
  describe(`Transport over ${kind.name}`, () => {
    test("writes in order over many slabs and turns", async () => {
      const { transport, peer } = await open(kind);
      const sent: Buffer[] = [];
      const received: Buffer[] = [];
      peer.on("data", (bytes: Buffer) => received.push(bytes));
      for (let turn = 0; turn < 30; turn++) {
        const size = (turn * 7919) % 150_000;
        const bytes = Buffer.alloc(size, turn);
        sent.push(bytes);
        transport.output.writeBytes(bytes, 0, size);
        if (turn % 4 === 0) await new Promise(setImmediate);
      }
      transport.end();
      await once(peer, "end");
      assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)));
      assert.equal(transport.sentBytes, Buffer.concat(sent).length);
    });

    test("reads bytes while they are valid, and stops and starts reading", async () => {
      const { transport, recorder, peer } = await open(kind);
      peer.write("one");
      await recorder.wait("bytes");
      transport.setReadPaused(true);
      peer.write("two");
      // waits: that nothing comes can only be seen by waiting
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(recorder.text, "one");
      transport.setReadPaused(false);
      await until(() => recorder.text.length === 6);
      assert.equal(recorder.text, "onetwo");
    });

    test("goes on reading when told to do what it does already", async () => {
      const { transport, recorder, peer } = await open(kind);
      transport.setReadPaused(false);
      transport.setReadPaused(false);
      peer.write("one");
      await recorder.wait("bytes");
      transport.setReadPaused(true);
      transport.setReadPaused(true);
      transport.setReadPaused(false);
      peer.write("two");
      await until(() => recorder.text.length === 6);
      assert.deepEqual([recorder.text, transport.isClosed], ["onetwo", false]);
    });

    test("has the system ask for signs of life", { skip: process.platform !== "linux" }, async () => {
      const { transport } = await open(kind);
      transport.keepAlive(20_000, 3);
      const [, timer = "", leftTicks = ""] = / (0\d):([0-9A-F]{8}) /.exec(systemSocket(transport.local.port)) ?? [];
      assert.equal(timer, "02", "the keepalive timer runs");
      assert.ok(Math.abs(Number.parseInt(leftTicks, 16) / 100 - 20) <= 1, `asked in ${leftTicks} hundredths`);
    });

    test("tells congestion and drain, once each time", async () => {
      const { transport, recorder, peer } = await open(kind);
      peer.pause();
      const piece = Buffer.alloc(65_536);
      let written = 0;
      while (!transport.output.isCongested || transport.pendingBytes < OUTPUT_CONGESTED_BYTES) {
        transport.output.writeBytes(piece, 0, piece.length);
        written += piece.length;
        await new Promise(setImmediate);
        assert.ok(written < 100_000_000, "the peer does not read: the socket fills");
      }
      assert.ok(transport.pendingBytes >= OUTPUT_CONGESTED_BYTES);
      const before = recorder.events.filter((event) => event === "drained").length;
      let received = 0;
      peer.on("data", (bytes: Buffer) => (received += bytes.length));
      peer.resume();
      await until(() => received === written);
      assert.ok(!transport.output.isCongested);
      assert.equal(recorder.events.filter((event) => event === "drained").length, before + 1);
      assert.equal(transport.pendingBytes, 0);
    });

    test("ends its own side, and still reads", async () => {
      const { transport, recorder, peer } = await open(kind);
      transport.output.writeLatin1("bye");
      transport.end();
      transport.end();
      transport.output.writeLatin1("too late");
      let heard = "";
      peer.on("data", (bytes) => (heard += String(bytes)));
      await once(peer, "end");
      assert.equal(heard, "bye");
      peer.end("answer");
      await recorder.wait("closed");
      assert.equal(recorder.text, "answer");
      assert.equal(recorder.error, null);
      assert.deepEqual(recorder.events.slice(-2), ["end", "closed"]);
    });

    test("hears the peer's end and may go on writing", async () => {
      const { transport, recorder, peer } = await open(kind);
      peer.end("last words");
      await recorder.wait("end");
      assert.equal(recorder.text, "last words");
      const heard: Buffer[] = [];
      peer.on("data", (bytes: Buffer) => heard.push(bytes));
      const answer = Buffer.alloc(2_000_000, "x");
      transport.output.writeBytes(answer, 0, answer.length);
      transport.end();
      await recorder.wait("closed");
      if (!peer.readableEnded) await once(peer, "end");
      assert.equal(Buffer.concat(heard).length, answer.length);
      assert.equal(recorder.events.filter((event) => event === "closed").length, 1);
    });

    test("reset() is seen as a reset", async () => {
      const { transport, recorder, peer } = await open(kind);
      const broken = once(peer, "error");
      transport.reset();
      transport.reset();
      const [error] = (await broken) as [NodeJS.ErrnoException];
      assert.equal(error.code, "ECONNRESET");
      await recorder.wait("closed");
      assert.ok(transport.isClosed);
    });

    test("destroy() closes once, and everything after it does nothing", async () => {
      const { transport, recorder } = await open(kind);
      transport.output.writeLatin1("never sent");
      transport.destroy();
      await recorder.wait("closed");
      transport.destroy();
      transport.reset();
      transport.end();
      transport.setReadPaused(true);
      transport.output.writeLatin1("nor this");
      await new Promise(setImmediate);
      assert.deepEqual(
        recorder.events.filter((event) => event === "closed"),
        ["closed"],
      );
      assert.equal(recorder.error, null);
    });

    test("the peer's reset is told with its code", async () => {
      const { recorder, peer } = await open(kind);
      peer.resetAndDestroy();
      await recorder.wait("closed");
      assert.equal(recorder.code, "ECONNRESET");
    });

    test("probe() finds the peer's reset where nothing is read, and disturbs nobody else", async () => {
      const { transport, recorder, peer } = await open(kind);
      transport.setReadPaused(true);
      transport.probe();
      transport.output.writeLatin1("a");
      transport.probe();
      await until(() => peer.bytesRead === 1);
      transport.probe();
      assert.ok(!transport.isClosed);
      peer.resetAndDestroy();
      const probing = setInterval(() => transport.probe(), 1);
      await recorder.wait("closed");
      clearInterval(probing);
      assert.match(String(recorder.code), /^(?:ECONNRESET|EPIPE)$/);
      transport.probe();
    });

    test("takenBytes stands still while the peer does not read, and reaches sentBytes when it does", async () => {
      const { transport, peer } = await open(kind);
      peer.pause();
      const bytes = Buffer.alloc(1_000_000);
      let taken = -1;
      // Until the system's buffers are full.
      while (transport.takenBytes !== taken || transport.pendingBytes === 0) {
        taken = transport.takenBytes;
        transport.output.writeBytes(bytes, 0, bytes.length);
        // waits: so that what the peer's system still takes is taken
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.ok(taken > 0 && taken < transport.sentBytes);
      peer.resume();
      await until(() => transport.takenBytes > taken);
      await until(() => transport.takenBytes === transport.sentBytes);
    });

    test("probe() after the end asks nothing", async () => {
      const { transport, recorder, peer } = await open(kind);
      transport.end();
      await once(peer.resume(), "end");
      transport.probe();
      peer.write("late");
      await recorder.wait("bytes");
      assert.equal(recorder.text, "late");
    });

    test("counts what it sends, and not what comes after the end", async () => {
      const { transport, recorder, peer } = await open(kind);
      const traffic = { receivedBytes: 0, sentBytes: 0 };
      transport.traffic = traffic;
      transport.output.writeLatin1("12345");
      await once(peer, "data");
      assert.equal(transport.sentBytes, 5);
      // More than one slab, then less: both ways of writing.
      transport.output.writeLatin1("x".repeat(100_000));
      transport.destroy();
      transport.flush();
      transport.output.writeLatin1("lost");
      transport.flush();
      await recorder.wait("closed");
      assert.deepEqual([transport.sentBytes, traffic.sentBytes], [5, 5]);
    });

    test("a thousand writes of one turn leave together", async () => {
      const { transport, peer } = await open(kind);
      let reads = 0;
      let length = 0;
      peer.on("data", (bytes: Buffer) => {
        reads++;
        length += bytes.length;
      });
      for (let count = 0; count < 1000; count++) transport.output.writeLatin1("0123456789");
      await until(() => length === 10_000);
      assert.ok(reads <= 3, `${reads} reads`);
    });
  });
}

test("probe() finds the reset below TLS, and sends nothing", async () => {
  const { certificatePem, privateKeyPem } = createSelfSigned({ commonName: "a test" });
  const server = createTlsServer({ cert: certificatePem, key: privateKeyPem });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const below = connect({ port, host: "127.0.0.1" });
  const peer = connectTls({ socket: below, rejectUnauthorized: false });
  peer.on("error", () => {});
  cleanups.push(
    () => below.destroy(),
    () => server.close(),
  );
  const [socket] = (await once(server, "secureConnection")) as [TLSSocket];
  const recorder = new Recorder();
  const transport = wrapSocket(socket, scheduler, recorder);
  transport.setReadPaused(true);
  transport.output.writeLatin1("a");
  await once(peer, "data");
  const { bytesRead } = below;
  for (let count = 0; count < 3; count++) transport.probe();
  // waits: a turn for whatever a probe might have sent
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(below.bytesRead, bytesRead);
  assert.ok(!transport.isClosed);
  below.resetAndDestroy();
  const probing = setInterval(() => transport.probe(), 1);
  await recorder.wait("closed");
  clearInterval(probing);
  assert.match(String(recorder.code), /^(?:ECONNRESET|EPIPE)$/);
});

describe("connectTransport()", () => {
  test("sends what was written before the connection was up", async () => {
    let heard = "";
    const port = await startServer((socket) => socket.on("data", (bytes) => (heard += String(bytes))));
    const recorder = new Recorder();
    const transport = connectTransport({ host: "127.0.0.1", port }, scheduler, recorder);
    transport.output.writeLatin1("early");
    await until(() => heard === "early");
    assert.equal(transport.remote.port, port);
    assert.equal(transport.local.address, "127.0.0.1");
    transport.destroy();
    assert.deepEqual(transport.remote, { address: "", port: 0 });
  });

  test("tells a refusal with its code, and never that it is up", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    for (const host of ["127.0.0.1", "localhost"]) {
      const recorder = new Recorder();
      connectTransport({ host, port }, scheduler, recorder).output.writeLatin1("lost");
      await recorder.wait("closed");
      assert.deepEqual(recorder.events, ["closed"]);
      assert.equal(recorder.code, "ECONNREFUSED");
    }
  });

  test("can be given up on the way", async () => {
    const recorder = new Recorder();
    const transport = connectTransport({ host: "192.0.2.1", port: 1 }, scheduler, recorder);
    transport.destroy();
    await recorder.wait("closed");
    assert.deepEqual(recorder.events, ["closed"]);
  });
});

describe("TcpListener", () => {
  test("names the address that it cannot listen on", async () => {
    const first = new TcpListener();
    const options = { address: "127.0.0.1", port: 0, backlog: 10, isPortShared: false };
    await first.listen(options, () => {});
    const second = new TcpListener();
    await assert.rejects(
      second.listen({ ...options, port: first.port }, () => {}),
      (error) => isWeftError(error, "KERNEL_LISTEN_FAILED") && error.message.includes(`${first.port}: EADDRINUSE`),
    );
    first.close();
  });

  test("close() stops accepting and leaves what was accepted", async () => {
    const listener = new TcpListener();
    assert.equal(listener.port, 0);
    const recorder = new Recorder();
    const accepted = new Promise<Transport>((resolve) => {
      const options = { address: "127.0.0.1", port: 0, backlog: 10, isPortShared: true };
      void listener
        .listen(options, (handle) => resolve(acceptTransport(handle, scheduler, recorder)))
        .then(() => {
          const client = connect(listener.port, "127.0.0.1");
          cleanups.push(() => client.destroy());
          client.write("hello");
        });
    });
    const transport = await accepted;
    const { port } = listener;
    listener.close();
    await recorder.wait("bytes");
    assert.equal(recorder.text, "hello");
    assert.equal(transport.local.port, port);
    const [error] = (await once(new Socket().connect(port, "127.0.0.1"), "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNREFUSED");
    transport.destroy();
  });
});
