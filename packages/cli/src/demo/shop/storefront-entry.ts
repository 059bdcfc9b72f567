/** The storefront of the demo shop: node:http; it calls cart, payment and notify through the outbound side of its sidecar. */
import { credentials } from "@grpc/grpc-js";
import { createHash } from "node:crypto";
import { Agent, createServer, type IncomingMessage, request as sendRequest, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { LOOPBACK, serveHttp, startApplication } from "./application.ts";
import { blobPieces } from "./blob.ts";
import { answerJson } from "./json-answer.ts";
import { LedgerClient } from "./ledger-contract.ts";
import { charge, createPaymentClient } from "./payment-contract.ts";
import { RiskClient } from "./risk-contract.ts";

/** How long a call to another service may take. */
const CALL_MS_MAX = 5_000;
/** Most bytes of an answer of another service. */
const BLOB_BYTES_MAX = 1_073_741_824;
/** What every order costs. */
const ORDER_CENTS = 4_200;
/** Ids of requests that were failed once, for `/flaky`. */
const FLAKY_IDS_MAX = 10_000;

const options = startApplication();
const agent = new Agent({ keepAlive: true });
const payment = createPaymentClient(`${LOOPBACK}:${options.outboundPort}`, credentials.createInsecure(), {
  // The sidecar chooses the service by the authority.
  "grpc.default_authority": "payment",
});
const ledger = new LedgerClient(options.outboundPort, CALL_MS_MAX);
const risk = new RiskClient(options.outboundPort, CALL_MS_MAX);
const failedOnce = new Set<string>();
let orders = 0;

/** Fields that carry a trace and a colour from the request that came in to the requests that it causes. */
const CARRIED_FIELDS = ["traceparent", "tracestate", "x-weft-colour", "x-version"];

/** Calls another service by its name, through the sidecar. */
async function call(incoming: IncomingMessage, service: string, path: string, body?: string): Promise<unknown> {
  const carried = CARRIED_FIELDS.flatMap((name) => {
    const value = incoming.headers[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = sendRequest(
      {
        agent,
        host: LOOPBACK,
        port: options.outboundPort,
        path,
        method: body === undefined ? "GET" : "POST",
        headers: { ...Object.fromEntries(carried), host: service },
        signal: AbortSignal.timeout(CALL_MS_MAX),
      },
      resolve,
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
  const content = await text(answer);
  const status = answer.statusCode ?? 0;
  if (status >= 400) throw new Error(`${service} answered ${status}: ${content.trim()}`);
  return JSON.parse(content);
}

async function checkout(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const order = `order-${process.pid}-${++orders}`;
  const cart = await call(incoming, "cart", "/cart");
  const verdict = await risk.judge(order, ORDER_CENTS);
  const { receipt, instance } = await charge(payment, { order, cents: ORDER_CENTS }, CALL_MS_MAX);
  const entry = await ledger.record(order, ORDER_CENTS);
  await call(incoming, "notify", "/publish", `${order} is paid`);
  const paid = { receipt, instance };
  answerJson(response, 200, { service: "storefront", order, cart, risk: verdict, payment: paid, ledger: entry });
}

/** Takes a body of any size and says what came: how the demo proves that nothing is lost or held in memory. */
async function takeBlob(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    hash.update(piece);
    bytes += piece.length;
  }
  answerJson(response, 200, { service: "storefront", bytes, sha256: hash.digest("hex") });
}

async function sendBlob(url: URL, response: ServerResponse): Promise<void> {
  const bytes = Math.min(Number(url.searchParams.get("bytes") ?? 0), BLOB_BYTES_MAX);
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    answerJson(response, 400, { error: "bytes must be a whole number" });
    return;
  }
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes });
  await pipeline(Readable.from(blobPieces(bytes)), response);
}

/** Fails the first request of each id, so that only a retry succeeds. */
function flaky(url: URL, response: ServerResponse): void {
  const id = url.searchParams.get("id") ?? "";
  if (failedOnce.delete(id)) {
    answerJson(response, 200, { service: "storefront", id, attempt: 2 });
    return;
  }
  const [oldest] = failedOnce;
  if (failedOnce.size >= FLAKY_IDS_MAX && oldest !== undefined) failedOnce.delete(oldest);
  failedOnce.add(id);
  answerJson(response, 503, { error: "the first attempt fails on purpose" });
}

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? "/", "http://storefront");
  switch (url.pathname) {
    case "/":
      answerJson(response, 200, { service: "storefront", cart: await call(incoming, "cart", "/cart") });
      return;
    case "/checkout":
      await checkout(incoming, response);
      return;
    case "/headers":
      answerJson(response, 200, { service: "storefront", method: incoming.method, headers: incoming.headers });
      return;
    case "/flaky":
      flaky(url, response);
      return;
    case "/blob":
      await (incoming.method === "GET" ? sendBlob(url, response) : takeBlob(incoming, response));
      return;
    case "/healthz":
      answerJson(response, 200, { status: "ok" });
      return;
    default:
      answerJson(response, 404, { error: `storefront has no ${url.pathname}` });
  }
}

const server = createServer((incoming, response) => {
  answer(incoming, response).catch((error: unknown) => {
    if (response.headersSent) response.destroy();
    else answerJson(response, 502, { error: error instanceof Error ? error.message : String(error) });
  });
});
serveHttp(server, options);
