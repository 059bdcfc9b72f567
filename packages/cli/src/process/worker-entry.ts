/** What a worker process of `weft proxy` runs. */
import { createLog } from "../log.ts";
import { endOnUncaught } from "./uncaught.ts";
import { ProxyRole } from "./proxy-role.ts";
import { serveWorker } from "./worker.ts";

const log = createLog({
  name: "worker",
  isForPeople: process.stderr.isTTY,
  level: "info",
});
endOnUncaught(log);
serveWorker(new ProxyRole(log));
