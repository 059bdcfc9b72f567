import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runCommand } from "../test-command.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-doctor-command-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function writeConfig(port: number): string {
  const path = join(folder, "proxy.yaml");
  const spec = `  inbound: { address: 127.0.0.1, port: ${port}, targetPort: 80 }\n  admin: { address: 127.0.0.1, port: 0 }\n`;
  writeFileSync(path, `apiVersion: weft.dev/v1\nkind: ProxyConfig\nmetadata: { name: tested }\nspec:\n${spec}`);
  return path;
}

interface Output {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly verdict: string }[];
}

test("weft doctor looks at the machine, and with a path at a configuration", async () => {
  const machine = JSON.parse((await runCommand(["doctor", "--json"])).stdout) as Output;
  assert.deepEqual(
    machine.checks.map(({ name }) => name),
    ["node", "install", "clock"],
  );
  const { status, stdout } = await runCommand(["doctor", writeConfig(0)]);
  assert.match(stdout, /^✔ configuration 1 listener and 1 cluster$/m);
  assert.match(stdout, /^✔ ports +0 free$/m);
  assert.match(stdout, /^✔ access log +requests are not logged$/m);
  assert.match(stdout, /^✔ tracing +no spans are sent$/m);
  assert.match(stdout, /^✔ admin +127\.0\.0\.1:0, for this machine alone$/m);
  assert.equal(status, stdout.includes("✖") ? 1 : 0);
});

test("weft doctor ends with 1 when something fails, and says what to do", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const { status, stdout } = await runCommand(["doctor", writeConfig(port)]);
    assert.equal(status, 1);
    assert.match(stdout, new RegExp(`^✖ ports +127\\.0\\.0\\.1:${port} is taken by another process -> see who`, "m"));
  } finally {
    server.close();
  }
  writeFileSync(join(folder, "proxy.yaml"), "kind: Nothing\n");
  const { status, stdout } = await runCommand(["doctor", folder, "--json"]);
  assert.equal(status, 1);
  const { ok, checks } = JSON.parse(stdout) as Output;
  assert.deepEqual([ok, checks.at(-1)?.name, checks.at(-1)?.verdict], [false, "configuration", "failed"]);
});
