import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import {
  canPassHandles,
  type ChannelAddress,
  type ChannelHandler,
  connectChannel,
  type HandleChannel,
  openChannelDoor,
} from "./handle-channel.ts";
import type { TcpHandle } from "./handle-binding.ts";
import { acceptTransport } from "./open-transport.ts";
import { OutputScheduler } from "./output-scheduler.ts";
import { TcpListener } from "./tcp-listener.ts";
import type { Transport, TransportHandler } from "./transport.ts";
import { isWeftError } from "./weft-error.ts";

const skip = !canPassHandles();
const scheduler = new OutputScheduler();
const nobody: ChannelHandler = { onMessage: () => {}, onClosed: () => {} };

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

/** Two ends of a channel in this process, and what arrived. */
async function openPair(): Promise<{
  from: HandleChannel;
  to: HandleChannel;
  got: { message: unknown; handle: TcpHandle | null }[];
  ends: string[];
}> {
  const got: { message: unknown; handle: TcpHandle | null }[] = [];
  const ends: string[] = [];
  const accepted = Promise.withResolvers<HandleChannel>();
  const door = openChannelDoor((channel) => {
    accepted.resolve(channel);
    return { onMessage: (message, handle) => got.push({ message, handle }), onClosed: () => ends.push("to") };
  });
  const from = await connectChannel(door.address, { onMessage: () => {}, onClosed: () => ends.push("from") });
  const to = await accepted.promise;
  door.close();
  return { from, to, got, ends };
}

test("send() carries messages of every size in order, with handles to those that have one", { skip }, async () => {
  const { from, to, got, ends } = await openPair();
  const handles: TcpHandle[] = [];
  const listener = new TcpListener();
  const options = { address: "127.0.0.1", port: 0, backlog: 64, isPortShared: false };
  await listener.listen(options, (handle) => handles.push(handle));
  const clients: Socket[] = [];
  for (let count = 0; count < 50; count++) clients.push(connect(listener.port, "127.0.0.1"));
  await until(() => handles.length === 50);
  for (const [index, handle] of handles.entries()) {
    from.send({ index, text: "ä\n".repeat(index * 1000) });
    from.send({ index }, handle);
  }
  await until(() => got.length === 100);
  for (const [place, { message, handle }] of got.entries()) {
    const index = Math.floor(place / 2);
    const isPlain = place % 2 === 0;
    assert.deepEqual(message, isPlain ? { index, text: "ä\n".repeat(index * 1000) } : { index });
    assert.equal(handle === null, isPlain);
    const here = {};
    const there = {};
    handle?.getpeername(here);
    if (!isPlain) handles[index]?.getpeername(there);
    assert.deepEqual(here, there);
    handle?.close();
  }
  from.close();
  await until(() => ends.length === 1);
  assert.deepEqual(ends, ["to"]);
  to.close();
  for (const client of clients) client.destroy();
  for (const handle of handles) handle.close();
  listener.close();
});

test("openChannelDoor() lets nobody in who does not know the secret", { skip }, async () => {
  let heard = 0;
  const door = openChannelDoor(() => ({ onMessage: () => heard++, onClosed: () => {} }));
  const end = Promise.withResolvers<void>();
  const { address } = door;
  const channel = await connectChannel({ ...address, secret: "guess" }, { ...nobody, onClosed: () => end.resolve() });
  channel.send({ type: "evil" });
  await end.promise;
  assert.equal(heard, 0);
  door.close();
  await assert.rejects(connectChannel(address, nobody), (error) => isWeftError(error, "KERNEL_CHANNEL_FAILED"));
});

test("detachHandle() moves a connection to another process with what the client sent meanwhile", { skip }, async () => {
  const listener = new TcpListener();
  const transports: Transport[] = [];
  const heard: string[] = [];
  const handler: TransportHandler = {
    onBytes: (bytes, start, end) => void heard.push(bytes.toString("latin1", start, end)),
    onPeerEnd: () => heard.push("end"),
    onOutputDrained: () => {},
    onClosed: () => heard.push("closed"),
  };
  const options = { address: "127.0.0.1", port: 0, backlog: 64, isPortShared: false };
  await listener.listen(options, (handle) => transports.push(acceptTransport(handle, scheduler, handler)));
  const client = connect(listener.port, "127.0.0.1");
  let answer = "";
  client.setEncoding("latin1").on("data", (text: string) => (answer += text));
  client.write("here ");
  await until(() => heard.length === 1);
  const [transport] = transports;
  transport?.output.writeLatin1("from the first ");
  const handle = transport?.detachHandle();
  assert.ok(handle !== undefined && transport !== undefined);
  assert.equal(transport.canDetachHandle(), false);
  client.write("there");

  const child = fork(new URL("echo-process.fixture.ts", import.meta.url), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [address] = (await once(child, "message")) as [ChannelAddress];
  const channel = await connectChannel(address, nobody);
  channel.send({ unread: "unread " }, handle);
  channel.send({ type: "listener" }, listener.handle);
  await until(() => answer.includes("there"));
  assert.equal(answer, "from the first unread there");
  handle.close();
  // Both listen; when one closes, whoever waits is the other's.
  listener.close();
  const late = connect((listener as { port: number }).port, "127.0.0.1");
  late.write("late");
  const [echo] = (await once(late, "data")) as [Buffer];
  assert.equal(echo.toString(), "late");
  assert.deepEqual(heard, ["here "]);
  late.destroy();
  client.destroy();
  const exit = once(child, "exit");
  channel.close();
  await exit;
});

test(
  "detachHandle() refuses a connection that has ended on either side, and one of TLS or of node:net",
  { skip },
  async () => {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { connectTransport } = await import("./open-transport.ts");
    const events: string[] = [];
    const handler = {
      onConnected: () => events.push("connected"),
      onBytes: () => {},
      onPeerEnd: () => events.push("end"),
      onOutputDrained: () => {},
      onClosed: () => events.push("closed"),
    };
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const transport = connectTransport({ host: "127.0.0.1", port }, scheduler, handler);
    assert.equal(transport.canDetachHandle(), false, "not connected yet");
    const [socket] = await accepted;
    await until(() => events.includes("connected"));
    socket.end();
    await until(() => events.includes("end"));
    assert.equal(transport.canDetachHandle(), false, "the peer has ended");
    transport.end();
    assert.equal(transport.canDetachHandle(), false, "we have ended");
    await until(() => events.includes("closed"));
    server.close();
  },
);
