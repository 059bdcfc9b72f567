import { type IncomingHttpHeaders as Http1Headers, request as requestHttp1 } from "node:http";
import { connect } from "node:http2";
import { WeftError } from "@weft/kernel";
import { FIRST_ANSWER_MS_MAX } from "./limits.ts";
import { LOOPBACK } from "./ports.ts";
import type { BackendRequest, ProxiedPath } from "./scenario.ts";

/** Where and how a proxy is asked. */
export interface Ask {
  readonly peer: string;
  readonly port: number;
  readonly path: ProxiedPath;
  /** PEM of whoever vouches for the proxy's certificate. */
  readonly authorityPem: string;
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Http1Headers;
  readonly grpcStatus: string;
}

/**
 * Sends one request and holds the whole answer against the backend's: load generators only count.
 *
 * @throws WeftError BENCH_WRONG_ANSWER
 */
export async function checkFirstAnswer(ask: Ask, request: BackendRequest): Promise<void> {
  const fail = (what: string): WeftError =>
    new WeftError("BENCH_WRONG_ANSWER", `Cannot measure ${ask.peer}: ${what} for ${request.target}`, {
      peer: ask.peer,
    });
  let answer: Answer;
  try {
    answer = await (ask.path.downstream === "http1" ? askHttp1(ask, request) : askHttp2(ask, request));
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error));
  }
  if (answer.status !== 200) throw fail(`it answered ${answer.status}`);
  if (!answer.body.equals(request.responseBody)) {
    throw fail(`it answered ${answer.body.length} bytes that are not the backend's ${request.responseBody.length}`);
  }
  const type = answer.headers["content-type"] ?? "";
  if (request.contentType !== "" && type !== request.contentType) throw fail(`it answered content-type "${type}"`);
  if (request.hasGrpcStatus && answer.grpcStatus !== "0") {
    throw fail(`it answered grpc-status "${answer.grpcStatus}" in the trailers`);
  }
}

function askHttp1({ port }: Ask, { target }: BackendRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: LOOPBACK, port, path: target, agent: false, timeout: FIRST_ANSWER_MS_MAX };
    const request = requestHttp1(options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("error", reject);
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const { statusCode: status = 0, headers } = answer;
        resolve({ status, headers, body: Buffer.concat(chunks), grpcStatus: "" });
      });
    });
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error(`it did not answer within ${FIRST_ANSWER_MS_MAX} ms`)));
    request.end();
  });
}

function askHttp2({ port, path, authorityPem }: Ask, request: BackendRequest): Promise<Answer> {
  const isTls = path.downstream === "tls-http2";
  // The certificate is for "localhost" too; a server name must not be an address.
  const session = connect(`${isTls ? "https" : "http"}://${LOOPBACK}:${port}`, {
    ca: authorityPem,
    servername: "localhost",
    minVersion: "TLSv1.3",
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    const stream = session.request(
      {
        ":method": request.requestBody === null ? "GET" : "POST",
        ":path": request.target,
        ...(request.contentType === "" ? {} : { "content-type": request.contentType, te: "trailers" }),
      },
      { endStream: request.requestBody === null },
    );
    const chunks: Buffer[] = [];
    let status = 0;
    let grpcStatus = "";
    let headers: Http1Headers = {};
    session.on("error", reject);
    session.setTimeout(FIRST_ANSWER_MS_MAX, () => {
      reject(new Error(`it did not answer within ${FIRST_ANSWER_MS_MAX} ms`));
    });
    stream.on("error", reject);
    stream.on("response", (fields) => {
      status = fields[":status"] ?? 0;
      headers = fields;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("trailers", (fields) => {
      grpcStatus = String(fields["grpc-status"] ?? "");
    });
    stream.on("close", () => resolve({ status, headers, body: Buffer.concat(chunks), grpcStatus }));
    if (request.requestBody !== null) stream.end(request.requestBody);
  });
  return answered.finally(() => session.destroy());
}
