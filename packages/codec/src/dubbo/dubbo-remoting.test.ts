// Client and server of dubbo-remoting, unmodified, call each other through our two sessions over loopback sockets.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import {
  PEER_PROTOCOLS,
  type PeerCall,
  type PeerConnection,
  type PeerRequest,
  startPeerClient,
  startPeerServer,
} from "@weft/testkit/rpc-peers";
import { type Pipe, startPipe } from "../rpc/pipe.fixture.ts";
import { DubboClientSession } from "./client-session.ts";
import { createDubboClientOptions, createDubboServerOptions, type DubboChoices } from "./options.ts";
import { DubboServerSession } from "./server-session.ts";

function callOf(methodName: string, ...args: readonly unknown[]): PeerCall {
  return { serverSignature: "com.shop.Risk:2.0", methodName, args, timeout: 3000, requestProps: { trace: "abc" } };
}

async function connect(
  t: TestContext,
  answer: (request: PeerRequest) => unknown,
  choices: DubboChoices = {},
  added: readonly string[] = [],
): Promise<{ pipe: Pipe; client: PeerConnection }> {
  const serverOptions = createDubboServerOptions(choices);
  const clientOptions = createDubboClientOptions();
  const upstreamPort = await startPeerServer(t, PEER_PROTOCOLS.dubbo, answer);
  const codec = {
    createServer: (...args: [never, never]) => new DubboServerSession(...args, serverOptions),
    createClient: (...args: [never, never]) => new DubboClientSession(...args, clientOptions),
  };
  const pipe = await startPipe(t, codec, upstreamPort, added);
  return { pipe, client: await startPeerClient(t, PEER_PROTOCOLS.dubbo, pipe.port) };
}

test("dubbo-remoting calls dubbo-remoting through both sessions", async (t) => {
  const { pipe, client } = await connect(t, ({ data }) => {
    if (data.methodName === "fail") throw new Error("no such rule");
    return data.args;
  });
  const calls = Array.from({ length: 50 }, (_, index) => client.writeRequest(callOf("judge", index, `\u00e4${index}`)));
  for (const [index, { data }] of (await Promise.all(calls)).entries()) {
    assert.deepEqual(data.appResponse, [index, `\u00e4${index}`]);
  }
  const large = "x".repeat(300_000);
  assert.deepEqual((await client.writeRequest(callOf("judge", large))).data.appResponse, [large]);
  assert.match(String((await client.writeRequest(callOf("fail"))).data.error), /no such rule/);
  assert.equal(pipe.heads[0]?.authority, "com.shop.Risk");
  assert.equal(pipe.heads[0].path, "/com.shop.Risk/judge");
});

test("dubbo-remoting gets heartbeats answered, and answers ours", async (t) => {
  const { pipe, client } = await connect(t, () => "ok");
  assert.equal((await client.writeHeartbeat({ timeout: 3000 })).packetType, "heartbeat_ack");
  assert.equal((await client.writeRequest(callOf("judge"))).data.appResponse, "ok");
  assert.ok(pipe.clients[0]?.ping());
  await client.writeRequest(callOf("judge"));
  assert.equal(pipe.pongs, 1);
  // What dubbo-remoting does with a heartbeat of the server is its user's affair: this one does as the servers do.
  client.on("heartbeat", (heartbeat) => void client.writeHeartbeatAck(heartbeat));
  assert.ok(pipe.servers[0]?.ping());
  await client.writeRequest(callOf("judge"));
  assert.equal(pipe.clientPongs, 1);
});

test("dubbo-remoting reads attachments that were added on the way", async (t) => {
  const seen: unknown[] = [];
  const added = ["traceparent", "00-1", "x-text", Buffer.from("gr\u00fc\u00df \ud83d\ude00").toString("latin1")];
  const { client } = await connect(t, ({ data }) => seen.push(data), {}, added);
  await client.writeRequest(callOf("judge", { rule: ["a", "b"] }));
  const [{ requestProps, args }] = seen as [{ requestProps: Record<string, string>; args: unknown }];
  assert.deepEqual(args, [{ rule: ["a", "b"] }]);
  assert.equal(requestProps["trace"], "abc");
  assert.equal(requestProps["traceparent"], "00-1");
  assert.equal(requestProps["x-text"], "gr\u00fc\u00df \ud83d\ude00");
});

test("dubbo-remoting understands what we refuse, and goes on", async (t) => {
  const { client } = await connect(t, () => "ok", { frameBytesMax: 2000 });
  const refused = await client.writeRequest(callOf("judge", "x".repeat(3000)));
  assert.match(String(refused.data.error), /Cannot serve call/);
  assert.equal((await client.writeRequest(callOf("judge"))).data.appResponse, "ok");
});

test("dubbo-remoting gets a status when the host is gone", async (t) => {
  const { pipe, client } = await connect(t, () => {
    pipe.clients[0]?.connectionLost("gone");
    return "never";
  });
  const answer = await client.writeRequest(callOf("judge"));
  assert.match(String(answer.data.error), /RPC_STREAM_RESET/);
});
