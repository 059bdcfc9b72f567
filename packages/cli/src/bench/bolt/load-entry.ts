/**
 * The load of the Bolt bench: connections that each send the next request when the last is answered. It prints one line of
 * JSON, a `BoltLoad`. Arguments: port, connections, seconds.
 */
import { connect } from "node:net";
import { LOOPBACK } from "../ports.ts";
import { percentile } from "../statistics.ts";
import { createRequest, createResponse, FrameCutter, ID_AT } from "./frames.ts";
import type { BoltLoad } from "./bolt-load.ts";

/** Answer times that are kept: more than any run has. */
const TIMES_MAX = 4_000_000;
/** How long answers are waited for after the last request. */
const LAST_ANSWER_MS_MAX = 2_000;

const [port = 0, connections = 0, seconds = 0] = process.argv.slice(2).map(Number);
const response = createResponse();
const times = new Float64Array(TIMES_MAX);
let requests = 0;
let isOver = false;
let open = 0;
let fault = "";

function start(): void {
  const request = createRequest();
  const socket = connect({ host: LOOPBACK, port, noDelay: true });
  let id = 0;
  let sentMs = 0;
  const send = (): void => {
    request.writeUInt32BE(++id, ID_AT);
    sentMs = performance.now();
    open++;
    // The socket may keep the bytes beyond this call.
    socket.write(Buffer.from(request));
  };
  const cutter = new FrameCutter((bytes, at) => {
    open--;
    if (bytes.readUInt32BE(at + ID_AT) !== id) fail(`an answer has id ${bytes.readUInt32BE(at + ID_AT)}, not ${id}`);
    else if (bytes.compare(response, ID_AT + 4, response.length, at + ID_AT + 4, at + response.length) !== 0) {
      fail(`an answer is not what was expected: ${bytes.toString("hex", at, at + 20)}`);
    } else if (requests < TIMES_MAX) {
      times[requests++] = performance.now() - sentMs;
    }
    if (isOver) end();
    else send();
  });
  socket.on("data", (bytes: Buffer) => cutter.take(bytes));
  socket.on("connect", send);
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => fail("a connection was closed"));
}

function fail(reason: string): void {
  if (fault === "") fault = reason;
  finish();
}

function end(): void {
  if (open === 0) finish();
}

function finish(): void {
  const sorted = times.slice(0, requests).sort();
  const report: BoltLoad = {
    requests,
    seconds: (performance.now() - startMs) / 1000,
    p50_ms: percentile(sorted, 0.5),
    p99_ms: percentile(sorted, 0.99),
    fault,
  };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

const startMs = performance.now();
for (let index = 0; index < connections; index++) start();
setTimeout(() => {
  isOver = true;
  setTimeout(() => fail(`${open} requests were not answered`), LAST_ANSWER_MS_MAX);
}, seconds * 1000);
