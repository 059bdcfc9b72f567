/**
 * The servers that the examples send requests to, each given as NAME=PORT:
 *
 *     node_modules/.bin/node examples/backend.ts cart-v1=9101 cart-v2=9102
 *
 * NAME=PORT:503 answers everything with that status, NAME=grpc:PORT answers gRPC calls with what they sent, NAME=tcp:PORT sends every
 * byte back, NAME=bolt:PORT and NAME=dubbo:PORT say who was called, and with a status, such as NAME=bolt:PORT:500, answer with errors.
 * A path of /delay/MS waits so long; POST /sick and POST /well decide what GET /healthz says.
 */
import { createServer } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createServer as createTcpServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { RpcName } from "./rpc-peer.ts";

const ADDRESS = "127.0.0.1";

/** An HTTP server that says who it is and what it was asked. */
function createEcho(name: string, status: number): Server {
  let health = 200;
  return createServer((request, response) => {
    const { method = "", url = "/", headers } = request;
    if (method === "POST" && url === "/sick") health = 503;
    if (method === "POST" && url === "/well") health = 200;
    request.resume();
    const delayMs = Number(/\/delay\/(\d{1,5})$/.exec(url)?.[1] ?? 0);
    void sleep(delayMs).then(() => {
      response.writeHead(url === "/healthz" ? health : status, {
        "content-type": "application/json",
        "x-backend": name,
      });
      response.end(`${JSON.stringify({ backend: name, method, url, headers }, undefined, 2)}\n`);
    });
  });
}

/** Answers a gRPC call with the messages that it sent; trailers say that all went well. */
function answerCall(name: string, stream: ServerHttp2Stream): void {
  stream.on("error", () => {});
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.respond({ ":status": 200, "content-type": "application/grpc", "x-backend": name }, { waitForTrailers: true });
  stream.pipe(stream);
}

/** The packages of RPC protocols are loaded only where they are used. */
async function createRpc(name: string, protocol: RpcName, isBroken: boolean): Promise<Server> {
  const { createRpcServer } = await import("./rpc-peer.ts");
  return createRpcServer(name, protocol, isBroken);
}

async function createServerOf(name: string, protocol: string, status: number): Promise<Server> {
  if (protocol === "http") return createEcho(name, status);
  if (protocol === "tcp") return createTcpServer((socket) => void socket.on("error", () => {}).pipe(socket));
  if (protocol === "bolt" || protocol === "dubbo") return await createRpc(name, protocol, status >= 400);
  return createHttp2Server().on("stream", (stream) => answerCall(name, stream as ServerHttp2Stream));
}

for (const argument of process.argv.slice(2)) {
  const [, name, protocol, port, status] =
    /^([\w.-]+)=(?:(grpc|tcp|bolt|dubbo):)?(\d{1,5})(?::(\d{3}))?$/.exec(argument) ?? [];
  if (name === undefined) {
    process.stderr.write(
      `Cannot start ${argument}: expected NAME=PORT, NAME=PORT:STATUS or NAME=PROTOCOL:PORT with grpc, tcp, bolt or dubbo\n`,
    );
    process.exit(2);
  }
  const server = await createServerOf(name, protocol ?? "http", Number(status ?? 200));
  server.listen(Number(port), ADDRESS, () => {
    const bound = server.address();
    const at = typeof bound === "object" && bound !== null ? bound.port : port;
    process.stdout.write(`${name} on ${ADDRESS}:${at}\n`);
  });
}
