/** A data plane in one process, without workers. Argument: a file with its world as JSON. */
import { readFileSync } from "node:fs";
import type { World } from "@weft/contract";
import { createWorldFeeds } from "@weft/control/client";
import { createProxy } from "@weft/proxy";
import { createLog } from "../../log.ts";

const world = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as World;
const feeds = createWorldFeeds();
feeds.publish(world);
const log = createLog({ name: "bench", isForPeople: true, level: "warn" });
const proxy = createProxy({ feeds, log, isPortShared: false, checksHealth: true });
process.once("SIGTERM", () => void proxy.close().finally(() => process.exit()));
await proxy.ready();
