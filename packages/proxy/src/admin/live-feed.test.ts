import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { FakeClock, sleep, systemClock } from "@weft/kernel";
import { countAnswer, MetricsRegistry } from "../metrics/index.ts";
import type { AdminServer } from "./admin-server.ts";
import {
  ADMIN_EVENT_BACKLOG_BYTES_MAX,
  ADMIN_EVENT_PERIOD_MS,
  ADMIN_EVENT_ROUTES_MAX,
  ADMIN_RESPONSE_MS_MAX,
  ADMIN_STREAMS_MAX,
} from "./limits.ts";
import { createLiveEvent } from "./live-feed.ts";
import { ask, errorOf, open, start, RULE } from "./test-source.ts";

/** Reads events from `/api/events` until the test is over. */
async function watch(context: TestContext, server: AdminServer): Promise<{ socket: Socket; text: () => string }> {
  const socket = await open(context, server);
  let text = "";
  socket.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  socket.write("GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
  while (!text.includes("retry:")) await sleep(systemClock, 1);
  return { socket, text: () => text };
}

/** Lets time go on until `isDone`. */
async function until(clock: FakeClock, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await clock.advanceAsync(ADMIN_EVENT_PERIOD_MS / 4);
    await sleep(systemClock, 1);
  }
}

test("GET /api/events tells each second what happened in it, while somebody listens", async (context) => {
  const clock = new FakeClock();
  const { server, source } = await start(context, { clock });
  const { socket, text } = await watch(context, server);
  await until(clock, () => source.snapshots === 1);
  for (let index = 0; index < 50; index++)
    countAnswer(source.registry.route("busy", RULE), index === 0 ? 500 : 200, 2_000, 0, 0);
  await until(clock, () => text().includes("event: summary"));
  const data = /event: summary\ndata: (.*)\n\n/.exec(text())?.[1] ?? "";
  const event = JSON.parse(data) as {
    requestsPerSecond: number;
    connectionsActive: number;
    routes: { route: string; successShare: number; p50Ms: number }[];
  };
  assert.equal(event.requestsPerSecond, 50);
  assert.equal(event.connectionsActive, 3);
  assert.equal(event.routes[0]?.route, "busy");
  assert.equal(event.routes[0]?.successShare, 0.98);
  assert.ok(Math.abs((event.routes[0]?.p50Ms ?? 0) - 2) < 0.07);
  socket.destroy();
  await until(clock, () => clock.pendingTimers === 0);
  const { snapshots } = source;
  await clock.advanceAsync(10 * ADMIN_EVENT_PERIOD_MS);
  assert.equal(source.snapshots, snapshots);
});

test("GET /api/events goes on after the workers were silent, and past the time of other answers", async (context) => {
  const clock = new FakeClock();
  const { server, source } = await start(context, { clock });
  const { text } = await watch(context, server);
  const silence = Promise.reject(new Error("silent"));
  silence.catch(() => {});
  source.stuck = silence;
  await until(clock, () => text().includes("event: gap"));
  source.stuck = undefined;
  await clock.advanceAsync(ADMIN_RESPONSE_MS_MAX);
  await until(clock, () => text().includes("event: summary"));
});

test("GET /api/events serves a bounded number of views and ends them when the server closes", async (context) => {
  const { server } = await start(context, { clock: new FakeClock() });
  const views = await Promise.all(Array.from({ length: ADMIN_STREAMS_MAX }, () => watch(context, server)));
  const refused = await ask(server, "/api/events");
  assert.equal(refused.status, 503);
  assert.equal(errorOf(refused).code, "ADMIN_BUSY");
  const closed = Promise.all(views.map(({ socket }) => new Promise((resolve) => socket.once("close", resolve))));
  await server.close();
  await closed;
});

test("GET /api/events cuts off a client that does not read", async (context) => {
  const clock = new FakeClock();
  const { server, source } = await start(context, { clock });
  for (let index = 0; index < ADMIN_EVENT_ROUTES_MAX; index++)
    source.registry.route("x".repeat(500) + String(index), RULE);
  const { socket } = await watch(context, server);
  socket.pause();
  const sentBytesMin = ADMIN_EVENT_BACKLOG_BYTES_MAX;
  // Each event has a quarter of a megabyte: socket buffers of any size are full in the end.
  await until(clock, () => clock.pendingTimers === 0);
  assert.ok(source.snapshots * ADMIN_EVENT_ROUTES_MAX * 500 > sentBytesMin);
});

test("createLiveEvent() lists a bounded number of routes, the busiest", () => {
  const registry = new MetricsRegistry(new FakeClock());
  const before = registry.snapshot();
  for (let index = 0; index < ADMIN_EVENT_ROUTES_MAX + 5; index++) registry.route(`r${index}`, RULE);
  countAnswer(registry.route("busy", RULE), 200, 1, 0, 0);
  const event = createLiveEvent(before, registry.snapshot(), 1_000);
  assert.equal(event.routes.length, ADMIN_EVENT_ROUTES_MAX);
  assert.equal(event.routes[0]?.route, "busy");
});
