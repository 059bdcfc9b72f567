import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { endianness } from "node:os";
import { test } from "node:test";
import { findPortHolders, listeningSockets } from "./port-holder.ts";

const isLinux = process.platform === "linux";

test(
  "findPortHolders() names the process that listens, also on an address that includes the one asked for",
  {
    skip: !isLinux,
  },
  async () => {
    for (const [host, asked] of [
      ["127.0.0.1", "127.0.0.1"],
      ["0.0.0.0", "127.0.0.1"],
      ["127.0.0.1", "0.0.0.0"],
      ["::1", "::1"],
      ["::", "127.0.0.1"],
    ] as const) {
      const server = createServer().listen({ host, port: 0, exclusive: true });
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const [holder, ...others] = await findPortHolders(asked, port);
      assert.equal(holder?.pid, process.pid, `${host} asked as ${asked}`);
      assert.notEqual(holder?.name, "");
      assert.deepEqual(others, []);
      server.close();
      await once(server, "close");
      assert.deepEqual(await findPortHolders(asked, port), []);
    }
  },
);

test("findPortHolders() passes over a listener of another address", { skip: !isLinux }, async () => {
  const server = createServer().listen({ host: "127.0.0.2", port: 0, exclusive: true });
  await once(server, "listening");
  assert.deepEqual(await findPortHolders("127.0.0.1", (server.address() as AddressInfo).port), []);
  server.close();
});

test("listeningSockets() reads the system's table", { skip: endianness() !== "LE" }, () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0000000000000000 20 0 0 10 -1
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0000000000000000 100 0 0 10 0
   3: 0200007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1 0000000000000000 100 0 0 10 0
`;
  assert.deepEqual(listeningSockets(table, "127.0.0.1", 8080), ["socket:[111]", "socket:[333]"]);
  assert.deepEqual(listeningSockets(table, "127.0.0.1", 8081), []);
});
