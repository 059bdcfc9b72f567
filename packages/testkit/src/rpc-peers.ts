// Client and server of the npm packages sofa-bolt-node and dubbo-remoting, unmodified, on real sockets.
import { once } from "node:events";
import net from "node:net";
import type { TestContext } from "node:test";
import PackageConnection from "connection";
import * as dubboRemoting from "dubbo-remoting";
import * as sofaBoltNode from "sofa-bolt-node";

/** A request as the peers' packages hand it on; what they know is more than this. */
export interface PeerRequest {
  readonly data: { readonly methodName: string; readonly args: readonly unknown[]; readonly serverSignature?: string };
}

/** What a peer is asked to call. */
export interface PeerCall {
  readonly serverSignature: string;
  readonly methodName: string;
  readonly args: readonly unknown[];
  readonly timeout: number;
  readonly methodArgSigs?: readonly string[];
  readonly requestProps?: Readonly<Record<string, string>>;
}

/** The answer that a peer's client gets. */
export interface PeerAnswer {
  readonly packetType: string;
  readonly data: { readonly appResponse?: unknown; readonly error?: Error | null };
}

interface PeerEncoder {
  protocolType: string;
  boltVersion: number;
  crcEnable: boolean;
}

/** One end of a connection of the peers' package "connection". */
export interface PeerConnection {
  readonly _encoder: PeerEncoder;
  ready(): Promise<void>;
  on(event: "request", listener: (request: PeerRequest) => void): void;
  on(event: "heartbeat", listener: (heartbeat: unknown) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  writeRequest(call: PeerCall): Promise<PeerAnswer>;
  writeHeartbeat(heartbeat: { timeout: number }): Promise<PeerAnswer>;
  writeResponse(request: PeerRequest, response: object): Promise<void>;
  writeHeartbeatAck(heartbeat: unknown): Promise<void>;
  oneway(call: PeerCall): void;
  forceClose(): Promise<void>;
}

// Declared here as far as it is used: what the package declares of itself names other packages that are not there.
const Connection = PackageConnection as unknown as new (options: object) => PeerConnection;

/** The peers' protocol packages. */
export const PEER_PROTOCOLS: { readonly bolt: object; readonly dubbo: object } = {
  bolt: sofaBoltNode,
  dubbo: dubboRemoting,
};

const logger = { info() {}, warn() {}, error() {}, debug() {} };

function connectionOn(socket: net.Socket, protocol: object): PeerConnection {
  const connection = new Connection({ socket, logger, protocol });
  connection.on("error", () => {});
  return connection;
}

/** A peer's server: `answer` gives the value that a call returns, or throws what it answers as an error. */
export async function startPeerServer(
  t: TestContext,
  protocol: object,
  answer: (request: PeerRequest) => unknown,
): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    const connection = connectionOn(socket, protocol);
    connection.on("heartbeat", (heartbeat) => void connection.writeHeartbeatAck(heartbeat));
    connection.on("request", (request) => {
      const respond = (response: object): void => void connection.writeResponse(request, response).catch(() => {});
      try {
        respond({ isError: false, appResponse: answer(request) });
      } catch (error) {
        respond({ isError: true, errorMsg: String(error) });
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** A peer's client, connected. */
export async function startPeerClient(t: TestContext, protocol: object, port: number): Promise<PeerConnection> {
  const socket = net.connect(port, "127.0.0.1");
  const connection = connectionOn(socket, protocol);
  await connection.ready();
  t.after(() => void socket.destroy());
  return connection;
}
