/**
 * Reads one long body at a limited rate, and nothing at all in the beginning.
 * Arguments: port, "http1" or "http2", target, bytes per second, milliseconds of the stall, length of the body.
 * Ends with status 0 when the whole body came; else with 1, and the reason on standard output.
 */
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:http2";
import type { Readable } from "node:stream";
import { LOOPBACK } from "../ports.ts";

const [portText, protocol, target, rateText, stallText, bytesText] = process.argv.slice(2);
const rate = Number(rateText);
const length = Number(bytesText);
/** Shorter pauses would cost more timers than they smooth. */
const PAUSE_MS_MIN = 5;

function end(why: string): void {
  if (why !== "") process.stdout.write(`${why}\n`);
  process.exit(why === "" ? 0 : 1);
}

/** Takes what the rate allows; while paused, the stream's own windows and buffers hold the sender back. */
function read(body: Readable): void {
  let bytes = 0;
  let startMs = 0;
  body.pause();
  setTimeout(() => {
    startMs = performance.now();
    body.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      const aheadMs = (bytes / rate) * 1_000 - (performance.now() - startMs);
      if (aheadMs < PAUSE_MS_MIN) return;
      body.pause();
      setTimeout(() => body.resume(), aheadMs);
    });
    body.resume();
  }, Number(stallText));
  body.on("end", () => end(bytes === length ? "" : `${bytes} bytes of ${length} came`));
  body.on("error", (error) => end(error.message));
}

if (protocol === "http1") {
  const options = { host: LOOPBACK, port: Number(portText), path: target, agent: false };
  const asked = request(options, (answer: IncomingMessage) => {
    if (answer.statusCode === 200) read(answer);
    else end(`the status was ${answer.statusCode}`);
  });
  asked.on("error", (error) => end(error.message));
  asked.end();
} else {
  const session = connect(`http://${LOOPBACK}:${portText}`);
  session.on("error", (error) => end(error.message));
  const stream = session.request({ ":path": target });
  stream.on("response", ({ ":status": status }) => {
    if (status === 200) read(stream);
    else end(`the status was ${status}`);
  });
  stream.on("error", (error) => end(error.message));
}
