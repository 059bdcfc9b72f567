import { once } from "node:events";
import { type IncomingMessage, request as sendRequest } from "node:http";
import { WebSocket } from "ws";
import { CHECK_REQUEST_MS_MAX } from "../limits.ts";
import { LOOPBACK } from "../shop/application.ts";
import type { RunningMesh } from "../up.ts";
import { withClient } from "./http-client.ts";
import { expect, type Probe } from "./probe.ts";

const MESSAGES = 100;
/** The largest message that the notify service takes. */
const LARGE_BYTES = 65_536;

async function webSocket({ mesh }: RunningMesh): Promise<string> {
  const socket = new WebSocket(`ws://${LOOPBACK}:${mesh.httpPort}/ws`);
  const signal = AbortSignal.timeout(CHECK_REQUEST_MS_MAX);
  try {
    await once(socket, "open", { signal });
    for (let sent = 0; sent < MESSAGES; sent++) {
      const message = sent === 0 ? "x".repeat(LARGE_BYTES) : `message ${sent}`;
      socket.send(message);
      // Notifications of the shop's own orders come in between.
      let echo = "";
      while (echo !== message) {
        const [data] = (await once(socket, "message", { signal })) as [Buffer];
        echo = data.toString();
        expect(echo === message || echo.endsWith("is paid"), `"${echo.slice(0, 50)}" came back for "${message}"`);
      }
    }
    socket.close(1000);
    const [code] = (await once(socket, "close", { signal })) as [number];
    expect(code === 1000, `closed with ${code}`);
    return `${MESSAGES} messages echoed, the largest of ${LARGE_BYTES / 1024} KB`;
  } finally {
    socket.terminate();
  }
}

/** Events must come while the answer is still open: nothing on the way may hold them back. */
async function serverSentEvents({ mesh }: RunningMesh): Promise<string> {
  const signal = AbortSignal.timeout(CHECK_REQUEST_MS_MAX);
  const outgoing = sendRequest({ host: LOOPBACK, port: mesh.httpPort, path: "/events", signal });
  outgoing.end();
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  try {
    expect(incoming.headers["content-type"] === "text/event-stream", `status ${incoming.statusCode}`);
    incoming.setEncoding("utf8");
    let seen = await readUntil(incoming, "", "event: hello");
    for (let sent = 1; sent <= 5; sent++) {
      const text = `check ${process.pid} ${sent}`;
      await withClient(mesh.httpPort, (client) => client.send("/publish", { method: "POST", body: text }));
      seen = await readUntil(incoming, seen, JSON.stringify(text));
    }
    return "5 notifications published, each seen at once";
  } finally {
    outgoing.destroy();
  }
}

async function readUntil(incoming: IncomingMessage, seen: string, wanted: string): Promise<string> {
  let text = seen;
  while (!text.includes(wanted)) {
    const [piece] = (await once(incoming, "data", { signal: AbortSignal.timeout(CHECK_REQUEST_MS_MAX) })) as [string];
    text += piece;
  }
  return text;
}

/** Answers that stay open. */
export const STREAM_PROBES: readonly Probe[] = [
  { name: "WebSocket", run: webSocket },
  { name: "server-sent events", run: serverSentEvents },
];
