// A host in a process of its own, for tests that freeze it: HTTP/2 without TLS, which answers every request but /hang.
import { createServer } from "node:http2";
import { argv, stdout } from "node:process";

const server = createServer((request, response) => {
  if (request.url !== "/hang") response.end(String(process.pid));
});
server.listen(0, argv[2] ?? "127.0.0.1", () => {
  const address = server.address();
  stdout.write(`${typeof address === "object" && address !== null ? address.port : 0}\n`);
});
// Whoever started it is gone when this ends.
process.stdin.on("end", () => process.exit()).resume();
