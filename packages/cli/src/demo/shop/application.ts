import type { Server as HttpServer } from "node:http";
import { flushCompileCache } from "node:module";

/** How one instance of an application of the demo shop is started; given as JSON in the first argument. */
export interface ApplicationOptions {
  /** "cart-v1": the name of this instance in its answers. */
  readonly instance: string;
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** The outbound listener of its sidecar; 0 for applications that call nobody. */
  readonly outboundPort: number;
}

/** The loopback address that everything of the demo uses. */
export const LOOPBACK = "127.0.0.1";

/**
 * Reads the options and ties this process to the one that started it: it ends when the channel to its parent closes, and
 * leaves Ctrl-C, which reaches every process in front of a terminal, to the parent. Started by hand it lives on its own.
 */
export function startApplication(): ApplicationOptions {
  const options = JSON.parse(process.argv[2] ?? "{}") as ApplicationOptions;
  if (process.channel !== undefined) {
    process.on("disconnect", () => process.exit(0));
    process.on("SIGINT", () => {});
  }
  process.title = `weft-demo ${options.instance}`;
  return options;
}

/** Tells the parent that requests are served. */
export function announceReady(): void {
  process.send?.({ type: "ready" });
  // Node writes its cache of compiled code at an orderly exit; an application that is killed has none.
  flushCompileCache();
}

/** Listens with a server of node:http and announces it. A port that is taken ends the process. */
export function serveHttp(server: HttpServer, { port }: ApplicationOptions): void {
  // A sidecar keeps its connections longer than node:http's 5 s; closing first would race with its next request.
  server.keepAliveTimeout = 75_000;
  server.listen(port, LOOPBACK, announceReady);
}
