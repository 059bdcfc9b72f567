import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createCluster } from "@weft/testkit";
import { startLoggedProxy } from "./logged-proxy.fixture.ts";
import { assertBalanced, connectRaw, echo, findDeadPort, send, startHttpServer } from "./proxy.fixture.ts";

describe("the access log", () => {
  test("holds no error for a request that another try saved, and the reason for one that none did", async (t) => {
    const [dead, live] = [await findDeadPort(), (await startHttpServer(echo)).port];
    const { port, proxy, lines } = await startLoggedProxy(t, {}, [createCluster([dead, live])]);
    for (let index = 0; index < 4; index++) assert.equal((await send(port)).status, 200);
    await assertBalanced(proxy);
    const saved = await lines();
    assert.deepEqual(
      saved.map((line) => line["error"]),
      ["", "", "", ""],
    );
    assert.ok(saved.some((line) => line["attempts"] === 2));

    const lost = await startLoggedProxy(t, {}, [createCluster([dead])]);
    assert.equal((await send(lost.port)).status, 503);
    await assertBalanced(lost.proxy);
    const [line] = await lost.lines();
    assert.match(String(line?.["error"]), /^UPSTREAM_CONNECT_FAILED: .*ECONNREFUSED/);
  });

  test("has IPv6 addresses of clients in brackets, of refused requests too", async (t) => {
    const { port, proxy, lines } = await startLoggedProxy(t, { proxyProtocol: "required" });
    for (const [target, status] of [
      ["/", "200"],
      ["/a#b", "400"],
    ] as const) {
      const client = connectRaw(port);
      client.socket.write(
        `PROXY TCP6 2001:db8::1 2001:db8::2 48784 80\r\nGET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
      );
      assert.equal((await client.end()).slice(9, 12), status);
      client.socket.destroy();
    }
    await assertBalanced(proxy);
    assert.deepEqual(
      (await lines()).map((line) => line["client"]),
      ["[2001:db8::1]:48784", "[2001:db8::1]:48784"],
    );
  });
});
