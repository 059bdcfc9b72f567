/**
 * A reverse proxy as one writes it with the standard library: node:http on both sides, with a keep-alive agent.
 * Arguments: the port to listen on, the backend's port.
 */
import { Agent, createServer, request } from "node:http";
import { LOOPBACK } from "../ports.ts";
import { withoutConnectionFields } from "./connection-fields.ts";
import { PEER_IDLE_UPSTREAM_MAX } from "./limits.ts";

const [listenPort, backendPort] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxFreeSockets: PEER_IDLE_UPSTREAM_MAX, scheduling: "lifo" });
const HOUR_MS = 3_600_000;

// `pipe` and not `pipeline`: it costs less, and what pipeline adds for errors is three lines here.
const server = createServer({ keepAliveTimeout: HOUR_MS, noDelay: true }, (incoming, outgoing) => {
  const { method, url, headers } = incoming;
  const options = {
    agent,
    host: LOOPBACK,
    port: backendPort,
    method,
    path: url,
    headers: withoutConnectionFields(headers),
  };
  const upstream = request(options, (answer) => {
    if (outgoing.destroyed) {
      answer.destroy();
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, withoutConnectionFields(answer.headers));
    answer.on("error", () => outgoing.destroy());
    answer.pipe(outgoing);
  });
  upstream.on("error", () => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502).end();
  });
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) upstream.destroy();
  });
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  if (hasBody) incoming.pipe(upstream);
  else upstream.end();
});
server.listen({ host: LOOPBACK, port: listenPort, backlog: 4096 });
