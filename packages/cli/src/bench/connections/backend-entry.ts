/** A Bolt server on every address of its network, which answers each call at once. Argument: the port to listen on. */
import { createServer } from "node:net";
import { createHeartbeatAnswer, createResponse, FrameCutter, ID_AT, isHeartbeat } from "../bolt/frames.ts";

const BACKLOG = 4096;

const [port] = process.argv.slice(2).map(Number);
const response = createResponse();
const heartbeatAnswer = createHeartbeatAnswer();

createServer({ noDelay: true }, (socket) => {
  const cutter = new FrameCutter((bytes, at) => {
    const answer = Buffer.from(isHeartbeat(bytes, at) ? heartbeatAnswer : response);
    answer.writeUInt32BE(bytes.readUInt32BE(at + ID_AT), ID_AT);
    socket.write(answer);
  });
  socket.on("error", () => {});
  socket.on("data", (bytes: Buffer) => cutter.take(bytes));
}).listen(port, "0.0.0.0", BACKLOG, () => process.stdout.write("ready\n"));
