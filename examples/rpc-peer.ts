/** Bolt and Dubbo as applications speak them: by the npm packages sofa-bolt-node and dubbo-remoting, on those of "connection". */
import PackageConnection from "connection";
import * as dubboRemoting from "dubbo-remoting";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import * as sofaBoltNode from "sofa-bolt-node";

/** The protocols, by the name that they have in Services and URLs. */
export type RpcName = "bolt" | "dubbo";

const PROTOCOLS: Readonly<Record<RpcName, object>> = { bolt: sofaBoltNode, dubbo: dubboRemoting };

/** What is called: "com.shop.Ledger:1.0" is an interface with its version. */
export interface Call {
  readonly service: string;
  readonly method: string;
  readonly args: readonly string[];
  /** Attachments; those of Bolt calls lie within the body, where nobody on the way reads them. */
  readonly headers: Readonly<Record<string, string>>;
}

interface PeerRequest {
  readonly data: { readonly serverSignature?: string; readonly methodName: string; readonly args: readonly string[] };
}

/** One end of a connection, as far as it is used here. */
interface PeerConnection {
  on(event: string, listener: (argument: never) => void): void;
  writeRequest(
    request: object,
  ): Promise<{ readonly data: { readonly appResponse?: unknown; readonly error?: Error | null } }>;
  writeResponse(request: PeerRequest, response: object): Promise<void>;
  writeHeartbeatAck(heartbeat: unknown): Promise<void>;
  forceClose(): Promise<void>;
}

// What the package declares of itself names other packages that are not there.
const Connection = PackageConnection as unknown as new (options: object) => PeerConnection;
const logger = { info() {}, warn() {}, error() {}, debug() {} };
const CALL_MS_MAX = 5000;

/** A server that says who it is and what it was asked; one that is broken answers with errors. */
export function createRpcServer(name: string, protocol: RpcName, isBroken: boolean): Server {
  return createServer((socket) => {
    const connection = new Connection({ socket, logger, protocol: PROTOCOLS[protocol] });
    connection.on("error", () => {});
    connection.on("heartbeat", (heartbeat: unknown) => void connection.writeHeartbeatAck(heartbeat));
    connection.on("request", (request: PeerRequest) => {
      const { serverSignature = "", methodName, args } = request.data;
      const appResponse = `${name}: ${serverSignature}.${methodName}(${args.join(", ")})`;
      const response = isBroken ? { isError: true, errorMsg: `${name} is broken` } : { isError: false, appResponse };
      void connection.writeResponse(request, response);
    });
  });
}

/** Calls once; resolves with what the method returned, rejects with what it threw, and when there is no answer in time. */
export async function callOnce(protocol: RpcName, host: string, port: number, call: Call): Promise<unknown> {
  const socket = connect(port, host);
  await once(socket, "connect");
  const connection = new Connection({ socket, logger, protocol: PROTOCOLS[protocol] });
  const failed = new Promise<never>((_, reject) => {
    connection.on("error", reject);
    connection.on("close", () => reject(new Error("the connection was closed before the answer")));
  });
  try {
    const { data } = await Promise.race([
      connection.writeRequest({
        serverSignature: call.service,
        methodName: call.method,
        args: call.args,
        methodArgSigs: call.args.map(() => "java.lang.String"),
        requestProps: call.headers,
        timeout: CALL_MS_MAX,
      }),
      failed,
    ]);
    if (data.error !== undefined && data.error !== null) throw data.error;
    return data.appResponse;
  } finally {
    await connection.forceClose();
  }
}
