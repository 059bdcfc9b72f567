/** What a worker process of `weft proxy` runs. */
import { createLog } from "../log.ts";
import { ProxyRole } from "./proxy-role.ts";
import { serveWorker } from "./worker.ts";

const log = createLog({
  name: `worker ${process.argv[2] ?? ""}`.trimEnd(),
  isForPeople: process.stderr.isTTY,
  level: "info",
});
serveWorker(new ProxyRole(log));
