import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, route, service, worldOf } from "../load/resources.fixture.ts";
import { ValueFeed } from "./value-feed.ts";
import { createWorldFeeds } from "./world-feeds.ts";

const BACKEND = "  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]";

test("createWorldFeeds() tells settings and clusters before routes, and listeners last", () => {
  const feeds = createWorldFeeds();
  const told: string[] = [];
  feeds.listeners.subscribe(() => told.push("listeners"));
  feeds.routes.subscribe(() => told.push("routes"));
  feeds.clusters.subscribe(() => told.push("clusters"));
  feeds.settings.subscribe(() => told.push("settings"));
  assert.deepEqual([feeds.world], [null]);
  const world = worldOf([gateway(), service("cart"), route("shop", BACKEND)]);
  feeds.publish(world);
  assert.deepEqual(told, ["settings", "clusters", "routes", "listeners"]);
  // The same again, as another object that came over IPC.
  feeds.publish({ ...(JSON.parse(JSON.stringify(world)) as typeof world), revision: 2 });
  assert.equal(told.length, 4);
  assert.equal(feeds.world?.revision, 2);
  feeds.publish(worldOf([gateway(), service("cart", "  protocol: http2"), route("shop", BACKEND)]));
  assert.deepEqual(told.slice(4), ["clusters"]);
});

test("createWorldFeeds() keeps the identity of rules and clusters that did not change", () => {
  const feeds = createWorldFeeds();
  const documents = [gateway(), service("cart"), service("next"), route("a", BACKEND), route("c", BACKEND)];
  feeds.publish(worldOf(documents));
  const before = feeds.world;
  // A rule and a cluster in the middle.
  feeds.publish(worldOf([...documents, service("more"), route("b", BACKEND.replace("cart", "more"))]));
  const after = feeds.world;
  assert.equal(after?.clusters.length, 2);
  assert.equal(after?.clusters[0], before?.clusters[0]);
  assert.equal(after?.routeTables[0]?.rules[0], before?.routeTables[0]?.rules[0]);
  assert.equal(after?.routeTables[0]?.rules[2], before?.routeTables[0]?.rules[1]);
  assert.equal(after?.listeners, before?.listeners);
});

test("ValueFeed tells late subscribers the present and stops with unsubscribe()", () => {
  const feed = new ValueFeed<number>();
  const told: string[] = [];
  const first = feed.subscribe((value) => told.push(`a${value}`));
  assert.equal(told.length, 0);
  feed.publish(1);
  feed.publish(1);
  feed.subscribe((value) => {
    told.push(`b${value}`);
    first.unsubscribe();
  });
  feed.publish(2);
  first.unsubscribe();
  feed.publish(3);
  assert.deepEqual(told, ["a1", "b1", "b2", "b3"]);
  assert.equal(feed.value, 3);
});

test("ValueFeed tells everybody even if one of them throws", () => {
  const feed = new ValueFeed<number>();
  const told: number[] = [];
  feed.subscribe(() => {
    throw new Error("first");
  });
  feed.subscribe((value) => told.push(value));
  assert.throws(() => feed.publish(1), /first/);
  assert.deepEqual(told, [1]);
});

test("ValueFeed does not tell a subscriber twice that comes during a publication", () => {
  const feed = new ValueFeed<number>();
  const told: number[] = [];
  feed.subscribe(() => {
    feed.subscribe((value) => told.push(value));
  });
  feed.publish(1);
  assert.deepEqual(told, [1]);
});
