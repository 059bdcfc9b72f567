import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { MESH_RETRIES_MAX } from "./limits.ts";
import { type Mesh, planMesh } from "./mesh.ts";
import type { PortChooser } from "./ports.ts";
import { LOOPBACK } from "./shop/application.ts";
import { type UpOptions, withMesh } from "./up.ts";

/** Many processes start, on a machine that does other things. */
const TIMEOUT_MS = 100_000;

function createOptions(onEvent: (text: string) => void): UpOptions {
  const { signal } = new AbortController();
  return { folder: undefined, keepsFiles: false, signal, killSignal: signal, onEvent };
}

/** A plan of which another program has taken a port before the mesh listens there. */
async function planTaken(chooser: PortChooser, portOf: (mesh: Mesh) => number, times: number): Promise<Mesh> {
  const mesh = await planMesh(chooser);
  if (times === 0) return mesh;
  const server = createServer((socket) => socket.destroy()).listen(portOf(mesh), LOOPBACK);
  server.unref();
  await once(server, "listening");
  return mesh;
}

test("withMesh() starts on other ports when one was taken after it was chosen", { timeout: TIMEOUT_MS }, async () => {
  const events: string[] = [];
  const taken: number[] = [];
  const portOfPayment = (mesh: Mesh): number => {
    const port = mesh.instances.find(({ name }) => name === "payment-1")?.applicationPort ?? 0;
    taken.push(port);
    return port;
  };
  const port = await withMesh(
    createOptions((text) => void events.push(text)),
    async ({ mesh }) => mesh.instances.find(({ name }) => name === "payment-1")?.applicationPort,
    (chooser) => planTaken(chooser, portOfPayment, taken.length === 0 ? 1 : 0),
  );
  assert.equal(taken.length, 1);
  assert.ok(port !== undefined && !taken.includes(port));
  assert.deepEqual(events, ["another program has taken a port meanwhile: starting again on other ports"]);
});

test("withMesh() gives up when ports are taken again and again", { timeout: TIMEOUT_MS }, async () => {
  let tries = 0;
  const start = withMesh(
    createOptions(() => {}),
    () => assert.fail("it does not start"),
    (chooser) => planTaken(chooser, ({ instances }) => (tries++, instances[1]?.applicationPort ?? 0), 1),
  );
  await assert.rejects(start, (error) => {
    assert.ok(isWeftError(error, "CLI_MESH_START_FAILED"));
    assert.match(error.message, /EADDRINUSE/);
    return true;
  });
  assert.equal(tries, MESH_RETRIES_MAX + 1);
});
