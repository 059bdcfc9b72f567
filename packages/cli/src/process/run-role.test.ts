import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { NODE_ARGS, type RunningRole, startRole, until } from "../test-command.ts";

/** A proxy in one process that answers 404 to everything, and writes that to logs/access.log. */
async function start(context: TestContext): Promise<{ readonly role: RunningRole; readonly logs: string }> {
  const folder = mkdtempSync(join(tmpdir(), "weft-run-role-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const logs = join(folder, "logs");
  mkdirSync(logs);
  writeFileSync(
    join(folder, "proxy.yaml"),
    `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata: { name: tested }
spec:
  outbound: { address: 127.0.0.1, port: 0 }
  admin: { port: 0 }
  accessLog: { target: ${logs}/access.log }
`,
  );
  const role = await startRole(["proxy", folder, "--single"]);
  context.after(async () => {
    if (role.child.exitCode !== null || role.child.signalCode !== null) return;
    role.child.kill("SIGKILL");
    await once(role.child, "exit");
  });
  return { role, logs };
}

async function ask({ listeners: [listener] }: RunningRole, path: string): Promise<void> {
  const [answer] = (await once(get({ host: "127.0.0.1", port: listener?.port, path, agent: false }), "response")) as [
    IncomingMessage,
  ];
  answer.resume();
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

test("runRole() goes on in a new log file at SIGHUP", async (context) => {
  const { role, logs } = await start(context);
  await ask(role, "/before");
  await until(() => contentOf(join(logs, "access.log")).includes("/before"));
  renameSync(join(logs, "access.log"), join(logs, "access.log.1"));
  role.child.kill("SIGHUP");
  await until(async () => {
    await ask(role, "/after");
    return contentOf(join(logs, "access.log")).includes("/after");
  });
  assert.ok(contentOf(join(logs, "access.log.1")).includes("/before"));
});

test("runRole() serves on when a log file cannot be opened again at SIGHUP, and says so", async (context) => {
  const { role, logs } = await start(context);
  renameSync(logs, `${logs}.1`);
  role.child.kill("SIGHUP");
  await until(() =>
    role.log.some(({ level, reason }) => level === "error" && /ACCESS_LOG_OPEN_FAILED/.test(String(reason))),
  );
  await ask(role, "/after");
  await until(() => contentOf(join(`${logs}.1`, "access.log")).includes("/after"));
  assert.equal(role.child.exitCode, null);
});

test("startRole() gives a role the options that the launcher gives, and none of node's test runner", async (context) => {
  const { role } = await start(context);
  const [, ...args] = execFileSync("ps", ["-ww", "-o", "args=", "-p", String(role.pid)], { encoding: "utf8" })
    .trim()
    .split(" ");
  assert.deepEqual(args.slice(0, args.indexOf("proxy") - 1), NODE_ARGS);
});
