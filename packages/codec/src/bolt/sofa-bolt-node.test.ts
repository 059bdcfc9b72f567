// Client and server of sofa-bolt-node, unmodified, call each other through our two sessions over loopback sockets.
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
import { BoltClientSession } from "./client-session.ts";
import { type BoltChoices, createBoltClientOptions, createBoltServerOptions } from "./options.ts";
import { BoltServerSession } from "./server-session.ts";

const VERSIONS = [
  ["v1", "bolt", 1, false],
  ["v2", "bolt2", 1, false],
  ["v2 with checksum", "bolt2", 2, true],
] as const;

function callOf(methodName: string, ...args: readonly unknown[]): PeerCall {
  const methodArgSigs = args.map(() => "java.lang.String");
  const serverSignature = "com.shop.Ledger:1.0";
  return { serverSignature, methodName, args, timeout: 3000, methodArgSigs, requestProps: {} };
}

interface Scene {
  readonly pipe: Pipe;
  readonly client: PeerConnection;
}

async function connect(
  t: TestContext,
  version: (typeof VERSIONS)[number],
  answer: (request: PeerRequest) => unknown,
  choices: BoltChoices = {},
): Promise<Scene> {
  const serverOptions = createBoltServerOptions(choices);
  const clientOptions = createBoltClientOptions();
  const upstreamPort = await startPeerServer(t, PEER_PROTOCOLS.bolt, answer);
  const codec = {
    createServer: (...args: [never, never]) => new BoltServerSession(...args, serverOptions),
    createClient: (...args: [never, never]) => new BoltClientSession(...args, clientOptions),
  };
  const pipe = await startPipe(t, codec, upstreamPort);
  const client = await startPeerClient(t, PEER_PROTOCOLS.bolt, pipe.port);
  Object.assign(client._encoder, { protocolType: version[1], boltVersion: version[2], crcEnable: version[3] });
  return { pipe, client };
}

for (const version of VERSIONS) {
  test(`sofa-bolt-node ${version[0]} calls sofa-bolt-node through both sessions`, async (t) => {
    const seen: string[] = [];
    const { pipe, client } = await connect(t, version, ({ data }) => {
      seen.push(data.methodName);
      if (data.methodName === "fail") throw new Error("no such account");
      return `${data.args.join("+")}!`;
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => client.writeRequest(callOf("book", `a${index}`, "b"))),
    );
    assert.deepEqual(
      answers.map((answer) => answer.data.appResponse),
      Array.from({ length: 50 }, (_, index) => `a${index}+b!`),
    );
    const large = "x".repeat(300_000);
    const { data } = await client.writeRequest(callOf("book", large));
    assert.equal(data.appResponse, `${large}!`);
    const failed = await client.writeRequest(callOf("fail"));
    assert.match(String(failed.data.error), /no such account/);
    client.oneway(callOf("note", "later"));
    assert.equal((await client.writeRequest(callOf("book", "end"))).data.appResponse, "end!");
    assert.ok(seen.includes("note"));
    assert.equal(pipe.heads[0]?.authority, "com.shop.Ledger");
    assert.equal(pipe.heads.length, 54);
  });

  test(`sofa-bolt-node ${version[0]} gets heartbeats answered, and answers ours`, async (t) => {
    const { pipe, client } = await connect(t, version, () => "ok");
    assert.equal((await client.writeHeartbeat({ timeout: 3000 })).packetType, "heartbeat_ack");
    assert.equal((await client.writeRequest(callOf("book"))).data.appResponse, "ok");
    assert.ok(pipe.clients[0]?.ping());
    await client.writeRequest(callOf("book"));
    assert.equal(pipe.pongs, 1);
  });

  test(`sofa-bolt-node ${version[0]} understands what we refuse, and goes on`, async (t) => {
    const { client } = await connect(t, version, () => "ok", { frameBytesMax: 2000 });
    const refused = await client.writeRequest(callOf("book", "x".repeat(3000)));
    assert.ok(refused.data.error instanceof Error);
    assert.equal((await client.writeRequest(callOf("book"))).data.appResponse, "ok");
  });

  test(`sofa-bolt-node ${version[0]} gets a status when the host is gone`, async (t) => {
    const { pipe, client } = await connect(t, version, () => {
      pipe.clients[0]?.connectionLost("gone");
      return "never";
    });
    const answer = await client.writeRequest(callOf("book"));
    assert.ok(answer.data.error instanceof Error);
  });
}
