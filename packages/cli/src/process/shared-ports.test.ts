import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import type { ListenerConfig, World } from "@weft/contract";
import { isWeftError } from "@weft/kernel";
import { canSharePorts, SharedPorts } from "./shared-ports.ts";

function worldOf(...listeners: readonly { name: string; address: string; port: number }[]): World {
  return { revision: 1, listeners: listeners as readonly ListenerConfig[] } as World;
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen({ host: "127.0.0.1", port, reusePort: true, exclusive: true });
  await once(server, "listening");
  return server;
}

test(
  "SharedPorts.resolve() gives every listener one port, the same in each revision",
  { skip: !canSharePorts() },
  async () => {
    const ports = new SharedPorts();
    const first = { name: "first", address: "127.0.0.1", port: 0 };
    const second = { name: "second", address: "127.0.0.1", port: 0 };
    const fixed = { name: "fixed", address: "127.0.0.1", port: 1234 };
    const resolved = await ports.resolve(worldOf(first, fixed));
    const again = await ports.resolve(worldOf(fixed, second, first));
    ports.release();
    const portOf = (world: World, name: string): number | undefined =>
      world.listeners.find((listener) => listener.name === name)?.port;
    assert.notEqual(portOf(resolved, "first"), 0);
    assert.equal(portOf(resolved, "first"), portOf(again, "first"));
    assert.notEqual(portOf(again, "second"), portOf(again, "first"));
    assert.equal(portOf(again, "fixed"), 1234);
  },
);

test(
  "SharedPorts.resolve() holds a port so that several workers can listen on it",
  { skip: !canSharePorts() },
  async () => {
    const ports = new SharedPorts();
    const world = await ports.resolve(worldOf({ name: "a", address: "127.0.0.1", port: 0 }));
    const port = world.listeners[0]?.port ?? 0;
    const workers = [await listen(port), await listen(port)];
    ports.release();
    for (const worker of workers) worker.close();
  },
);

test("SharedPorts.resolve() leaves a world without port 0 as it is", async () => {
  const world = worldOf({ name: "a", address: "127.0.0.1", port: 80 });
  assert.equal(await new SharedPorts().resolve(world), world);
});

test("SharedPorts.resolve() names the listener whose address is not ours", { skip: !canSharePorts() }, async () => {
  const world = worldOf({ name: "far", address: "192.0.2.1", port: 0 });
  await assert.rejects(new SharedPorts().resolve(world), (error) => {
    assert.ok(isWeftError(error, "CLI_PORT_UNAVAILABLE"));
    assert.match(error.message, /listener far on 192\.0\.2\.1/);
    return true;
  });
});
