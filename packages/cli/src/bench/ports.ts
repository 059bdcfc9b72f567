import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { WeftError } from "@weft/kernel";
import { PORT_TRIES_MAX } from "./limits.ts";

/** Every peer listens and is asked here. */
export const LOOPBACK = "127.0.0.1";

/** Below the range that systems take the ports of outgoing connections from: 15,000 of these must not take ours. */
const PORT_FROM = 18_000;
const PORT_TO = 32_000;

/**
 * A port that nobody listens on.
 *
 * @throws WeftError BENCH_NO_FREE_PORT
 */
export async function chooseFreePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries++) {
    const port = randomInt(PORT_FROM, PORT_TO);
    if (await isFree(port)) return port;
  }
  throw new WeftError(
    "BENCH_NO_FREE_PORT",
    `Cannot choose a port: ${PORT_TRIES_MAX} ports of ${LOOPBACK} from ${PORT_FROM} to ${PORT_TO} are taken`,
    { tries: PORT_TRIES_MAX },
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
