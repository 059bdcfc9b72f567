/**
 * The two backends, in one process: each says who it is and which configuration routed the request.
 * Arguments: their ports.
 */
import { createServer } from "node:http";
import { LOOPBACK } from "../ports.ts";
import { REVISION_FIELD } from "./exchange.ts";
import { BACKENDS, renderBody } from "./expectation.ts";

const ports = process.argv.slice(2).map(Number);
const HOUR_MS = 3_600_000;

for (const [at, name] of BACKENDS.entries()) {
  // Idle connections are the proxy's to close.
  const server = createServer({ keepAliveTimeout: HOUR_MS, noDelay: true }, (request, response) => {
    const body = renderBody(name, String(request.headers[REVISION_FIELD] ?? ""));
    response.writeHead(200, { "content-type": "text/plain", "content-length": body.length });
    response.end(body);
  });
  server.listen({ host: LOOPBACK, port: ports[at], backlog: 4096 });
}
