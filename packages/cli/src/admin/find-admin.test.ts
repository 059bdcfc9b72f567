import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { findAdmin, type UsualAddress } from "./find-admin.ts";

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

/** Somebody who answers every request with this body. */
async function answering(command: string, body: string): Promise<UsualAddress> {
  const server = createServer((_request, response) => response.end(body)).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return { command, address: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

const NOBODY: UsualAddress = { command: "weft up", address: "127.0.0.1", port: 1 };

test("findAdmin() takes the address that was named without asking", async () => {
  const named = { address: "127.0.0.1", port: 2 };
  assert.equal(await findAdmin(named, assert.fail, []), named);
});

test("findAdmin() finds the first admin server, and passes over other programs", async () => {
  const stranger = await answering("weft up", "<html>");
  const impostor = await answering("weft up", '{"isLive":"yes"}');
  const proxy = await answering("weft proxy", '{"isLive":true}');
  const found = await findAdmin(undefined, assert.fail, [NOBODY, stranger, impostor, proxy]);
  assert.deepEqual(found, { address: proxy.address, port: proxy.port });
});

test("findAdmin() says which of several it asks", async () => {
  const up = await answering("weft up", '{"isLive":true}');
  const proxy = await answering("weft proxy", '{"isLive":true}');
  const lines: string[] = [];
  assert.equal((await findAdmin(undefined, (line) => lines.push(line), [up, proxy])).port, up.port);
  const [at, other] = [`127.0.0.1:${up.port}`, `127.0.0.1:${proxy.port}`];
  assert.deepEqual(lines, [`Asking weft up at ${at}; --admin ${other} for weft proxy.`]);
});

test("findAdmin() says where it looked when there is none", async () => {
  await assert.rejects(
    findAdmin(undefined, assert.fail, [NOBODY, { ...NOBODY, command: "weft proxy", port: 3 }]),
    (error) => {
      assert.ok(isWeftError(error, "CLI_ADMIN_UNREACHABLE"));
      assert.match(error.message, /none answers at 127\.0\.0\.1:1 \(weft up\) or 127\.0\.0\.1:3 \(weft proxy\)/);
      return true;
    },
  );
});
