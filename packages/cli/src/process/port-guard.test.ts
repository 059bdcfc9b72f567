import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { claimPorts, findTakenPorts } from "./port-guard.ts";
import { canSharePorts } from "./shared-ports.ts";

const HERE = "127.0.0.1";

async function listen(port: number = 0): Promise<Server> {
  const server = createServer().listen({ host: HERE, port, reusePort: true, exclusive: true });
  await once(server, "listening");
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}

test("claimPorts() refuses a port whose holder would share it", { skip: !canSharePorts() }, async () => {
  const holder = await listen();
  const uses = [{ name: "web", address: HERE, port: portOf(holder) }];
  await assert.rejects(claimPorts(uses), (error) => {
    assert.ok(isWeftError(error, "CLI_PORT_TAKEN"));
    assert.ok(error.message.includes(`${HERE}:${portOf(holder)} (web) is taken by`), error.message);
    return true;
  });
  await close(holder);
  (await claimPorts(uses)).release();
});

test(
  "claimPorts() lets one of two have a port that both want at the same moment",
  {
    skip: process.platform !== "linux",
  },
  async () => {
    const holder = await listen();
    const uses = [{ name: "web", address: HERE, port: portOf(holder) }];
    await close(holder);
    const claims = await Promise.allSettled([claimPorts(uses), claimPorts(uses)]);
    const [refused, ...others] = claims.flatMap((claim) =>
      claim.status === "rejected" ? [claim.reason as unknown] : [],
    );
    assert.ok(isWeftError(refused, "CLI_PORT_TAKEN") && others.length === 0);
    for (const claim of claims) if (claim.status === "fulfilled") claim.value.release();
    (await claimPorts(uses)).release();
  },
);

test(
  "findTakenPorts() does not count what own processes hold, nor ports that the system chooses",
  {
    skip: process.platform !== "linux",
  },
  async () => {
    const holder = await listen();
    const uses = [
      { name: "web", address: HERE, port: portOf(holder) },
      { name: "any", address: HERE, port: 0 },
    ];
    const [taken, ...others] = await findTakenPorts(uses, new Set());
    assert.deepEqual(others, []);
    assert.deepEqual(
      taken?.holders.map(({ pid }) => pid),
      [process.pid],
    );
    assert.deepEqual(await findTakenPorts(uses, new Set([process.pid])), []);
    await close(holder);
  },
);
