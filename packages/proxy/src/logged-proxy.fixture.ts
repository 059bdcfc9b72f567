import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ClusterConfig, ListenerConfig, RouteRule } from "@weft/contract";
import { createCluster, createListener, createSettings } from "@weft/testkit";
import { echo, type ProxyFixture, startHttpServer, startProxy } from "./proxy.fixture.ts";

/** A proxy that logs everything. */
export interface LoggedProxy extends ProxyFixture {
  /** The lines of its access log; closes it. */
  readonly lines: () => Promise<Record<string, unknown>[]>;
}

/** Starts one, in front of a host that echoes where no clusters are given. */
export async function startLoggedProxy(
  t: TestContext,
  listener: Partial<ListenerConfig> = {},
  clusters?: readonly ClusterConfig[],
  rules?: readonly RouteRule[],
): Promise<LoggedProxy> {
  const folder = mkdtempSync(join(tmpdir(), "weft-logged-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const target = join(folder, "access.log");
  const hosts = clusters ?? [createCluster([(await startHttpServer(echo)).port])];
  const fixture = await startProxy(hosts, rules, createListener(listener));
  const all = [{ statusMin: 0, durationMsMin: 0, routes: [], sample: 1 }];
  fixture.world.settings.set(createSettings({ accessLog: { target, rules: all } }));
  return {
    ...fixture,
    lines: async () => {
      await fixture.proxy.close();
      const text = readFileSync(target, "utf8").trimEnd();
      return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}
