import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type TestContext, test } from "node:test";
import { TRACING_ANSWER_BYTES_MAX } from "./limits.ts";
import { type Delivery, OtlpClient } from "./otlp-client.ts";

async function deliver(
  context: TestContext,
  status: number,
  headers: Record<string, string>,
  body: string,
): Promise<Delivery> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(status, headers).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const client = new OtlpClient(`http://127.0.0.1:${address.port}/v1/traces`);
  const delivery = await client.send("{}", new AbortController().signal);
  client.close();
  return delivery;
}

test("OtlpClient.send() tells what to do with each answer", async (context) => {
  const cases: [number, Record<string, string>, string, Delivery][] = [
    [200, {}, "", { outcome: "delivered", rejected: 0, detail: "" }],
    [200, {}, "null", { outcome: "delivered", rejected: 0, detail: "" }],
    [202, {}, '{"partialSuccess":{"rejectedSpans":-3}}', { outcome: "delivered", rejected: 0, detail: "" }],
    [
      200,
      {},
      '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"why"}}',
      { outcome: "delivered", rejected: 2, detail: "why" },
    ],
    [429, { "retry-after": "7" }, "", { outcome: "later", retryAfterMs: 7_000, detail: "the collector answered 429" }],
    [503, { "retry-after": "soon" }, "", { outcome: "later", retryAfterMs: 0, detail: "the collector answered 503" }],
    [502, {}, "", { outcome: "later", retryAfterMs: 0, detail: "the collector answered 502" }],
    [504, {}, "", { outcome: "later", retryAfterMs: 0, detail: "the collector answered 504" }],
    [400, {}, "", { outcome: "refused", detail: "the collector answered 400" }],
    [500, {}, "", { outcome: "refused", detail: "the collector answered 500" }],
    [301, { location: "http://192.0.2.1/" }, "", { outcome: "refused", detail: "the collector answered 301" }],
  ];
  for (const [status, headers, body, wanted] of cases) {
    assert.deepEqual(await deliver(context, status, headers, body), wanted);
  }
});

test("OtlpClient.send() reads no endless answer", async (context) => {
  const delivery = await deliver(context, 200, {}, "x".repeat(TRACING_ANSWER_BYTES_MAX + 1));
  assert.equal(delivery.outcome, "later");
  const longest = await deliver(context, 200, {}, "x".repeat(TRACING_ANSWER_BYTES_MAX));
  assert.equal(longest.outcome, "delivered");
});

test("OtlpClient.send() ends when it is given up", async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const client = new OtlpClient(`http://127.0.0.1:${address.port}/`);
  const abort = new AbortController();
  server.once("request", () => abort.abort());
  assert.equal((await client.send("{}", abort.signal)).outcome, "later");
  client.close();
  server.close();
});
