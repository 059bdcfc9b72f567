import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { renderAdminAddress } from "../admin/admin-address.ts";
import { runCommand, type RunningRole, spawnCommand, startRole, until } from "../test-command.ts";

const YAML = `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: reached }
spec:
  outbound: { address: 127.0.0.1, port: 0 }
  admin: { address: 0.0.0.0, port: 0 }
`;

async function start(t: TestContext, token: string): Promise<RunningRole> {
  const folder = mkdtempSync(join(tmpdir(), "weft-admin-token-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "proxy.yaml");
  writeFileSync(file, YAML);
  const role = await startRole(["proxy", "--config", file, "--single"], { WEFT_ADMIN_TOKEN: token });
  t.after(async () => {
    const exit = once(role.child, "exit");
    role.child.kill("SIGTERM");
    await exit;
  });
  return role;
}

async function warningOf({ log }: RunningRole): Promise<string> {
  const isWarning = (line: Record<string, unknown>): boolean => line["level"] === "warn";
  await until(() => log.some(isWarning));
  return JSON.stringify(log.find(isWarning));
}

test("weft proxy warns of an admin server that others reach, and commands show its token", async (t) => {
  const role = await start(t, "t0ken");
  const args = ["status", "--admin", renderAdminAddress(role.admin)];
  const warning = await warningOf(role);
  assert.match(warning, /the admin server is reached by other machines/);
  assert.match(warning, /to whoever has the token/);
  const shown = await runCommand(args, { WEFT_ADMIN_TOKEN: "t0ken" });
  assert.equal(shown.status, 0, shown.stderr);
  for (const token of ["", "wrong"]) {
    const refused = await runCommand(args, { WEFT_ADMIN_TOKEN: token });
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /\[CLI_ADMIN_REFUSED\].* 401: \[ADMIN_TOKEN_NEEDED\]/);
  }
});

test("weft status, top and explain show the token on loopback to a server that listens on all addresses", async (t) => {
  const { admin } = await start(t, "t0ken");
  const env = { WEFT_ADMIN_TOKEN: "t0ken" };
  const args = ["--admin", `127.0.0.1:${admin.port}`];
  const shown = await runCommand(["status", ...args], env);
  assert.equal(shown.status, 0, shown.stderr);
  const explained = await runCommand(["explain", "GET", "http://cart/", ...args], env);
  assert.match(explained.stdout, /no route matches/, explained.stderr);
  const top = spawnCommand(["top", "--json", ...args], env);
  await once(top.stdout ?? top, "data", { signal: AbortSignal.timeout(30_000) });
  top.kill("SIGINT");
  assert.deepEqual(await once(top, "exit"), [0, null]);
});

test("weft top says that it is refused, and ends with 1", async (t) => {
  const { admin } = await start(t, "t0ken");
  const args = ["top", "--json", "--admin", `127.0.0.1:${admin.port}`];
  const { status, stderr } = await runCommand(args, { WEFT_ADMIN_TOKEN: "wrong" });
  assert.equal(status, 1);
  assert.match(stderr, /\[CLI_ADMIN_REFUSED\].*\/api\/events was answered with 401: \[ADMIN_TOKEN_NEEDED\]/);
});

test("weft proxy without a token shows others no more than probes need", async (t) => {
  const role = await start(t, "");
  assert.match(await warningOf(role), /WEFT_ADMIN_TOKEN is not set/);
  const answers = await Promise.all(
    ["/api/live", "/api/ready", "/metrics", "/api/config", "/"].map(async (path) => {
      const { status } = await fetch(`http://127.0.0.1:${role.admin.port}${path}`);
      return `${path} ${status}`;
    }),
  );
  assert.deepEqual(answers, ["/api/live 200", "/api/ready 200", "/metrics 401", "/api/config 401", "/ 401"]);
});
