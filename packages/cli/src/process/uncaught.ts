import type { Log } from "@weft/proxy";
import { EXIT_CODE } from "../exit-code.ts";

/**
 * Makes an error that nobody caught the last entry of the log, with its stack, and ends the process: its state can no longer
 * be trusted. Whoever supervises it starts another.
 */
export function endOnUncaught(log: Log): void {
  process.on("uncaughtException", (error: unknown) => {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error("an error was not caught; this process ends", { stack });
    process.exit(EXIT_CODE.failed);
  });
}
