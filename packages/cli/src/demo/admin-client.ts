import { type IncomingMessage, request as sendRequest } from "node:http";
import { text } from "node:stream/consumers";
import type { RouteSummary } from "@weft/proxy";
import { ADMIN_ANSWER_MS_MAX, ADMIN_EVENT_BYTES_MAX } from "./limits.ts";
import { LOOPBACK } from "./shop/application.ts";

/** What an admin server says every second about the second before. */
export interface LiveSummary {
  readonly requestsPerSecond: number;
  /** The busiest first. */
  readonly routes: readonly RouteSummary[];
}

/** The body of an endpoint; rejects unless the status is 200. */
async function get(port: number, path: string): Promise<string> {
  const signal = AbortSignal.timeout(ADMIN_ANSWER_MS_MAX);
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    sendRequest({ host: LOOPBACK, port, path, signal }, resolve).on("error", reject).end();
  });
  const body = await text(incoming);
  if (incoming.statusCode !== 200) throw new Error(`admin ${port}${path} answered ${incoming.statusCode}: ${body}`);
  return body;
}

/** Memory that a proxy's processes hold, as its metrics say. */
export async function readResidentBytes(port: number): Promise<number> {
  const metrics = await get(port, "/metrics");
  const value = /^weft_process_resident_memory_bytes ([\d.e+]+)$/m.exec(metrics)?.[1];
  if (value === undefined) throw new Error(`admin ${port}/metrics does not say how much memory is held`);
  return Number(value);
}

/** Calls `onSummary` every second until the signal; comes back by itself after the server was away. */
export function followSummaries(port: number, signal: AbortSignal, onSummary: (summary: LiveSummary) => void): void {
  const again = (): void => {
    if (!signal.aborted) setTimeout(() => followSummaries(port, signal, onSummary), ADMIN_ANSWER_MS_MAX / 2).unref();
  };
  let isAnswered = false;
  const outgoing = sendRequest({ host: LOOPBACK, port, path: "/api/events", signal }, (incoming) => {
    isAnswered = true;
    incoming.setEncoding("utf8");
    let held = "";
    incoming.on("data", (piece: string) => {
      held += piece;
      const events = held.split("\n\n");
      held = events.pop() ?? "";
      for (const event of events) {
        const summary = parseSummary(event);
        if (summary !== null) onSummary(summary);
      }
      if (held.length > ADMIN_EVENT_BYTES_MAX) incoming.destroy();
    });
    incoming.on("error", () => {});
    incoming.on("close", again);
  });
  outgoing.on("error", () => {
    if (!isAnswered) again();
  });
  outgoing.end();
}

function parseSummary(event: string): LiveSummary | null {
  if (!event.startsWith("event: summary\n")) return null;
  const data = event
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice("data: ".length));
  return JSON.parse(data.join("\n")) as LiveSummary;
}
