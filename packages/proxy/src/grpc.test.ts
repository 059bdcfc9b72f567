import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import type { ClusterConfig, RouteRule } from "@weft/contract";
import { createCluster, createRule } from "@weft/testkit";
import { assertBalanced, findDeadPort, metric, onEnd, type ProxyFixture, startProxy } from "./proxy.fixture.ts";

const SERVICE = "/test.Echo/";
const bytes = (value: Buffer): Buffer => value;

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `${SERVICE}${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

const DEFINITION: ServiceDefinition = {
  Say: method("Say", false, false),
  Count: method("Count", false, true),
  Talk: method("Talk", true, true),
  Fail: method("Fail", false, false),
  Hang: method("Hang", false, false),
};

interface Behaviour {
  failures?: number;
}

/** An unmodified gRPC server; `behaviour.failures` calls of Say fail with UNAVAILABLE first. */
async function startGrpcServer(behaviour: Behaviour = {}): Promise<number> {
  const say: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    if ((behaviour.failures ?? 0) > 0) {
      behaviour.failures = (behaviour.failures ?? 0) - 1;
      callback({ code: status.UNAVAILABLE, details: "not now" });
      return;
    }
    const trailer = new Metadata();
    trailer.set("x-trailer", "seen");
    callback(null, call.request, trailer);
  };
  const count: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    for (let index = 0; index < 100; index++) call.write(Buffer.from(`${index}`));
    call.end();
  };
  const talk: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on("data", (message: Buffer) => call.write(Buffer.from(`re: ${message.toString()}`)));
    call.on("end", () => call.end());
  };
  const fail: handleUnaryCall<Buffer, Buffer> = (_call, callback) =>
    callback({ code: status.FAILED_PRECONDITION, details: "100 % wrong, ä" });
  const server = new Server();
  server.addService(DEFINITION, { Say: say, Count: count, Talk: talk, Fail: fail, Hang: () => {} });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  onEnd(() => server.forceShutdown());
  return port;
}

async function startGrpc(
  ports: readonly number[],
  rules?: readonly RouteRule[],
  changes: Partial<ClusterConfig> = {},
): Promise<ProxyFixture & { client: Client }> {
  const fixture = await startProxy([createCluster(ports, { protocol: "http2", ...changes })], rules);
  const client = new Client(`127.0.0.1:${fixture.port}`, credentials.createInsecure());
  onEnd(() => client.close());
  return { ...fixture, client };
}

/** One unary call; resolves with the answer or the error that the client reads. */
function call(client: Client, name: string, request: string, deadlineMs = 5000): Promise<Buffer | ServiceError> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + deadlineMs };
    client.makeUnaryRequest(`${SERVICE}${name}`, bytes, bytes, Buffer.from(request), options, (error, answer) =>
      resolve(error ?? answer ?? Buffer.alloc(0)),
    );
  });
}

async function callCode(client: Client, name: string, deadlineMs?: number): Promise<[number, string]> {
  const result = await call(client, name, "x", deadlineMs);
  assert.ok(result instanceof Error, "the call fails");
  return [result.code, result.details];
}

describe("gRPC through the proxy, with unmodified client and server", () => {
  test("unary calls, large messages too", async () => {
    const { client, proxy } = await startGrpc([await startGrpcServer()]);
    for (const size of [0, 5, 1_000_000]) {
      const answer = await call(client, "Say", "a".repeat(size));
      assert.ok(Buffer.isBuffer(answer), String(answer));
      assert.equal(answer.length, size);
    }
    await assertBalanced(proxy);
    assert.equal(metric(proxy, "weft_router_grpc_responses_total", "0"), 3);
  });

  test("server streaming", async () => {
    const { client, proxy } = await startGrpc([await startGrpcServer()]);
    const stream = client.makeServerStreamRequest(`${SERVICE}Count`, bytes, bytes, Buffer.alloc(0));
    const messages: string[] = [];
    for await (const message of stream) messages.push(String(message));
    assert.deepEqual(
      messages,
      Array.from({ length: 100 }, (_, index) => `${index}`),
    );
    await assertBalanced(proxy);
  });

  test("both sides stream, message by message", async () => {
    const { client, proxy } = await startGrpc([await startGrpcServer()], undefined, { responseTimeoutMs: 500 });
    const stream = client.makeBidiStreamRequest(`${SERVICE}Talk`, bytes, bytes);
    for (let index = 0; index < 5; index++) {
      stream.write(Buffer.from(`${index}`));
      const reply = await new Promise((resolve) => stream.once("data", resolve));
      assert.equal(String(reply), `re: ${index}`);
    }
    const ended = new Promise((resolve) => stream.once("status", resolve));
    stream.end();
    assert.equal(((await ended) as { code: number }).code, status.OK);
    await assertBalanced(proxy);
  });

  test("errors of the server arrive with code and text", async () => {
    const { client, proxy } = await startGrpc([await startGrpcServer()]);
    assert.deepEqual(await callCode(client, "Fail"), [status.FAILED_PRECONDITION, "100 % wrong, ä"]);
    assert.equal((await callCode(client, "Unknown"))[0], status.UNIMPLEMENTED);
    await assertBalanced(proxy);
  });

  test("a client's deadline cancels the call at the server", async () => {
    const { client, proxy } = await startGrpc([await startGrpcServer()]);
    assert.equal((await callCode(client, "Hang", 60))[0], status.DEADLINE_EXCEEDED);
    await assertBalanced(proxy);
  });

  test("UNAVAILABLE is tried again when the route says so, on trailers-only answers", async () => {
    const rule = createRule({
      retry: {
        retriesMax: 2,
        on: ["grpc-status"],
        statuses: [],
        grpcStatuses: [status.UNAVAILABLE],
        backoffBaseMs: 1,
        backoffMaxMs: 2,
        perTryTimeoutMs: 0,
        retriesNonIdempotent: true,
      },
    });
    const behaviour = { failures: 2 };
    const { client, proxy } = await startGrpc([await startGrpcServer(behaviour)], [rule]);
    const answer = await call(client, "Say", "again");
    assert.equal(String(answer), "again");
    behaviour.failures = 10;
    assert.deepEqual(await callCode(client, "Say"), [status.UNAVAILABLE, "not now"]);
    await assertBalanced(proxy);
  });

  test("errors of the proxy are gRPC statuses", async () => {
    const dead = await startGrpc([await findDeadPort()]);
    const [code, details] = await callCode(dead.client, "Say");
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /^\[UPSTREAM_CONNECT_FAILED\] /);
    const lost = await startGrpc([], [createRule({ hostnames: ["other.example"] })]);
    assert.equal((await callCode(lost.client, "Say"))[0], status.UNIMPLEMENTED);
    const slow = await startGrpc([await startGrpcServer()], [createRule({ timeoutMs: 40 })]);
    assert.equal((await callCode(slow.client, "Hang"))[0], status.DEADLINE_EXCEEDED);
    const faulty = createRule({
      fault: { delayShare: 0, delayMs: 0, abortShare: 1, abortStatus: 503, abortGrpcStatus: status.ABORTED },
    });
    const aborted = await startGrpc([await startGrpcServer()], [faulty]);
    assert.equal((await callCode(aborted.client, "Say"))[0], status.ABORTED);
    for (const { proxy } of [dead, lost, slow, aborted]) await assertBalanced(proxy);
  });
});
