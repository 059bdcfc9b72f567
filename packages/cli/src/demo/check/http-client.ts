import { Agent, type IncomingHttpHeaders, request as sendRequest } from "node:http";
import { text } from "node:stream/consumers";
import { LOOPBACK } from "../shop/application.ts";
import { CHECK_REQUEST_MS_MAX } from "../limits.ts";

/** A request of a probe; the path is on the ingress. */
export interface ProbeRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Its answer. */
export interface ProbeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An HTTP/1.1 client of the ingress. */
export class HttpClient {
  readonly #port: number;
  readonly #agent: Agent = new Agent({ keepAlive: true });

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends a request and reads its answer; rejects when there is none in time. */
  async send(path: string, { method = "GET", headers = {}, body }: ProbeRequest = {}): Promise<ProbeAnswer> {
    const signal = AbortSignal.timeout(CHECK_REQUEST_MS_MAX);
    return await new Promise((resolve, reject) => {
      const options = { agent: this.#agent, host: LOOPBACK, port: this.#port, path, method, headers, signal };
      const outgoing = sendRequest(options, (incoming) => {
        const { statusCode: status = 0, headers: answerHeaders } = incoming;
        text(incoming).then((content) => resolve({ status, headers: answerHeaders, body: content }), reject);
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  /** As `send`, for JSON; rejects unless the status is 200. */
  async json(path: string, request: ProbeRequest = {}): Promise<Record<string, unknown>> {
    const { status, body } = await this.send(path, request);
    if (status !== 200) throw new Error(`${path} answered ${status}: ${body.slice(0, 200).trim()}`);
    return JSON.parse(body) as Record<string, unknown>;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Runs `use` with a client of the ingress and closes it. */
export async function withClient<T>(port: number, use: (client: HttpClient) => Promise<T>): Promise<T> {
  const client = new HttpClient(port);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
