/**
 * A reverse proxy as one writes it with the standard library: node:http2 in front, node:http2 or node:http behind.
 * Arguments: the port to listen on, the backend's port, "http1" or "http2", and for TLS the files of certificate and key.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import {
  type ClientHttp2Session,
  connect,
  constants,
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { LOOPBACK } from "../ports.ts";
import { withoutConnectionFields } from "./connection-fields.ts";
import { PEER_IDLE_UPSTREAM_MAX } from "./limits.ts";

const [listenText, backendText, upstreamProtocol, certificatePath, keyPath] = process.argv.slice(2);
const backendPort = Number(backendText);
const agent = new Agent({ keepAlive: true, maxFreeSockets: PEER_IDLE_UPSTREAM_MAX, scheduling: "lifo" });

/** As many connections to the backend as the load has to us; used in turn. */
const SESSIONS = 8;
const sessions: ClientHttp2Session[] = [];
let turn = 0;

function nextSession(): ClientHttp2Session {
  const slot = turn++ % SESSIONS;
  let session = sessions[slot];
  if (session === undefined || session.closed || session.destroyed) {
    session = connect(`http://${LOOPBACK}:${backendPort}`);
    session.on("error", () => {});
    sessions[slot] = session;
  }
  return session;
}

function fail(stream: ServerHttp2Stream): void {
  if (stream.destroyed || stream.closed) return;
  if (stream.headersSent) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else stream.respond({ ":status": 502 }, { endStream: true });
}

function proxyToHttp2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, hasBody: boolean): void {
  const upstream = nextSession().request(headers, { endStream: !hasBody });
  let trailers: OutgoingHttpHeaders | null = null;
  upstream.on("response", (answer, flags) => {
    if (stream.destroyed || stream.closed) return;
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    // Whether there are trailers is known only at the end.
    stream.respond(answer, { endStream, waitForTrailers: !endStream });
    if (!endStream) upstream.pipe(stream);
  });
  upstream.on("trailers", (fields) => {
    trailers = fields;
  });
  stream.on("wantTrailers", () => {
    if (trailers === null) stream.close();
    else stream.sendTrailers(trailers);
  });
  upstream.on("error", () => fail(stream));
  stream.on("error", () => {});
  stream.on("aborted", () => upstream.close(constants.NGHTTP2_CANCEL));
  if (hasBody) stream.pipe(upstream);
}

function proxyToHttp1(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, hasBody: boolean): void {
  const { ":method": method, ":path": path, ":authority": host } = headers;
  const fields: OutgoingHttpHeaders = { host };
  for (const name of Object.keys(headers)) if (!name.startsWith(":")) fields[name] = headers[name];
  const options = { agent, host: LOOPBACK, port: backendPort, method, path, headers: fields };
  const upstream = request(options, (answer) => {
    if (stream.destroyed || stream.closed) {
      answer.destroy();
      return;
    }
    stream.respond({ ":status": answer.statusCode ?? 502, ...withoutConnectionFields(answer.headers) });
    answer.on("error", () => fail(stream));
    answer.pipe(stream);
  });
  upstream.on("error", () => fail(stream));
  stream.on("error", () => {});
  stream.on("aborted", () => upstream.destroy());
  if (hasBody) stream.pipe(upstream);
  else upstream.end();
}

const proxyStream = upstreamProtocol === "http2" ? proxyToHttp2 : proxyToHttp1;
const settings = { maxConcurrentStreams: 128 };
const server =
  certificatePath === undefined || keyPath === undefined
    ? createServer({ settings })
    : createSecureServer({
        settings,
        cert: readFileSync(certificatePath),
        key: readFileSync(keyPath),
        minVersion: "TLSv1.3",
        ALPNProtocols: ["h2"],
      });
server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => {
  proxyStream(stream, headers, (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0);
});
server.on("sessionError", () => {});
server.listen({ host: LOOPBACK, port: Number(listenText), backlog: 4096 });
