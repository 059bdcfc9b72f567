/**
 * How the demo's applications call each other in Bolt and Dubbo: with the npm packages that Node applications of such a
 * mesh have, sofa-bolt-node and dubbo-remoting, on connections of their package "connection".
 */
import PackageConnection from "connection";
import { connect, createServer } from "node:net";
import { announceReady, type ApplicationOptions, LOOPBACK } from "./application.ts";

/** A call: the interface with its version ("com.shop.Ledger:1.0"), a method and texts for it. */
export interface RpcCall {
  readonly service: string;
  readonly method: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

/** The methods of an interface, by name. */
export type RpcMethods = Readonly<Record<string, (...args: string[]) => unknown>>;

/** A request as the packages hand it on. */
interface PeerRequest {
  readonly data: { readonly methodName: string; readonly args: readonly string[] };
}

/** An answer as the packages hand it on. */
interface PeerAnswer {
  readonly data: { readonly appResponse?: unknown; readonly error?: Error | null };
}

/** One end of a connection of package "connection", as far as it is used here. */
interface PeerConnection {
  ready(): Promise<void>;
  on(event: "request", listener: (request: PeerRequest) => void): void;
  on(event: "heartbeat", listener: (heartbeat: unknown) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "close", listener: () => void): void;
  writeRequest(request: object): Promise<PeerAnswer>;
  writeResponse(request: PeerRequest, response: object): Promise<void>;
  writeHeartbeatAck(heartbeat: unknown): Promise<void>;
  forceClose(): Promise<void>;
}

// What the package declares of itself names other packages that are not there.
const Connection = PackageConnection as unknown as new (options: object) => PeerConnection;

const logger = { info() {}, warn() {}, error() {}, debug() {} };

/** A client that keeps one connection, and makes a new one when that is lost. */
export class RpcClient {
  readonly #protocol: object;
  readonly #port: number;
  #connection: PeerConnection | null = null;

  /** `protocol` is the module of the package; `port` is on this machine. */
  constructor(protocol: object, port: number) {
    this.#protocol = protocol;
    this.#port = port;
  }

  /** Resolves with what the method returned; rejects with what it threw, and when there is no answer in time. */
  async call({ service, method, args, timeoutMs }: RpcCall): Promise<unknown> {
    const connection = (this.#connection ??= this.#connect());
    await connection.ready();
    const { data } = await connection.writeRequest({
      serverSignature: service,
      methodName: method,
      args,
      methodArgSigs: args.map(() => "java.lang.String"),
      timeout: timeoutMs,
      requestProps: {},
    });
    if (data.error !== undefined && data.error !== null) throw data.error;
    return data.appResponse;
  }

  async close(): Promise<void> {
    await this.#connection?.forceClose();
  }

  #connect(): PeerConnection {
    const connection = new Connection({ socket: connect(this.#port, LOOPBACK), logger, protocol: this.#protocol });
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = null;
    };
    connection.on("error", forget);
    connection.on("close", forget);
    return connection;
  }
}

/** Serves `methods`, whatever interface is called, and announces it. A port that is taken ends the process. */
export function serveRpc(protocol: object, { port }: ApplicationOptions, methods: RpcMethods): void {
  const server = createServer((socket) => {
    const connection = new Connection({ socket, logger, protocol });
    connection.on("error", () => {});
    connection.on("heartbeat", (heartbeat) => void connection.writeHeartbeatAck(heartbeat));
    connection.on("request", (request) => void connection.writeResponse(request, answer(request, methods)));
  });
  server.listen(port, LOOPBACK, announceReady);
}

function answer({ data: { methodName, args } }: PeerRequest, methods: RpcMethods): object {
  const method = methods[methodName];
  if (method === undefined) return { isError: true, errorMsg: `there is no method ${methodName}` };
  try {
    return { isError: false, appResponse: method(...args) };
  } catch (error) {
    return { isError: true, errorMsg: String(error) };
  }
}
