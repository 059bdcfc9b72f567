import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type TestContext, test } from "node:test";
import { type Fields, fieldValue, fieldValues, RequestHead } from "@weft/contract";
import { createRandom, FakeClock, sleep, systemClock } from "@weft/kernel";
import { type Log, silentLog } from "../log.ts";
import {
  TRACING_BATCH_SPANS_MAX,
  TRACING_CLOSE_MS,
  TRACING_EVENTS_MAX,
  TRACING_EXPORT_TIMEOUT_MS,
  TRACING_FLUSH_MS,
  TRACING_QUEUE_CHARS_MAX,
  TRACING_QUEUE_SPANS_MAX,
  TRACING_RETRIES_MAX,
  TRACING_TEXT_CHARS_MAX,
  TRACING_WARN_PERIOD_MS,
} from "./limits.ts";
import type { SpanFacts } from "./span.ts";
import { parseTraceparent } from "./trace-context.ts";
import { createTracer, type Tracer, type TracerDeps } from "./tracer.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const SAMPLED = `00-${TRACE}-${PARENT}-01`;
const UNSAMPLED = `00-${TRACE}-${PARENT}-00`;

const FACTS: SpanFacts = {
  listener: "edge",
  protocolName: "http",
  protocolVersion: "2",
  isTls: true,
  clientAddress: "192.0.2.1",
  clientPort: 4321,
};

interface OtlpAttribute {
  key: string;
  value: { stringValue?: string; intValue?: string };
}

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  flags: number;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: OtlpAttribute[];
  events: { timeUnixNano: string; name: string; attributes: OtlpAttribute[] }[];
  status: { code?: number; message?: string };
}

interface OtlpRequest {
  resourceSpans: {
    resource: { attributes: OtlpAttribute[] };
    scopeSpans: { scope: { name: string; version: string }; spans: OtlpSpan[] }[];
  }[];
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A collector that keeps what it was sent; answers come from `answers` in order, then 200. "hang" never answers. */
class Collector {
  readonly requests: { headers: IncomingHttpHeaders; url: string; body: OtlpRequest }[] = [];
  readonly answers: (Answer | "hang" | "drop")[] = [];
  readonly #server: Server;
  endpoint: string = "";

  constructor() {
    this.#server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      request.on("end", () => {
        const body = JSON.parse(text) as OtlpRequest;
        this.requests.push({ headers: request.headers, url: request.url ?? "", body });
        const answer = this.answers.shift() ?? { status: 200, body: '{"partialSuccess":{}}' };
        if (answer === "hang") return;
        if (answer === "drop") request.socket.destroy();
        else response.writeHead(answer.status, answer.headers).end(answer.body ?? "");
      });
    });
  }

  static async start(context: TestContext): Promise<Collector> {
    const collector = new Collector();
    await new Promise<void>((resolve) => collector.#server.listen(0, "127.0.0.1", resolve));
    const address = collector.#server.address();
    assert.ok(address !== null && typeof address === "object");
    collector.endpoint = `http://127.0.0.1:${address.port}/v1/traces`;
    context.after(() => {
      collector.#server.close();
      collector.#server.closeAllConnections();
    });
    return collector;
  }

  get spans(): OtlpSpan[] {
    return this.requests.flatMap(({ body }) =>
      body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
  }
}

function depsOf(overrides: Partial<TracerDeps> = {}): TracerDeps {
  return {
    resource: { serviceName: "edge-proxy", version: "1.2.3", instanceId: "w1" },
    clock: systemClock,
    random: createRandom(1),
    log: silentLog,
    counters: { spans: 0, spansDropped: 0 },
    ...overrides,
  };
}

function headOf(fields: Fields = [], path: string = "/cart?id=1", method: string = "GET"): RequestHead {
  return new RequestHead(method, "", "shop.example:8443", path, fields, 0);
}

function attributesOf(span: { attributes: OtlpAttribute[] } | undefined): Record<string, string | undefined> {
  const keys = new Set(span?.attributes.map(({ key }) => key));
  assert.equal(keys.size, span?.attributes.length, "each attribute comes once");
  return Object.fromEntries(
    (span?.attributes ?? []).map(({ key, value }) => {
      assert.equal(Object.keys(value).length, 1);
      if (value.intValue !== undefined) assert.match(value.intValue, /^-?\d+$/);
      return [key, value.stringValue ?? value.intValue];
    }),
  );
}

async function record(tracer: Tracer, head: RequestHead): Promise<void> {
  tracer.begin(head, FACTS)?.end(200, -1, "");
  await tracer.close();
}

const TURN_MS = 200;

/** Lets the network do its part and time go on a little. */
async function turn(clock: FakeClock): Promise<void> {
  await sleep(systemClock, 1);
  await clock.advanceAsync(TURN_MS);
}

test("createTracer() without an endpoint records nothing", async () => {
  const tracer = createTracer({ otlpEndpoint: "", sample: 1 }, depsOf());
  assert.equal(tracer.isOn, false);
  assert.equal(tracer.begin(headOf(["traceparent", SAMPLED]), FACTS), null);
  await tracer.close();
});

test("createTracer() refuses an endpoint that it cannot speak to, and shows no password", () => {
  for (const otlpEndpoint of ["collector:4318", "ftp://collector/v1", "not a url"]) {
    assert.throws(() => createTracer({ otlpEndpoint, sample: 1 }, depsOf()), { code: "TRACING_ENDPOINT_INVALID" });
  }
  assert.throws(
    () => createTracer({ otlpEndpoint: "http://user:hunter2@collector/v1", sample: 1 }, depsOf()),
    (error) => error instanceof Error && !error.message.includes("hunter2"),
  );
});

test("Tracer.begin() follows the caller's decision and otherwise its own", async (context) => {
  const { endpoint } = await Collector.start(context);
  const never = createTracer({ otlpEndpoint: endpoint, sample: 0 }, depsOf());
  const always = createTracer({ otlpEndpoint: endpoint, sample: 1 }, depsOf());
  assert.equal(never.begin(headOf(), FACTS), null);
  assert.equal(never.begin(headOf(["traceparent", SAMPLED]), FACTS)?.traceId, TRACE);
  assert.equal(always.begin(headOf(["traceparent", UNSAMPLED]), FACTS), null);
  const fresh = always.begin(headOf(), FACTS);
  assert.match(fresh?.traceId ?? "", /^[0-9a-f]{32}$/);
  assert.notEqual(fresh?.traceId, TRACE);
  for (const fields of [
    ["traceparent", "00-garbage"],
    ["traceparent", SAMPLED, "traceparent", SAMPLED],
  ]) {
    assert.equal(never.begin(headOf(fields), FACTS), null);
    assert.notEqual(always.begin(headOf(fields), FACTS)?.traceId, TRACE);
  }
  const rare = createTracer({ otlpEndpoint: endpoint, sample: 0.2 }, depsOf());
  let sampled = 0;
  for (let index = 0; index < 5_000; index++) if (rare.begin(headOf(), FACTS) !== null) sampled++;
  assert.ok(sampled > 900 && sampled < 1_100, `${sampled} of 5,000`);
  await Promise.all([never.close(), always.close(), rare.close()]);
});

test("TrySpan.forward() names the try as parent and keeps the caller's state", async (context) => {
  const collector = await Collector.start(context);
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 0 }, depsOf());
  const fields = ["accept", "*/*", "traceparent", `00-${TRACE}-${PARENT}-03`, "tracestate", "a=1", "tracestate", "b=2"];
  const span = tracer.begin(headOf(fields), FACTS);
  const attempt = span?.beginTry("shop/backend", "10.0.0.1:80", 1);
  const forwarded = attempt?.forward(fields) ?? [];
  const parent = parseTraceparent(fieldValue(forwarded, "traceparent") ?? "");
  assert.equal(parent?.traceId, TRACE);
  assert.equal(parent?.isRandom, true);
  assert.equal(fieldValues(forwarded, "traceparent")?.includes(","), false);
  assert.equal(fieldValues(forwarded, "tracestate"), "a=1, b=2");
  assert.equal(fieldValue(forwarded, "accept"), "*/*");
  attempt?.end(200, -1, "");
  span?.end(200, -1, "");
  await tracer.close();
  const client = collector.spans.find(({ kind }) => kind === 3);
  const server = collector.spans.find(({ kind }) => kind === 2);
  assert.equal(client?.spanId, parent?.parentId);
  assert.equal(client?.parentSpanId, server?.spanId);
  assert.equal(server?.parentSpanId, PARENT);
  assert.equal(server?.flags, 0x303);
  assert.equal(client?.flags, 0x103);
});

test("TrySpan.forward() drops a state that belongs to no trace of ours or is malformed", async (context) => {
  const { endpoint } = await Collector.start(context);
  const tracer = createTracer({ otlpEndpoint: endpoint, sample: 1 }, depsOf());
  for (const fields of [
    ["tracestate", "a=1"],
    ["traceparent", "00-garbage", "tracestate", "a=1"],
    ["traceparent", SAMPLED, "tracestate", "a=1,a=2"],
  ]) {
    const forwarded = tracer.begin(headOf(fields), FACTS)?.beginTry("c", "h:1", 1).forward(fields) ?? [];
    assert.equal(fieldValue(forwarded, "tracestate"), undefined);
    assert.notEqual(parseTraceparent(fieldValue(forwarded, "traceparent") ?? ""), null);
  }
  await tracer.close();
});

test("Tracer delivers OTLP JSON with the HTTP conventions", async (context) => {
  const collector = await Collector.start(context);
  const clock = new FakeClock(1_000, 1_767_225_600_000);
  const deps = depsOf({ clock });
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, deps);
  const span = tracer.begin(headOf(["user-agent", "curl/8"], "/cart?id=1&access_token=geheim"), FACTS);
  span?.setRoute("shop/cart");
  const first = span?.beginTry("shop/backend", "10.0.0.1:80", 1);
  clock.advance(1.5);
  first?.end(0, -1, "connect");
  const second = span?.beginTry("shop/backend", "[2001:db8::1]:80", 2);
  clock.advance(2);
  second?.end(503, -1, "");
  span?.end(503, -1, "");
  // Ending again changes nothing.
  span?.end(200, -1, "");
  second?.end(200, -1, "");
  await tracer.close();
  assert.equal(collector.requests[0]?.url, "/v1/traces");
  assert.equal(collector.requests[0]?.headers["content-type"], "application/json");
  const resource = attributesOf(collector.requests[0]?.body.resourceSpans[0]?.resource);
  assert.equal(resource["service.name"], "edge-proxy");
  assert.equal(resource["service.instance.id"], "w1");
  assert.equal(collector.requests[0]?.body.resourceSpans[0]?.scopeSpans[0]?.scope.name, "weft");
  assert.equal(collector.spans.length, 3);
  const server = collector.spans.find(({ kind }) => kind === 2);
  assert.equal(server?.name, "GET shop/cart");
  assert.equal(server?.parentSpanId, undefined);
  assert.equal(server?.startTimeUnixNano, "1767225600000000000");
  assert.equal(server?.endTimeUnixNano, "1767225600003500000");
  assert.deepEqual(attributesOf(server), {
    "http.request.method": "GET",
    "http.response.status_code": "503",
    "server.address": "shop.example",
    "server.port": "8443",
    "url.scheme": "https",
    "url.path": "/cart",
    "url.query": "id=1&access_token=***",
    "network.protocol.name": "http",
    "network.protocol.version": "2",
    "client.address": "192.0.2.1",
    "client.port": "4321",
    "user_agent.original": "curl/8",
    "weft.listener": "edge",
    "weft.route": "shop/cart",
    "weft.attempts": "2",
    "error.type": "503",
  });
  assert.deepEqual(server?.status, { code: 2 });
  const [retry] = server?.events ?? [];
  assert.equal(retry?.name, "retry");
  assert.equal(retry?.timeUnixNano, "1767225600001500000");
  assert.deepEqual(attributesOf(retry), {
    "weft.attempt": "2",
    "weft.cluster": "shop/backend",
    "weft.host": "[2001:db8::1]:80",
    "weft.reason": "connect",
  });
  const [failed, answered] = collector.spans.filter(({ kind }) => kind === 3);
  assert.equal(attributesOf(failed)["error.type"], "connect");
  assert.deepEqual(failed?.status, { code: 2, message: "connect" });
  assert.deepEqual(attributesOf(answered), {
    "http.request.method": "GET",
    "http.response.status_code": "503",
    "server.address": "2001:db8::1",
    "server.port": "80",
    "url.full": "https://shop.example:8443/cart?id=1&access_token=***",
    "network.peer.address": "2001:db8::1",
    "network.peer.port": "80",
    "weft.cluster": "shop/backend",
    "http.request.resend_count": "1",
    "error.type": "503",
  });
  assert.deepEqual(deps.counters, { spans: 3, spansDropped: 0 });
});

test("Tracer names gRPC calls by the RPC conventions and sees failures behind status 200", async (context) => {
  const collector = await Collector.start(context);
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, depsOf());
  const head = headOf(["content-type", "application/grpc+proto"], "/shop.v1.Cart/Add", "POST");
  for (const [grpcStatus, isError] of [
    [0, false],
    [5, false],
    [14, true],
  ] as const) {
    const span = tracer.begin(head, FACTS);
    span?.end(200, grpcStatus, "");
    assert.equal(isError, grpcStatus === 14);
  }
  await tracer.close();
  const [ok, notFound, unavailable] = collector.spans;
  assert.equal(ok?.name, "shop.v1.Cart/Add");
  const attributes = attributesOf(unavailable);
  assert.equal(attributes["rpc.system"], "grpc");
  assert.equal(attributes["rpc.service"], "shop.v1.Cart");
  assert.equal(attributes["rpc.method"], "Add");
  assert.equal(attributes["rpc.grpc.status_code"], "14");
  assert.equal(attributes["error.type"], "14");
  assert.deepEqual([ok?.status, notFound?.status, unavailable?.status], [{}, {}, { code: 2 }]);
});

test("Tracer lets clients make up neither methods nor endless attributes", async (context) => {
  const collector = await Collector.start(context);
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, depsOf());
  await record(tracer, headOf(["user-agent", "\ud800".padEnd(5_000, "x")], `/${"a".repeat(5_000)}`, "HACK"));
  const [span] = collector.spans;
  const attributes = attributesOf(span);
  assert.equal(span?.name, "HTTP");
  assert.equal(attributes["http.request.method"], "_OTHER");
  assert.equal(attributes["http.request.method_original"], "HACK");
  assert.equal(attributes["url.path"]?.length, TRACING_TEXT_CHARS_MAX);
  assert.equal(attributes["user_agent.original"]?.length, TRACING_TEXT_CHARS_MAX);
});

test("Span bounds its retry events", async (context) => {
  const collector = await Collector.start(context);
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, depsOf());
  const span = tracer.begin(headOf(), FACTS);
  for (let attempt = 1; attempt <= TRACING_EVENTS_MAX + 10; attempt++) span?.beginTry("c", "h:1", attempt);
  span?.end(200, -1, "");
  await tracer.close();
  assert.equal(collector.spans[0]?.events.length, TRACING_EVENTS_MAX);
});

test("Tracer delivers after a while, or as soon as a batch is full", async (context) => {
  const collector = await Collector.start(context);
  const clock = new FakeClock();
  const deps = depsOf({ clock });
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, deps);
  tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  clock.advance(TRACING_FLUSH_MS - 1);
  await sleep(systemClock, 1);
  assert.equal(collector.requests.length, 0);
  clock.advance(1);
  while (deps.counters.spans < 1) await sleep(systemClock, 1);
  for (let index = 0; index < TRACING_BATCH_SPANS_MAX; index++) tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  clock.advance(1);
  while (deps.counters.spans < 1 + TRACING_BATCH_SPANS_MAX) await sleep(systemClock, 1);
  assert.equal(collector.requests.length, 2);
  await tracer.close();
});

test("Tracer drops and counts what exceeds the queue, in number and in size", async (context) => {
  const collector = await Collector.start(context);
  const deps = depsOf();
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, deps);
  for (let index = 0; index < TRACING_QUEUE_SPANS_MAX + 5; index++) tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  assert.equal(deps.counters.spansDropped, 5);
  await tracer.close();
  assert.equal(collector.spans.length, TRACING_QUEUE_SPANS_MAX);
  assert.equal(collector.requests.length, TRACING_QUEUE_SPANS_MAX / TRACING_BATCH_SPANS_MAX);
  tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  assert.equal(deps.counters.spansDropped, 6);
  const large = depsOf();
  const second = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, large);
  const path = "/".repeat(TRACING_QUEUE_CHARS_MAX / 8);
  for (let index = 0; index < 10; index++) second.begin(headOf([], path), FACTS)?.end(200, -1, "");
  assert.equal(large.counters.spansDropped, 3);
  await second.close();
});

test("Tracer tries again after 503 and broken connections, and gives up on 400", async (context) => {
  const collector = await Collector.start(context);
  collector.answers.push({ status: 503 }, "drop");
  const clock = new FakeClock();
  const deps = depsOf({ clock });
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, deps);
  tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  while (deps.counters.spans < 1) await turn(clock);
  assert.equal(collector.requests.length, 3);
  assert.equal(deps.counters.spansDropped, 0);
  collector.answers.push({ status: 400 });
  await record(tracer, headOf());
  assert.equal(deps.counters.spansDropped, 1);
  assert.equal(collector.requests.length, 4);
});

test("Tracer waits as long as Retry-After says", async (context) => {
  const collector = await Collector.start(context);
  collector.answers.push({ status: 429, headers: { "retry-after": "7" } });
  const clock = new FakeClock();
  const deps = depsOf({ clock });
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, deps);
  tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  while (collector.requests.length < 1) await turn(clock);
  const answeredAtMs = clock.nowMs();
  while (collector.requests.length < 2) await turn(clock);
  // The answer came up to two turns before it was noticed.
  assert.ok(clock.nowMs() - answeredAtMs >= 7_000 - 2 * TURN_MS);
  await tracer.close();
});

test("Tracer gives a batch up after so many deliveries, and does not say so each time", async (context) => {
  const collector = await Collector.start(context);
  for (let index = 0; index <= TRACING_RETRIES_MAX; index++) collector.answers.push({ status: 503 });
  const clock = new FakeClock();
  const messages: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => messages.push(message) };
  const deps = depsOf({ clock, log });
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, deps);
  tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  while (deps.counters.spansDropped < 1) await turn(clock);
  assert.equal(collector.requests.length, TRACING_RETRIES_MAX + 1);
  assert.equal(messages.length, clock.nowMs() < TRACING_WARN_PERIOD_MS ? 1 : 2);
  await tracer.close();
});

test("Tracer counts what a collector rejects of a batch it took", async (context) => {
  const collector = await Collector.start(context);
  const body = '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}';
  collector.answers.push({ status: 200, body }, { status: 200, body: "<html>" }, { status: 204 });
  const deps = depsOf();
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, deps);
  for (let index = 0; index < 3 * TRACING_BATCH_SPANS_MAX; index++) tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  await tracer.close();
  assert.deepEqual(deps.counters, { spans: 3 * TRACING_BATCH_SPANS_MAX - 1, spansDropped: 1 });
});

test("Tracer gives up a delivery that takes too long, and tries again", async (context) => {
  const collector = await Collector.start(context);
  collector.answers.push("hang");
  const clock = new FakeClock();
  const deps = depsOf({ clock });
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, deps);
  tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  clock.advance(TRACING_FLUSH_MS);
  while (collector.requests.length < 1) await sleep(systemClock, 1);
  await clock.advanceAsync(TRACING_EXPORT_TIMEOUT_MS);
  while (deps.counters.spans < 1) {
    await sleep(systemClock, 1);
    if (collector.requests.length < 2) await clock.advanceAsync(100);
  }
  assert.equal(collector.requests.length, 2);
  await tracer.close();
});

test("Tracer.close() gives up on a collector that never answers", async (context) => {
  const collector = await Collector.start(context);
  collector.answers.push("hang");
  const clock = new FakeClock();
  const deps = depsOf({ clock });
  const tracer = createTracer({ otlpEndpoint: collector.endpoint, sample: 1 }, deps);
  for (let index = 0; index < 600; index++) tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  const closed = tracer.close();
  assert.equal(tracer.close(), closed);
  while (collector.requests.length < 1) await sleep(systemClock, 1);
  await clock.advanceAsync(TRACING_CLOSE_MS);
  await closed;
  assert.deepEqual(deps.counters, { spans: 0, spansDropped: 600 });
  assert.equal(clock.pendingTimers, 0);
});

test("Tracer.close() without a collector ends in time", async () => {
  const clock = new FakeClock();
  const deps = depsOf({ clock });
  const tracer = createTracer({ otlpEndpoint: "http://127.0.0.1:9/v1/traces", sample: 1 }, deps);
  tracer.begin(headOf(), FACTS)?.end(200, -1, "");
  const closed = tracer.close();
  while (clock.pendingTimers < 2) await sleep(systemClock, 1);
  await clock.advanceAsync(TRACING_CLOSE_MS);
  await closed;
  assert.equal(deps.counters.spansDropped, 1);
});
