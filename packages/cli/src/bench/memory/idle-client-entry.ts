/**
 * Opens connections, sends one request on each, and holds them until the process is told to stop.
 * Arguments: port, number of connections, request target. Prints "open" when all have their answer, and "lost" for each that ends.
 */
import { connect, type Socket } from "node:net";
import { IDLE_OPENING_MAX } from "../limits.ts";
import { LOOPBACK } from "../ports.ts";

const [portText, countText, target] = process.argv.slice(2);
const count = Number(countText);
const sockets: Socket[] = [];
let started = 0;
let open = 0;

function lose(why: string): void {
  process.stdout.write(`lost: ${why}\n`);
}

/** Whether the bytes so far hold the whole answer: a head with content-length, and as much body. */
function isComplete(text: string): boolean {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, headEnd))?.[1];
  return length !== undefined && text.length >= headEnd + 4 + Number(length);
}

function openNext(): void {
  if (started === count) return;
  started++;
  const socket = connect({ host: LOOPBACK, port: Number(portText), noDelay: true });
  let text: string | null = "";
  sockets.push(socket);
  socket.setEncoding("latin1");
  socket.on("connect", () => socket.write(`GET ${target} HTTP/1.1\r\nHost: ${LOOPBACK}:${portText}\r\n\r\n`));
  socket.on("data", (chunk: string) => {
    if (text === null) return lose("bytes that nobody asked for");
    text += chunk;
    if (!isComplete(text)) return;
    if (!text.startsWith("HTTP/1.1 200 ")) lose(text.slice(0, text.indexOf("\r\n")));
    text = null;
    if (++open === count) process.stdout.write("open\n");
    openNext();
  });
  socket.on("error", (error) => lose(error.message));
  socket.on("end", () => lose("closed by the proxy"));
}

for (let opening = 0; opening < IDLE_OPENING_MAX; opening++) openNext();
