import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { test } from "node:test";
import { PORT_STEP, PORT_TRIES_MAX } from "./limits.ts";
import { PortChooser } from "./ports.ts";

/** A server on the first port from `from` on that is free. */
async function listenFrom(from: number): Promise<Server> {
  for (let port = from; ; port++) {
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
      return server;
    } catch {
      // Taken: the next one.
    }
  }
}

test("PortChooser.choose() takes the next of a kind when the preferred port is taken", async () => {
  const server = await listenFrom(20_000);
  const { port } = server.address() as AddressInfo;
  const chooser = new PortChooser();
  try {
    const chosen = await chooser.choose(port);
    const again = await chooser.choose(port);
    assert.equal(new Set([port, chosen, again]).size, 3, "no port is given twice");
    for (const one of [chosen, again]) {
      assert.equal((one - port) % PORT_STEP, 0);
      assert.ok(one - port < PORT_STEP * PORT_TRIES_MAX);
    }
  } finally {
    server.close();
    chooser.release();
  }
});

test("PortChooser.choose() leaves the choice to the system when all of a kind are taken", async () => {
  const chooser = new PortChooser();
  const chosen = new Set<number>();
  // 64,000 has one port of its kind below 65,536 besides itself: the system chooses three.
  for (let count = 0; count < 5; count++) chosen.add(await chooser.choose(64_000));
  assert.equal(chosen.size, 5);
  chooser.release();
});

test("PortChooser keeps its ports from others, while whoever it chose them for can listen", async () => {
  const choosers = Array.from({ length: 4 }, () => new PortChooser());
  const chosen = await Promise.all(choosers.map((chooser) => chooser.choose(21_000)));
  assert.equal(new Set(chosen).size, choosers.length);
  for (const port of chosen) {
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  }
  const late = new PortChooser();
  const before = await late.choose(21_000);
  assert.ok(!chosen.includes(before));
  for (const chooser of choosers) chooser.release();
  const last = new PortChooser();
  const next = await last.choose(21_000);
  assert.ok(chosen.includes(next));
  last.release();
  late.release();
});

test("PortChooser.choose() passes over the port that browsers refuse to open", async () => {
  const chooser = new PortChooser();
  const chosen: number[] = [];
  for (let count = 0; count < PORT_TRIES_MAX; count++) chosen.push(await chooser.choose(8080));
  chooser.release();
  assert.ok(!chosen.includes(10_080), String(chosen));
});
