/**
 * A Bolt server of the fewest lines: it answers requests of the bench and heartbeats, with one write per read.
 * Argument: the port to listen on.
 */
import { createServer } from "node:net";
import { LOOPBACK } from "../ports.ts";
import { createHeartbeatAnswer, createResponse, FrameCutter, ID_AT, isHeartbeat } from "./frames.ts";

const [port] = process.argv.slice(2).map(Number);
const response = createResponse();
const heartbeatAnswer = createHeartbeatAnswer();

const server = createServer({ noDelay: true }, (socket) => {
  let answers: Buffer[] = [];
  const cutter = new FrameCutter((bytes, at) => {
    const answer = Buffer.from(isHeartbeat(bytes, at) ? heartbeatAnswer : response);
    answer.writeUInt32BE(bytes.readUInt32BE(at + ID_AT), ID_AT);
    answers.push(answer);
  });
  socket.on("error", () => {});
  socket.on("data", (bytes: Buffer) => {
    cutter.take(bytes);
    if (answers.length > 0) socket.write(answers.length === 1 ? (answers[0] ?? "") : Buffer.concat(answers));
    answers = [];
  });
});
server.listen(port, LOOPBACK, 4096);
