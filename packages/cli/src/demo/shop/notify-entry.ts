/** The notification service of the demo shop: WebSocket with `ws`, and server-sent events. */
import { createServer, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { WebSocketServer } from "ws";
import { serveHttp, startApplication } from "./application.ts";
import { answerJson } from "./json-answer.ts";

/** Listeners of either kind; more are refused. */
const LISTENERS_MAX = 1_000;
/** Bytes of one notification. */
const MESSAGE_BYTES_MAX = 65_536;
/** Sent to idle event streams, so that nothing between takes them for dead. */
const KEEPALIVE_MS = 15_000;

const options = startApplication();
const eventStreams = new Set<ServerResponse>();
let sequence = 0;

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://notify");
  switch (pathname) {
    case "/events":
      openEventStream(response);
      return;
    case "/publish":
      void text(request).then(
        (message) => {
          publish(message.slice(0, MESSAGE_BYTES_MAX));
          answerJson(response, 202, { service: "notify", sequence });
        },
        () => response.destroy(),
      );
      return;
    case "/healthz":
      answerJson(response, 200, { status: "ok" });
      return;
    default:
      answerJson(response, 404, { error: `notify has no ${pathname}` });
  }
});

function openEventStream(response: ServerResponse): void {
  if (eventStreams.size >= LISTENERS_MAX) {
    answerJson(response, 503, { error: `${LISTENERS_MAX} listeners are enough` });
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(`event: hello\ndata: ${JSON.stringify({ instance: options.instance })}\n\n`);
  eventStreams.add(response);
  response.on("close", () => eventStreams.delete(response));
}

const sockets = new WebSocketServer({ server, path: "/ws", maxPayload: MESSAGE_BYTES_MAX });
sockets.on("connection", (socket) => {
  if (sockets.clients.size > LISTENERS_MAX) {
    socket.close(1013, "enough listeners");
    return;
  }
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  // A connection that breaks is closed by ws itself.
  socket.on("error", () => {});
});

/** Tells every event stream and every WebSocket. A stream that does not read loses messages rather than memory. */
function publish(message: string): void {
  sequence++;
  const event = `id: ${sequence}\nevent: notification\ndata: ${JSON.stringify(message)}\n\n`;
  for (const stream of eventStreams) if (!stream.writableNeedDrain) stream.write(event);
  for (const socket of sockets.clients) if (socket.bufferedAmount < MESSAGE_BYTES_MAX) socket.send(message);
}

setInterval(() => {
  for (const stream of eventStreams) if (!stream.writableNeedDrain) stream.write(":\n\n");
}, KEEPALIVE_MS).unref();

serveHttp(server, options);
