import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { WeftError } from "@weft/kernel";
import type { TracingErrorCode } from "./errors.ts";
import { TRACING_ANSWER_BYTES_MAX } from "./limits.ts";

/** What became of one delivery. */
export type Delivery =
  /** The collector took it, but for `rejected` spans. */
  | { readonly outcome: "delivered"; readonly rejected: number; readonly detail: string }
  /** Not now: try again, not before `retryAfterMs` (0: as you see fit). */
  | { readonly outcome: "later"; readonly retryAfterMs: number; readonly detail: string }
  /** The collector will never take it. */
  | { readonly outcome: "refused"; readonly detail: string };

/** Speaks OTLP/HTTP with JSON to one collector, over one kept connection. */
export class OtlpClient {
  readonly #url: URL;
  readonly #agent: HttpAgent | HttpsAgent;

  /** @throws WeftError TRACING_ENDPOINT_INVALID */
  constructor(endpoint: string) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
    const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
    if (url === null || !isHttp || url.username !== "" || url.password !== "") {
      throw new WeftError<TracingErrorCode>(
        "TRACING_ENDPOINT_INVALID",
        `Cannot deliver spans to "${isHttp ? "a URL with credentials" : endpoint}": expected an http or https URL`,
      );
    }
    this.#url = url;
    const options = { keepAlive: true, maxSockets: 1, maxTotalSockets: 1 };
    this.#agent = url.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Delivers one ExportTraceServiceRequest, until `signal` gives it up. Never rejects. */
  send(body: string, signal: AbortSignal): Promise<Delivery> {
    return new Promise((resolve) => {
      const bytes = Buffer.from(body, "utf8");
      const send = this.#url.protocol === "https:" ? httpsRequest : httpRequest;
      const options: RequestOptions = {
        method: "POST",
        agent: this.#agent,
        headers: { "content-type": "application/json", "content-length": bytes.length, "user-agent": "weft-otlp" },
        signal,
      };
      const request = send(this.#url, options, (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        response.on("data", (piece: Buffer) => {
          size += piece.length;
          if (size <= TRACING_ANSWER_BYTES_MAX) pieces.push(piece);
          else request.destroy(new Error("the collector's answer is too long"));
        });
        response.on("error", (error) => resolve({ outcome: "later", retryAfterMs: 0, detail: error.message }));
        response.on("end", () => {
          const answer = Buffer.concat(pieces).toString("utf8");
          resolve(judge(response.statusCode ?? 0, response.headers["retry-after"], answer));
        });
      });
      request.on("error", (error) => resolve({ outcome: "later", retryAfterMs: 0, detail: error.message }));
      request.end(bytes);
    });
  }

  /** Closes the connection. */
  close(): void {
    this.#agent.destroy();
  }
}

/** Statuses after which OTLP/HTTP has clients try again. */
const RETRYABLE = new Set([429, 502, 503, 504]);

function judge(status: number, retryAfter: string | undefined, answer: string): Delivery {
  if (status >= 200 && status < 300) return { outcome: "delivered", ...rejectedOf(answer) };
  const detail = `the collector answered ${status}`;
  if (!RETRYABLE.has(status)) return { outcome: "refused", detail };
  const seconds = Number(retryAfter ?? 0);
  return { outcome: "later", retryAfterMs: seconds > 0 ? seconds * 1000 : 0, detail };
}

/** An answer of 200 may still reject some: `{"partialSuccess":{"rejectedSpans":"3","errorMessage":"..."}}`. */
function rejectedOf(answer: string): { rejected: number; detail: string } {
  try {
    const parsed = JSON.parse(answer) as {
      partialSuccess?: { rejectedSpans?: unknown; errorMessage?: unknown };
    } | null;
    const rejected = Number(parsed?.partialSuccess?.rejectedSpans ?? 0);
    const message = parsed?.partialSuccess?.errorMessage;
    const detail = typeof message === "string" ? message : "";
    return { rejected: rejected > 0 && Number.isFinite(rejected) ? rejected : 0, detail };
  } catch {
    // Collectors answer 200 with anything from nothing to HTML.
    return { rejected: 0, detail: "" };
  }
}
