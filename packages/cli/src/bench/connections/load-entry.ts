/**
 * Bolt calls at a steady rate over several connections, whether or not the last ones are answered. It prints one line of
 * JSON, a `BoltLoad`. Arguments: port, connections, calls per second, seconds.
 */
import { connect, type Socket } from "node:net";
import type { BoltLoad } from "../bolt/bolt-load.ts";
import { createRequest, FrameCutter, ID_AT, statusOf, STATUS_SUCCESS } from "../bolt/frames.ts";
import { LOOPBACK } from "../ports.ts";
import { percentile } from "../statistics.ts";
import { LAST_ANSWERS_MS_MAX } from "./limits.ts";

const TICK_MS = 10;

const [port = 0, connections = 0, rate = 0, seconds = 0] = process.argv.slice(2).map(Number);
const request = createRequest();
const calls = rate * seconds;
/** By id, in milliseconds: when the call was sent; then how long its answer took. */
const sentMs = new Float64Array(calls + 1);
const tookMs = new Float64Array(calls + 1);
const sockets: Socket[] = [];
let sent = 0;
let answered = 0;
let succeeded = 0;
let failedStatus = -1;
let fault = "";

function open(): void {
  const socket = connect({ host: LOOPBACK, port, noDelay: true });
  const cutter = new FrameCutter((bytes, at) => receive(bytes, at));
  socket.on("data", (bytes: Buffer) => cutter.take(bytes));
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => fail("a connection was closed"));
  sockets.push(socket);
}

function receive(bytes: Buffer, at: number): void {
  const id = bytes.readUInt32BE(at + ID_AT);
  answered++;
  const status = statusOf(bytes, at);
  if (status === STATUS_SUCCESS) tookMs[succeeded++] = performance.now() - (sentMs[id] ?? 0);
  else if (failedStatus < 0) failedStatus = status;
  if (sent === calls && answered === calls) finish();
}

function fail(reason: string): void {
  if (fault === "") fault = reason;
  finish();
}

function send(): void {
  const nowMs = performance.now();
  const due = Math.min(calls, Math.floor(((nowMs - startMs) / 1000) * rate));
  while (sent < due) {
    const id = ++sent;
    sentMs[id] = nowMs;
    request.writeUInt32BE(id, ID_AT);
    // The socket may keep the bytes beyond this call.
    sockets[id % connections]?.write(Buffer.from(request));
  }
  if (sent < calls) return;
  clearInterval(ticks);
  setTimeout(() => fail(`${calls - answered} calls were not answered`), LAST_ANSWERS_MS_MAX);
}

function finish(): void {
  if (fault === "" && succeeded < answered) {
    fault = `${answered - succeeded} of ${answered} calls failed, the first with status ${failedStatus}`;
  }
  const sorted = tookMs.slice(0, succeeded).sort();
  const report: BoltLoad = {
    requests: succeeded,
    seconds: (performance.now() - startMs) / 1000,
    p50_ms: percentile(sorted, 0.5),
    p99_ms: percentile(sorted, 0.99),
    fault,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

for (let index = 0; index < connections; index++) open();
const startMs = performance.now();
const ticks = setInterval(send, TICK_MS);
